package onig

import (
	"fmt"
	"math/rand"
	"strings"
)

// generator makes random patterns and texts over a small alphabet, so that they match often.
type generator struct {
	r      *rand.Rand
	groups int
	named  bool
	exotic bool // constructs that Ruby has and Oniguruma reads differently
	depth  int
}

func (g *generator) pick(list ...string) string { return list[g.r.Intn(len(list))] }

func (g *generator) pattern() string {
	g.groups, g.depth = 0, 0
	g.named = g.r.Intn(4) == 0
	return g.alt()
}

func (g *generator) alt() string {
	s := g.seq()
	for g.r.Intn(4) == 0 {
		s += "|" + g.seq()
	}
	return s
}

func (g *generator) seq() string {
	var b strings.Builder
	for range 1 + g.r.Intn(4) {
		b.WriteString(g.item())
	}
	return b.String()
}

func (g *generator) item() string {
	s := g.atom()
	switch g.r.Intn(12) {
	case 0, 1:
		s += g.pick("*", "+", "?")
	case 2:
		s += g.pick("*?", "+?", "??", "*+", "++", "?+")
	case 3:
		s += g.pick("{2}", "{1,2}", "{0,2}", "{2,}", "{,2}", "{1,3}?", "{0}", "{1,}")
	}
	return s
}

func (g *generator) atom() string {
	if g.depth > 3 {
		return g.pick("a", "b", "c", ".")
	}
	g.depth++
	defer func() { g.depth-- }()
	switch g.r.Intn(24) {
	case 0, 1, 2:
		return "(?:" + g.alt() + ")"
	case 3, 4:
		g.groups++
		if g.named {
			return fmt.Sprintf("(?<n%d>%s)", g.r.Intn(3), g.alt())
		}
		return "(" + g.alt() + ")"
	case 5:
		return "(?>" + g.alt() + ")"
	case 6:
		return g.pick("(?=", "(?!") + g.alt() + ")"
	case 7:
		return g.pick("(?<=", "(?<!") + g.pick("a", "ab", "b|c", "a|bc", "[^a]", "\\n", "é", "\\b") + ")"
	case 8:
		return g.pick("^", "$", "\\b", "\\B", "\\A", "\\z", "\\Z", "\\G")
	case 9:
		if g.groups > 0 && !g.named {
			return fmt.Sprintf("\\%d", 1+g.r.Intn(g.groups))
		}
		return g.pick("\\w", "\\W")
	case 23:
		if g.groups > 0 && g.exotic && !g.named {
			return fmt.Sprintf("\\g<%d>", 1+g.r.Intn(g.groups))
		}
		return "a"
	case 10:
		if g.groups > 0 && g.exotic && !g.named {
			return fmt.Sprintf("(?(%d)%s|%s)", 1+g.r.Intn(g.groups), g.seq(), g.seq())
		}
		return "."
	case 11:
		if g.exotic {
			return g.pick("\\K", "\\R", "\\h", "\\H", "(?~ab)", "(?~a|bc)", "\\X", "[[:word:]]", "\\p{L}", "(?i:ab)", "(?i)", "(?m:.)")
		}
		return g.pick("(?i:ab)", "(?m:.)", "(?i)", "\\p{L}")
	case 12, 13:
		return g.pick("[ab]", "[^a]", "[a-c]", "[^\\n]", "[[:alpha:]]", "[a-c&&[^b]]", "\\d", "\\D", "\\s", "\\S", "\\w", "[é-ü]", "[\\w-]", "[^\\w]")
	case 14:
		return g.pick("ab", "bc", "é", "\\n", "ss", "1")
	case 15:
		return g.pick("a*", "a+", "b*", ".*", ".*?", "[ab]*", "\\w+", "[^b]*")
	}
	return g.pick("a", "b", "c", "a", "b", ".")
}

func (g *generator) text() string {
	var b strings.Builder
	for range g.r.Intn(12) {
		b.WriteString(g.pick("a", "b", "c", "a", "b", "a", "b", "A", "B", "1", " ", "\n", "é", "ss", "-", "日"))
	}
	return b.String()
}
