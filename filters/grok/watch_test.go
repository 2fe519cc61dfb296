package grok

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// notes is a watcher that writes down what it is told.
type notes struct {
	all  bool
	told []string
}

func (n *notes) Text() bool {
	n.told = append(n.told, "text")
	return n.all
}
func (n *notes) Begin(i int) { n.told = append(n.told, fmt.Sprintf("try %d", i)) }
func (n *notes) End(i int, o plugin.PatternOutcome) {
	n.told = append(n.told, fmt.Sprintf("end %d %d", i, o))
}

func TestWatchPatterns(t *testing.T) {
	o := defaults()
	o.Match = append(matchOf("message", "^%{INT:n}$", "^%{WORD:w}$", "^%{NOTSPACE:x}$"), config.Pair[string, []pattern]{Key: "other", Value: []pattern{{text: "x=%{WORD:y}"}}})
	f := func(all bool, text string, want ...string) {
		t.Helper()
		watched, plain := newWorker(t, plugin.ECSv8, o), newWorker(t, plugin.ECSv8, o)
		n := &notes{all: all}
		watched.WatchPatterns(n)
		e, same := newEvent(t, "message", text), newEvent(t, "message", text)
		require.Equal(t, plain.Filter(same), watched.Filter(e))
		require.Equal(t, string(same.AppendJSON(nil)), string(e.AppendJSON(nil)))
		require.Equal(t, want, n.told)
		watched.WatchPatterns(nil)
		watched.Filter(newEvent(t, "message", text))
		require.Equal(t, want, n.told)
	}
	f(false, "12", "text", "try 0", "end 0 1")
	f(true, "12", "text", "try 0", "end 0 1", "try 1", "end 1 4", "try 2", "end 2 4")
	f(false, "ab", "text", "try 0", "end 0 0", "try 1", "end 1 1")
	f(true, "ab!", "text", "try 0", "end 0 0", "try 1", "end 1 0", "try 2", "end 2 1")
	f(true, "a b", "text", "try 0", "end 0 0", "try 1", "end 1 0", "try 2", "end 2 0", "text", "try 3", "end 3 0")
}

// TestWatchRuledOut: patterns whose literals a text lacks are told as ruled out, not as tried.
func TestWatchRuledOut(t *testing.T) {
	o := defaults()
	o.Match = matchOf("message", "^first %{INT:n}$", "^second %{INT:n}$", "^third %{INT:n}$", "^fourth %{INT:n}$")
	w := newWorker(t, plugin.ECSv8, o)
	n := &notes{all: true}
	w.WatchPatterns(n)
	w.Filter(newEvent(t, "message", "third 3"))
	require.Equal(t, []string{"text", "try 0", "end 0 0", "end 1 2", "try 2", "end 2 1", "end 3 2"}, n.told)
}
