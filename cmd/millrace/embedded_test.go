package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/childproc"
	"millrace/internal/testenv"
)

// embedded is the program with nothing configured, but for the age of documents: those of the tests have dates that stay what they are.
type embedded struct {
	*child
	url  string // of the store
	port int    // of the lines
}

var storeURL = regexp.MustCompile(`answers Elasticsearch's API \{url="([^"]+)"`)

func startEmbedded(t *testing.T, data string, port int, args ...string) *embedded {
	t.Helper()
	env := []string{childVariable + "=1", "HOME=" + t.TempDir(), "LS_SETTINGS_DIR=" + t.TempDir(), "MILLRACE_PORT=" + strconv.Itoa(port)}
	argv := append([]string{os.Args[0], "--api.enabled=false", "--path.data", data, "--store.port=0", "--store.max_age=0"}, args...)
	p, err := childproc.Launch("millrace", argv, env, patience, func(line string) bool { return strings.Contains(line, "Pipelines running") })
	require.NoError(t, err)
	t.Cleanup(p.Kill)
	m := storeURL.FindStringSubmatch(p.Output())
	require.NotNil(t, m, p.Output())
	return &embedded{&child{p, t}, m[1], port}
}

func (e *embedded) send(lines string) {
	e.t.Helper()
	var c net.Conn
	require.Eventually(e.t, func() (ok bool) {
		var err error
		c, err = net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(e.port)))
		return err == nil
	}, patience, 10*time.Millisecond)
	_, err := io.WriteString(c, lines)
	require.NoError(e.t, err)
	require.NoError(e.t, c.Close())
}

// search returns the sources of what a query finds.
func (e *embedded) search(q string) (sources []map[string]any) {
	e.t.Helper()
	body, err := json.Marshal(map[string]any{"size": 100, "query": map[string]any{"query_string": map[string]any{"query": q}}, "sort": []any{"_doc"}})
	require.NoError(e.t, err)
	resp, err := http.Post(e.url+"/logs-*/_search", "application/json", bytes.NewReader(body))
	require.NoError(e.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(e.t, err)
	require.Equal(e.t, http.StatusOK, resp.StatusCode, "%s", text)
	var answer struct {
		Hits struct {
			Hits []struct {
				Source map[string]any `json:"_source"`
			}
		}
	}
	require.NoError(e.t, json.Unmarshal(text, &answer))
	for _, h := range answer.Hits.Hits {
		sources = append(sources, h.Source)
	}
	return sources
}

// await searches until n documents are found.
func (e *embedded) await(q string, n int) []map[string]any {
	e.t.Helper()
	var got []map[string]any
	require.Eventually(e.t, func() bool { got = e.search(q); return len(got) == n }, patience, 10*time.Millisecond, "%s", e.Output())
	return got
}

// TestNothingConfigured: lines over TCP are found in the embedded store, understood, and are still there after a kill -9.
func TestNothingConfigured(t *testing.T) {
	data := t.TempDir()
	e := startEmbedded(t, data, testenv.FreePort(t))
	e.send(`{"level":"ERROR","host":"web-1","msg":"it broke","n":3,"time":"2026-11-20T08:00:00Z"}
Nov 21 10:00:00 box sshd[123]: Failed password for root
<34>Oct 11 22:14:15 mymachine su: root was refused
203.0.113.7 - - [21/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 4523 "-" "curl/8"
plain text with a Warning inside
{not json
`)
	began := time.Now()
	all := e.await("*", 6)
	t.Logf("found after %v", time.Since(began))
	for _, doc := range all {
		require.Nil(t, doc["tags"], "%v", doc)
	}
	f := func(q, field, want string) {
		t.Helper()
		docs := e.search(q)
		require.Len(t, docs, 1, q)
		v := any(docs[0])
		for _, k := range strings.Split(field, ".") {
			v = v.(map[string]any)[k]
		}
		require.Equal(t, want, fmt.Sprint(v))
	}
	f("message:broke", "message", "it broke")
	f("log.level:error", "host.name", "web-1")
	f("n:[2 TO 4]", "@timestamp", "2026-11-20T08:00:00.000Z")
	f("process.name:sshd", "process.pid", "123")
	f("host.hostname:mymachine", "log.syslog.priority", "34")
	f("http.response.status_code:>=200", "http.response.body.bytes", "4523")
	f("plain", "log.level", "warning")
	f(`"not json"`, "message", "{not json")
	require.Empty(t, e.search("message:password AND message:broke"))

	e.Kill()
	e = startEmbedded(t, data, e.port)
	require.Len(t, e.search("*"), 6, "what was acknowledged survives kill -9")
	e.send("one more\n")
	e.await("message:more", 1)
	out := e.end()
	require.NotContains(t, out, "ERROR")
	require.Contains(t, out, "dead_lettered=0")
}

// TestEmbeddedBesideAConfiguration: --embedded runs the store for a configuration of one's own, which finds it by MILLRACE_STORE.
func TestEmbeddedBesideAConfiguration(t *testing.T) {
	e := startEmbedded(t, t.TempDir(), testenv.FreePort(t), "--embedded", "--store.max_bytes=64mb", "-e",
		`input { tcp { port => "${MILLRACE_PORT}" } } output { elasticsearch { hosts => ["${MILLRACE_STORE}"] index => "mine-%{[message]}" ecs_compatibility => disabled } }`)
	e.send("x\n")
	require.Eventually(t, func() bool {
		resp, err := http.Get(e.url + "/_cat/indices?h=index,docs.count")
		require.NoError(t, err)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return strings.Contains(string(text), "1\n")
	}, patience, 20*time.Millisecond, "%s", e.Output())
	e.end()
}
