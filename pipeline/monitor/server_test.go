package monitor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/logging"
	"millrace/pipeline"
)

func TestReadiness(t *testing.T) {
	w := newWorld()
	p, reg := w.compile(t, `input { tcp { id => "in" } } output { stdout { id => "out" } }`, nil)
	s := New(Options{Pipelines: []Pipeline{p}, Registry: reg})
	f := func(path string, code int, want string) {
		t.Helper()
		got := get(t, s.Handler(), http.MethodGet, path, "")
		require.Equal(t, code, got.Code, got.Body.String())
		require.Contains(t, got.Body.String(), want)
	}
	f("/livez", 200, "alive")
	f("/healthz", 503, "pipeline main is not started")
	f("/", 200, `"status" : "yellow"`)
	f("/_health_report", 200, `"state" : "LOADING"`)
	f("/?wait_for_status=yellow&timeout=1s", 200, "host")
	f("/?wait_for_status=green&timeout=1ms", 408, "Timed out waiting for status 'green'.")
	f("/?wait_for_status=blue&timeout=1s", 400, "Invalid status 'blue'")
	f("/?wait_for_status=green&timeout=x", 400, "Invalid timeout 'x'")

	stop := run(t, p)
	f("/healthz", 200, "ready")
	f("/", 200, `"status" : "green"`)
	f("/_health_report", 200, `"state" : "RUNNING"`)
	f("/?wait_for_status=green&timeout=1s", 200, "host")

	stop()
	f("/healthz", 503, "pipeline main is terminated")
	f("/_health_report", 200, "diagnosis")
	f("/_health_report", 200, `"state" : "FINISHED"`)
	f("/livez", 200, "alive")
}

func TestMethodsAndPaths(t *testing.T) {
	s := recordedServer(t)
	f := func(method, path string, code int) string {
		t.Helper()
		rec := get(t, s.Handler(), method, path, "")
		require.Equal(t, code, rec.Code, "%s %s: %s", method, path, rec.Body.String())
		return rec.Body.String()
	}
	require.Equal(t, `{"path":"/_node/stats","status":405,"error":{"message":"Method Not Allowed"}}`, f("POST", "/_node/stats", 405))
	f("PUT", "/", 405)
	f("DELETE", "/_node/logging", 405)
	f("GET", "/_node/logging/reset", 405)
	f("HEAD", "/", 200)
	f("GET", "/_node/", 200)
	f("GET", "/_node/stats/", 200)
	f("GET", "/_node/nope", 404)
	f("GET", "/_node/pipelines/nope", 404)
	f("GET", "/healthz/x", 404)
	f("POST", "/nope", 404)

	both := f("GET", "/_node/stats/jvm,process", 200)
	require.Contains(t, both, `"jvm" : {`)
	require.Contains(t, both, `"process" : {`)
	require.NotContains(t, both, `"os" : {`)
	require.NotContains(t, f("GET", "/_node?pretty=false", 200), "\n")
	require.NotContains(t, f("GET", "/_node/stats", 200), "vertices")
	require.Contains(t, f("GET", "/_node/plugins", 200), `"name" : "logstash-filter-grok"`)
}

func TestHotThreads(t *testing.T) {
	s := recordedServer(t)
	text := get(t, s.Handler(), http.MethodGet, "/_node/hot_threads?human=true&ignore_idle_threads=false&threads=500", "").Body.String()
	require.Contains(t, text, "::: {vm}")
	require.Contains(t, text, "millrace/pipeline.(*worker).run")
	require.NotContains(t, text, "0x", "arguments are left out")

	var v struct {
		HotThreads struct {
			Time    time.Time
			Busiest int `json:"busiest_threads"`
			Threads []struct {
				Name   string
				State  string
				Traces []string
			}
		} `json:"hot_threads"`
	}
	require.NoError(t, json.Unmarshal(get(t, s.Handler(), http.MethodGet, "/_node/hot_threads?threads=1", "").Body.Bytes(), &v))
	require.Equal(t, 1, v.HotThreads.Busiest)
	require.Equal(t, "running", v.HotThreads.Threads[0].State)
	require.NotEmpty(t, v.HotThreads.Threads[0].Traces)
	require.Equal(t, 400, get(t, s.Handler(), http.MethodGet, "/_node/hot_threads?threads=x", "").Code)
}

// TestNoSecrets looks for an option's value in every answer.
func TestNoSecrets(t *testing.T) {
	w := newWorld()
	p, reg := w.compile(t, `input { tcp { id => "in" type => "s3cr3t-type" } } filter { mutate { add_field => { "password" => "s3cr3t" } } } output { stdout { } }`, nil)
	s := New(Options{Pipelines: []Pipeline{p}, Registry: reg})
	for _, path := range []string{"/", "/_node?graph=true", "/_node/stats?vertices=true", "/_health_report", "/metrics", "/_node/logging", "/_node/hot_threads?ignore_idle_threads=false&threads=1000", "/healthz"} {
		require.NotContains(t, get(t, s.Handler(), http.MethodGet, path, "").Body.String(), "s3cr3t", path)
	}
}

func TestLogging(t *testing.T) {
	var out bytes.Buffer
	levels := NewLevels(slog.LevelInfo)
	root := slog.New(levels.Handler(logging.NewHandler(&out, logging.LevelTrace, false)))
	require.Same(t, levels, LevelsOf(root))
	require.Nil(t, LevelsOf(logging.Discard()))
	agent := root.With(logging.LoggerKey, "millrace.agent")
	es := agent.With("pipeline", "main", "plugin", "output/elasticsearch")
	file := agent.With("plugin", "output/file").WithGroup("g")
	s := New(Options{Levels: levels, Log: logging.Discard()})

	said := func() string {
		out.Reset()
		root.Debug("root")
		agent.Debug("agent")
		es.Debug("es")
		file.Debug("file")
		var names []string
		for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
			_, message, ok := strings.Cut(line, "] ")
			if ok {
				name, _, _ := strings.Cut(message, " ")
				names = append(names, name)
			}
		}
		return strings.Join(names, " ")
	}
	put := func(path, body string, code int, want string) {
		t.Helper()
		rec := get(t, s.Handler(), http.MethodPut, path, body)
		require.Equal(t, code, rec.Code, rec.Body.String())
		require.Contains(t, rec.Body.String(), want)
	}
	require.Empty(t, said())
	put("/_node/logging", `{"logger.logstash.outputs.elasticsearch":"DEBUG"}`, 200, `"acknowledged":true`)
	require.Equal(t, "es", said())
	put("/_node/logging", `{"logger.logstash.outputs":"TRACE","logger.millrace.agent":"debug"}`, 200, `"acknowledged":true`)
	require.Equal(t, "agent es file", said())
	require.Contains(t, get(t, s.Handler(), http.MethodGet, "/_node/logging", "").Body.String(), `"logstash.outputs.file" : "TRACE"`)
	late := agent.With("plugin", "output/late")
	require.True(t, late.Enabled(t.Context(), slog.LevelDebug), "a logger that comes later has the level too")
	put("/_node/logging", `{"logger.":"DEBUG"}`, 200, `"acknowledged":true`)
	require.Equal(t, "root agent es file", said())
	put("/_node/logging", `{"logger":"OFF"}`, 200, `"acknowledged":true`)
	require.Empty(t, said())
	require.False(t, root.Enabled(t.Context(), logging.LevelFatal))
	put("/_node/logging/reset", "", 200, `"acknowledged":true`)
	require.Empty(t, said())
	require.True(t, root.Enabled(t.Context(), slog.LevelInfo))

	put("/_node/logging", `{"logger.x":"LOUD"}`, 400, "invalid level[LOUD]")
	put("/_node/logging", `{"logger.logstash.agent":"DEBUG","invalid":"ERROR"}`, 400, "unrecognized option [invalid]")
	require.Empty(t, said(), "all or nothing")
	put("/_node/logging", `{`, 400, "reading the log levels")
	put("/_node/logging", strings.Repeat(" ", maxBody+1), 400, "reading the log levels")

	var answer, wanted map[string]any
	rec := get(t, s.Handler(), http.MethodPut, "/_node/logging", `{}`)
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &answer))
	require.NoError(t, json.Unmarshal(readRecorded(t, "put_logging").body, &wanted))
	require.Equal(t, shape(t, readRecorded(t, "put_logging").body), shape(t, rec.Body.Bytes()))
	require.NotContains(t, rec.Body.String(), "\n", "as recorded")

	fixed := New(Options{})
	require.Equal(t, 400, get(t, fixed.Handler(), http.MethodPut, "/_node/logging", `{}`).Code)
	require.Equal(t, 500, get(t, fixed.Handler(), http.MethodPut, "/_node/logging/reset", ``).Code)
}

// TestServe listens at the first free port of a range, serves, and ends with its context.
func TestServe(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	port := taken.Addr().(*net.TCPAddr).Port
	last := min(port+50, 65535)

	w := newWorld()
	p, reg := w.compile(t, `input { tcp { } } output { stdout { } }`, func(s *pipeline.Settings) { s.Workers = 1 })
	s := New(Options{Port: fmt.Sprintf("%d-%d", port, last), Pipelines: []Pipeline{p}, Registry: reg, Began: time.Now()})
	require.NoError(t, s.Listen())
	require.NotEqual(t, taken.Addr().String(), s.address())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx) }()
	run(t, p)
	resp, err := http.Get("http://" + s.address() + "/")
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Contains(t, string(body), `"http_address" : "`+s.address()+`"`)
	require.Eventually(t, func() bool { return s.started.Load() > 0 }, time.Minute, time.Millisecond)
	cancel()
	require.NoError(t, <-ended)

	one := New(Options{Port: fmt.Sprint(port)})
	require.ErrorContains(t, one.Serve(t.Context()), "listening for the API")
	for _, bad := range []string{"x", "9700-9600", "1-70000", "-5"} {
		require.ErrorContains(t, New(Options{Port: bad}).Listen(), "api.http.port", bad)
	}
}

// TestUtilizationHealth turns a pipeline whose workers never rest yellow, then red.
func TestUtilizationHealth(t *testing.T) {
	w := newWorld()
	p, _ := w.compile(t, `input { tcp { } } output { stdout { } }`, nil)
	run(t, p)
	v := newView(p)
	f := func(elapsed time.Duration, busy float64, want status) {
		t.Helper()
		to := make([]int64, countPlugins)
		to[countWork] = int64(busy * float64(elapsed) * 2)
		name := map[time.Duration]string{time.Minute: "last_1_minute", 5 * time.Minute: "last_5_minutes"}[elapsed]
		_, got := v.pipelineHealth([]flow{{name, elapsed, make([]int64, countPlugins), to}})
		require.Equal(t, want, got)
	}
	f(time.Minute, 0.5, green)
	f(time.Minute, 0.97, green)
	f(time.Minute, 1, yellow)
	f(5*time.Minute, 0.97, yellow)
	f(5*time.Minute, 1, red)
}
