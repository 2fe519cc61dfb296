package swarmtest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"millrace/pipeline/monitor"
)

func deployFile(t *testing.T, elem ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{root, "deploy"}, elem...)...))
	require.NoError(t, err)
	return string(data)
}

func needTool(t *testing.T, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		t.Skipf("%s is not on the PATH", tool)
	}
}

func TestShellScripts(t *testing.T) {
	needTool(t, "shellcheck")
	scripts, err := filepath.Glob(filepath.Join(root, "deploy/swarm/*.sh"))
	require.NoError(t, err)
	more, err := filepath.Glob(filepath.Join(root, "deploy/swarm/*/*.sh"))
	require.NoError(t, err)
	scripts = append(scripts, more...)
	require.Greater(t, len(scripts), 8)
	out, err := exec.Command("shellcheck", append([]string{"-x"}, scripts...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// stackConfig lets the Docker client read stack files together.
func stackConfig(t *testing.T, vars []string, files ...string) string {
	t.Helper()
	args := []string{"stack", "config"}
	for _, f := range files {
		args = append(args, "-c", filepath.Join(root, "deploy/swarm", f))
	}
	cmd := exec.Command("docker", args...)
	cmd.Env = append(os.Environ(), vars...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%v: %s", files, out)
	require.NotContains(t, string(out), "level=warning", "%v", files)
	return string(out)
}

func needStackConfig(t *testing.T) {
	t.Helper()
	needTool(t, "docker")
	if exec.Command("docker", "stack", "config", "--help").Run() != nil {
		t.Skip("this Docker client has no stack config")
	}
}

// TestStackFiles lets the Docker client read the stack with every choice of its variants.
func TestStackFiles(t *testing.T) {
	needStackConfig(t)
	variants := []string{"stack.three-nodes.yml", "publish.yml", "proxy.yml"}
	for choice := range 1 << len(variants) {
		files := []string{"stack.yml"}
		for i, v := range variants {
			if choice&(1<<i) != 0 {
				files = append(files, v)
			}
		}
		out := stackConfig(t, nil, files...)
		replicas := 1
		if slices.Contains(files, "stack.three-nodes.yml") {
			replicas = 3
		}
		require.Regexp(t, fmt.Sprintf(`(?s)\n  elasticsearch:\n    deploy:\n.*?      replicas: %d\n`, replicas), out, files)
		require.Equal(t, slices.Contains(files, "publish.yml"), strings.Contains(out, "published: 9000"), files)
	}
}

// TestProxyFile: the variables of the Let's Encrypt companion come through as they were set, bash arrays and all.
func TestProxyFile(t *testing.T) {
	needStackConfig(t)
	vars := []string{
		"DOMAIN_1=('logs.example.org' 'www.logs.example.org')", "DOMAIN_2=('example.net')", "DOMAIN_COUNT=2", "CERTBOT_EMAIL=ops@example.org",
		"CERTBOT_CRON_RENEW=('0 3 * * *' '0 15 * * *')",
	}
	var file struct {
		Services map[string]struct{ Environment map[string]string }
	}
	require.NoError(t, yaml.Unmarshal([]byte(stackConfig(t, vars, "proxy.yml")), &file))
	companion := file.Services["letsencrypt-companion"].Environment
	for _, v := range append(vars, "PROXY_ADDRESS=proxy") {
		name, value, _ := strings.Cut(v, "=")
		require.Equal(t, value, companion[name], name)
	}
}

// metricName finds names of Millrace's metrics in queries.
var metricName = regexp.MustCompile(`\bmillrace_[a-z_]+\b`)

// expressions finds the queries of the dashboard and the alerts.
var expressions = regexp.MustCompile(`(?m)^\s*"?expr"?: (.*)$`)

// TestQueriesNameMetrics: a dashboard or an alert that names a metric that Millrace does not have shows nothing, for ever.
func TestQueriesNameMetrics(t *testing.T) {
	known := monitor.MetricNames()
	for _, file := range []string{"grafana/millrace.json", "prometheus/alerts.yml"} {
		queries := expressions.FindAllString(deployFile(t, file), -1)
		require.Greater(t, len(queries), 8, file)
		for _, q := range queries {
			for _, name := range metricName.FindAllString(q, -1) {
				require.True(t, slices.Contains(known, name), "%s: no metric is called %s", file, name)
			}
		}
	}
}

// TestDashboard: the dashboard is JSON, and has the panels that operators look for.
func TestDashboard(t *testing.T) {
	var d struct {
		UID    string
		Panels []struct {
			ID          int
			Title, Type string
			Description string
			Targets     []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(deployFile(t, "grafana/millrace.json")), &d))
	titles, ids := make(map[string]bool), make(map[int]bool)
	for _, p := range d.Panels {
		titles[p.Title], ids[p.ID] = true, true
		require.NotEmpty(t, p.Description, p.Title)
		require.NotEmpty(t, p.Targets, p.Title)
		for _, target := range p.Targets {
			require.Equal(t, strings.Count(target.Expr, "("), strings.Count(target.Expr, ")"), target.Expr)
			require.Equal(t, strings.Count(target.Expr, "{"), strings.Count(target.Expr, "}"), target.Expr)
		}
	}
	require.Len(t, ids, len(d.Panels))
	for _, title := range []string{"Events read", "Back-pressure", "Loss accounting", "Unaccounted events", "Bulk latency", "Dead letters"} {
		require.True(t, titles[title], title)
	}
}

func TestMaxMapCount(t *testing.T) {
	dir := t.TempDir()
	proc, conf := filepath.Join(dir, "max_map_count"), filepath.Join(dir, "90.conf")
	run := func() string {
		cmd := exec.Command(filepath.Join(root, "deploy/swarm/max-map-count.sh"))
		cmd.Env = append(os.Environ(), "SYSCTL_PROC="+proc, "SYSCTL_CONF="+conf)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	read := func(path string) string {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		return string(data)
	}
	require.NoError(t, os.WriteFile(proc, []byte("65530\n"), 0o644))
	require.Contains(t, run(), "was 65530, is 262144")
	require.Equal(t, "262144\n", read(proc))
	require.Contains(t, read(conf), "\nvm.max_map_count = 262144\n")
	again := run()
	require.Contains(t, again, "vm.max_map_count is 262144")
	require.Contains(t, again, "90.conf has 262144")
	// A larger value is somebody's wish.
	require.NoError(t, os.WriteFile(proc, []byte("1048576\n"), 0o644))
	require.NoError(t, os.WriteFile(conf, []byte("vm.max_map_count=1048576\n"), 0o644))
	require.Contains(t, run(), "90.conf has 1048576")
	require.Equal(t, "1048576\n", read(proc))
	require.Equal(t, "vm.max_map_count=1048576\n", read(conf))
}

// kibana answers as Kibana's and Elasticsearch's documented APIs do, as far as the setup asks.
type kibana struct {
	mu    sync.Mutex
	calls []string
	have  map[string]bool
	slow  int // answers of 503 before it is ready
}

func (k *kibana) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	user, pass, _ := r.BasicAuth()
	body, _ := io.ReadAll(r.Body)
	k.calls = append(k.calls, r.Method+" "+r.URL.Path)
	status, answer := http.StatusOK, `{}`
	get := func(name string) {
		if !k.have[name] {
			status, answer = http.StatusNotFound, `{"statusCode":404,"error":"Not Found"}`
		}
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /_cluster/health":
	case "GET /api/status":
		if k.slow--; k.slow >= 0 {
			status, answer = http.StatusServiceUnavailable, `{"status":{"overall":{"level":"unavailable"}}}`
		}
	case "POST /_security/user/kibana_system/_password":
		if string(body) != `{"password":"for \"kibana\""}` {
			status = http.StatusBadRequest
		}
	case "GET /api/data_views/data_view/millrace-logs":
		get("data view")
	case "POST /api/data_views/data_view":
		var view struct {
			DataView struct {
				ID, Title, TimeFieldName string
				AllowNoIndex             bool
			} `json:"data_view"`
		}
		if err := json.Unmarshal(body, &view); err != nil || view.DataView.ID != "millrace-logs" || !view.DataView.AllowNoIndex || r.Header.Get("kbn-xsrf") == "" {
			status = http.StatusBadRequest
		}
		k.have["data view"] = true
	case "GET /api/saved_objects/dashboard/millrace-starter":
		get("dashboard")
	case "POST /api/saved_objects/_import":
		k.have["dashboard"] = strings.Contains(string(body), `"id":"millrace-starter"`) && strings.Contains(string(body), `filename="dashboard.ndjson"`)
		answer = fmt.Sprintf(`{"successCount":4,"success":%v}`, k.have["dashboard"])
	default:
		status = http.StatusTeapot
	}
	if user != "elastic" || pass != `secret"\` {
		status = http.StatusUnauthorized
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

// TestKibanaSetup runs the one-shot job against answers as Kibana's documentation has them; no Kibana exists where tests run.
func TestKibanaSetup(t *testing.T) {
	needTool(t, "curl")
	k := &kibana{have: make(map[string]bool), slow: 1}
	server := httptest.NewServer(k)
	defer server.Close()
	secret := filepath.Join(t.TempDir(), "elastic_password")
	require.NoError(t, os.WriteFile(secret, []byte(`secret"\`), 0o600))
	run := func(vars ...string) (string, error) {
		cmd := exec.Command("sh", filepath.Join(root, "deploy/swarm/kibana/setup.sh"))
		cmd.Env = append(append(os.Environ(), "ELASTICSEARCH_URL="+server.URL, "KIBANA_URL="+server.URL, "ELASTIC_PASSWORD_FILE="+secret,
			`KIBANA_PASSWORD=for "kibana"`, "DASHBOARD="+filepath.Join(root, "deploy/swarm/kibana/starter-dashboard.ndjson")), vars...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run()
	require.NoError(t, err, out)
	require.Contains(t, out, "the data view was made")
	require.Contains(t, out, "the dashboard was imported")
	require.Equal(t, -1, k.slow, "it has to wait for Kibana")
	k.calls = nil
	out, err = run()
	require.NoError(t, err, out)
	require.Contains(t, out, "the data view exists")
	require.Contains(t, out, "the dashboard exists")
	for _, c := range k.calls {
		require.True(t, strings.HasPrefix(c, "GET ") || strings.Contains(c, "_password"), "a second run changed something: %s", c)
	}
	out, err = run("ELASTIC_PASSWORD_FILE=", "ELASTIC_PASSWORD=wrong")
	require.Error(t, err)
	require.Contains(t, out, "refuses the password")
}

// TestStarterDashboard: every object of the dashboard is JSON inside JSON, and refers to what there is.
func TestStarterDashboard(t *testing.T) {
	known := map[string]bool{"index-pattern/millrace-logs": true}
	for line := range strings.Lines(deployFile(t, "swarm/kibana/starter-dashboard.ndjson")) {
		var o struct {
			ID, Type   string
			Attributes map[string]any
			References []struct{ ID, Type, Name string }
		}
		require.NoError(t, json.Unmarshal([]byte(line), &o))
		for _, r := range o.References {
			require.True(t, known[r.Type+"/"+r.ID], "%s refers to %s/%s", o.ID, r.Type, r.ID)
		}
		for name, v := range o.Attributes {
			if text, ok := v.(string); ok && strings.HasSuffix(name, "JSON") {
				require.True(t, json.Valid([]byte(text)), "%s: %s", o.ID, name)
			}
		}
		known[o.Type+"/"+o.ID] = true
	}
	require.True(t, known["dashboard/millrace-starter"])
}

// TestSenders runs the examples of applications against a listener that closes the first connection in the way Millrace does when it
// drains: it half closes, and reads on. No line may be missing.
func TestSenders(t *testing.T) {
	f := func(tool string, argv ...string) {
		t.Run(tool, func(t *testing.T) {
			needTool(t, argv[0])
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer func() { _ = l.Close() }()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
			cmd.Env = append(os.Environ(), "ADDRESS="+l.Addr().String())
			stdin, err := cmd.StdinPipe()
			require.NoError(t, err)
			var errOut strings.Builder
			cmd.Stderr = &errOut
			require.NoError(t, cmd.Start())
			defer func() { _ = cmd.Process.Kill() }() // has ended, unless the test failed

			first := accept(t, l)
			_, _ = io.WriteString(stdin, "one\n")
			lines := bufio.NewScanner(first)
			require.True(t, lines.Scan(), errOut.String())
			got := []string{lines.Text()}
			require.NoError(t, first.CloseWrite())
			// The sender learns of it before it sends again, as it does when lines are further apart than packets travel.
			rest := make(chan []string)
			go func() {
				var more []string
				for lines.Scan() {
					more = append(more, lines.Text())
				}
				rest <- more
			}()
			for i := 2; ; i++ {
				_, err := fmt.Fprintf(stdin, "%d\n", i)
				require.NoError(t, err)
				require.NoError(t, l.(*net.TCPListener).SetDeadline(time.Now().Add(500*time.Millisecond)))
				c, err := l.Accept()
				if err != nil {
					require.Less(t, i, 20, "the sender did not notice the end of its connection")
					continue
				}
				require.NoError(t, stdin.Close())
				require.NoError(t, c.SetReadDeadline(time.Now().Add(20*time.Second)))
				second, err := io.ReadAll(c)
				require.NoError(t, err)
				require.NoError(t, c.Close())
				require.NoError(t, cmd.Wait(), errOut.String())
				got = append(got, <-rest...)
				got = append(got, strings.Split(strings.TrimSpace(string(second)), "\n")...)
				require.Len(t, got, i)
				break
			}
			for _, line := range got {
				var record struct {
					Message string
					Service struct{ Name string }
				}
				require.NoError(t, json.Unmarshal([]byte(line), &record))
				require.NotEmpty(t, record.Message)
				require.NotEmpty(t, record.Service.Name)
			}
		})
	}
	bin := filepath.Join(t.TempDir(), "send")
	out, err := exec.Command("go", "build", "-o", bin, "millrace/deploy/swarm/senders").CombinedOutput()
	require.NoError(t, err, "%s", out)
	f("go", bin)
	f("python", "python3", filepath.Join(root, "deploy/swarm/senders/send.py"))
	f("node", "node", filepath.Join(root, "deploy/swarm/senders/send.mjs"))
}

func accept(t *testing.T, l net.Listener) *net.TCPConn {
	t.Helper()
	require.NoError(t, l.(*net.TCPListener).SetDeadline(time.Now().Add(20*time.Second)))
	c, err := l.Accept()
	require.NoError(t, err)
	return c.(*net.TCPConn)
}
