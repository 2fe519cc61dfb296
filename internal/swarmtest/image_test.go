package swarmtest

import (
	"debug/elf"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/settings"
)

// maxImage is what the image may weigh, compressed.
const maxImage = 15_000_000

// testImage builds the image by the real Dockerfile, the stack's own by its three lines, and checks what docs/IMAGE.md promises.
func (e *engine) testImage() {
	began := time.Now()
	e.build("millrace:latest")
	e.t.Logf("the image was built in %v", time.Since(began).Round(time.Second))
	e.run("docker", "build", "-t", stackImage, filepath.Join(root, "deploy/swarm/logstash"))
	require.Equal(e.t, `["-f","/logstash_conf/pipeline.conf"]`, e.run("docker", "inspect", "-f", "{{json .Config.Cmd}}", stackImage))

	size, err := strconv.Atoi(e.run("sh", "-c", "docker save millrace:latest | gzip -9 | wc -c"))
	require.NoError(e.t, err)
	e.t.Logf("the image has %.2f MB compressed", float64(size)/1e6)
	require.Less(e.t, size, maxImage)
	require.Equal(e.t, "1000:1000", e.run("docker", "inspect", "-f", "{{.Config.User}}", "millrace:latest"))
	require.Equal(e.t, "1.2.3", e.run("docker", "inspect", "-f", `{{index .Config.Labels "org.opencontainers.image.version"}}`, "millrace:latest"))
	for _, words := range [][]string{{}, {"millrace"}, {"logstash"}, {"agent"}, {"logstash", "agent"}, {"/usr/share/logstash/bin/logstash"}} {
		require.Contains(e.t, e.run("docker", append(append([]string{"run", "--rm", "--read-only", "millrace:latest"}, words...), "--version")...), "millrace 1.2.3", "%q", words)
	}
	for _, entry := range []string{"logstash", "docker-entrypoint", "/usr/share/logstash/bin/logstash", "/opt/logstash/bin/logstash"} {
		require.Contains(e.t, e.run("docker", "run", "--rm", "--entrypoint", entry, "millrace:latest", "--version"), "millrace 1.2.3", entry)
	}
	e.checkStart()
	if !rebuild() {
		e.t.Log("the second build and that of arm64 take minutes: MILLRACE_SWARM_REBUILD=1")
		return
	}
	e.checkReproducible()
	e.checkArm()
}

// rebuild says whether to take the minutes for builds that find nothing compiled.
func rebuild() bool { return os.Getenv("MILLRACE_SWARM_REBUILD") == "1" }

// build builds the image as make image does.
func (e *engine) build(tag string, args ...string) {
	e.t.Helper()
	e.run("docker", append(append([]string{"build", "--build-arg", "VERSION=1.2.3", "-t", tag}, args...), root)...)
}

// checkStart measures how long a container needs to listen and to be healthy.
func (e *engine) checkStart() {
	e.t.Helper()
	id := e.run("docker", "run", "-d", "--read-only", "millrace:latest", "-e", `input { tcp { port => 9000 } } output { stdout {} }`)
	defer e.run("docker", "rm", "-f", id)
	var state struct {
		StartedAt time.Time
		Health    struct {
			Status string
			Log    []struct {
				End      time.Time
				ExitCode int
			}
		}
	}
	e.waitFor("a healthy container", time.Minute, func() (string, bool) {
		require.NoError(e.t, json.Unmarshal([]byte(e.run("docker", "inspect", "-f", "{{json .State}}", id)), &state))
		return fmt.Sprint(state), state.Health.Status == "healthy"
	})
	logs := e.run("docker", "logs", "-t", id)
	var listening time.Duration
	for line := range strings.Lines(logs) {
		if stamp, rest, _ := strings.Cut(line, " "); strings.Contains(rest, "Pipelines running") {
			at, err := time.Parse(time.RFC3339Nano, stamp)
			require.NoError(e.t, err)
			listening = at.Sub(state.StartedAt)
		}
	}
	require.Positive(e.t, listening, logs)
	last := state.Health.Log[len(state.Health.Log)-1]
	require.Zero(e.t, last.ExitCode)
	e.t.Logf("the pipeline runs %v after the start of the container, which is healthy after %v (the first check comes after 5 s)",
		listening.Round(time.Millisecond), last.End.Sub(state.StartedAt).Round(time.Millisecond))
}

// checkReproducible builds once more, without what the compiler made before, and compares the layers, which are all that an image holds beside its description.
func (e *engine) checkReproducible() {
	e.t.Helper()
	e.build("millrace:again", "--build-arg", "GO_IMAGE="+emptyGoImage)
	defer e.run("docker", "rmi", "millrace:again")
	layers := func(tag string) string { return e.run("docker", "inspect", "-f", "{{json .RootFS.Layers}}", tag) }
	require.Equal(e.t, layers("millrace:latest"), layers("millrace:again"))
	e.t.Log("two builds made the same layers:", layers("millrace:latest"))
}

// checkArm builds for arm64, as far as a builder can that knows no platforms, and looks into the binary, which runs where an emulator is
// installed.
func (e *engine) checkArm() {
	e.t.Helper()
	e.build("millrace:arm64", "--build-arg", "GO_IMAGE="+emptyGoImage, "--build-arg", "TARGETARCH=arm64")
	defer e.run("docker", "rmi", "millrace:arm64")
	id := e.run("docker", "create", "millrace:arm64")
	defer e.run("docker", "rm", id)
	binary := filepath.Join(e.t.TempDir(), "millrace")
	e.run("docker", "cp", id+":/usr/local/bin/millrace", binary)
	checkArmBinary(e.t, binary)
}

// checkArmBinary looks at a binary of arm64, and runs a pipeline with it where an emulator is installed.
func checkArmBinary(t *testing.T, binary string) {
	t.Helper()
	f, err := elf.Open(binary)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	require.Equal(t, elf.EM_AARCH64, f.Machine)
	emulator, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		t.Log("the binary of arm64 was not run: no qemu-aarch64-static on the PATH")
		return
	}
	out, err := exec.Command(emulator, binary, "--api.enabled=false", "--path.data", t.TempDir(), "-e",
		`input { generator { message => "a=1" count => 1 } } filter { kv {} } output { stdout { codec => json_lines } }`).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), `"a":"1"`)
}

// once is a pipeline that ends by itself.
const once = `input { generator { count => 1 } } output { null {} }`

// testSettings runs the image with settings from the environment, over those of a file that cannot be written.
func (e *engine) testSettings() {
	t := e.t
	config, pipeline := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(config, "logstash.yml"), []byte("api.http.host: 0.0.0.0\npipeline.workers: 7\npipeline.batch.size: 17\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(pipeline, "a.conf"), []byte(once), 0o644))
	out := e.run("docker", "run", "--rm", "--read-only", "-v", config+":/usr/share/logstash/config:ro", "-v", pipeline+":/usr/share/logstash/pipeline:ro",
		"-e", "PIPELINE_WORKERS=3", "-e", "LS_JAVA_OPTS=-Xmx1g", "-e", "XPACK_MONITORING_ENABLED=false", "millrace:latest")
	require.Contains(t, out, "pipeline.workers=3", "the environment has precedence over the file")
	require.Contains(t, out, "pipeline.batch.size=17", "the file has precedence over the default")
	require.Equal(t, 1, strings.Count(out, "LS_JAVA_OPTS"), out)
	require.Equal(t, 1, strings.Count(out, "XPACK_MONITORING_ENABLED"), out)

	args := []string{"run", "--rm", "--read-only", "--tmpfs", "/usr/share/logstash/data:uid=1000,gid=1000"}
	for _, s := range settings.All() {
		if s.Default != "" {
			args = append(args, "-e", strings.NewReplacer(".", "_").Replace(strings.ToUpper(s.Name))+"="+s.Default)
		}
	}
	require.Greater(t, len(args), 60)
	out = e.run("docker", append(args, "millrace:latest", "-e", once)...)
	require.NotContains(t, out, "[WARN", "every setting has a variable")
	out, err := e.try("docker", "run", "--rm", "-e", "PIPELINE_BATCH_SIZE=many", "millrace:latest", "-e", once)
	require.Error(t, err)
	require.Contains(t, out, "PIPELINE_BATCH_SIZE")

	id := e.run("docker", "run", "-d", "--memory", "64m", "-p", "9600:9600", "millrace:latest", "-e", `input { tcp { port => 9000 } } output { stdout {} }`)
	defer e.run("docker", "rm", "-f", id)
	var metrics string
	e.waitFor("metrics", time.Minute, func() (string, bool) {
		_, body, err := e.get("http://127.0.0.1:9600/metrics")
		metrics = string(body)
		return fmt.Sprint(metrics, err), strings.Contains(metrics, "go_gc_gomemlimit_bytes")
	})
	require.Contains(t, metrics, "\ngo_gc_gomemlimit_bytes 6.0397977e+07\n", "90 % of the container's memory")
	checkMetrics(t, metrics)
}

// checkMetrics lets Prometheus's own tool read what a scrape reads, where it is installed.
func checkMetrics(t *testing.T, metrics string) {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Log("the metrics were not read by promtool, which is not on the PATH")
		return
	}
	cmd := exec.Command("promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(metrics)
	out, err := cmd.CombinedOutput()
	// Exit code 3 is for names that it would have chosen otherwise, of which Go's own collector has some.
	if err != nil && cmd.ProcessState.ExitCode() != 3 {
		t.Fatalf("%v: %s", err, out)
	}
	require.NotContains(t, string(out), "millrace_", "%s", out)
}

// testDrain ends a container right behind the last line that was written to it.
func (e *engine) testDrain() {
	const n = 20_000
	id := e.run("docker", "run", "-d", "-p", "9000:9000", "millrace:latest", "-e", `input { tcp { port => 9000 } } output { stdout { codec => line { format => "#%{message}" } } }`)
	defer e.run("docker", "rm", "-f", id)
	e.waitListening(id)
	c, err := e.dial(e.t.Context(), "tcp", "127.0.0.1:9000")
	require.NoError(e.t, err)
	defer func() { _ = c.Close() }()
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "%d\n", i)
	}
	_, err = io.WriteString(c, text.String())
	require.NoError(e.t, err)
	began := time.Now()
	e.run("docker", "stop", "-t", "30", id)
	took := time.Since(began)
	logs := e.run("docker", "logs", id)
	require.Equal(e.t, "0", e.run("docker", "inspect", "-f", "{{.State.ExitCode}}", id), logs[max(0, len(logs)-2000):])
	require.Equal(e.t, n, strings.Count(logs, "\n#")+strings.Count(logs[:1], "#"))
	require.Contains(e.t, logs, fmt.Sprintf("delivered=%d", n))
	e.t.Logf("SIGTERM right after %d lines: all delivered, ended in %v", n, took.Round(10*time.Millisecond))
}

// waitListening waits until the pipeline of a container runs.
func (e *engine) waitListening(id string) {
	e.t.Helper()
	e.waitFor("the pipeline", time.Minute, func() (string, bool) {
		logs := e.run("docker", "logs", id)
		return logs, strings.Contains(logs, "Pipelines running") && strings.Contains(logs, "listening")
	})
}

// testCompose runs the stack of one machine, but for Kibana, whose image cannot be pulled.
func (e *engine) testCompose() {
	compose := []string{"docker", "compose"}
	if exec.Command("docker", "compose", "version").Run() != nil {
		compose = []string{"docker-compose"}
		if _, err := exec.LookPath(compose[0]); err != nil {
			e.t.Skip("neither docker compose nor docker-compose is installed")
		}
	}
	file := filepath.Join(e.t.TempDir(), "override.yml")
	text := fmt.Sprintf(`services:
  elasticsearch:
    ports: ["127.0.0.1:9200:9200"]
    environment: { ES_SECURITY: %[1]s:%[2]s }
  logstash:
    environment: { ELASTICSEARCH_USER: %[1]s, ELASTIC_PASSWORD: %[2]s }
`, user, password)
	require.NoError(e.t, os.WriteFile(file, []byte(text), 0o644))
	args := append(compose[1:], "-p", "one", "-f", filepath.Join(root, "deploy/swarm/compose.yml"), "-f", file)
	f := func(words ...string) string {
		e.t.Helper()
		return e.run("env", append(append([]string{"ELASTIC_IMAGE=" + elasticImage, "ELASTIC_VERSION=test", compose[0]}, args...), words...)...)
	}
	f("config", "-q")
	f("up", "-d", "--build", "elasticsearch", "logstash")
	defer f("down", "-v")
	defer func() {
		if e.t.Failed() {
			e.t.Log(f("logs", "--no-color", "logstash"))
		}
	}()
	e.waitElasticsearch()
	e.waitFor("the pipeline", 2*time.Minute, func() (string, bool) {
		status, body, err := e.get("http://127.0.0.1:9600/healthz")
		return fmt.Sprint(status, string(body), err), status == http.StatusOK
	})
	e.waitSent("127.0.0.1:9000", "hello to compose")
}

// waitSent sends a line and waits until it is in Elasticsearch.
func (e *engine) waitSent(address, line string) {
	e.t.Helper()
	e.waitFor("a connection", time.Minute, func() (string, bool) {
		c, err := e.dial(e.t.Context(), "tcp", address)
		if err != nil {
			return err.Error(), false
		}
		defer func() { _ = c.Close() }()
		_, err = io.WriteString(c, line+"\n")
		return fmt.Sprint(err), err == nil
	})
	e.waitFor("the line", 2*time.Minute, func() (string, bool) {
		_, err := e.count(line)
		status, body, _ := e.get(elasticURL + "/ecs-logstash*/_search?" + query(line))
		return fmt.Sprint(status, string(body), err), strings.Contains(string(body), line)
	})
}
