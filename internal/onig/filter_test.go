package onig

import (
	"math/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// withFilter returns a matcher that filters from the first failure on, nil where the pattern has no filter.
func withFilter(re *Regexp) *Matcher {
	p := re.program()
	if p.filter == nil || p.filter() == nil {
		return nil
	}
	m := re.NewMatcher()
	m.filter = p.filter()
	return m
}

// TestFilter compares searches with and without the filter: it must leave out no place where a match starts.
func TestFilter(t *testing.T) {
	used := 0
	f := func(re *Regexp, texts []string) {
		filtered := withFilter(re)
		if filtered == nil {
			return
		}
		used++
		m := re.NewMatcher()
		for _, text := range texts {
			want := matchAnswer(m, text)
			require.Equal(t, want, matchAnswer(filtered, text), "%q on %q", re, text)
		}
	}
	g := &generator{r: rand.New(rand.NewSource(7)), exotic: true}
	for range 3000 {
		if re, err := Compile(`(?:\w|` + g.pattern() + `)` + g.pattern()); err == nil {
			f(re, []string{g.text(), g.text(), g.text() + " " + g.text(), g.text() + g.text() + g.text()})
		}
	}
	lines := caseLines(t)
	for i, p := range library(t) {
		re := MustCompile(p)
		start := len(i) * 7 % len(lines)
		f(re, append(lines[start:min(start+10, len(lines))], strings.Join(lines[:20], " ")))
	}
	require.Greater(t, used, 300)
}

func TestUselessFilterIsDropped(t *testing.T) {
	m := MustCompile(`[a-z0-9]+[a-z0-9]\z`).NewMatcher()
	for range 100 {
		require.False(t, m.Match(strings.Repeat("ab ", 100)))
	}
	require.NotNil(t, m.re.filter())
	require.Equal(t, missesToFilter, m.misses)
	require.Nil(t, m.filter)
}
