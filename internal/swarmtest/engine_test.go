package swarmtest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/childproc"
)

// root is the folder of the module, seen from this package.
const root = "../.."

// engine is a Docker engine with its own data and socket.
type engine struct {
	t   *testing.T
	env []string
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
	for _, tool := range []string{"dockerd", "docker", "busybox", "tar"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
		}
	}
	if len(missing) > 0 {
		t.Skipf("the swarm needs %s on the PATH (Debian: docker.io, busybox-static)", strings.Join(missing, ", "))
	}
}

// startEngine starts a Docker engine that ends with the test and leaves nothing.
func startEngine(t *testing.T) *engine {
	t.Helper()
	dir, err := os.MkdirTemp("", "swarm") // short: the path of a socket may have 108 bytes
	require.NoError(t, err)
	e := &engine{t: t, env: append(os.Environ(), "DOCKER_HOST=unix://"+filepath.Join(dir, "docker.sock"), "DOCKER_BUILDKIT=0")}
	p, err := childproc.Launch("dockerd", []string{
		"dockerd", "--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"-H", "unix://" + filepath.Join(dir, "docker.sock"), "-p", filepath.Join(dir, "pid"),
	}, nil, time.Minute, func(line string) bool { return strings.Contains(line, "API listen on") })
	if err != nil {
		_ = os.RemoveAll(dir) // the test ends here for another reason
		t.Skipf("no Docker engine can run here: %v", err)
	}
	t.Cleanup(func() {
		_, _ = e.try("docker", "swarm", "leave", "--force") // fails where the test has not come to swarm init
		if ids, err := e.try("docker", "ps", "-aq"); err == nil && ids != "" {
			_, _ = e.try("docker", append([]string{"rm", "-f"}, strings.Fields(ids)...)...) // what a failed test left
		}
		if err := p.Stop(); err != nil {
			t.Log(err)
		}
		unmountBelow(t, dir)
		require.NoError(t, os.RemoveAll(dir))
	})
	return e
}

// unmountBelow unmounts what an engine left mounted, the deepest first.
func unmountBelow(t *testing.T, dir string) {
	t.Helper()
	mounts, err := os.ReadFile("/proc/mounts")
	require.NoError(t, err)
	lines := strings.Split(string(mounts), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if f := strings.Fields(lines[i]); len(f) > 1 && strings.HasPrefix(f[1], dir+"/") {
			if out, err := exec.Command("umount", f[1]).CombinedOutput(); err != nil {
				t.Logf("umount %s: %v: %s", f[1], err, out)
			}
		}
	}
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
	if len(files) > 0 {
		pack = append(append(pack, "-C", "/"), files...)
	}
	tar := exec.Command("tar", pack...)
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
