package onig

import (
	"testing"
	"time"
)

func seedPatterns(f *testing.F) []string {
	return []string{`a(b|c)*?d`, `(?<x>[a-z]+)-\k<x>`, `(?i)straße|ﬁ`, `(?<=a|bc)d(?!e)`, `\A(?>x*+y)?\z`, `(?<p>\((?:[^()]|\g<p>)*\))`, `[[:alpha:]&&[^a-c]]{2,5}`,
		`(a)?(?(1)b|c)`, `(?~ab)\R\X\K\h`, `(?x) a # b`, `\p{Greek}\u{61 62}`, `((a*)*)*b`, `(?:a|ab|b)*c`, `.*?(\d+) .*`, `\x{41}`, `[\w-]`, "\\"}
}

// FuzzCompile checks that no pattern makes the compiler panic or take long.
func FuzzCompile(f *testing.F) {
	for _, p := range seedPatterns(f) {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		began := time.Now()
		re, err := Compile(p)
		if d := time.Since(began); d > 5*time.Second {
			t.Fatalf("compiling %q took %s", p, d)
		}
		if (re == nil) == (err == nil) {
			t.Fatal("neither or both of a program and an error")
		}
		if err != nil {
			if se, ok := err.(*SyntaxError); !ok || se.Offset < 0 || se.Offset > len(p) {
				t.Fatalf("bad error %#v", err)
			}
		}
	})
}

// FuzzMatch checks that no text makes a match panic, run over its time or report groups outside the text, and that the plain program of the debug
// variant, which none of the rewriting touches, finds the same.
func FuzzMatch(f *testing.F) {
	for _, p := range seedPatterns(f) {
		f.Add(p, "aabc-abc STRASSE é\xff(a(b)c) 123 \n")
	}
	f.Fuzz(func(t *testing.T, p, text string) {
		re, err := Compile(p)
		if err != nil {
			return
		}
		m := re.NewMatcher()
		m.SetTimeout(50 * time.Millisecond)
		began := time.Now()
		ok := m.Match(text)
		if d := time.Since(began); d > 3*time.Second {
			t.Fatalf("matching %q took %s", p, d)
		}
		for i := 0; ok && i <= re.NumCaptures(); i++ {
			if a, b := m.Group(i); a != -1 && i > 0 && (a < 0 || b < a || b > len(text)) {
				t.Fatalf("group %d of %q is %d to %d", i, p, a, b)
			}
		}
		d := re.NewDebugMatcher()
		d.SetTimeout(50 * time.Millisecond)
		okDebug := d.Match(text)
		if m.TimedOut() || d.TimedOut() {
			return
		}
		if ok != okDebug {
			t.Fatalf("%q on %q: %v, without rewriting %v", p, text, ok, okDebug)
		}
		for i := 0; ok && i <= re.NumCaptures(); i++ {
			a, b := m.Group(i)
			c, e := d.Group(i)
			if a != c || b != e {
				t.Fatalf("%q on %q: group %d is %d-%d, without rewriting %d-%d", p, text, i, a, b, c, e)
			}
		}
	})
}
