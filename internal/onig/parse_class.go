package onig

import (
	"strings"
	"unicode/utf8"
)

// parseClass reads a character class from its opening bracket.
func (p *parser) parseClass() *node {
	if p.flags&flagIgnoreCase == 0 {
		// The same class stands in a pattern many times.
		if i := strings.IndexByte(p.src[p.pos:], ']'); i > 0 {
			if s := p.sets[setKey{p.src[p.pos : p.pos+i+1], p.flags}]; s != nil {
				p.pos += i + 1
				return &node{kind: nodeClass, set: s}
			}
		}
	}
	start := p.pos
	set, neg := p.classBody()
	n := p.classNode(set, neg)
	if text := p.src[start:p.pos]; p.flags&flagIgnoreCase == 0 && strings.IndexByte(text, ']') == len(text)-1 {
		p.sets[setKey{text, p.flags}] = n.set
	}
	return n
}

// setKey names a class by its text and the options in force.
type setKey struct {
	text  string
	flags flags
}

// classNode makes a node of a class. Where case is ignored, a class that is not negated also matches what its members fold to.
func (p *parser) classNode(set *charSet, neg bool) *node {
	var sequences []*node
	if p.flags&flagIgnoreCase != 0 && !neg {
		sequences = foldSequences(set)
	}
	if neg {
		set = set.negate()
	}
	n := &node{kind: nodeClass, set: set}
	if len(sequences) == 0 {
		return n
	}
	return &node{kind: nodeAlt, fold: true, kids: append([]*node{n}, sequences...)}
}

// Where the reader of a class stands, which decides what a hyphen means.
type classState uint8

const (
	stateStart    classState = iota
	stateValue               // behind a character
	stateSet                 // behind \w, [:alpha:] or the like
	stateRange               // behind a character and a hyphen
	stateComplete            // behind a range or a nested class
)

// classReader collects one class.
type classReader struct {
	p     *parser
	cur   *charSet // since the last &&
	ascii *charSet // the ASCII escapes among it, which do not fold: (?i)[\w] takes no long s
	and   *charSet // what stood before the last &&, nil if none did
	state classState
	last  rune
	open  int
}

// classBody reads a class from its opening bracket to its closing one.
func (p *parser) classBody() (set *charSet, neg bool) {
	if p.depth++; p.depth > maxNesting {
		p.fail("too deep nest level")
	}
	defer func() { p.depth-- }()
	p.deepest = max(p.deepest, p.depth)
	r := &classReader{p: p, cur: &charSet{}, ascii: &charSet{}, open: p.pos}
	p.pos++
	neg = p.accept("^")
	if p.peek() == ']' {
		if !p.closesLater() {
			p.failAt(r.open, "empty char-class")
		}
		p.pos++
		r.value(']')
	}
	for !p.accept("]") {
		if !p.more() {
			p.failAt(r.open, "premature end of char-class")
		}
		r.item()
	}
	r.finish()
	return r.and, neg
}

// finish ends what stands between two &&: the fold applies here, inside a negation, as in Oniguruma.
func (r *classReader) finish() {
	if r.state == stateRange {
		r.cur.add('-', '-')
	}
	r.flush()
	r.cur.normalize()
	if r.p.flags&flagIgnoreCase != 0 {
		r.cur = foldClosure(r.cur)
	}
	r.cur = r.cur.union(r.ascii)
	if r.and != nil {
		r.cur = r.and.intersect(r.cur)
	}
	r.and, r.cur, r.ascii, r.state = r.cur, &charSet{}, &charSet{}, stateStart
}

// closesLater reports whether the bracket at the position may stand for itself because another one closes the class.
func (p *parser) closesLater() bool {
	for i := p.pos + 1; i < len(p.src); i++ {
		switch p.src[i] {
		case '\\':
			i++
		case ']':
			return true
		}
	}
	return false
}

// flush adds the character that might have begun a range.
func (r *classReader) flush() {
	if r.state == stateValue || r.state == stateRange {
		r.cur.add(r.last, r.last)
	}
}

// value takes one character.
func (r *classReader) value(c rune) {
	if r.state == stateRange {
		if c < r.last {
			r.p.fail("empty range in char class")
		}
		r.cur.add(r.last, c)
		r.state = stateComplete
		return
	}
	r.flush()
	r.last, r.state = c, stateValue
}

// set takes a class escape or a POSIX bracket.
func (r *classReader) set(s *charSet, folds bool) {
	if r.state == stateRange {
		r.p.fail("char-class value at end of range")
	}
	r.flush()
	if folds {
		r.cur = r.cur.union(s)
	} else {
		r.ascii = r.ascii.union(s)
	}
	r.state = stateSet
}

// item reads one element of a class.
func (r *classReader) item() {
	p := r.p
	switch c := p.peek(); {
	case c == '[' && p.lookingAt("[:"):
		if s := p.posixBracket(); s != nil {
			r.set(s, !s.equal(asciiSet))
			return
		}
		r.nested()
	case c == '[':
		r.nested()
	case c == '&' && p.lookingAt("&&"):
		p.pos += 2
		r.finish()
	case c == '-':
		r.hyphen()
	case c == '\\':
		r.escape()
	default:
		r.value(p.rune())
	}
}

func (r *classReader) nested() {
	if r.state != stateRange {
		r.flush() // [a-[b]] is [b]: Oniguruma forgets the begun range
	}
	s, neg := r.p.classBody()
	if neg {
		s = s.negate()
	}
	r.cur = r.cur.union(s)
	r.state = stateComplete
}

// hyphen decides whether a hyphen makes a range.
func (r *classReader) hyphen() {
	p := r.p
	p.pos++
	last := p.peek() == ']' || p.lookingAt("&&")
	switch {
	case r.state == stateValue && !last:
		r.state = stateRange
	case r.state == stateSet && !last:
		p.fail("unmatched range specifier in char-class")
	default:
		r.value('-')
	}
}

func (r *classReader) escape() {
	p := r.p
	at := p.pos
	if at+1 >= len(p.src) {
		p.fail("too short escape sequence")
	}
	if s := p.classEscape(); s != nil {
		c := p.src[at+1]
		r.set(s, c|0x20 == 'p' || p.flags&flagUnicode != 0)
		return
	}
	switch p.src[at+1] {
	case 'b':
		p.pos += 2
		r.value('\b')
	case 'u':
		if p.lookingAt("\\u{") {
			for _, c := range p.runeList() {
				r.value(c)
			}
			return
		}
		fallthrough
	default:
		r.value(p.escapedRune())
	}
}

// posixNames are the POSIX brackets.
var posixNames = [...]string{"alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "xdigit", "word"}

// posixBracket reads [:name:] or [:^name:]; nil means that no POSIX bracket stands here.
func (p *parser) posixBracket() *charSet {
	rest := p.src[p.pos+2:]
	neg := strings.HasPrefix(rest, "^")
	name := strings.TrimPrefix(rest, "^")
	for _, n := range posixNames {
		if strings.HasPrefix(name, n+":]") {
			p.pos += 2 + len(rest) - len(name) + len(n) + 2
			return p.posixSet(n, neg)
		}
	}
	// Something like [:foo:] is a mistake, [:a] is a nested class.
	for i := 0; i < len(name) && i < 20; i++ {
		if name[i] == ':' && i+1 < len(name) && name[i+1] == ']' {
			p.fail("invalid POSIX bracket type")
		}
		if name[i] == ']' || name[i] == '\\' {
			break
		}
	}
	return nil
}

func (p *parser) posixSet(name string, neg bool) *charSet {
	s := posixClass(name)
	if p.flags&flagASCII != 0 {
		s = s.intersect(asciiSet)
	}
	if neg {
		return s.negate()
	}
	return s
}

var asciiSet = &charSet{r: []runeRange{{0, utf8.RuneSelf - 1}}}
