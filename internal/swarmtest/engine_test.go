package swarmtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/childproc"
)

// root is the folder of the module, seen from this package.
const root = "../.."

// engine is a Docker engine with its own data, socket, network, mounts and processes.
type engine struct {
	t    *testing.T
	env  []string
	pid  int // of a process in the engine's network namespace
	http *http.Client
}

// in is the engine for a subtest.
func (e *engine) in(t *testing.T) *engine {
	c := *e
	c.t = t
	return &c
}

// requireEngine skips the test where no engine of its own can run.
func requireEngine(t *testing.T) {
	t.Helper()
	if os.Getenv("MILLRACE_SWARM") != "1" {
		t.Skip("the test of the stack on a real swarm runs with MILLRACE_SWARM=1 (make test-swarm)")
	}
	if os.Geteuid() != 0 {
		t.Skip("a Docker engine of the test's own needs root")
	}
	var missing []string
	for _, tool := range []string{"dockerd", "docker", "busybox", "tar", "unshare"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
		}
	}
	if len(missing) > 0 {
		t.Skipf("the swarm needs %s on the PATH (Debian: docker.io, busybox-static)", strings.Join(missing, ", "))
	}
}

// engineScript runs in namespaces of its own: bridges, packet filter rules, published ports, mounts and containers are nobody else's and
// end with it, even when the test is killed. The shell is process 1 there and reaps what containers leave.
const engineScript = `
mount -t tmpfs tmpfs /run
busybox ip link set lo up
dockerd --data-root "$0/data" --exec-root /run/docker-exec -p /run/docker.pid -H "unix://$0/docker.sock" --cgroup-parent "$1" &
wait
`

// startEngine starts a Docker engine that ends with the test and leaves nothing.
func startEngine(t *testing.T) *engine {
	t.Helper()
	dir, err := os.MkdirTemp("", "swarm") // short: the path of a socket may have 108 bytes
	require.NoError(t, err)
	group := "millrace-" + filepath.Base(dir)
	p, err := childproc.Launch("dockerd",
		[]string{"unshare", "--net", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc", "sh", "-c", engineScript, dir, "/" + group},
		nil, time.Minute, func(line string) bool { return strings.Contains(line, "API listen on") })
	if err != nil {
		_ = os.RemoveAll(dir) // the test ends here for another reason
		t.Skipf("no Docker engine can run here: %v", err)
	}
	e := &engine{t: t, pid: p.PID(), env: append(os.Environ(), "DOCKER_HOST=unix://"+filepath.Join(dir, "docker.sock"), "DOCKER_BUILDKIT=0")}
	e.http = &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: e.dial}}
	t.Cleanup(func() {
		e.http.CloseIdleConnections()
		_, _ = e.try("docker", "swarm", "leave", "--force") // fails where the test has not come to swarm init
		if ids, err := e.try("docker", "ps", "-aq"); err == nil && ids != "" {
			_, _ = e.try("docker", append([]string{"rm", "-f"}, strings.Fields(ids)...)...) // what a failed test left
		}
		if err := p.Stop(); err != nil {
			t.Log(err)
		}
		require.NoError(t, os.RemoveAll(dir))
		require.NoError(t, removeGroups(group))
	})
	return e
}

// removeGroups removes the control groups that the engine made for its containers: they belong to no namespace.
func removeGroups(name string) error {
	found, err := filepath.Glob("/sys/fs/cgroup/*/" + name)
	if err != nil {
		return err
	}
	for _, top := range append(found, filepath.Join("/sys/fs/cgroup", name)) {
		var dirs []string
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil // a hierarchy that does not have it, or a container's that has just gone
		})
		if err != nil {
			return err
		}
		for _, dir := range slices.Backward(dirs) {
			if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// get asks a server that the engine publishes, with the password of the stack, and returns the status.
func (e *engine) get(url string) (int, []byte, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	req.SetBasicAuth(user, password)
	resp, err := e.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, data, err
}

// try runs a command with the engine as its Docker and returns what it printed.
func (e *engine) try(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = e.env
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// run is try for a command that has to succeed.
func (e *engine) run(name string, args ...string) string {
	e.t.Helper()
	out, err := e.try(name, args...)
	require.NoError(e.t, err, "%s %s: %s", name, strings.Join(args, " "), out)
	return out
}

// script runs a script of deploy/swarm with variables NAME=value set.
func (e *engine) script(name string, vars []string, args ...string) string {
	e.t.Helper()
	cmd := exec.Command(filepath.Join(root, "deploy/swarm", name), args...)
	cmd.Env = append(append([]string{}, e.env...), vars...)
	out, err := cmd.CombinedOutput()
	require.NoError(e.t, err, "%s: %s", name, out)
	e.t.Logf("%s: %s", name, bytes.TrimSpace(out))
	return string(out)
}

// importImage makes an image of the files of folder and, with their own paths, more files of this machine.
func (e *engine) importImage(tag, folder string, changes []string, files ...string) {
	e.t.Helper()
	pack := []string{"-C", folder, "-c", "."}
	var excludes, names []string
	for _, f := range files {
		if strings.HasPrefix(f, "--exclude=") {
			excludes = append(excludes, f)
		} else {
			names = append(names, f)
		}
	}
	tar := exec.Command("tar", append(append(excludes, pack...), "-C", "/", "--verbatim-files-from", "--files-from", "-")...)
	tar.Stdin = strings.NewReader(strings.Join(names, "\n"))
	args := []string{"import"}
	for _, c := range changes {
		args = append(args, "-c", c)
	}
	load := exec.Command("docker", append(args, "-", tag)...)
	load.Env = e.env
	pipe, err := tar.StdoutPipe()
	require.NoError(e.t, err)
	load.Stdin = pipe
	var out, tarOut bytes.Buffer
	load.Stdout, load.Stderr, tar.Stderr = &out, &out, &tarOut
	require.NoError(e.t, tar.Start())
	require.NoError(e.t, load.Run(), "importing %s: %s", tag, out.String())
	require.NoError(e.t, tar.Wait(), "packing %s: %s", tag, tarOut.String())
}

// waitFor asks again and again until ask is content; otherwise the test fails with ask's last answer.
func (e *engine) waitFor(what string, limit time.Duration, ask func() (answer string, ok bool)) {
	e.t.Helper()
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(limit)
	for {
		answer, ok := ask()
		if ok {
			return
		}
		select {
		case <-deadline:
			e.t.Fatalf("waiting for %s: %s", what, answer)
		case <-ticker.C:
		}
	}
}
