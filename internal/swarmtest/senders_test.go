package swarmtest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/childproc"
	"millrace/internal/testenv"
)

// buildProgram builds one of the module's programs.
func buildProgram(t *testing.T, pkg string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// TestSendersToMillrace runs the examples of applications against Millrace itself, which ends by SIGTERM and starts again while they send:
// every line arrives, and arrives once.
func TestSendersToMillrace(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds two programs and restarts one")
	}
	millrace, sender := buildProgram(t, "millrace/cmd/millrace"), buildProgram(t, "millrace/deploy/swarm/senders")
	f := func(tool string, argv ...string) {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			needTool(t, argv[0])
			dir, port := t.TempDir(), testenv.FreePort(t)
			start := func() *childproc.Process {
				p, err := childproc.Launch("millrace", []string{millrace, "--api.enabled=false", "--path.data", dir, "-e", fmt.Sprintf(
					`input { tcp { host => "127.0.0.1" port => %d } } filter { json { source => "message" } } output { file { path => "%s/out.json" } }`, port, dir)},
					nil, time.Minute, func(line string) bool { return strings.Contains(line, "listening") })
				require.NoError(t, err)
				t.Cleanup(p.Kill)
				return p
			}
			p := start()
			cmd := exec.Command(argv[0], argv[1:]...)
			cmd.Env = append(os.Environ(), fmt.Sprintf("ADDRESS=127.0.0.1:%d", port))
			var errOut strings.Builder
			cmd.Stderr = &errOut
			stdin, err := cmd.StdinPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			defer func() { _ = cmd.Process.Kill() }() // has ended, unless the test failed

			// The application goes on while the service restarts.
			half, end, sent := make(chan struct{}), make(chan struct{}), make(chan int)
			go func() {
				tick := time.NewTicker(2 * time.Millisecond)
				defer tick.Stop()
				i := 0
				for ending := false; !ending || i < 600; i++ {
					if i == 300 {
						close(half)
					}
					_, _ = fmt.Fprintf(stdin, "line %d\n", i) // a sender that died shows in what is missing
					select {
					case <-tick.C:
					case <-end:
						end, ending = nil, true
					}
				}
				_ = stdin.Close()
				sent <- i
			}()
			<-half
			require.NoError(t, p.Stop())
			p = start()
			close(end)
			n := <-sent
			require.NoError(t, cmd.Wait(), errOut.String())
			require.NoError(t, p.Stop())

			data, err := os.ReadFile(filepath.Join(dir, "out.json"))
			require.NoError(t, err)
			got := make(map[string]int)
			for line := range strings.Lines(string(data)) {
				var event struct{ Message string }
				require.NoError(t, json.Unmarshal([]byte(line), &event))
				got[event.Message]++
			}
			for i := range n {
				require.Equal(t, 1, got[fmt.Sprintf("line %d", i)], "line %d of %d: %s", i, n, errOut.String())
			}
			require.Len(t, got, n)
		})
	}
	f("go", sender)
	f("python", "python3", filepath.Join(root, "deploy/swarm/senders/send.py"))
	f("node", "node", filepath.Join(root, "deploy/swarm/senders/send.mjs"))
}
