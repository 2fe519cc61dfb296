package profile

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/codecs"
	"millrace/filters"
	"millrace/inputs"
	"millrace/internal/logging"
	"millrace/outputs"
	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

var update = flag.Bool("update", false, "write the golden files")

// clock goes on while a filter of the tests works, and at no other time.
type clock struct{ now atomic.Int64 }

func (c *clock) read() int64 { return c.now.Load() }

// workOptions are those of a filter that takes a time and does what it is told.
type workOptions struct {
	Nanos int    `opt:"nanos"`
	Fails string `opt:"fails"` // tags events with such a message
	Drops string `opt:"drops"`
}

type workFilter struct {
	o workOptions
	c *clock
}

var message = event.MustPath("message")

func (f *workFilter) Filter(e *event.Event) bool {
	f.c.now.Add(int64(f.o.Nanos))
	v, _ := e.Get(message)
	switch text := v.Str(); {
	case f.o.Fails != "" && strings.Contains(text, f.o.Fails):
		e.Tag("_workfailure")
		return false
	case f.o.Drops != "" && strings.Contains(text, f.o.Drops):
		e.Cancel()
	}
	return true
}

// tryOptions are those of a filter with patterns: a text that the message may contain, each with the time that a try takes.
type tryOptions struct {
	Match []config.Value `opt:"match"`
	Nanos int            `opt:"nanos"`
}

type tryFilter struct {
	o tryOptions
	c *clock
	w plugin.PatternWatcher
}

func (f *tryFilter) CountPatterns()           {}
func (f *tryFilter) ForWorker() plugin.Filter { return &tryFilter{o: f.o, c: f.c} }
func (f *tryFilter) PatternCounts() (counts []plugin.PatternCount) {
	for _, m := range f.o.Match {
		counts = append(counts, plugin.PatternCount{Place: m.Place, Field: "message", Pattern: f.text(m)})
	}
	return counts
}
func (f *tryFilter) text(v config.Value) string {
	return strings.Trim(v.Place.File.Text[v.Place.Start:v.Place.End], `"`)
}
func (f *tryFilter) WatchPatterns(w plugin.PatternWatcher) { f.w = w }

func (f *tryFilter) Filter(e *event.Event) (matched bool) {
	v, _ := e.Get(message)
	all := f.w != nil && f.w.Text()
	for i, m := range f.o.Match {
		if matched && !all {
			break
		}
		if f.w != nil {
			f.w.Begin(i)
		}
		f.c.now.Add(int64(f.o.Nanos))
		hit := strings.Contains(v.Str(), f.text(m))
		if f.w != nil {
			outcome := plugin.PatternFailed
			switch {
			case hit && matched:
				outcome = plugin.PatternAlsoMatched
			case matched:
				outcome = plugin.PatternAlsoFailed
			case hit:
				outcome = plugin.PatternMatched
			}
			f.w.End(i, outcome)
		}
		matched = matched || hit
	}
	if !matched {
		e.Tag("_tryfailure")
	}
	return matched
}

func testRegistry(c *clock) *plugin.Registry {
	return plugin.NewRegistry(inputs.All(), codecs.All(), filters.All(), outputs.All(), []*plugin.Definition{
		plugin.DefineFilter("work", workOptions{}, func(o workOptions, _ *plugin.Env) (plugin.Filter, error) { return &workFilter{o, c}, nil }),
		plugin.DefineFilter("try", tryOptions{}, func(o tryOptions, _ *plugin.Env) (plugin.Filter, error) { return &tryFilter{o: o, c: c}, nil }),
	})
}

func replayed(t *testing.T, o Options, conf, sample string) (*Report, config.Diagnostics, error) {
	t.Helper()
	f, diags := config.Parse("p.conf", []byte(conf), config.ParseOptions{})
	require.Empty(t, diags)
	o.Files, o.Name, o.Sample = []*config.File{f}, "sample.log", sample
	o.Settings, o.Log = pipeline.DefaultSettings(), logging.Discard()
	o.Settings.BatchSize = 7
	if o.Duration == 0 {
		o.Duration = 100 * time.Microsecond
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return Replay(ctx, o)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

const goldenConfig = `input {
  tcp { port => 5000 codec => json_lines type => "app" tags => ["in"] ssl_certificate => "/nowhere" }
}
filter {
  if [type] == "app" {
    work { nanos => 300 add_tag => ["worked"] fails => "lost" }
  } else {
    work { nanos => 1000 }
  }
  try {
    nanos => 50
    match => ["zebra", "alpha", "alp", "omega"]
  }
  if [message] == "nothing" {
    if [x] { work { } }
  }
  work { nanos => 20 drops => "noise" }
}
output {
  if "worked" in [tags] { elasticsearch { hosts => ["nowhere"] } } else { stdout { } }
}
`

func goldenSample() string {
	var b strings.Builder
	for i := range 100 {
		switch {
		case i%10 == 0:
			b.WriteString(`{"message":"alpha ` + "1" + `"}`)
		case i%10 == 1:
			b.WriteString(`{"message":"noise"}`)
		case i%10 == 2:
			b.WriteString(`{"message":"lost omega"}`)
		default:
			b.WriteString(`{"message":"omega"}`)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestReplay: a config of which nothing is there is measured on a sample, with the input's codec, type and tags, to the nanosecond of a
// clock that only filters move.
func TestReplay(t *testing.T) {
	c := new(clock)
	r, diags, err := replayed(t, Options{Registry: testRegistry(c), Clock: c.read, CPU: func() time.Duration { return time.Duration(c.read()) }}, goldenConfig, goldenSample())
	require.Empty(t, diags.Err())
	require.NoError(t, err)
	golden(t, "replay.txt", r.Text(0))
	golden(t, "replay-top.txt", r.Text(3))
	text, err := json.MarshalIndent(r, "", "  ")
	require.NoError(t, err)
	golden(t, "replay.json", string(text)+"\n")
}

// TestReplayGrok: of grok's patterns it is known which matched, which would also match, and which were ruled out.
func TestReplayGrok(t *testing.T) {
	r, diags, err := replayed(t, Options{Registry: testRegistry(new(clock)), Duration: 50 * time.Millisecond}, `filter {
  grok {
    match => { "message" => [
      "^never %{INT:n}$",
      "^%{WORD:w} %{INT:n}$",
      "^second %{INT:n}$",
      "^a long literal %{WORD:w}$"
    ] }
  }
}`, strings.Repeat("second 1\nsecond 2\n?\n", 50))
	require.Empty(t, diags.Err())
	require.NoError(t, err)
	require.Equal(t, "millrace_profile_1", strings.TrimPrefix(r.Input, "input_"))
	require.EqualValues(t, 150, r.Events)
	require.Positive(t, r.NanosPerEvent)
	require.Positive(t, r.ClockNanos)
	var patterns []Row
	share := 0.0
	for _, row := range r.Rows {
		if row.Kind == pipeline.PartPattern {
			patterns = append(patterns, row)
		} else if !row.waits() {
			share += row.Share
		}
	}
	require.InDelta(t, 1, share, 1e-2)
	require.Len(t, patterns, 4)
	f := func(i, line int, text string, held, also, ruledOut int64) {
		t.Helper()
		p := patterns[i]
		require.Equal(t, line, p.Line)
		require.Equal(t, text, p.Text)
		require.Equal(t, held, p.Held)
		require.Equal(t, also, p.AlsoMatched)
		require.Equal(t, ruledOut, p.RuledOut)
	}
	f(0, 4, `"^never %{INT:n}$"`, 0, 0, 0)
	f(1, 5, `"^%{WORD:w} %{INT:n}$"`, 100, 0, patterns[1].RuledOut)
	f(2, 6, `"^second %{INT:n}$"`, 0, 100, 50)
	f(3, 7, `"^a long literal %{WORD:w}$"`, 0, 0, 50)
	text := r.Text(0)
	require.Contains(t, text, "patterns 1 and 4 of 4 of filter grok at p.conf:2 never matched in 150 texts")
	require.Contains(t, text, "pattern 3 of 4 of filter grok at p.conf:2 gets no text: all 100 that it matches are taken by patterns before it")
	require.Contains(t, text, "filter grok at p.conf:2 tags 33 % of 150 events _grokparsefailure")
}

func TestReplayRefuses(t *testing.T) {
	f := func(want string, o Options, conf, sample string) {
		t.Helper()
		o.Registry = testRegistry(new(clock))
		_, diags, err := replayed(t, o, conf, sample)
		if err == nil {
			err = diags.Err()
		}
		require.ErrorContains(t, err, want)
	}
	two := `input { tcp { id => "a" } tcp { id => "b" } stdin { id => "c" } }`
	f("no lines in the sample", Options{}, two, "")
	f(`no input with the id or name "x"; it has a, b, c`, Options{Input: "x"}, two, "l\n")
	f("several inputs tcp: name one by its id: a, b", Options{Input: "tcp"}, two, "l\n")
	f(`unknown option "nonsense"`, Options{}, `filter { mutate { nonsense => 1 } }`, "l\n")
	r, _, err := replayed(t, Options{Registry: testRegistry(new(clock)), Input: "stdin", Duration: time.Millisecond}, two, "a\nb\n")
	require.NoError(t, err)
	require.Equal(t, "c", r.Input)
}

// TestReplayEnds: a replay ends with its context, however long it would take.
func TestReplayEnds(t *testing.T) {
	f, diags := config.Parse("p.conf", []byte(`filter { }`), config.ParseOptions{})
	require.Empty(t, diags)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	o := Options{
		Files: []*config.File{f}, Registry: testRegistry(new(clock)), Settings: pipeline.DefaultSettings(), Log: logging.Discard(),
		Name: "s", Sample: "a\n", Duration: time.Hour,
	}
	_, _, err := Replay(ctx, o)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// TestOrder: another order of patterns is proposed where it certainly changes nothing, and where it may the report says so.
func TestOrder(t *testing.T) {
	report := func(mode string, allTried bool, also int64) string {
		filter := Row{Kind: pipeline.PartFilter, Plugin: "grok", File: "p.conf", Line: 2, Events: 100, parent: -1}
		first := Row{Kind: pipeline.PartPattern, Number: 1, Of: 2, Held: 10, Texts: 100, Field: "message"}
		second := Row{Kind: pipeline.PartPattern, Number: 2, Of: 2, Held: 90, Texts: 100, Field: "message", FirstSaves: 0.3, AlsoMatched: also}
		r := &Report{Mode: mode, AllTried: allTried, Events: 100, Rows: []Row{filter, first, second}}
		r.conclude()
		require.Len(t, r.Conclusions, 1)
		require.Equal(t, "order", r.Conclusions[0].Kind)
		return r.Conclusions[0].Text
	}
	f := func(got, want string) {
		t.Helper()
		require.Contains(t, got, "pattern 2 of 2 of filter grok at p.conf:2 matches 90 % of the texts")
		require.Contains(t, got, "about 30 % of the workers' time")
		require.Contains(t, got, want)
	}
	f(report(Replayed, true, 0), "put it first, which saves")
	f(report(Replayed, true, 7), "but leave it where it is: first it would save")
	f(report(Replayed, true, 7), "7 texts that a pattern before it matches would come out otherwise")
	f(report(Replayed, false, 0), "a longer --duration")
	f(report(Running, false, 0), "a replay of a sample (--input) tells")
	require.NotContains(t, report(Running, false, 0), "put it first")
}

// TestUntimed: events that came and were not timed are not said to have stayed away.
func TestUntimed(t *testing.T) {
	r := FromRunning("main", pipeline.ProfileSnapshot{}, time.Second)
	require.True(t, r.Untouched)
	require.Contains(t, r.Text(0), "no event came")
	r.Passed = 5
	require.NotContains(t, r.Text(0), "no event came")
	require.Contains(t, r.Text(0), "0 of 5 events timed")
	require.Contains(t, r.Text(0), "a longer --duration")
}
