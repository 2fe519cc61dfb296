package swarmtest

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/testenv"
)

// busyboxRoot returns a folder with busybox and links for its commands, the least that a RUN line and a script need.
func busyboxRoot(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"bin", "tmp", "etc/ssl/certs", "root"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	path, err := exec.LookPath("busybox")
	require.NoError(t, err)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bin/busybox"), data, 0o755))
	for _, name := range []string{"sh", "mkdir", "cp", "ln", "printf", "chmod", "chown", "find", "touch", "cat", "usleep", "echo", "sleep", "true"} {
		require.NoError(t, os.Symlink("busybox", filepath.Join(dir, "bin", name)))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "etc/passwd"), []byte("root:x:0:0::/root:/bin/sh\n"), 0o644))
	certs, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		certs = []byte("# a machine without certificates\n")
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "etc/ssl/certs/ca-certificates.crt"), certs, 0o644))
	return dir
}

// goVariable returns a variable of go env.
func goVariable(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

// importGo makes golang:1.26-alpine of this machine's Go and the modules that it has downloaded: no image can be pulled in a test.
func (e *engine) importGo() {
	goroot, modules := goVariable(e.t, "GOROOT"), filepath.Join(goVariable(e.t, "GOMODCACHE"), "cache/download")
	e.importImage("golang:1.26-alpine", busyboxRoot(e.t), []string{
		"ENV PATH=" + goroot + "/bin:/bin GOROOT=" + goroot + " GOTOOLCHAIN=local GOPROXY=file://" + modules + " GOSUMDB=off GOFLAGS=-mod=mod",
	}, "--exclude="+strings.TrimPrefix(goroot, "/")+"/test", strings.TrimPrefix(goroot, "/"), strings.TrimPrefix(modules, "/"))
}

// importElasticsearch makes an image of the Elasticsearch that tests use: the same Java, jars and arguments at the same paths, the
// password from the file that the official image reads.
func (e *engine) importElasticsearch(tag string) {
	t := e.t
	es := testenv.Elasticsearch(t, testenv.WithSecurity(user, "for-learning-only"), testenv.WithEnv("ES_HEAP", "512m"))
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", es.PID()))
	require.NoError(t, err)
	es.Stop()
	args := strings.Split(strings.TrimRight(string(raw), "\x00"), "\x00")
	main := slices.Index(args, "labes.Main")
	require.Positive(t, main)

	dir := busyboxRoot(t)
	var script strings.Builder
	script.WriteString("#!/bin/sh\nset -eu\nES_SECURITY=\"" + user + ":$(cat \"$ELASTIC_PASSWORD_FILE\")\"\nexport ES_SECURITY ES_LOG=error\nexec")
	for _, a := range args[:main+1] {
		script.WriteString(" '" + strings.ReplaceAll(a, "'", `'\''`) + "'")
	}
	script.WriteString(" 9200 /usr/share/elasticsearch http.host=0.0.0.0\n")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "elasticsearch.sh"), []byte(script.String()), 0o755))

	// The health check of the stack file asks by curl for a status.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bin/curl"), []byte("#!/bin/sh\nbusybox nc -z localhost 9200 && echo 401\n"), 0o755))
	require.NoError(t, os.Symlink("busybox", filepath.Join(dir, "bin/grep")))

	home := filepath.Dir(filepath.Dir(args[0]))
	files := map[string]bool{home: true}
	for i, a := range args[:main] {
		if a == "-cp" {
			for _, jar := range strings.Split(args[i+1], ":") {
				files[jar] = true
				files[filepath.Dir(args[i+1][:strings.Index(args[i+1], ":")])] = true // of the first jar: archive and libraries are there
			}
		}
	}
	for _, lib := range sharedLibraries(t, home) {
		files[lib] = true
	}
	var list []string
	for f := range files {
		if !files[filepath.Dir(f)] { // a file that comes with its folder would be there twice
			list = append(list, strings.TrimPrefix(f, "/"))
		}
	}
	slices.Sort(list)
	e.importImage(tag, dir, []string{`ENTRYPOINT ["/elasticsearch.sh"]`, "ENV PATH=/bin"},
		append([]string{"--exclude=*/jmods", "--exclude=*/src.zip", "--exclude=*/ct.sym", "--exclude=*/man"}, list...)...)
}

var libraryPath = regexp.MustCompile(`(/\S+) \(0x`)

// sharedLibraries returns what a Java needs of the system: found by ldd, links and their targets.
func sharedLibraries(t *testing.T, home string) []string {
	t.Helper()
	out, err := exec.Command("sh", "-c", `ldd "$0"/bin/java "$0"/lib/*.so "$0"/lib/server/*.so; ldconfig -p | sed -n 's/.*\(libzstd.so.1\) .*=> \(.*\)/\2 (0x/p'`, home).Output()
	require.NoError(t, err)
	var libs []string
	for _, m := range libraryPath.FindAllStringSubmatch(string(out), -1) {
		if strings.HasPrefix(m[1], home) {
			continue
		}
		libs = append(libs, m[1])
		if target, err := filepath.EvalSymlinks(m[1]); err == nil {
			libs = append(libs, target)
		}
	}
	// /lib and /lib64 are links to /usr: what is asked for by the short name is there by the long one.
	for _, dir := range []string{"/lib", "/lib64"} {
		if _, err := os.Readlink(dir); err == nil {
			libs = append(libs, dir)
		}
	}
	for i, l := range libs {
		if strings.HasPrefix(l, "/lib") && strings.Count(l, "/") > 1 {
			if _, err := os.Stat("/usr" + l); err == nil {
				libs[i] = "/usr" + l
			}
		}
	}
	return libs
}

// importApp makes an image of an application that logs: the sender of deploy/swarm/senders and a shell.
func (e *engine) importApp(tag string) {
	dir := busyboxRoot(e.t)
	cmd := exec.Command("go", "build", "-o", filepath.Join(dir, "bin/send"), "millrace/deploy/swarm/senders")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(e.t, err, "%s", out)
	e.importImage(tag, dir, []string{"ENV PATH=/bin"})
}

// buildMillrace builds the image by the real Dockerfile and the stack's own by its three lines, and checks the former's promises.
func (e *engine) buildMillrace(tag string) {
	e.run("docker", "build", "-t", "millrace:latest", root)
	e.run("docker", "build", "-t", tag, filepath.Join(root, "deploy/swarm/logstash"))
	out, err := e.try("sh", "-c", "docker save millrace:latest | gzip -9 | wc -c")
	require.NoError(e.t, err)
	size, err := strconv.Atoi(out)
	require.NoError(e.t, err)
	e.t.Logf("the image has %.1f MB compressed", float64(size)/1e6)
	require.Less(e.t, size, 15_000_000)
	require.Equal(e.t, "1000:1000", e.run("docker", "inspect", "-f", "{{.Config.User}}", "millrace:latest"))
	for _, words := range [][]string{{}, {"millrace"}, {"logstash"}, {"agent"}, {"logstash", "agent"}, {"/usr/share/logstash/bin/logstash"}} {
		require.Contains(e.t, e.run("docker", append(append([]string{"run", "--rm", "--read-only", "millrace:latest"}, words...), "--version")...), "millrace ", "%q", words)
	}
	for _, entry := range []string{"logstash", "docker-entrypoint", "/usr/share/logstash/bin/logstash", "/opt/logstash/bin/logstash"} {
		require.Contains(e.t, e.run("docker", "run", "--rm", "--entrypoint", entry, "millrace:latest", "--version"), "millrace ", entry)
	}
	settings := e.run("docker", "run", "--rm", "--read-only", "-e", "PIPELINE_WORKERS=3", "-e", "LS_JAVA_OPTS=-Xmx1g", "-e", "XPACK_MONITORING_ENABLED=false",
		"millrace:latest", "-e", "input { generator { count => 1 } } output { null {} }")
	require.Contains(e.t, settings, "pipeline.workers=3")
	require.Equal(e.t, 1, strings.Count(settings, "LS_JAVA_OPTS"))
}

// get asks Elasticsearch, which only the test's override publishes.
func get(url, password string) (int, []byte, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	req.SetBasicAuth(user, password)
	return do(req)
}
