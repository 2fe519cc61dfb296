package patterns

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func testSet(definitions ...string) *Set {
	s := Library(Legacy).Extend()
	for i := 0; i < len(definitions); i += 2 {
		s.Add(Definition{Name: definitions[i], Text: definitions[i+1], Origin: "pattern_definitions"})
	}
	return s
}

func TestExpand(t *testing.T) {
	s := testSet("A", "a+", "PAIR", "%{A:first},%{A}", "N", "[0-9]{2}")
	f := func(pattern, want string) {
		t.Helper()
		x, err := s.Expand(pattern, true)
		require.NoError(t, err)
		require.Equal(t, want, x.Regexp)
	}
	f(``, ``)
	f(`plain [a-z]{2} 100%`, `plain [a-z]{2} 100%`)
	f(`%{A}`, `(?:a+)`)
	f(`x%{A:f}y`, `x(?<A:f>a+)y`)
	f(`%{A:[a][b]:int}`, `(?<A:[a][b]:int>a+)`)
	f(`%{A:@timestamp}%{A:a-b.c}`, `(?<A:@timestamp>a+)(?<A:a-b.c>a+)`)
	f(`%{PAIR:p}`, `(?<PAIR:p>(?<A:first>a+),(?:a+))`)
	f(`(?<n>%{A})`, `(?<n>(?:a+))`)

	// what does not belong to the grammar is ignored up to the brace
	f(`%{A:w?} %{A:w bla bla}`, `(?<A:w>a+) (?<A:w>a+)`)
	f(`%{A}}`, `(?:a+)}`)
	f(`%{A %{A}`, `(?:a+)`)
	f(`%%{A}`, `%(?:a+)`)

	// no references
	f(`%{`, `%{`)
	f(`%{}`, `%{}`)
	f(`%{A`, `%{A`)
	f(`%{?A}`, `%{?A}`)
	f(`\%\{A\}`, `\%\{A\}`)

	// inline definitions
	f(`%{B=b+} %{B:x}`, `(?:b+) (?<B:x>b+)`)
	f(`%{B:x=b+}`, `(?<B:x>b+)`)
	f(`%{B=x{2}}y`, `(?:x{2})y`)
	f(`%{B=x{2}{3}}y`, `(?:x{2}{3})y`)
	f(`%{B=%{A}-}%{B}`, `(?:(?:a+)-)(?:(?:a+)-)`)
	f(`%{A=z}%{A}`, `(?:z)(?:z)`)
	f(`%{B:x=E\d+} %{A:y}`, `(?<B:x>E\d+} %{A:y)`)
	f("%{B:x=E\\d+\n} %{A:y}", "(?<B:x>E\\d+\n} (?<A:y>a+)"[:len("(?<B:x>E\\d+\n")]+") (?<A:y>a+)")
	f(`%{B=}%{A}`[4:], `}(?:a+)`)
	// unbalanced, so the definition ends before the brace that opens
	f(`%{A=b{c}`, `(?:b)`)
}

func TestExpandAllCaptures(t *testing.T) {
	x, err := testSet("A", "a").Expand(`%{A} %{A:x}`, false)
	require.NoError(t, err)
	require.Equal(t, `(?<A>a) (?<A:x>a)`, x.Regexp)
}

func TestInlineDefinitionEndsRecursion(t *testing.T) {
	x, err := testSet("R", "x%{R=y}").Expand(`%{R}%{R}`, true)
	require.NoError(t, err)
	require.Equal(t, `(?:x(?:y))(?:y)`, x.Regexp)
}

func TestExpandErrors(t *testing.T) {
	s := testSet("LOOP", "x%{LOOP}", "P", "p%{Q}", "Q", "q%{R:f}", "R", "r%{P}", "BAD", "ab%{NOPE:x}c")
	f := func(pattern string, offset, end int, want, hint string) {
		t.Helper()
		_, err := s.Expand(pattern, true)
		var e *Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, want, e.Error())
		require.Equal(t, hint, e.Hint)
		require.Equal(t, offset, e.Offset)
		require.Equal(t, end, e.End)
	}
	f(`^%{WROD:x} `, 1, 10, `unknown pattern "WROD" at byte 1 of the pattern "^%{WROD:x} "`, "WORD")
	f(`%{word}`, 0, 7, `unknown pattern "word" at byte 0 of the pattern "%{word}"`, "WORD")
	f(`%{NOSUCHPATTERN:x}`, 0, 18, `unknown pattern "NOSUCHPATTERN" at byte 0 of the pattern "%{NOSUCHPATTERN:x}"`, "")
	f(`a %{BAD}`, 2, 8, `unknown pattern "NOPE" at byte 2 of the pattern "a %{BAD}", at byte 2 of BAD (pattern_definitions)`, "")
	f(`%{LOOP:a}`, 0, 9, `pattern LOOP contains itself: LOOP > LOOP at byte 0 of the pattern "%{LOOP:a}", at byte 1 of LOOP (pattern_definitions)`, "")
	f(`%{P}`, 0, 4, `pattern P contains itself: P > Q > R > P at byte 0 of the pattern "%{P}", at byte 1 of P (pattern_definitions)`+
		`, at byte 1 of Q (pattern_definitions), at byte 1 of R (pattern_definitions)`, "")
}

func TestExpandBoundsTheNumberOfReferences(t *testing.T) {
	definitions := []string{"D0", "x"}
	for i, name := range []string{"D1", "D2", "D3", "D4", "D5"} {
		definitions = append(definitions, name, strings.Repeat("%{D"+string(rune('0'+i))+"}", 10))
	}
	_, err := testSet(definitions...).Expand("%{D5}", true)
	require.ErrorContains(t, err, "more than 10000 references")
}

func TestErrorAt(t *testing.T) {
	s := testSet("IN", "1(2", "OUT", "[ab]%{IN:f}")
	const pattern = `xy%{OUT}z`
	x, err := s.Expand(pattern, true)
	require.NoError(t, err)
	require.Equal(t, `xy(?:[ab](?<IN:f>1(2))z`, x.Regexp)
	f := func(offset int, want string) {
		t.Helper()
		e := x.ErrorAt(offset, "mistake")
		require.Equal(t, "mistake at byte "+want, e.Error())
		require.Equal(t, e.Offset, e.ErrorOffset())
	}
	f(0, `0 of the pattern "xy%{OUT}z"`)
	f(1, `1 of the pattern "xy%{OUT}z"`)
	f(2, `2 of the pattern "xy%{OUT}z"`)
	f(4, `2 of the pattern "xy%{OUT}z"`)
	f(6, `2 of the pattern "xy%{OUT}z", at byte 1 of OUT (pattern_definitions)`)
	f(strings.Index(x.Regexp, "(2"), `2 of the pattern "xy%{OUT}z", at byte 4 of OUT (pattern_definitions), at byte 1 of IN (pattern_definitions)`)
	f(strings.Index(x.Regexp, "z"), `8 of the pattern "xy%{OUT}z"`)
	f(len(x.Regexp), `9 of the pattern "xy%{OUT}z"`)
}

func TestParseGroup(t *testing.T) {
	f := func(group, field string, cast Cast) {
		t.Helper()
		gotField, gotCast := ParseGroup(group)
		require.Equal(t, field, gotField)
		require.Equal(t, cast, gotCast)
	}
	f("name", "name", NoCast)
	f("[a][b]", "[a][b]", NoCast)
	f("INT:n", "n", NoCast)
	f("INT:[a][b]:int", "[a][b]", Int)
	f("INT:n:float", "n", Float)
	f("INT:n:long", "n", NoCast)
	f("INT:n:int:x", "n", Int)
	f("INT:n:", "n", NoCast)
	f("code:int", "int", NoCast)
	f("INT", "INT", NoCast)
}

func FuzzExpand(f *testing.F) {
	for _, seed := range []string{`%{WORD:x}`, `%{A=b{2}}%{A}`, `%{A=\d} %{B}`, `(?<x>%{INT:y:int})`, `%{A=%{A}}`, `%{A=%{B=%{A}}}`, `%%{`, "%{A=\\\n}"} {
		f.Add(seed)
	}
	set := Library(ECS)
	f.Fuzz(func(t *testing.T, pattern string) {
		x, err := set.Expand(pattern, true)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Offset < 0 || e.End > len(pattern) || e.Offset > e.End {
				t.Fatalf("%q: %v", pattern, err)
			}
			return
		}
		for offset := 0; offset <= len(x.Regexp) && offset < 1000; offset++ {
			if e := x.ErrorAt(offset, "m"); e.Offset < 0 || e.Offset > len(pattern) {
				t.Fatalf("%q: offset %d became %d", pattern, offset, e.Offset)
			}
		}
	})
}

func BenchmarkExpandCombinedApacheLog(b *testing.B) {
	set := Library(ECS)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := set.Expand("%{COMBINEDAPACHELOG}", true); err != nil {
			b.Fatal(err)
		}
	}
}

func TestPinpoint(t *testing.T) {
	// a compiler that finds the first parenthesis that is left open, or a "*" that stands alone
	findMistake := func(regexp string) (int, string, bool) {
		var open []int
		for i := range len(regexp) {
			switch regexp[i] {
			case '(':
				open = append(open, i)
			case ')':
				open = open[:max(len(open)-1, 0)]
			case '!':
				return i, "bad", false
			}
		}
		if len(open) > 0 {
			return open[0], "open", false
		}
		return 0, "", true
	}
	s := testSet("GOOD", "(x)", "BAD", "ab%{GOOD}%{GOOD:f}(", "OUTER", "1%{GOOD}2%{BAD}3", "LATE", "%{GOOD:a}%{GOOD:b}!")
	f := func(pattern, want string) {
		t.Helper()
		x, err := s.Expand(pattern, true)
		require.NoError(t, err)
		require.Equal(t, want, x.Pinpoint(findMistake).Error())
	}
	f(`a(`, `open at byte 1 of the pattern "a("`)
	f(`%{GOOD}%{GOOD:x}(`, `open at byte 16 of the pattern "%{GOOD}%{GOOD:x}("`)
	f(`(%{GOOD}`, `open at byte 0 of the pattern "(%{GOOD}"`)
	f(`(%{BAD}`, `open at byte 1 of the pattern "(%{BAD}", at byte 18 of BAD (pattern_definitions)`)
	f(`%{OUTER})`, `open at byte 0 of the pattern "%{OUTER})", at byte 9 of OUTER (pattern_definitions), at byte 18 of BAD (pattern_definitions)`)
	f(`ab%{LATE}`, `bad at byte 2 of the pattern "ab%{LATE}", at byte 18 of LATE (pattern_definitions)`)
	f(`%{GOOD} 12!`, `bad at byte 10 of the pattern "%{GOOD} 12!"`)
}
