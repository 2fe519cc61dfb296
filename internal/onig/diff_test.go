package onig

import (
	"encoding/json"
	"flag"
	"math/rand"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// backrefs finds what no memo can keep from taking exponential time.
var backrefs = regexp.MustCompile(`\\[1-9]`)

func compareRandom(t *testing.T, o *oracle, seed int64, count int, exotic bool, skip func(pattern, text, want, got string) bool) {
	g := &generator{r: rand.New(rand.NewSource(seed)), exotic: exotic}
	failures := 0
	for i := 0; i < count; i++ {
		p := g.pattern()
		opts := g.pick("", "", "", "m", "i")
		for range 6 {
			text := g.text()
			want, got := o.ask(t, opts, p, text), answer(opts, p, text)
			if want == got || got == "timeout" && (strings.Contains(p, `\g`) || backrefs.MatchString(p)) || strings.HasPrefix(want, "E -") || skip(p, text, want, got) {
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
	compareRandom(t, rubyOracle(t), 1, *randomCount, true, func(pattern, text, want, got string) bool {
		// With (?i) a class of all letters matches "ss", as ß folded, if the pattern or the text has other characters than ASCII.
		return strings.Contains(pattern, "[:alpha:]") && strings.Contains(text, "ss")
	})
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

// caseLines returns the texts that the recorded grok cases match against.
func caseLines(t *testing.T) []string {
	files, err := filepath.Glob("../../conformance/grok*/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var lines []string
	for _, f := range files {
		data, err := os.ReadFile(f)
		require.NoError(t, err)
		for line := range strings.Lines(string(data)) {
			var event struct{ Message string }
			if json.Unmarshal([]byte(line), &event) == nil && event.Message != "" && len(event.Message) < 2000 {
				lines = append(lines, event.Message)
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// compareLibrary runs every pattern of the library over the lines of the cases: each over those whose number falls to it, so that a run stays short.
func compareLibrary(t *testing.T, o *oracle, ascii bool) {
	lines := caseLines(t)
	lib := library(t)
	names := make([]string, 0, len(lib))
	for n := range lib {
		names = append(names, n)
	}
	slices.Sort(names)
	matched, asked := 0, 0
	for i, n := range names {
		re, err := Compile(lib[n], MultiLine)
		require.NoError(t, err, n)
		m := re.NewMatcher()
		pattern := lib[n]
		if ascii {
			pattern = groupNames.ReplaceAllStringFunc(pattern, plainName)
		}
		for j, line := range lines {
			if (i+j)%*libraryShare != 0 || ascii && strings.IndexFunc(line, func(r rune) bool { return r >= 0x80 }) >= 0 {
				continue
			}
			want, got := o.ask(t, "m", pattern, line), matchAnswer(m, line)
			asked++
			if want != "N" {
				matched++
			}
			if want != got {
				t.Errorf("%s on %q: we %s, the other %s", n, line, got, want)
				break
			}
		}
	}
	t.Logf("%d patterns, %d lines, %d comparisons, %d of them matches", len(names), len(lines), asked, matched)
	require.Greater(t, matched, asked/20)
}

// Oniguruma refuses names such as [a][b], which Joni takes.
var groupNames = regexp.MustCompile(`\(\?<[^=!>][^>]*>`)

func plainName(s string) string {
	return "(?<" + strings.Map(func(r rune) rune {
		if isWord(r) {
			return r
		}
		return '_'
	}, s[3:len(s)-1]) + ">"
}

var libraryShare = flag.Int("share", 40, "one of how many lines each pattern of the library is compared on")

func TestLibraryAgainstOniguruma(t *testing.T) { compareLibrary(t, onigurumaOracle(t), true) }

func TestLibraryAgainstRuby(t *testing.T) { compareLibrary(t, rubyOracle(t), false) }
