package onig

import (
	"encoding/json"
	"flag"
	"math/rand"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var randomCount = flag.Int("random", 1500, "number of random patterns to compare with other engines")

// knownDifference names patterns that both refuse in other words, and the two properties we do not have (see docs/REGEX.md).
var knownDifference = map[string]bool{
	`(?(1)a|b|c)`: true, `(?<=\1)`: true, `\M-\C-a`: true, `\p{^}`: true, `\p{L`: true,
	`\p{Age=6.0}`: true, `\p{Grapheme_Cluster_Break=Prepend}`: true,
}

func TestSyntaxAgainstRuby(t *testing.T) {
	o := rubyOracle(t)
	data, err := os.ReadFile("testdata/syntax.json")
	require.NoError(t, err)
	var patterns []string
	require.NoError(t, json.Unmarshal(data, &patterns))
	for _, p := range patterns {
		for _, text := range []string{"", "abc", "aab b", "xx\n"} {
			want, got := o.ask(t, "", p, text), answer("", p, text)
			if want != got && !knownDifference[p] {
				t.Errorf("%q on %q: we %s, Ruby %s", p, text, got, want)
				if strings.HasPrefix(want, "E") || strings.HasPrefix(got, "E") {
					break
				}
			}
		}
	}
}

func compareRandom(t *testing.T, o *oracle, seed int64, count int, exotic bool, skip func(pattern, text, want, got string) bool) {
	g := &generator{r: rand.New(rand.NewSource(seed)), exotic: exotic}
	failures := 0
	for i := 0; i < count; i++ {
		p := g.pattern()
		opts := g.pick("", "", "", "m", "i")
		for range 6 {
			text := g.text()
			want, got := o.ask(t, opts, p, text), answer(opts, p, text)
			if want == got || got == "timeout" && strings.ContainsAny(p, `\`) || strings.HasPrefix(want, "E -") || skip(p, text, want, got) {
				continue
			}
			t.Errorf("seed %d: %q (options %q) on %q: we %s, the other %s", seed, p, opts, text, got, want)
			if failures++; failures > 20 {
				return
			}
			break
		}
	}
}

func TestRandomAgainstRuby(t *testing.T) {
	compareRandom(t, rubyOracle(t), 1, *randomCount, true, func(pattern, text, want, got string) bool { return false })
}

func TestRandomAgainstOniguruma(t *testing.T) {
	compareRandom(t, onigurumaOracle(t), 2, *randomCount, false, func(pattern, text, want, got string) bool {
		if want == "E target of repeat operator is invalid" {
			return true // Oniguruma 6.9 refuses a quantifier on a look-around, Ruby and Joni take it
		}
		if strings.Contains(pattern, "[:alpha:]") && strings.Contains(text, "ss") {
			return true // with (?i) it lets one [[:alpha:]] match "ss", because it is ß folded; Ruby and Joni do not
		}
		// Its option for an ASCII \w makes \b ASCII too.
		return (strings.Contains(pattern, "\\b") || strings.Contains(pattern, "\\B")) && strings.ContainsAny(text, "é日")
	})
}
