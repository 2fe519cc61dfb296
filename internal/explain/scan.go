package explain

import "strings"

// scanned is what a look at the text of a regular expression tells of its cost.
type scanned struct {
	anchored    bool // it matches at the start of a text or line only
	prefix      int  // the length of the literal that it begins with
	leadingAny  bool // it begins with .*
	leadingLazy bool
	dots        dots     // repetitions of the dot without limit that something follows
	nested      []string // groups that repeat a repetition
}

// dots counts repetitions of the dot.
type dots struct{ greedy, lazy int }

func (d dots) all() int { return d.greedy + d.lazy }

// score weighs what more than one of them costs.
func (d dots) score() int {
	switch {
	case d.greedy > 0:
		return (d.greedy-1)*scoreGreedy + d.lazy*scoreLazy
	case d.lazy > 0:
		return (d.lazy - 1) * scoreLazy
	}
	return 0
}

func (d dots) plus(e dots) dots { return dots{d.greedy + e.greedy, d.lazy + e.lazy} }

// worse returns the greater of two.
func worse(a, b dots) dots {
	if b.all() > a.all() || b.all() == a.all() && b.greedy > a.greedy {
		return b
	}
	return a
}

// group is an open parenthesis.
type group struct {
	start     int
	atomic    bool // (?>…), and look-arounds: nothing goes back into it
	mandatory bool // something in the current alternative has to match
	optional  bool // an alternative may match nothing
	loose     bool // an alternative consists of repetitions and options only, one of them without limit, or holds .* at all
	unbounded bool // the current alternative has a repetition without limit
	any       bool // the group has .* or the like

	before, most dots // as scanned.dots: before the group, and of its alternatives so far
	pending      dots // what an alternative ends in
}

// regexpScanner walks over a regular expression without understanding more of it than groups, classes and quantifiers.
type regexpScanner struct {
	s     string
	i     int
	stack []group
	out   scanned

	pending dots // repetitions of the dot, which count when something follows them
}

// scanRegexp looks at an expanded regular expression.
func scanRegexp(s string) scanned {
	p := &regexpScanner{s: s, stack: []group{{}}}
	p.out.anchored, p.out.prefix = anchored(s), literalPrefix(s)
	p.out.leadingAny, p.out.leadingLazy = leadingAny(s)
	for p.i < len(p.s) {
		p.step()
	}
	for len(p.stack) > 1 {
		p.close()
	}
	p.endAlternative()
	p.out.dots = p.top().most
	return p.out
}

// openers skips the parentheses that a regular expression begins with.
func openers(s string) string {
	for {
		switch {
		case strings.HasPrefix(s, "(?<") && !strings.HasPrefix(s, "(?<=") && !strings.HasPrefix(s, "(?<!"):
			end := strings.IndexByte(s, '>')
			if end < 0 {
				return s
			}
			s = s[end+1:]
		case strings.HasPrefix(s, "(?:"), strings.HasPrefix(s, "(?>"):
			s = s[3:]
		case strings.HasPrefix(s, "(?i)"), strings.HasPrefix(s, "(?m)"):
			s = s[4:]
		case strings.HasPrefix(s, "(") && !strings.HasPrefix(s, "(?"):
			s = s[1:]
		default:
			return s
		}
	}
}

func anchored(s string) bool {
	s = openers(s)
	return strings.HasPrefix(s, "^") || strings.HasPrefix(s, `\A`) || strings.HasPrefix(s, `\G`)
}

func leadingAny(s string) (any, lazy bool) {
	s = openers(s)
	if !strings.HasPrefix(s, ".*") && !strings.HasPrefix(s, ".+") {
		return false, false
	}
	return true, strings.HasPrefix(s[2:], "?")
}

// literalPrefix returns how many letters, digits or blanks a match begins with for certain.
func literalPrefix(s string) int {
	s = openers(s)
	n := 0
	for n < len(s) && (s[n] == ' ' || s[n] >= '0' && s[n] <= '9' || s[n] >= 'A' && s[n] <= 'Z' || s[n] >= 'a' && s[n] <= 'z') {
		n++
	}
	if n < len(s) && strings.IndexByte("?*+{|", s[n]) >= 0 {
		n--
	}
	return n
}

func (p *regexpScanner) top() *group { return &p.stack[len(p.stack)-1] }

// step takes one atom with its quantifier, or a parenthesis.
func (p *regexpScanner) step() {
	switch c := p.s[p.i]; c {
	case '(':
		p.open()
	case ')':
		p.close()
	case '|':
		p.endAlternative()
		p.i++
	case '^', '$':
		p.i++
	case '[':
		p.class()
		p.quantified(false)
	case '\\':
		p.escape()
	default:
		p.i++
		p.quantified(c == '.')
	}
}

func (p *regexpScanner) escape() {
	anchor := p.i+1 < len(p.s) && strings.IndexByte("AbBzZG", p.s[p.i+1]) >= 0
	p.i = min(p.i+2, len(p.s))
	if !anchor {
		p.quantified(false)
	}
}

// class skips a character class, which may hold others.
func (p *regexpScanner) class() {
	depth := 0
	for ; p.i < len(p.s); p.i++ {
		switch p.s[p.i] {
		case '\\':
			p.i++
		case '[':
			depth++
		case ']':
			if depth--; depth == 0 {
				p.i++
				return
			}
		}
	}
	p.i = min(p.i, len(p.s))
}

func (p *regexpScanner) open() {
	g := group{start: p.i, before: p.out.dots}
	rest := p.s[p.i:]
	switch {
	case strings.HasPrefix(rest, "(?>"), strings.HasPrefix(rest, "(?="), strings.HasPrefix(rest, "(?!"):
		g.atomic = true
		p.i += 3
	case strings.HasPrefix(rest, "(?<="), strings.HasPrefix(rest, "(?<!"):
		g.atomic = true
		p.i += 4
	case strings.HasPrefix(rest, "(?<"):
		p.i += max(3, strings.IndexByte(rest, '>')+1)
	case strings.HasPrefix(rest, "(?#"):
		p.i += max(3, strings.IndexByte(rest, ')')+1)
		return
	case strings.HasPrefix(rest, "(?"):
		for p.i += 2; p.i < len(p.s) && p.s[p.i] != ':' && p.s[p.i] != ')'; p.i++ {
		}
		if p.i < len(p.s) && p.s[p.i] == ')' { // options up to the end of the group around
			p.i++
			return
		}
		p.i = min(p.i+1, len(p.s))
	default:
		p.i++
	}
	p.stack = append(p.stack, g)
}

// endAlternative notes whether what was read since the last | can be repeated in more than one way.
func (p *regexpScanner) endAlternative() {
	g := p.top()
	if !g.mandatory {
		g.optional = true
		g.loose = g.loose || g.unbounded
	}
	g.unbounded, g.mandatory = false, false
	g.most, p.out.dots = worse(g.most, p.out.dots), g.before
	g.pending, p.pending = worse(g.pending, p.pending), dots{}
}

func (p *regexpScanner) close() {
	p.i = min(p.i+1, len(p.s))
	if len(p.stack) == 1 {
		return
	}
	p.endAlternative()
	g := *p.top()
	p.out.dots, p.pending = g.most, g.pending
	p.stack = p.stack[:len(p.stack)-1]
	least, unbounded, possessive := p.quantifier()
	if unbounded && !possessive && !g.atomic && (g.loose || g.any) {
		p.out.nested = append(p.out.nested, shortened(p.s[g.start:p.i]))
	}
	if least == 0 || g.atomic { // mostly left out, or not gone back into
		p.out.dots, p.pending = g.before, dots{}
	}
	outer := p.top()
	outer.any = outer.any || g.any && !g.atomic
	if least > 0 && !g.optional {
		outer.mandatory = true
	}
	if (unbounded || g.loose) && !possessive && !g.atomic {
		outer.unbounded = true
	}
}

// quantified takes the quantifier behind an atom.
func (p *regexpScanner) quantified(dot bool) {
	p.settle()
	min, unbounded, possessive := p.quantifier()
	g := p.top()
	switch {
	case unbounded && !possessive:
		g.unbounded = true
		if dot {
			g.any = true
			if p.s[p.i-1] == '?' {
				p.pending.lazy++
			} else {
				p.pending.greedy++
			}
		}
	case min > 0:
		g.mandatory = true
	}
}

// settle counts repetitions of the dot that something follows: at the end of a pattern they cost nothing.
func (p *regexpScanner) settle() {
	p.out.dots, p.pending = p.out.dots.plus(p.pending), dots{}
}

// quantifier reads ?, *, + or {n,m}, with what makes it lazy or possessive.
func (p *regexpScanner) quantifier() (min int, unbounded, possessive bool) {
	min = 1
	if p.i >= len(p.s) {
		return min, false, false
	}
	switch p.s[p.i] {
	case '?':
		min = 0
	case '*':
		min, unbounded = 0, true
	case '+':
		unbounded = true
	case '{':
		end := strings.IndexByte(p.s[p.i:], '}')
		if end < 0 || strings.Trim(p.s[p.i+1:p.i+end], "0123456789,") != "" {
			return min, false, false
		}
		body := p.s[p.i+1 : p.i+end]
		unbounded = strings.HasSuffix(body, ",")
		if strings.HasPrefix(body, "0") || strings.HasPrefix(body, ",") {
			min = 0
		}
		p.i += end
	default:
		return min, false, false
	}
	p.i++
	if p.i < len(p.s) && (p.s[p.i] == '?' || p.s[p.i] == '+') {
		possessive = p.s[p.i] == '+'
		p.i++
	}
	return min, unbounded, possessive
}

func shortened(s string) string {
	const most = 60
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
