package onig

import (
	"strings"
	"unicode/utf8"
)

// lineBreak is what \R matches besides the pair of carriage return and line feed.
var lineBreak = &charSet{r: []runeRange{{'\n', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}}}

// parseEscape reads what starts with a backslash, outside a class.
func (p *parser) parseEscape() *node {
	at := p.pos
	if at+1 >= len(p.src) {
		p.fail("too short escape sequence")
	}
	c := p.src[at+1]
	if s := p.classEscape(); s != nil {
		if c|0x20 == 'p' && p.flags&flagIgnoreCase != 0 {
			s = foldClosure(s)
		}
		return &node{kind: nodeClass, set: s}
	}
	if a, ok := escapeAnchor(c); ok {
		p.pos += 2
		return &node{kind: nodeAnchor, anchor: a, ascii: p.flags&flagASCII != 0}
	}
	switch c {
	case 'K':
		p.pos += 2
		return &node{kind: nodeKeep}
	case 'R':
		p.pos += 2
		return &node{kind: nodeAtomic, kids: []*node{{kind: nodeAlt, kids: []*node{{kind: nodeLit, lit: "\r\n"}, {kind: nodeClass, set: lineBreak}}}}}
	case 'X':
		p.pos += 2
		return &node{kind: nodeCluster}
	case 'k', 'g':
		if at+2 < len(p.src) && (p.src[at+2] == '<' || p.src[at+2] == '\'') {
			return p.namedReference(c)
		}
	case 'u':
		if p.lookingAt("\\u{") {
			var kids []*node
			for _, r := range p.runeList() {
				kids = append(kids, p.literal(r))
			}
			return newCat(joinLiterals(kids))
		}
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		if n := p.backReference(); n != nil {
			return n
		}
	}
	return p.literal(p.escapedRune())
}

func escapeAnchor(c byte) (anchorKind, bool) {
	switch c {
	case 'A':
		return anchorBeginText, true
	case 'z':
		return anchorEndText, true
	case 'Z':
		return anchorSemiEnd, true
	case 'b':
		return anchorWordBound, true
	case 'B':
		return anchorNotWordBound, true
	case 'G':
		return anchorStart, true
	}
	return 0, false
}

// namedReference reads \k<…> and \g<…>.
func (p *parser) namedReference(c byte) *node {
	n := &node{kind: nodeBackref, src: p.pos, fold: p.flags&flagIgnoreCase != 0, reference: p.newReference()}
	if c == 'g' {
		n.kind = nodeCall
	}
	close := byte('>')
	if p.src[p.pos+2] == '\'' {
		close = '\''
	}
	p.pos += 3
	p.reference(n, close, c == 'g')
	if c == 'k' && !n.byName && n.number == 0 {
		p.failAt(n.src, "invalid backref number/name")
	}
	p.refs = append(p.refs, n)
	return n
}

// backReference reads \1 and the like; nil means that the digits are an octal escape.
func (p *parser) backReference() *node {
	end, v := p.pos+1, 0
	for end < len(p.src) && p.src[end] >= '0' && p.src[end] <= '9' && v < maxRepeat {
		v = v*10 + int(p.src[end]-'0')
		end++
	}
	p.unsure = p.unsure || v > 9
	if v > 9 && v > len(p.groups) {
		return nil
	}
	n := &node{kind: nodeBackref, src: p.pos, fold: p.flags&flagIgnoreCase != 0, reference: p.newReference()}
	n.number = v
	p.pos = end
	p.refs = append(p.refs, n)
	return n
}

// classEscape reads \w, \p{…} and the other escapes that stand for a set; nil, without reading, for anything else.
func (p *parser) classEscape() *charSet {
	c := p.src[p.pos+1]
	switch c {
	case 'w', 'd', 's', 'h':
		p.pos += 2
		return p.escapeSet(c)
	case 'W', 'D', 'S', 'H':
		p.pos += 2
		return p.escapeSet(c | 0x20).negate()
	case 'p', 'P':
		if p.pos+2 < len(p.src) && p.src[p.pos+2] == '{' {
			return p.property(c == 'P')
		}
	}
	return nil
}

// escapeSet returns the set of \w, \d, \s or \h: ASCII unless (?u) is in force.
func (p *parser) escapeSet(c byte) *charSet {
	var s *charSet
	switch c {
	case 'w':
		s = posixClass("word")
	case 'd':
		s = posixClass("digit")
	case 's':
		s = posixClass("space")
	default:
		return posixClass("xdigit")
	}
	if p.flags&flagUnicode == 0 {
		return s.intersect(asciiSet)
	}
	return s
}

// property reads \p{name}, \p{^name} or \P{name}.
func (p *parser) property(neg bool) *charSet {
	start := p.pos
	i := strings.IndexByte(p.src[start:], '}')
	if i < 0 {
		p.fail("invalid character property name {" + p.src[start+3:] + "}")
	}
	name := p.src[start+3 : start+i]
	bare := strings.TrimPrefix(name, "^")
	if bare != name {
		neg = !neg
	}
	s := propertySet(bare)
	if s == nil {
		p.fail("invalid character property name {" + name + "}")
	}
	p.pos += i + 1
	if neg {
		return s.negate()
	}
	return s
}

// runeList reads \u{61 62 …}.
func (p *parser) runeList() []rune {
	start := p.pos
	i := strings.IndexByte(p.src[start:], '}')
	if i < 0 {
		p.fail("unterminated Unicode escape")
	}
	var out []rune
	for _, f := range strings.Fields(p.src[start+3 : start+i]) {
		v, n := hexDigits(f, 6)
		if n != len(f) {
			p.fail("invalid Unicode escape")
		}
		p.checkRune(v)
		out = append(out, v)
	}
	if len(out) == 0 {
		p.fail("invalid Unicode list")
	}
	p.pos += i + 1
	return out
}

func (p *parser) checkRune(v rune) {
	if !utf8.ValidRune(v) {
		p.fail("invalid Unicode range")
	}
}

// hexDigits reads up to limit hexadecimal digits.
func hexDigits(s string, limit int) (v rune, n int) {
	for n < len(s) && n < limit {
		c := s[n]
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			v = v<<4 | rune(c|0x20-'a'+10)
		default:
			return v, n
		}
		n++
	}
	return v, n
}

// escapedRune reads an escape that stands for one character.
func (p *parser) escapedRune() rune {
	start := p.pos
	p.pos++
	r := p.rune()
	switch r {
	case 't':
		return '\t'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 'f':
		return '\f'
	case 'v':
		return '\v'
	case 'a':
		return '\a'
	case 'e':
		return 0x1B
	case 'u':
		v, n := hexDigits(p.src[p.pos:], 4)
		if n < 4 {
			p.failAt(start, "invalid Unicode escape")
		}
		p.checkRune(v)
		p.pos += n
		return v
	case 'x', '0', '1', '2', '3', '4', '5', '6', '7':
		p.pos = start
		return p.byteEscapes()
	case 'c', 'C', 'M':
		p.pos = start
		return p.controlEscape()
	}
	return r
}

// byteEscape reads one \xHH or \nnn.
func (p *parser) byteEscape() int {
	if p.src[p.pos+1] == 'x' {
		v, n := hexDigits(p.src[p.pos+2:], 2)
		if n == 0 {
			p.fail("invalid hex escape")
		}
		p.pos += 2 + n
		return int(v)
	}
	v, n := 0, 0
	for p.pos+1+n < len(p.src) && n < 3 && p.src[p.pos+1+n]&^7 == '0' {
		v = v<<3 | int(p.src[p.pos+1+n]-'0')
		n++
	}
	if v > 0xFF {
		p.fail("too big number")
	}
	p.pos += 1 + n
	return v
}

// byteEscapes reads a character given by its bytes, which for one that is not ASCII takes several escapes.
func (p *parser) byteEscapes() rune {
	start := p.pos
	v := p.byteEscape()
	if v < utf8.RuneSelf {
		return rune(v)
	}
	buf := []byte{byte(v)}
	for !utf8.FullRune(buf) {
		if !p.lookingAt("\\") || p.pos+1 >= len(p.src) || p.src[p.pos+1] != 'x' && p.src[p.pos+1]&^7 != '0' {
			p.failAt(start, "too short escaped multibyte character")
		}
		buf = append(buf, byte(p.byteEscape()))
	}
	r, n := utf8.DecodeRune(buf)
	if r == utf8.RuneError && n <= 1 {
		p.failAt(start, "invalid multibyte escape")
	}
	return r
}

// controlEscape reads \cx and \C-x. \M-x asks for a byte that UTF-8 does not have alone.
func (p *parser) controlEscape() rune {
	start := p.pos
	switch {
	case p.accept("\\c"), p.accept("\\C-"):
	case p.lookingAt("\\M-"):
		p.fail("too short escaped multibyte character")
	case p.lookingAt("\\M"):
		p.fail("too short meta escape")
	default:
		p.fail("too short control escape")
	}
	if !p.more() {
		p.failAt(start, "too short control escape")
	}
	if p.peek() == '?' {
		p.pos++
		return 0x7F
	}
	r := p.peekControl(start)
	return r & 0x1F
}

func (p *parser) peekControl(start int) rune {
	if p.peek() != '\\' {
		return p.rune()
	}
	if p.pos+1 >= len(p.src) {
		p.failAt(start, "too short control escape")
	}
	return p.escapedRune()
}
