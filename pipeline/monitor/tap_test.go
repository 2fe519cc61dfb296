package monitor

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline"
)

// message is one server-sent event.
type message struct{ kind, data string }

// stream is an open stream of them.
type stream struct {
	t    *testing.T
	r    *bufio.Reader
	body io.ReadCloser
}

// follow opens a stream and waits until it is attached.
func follow(t *testing.T, base, query string) *stream {
	t.Helper()
	resp, err := http.Get(base + "/_millrace/tap?" + query)
	require.NoError(t, err)
	s := &stream{t, bufio.NewReader(resp.Body), resp.Body}
	t.Cleanup(func() { _ = resp.Body.Close() })
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	require.Equal(t, "attached", s.next().kind)
	return s
}

// next returns the next message.
func (s *stream) next() message {
	s.t.Helper()
	m := message{kind: "message"}
	for {
		line, err := s.r.ReadString('\n')
		require.NoError(s.t, err)
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "event":
			m.kind = value
		case "data":
			require.Empty(s.t, m.data)
			m.data = value
		case "":
			if m.data != "" {
				return m
			}
		}
	}
}

func serve(t *testing.T, o Options) (base string, stop func()) {
	t.Helper()
	o.Port = "0"
	s := New(o)
	require.NoError(t, s.Listen())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	done := false
	stop = func() {
		if !done {
			done = true
			cancel()
			require.NoError(t, <-ended)
		}
	}
	t.Cleanup(stop)
	return "http://" + s.address(), stop
}

const tapConfig = `input { tcp { id => "in" } }
filter {
  if [message] =~ "^x" { mutate { id => "m" } }
}
output { stdout { id => "out" } }`

func TestTapStream(t *testing.T) {
	w := newWorld()
	p, reg := w.compile(t, tapConfig, func(s *pipeline.Settings) { s.Workers = 1 })
	base, _ := serve(t, Options{Pipelines: []Pipeline{p}, Registry: reg})
	stop := run(t, p)

	resp, err := http.Get(base + "/_millrace/tap/points")
	require.NoError(t, err)
	var points []map[string]any
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&points))
	require.NoError(t, resp.Body.Close())
	require.Len(t, points, 5)
	require.Equal(t, map[string]any{
		"pipeline": "main", "id": "filter:m", "kind": "filter", "plugin": "mutate", "plugin_id": "m",
		"file": "/etc/logstash/a.conf", "line": 3.0, "conditions": []any{`if [message] =~ "^x"`},
	}, points[2])
	require.Equal(t, map[string]any{"pipeline": "main", "id": "input", "kind": "input", "conditions": []any{}}, points[1])

	all := follow(t, base, "")
	some := follow(t, base, "pipeline=main&at=filter:m&sample=2&metadata=true&if="+url.QueryEscape(`[message] != "x1"`))
	w.feed["in"] <- []string{"a\nevent: end\n\n", "x1", "x2", "x3", "x4", strings.Repeat("y", 40_000)}
	f := func(s *stream, at, text string) {
		t.Helper()
		m := s.next()
		require.Equal(t, "message", m.kind, m.data)
		var v struct {
			At        string
			Time      time.Time
			Event     map[string]any
			Metadata  map[string]any
			Truncated bool
			Size      int
			Text      string
		}
		require.NoError(t, json.Unmarshal([]byte(m.data), &v), m.data)
		require.Equal(t, at, v.At)
		require.WithinDuration(t, time.Now(), v.Time, time.Minute)
		if v.Truncated {
			require.Greater(t, v.Size, 40_000)
			require.True(t, strings.HasPrefix(v.Text, `{"`) && strings.Contains(v.Text, text), v.Text)
			return
		}
		require.Equal(t, text, v.Event["message"])
		require.Equal(t, s == some, v.Metadata != nil)
	}
	f(all, "output", "a\nevent: end\n\n")
	for _, text := range []string{"x1", "x2", "x3", "x4", "yyyyyyyy"} {
		f(all, "output", text)
	}
	f(some, "filter:m", "x2")
	f(some, "filter:m", "x4")
	require.Equal(t, 2, p.Followers())
	require.NoError(t, some.body.Close())
	require.Eventually(t, func() bool { return p.Followers() == 1 }, time.Minute, time.Millisecond, "a client that has gone is not followed up")

	var overview struct {
		Pipelines []struct{ Followers, Workers int }
	}
	require.NoError(t, json.Unmarshal(get(t, New(Options{Pipelines: []Pipeline{p}}).Handler(), http.MethodGet, "/_millrace/overview", "").Body.Bytes(), &overview))
	require.Equal(t, 1, overview.Pipelines[0].Followers)

	stop()
	require.Equal(t, message{"end", `{"reason":"the pipeline has ended"}`}, all.next())
	_, err = all.r.ReadByte()
	require.ErrorIs(t, err, io.EOF)
	resp, err = http.Get(base + "/_millrace/tap")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
}

// TestTapDrops: what a rate leaves out is told.
func TestTapDrops(t *testing.T) {
	w := newWorld()
	p, reg := w.compile(t, tapConfig, func(s *pipeline.Settings) { s.Workers = 1 })
	base, stop := serve(t, Options{Pipelines: []Pipeline{p}, Registry: reg})
	run(t, p)
	s := follow(t, base, "limit=1")
	w.feed["in"] <- []string{"a", "b", "c"}
	require.Equal(t, "message", s.next().kind)
	require.Equal(t, message{"dropped", `{"dropped":2,"total":2}`}, s.next())
	stop()
	_, err := s.r.ReadString('\n')
	require.ErrorIs(t, err, io.EOF, "the server ends the stream")
}

func TestTapErrors(t *testing.T) {
	w := newWorld()
	p, _ := w.compile(t, tapConfig, nil)
	other, _ := newWorld().compile(t, tapConfig, func(s *pipeline.Settings) { s.ID = "other" })
	third, _ := newWorld().compile(t, tapConfig, func(s *pipeline.Settings) { s.ID = "third" })
	one, two := New(Options{Pipelines: []Pipeline{p}}), New(Options{Pipelines: []Pipeline{other, third}})
	f := func(s *Server, query string, code int, want ...string) {
		t.Helper()
		rec := get(t, s.Handler(), http.MethodGet, "/_millrace/tap?"+query, "")
		require.Equal(t, code, rec.Code, rec.Body.String())
		require.Equal(t, "application/json", rec.Header().Get("Content-Type"))
		require.True(t, json.Valid(rec.Body.Bytes()))
		for _, text := range want {
			require.Contains(t, rec.Body.String(), text)
		}
	}
	f(one, "at=filter:x", 404, "no such point")
	f(one, "at=filter:n", 404, `did you mean`)
	f(one, "pipeline=none", 400, `there are main`)
	f(two, "", 400, "which pipeline? there are other, third")
	f(one, "sample=0", 400, "sample: expected a number from 1")
	f(one, "sample=x", 400, "sample")
	f(one, "limit=100000", 400, "from 1 to 1000")
	f(one, "rate=1", 400, "unknown parameter")
	f(one, "if="+url.QueryEscape(`[a] && [b]`), 400, `"column" : 5`, `"hint" : "write and"`, `"code" : "operator"`, `"parameter" : "if"`)
	f(one, "if="+url.QueryEscape(`[a] =~ "("`), 400, `"column" : 8`)
	f(one, "if="+url.QueryEscape(`[a] } } output { stdout { } }`), 400, "after the end of the condition")
	f(one, "if="+url.QueryEscape(strings.Repeat("[a] and ", 1000)), 400, "at most 4096")
	require.Equal(t, 200, get(t, one.Handler(), http.MethodHead, "/_millrace/tap", "").Code)
	require.Zero(t, p.Followers())
	require.Equal(t, 405, get(t, one.Handler(), http.MethodPost, "/_millrace/tap", "").Code)
	for range pipeline.MaxFollowers {
		tap, err := p.Tap(pipeline.TapOptions{})
		require.NoError(t, err)
		defer tap.Close()
	}
	f(one, "", 429, fmt.Sprintf("%d follow", pipeline.MaxFollowers))
}

func TestOverview(t *testing.T) {
	s := recordedServer(t)
	var v struct {
		Name      string
		Pipelines []struct {
			ID, State string
			Account   map[string]int64
			Plugins   []struct {
				ID, Kind, File, Condition string
				Line                      int
				Account                   map[string]int64
				Own                       map[string]any
			}
		}
	}
	require.NoError(t, json.Unmarshal(get(t, s.Handler(), http.MethodGet, "/_millrace/overview", "").Body.Bytes(), &v))
	p := v.Pipelines[0]
	require.Equal(t, "running", p.State)
	a := p.Account
	require.EqualValues(t, 503, a["received"])
	require.Equal(t, a["received"]+a["made"], a["dropped"]+a["unrouted"]+a["routed"]+a["processing"])
	require.Len(t, p.Plugins, 7)
	require.Equal(t, "g1", p.Plugins[2].ID)
	require.Equal(t, 2, p.Plugins[2].Line)
	require.Equal(t, "if [message] =~ /GET/", p.Plugins[2].Condition)
	require.Equal(t, "out_es", p.Plugins[5].ID)
	require.EqualValues(t, 503, p.Plugins[5].Account["taken"])
	require.NotEmpty(t, p.Plugins[5].Own)
}
