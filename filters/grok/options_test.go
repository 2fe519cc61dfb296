package grok

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// TestOptions matches the text of message, or the items of it where the text has bars, and compares what the event is then.
func TestOptions(t *testing.T) {
	f := func(change func(o *Options), ecs plugin.ECS, text, want string, texts ...string) {
		t.Helper()
		o := defaults()
		o.Match = matchOf("message", texts...)
		if change != nil {
			change(&o)
		}
		w := newWorker(t, ecs, o)
		e := newEvent(t, "message", text)
		if strings.Contains(text, "|") {
			list := e.NewList()
			for item := range strings.SplitSeq(text, "|") {
				list.Append(event.StringValue(item))
			}
			require.NoError(t, e.Set(event.MustPath("message"), event.ListValue(list)))
		}
		matched := w.Filter(e)
		require.Equal(t, matched, !strings.Contains(want, `"tags"`))
		e.Remove(event.MustPath("message"))
		require.Equal(t, want, string(e.AppendJSON(nil)))
	}
	const none, v8 = plugin.ECSDisabled, plugin.ECSv8
	all := func(o *Options) { o.BreakOnMatch = false }
	keep := func(o *Options) { o.KeepEmptyCaptures = true }

	// A list of texts: each by itself, and one that matches is enough.
	f(nil, none, "a|1|b|2", `{"i":["1","2"]}`, "%{INT:i}")
	f(nil, none, "a|b", `{"tags":["_grokparsefailure"]}`, "%{INT:i}")
	f(all, none, "1 a|2 b", `{"i":["1","2"],"w":["a","b"]}`, "%{INT:i}", "(?<w>[a-z])")
	f(nil, none, "1 a|b", `{"i":"1","w":"b"}`, "%{INT:i}", "(?<w>[a-z])")
	f(nil, none, "1|2|3", `{"i":1}`, "%{INT:i:int}") // a number is not added to

	// All patterns, and the last one that was tried decides.
	f(all, none, "7 x", `{"i":7,"w":"x"}`, "%{INT:i:int}", "(?<w>[a-z])")
	f(all, none, "7", `{"i":7,"tags":["_grokparsefailure"]}`, "%{INT:i:int}", "(?<w>[a-z])")

	// Tags of a failure: several, none, and not twice.
	f(func(o *Options) { o.TagOnFailure = []string{"a", "b", "a"} }, none, "-", `{"tags":["a","b"]}`, "%{INT:i}")
	o := defaults()
	o.Match, o.TagOnFailure = matchOf("message", "%{INT:i}"), nil
	e := newEvent(t, "message", "-")
	require.False(t, newWorker(t, none, o).Filter(e))
	require.Equal(t, `{"message":"-"}`, string(e.AppendJSON(nil)))

	// Empty captures and those that took no part.
	f(nil, none, "-", `{}`, "(?<a>x)?(?<b>)-")
	f(keep, none, "-", `{"a":null,"b":""}`, "(?<a>x)?(?<b>)-")
	f(keep, none, "-", `{"n":null}`, "(?:%{INT:n:int}|-)")
	f(nil, none, "-", `{}`, "(?:%{INT:n:int}|-)")
	empty := func(o *Options) {
		o.PatternDefinitions = append(o.PatternDefinitions, config.Pair[string, string]{Key: "EMPTY", Value: ""})
	}
	f(empty, none, "-", `{"n":0,"x":0.0}`, "%{EMPTY:n:int}%{EMPTY:x:float}%{EMPTY:s}-") // as a number, an empty text is 0
	f(keep, v8, "-", `{"a":{"b":null,"c":"-"}}`, "(?<[a][b]>x)?(?<[a][c]>-)")

	// Names of patterns as fields.
	f(func(o *Options) { o.NamedCapturesOnly = false }, none, "a 1 2", `{"WORD":"a","i":"1","INT":"2"}`, "%{WORD} %{INT:i} %{INT}")

	// The target, with nested names, casts and metadata.
	under := func(target string) func(o *Options) {
		return func(o *Options) { o.Target = *event.MustPath(target) }
	}
	f(under("x"), none, "1", `{"x":{"i":1}}`, "%{INT:i:int}")
	f(under("[x][y]"), v8, "1 2", `{"x":{"y":{"a":{"b":1,"c":2.0}}}}`, "%{INT:[a][b]:int} %{NUMBER:[a][c]:float}")
	f(under("x"), none, "1 2", `{"x":{"i":["1","2"]}}`, "%{INT:i} %{INT:i}")
	f(func(o *Options) { under("x")(o); o.Overwrite = []string{"i"} }, none, "1|2", `{"x":{"i":"2"}}`, "%{INT:i}")

	// Types of the ecs patterns.
	f(nil, v8, "404 7", `{"http":{"response":{"status_code":404}},"n":7.0}`, "%{INT:[http][response][status_code]:int} %{NUMBER:n:float}")
	f(nil, v8, "10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /a HTTP/1.0\" 200 -",
		`{"source":{"address":"10.0.0.1"},"timestamp":"10/Oct/2000:13:55:36 -0700","http":{"request":{"method":"GET"},"version":"1.0","response":{"status_code":200}},"url":{"original":"/a"}}`,
		"%{COMMONAPACHELOG}")
}

// Several fields: the first that matches ends it, or all are tried; one that is missing is an empty text.
func TestSeveralFields(t *testing.T) {
	f := func(breaks bool, want string) {
		t.Helper()
		o := defaults()
		o.BreakOnMatch = breaks
		o.Match = append(append(matchOf("a", "(?<x>[a-z])"), matchOf("missing", "^(?<empty>)$")...), matchOf("b", "x", "(?<y>[0-9])")...)
		w := newWorker(t, plugin.ECSDisabled, o)
		e := newEvent(t, "a", "k")
		require.NoError(t, e.Set(event.MustPath("b"), event.StringValue("5")))
		require.True(t, w.Filter(e))
		require.Equal(t, want, string(e.AppendJSON(nil)))
	}
	f(true, `{"a":"k","b":"5","x":"k"}`)
	f(false, `{"a":"k","b":"5","x":"k","y":"5"}`)
}

// The tag of a timeout is that of the option.
func TestTagOnTimeout(t *testing.T) {
	o := defaults()
	o.Match = matchOf("message", slow)
	o.TimeoutMillis, o.TagOnTimeout = 10, "too_slow"
	w := newWorker(t, plugin.ECSDisabled, o)
	e := newEvent(t, "message", strings.Repeat("a", 2000)+"c")
	require.False(t, w.Filter(e))
	require.True(t, e.HasTag("too_slow"))
	require.False(t, e.HasTag("_groktimeout"))
}

// Only files that fit the glob are read, and a filter that is made again reads them again.
func TestPatternsFilesGlobAndReload(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	write("a.grok", "TOKEN [A-Z]+\n")
	write("b.bak", "TOKEN [0-9]+\n")
	o := defaults()
	o.PatternsDir, o.PatternsFilesGlob = []string{dir}, "*.grok"
	o.Match = matchOf("message", "%{TOKEN:token}")
	f := func(want string) {
		t.Helper()
		e := newEvent(t, "message", "12 AB cd")
		require.True(t, newWorker(t, plugin.ECSDisabled, o).Filter(e))
		v, _ := e.Get(event.MustPath("token"))
		require.Equal(t, want, v.Str())
	}
	f("AB")
	write("a.grok", "TOKEN [a-z]+\n")
	f("cd")
	o.PatternsFilesGlob = "*"
	f("12")
}
