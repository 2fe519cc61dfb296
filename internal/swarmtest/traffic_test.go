package swarmtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

// applications is how many tasks send at the same time.
const applications = 2

// applicationScript sends some hundred numbered lines a second, each with the name of the run and of the container, until it is told to
// stop, and then tells how many it sent.
const applicationScript = `
host=$(cat /etc/hostname)
{
  i=0
  while [ ! -e /tmp/stop ]; do
    until=$((i + 8))
    while [ $i -lt $until ]; do echo "$0 $host $i"; i=$((i + 1)); done
    usleep 20000
  done
  echo "sent $i" >&2
} | send
echo done >&2
`

// traffic is a service of applications that log to the name logstash.
type traffic struct {
	e       *engine
	run     string // the first word of every line
	service string
}

// startTraffic starts the applications and waits until lines of theirs are in Elasticsearch.
func (e *engine) startTraffic(run string) *traffic {
	e.t.Helper()
	tr := &traffic{e: e, run: run, service: "app-" + run}
	e.run("docker", "service", "create", "--detach", "--name", tr.service, "--network", "log_net", "--endpoint-mode", "dnsrr",
		"--replicas", fmt.Sprint(applications), "--restart-condition", "none", appImage, "sh", "-c", applicationScript, run)
	e.waitFor("the first lines", 2*time.Minute, func() (string, bool) {
		n, err := e.count(run)
		return fmt.Sprint(n, err), n > 1000
	})
	return tr
}

var sentLine = regexp.MustCompile(`(?m)sent (\d+)$`)

// stop ends the applications and returns how many lines they sent.
func (tr *traffic) stop() int {
	e := tr.e
	e.t.Helper()
	ids := strings.Fields(e.run("docker", "ps", "-q", "--filter", "label=com.docker.swarm.service.name="+tr.service))
	require.Len(e.t, ids, applications)
	for _, id := range ids {
		e.run("docker", "exec", id, "touch", "/tmp/stop")
	}
	sent := 0
	e.waitFor("the end of the applications", 2*time.Minute, func() (string, bool) {
		logs := e.run("docker", "service", "logs", "--raw", tr.service)
		all := sentLine.FindAllStringSubmatch(logs, -1)
		sent = 0
		for _, m := range all {
			n, err := strconv.Atoi(m[1])
			require.NoError(e.t, err)
			sent += n
		}
		return logs, len(all) == applications && strings.Count(logs, "done") == applications
	})
	e.run("docker", "service", "rm", tr.service)
	e.waitFor("the end of the service", 2*time.Minute, func() (string, bool) {
		out := e.run("docker", "ps", "-aq", "--filter", "label=com.docker.swarm.service.name="+tr.service)
		return out, out == ""
	})
	return sent
}

// query asks for the lines of one run.
func query(run string) string { return "ignore_unavailable=true&q=" + url.QueryEscape("message:"+run) }

// count tells how many documents of a run are in Elasticsearch.
func (e *engine) count(run string) (int, error) {
	if status, body, err := e.get(elasticURL + "/ecs-logstash*/_refresh?ignore_unavailable=true"); err != nil || status != http.StatusOK {
		return 0, fmt.Errorf("refreshing: status %d: %v: %s", status, err, body)
	}
	status, body, err := e.get(elasticURL + "/ecs-logstash*/_count?" + query(run))
	if err != nil || status != http.StatusOK {
		return 0, fmt.Errorf("counting: status %d: %v: %s", status, err, body)
	}
	var answer struct{ Count int }
	return answer.Count, json.Unmarshal(body, &answer)
}

// found returns the different lines of a run in Elasticsearch and how many documents hold them.
func (e *engine) found(run string) (different, documents int) {
	e.t.Helper()
	seen := make(map[string]bool)
	next := elasticURL + "/ecs-logstash*/_search?scroll=1m&size=10000&_source=message&sort=_doc&" + query(run)
	for {
		status, body, err := e.get(next)
		require.NoError(e.t, err)
		require.Equal(e.t, http.StatusOK, status, "%s", body)
		var answer struct {
			ScrollID string `json:"_scroll_id"`
			Hits     struct {
				Hits []struct {
					Source struct{ Message string } `json:"_source"`
				}
			}
		}
		require.NoError(e.t, json.Unmarshal(body, &answer))
		if len(answer.Hits.Hits) == 0 {
			return len(seen), documents
		}
		for _, h := range answer.Hits.Hits {
			seen[h.Source.Message] = true
		}
		documents += len(answer.Hits.Hits)
		next = elasticURL + "/_search/scroll?scroll=1m&scroll_id=" + url.QueryEscape(answer.ScrollID)
	}
}

// testUpdate updates the service of the pipeline while applications send, and finds every line that they sent. The update has to end in a
// state.
func (e *engine) testUpdate(run, state string, args ...string) {
	const service = "logging_logstash"
	tr := e.startTraffic(run)
	began := time.Now()
	_, err := e.try("docker", append(append([]string{"service", "update", "--detach=false", "--quiet", "--force"}, args...), service)...)
	if state == "completed" {
		require.NoError(e.t, err)
	}
	took := time.Since(began)
	e.waitFor("the update", 3*time.Minute, func() (string, bool) {
		out := e.run("docker", "service", "inspect", "-f", "{{.UpdateStatus.State}}: {{.UpdateStatus.Message}}", service)
		return out + "\n" + e.run("docker", "service", "ps", "--no-trunc", service), strings.HasPrefix(out, state+":")
	})
	e.waitReplicas(service, "2/2")
	sent := tr.stop()
	var different, documents int
	e.waitFor("every line", 2*time.Minute, func() (string, bool) {
		n, err := e.count(run)
		if n < sent {
			logs, _ := e.try("docker", "service", "logs", "--tail", "100", service)
			return fmt.Sprintf("%d of %d lines, %v\n%s", n, sent, err, logs), false
		}
		different, documents = e.found(run)
		return fmt.Sprintf("%d of %d lines in %d documents", different, sent, documents), different == sent
	})
	e.t.Logf("update of 2 tasks in %v (%s): %d lines sent, %d documents: %d lost, %d doubled", took.Round(time.Second), state, sent, documents, sent-different, documents-different)
	e.checkEnds(service)
}

// checkEnds checks that no task was killed: a drained pipeline ends by itself, and its balance adds up.
func (e *engine) checkEnds(service string) {
	e.t.Helper()
	for line := range strings.Lines(e.run("docker", "ps", "-a", "--filter", "label=com.docker.swarm.service.name="+service, "--filter", "status=exited", "--format", "{{.ID}} {{.Status}}")) {
		e.t.Log(strings.TrimSpace(line))
		require.NotContains(e.t, line, "Exited (137)", "a task was killed")
	}
}
