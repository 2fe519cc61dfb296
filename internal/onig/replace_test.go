package onig

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReplaceAll(t *testing.T) {
	f := func(pattern, s, want string) {
		t.Helper()
		re := MustCompile(pattern)
		got := re.ReplaceAll(nil, re.NewMatcher(), s, func(dst []byte, m *Matcher) []byte {
			a, b := m.Group(0)
			return append(append(append(dst, '<'), s[a:b]...), '>')
		})
		require.Equal(t, want, string(got))
	}
	f(`a`, "banana", "b<a>n<a>n<a>")
	f(`a*`, "baac", "<>b<aa><>c<>")
	f(``, "éa", "<>é<>a<>")
	f(`x`, "abc", "abc")
	f(`$`, "a\nb", "a<>\nb<>")
	f(`\Ga`, "aab", "<a><a>b")
	f(`(?<=a)b`, "abb", "a<b>b")
	f(`^`, "a\nb", "<>a\n<>b")
	f(`é|\xC3\xA8`, "aéè", "a<é><è>")
}
