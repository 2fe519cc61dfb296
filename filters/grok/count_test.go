package grok

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/plugin"
)

func TestPatternCounts(t *testing.T) {
	o := defaults()
	o.Match = matchOf("message", "^%{INT:n}$", "^%{WORD:w}$")
	made, err := New(o, testEnv(plugin.ECSv8))
	require.NoError(t, err)
	f := made.(*Filter)
	match := func(text string) {
		f.ForWorker().Filter(newEvent(t, "message", text))
	}
	match("12")
	require.Zero(t, f.PatternCounts()[0].Matched, "nobody asked for counts yet")
	f.CountPatterns()
	match("12")
	match("abc")
	match("def")
	match("-")
	counts := f.PatternCounts()
	require.Len(t, counts, 2)
	require.EqualValues(t, 1, counts[0].Matched)
	require.EqualValues(t, 2, counts[1].Matched)
	require.Equal(t, "^%{WORD:w}$", counts[1].Pattern)
	require.Equal(t, "message", counts[1].Field)
}
