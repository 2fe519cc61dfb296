package swarmtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A registry on this machine that nobody serves: nothing can be pulled by accident.
const (
	elasticImage = "localhost/millrace-test/elasticsearch"
	stackImage   = "localhost/millrace-test/logstash:test"
	appImage     = "localhost/millrace-test/app:test"
)

const (
	// The server of the tests knows its users from a file, where elastic is a reserved name.
	user     = "shipper"
	password = "of-the-stack-7_x"
	senders  = 2
	lines    = 3500 // of each sender: more than a minute, in which the whole update fits; all are found by one search
)

func do(req *http.Request) (int, []byte, error) {
	client := &http.Client{Timeout: 20 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, data, err
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// override writes what differs from the real stack file: no image of Kibana and curl exists in a test, and a kernel without IPVS has no
// virtual addresses.
func override(t *testing.T, port int) string {
	t.Helper()
	mode := "vip"
	if _, err := os.Stat("/proc/net/ip_vs"); err != nil {
		t.Log("the kernel has no IPVS: endpoint_mode is dnsrr")
		mode = "dnsrr"
	}
	text := fmt.Sprintf(`version: "3.8"
services:
  elasticsearch:
    ports: [{ target: 9200, published: %d, protocol: tcp, mode: host }]
    deploy: { endpoint_mode: %s }
  logstash:
    deploy: { endpoint_mode: %s }
  kibana:
    deploy: { endpoint_mode: %s, replicas: 0 }
  kibana-setup:
    deploy: { endpoint_mode: %s, replicas: 0 }
`, port, mode, mode, mode, mode)
	path := filepath.Join(t.TempDir(), "override.yml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// TestStack deploys the real stack on a real swarm, sends lines from a service while the pipeline is updated, finds every line in
// Elasticsearch, and removes everything.
func TestStack(t *testing.T) {
	requireEngine(t)
	e := startEngine(t)
	e.importGo()
	e.importElasticsearch(elasticImage + ":test")
	e.importApp(appImage)
	e.buildMillrace(stackImage)

	e.run("docker", "swarm", "init", "--advertise-addr", "127.0.0.1")
	require.Contains(t, e.script("node-labels.sh", nil), "got logger=true")
	require.Contains(t, e.script("node-labels.sh", nil), "has logger=true")
	vars := []string{"ELASTICSEARCH_USER=" + user, "ELASTIC_PASSWORD=" + password, "LOGSTASH_IMAGE=" + stackImage, "ELASTIC_IMAGE=" + elasticImage, "ELASTIC_VERSION=test", "KIBANA_DOMAIN=logs.example.org"}
	require.Contains(t, e.script("networks.sh", nil), "log_net was made")
	require.Contains(t, e.script("networks.sh", nil), "log_net exists")
	require.Contains(t, e.script("secrets.sh", vars), "elastic_password was made")
	require.Contains(t, e.script("secrets.sh", vars), "elastic_password exists")

	port := freePort(t)
	e.script("deploy.sh", vars, override(t, port))
	es := fmt.Sprintf("http://127.0.0.1:%d", port)
	e.waitFor("Elasticsearch", 2*time.Minute, func() (string, bool) {
		status, body, err := get(es+"/", password)
		return fmt.Sprint(status, string(body), err), status == http.StatusOK
	})
	e.waitReplicas("logging_logstash", "2/2")
	require.Contains(t, e.run("docker", "service", "logs", "logging_logstash"), "[::]:9600", "the API has to be reachable from outside the container")
	e.checkLabels()

	e.run("docker", "service", "create", "--detach", "--name", "app", "--network", "log_net", "--endpoint-mode", "dnsrr",
		"--replicas", fmt.Sprint(senders), "--restart-condition", "none", appImage, "sh", "-c",
		fmt.Sprintf(`i=0; while [ $i -lt %d ]; do echo "$(cat /etc/hostname) $i"; usleep 15000; i=$((i+1)); done | send`, lines))
	e.waitFor("the first lines", time.Minute, func() (string, bool) {
		n, _, err := e.found(es)
		return fmt.Sprint(n, err), n > 100
	})
	began := time.Now()
	e.run("docker", "service", "update", "--detach=false", "--quiet", "--force", "logging_logstash")
	n, _, err := e.found(es)
	require.NoError(t, err)
	t.Logf("the update took %v and ended with %d of %d lines in Elasticsearch", time.Since(began).Round(time.Second), n, senders*lines)
	require.Less(t, n, senders*lines, "the update has to end in the middle of the traffic")
	e.waitAllFound(es)
	e.remove()
}

// waitReplicas waits until as many tasks of a service run as should.
func (e *engine) waitReplicas(service, want string) {
	e.t.Helper()
	e.waitFor(service, 90*time.Second, func() (string, bool) {
		got := e.run("docker", "service", "ls", "--filter", "name="+service, "--format", "{{.Replicas}}")
		if got == want {
			return "", true
		}
		return got + "\n" + e.run("docker", "service", "ps", "--no-trunc", service), false
	})
}

// checkLabels checks what the proxy reads, on the service that the real stack file made.
func (e *engine) checkLabels() {
	e.t.Helper()
	var labels map[string]string
	require.NoError(e.t, json.Unmarshal([]byte(e.run("docker", "service", "inspect", "-f", "{{json .Spec.Labels}}", "logging_kibana")), &labels))
	for name, want := range map[string]string{
		"com.df.notify": "true", "com.df.distribute": "true", "com.df.port": "5601", "com.df.serviceDomain": "logs.example.org", "com.df.servicePath": "/",
	} {
		require.Equal(e.t, want, labels[name], name)
	}
	require.Equal(e.t, "2", e.run("docker", "service", "inspect", "-f", "{{len .Spec.TaskTemplate.Networks}}", "logging_kibana"))
}

// found counts the different lines in Elasticsearch and the documents that hold them.
func (e *engine) found(es string) (different, documents int, err error) {
	status, body, err := get(es+"/ecs-logstash-*/_search?size=10000&_source=message&ignore_unavailable=true", password)
	if err != nil || status != http.StatusOK {
		return 0, 0, fmt.Errorf("status %d: %w: %s", status, err, body)
	}
	var answer struct {
		Hits struct {
			Hits []struct {
				Source struct{ Message string } `json:"_source"`
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, 0, err
	}
	seen := make(map[string]bool)
	for _, h := range answer.Hits.Hits {
		seen[h.Source.Message] = true
	}
	return len(seen), len(answer.Hits.Hits), nil
}

// waitAllFound waits until every line is in Elasticsearch, or says how many are missing.
func (e *engine) waitAllFound(es string) {
	e.t.Helper()
	e.waitFor("every line", 3*time.Minute, func() (string, bool) {
		n, documents, err := e.found(es)
		if n == senders*lines {
			e.t.Logf("%d lines sent, %d documents: %d lost, %d doubled", n, documents, senders*lines-n, documents-n)
			return "", true
		}
		tasks, _ := e.try("docker", "service", "ps", "app")
		logs, _ := e.try("docker", "service", "logs", "logging_logstash")
		return fmt.Sprintf("%d of %d lines in %d documents, %v\n%s\n%s", n, senders*lines, documents, err, tasks, logs), false
	})
}

// remove removes the stack and looks for what it may have left.
func (e *engine) remove() {
	e.t.Helper()
	e.run("docker", "service", "rm", "app")
	e.waitFor("the application's end", time.Minute, func() (string, bool) {
		out := e.run("docker", "ps", "-a", "--filter", "name=app")
		return out, strings.Count(out, "\n") == 0
	})
	e.script("remove.sh", nil, "--data")
	for _, what := range [][]string{
		{"service", "ls", "-q"}, {"ps", "-aq"}, {"volume", "ls", "-q"}, {"secret", "ls", "-q"}, {"config", "ls", "-q"},
		{"network", "ls", "-q", "--filter", "name=log_net"}, {"network", "ls", "-q", "--filter", "name=main"}, {"stack", "ls", "--format", "{{.Name}}"},
	} {
		require.Empty(e.t, e.run("docker", what...), "docker %s", strings.Join(what, " "))
	}
}
