package onig

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMatch states what each construct means. The expectation lists the whole match and the groups, "-" for one that took no part.
func TestMatch(t *testing.T) {
	f := func(pattern, text, want string) {
		t.Helper()
		re, err := Compile(pattern)
		require.NoError(t, err)
		m := re.NewMatcher()
		if !m.Match(text) {
			require.Equal(t, want, "no match", "%q on %q", pattern, text)
			return
		}
		var got []string
		for i := 0; i <= re.NumCaptures(); i++ {
			a, b := m.Group(i)
			if a < 0 {
				got = append(got, "-")
				continue
			}
			got = append(got, text[a:b])
		}
		require.Equal(t, want, strings.Join(got, "|"), "%q on %q", pattern, text)
	}
	const none = "no match"

	f(`abc`, "xxabcxx", "abc")
	f(`a|b|cd`, "xcd", "cd")
	f(`INFO|INFORMATION`, "INFORMATION", "INFO")
	f(`(a)(b)?`, "ac", "a|a|-")
	f(`(?<x>a)(b)`, "ab", "ab|a")
	f(`(?:ab)+`, "ababa", "abab")
	f(`(?>a*)a`, "aaa", none)
	f(`a*+a`, "aaa", none)
	f(`a++b`, "aab", "aab")
	f(`a?+a`, "a", none)
	f(`a{2,3}+`, "aaaaaaa", "aaaaaa") // no possessive interval in Ruby
	f(`(x{2,3}?)(x*)`, "xxxx", "xxxx|xx|xx")
	f(`x{2}?y`, "y", "y") // an optional xx, not a lazy one
	f(`y{,2}z`, "yyyz", "yyz")
	f(`a{,}`, "a{,}", "a{,}")
	f(`\{?z{1}`, "{z", "{z")
	f(`(?=.*fail)(?!.*ignore)^(\w+)`, "disk fail", "disk|disk")
	f(`(?=.*fail)(?!.*ignore)^(\w+)`, "disk fail ignore", none)
	f(`(?<=user=|uid:)(\w+)(?<!x)`, "user=fox", "fo|fo")
	f(`(?<=user=|uid:)(\w+)`, "uid:7", "7|7")
	f(`(?<![0-9])7`, "17 7", "7")
	f(`(a+)b\1`, "aabaa", "aabaa|aa")
	f(`(?<q>['"]).*?\k<q>`, `say "it's" now`, `"it's"|"`)
	f(`(?<n>a)|(?<n>b)\k<n>`, "bb", "bb|-|b")
	f(`(?i)(a)\1`, "aA", "aA|a")
	f(`(?<p>\((?:[^()]|\g<p>)*\))`, "f(a(b)c)", "(a(b)c)|(a(b)c)")
	f(`\A(?<a>|.|(?:(?<b>.)\g<a>\k<b>))\z`, "aa", "aa|aa|a")
	f(`(a)?(?(1)b|c)`, "ab", "ab|a")
	f(`(a)?(?(1)b|c)`, "c", "c|-")
	f(`(?<x>a)?(?(<x>)b|c)`, "ab", "ab|a")
	f(`(ab|c\1)+`, "abcab", "ab|ab") // a group that is open has not matched yet
	f(`(\1|b)+`, "bb", "bb|b")
	f(`(?<a>x|y\k<a>)\g<a>`, "xyx", none)
	f(`(a|(?(1)b|c))+`, "acb", "ac|c")
	f(`(x)|.(?(1)(?i)c|b)`, "cb", "c|-") // (?i) takes the alternatives behind it
	f(`a\Kb`, "ab", "b")
	f(`\R`, "\r\n", "\r\n")
	f(`\X`, "e\u0301x", "e\u0301")
	f(`\X`, "👨\u200d👩\u200d👧x", "👨\u200d👩\u200d👧")
	f(`\h+`, "xyBAD0g", "BAD0")
	f(`/\*(?~\*/)\*/`, "a /* b */ c */", "/* b */")
	f(`^b`, "a\nb", "b")
	f(`a$`, "a\nb", "a")
	f(`^\z`, "a\n", none)
	f(`\Ab`, "a\nb", none)
	f(`a\Z`, "a\n", "a")
	f(`a\z`, "a\n", none)
	f(`\bé`, "aé é", "é")
	f(`\w+`, "éa", "a")
	f(`(?u)\w+`, "éa", "éa")
	f(`[[:alpha:]]+`, "1éa", "éa")
	f(`(?a)[[:alpha:]]+`, "éa", "a")
	f(`[a-z&&[^aeiou]]+`, "aexyz", "xyz")
	f(`[^a&&a]+`, "ab", "b")
	f(`[\d\-x]+`, "a1-x", "1-x")
	f(`[]a]+`, "a]", "a]")
	f(`\p{Cyrillic}+`, "abc Привет", "Привет")
	f(`\p{^L}+`, "a1é", "1")
	f(`\P{Alpha}+`, "a1é", "1")
	f(`(?i)straße`, "STRASSE", "STRASSE")
	f(`(?i)ss`, "ß", "ß")
	f(`(?i)ﬁ`, "FI", "FI")
	f(`(?i)office`, "oﬃce", "oﬃce")
	f(`(?i)k`, "\u212A", "\u212A")
	f(`(?i)[^a]`, "Ab", "b")
	f(`(?i:a)b`, "Ab", "Ab")
	f(`a(?i)b|c`, "aC", "aC")
	f(`(?m)a.b`, "a\nb", "a\nb")
	f(`a.b`, "a\nb", none)
	f(`(?x) a b # comment`, "ab", "ab")
	f(`(?x)[ ]a`, " a", " a")
	f(`a(?#comment)b`, "ab", "ab")
	f(`\x41\u0042\103\u{44 45}\t\cA`, "ABCDE\t\x01", "ABCDE\t\x01")
	f(`\xC3\xA9`, "é", "é")
	f(`(?<[a][b]>\d+)-(?<@x.y-z>\d)`, "12-3", "12-3|12|3")
	f(`(?'n'a)`, "a", "a|a")
	f(`.`, "\xFF", "\xFF")
	f(`[^a]+`, "a\xFF\xE2\x82b", "\xFF\xE2\x82b")
	f(`é`, "\xC3", none)
	f(`(a*)*`, "aab", "aa|")
	f(`(?:a??)*b`, "aab", "aab")
	f(`(|a)+`, "aa", "|")
	f(`\Ga`, "ba", none)
	f(``, "abc", "")
	f(`$`, "", "")
}

func TestMatchAt(t *testing.T) {
	f := func(pattern, text string, start, wantStart, wantEnd int) {
		t.Helper()
		m := MustCompile(pattern).NewMatcher()
		ok := m.MatchAt(text, start)
		require.Equal(t, wantStart >= 0, ok)
		a, b := m.Group(0)
		require.Equal(t, [2]int{wantStart, wantEnd}, [2]int{a, b})
	}
	f(`a`, "aba", 1, 2, 3)
	f(`\Gb`, "aba", 1, 1, 2)
	f(`\Ga`, "aba", 1, -1, -1)
	f(`(?<=a)b`, "ab", 1, 1, 2)
	f(`^b`, "ab", 1, -1, -1)
	f(`^b`, "a\nb", 2, 2, 3)
	f(`\Ab`, "ab", 1, -1, -1)
	f(`\bb`, "ab", 1, -1, -1)
	f(`x*`, "ab", 2, 2, 2)
	f(`a`, "a", 2, -1, -1)
	f(`a`, "a", -1, -1, -1)
}

func TestNames(t *testing.T) {
	re := MustCompile(`(?<b>x)(y)(?<a>z)(?<b>w)`)
	require.Equal(t, 3, re.NumCaptures())
	require.Equal(t, []Name{{"b", []int{1, 3}}, {"a", []int{2}}}, re.Names())
	require.Equal(t, `(?<b>x)(y)(?<a>z)(?<b>w)`, re.String())
}

func TestSyntaxErrors(t *testing.T) {
	f := func(pattern string, offset int, msg string) {
		t.Helper()
		_, err := Compile(pattern)
		var se *SyntaxError
		require.True(t, errors.As(err, &se), "%q compiles", pattern)
		require.Equal(t, msg, se.Msg)
		require.Equal(t, offset, se.Offset, "%q", pattern)
		require.Equal(t, pattern, se.Pattern)
	}
	f(`*abc`, 0, "target of repeat operator is not specified")
	f(`x[a-z`, 1, "premature end of char-class")
	f(`x(?<a>\d+`, 1, "end pattern with unmatched parenthesis")
	f(`ab)`, 2, "unmatched close parenthesis")
	f(`a(?z)`, 3, "undefined group option")
	f(`a\`, 1, "too short escape sequence")
	f(`x(?<=a*)b`, 1, "invalid pattern in look-behind")
	f(`\p{Foo}`, 0, "invalid character property name {Foo}")
	f(`a{100001}`, 2, "too big number for repeat range")
	f(`(?<a>x)\1`, 7, "numbered backref/call is not allowed. (use name)")
	f("a\xFF", 1, "invalid multibyte character")
	f(strings.Repeat("(", 2000), 1000, "too deep nest level")
}

func TestTimeout(t *testing.T) {
	m := MustCompile(`(?<x>(?:a|a|b)*(\k<x>)?)*c\z`).NewMatcher()
	m.SetTimeout(20 * time.Millisecond)
	began := time.Now()
	require.False(t, m.Match(strings.Repeat("ab", 4000)+"c!"))
	require.True(t, m.TimedOut())
	require.Less(t, time.Since(began), 30*time.Second)
	require.False(t, m.Match("ab"))
	require.False(t, m.TimedOut())
}

func TestFurthest(t *testing.T) {
	f := func(pattern, text string, pos, offset int) {
		t.Helper()
		m := MustCompile(pattern).NewDebugMatcher()
		require.False(t, m.Match(text))
		p, o := m.Furthest()
		require.Equal(t, [2]int{pos, offset}, [2]int{p, o})
	}
	f(`\d+ (?<w>[a-z]+) end`, "12 abc fin", 7, 17)
	f(`\d+ (?<w>[a-z]+) \x65nd`, "12 abc fin", 7, 17)
	f(`(?<n>\d+)(?<w>[a-z]+)$`, "1 12ab! 3", 6, 21)
	f(`\A(?:foo|bar)baz`, "barbar", 5, 15)
}

func TestNoAllocations(t *testing.T) {
	m := MustCompile(`(?<a>\w+) (?:(?<b>\d+)|(?<c>[a-z]+))* (?<rest>.*)x`).NewMatcher()
	text := "hello 12ab34cd the rest of the line x y"
	require.True(t, m.Match(text))
	require.Zero(t, testing.AllocsPerRun(100, func() { m.Match(text) }))
}

func ExampleRegexp_Names() {
	re := MustCompile(`(?<client>\S+) (?<bytes>\d+)`)
	m := re.NewMatcher()
	line := "203.0.113.9 2326"
	if m.Match(line) {
		for _, n := range re.Names() {
			a, b := m.Group(n.Groups[0])
			fmt.Println(n.Name, line[a:b])
		}
	}
	// Output:
	// client 203.0.113.9
	// bytes 2326
}
