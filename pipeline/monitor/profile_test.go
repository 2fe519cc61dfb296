package monitor

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/profile"
	"millrace/pipeline"
)

// profiling asks for a profile and waits until the pipeline is being watched; the answer comes by the channel.
func profiling(t *testing.T, p Pipeline, base, query string) <-chan *profile.Report {
	t.Helper()
	resp, err := http.Get(base + "/_millrace/profile?" + query)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "the head comes at once")
	require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
	got := make(chan *profile.Report, 1)
	go func() {
		defer close(got)
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		r := new(profile.Report)
		if err == nil && json.Unmarshal(body, r) == nil {
			got <- r
		}
	}()
	return got
}

func TestProfile(t *testing.T) {
	w := newWorld()
	p, reg := w.compile(t, tapConfig, func(s *pipeline.Settings) { s.Workers = 1 })
	base, _ := serve(t, Options{Pipelines: []Pipeline{p}, Registry: reg})
	run(t, p)
	got := profiling(t, p, base, "duration=3s") // long enough for what follows on a busy machine
	rec := get(t, New(Options{Pipelines: []Pipeline{p}}).Handler(), http.MethodGet, "/_millrace/profile", "")
	require.Equal(t, http.StatusConflict, rec.Code, "one at a time")
	w.feed["in"] <- []string{"a", "x1", "x2", "b"}
	r := <-got
	require.NotNil(t, r)
	require.Equal(t, "main", r.Pipeline)
	require.Equal(t, profile.Running, r.Mode)
	require.False(t, r.Ended)
	require.EqualValues(t, 4, r.Events)
	require.EqualValues(t, 4, r.Passed)
	f := func(i int, kind pipeline.PartKind, text string, line int, events, held int64) {
		t.Helper()
		row := r.Rows[i]
		require.Equal(t, kind, row.Kind)
		require.Equal(t, text, row.Plugin+row.Text)
		require.Equal(t, line, row.Line)
		require.Equal(t, events, row.Events)
		require.Equal(t, held, row.Held)
	}
	f(1, pipeline.PartDecode, "tcp", 1, 4, 0)
	f(2, pipeline.PartBranch, `if [message] =~ "^x"`, 3, 4, 2)
	f(3, pipeline.PartFilter, "mutate", 3, 2, r.Rows[3].Held)
	f(4, pipeline.PartOutput, "stdout", 5, 4, 0)

	r = <-profiling(t, p, base, "pipeline=main&duration=1ms")
	require.True(t, r.Untouched)
	require.Contains(t, r.Text(0), "no event came while the pipeline was watched")
}

// TestProfileEnds: a profile of a pipeline that ends, or of a program that does, is told as far as it came.
func TestProfileEnds(t *testing.T) {
	f := func(end func(stopPipeline, stopServer func())) {
		t.Helper()
		w := newWorld()
		p, reg := w.compile(t, tapConfig, nil)
		base, stopServer := serve(t, Options{Pipelines: []Pipeline{p}, Registry: reg})
		stopPipeline := run(t, p)
		got := profiling(t, p, base, "duration=60s")
		end(stopPipeline, stopServer)
		select {
		case r := <-got:
			require.NotNil(t, r)
			require.True(t, r.Ended)
		case <-time.After(50 * time.Second):
			t.Fatal("the profile does not end")
		}
	}
	f(func(stopPipeline, _ func()) { stopPipeline() })
	f(func(_, stopServer func()) { stopServer() })
}

func TestProfileErrors(t *testing.T) {
	w := newWorld()
	p, _ := w.compile(t, tapConfig, nil)
	s := New(Options{Pipelines: []Pipeline{p}})
	f := func(query string, code int, want string) {
		t.Helper()
		rec := get(t, s.Handler(), http.MethodGet, "/_millrace/profile?"+query, "")
		require.Equal(t, code, rec.Code, rec.Body.String())
		require.Contains(t, rec.Body.String(), want)
	}
	f("duration=61s", 400, "up to 1m0s")
	f("duration=-1s", 400, "up to 1m0s")
	f("duration=x", 400, `not \"x\"`)
	f("pipeline=none", 400, "there are main")
	f("at=x", 400, "unknown parameter")
	require.Equal(t, 200, get(t, s.Handler(), http.MethodHead, "/_millrace/profile", "").Code)
	s = New(Options{Pipelines: []Pipeline{p}, Events: AccessNone})
	f("duration=1ms", 403, "api.events is false")
	pr, err := p.Profile(pipeline.ProfileOptions{})
	require.NoError(t, err, "what was refused has begun nothing")
	pr.Stop()
	run(t, p)()
	s = New(Options{Pipelines: []Pipeline{p}})
	f("duration=1ms", 503, "ended")
}
