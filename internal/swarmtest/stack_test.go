package swarmtest

import (
	"encoding/json"
	"fmt"
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

	// elasticURL is where the test's override publishes Elasticsearch, in the network of the engine.
	elasticURL = "http://127.0.0.1:9200"
)

// variables are those that the scripts and the stack file read.
var variables = []string{
	"ELASTICSEARCH_USER=" + user, "ELASTIC_PASSWORD=" + password, "LOGSTASH_IMAGE=" + stackImage, "ELASTIC_IMAGE=" + elasticImage, "ELASTIC_VERSION=test",
	"KIBANA_DOMAIN=logs.example.org",
}

// endpointMode is the way to a service's tasks that this kernel can do.
func endpointMode(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("/proc/net/ip_vs"); err != nil {
		t.Log("the kernel has no IPVS: endpoint_mode is dnsrr")
		return "dnsrr"
	}
	return "vip"
}

// override writes what differs from the real stack file: no image of Kibana and curl exists in a test, and a kernel without IPVS has no
// virtual addresses.
func override(t *testing.T) string {
	t.Helper()
	mode := endpointMode(t)
	text := fmt.Sprintf(`version: "3.8"
services:
  elasticsearch:
    ports: [{ target: 9200, published: 9200, protocol: tcp, mode: host }]
    deploy: { endpoint_mode: %s }
  logstash:
    deploy: { endpoint_mode: %s }
  kibana:
    deploy: { endpoint_mode: %s, replicas: 0 }
  kibana-setup:
    deploy: { endpoint_mode: %s, replicas: 0 }
`, mode, mode, mode, mode)
	path := filepath.Join(t.TempDir(), "override.yml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// TestSwarm builds the images, deploys the real stack on a real swarm, sends lines while the pipeline is updated, finds every line in
// Elasticsearch, and removes everything. Some steps follow each other: what fails there ends the test.
func TestSwarm(t *testing.T) {
	requireEngine(t)
	e := startEngine(t)
	t.Cleanup(func() {
		if t.Failed() {
			e.explain()
		}
	})
	alone := func(name string, f func(e *engine)) bool {
		t.Helper()
		began := time.Now()
		ok := t.Run(name, func(t *testing.T) { f(e.in(t)) })
		t.Logf("%s took %v", name, time.Since(began).Round(100*time.Millisecond))
		return ok
	}
	step := func(name string, f func(e *engine)) {
		t.Helper()
		if !alone(name, f) {
			t.FailNow()
		}
	}
	step("base images", func(e *engine) {
		e.importGo()
		e.importElasticsearch(elasticImage + ":test")
		e.importApp(appImage)
	})
	step("image", (*engine).testImage)
	alone("settings", (*engine).testSettings)
	alone("drain", (*engine).testDrain)
	alone("syslog driver", (*engine).testSyslogDriver)
	alone("compose", (*engine).testCompose)
	step("swarm", (*engine).testScripts)
	step("deploy", (*engine).testDeploy)
	step("update stop-first", func(e *engine) {
		e.testUpdate("stopfirst", "completed")
	})
	step("update start-first with a volume", func(e *engine) {
		e.testUpdate("shared", "rollback_completed", "--update-order", "start-first")
	})
	step("update start-first without a volume", func(e *engine) {
		e.testUpdate("startfirst", "completed", "--update-order", "start-first", "--mount-rm", "/usr/share/logstash/data",
			"--mount-add", "type=volume,destination=/usr/share/logstash/data") // one that a task makes and takes with it
	})
	step("publish", (*engine).testPublish)
	step("remove", (*engine).testRemove)
	step("services", (*engine).testServices)
}

// explain logs what the services and containers say that there are.
func (e *engine) explain() {
	containers, _ := e.try("docker", "ps", "-a")
	e.t.Log(containers)
	names, err := e.try("docker", "service", "ls", "--format", "{{.Name}}")
	if err != nil {
		return // the engine is in no swarm yet
	}
	for _, name := range strings.Fields(names) {
		tasks, _ := e.try("docker", "service", "ps", "--no-trunc", name)
		logs, _ := e.try("docker", "service", "logs", "--raw", "--tail", "50", name)
		e.t.Logf("%s:\n%s\n%s", name, tasks, logs)
	}
}

// testScripts prepares a swarm by the scripts, each of which can run again.
func (e *engine) testScripts() {
	e.run("docker", "swarm", "init", "--advertise-addr", "127.0.0.1")
	f := func(script, first, again string) {
		e.t.Helper()
		require.Contains(e.t, e.script(script, variables), first)
		require.Contains(e.t, e.script(script, variables), again)
	}
	f("node-labels.sh", "got logger=true", "has logger=true")
	f("networks.sh", "log_net was made", "log_net exists")
	f("secrets.sh", "elastic_password was made", "elastic_password exists")
	needTool(e.t, "openssl")
	f("certificates.sh", "the certificates were made", "the certificates exist")
}

// testDeploy deploys the stack and waits until lines can be sent.
func (e *engine) testDeploy() {
	e.script("deploy.sh", variables, override(e.t))
	e.waitElasticsearch()
	e.waitReplicas("logging_elasticsearch", "1/1")
	e.waitReplicas("logging_logstash", "2/2")
	e.checkKibana("logging_kibana")
	// By the name that the configuration of Prometheus has.
	tasks := e.inside("nslookup", "tasks.logstash")
	require.GreaterOrEqual(e.t, strings.Count(tasks, "Address"), 3, "the name server and two tasks: %s", tasks)
	require.Contains(e.t, e.inside("wget", "-qO-", "http://tasks.logstash:9600/metrics"), "\nmillrace_pipeline_up{", "a scrape comes from outside the container")
}

// inside runs a command in a container on log_net.
func (e *engine) inside(command ...string) string {
	e.t.Helper()
	return e.run("docker", append([]string{"run", "--rm", "--network", "log_net", appImage}, command...)...)
}

func (e *engine) waitElasticsearch() {
	e.t.Helper()
	e.waitFor("Elasticsearch", 3*time.Minute, func() (string, bool) {
		status, body, err := e.get(elasticURL + "/")
		return fmt.Sprint(status, string(body), err), status == http.StatusOK
	})
}

// waitReplicas waits until as many tasks of a service run as should.
func (e *engine) waitReplicas(service, want string) {
	e.t.Helper()
	e.waitFor(service, 3*time.Minute, func() (string, bool) {
		got := e.run("docker", "service", "ls", "--filter", "name="+service, "--format", "{{.Replicas}}")
		if got, _, _ = strings.Cut(got, " "); got == want { // "1/1 (max 1 per node)"
			return "", true
		}
		return got + "\n" + e.run("docker", "service", "ps", "--no-trunc", service), false
	})
}

// checkKibana checks what the proxy reads.
func (e *engine) checkKibana(service string) {
	e.t.Helper()
	var labels map[string]string
	require.NoError(e.t, json.Unmarshal([]byte(e.run("docker", "service", "inspect", "-f", "{{json .Spec.Labels}}", service)), &labels))
	for name, want := range map[string]string{
		"com.df.notify": "true", "com.df.distribute": "true", "com.df.port": "5601", "com.df.serviceDomain": "logs.example.org", "com.df.servicePath": "/",
	} {
		require.Equal(e.t, want, labels[name], name)
	}
	require.Equal(e.t, "2", e.run("docker", "service", "inspect", "-f", "{{len .Spec.TaskTemplate.Networks}}", service))
}

// testRemove removes the stack and looks for what it may have left.
func (e *engine) testRemove() {
	e.script("remove.sh", nil, "--data")
	e.checkEmpty()
}

func (e *engine) checkEmpty() {
	e.t.Helper()
	for _, what := range [][]string{
		{"service", "ls", "-q"}, {"ps", "-aq"}, {"volume", "ls", "-q"}, {"secret", "ls", "-q"}, {"config", "ls", "-q"},
		{"network", "ls", "-q", "--filter", "name=log_net"}, {"network", "ls", "-q", "--filter", "name=main"}, {"stack", "ls", "--format", "{{.Name}}"},
	} {
		require.Empty(e.t, e.run("docker", what...), "docker %s", strings.Join(what, " "))
	}
}

// testServices makes the services without a stack file, finds a line that was sent to them, and removes them.
func (e *engine) testServices() {
	vars := append([]string{"ENDPOINT_MODE=" + endpointMode(e.t)}, variables...)
	e.script("networks.sh", vars)
	e.script("secrets.sh", vars)
	require.Contains(e.t, e.script("services.sh", vars), "logstash was made")
	require.Contains(e.t, e.script("services.sh", vars), "logstash exists")
	e.checkKibana("kibana") // its tasks find no image
	e.waitReplicas("elasticsearch", "1/1")
	e.waitReplicas("logstash", "2/2")
	e.inside("sh", "-c", "echo a line to plain services | send")
	auth := e.run("sh", "-c", "printf %s "+user+":"+password+" | base64")
	e.waitFor("the line", 3*time.Minute, func() (string, bool) {
		out, _ := e.try("docker", "run", "--rm", "--network", "log_net", appImage, "wget", "-qO-", "--header", "Authorization: Basic "+auth,
			"http://elasticsearch:9200/ecs-logstash*/_search")
		return out, strings.Contains(out, "a line to plain services")
	})
	e.script("remove.sh", nil, "--services", "--data")
	e.checkEmpty()
}
