package onig

import (
	"math/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTablesAgainstPlain compares what automata and runs stand for with the program that none of the rewriting touches, over random texts of the bytes at which
// they decide.
func TestTablesAgainstPlain(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	f := func(pattern string, pieces ...string) {
		t.Helper()
		re := MustCompile(pattern)
		m, plain := re.NewMatcher(), re.NewDebugMatcher()
		for range 2000 {
			text := ""
			for range r.Intn(9) {
				text += pieces[r.Intn(len(pieces))]
			}
			require.Equal(t, matchAnswer(plain, text), matchAnswer(m, text), "%q on %q", pattern, text)
		}
	}
	f(`"(?>\\.|[^\\"]+)+"`, `"`, `"`, `\`, "a", "\n", "é", "\xff", "long enough to leave the first bytes")
	f(`(?>"(?>\\.|[^\\"]+)+"|""|'(?>\\.|[^\\']+)*')x?`, `"`, `"`, `'`, `\`, "a", "\n", "é", "\xC3", "x")
	f(`(?m)<(?>\\.|[^\\<>]+)+>`, "<", ">", `\`, "a", "\n", "é")
	f(`a(?>\\.|[^\\bc]+)+(b|c)`, "a", "b", "c", `\`, "\n")
	f(`(?>[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+))(.?)`, "+", "-", "1", "23", ".", "..", "x")
	f(`((?>(?:ab|cd)+e?))(.*)`, "ab", "cd", "a", "e", "abe")
	f(`(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){2}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?![0-9])`, "2", "5", "1", "0", ".", ".", "x")
	f(`(?:[Mm](?:a|ä)?r(?:ch|z)?|[Mm]ai?) `, "M", "m", "a", "ä", "\xC3", "r", "ch", "z", "i", " ")
	f(`"(a|.*?)" "(.*?)"`, `"`, `" "`, "a", "\n", "é", "b")
	f(`(?:a?b?){1,3}c`, "a", "b", "c")
}

func TestNestedRepeatsOfAssertionsCompile(t *testing.T) {
	for _, pair := range [][2]string{{"(?:", "){2,12}"}, {"(?:", "){0,3}"}, {"(?:", ")*"}, {"(?:x?", ")*"}} {
		p := `\w|` + strings.Repeat(pair[0], 20) + `\b` + strings.Repeat(pair[1], 20) + `(?:a|b|cd)`
		re, err := Compile(p)
		if err != nil {
			require.Contains(t, err.Error(), "too big")
			continue
		}
		require.NotPanics(t, func() { newFilter(p, 0) })
		require.True(t, re.MatchString("cd"))
	}
}

// A pattern whose program is too large must be found when it is read: afterwards there is nobody to tell.
func TestWrittenSize(t *testing.T) {
	f := func(pattern string, small bool) {
		t.Helper()
		root, _, _, err := parse(pattern, 0, nil)
		require.NoError(t, err)
		require.Equal(t, small, writtenSize(root) <= surelySmall, "%q is %d", pattern, writtenSize(root))
	}
	f(`(?:ab)+`, true)
	f(`(?:(?:(?:ab)+c)+d)+`, true)
	f(`(?:ab)`+strings.Repeat("+", 60), false) // each pair of them writes it out twice
	f(strings.Repeat("(?:", 20)+"ab"+strings.Repeat("c)+", 20), false)
	f(strings.Repeat("(?:", 20)+"ab"+strings.Repeat("c)*", 20), true)
}
