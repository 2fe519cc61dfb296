package onig

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestNoExplosion runs patterns that take exponential time in a plain backtracking engine. Without back-references they have to finish.
func TestNoExplosion(t *testing.T) {
	f := func(pattern, text string) {
		t.Helper()
		m := MustCompile(pattern).NewMatcher()
		m.SetTimeout(10 * time.Second)
		require.False(t, m.Match(text), pattern)
		require.False(t, m.TimedOut(), pattern)
	}
	a := strings.Repeat("a", 2000)
	f(`(a*)*b`, a)
	f(`(?:a|a)*b`, a)
	f(`(?:a+)+b`, a)
	f(`(?:a|aa)+\z`, a+"b")
	f(`\A(?:.*.*)*x`, a)
	f(`\A(\w+\s?)*\z`, strings.Repeat("word ", 400)+"!")
	f(`\A(?:(?:[a-z]+,?)+;?)+\z`, strings.Repeat("abc,", 500)+"!")
	f(`(?:.*?,){12}P`, strings.Repeat("1,", 60))
	f(`\A(?:\p{L}+|\d+|é+)+\z`, strings.Repeat("é", 800)+"!")
}

// TestMemoKeepsAnswers compares answers found with the memo on from the first step with those found without it.
func TestMemoKeepsAnswers(t *testing.T) {
	f := func(pattern, text, want string) {
		t.Helper()
		m := MustCompile(pattern).NewMatcher()
		m.prepare()
		m.text = text
		m.memo.start(m.re.memos, len(text))
		m.limit, m.steps = int32(len(text)), stepsPerLook
		m.matched = m.findAnywhere(0)
		require.True(t, m.matched, pattern)
		a, b := m.Group(1)
		require.Equal(t, want, text[a:b])
	}
	f(`(?:a|ab)(c|bcd)(?:d*)\z`, "abcd", "bcd")
	f(`(a*)*(?:b|c)`, "xaaac", "")
	f(`(\w+?)(?:\d+|x)*-`, "ab12x-", "ab")
	f(`(?:x+x+)+(y)`, "xxxxxxxxxy", "y")
}

// TestLimits checks that deep recursion and long texts end.
func TestLimits(t *testing.T) {
	f := func(pattern, text string) {
		t.Helper()
		m := MustCompile(pattern).NewMatcher()
		m.SetTimeout(100 * time.Millisecond)
		began := time.Now()
		m.Match(text)
		require.Less(t, time.Since(began), 30*time.Second, pattern)
		require.LessOrEqual(t, len(m.stack), keepStack)
	}
	f(`(?<p>\(\g<p>?)x`, strings.Repeat("(", 1<<20))
	f(`(?:(?:a|ab)(?:b|c)?)*\d`, strings.Repeat("ab", 1<<21))
	f(`(\w+?)\1+x`, strings.Repeat("ab", 1<<17))
	f(`[a-z]+[^x]*!`, strings.Repeat("ab", 1<<18))
}
