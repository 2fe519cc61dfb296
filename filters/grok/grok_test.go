package grok

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/grok/patterns"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Each mistake is reported, at the option that holds it and with its place inside the pattern.
func TestNewErrors(t *testing.T) {
	dir := t.TempDir()
	f := func(change func(*Options), want ...string) {
		t.Helper()
		o := defaults()
		change(&o)
		_, err := New(o, testEnv(plugin.ECSv8))
		require.Error(t, err)
		for _, part := range want {
			require.ErrorContains(t, err, part)
		}
	}
	match := func(texts ...string) func(*Options) {
		return func(o *Options) { o.Match = matchOf("message", texts...) }
	}
	f(match("a %{NOPE:x}"), `unknown pattern "NOPE" at byte 2`)
	f(match("%{WORD:a", "(?<b>", "[a-z"), `at byte`, "(?<b>", "[a-z")
	f(match("x*abc", "*abc"), `at byte 0 of the pattern "*abc"`)
	f(func(o *Options) {
		o.Match = matchOf("message", "%{OUTER}")
		o.PatternDefinitions = config.Map[string]{{Key: "OUTER", Value: "ok %{INNER}"}, {Key: "INNER", Value: "a("}}
	}, "of OUTER (pattern_definitions)", "of INNER (pattern_definitions)")
	f(func(o *Options) { o.Match = matchOf("[a", "%{WORD:w}") }, "[a")
	f(func(o *Options) { o.PatternsDir = []string{dir}; o.PatternsFilesGlob = "[a" }, `glob "[a"`)
	f(func(o *Options) { o.TimeoutMillis = -1 }, "from 0")
}

func TestErrorsTellTheirOffset(t *testing.T) {
	o := defaults()
	o.Match = matchOf("message", "fine", "ab%{WROD:x}")
	_, err := New(o, testEnv(plugin.ECSv8))
	var placed interface{ ErrorOffset() int }
	require.True(t, errors.As(err, &placed))
	require.Equal(t, 2, placed.ErrorOffset())
	var e *patterns.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "WORD", e.Hint)
}

func TestObsoletePattern(t *testing.T) {
	o := defaults()
	o.Match = matchOf("message", "^%{INT:i}$")
	o.Pattern = []pattern{{text: "^%{WORD:w}$"}}
	w := newWorker(t, plugin.ECSDisabled, o)
	e := newEvent(t, "message", "abc")
	require.True(t, w.Filter(e))
	require.Equal(t, `{"message":"abc","w":"abc"}`, string(e.AppendJSON(nil)))
	require.Len(t, o.Match[0].Value, 1, "the options must not change")

	o.Match = matchOf("other", "%{INT:i}")
	w = newWorker(t, plugin.ECSDisabled, o)
	require.True(t, w.Filter(newEvent(t, "message", "abc")))
}

// slow is a pattern that no engine with back-references decides quickly.
const slow = `^(?<x>a+)+(?<y>a+)+(?:\k<x>\k<y>)+b$`

func TestTimeout(t *testing.T) {
	for _, scope := range []string{"pattern", "event"} {
		o := defaults()
		o.Match = matchOf("message", "(?<head>a)", slow, "(?<tail>a)")
		o.BreakOnMatch = false
		o.TimeoutMillis = 20
		o.TimeoutScope = scope
		w := newWorker(t, plugin.ECSDisabled, o)
		e := newEvent(t, "message", strings.Repeat("a", 2000)+"c")
		require.False(t, w.Filter(e))
		require.True(t, e.HasTag("_groktimeout"))
		require.False(t, e.HasTag("_grokparsefailure"))
		require.True(t, e.Has(event.MustPath("head")), "what was captured before stays")
		require.False(t, e.Has(event.MustPath("tail")), "the patterns that are left are not tried")
		require.EqualValues(t, 1, w.timeouts.Load())
		w.Publish()
		require.Zero(t, w.failures.Load())

		e = newEvent(t, "message", "ab")
		require.True(t, w.Filter(e), "the next event has its own time")
	}
}

func TestCounts(t *testing.T) {
	o := defaults()
	o.Match = matchOf("message", "%{INT:i}", "x %{WORD:w}")
	f, err := New(o, testEnv(plugin.ECSDisabled))
	require.NoError(t, err)
	require.Equal(t, map[string]int{"message": 2}, f.(*Filter).PatternsPerField())
	one, other := f.(*Filter).ForWorker(), f.(*Filter).ForWorker()
	for _, text := range []string{"1", "x y", "?", "2"} {
		require.Equal(t, text != "?", one.Filter(newEvent(t, "message", text)))
		require.False(t, other.Filter(newEvent(t, "message", "?")))
	}
	for _, want := range []int64{1, 1} {
		one.(plugin.Publisher).Publish()
		require.EqualValues(t, want, f.(*Filter).failures.Load(), "each failure counts once")
	}
	other.(plugin.Publisher).Publish()
	require.EqualValues(t, 5, f.(*Filter).failures.Load())
	require.False(t, f.Filter(newEvent(t, "message", "?")))
	require.EqualValues(t, 6, f.(*Filter).failures.Load())
}

// A source that is no string is matched as a text of its own, which the next event does not overwrite.
func TestCapturesOfNumbersStay(t *testing.T) {
	o := defaults()
	o.Match = matchOf("n", "(?<digits>[0-9]+)")
	w := newWorker(t, plugin.ECSDisabled, o)
	var kept []string
	e := event.New(nil)
	for _, n := range []int64{1234567, 7654321} {
		e.Reset()
		require.NoError(t, e.Set(event.MustPath("n"), event.IntValue(n)))
		require.True(t, w.Filter(e))
		v, _ := e.Get(event.MustPath("digits"))
		kept = append(kept, v.Str())
	}
	require.Equal(t, []string{"1234567", "7654321"}, kept)
}

// A capture that adds to the list it is taken from does not lengthen the walk over it.
func TestCaptureIntoItsOwnList(t *testing.T) {
	o := defaults()
	o.Match = matchOf("list", "(?<list>[a-z])")
	w := newWorker(t, plugin.ECSDisabled, o)
	e := event.New(nil)
	list := e.NewList()
	list.Append(event.StringValue("1a"))
	list.Append(event.StringValue("2b"))
	require.NoError(t, e.Set(event.MustPath("list"), event.ListValue(list)))
	require.True(t, w.Filter(e))
	require.Equal(t, `{"list":["1a","2b","a","b"]}`, string(e.AppendJSON(nil)))
}

func TestPatternsDir(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine"), []byte("TOKEN [A-Z]{3}-%{INT}\n"), 0o644))
	o := defaults()
	o.PatternsDir = []string{dir}
	o.Match = matchOf("message", "%{TOKEN:token}")
	w := newWorker(t, plugin.ECSDisabled, o)
	e := newEvent(t, "message", "see ABC-42")
	require.True(t, w.Filter(e))
	v, _ := e.Get(event.MustPath("token"))
	require.Equal(t, "ABC-42", v.Str())
}

// The scan of a list must not rule out a pattern that matches. All samples are tried on a list of all their patterns.
func TestPrescanRulesOutOnlyWhatFails(t *testing.T) {
	samples := loadSamples(t)
	for _, ecs := range []plugin.ECS{plugin.ECSDisabled, plugin.ECSv8} {
		mode := patterns.Legacy
		if ecs.Enabled() {
			mode = patterns.ECS
		}
		var list []string
		seen := map[string]bool{}
		for _, s := range samples {
			if _, ok := s.want[mode]; ok && !seen[s.name] {
				seen[s.name] = true
				list = append(list, "%{"+s.name+"}")
			}
		}
		o := defaults()
		o.Match = matchOf("message", list...)
		w := newWorker(t, ecs, o)
		f := &w.own[0]
		require.NotNil(t, f.scan)
		ruledOut := 0
		for _, s := range samples {
			f.state.noted = false
			for i := range f.patterns {
				if f.scan.next(&f.state, i, s.text) == i {
					continue
				}
				ruledOut++
				require.False(t, f.matchers[i].Match(s.text), "%s was ruled out for %q", list[i], s.text)
			}
		}
		require.Greater(t, ruledOut, len(samples)*len(list)/3, "the scan has to be of use")
	}
}

// What is noted of one text has no part in the next.
func TestScanOfTexts(t *testing.T) {
	o := defaults()
	o.Match = matchOf("message", "nothing at all", "first", "second", "third")
	w := newWorker(t, plugin.ECSDisabled, o)
	for i := range 100 {
		text, want := strings.Repeat("x", i)+"second"+strings.Repeat("y", i/2), true
		if i%3 == 0 {
			text, want = strings.Replace(text, "c", "C", 1), false
		}
		require.Equal(t, want, w.Filter(newEvent(t, "message", text)), "%q", text)
	}
}

// A list so long that patterns share signs.
func TestScanOfLongList(t *testing.T) {
	var list []string
	for i := range 200 {
		list = append(list, fmt.Sprintf("^word%03d$", i))
	}
	o := defaults()
	o.Match = matchOf("message", list...)
	w := newWorker(t, plugin.ECSDisabled, o)
	for i := range 210 {
		require.Equal(t, i < 200, w.Filter(newEvent(t, "message", fmt.Sprintf("word%03d", i))), i)
	}
}

func TestWorkersShareNothing(t *testing.T) {
	o := defaults()
	o.Match = matchOf("message", "%{COMBINEDAPACHELOG}")
	f, err := New(o, testEnv(plugin.ECSv8))
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 4 {
		w := f.(*Filter).ForWorker()
		wg.Go(func() {
			for range 50 {
				e := event.New(nil)
				if e.Set(event.MustPath("message"), event.StringValue(combinedLine)) != nil || !w.Filter(e) {
					t.Error("no match")
				}
			}
		})
	}
	wg.Wait()
}

func TestNoAllocations(t *testing.T) {
	f := func(text string, list ...string) {
		t.Helper()
		o := defaults()
		o.Match = matchOf("message", list...)
		w := newWorker(t, plugin.ECSv8, o)
		e := event.New(nil)
		path := event.MustPath("message")
		run := func() {
			e.Reset()
			if err := e.Set(path, event.StringValue(text)); err != nil {
				t.Fatal(err)
			}
			w.Filter(e)
		}
		for range 100 {
			run() // a search that has failed some times makes a filter of the places a match can start at, once
		}
		require.Zero(t, testing.AllocsPerRun(20, run))
	}
	f(combinedLine, "%{COMBINEDAPACHELOG}")
	f(combinedLine[:100], "%{COMBINEDAPACHELOG}")
	f("UDP request discarded from 10.0.0.12/67 to inside:255.255.255.255/68", asaPatterns...)
	f("User 'enable_15' executed the 'write memory' command.", asaPatterns...)
}
