package testenv

import (
	"strconv"
	"strings"
	"testing"

	"millrace/internal/childproc"
)

// scripted describes a server that a start script prepares and runs: what it is made of comes from Maven Central or the Go module proxy.
type scripted struct {
	name   string
	script []string // below internal/testenv
}

// new fetches and compiles what the server needs, which takes a minute once a machine, and describes how to start it.
func (j scripted) new(o *options, dir string) (*server, error) {
	path, err := script(j.script...)
	if err != nil {
		return nil, err
	}
	// Maven may end its output with codes for colours and no line feed.
	p, err := childproc.Launch(j.name+" (prepare)", []string{"bash", "-c", `bash "$0" prepare && printf '\nPREPARED\n'`, path}, o.env, prepareTimeout,
		func(line string) bool { return line == "PREPARED" })
	if err != nil {
		return nil, err
	}
	<-p.Done()
	return &server{
		name: j.name,
		command: func(port int) []string {
			return append([]string{"bash", path, strconv.Itoa(port), dir}, o.settings...)
		},
		env: o.env,
		address: func(line string, _ int) string {
			rest, ok := strings.CutPrefix(line, "READY ")
			if !ok {
				return ""
			}
			addr, _, _ := strings.Cut(rest, " ")
			if _, after, ok := strings.Cut(addr, "://"); ok {
				addr = after
			}
			return addr
		},
	}, nil
}

func requireJava(t testing.TB, name string) {
	t.Helper()
	requireTools(t, name, "bash", "mvn", "javac")
}
