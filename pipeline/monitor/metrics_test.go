package monitor

import (
	"bufio"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// scrape reads /metrics: values by name and labels as they stand there.
func scrape(t *testing.T, h http.Handler) map[string]float64 {
	t.Helper()
	rec := get(t, h, http.MethodGet, "/metrics", "")
	require.Equal(t, http.StatusOK, rec.Code, rec.Body.String())
	out := make(map[string]float64)
	lines := bufio.NewScanner(rec.Body)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(line[i+1:], 64)
		require.NoError(t, err, line)
		out[line[:i]] = v
	}
	return out
}

func nameOf(series string) string {
	name, _, _ := strings.Cut(series, "{")
	return name
}

// TestMetricNames holds the list for dashboards and alerts to what is exported.
func TestMetricNames(t *testing.T) {
	s := recordedServer(t)
	got := make(map[string]bool)
	other := make(map[string]bool)
	for series := range scrape(t, s.Handler()) {
		name := nameOf(series)
		switch {
		case strings.HasPrefix(name, "millrace_plugin_"):
			other["millrace_plugin_"] = true
		case strings.HasPrefix(name, "millrace_"):
			got[name] = true
		default:
			prefix, _, _ := strings.Cut(name, "_")
			other[prefix] = true
		}
	}
	require.Equal(t, MetricNames(), slices.Sorted(maps.Keys(got)))
	require.True(t, other["go"] && other["process"] && other["millrace_plugin_"], other)
	for _, f := range families() {
		require.Equal(t, strings.HasSuffix(f.name, "_total"), f.kind == 1, "the suffix _total is that of counters: %s", f.name)
		require.NotEmpty(t, f.help)
	}
}

func TestMetricValues(t *testing.T) {
	s := recordedServer(t)
	m := scrape(t, s.Handler())
	f := func(series string, want float64) {
		t.Helper()
		got, ok := m[series]
		require.True(t, ok, series)
		require.InDelta(t, want, got, 0, series)
	}
	f(`millrace_input_events_total{pipeline="main",plugin="tcp",plugin_id="in_tcp"}`, 500)
	f(`millrace_input_bytes_total{pipeline="main",plugin="tcp",plugin_id="in_tcp"}`, 312*5+188*6)
	f(`millrace_filter_events_in_total{pipeline="main",plugin="grok",plugin_id="g1"}`, 312)
	f(`millrace_filter_events_matched_total{pipeline="main",plugin="mutate",plugin_id="m1"}`, 503)
	f(`millrace_output_events_total{outcome="delivered",pipeline="main",plugin="elasticsearch",plugin_id="out_es"}`, 503)
	f(`millrace_pipeline_up{pipeline="main"}`, 1)
	f(`millrace_plugin_failures_total{kind="filter",pipeline="main",plugin="grok",plugin_id="g1"}`, 0)
	f(`millrace_events_received_total{pipeline="main"}`, 503)
}

// law checks the conservation of events in one scrape.
func law(t *testing.T, m map[string]float64) {
	t.Helper()
	at := func(name string) float64 {
		v, ok := m["millrace_events_"+name+`{pipeline="load"}`]
		require.True(t, ok, name)
		require.GreaterOrEqual(t, v, 0.0, name)
		return v
	}
	require.InDelta(t, at("received_total")+at("made_total"), at("dropped_total")+at("unrouted_total")+at("routed_total")+at("processing"), 0)
	for _, o := range []string{`plugin="elasticsearch",plugin_id="a"`, `plugin="stdout",plugin_id="b"`} {
		outcome := func(name string) float64 {
			v, ok := m[`millrace_output_events_total{outcome="`+name+`",pipeline="load",`+o+`}`]
			require.True(t, ok, name)
			return v
		}
		in := m[`millrace_output_events_in_total{pipeline="load",`+o+`}`]
		flight := m[`millrace_output_in_flight_events{pipeline="load",`+o+`}`]
		require.GreaterOrEqual(t, flight, 0.0)
		require.InDelta(t, in, outcome("delivered")+outcome("dead_lettered")+outcome("dropped")+flight, 0)
	}
}

// TestConservationUnderLoad scrapes while four workers work: in every scrape the account adds up and no counter goes back.
func TestConservationUnderLoad(t *testing.T) {
	w := newWorld()
	w.filters["drop"] = func(e *event.Event, _ *plugin.Env) bool {
		e.Cancel()
		return true
	}
	p, reg := w.compile(t, `
		input { tcp { id => "in" } }
		filter {
			if [message] == "drop" { drop { } }
			else if [message] == "clone" { clone { } }
		}
		output {
			if [message] != "nowhere" { elasticsearch { id => "a" } }
			if [message] == "clone" { stdout { id => "b" } }
		}`, func(s *pipeline.Settings) { s.ID, s.Workers = "load", 4 })
	s := New(Options{Pipelines: []Pipeline{p}, Registry: reg, Counters: &w.counters})
	w.outputs["a"].settle = func(st *plugin.Stats, n int64) {
		st.Delivered.Add(n - n/7 - n/11)
		st.DeadLettered.Add(n / 7)
		st.Dropped.Add(n / 11)
		st.Retried.Add(1)
	}
	const batches, repeat = 1500, 25 // a batch holds 4 × repeat records
	w.outputs["a"].target.Store(batches * repeat * 3)
	w.outputs["b"].target.Store(batches * repeat * 2)
	run(t, p)

	lines := slices.Repeat([]string{"drop", "clone", "nowhere", "x"}, repeat)
	var fed atomic.Bool
	go func() {
		for range batches {
			w.feed["in"] <- lines
		}
		fed.Store(true)
	}()
	last := make(map[string]float64)
	scrapes, moving := 0, 0
	deadline := time.Now().Add(30 * time.Second)
	for {
		over := fed.Load()
		if over {
			<-w.outputs["a"].done
			<-w.outputs["b"].done
		}
		m := scrape(t, s.Handler())
		law(t, m)
		for series, v := range m {
			if strings.HasPrefix(series, "millrace_") && strings.HasSuffix(nameOf(series), "_total") {
				require.GreaterOrEqual(t, v, last[series], series)
			}
		}
		if m[`millrace_events_received_total{pipeline="load"}`] > last[`millrace_events_received_total{pipeline="load"}`] {
			moving++
		}
		last = m
		scrapes++
		// An output has its events before the worker publishes the turn that brought them.
		published := m[`millrace_events_received_total{pipeline="load"}`] == 4*batches*repeat && m[`millrace_events_processing{pipeline="load"}`] == 0
		if over && (published || time.Now().After(deadline)) {
			break
		}
	}
	require.Greater(t, moving, 1, "of %d scrapes", scrapes)
	f := func(series string, want float64) {
		t.Helper()
		require.InDelta(t, want, last[series], 0, series)
	}
	const n = batches * repeat
	f(`millrace_events_received_total{pipeline="load"}`, 4*n)
	f(`millrace_events_made_total{pipeline="load"}`, n)
	f(`millrace_events_dropped_total{pipeline="load"}`, n)
	f(`millrace_events_unrouted_total{pipeline="load"}`, n)
	f(`millrace_events_routed_total{pipeline="load"}`, 3*n)
	f(`millrace_events_processing{pipeline="load"}`, 0)
	f(`millrace_output_in_flight_events{pipeline="load",plugin="elasticsearch",plugin_id="a"}`, 0)
	f(`millrace_output_events_in_total{pipeline="load",plugin="elasticsearch",plugin_id="a"}`, 3*n)
	f(`millrace_output_events_in_total{pipeline="load",plugin="stdout",plugin_id="b"}`, 2*n)
}

func TestCounters(t *testing.T) {
	var c Counters
	a := c.Of("p1")(plugin.FilterKind, "grok", "filter_grok_1", "Failures", "first help")
	b := c.Of("p2")(plugin.FilterKind, "grok", "filter_grok_1", "failures_total", "another help")
	require.NotSame(t, a, b)
	require.Same(t, a, c.Of("p1")(plugin.FilterKind, "grok", "filter_grok_1", "failures", ""))
	a.Add(3)
	b.Add(4)
	c.Counter(plugin.InputKind, "tcp", "x", "weird name-é", "help").Add(1)
	s := New(Options{Counters: &c})
	m := scrape(t, s.Handler())
	require.InDelta(t, 3, m[`millrace_plugin_failures_total{kind="filter",pipeline="p1",plugin="grok",plugin_id="filter_grok_1"}`], 0)
	require.InDelta(t, 4, m[`millrace_plugin_failures_total{kind="filter",pipeline="p2",plugin="grok",plugin_id="filter_grok_1"}`], 0)
	require.InDelta(t, 1, m[`millrace_plugin_weird_name___total{kind="input",pipeline="",plugin="tcp",plugin_id="x"}`], 0)
	n, ok := c.value("p1", "filter_grok_1", "failures")
	require.True(t, ok)
	require.EqualValues(t, 3, n)
	_, ok = c.value("p1", "filter_grok_2", "failures")
	require.False(t, ok)
}

func BenchmarkSample(b *testing.B) {
	s := New(Options{})
	b.ReportAllocs()
	for b.Loop() {
		s.sample(s.options.Began)
	}
}

func TestJavaNumbers(t *testing.T) {
	f := func(v float64, want string) {
		t.Helper()
		require.Equal(t, want, string(appendRate(nil, v)))
	}
	f(0, "0.0")
	f(40.61, "40.61")
	f(6.746e-4, "6.746E-4")
	f(8.31e-4, "8.31E-4")
	f(0.001, "0.001")
	f(123500, "123500.0")
	f(1e7, "1.0E7")
	f(1.235e8, "1.235E8")
	f(-2.5, "-2.5")
	f(math.Inf(1), `"Infinity"`)
	f(math.Inf(-1), `"-Infinity"`)
	f(math.NaN(), "null")
}
