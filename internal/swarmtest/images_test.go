package swarmtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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
	for _, name := range []string{"sh", "mkdir", "cp", "ln", "printf", "chmod", "chown", "find", "touch", "cat", "usleep", "echo", "sleep", "true", "wget", "nslookup"} {
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

const (
	goImage      = "golang:1.26-alpine"
	emptyGoImage = "golang:without-a-cache"
)

// importGo makes golang:1.26-alpine of this machine's Go and the modules that it has downloaded: no image can be pulled in a test. It
// holds what the compiler made in an earlier run of the test too, or the build would take minutes each time; emptyGoImage does not.
func (e *engine) importGo() {
	goroot, modules := goVariable(e.t, "GOROOT"), filepath.Join(goVariable(e.t, "GOMODCACHE"), "cache/download")
	files := append([]string{"--exclude=" + strings.TrimPrefix(goroot, "/") + "/test", strings.TrimPrefix(goroot, "/")}, moduleFiles(e.t, modules)...)
	environment := "ENV PATH=" + goroot + "/bin:/bin GOROOT=" + goroot + " GOTOOLCHAIN=local GOPROXY=file://" + modules + " GOSUMDB=off GOFLAGS=-mod=mod"
	if rebuild() {
		e.importImage(emptyGoImage, busyboxRoot(e.t), []string{environment}, files...)
	}
	cache := compilerCache(e.t)
	e.importImage(goImage, busyboxRoot(e.t), []string{environment + " GOCACHE=" + cache}, append(files, strings.TrimPrefix(cache, "/"))...)
}

// compilerCache compiles what the Dockerfile compiles, into a folder that stays.
func compilerCache(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	require.NoError(t, err)
	dir = filepath.Join(dir, "millrace-test", "go-build")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(t.TempDir(), "millrace"), "./cmd/millrace")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOCACHE="+dir)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return dir
}

// moduleFiles returns what go mod download reads of the folder of downloaded modules: the source code of the project's own modules, and
// every go.mod. Other programs download into the same folder meanwhile, and what they lock and check changes.
func moduleFiles(t *testing.T, folder string) []string {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json")
	cmd.Dir = root
	out, err := cmd.Output()
	require.NoError(t, err)
	var files []string
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var module struct{ Zip string }
		require.NoError(t, d.Decode(&module))
		files = append(files, strings.TrimPrefix(module.Zip, "/"))
	}
	require.NoError(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); err == nil && (ext == ".mod" || ext == ".info") {
			files = append(files, strings.TrimPrefix(path, "/"))
		}
		return err
	}))
	return files
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
	script.WriteString("#!/bin/sh\nset -eu\nES_SECURITY=${ES_SECURITY:-\"" + user + ":$(cat \"$ELASTIC_PASSWORD_FILE\")\"}\nexport ES_SECURITY ES_LOG=error\nexec")
	for _, a := range args[:main+1] {
		script.WriteString(" '" + strings.ReplaceAll(a, "'", `'\''`) + "'")
	}
	script.WriteString(" 9200 /usr/share/elasticsearch http.host=0.0.0.0\n")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "elasticsearch.sh"), []byte(script.String()), 0o755))

	// The health check of the stack file asks by curl for a status. A task that is not healthy has no name in the network.
	// It prints the status line; nc is what every busybox has that can ask.
	curl := "#!/bin/sh\nprintf 'GET / HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 4 127.0.0.1 9200\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bin/curl"), []byte(curl), 0o755))
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
