package onig

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestUndo states which captures note their old value, and what an alternative blanks.
func TestUndo(t *testing.T) {
	f := func(pattern string, noted int, blanks bool) {
		t.Helper()
		p := MustCompile(pattern).program()
		got, blanked := 0, false
		for i := range p.code {
			k := &p.code[i]
			if k.op == opSave && k.flags&flagUndo != 0 {
				got++
			}
			blanked = blanked || k.blankTo > 0
		}
		require.Equal(t, noted, got, "%q", pattern)
		require.Equal(t, blanks, blanked, "%q", pattern)
	}
	f(`(a+)(b+)`, 0, false)                        // nothing to go back to
	f(`(\w+)(\d+)x`, 0, false)                     // made again on every way to a match
	f(`(?:(a)b|(a)c)d`, 0, true)                   // blank when the choice was made
	f(`(?:(a)|b|aa)*ac`, 2, false)                 // may have been made in an earlier round
	f(`(?:(a)|ab)(?:x(b)|xbc)`, 0, true)           // one range each
	f(`(?!(a)b)(a)`, 0, true)                      // a capture inside is forgotten
	f(strings.Repeat(`(a?)`, 64)+`a`, 2*64, false) // too many to look at
	f(strings.Repeat(`(a?)`, 63)+`b(?:(a)|)ab`, 128, false)
	f(strings.Repeat(`(a)`, 62)+`(?:(a)x|ay)`, 0, true)
}

// TestForget compares what groups hold after alternatives have failed.
func TestForget(t *testing.T) {
	f := func(pattern, text string, want ...string) {
		t.Helper()
		m := MustCompile(pattern).NewMatcher()
		require.True(t, m.Match(text), "%q", pattern)
		for i, w := range want {
			a, b := m.Group(i + 1)
			got := "-"
			if a >= 0 {
				got = text[a:b]
			}
			require.Equal(t, w, got, "%q group %d", pattern, i+1)
		}
	}
	f(`(?:(a)b|(a)c)d`, "acd", "-", "a")
	f(`(?:(a)|ab)(?:x(b)|xbc)`, "abxbc", "-", "b")
	f(`^(?:(a)|ab)(?:x(b)|xbc)$`, "abxbc", "-", "-")
	f(`^(?:(a)|b|aa)*ac$`, "aaac", "a")
	f(`^(?:(a)|b|aa)*ac$`, "baac", "a")
	f(`^(?:(a)x|(b)x|.)*$`, "axbx.", "a", "b")
	f(`^(x)(?:(a)(b)?|a(b))c$`, "xabc", "x", "a", "b", "-")
	f(`^(x)(?:(a)(b)?d|a(b))c$`, "xabc", "x", "-", "-", "b")
	f(`^(?:(a)(b)?d|(?!(a)(c))a(b))c$`, "abc", "-", "-", "-", "-", "b")
	f(strings.Repeat(`(a)`, 62)+`(?:(a)x|ay)`, strings.Repeat("a", 63)+"y", append(strings.Split(strings.Repeat("a", 62), ""), "-")...)
	f(strings.Repeat(`(a)`, 70)+`(?:(a)x|ay)`, strings.Repeat("a", 71)+"y", append(strings.Split(strings.Repeat("a", 70), ""), "-")...)
}
