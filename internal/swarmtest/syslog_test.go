package swarmtest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

// syslogPipeline is the one that docs/STACK.md names for Docker's syslog driver.
const syslogPipeline = `
input { tcp { port => 9000 } }
filter {
  grok { match => { "message" => "^<%{POSINT:[log][syslog][priority]:int}>%{SYSLOGTIMESTAMP} %{DATA:[service][name]}\[%{POSINT:[process][pid]:int}\]: %{GREEDYDATA:message}" } overwrite => ["message"] }
}
output { stdout { codec => json_lines } }
`

// testPublish publishes the pipeline's port by the stack's own file, and lets a line from outside and a container's output come in.
func (e *engine) testPublish() {
	vars := append([]string{"LOGSTASH_REPLICAS=1"}, variables...)
	e.script("deploy.sh", vars, override(e.t), "publish.yml")
	e.waitFor("the published port", 3*time.Minute, func() (string, bool) {
		out := e.run("docker", "service", "inspect", "-f", "{{.UpdateStatus.State}} {{json .Endpoint.Ports}}", "logging_logstash")
		return out + e.run("docker", "service", "ps", "--no-trunc", "logging_logstash"), strings.HasPrefix(out, "completed ") && strings.Contains(out, "9000")
	})
	e.waitReplicas("logging_logstash", "1/1")
	e.waitSent("127.0.0.1:9000", "a line from outside")
	e.run("docker", "run", "--rm", "--log-driver", "syslog", "--log-opt", "syslog-address=tcp://127.0.0.1:9000", "--log-opt", "tag=shop",
		"--log-opt", "mode=non-blocking", "--log-opt", "max-buffer-size=4m", appImage, "echo", "printed by a container")
	e.waitFor("the container's output", time.Minute, func() (string, bool) {
		_, err := e.count("printed")
		_, body, _ := e.get(elasticURL + "/ecs-logstash*/_search?" + query("printed"))
		return fmt.Sprint(string(body), err), strings.Contains(string(body), "]: printed by a container")
	})
}

// testSyslogDriver lets Docker's syslog driver send a container's output to the pipeline that the documentation names, and restarts the
// pipeline in the middle.
func (e *engine) testSyslogDriver() {
	const n = 600
	id := e.run("docker", "run", "-d", "-p", "9000:9000", "millrace:latest", "--log.level", "info", "-e", syslogPipeline)
	defer e.run("docker", "rm", "-f", id)
	e.waitListening(id)
	app := e.run("docker", "run", "-d", "--log-driver", "syslog", "--log-opt", "syslog-address=tcp://127.0.0.1:9000", "--log-opt", "tag=shop",
		"--log-opt", "mode=non-blocking", "--log-opt", "max-buffer-size=4m", appImage,
		"sh", "-c", fmt.Sprintf(`i=0; while [ $i -lt %d ]; do echo "order $i"; usleep 10000; i=$((i+1)); done`, n))
	defer e.run("docker", "rm", "-f", app)
	e.waitFor("the middle", time.Minute, func() (string, bool) {
		got := len(e.orders(id))
		return fmt.Sprint(got), got > n/4
	})
	e.run("docker", "restart", "-t", "20", id)
	e.run("docker", "wait", app)
	var got map[string]int
	e.waitFor("the last line", time.Minute, func() (string, bool) {
		got = e.orders(id)
		return fmt.Sprint(len(got)), got[fmt.Sprintf("order %d", n-1)] > 0
	})
	doubled := 0
	for _, times := range got {
		doubled += times - 1
	}
	e.t.Logf("syslog driver, the pipeline restarted in the middle: %d lines printed, %d arrived: %d lost, %d doubled", n, len(got), n-len(got), doubled)
	require.Zero(e.t, doubled)
	require.Greater(e.t, len(got), n*3/4)
}

// orders returns how often each line of the syslog driver was delivered, with all its fields.
func (e *engine) orders(id string) map[string]int {
	e.t.Helper()
	got := make(map[string]int)
	s := bufio.NewScanner(strings.NewReader(e.run("docker", "logs", id)))
	for s.Scan() {
		if !strings.HasPrefix(s.Text(), "{") {
			continue
		}
		var event struct {
			Message string
			Service struct{ Name string }
			Process struct{ PID int }
			Log     struct{ Syslog struct{ Priority int } }
			Tags    []string
		}
		require.NoError(e.t, json.Unmarshal(s.Bytes(), &event), s.Text())
		require.Empty(e.t, event.Tags, s.Text())
		require.Equal(e.t, "shop", event.Service.Name, s.Text())
		require.Positive(e.t, event.Process.PID, s.Text())
		require.Equal(e.t, 30, event.Log.Syslog.Priority, s.Text())
		got[event.Message]++
	}
	return got
}
