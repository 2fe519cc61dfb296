package syntax

import (
	"strings"
	"unicode/utf8"
)

// quote is how a text in quotes is read.
type quote struct {
	open, close byte // open is 0 where quotes do not nest
	interp      bool // escapes and #{} count
	regex       bool // escapes are kept for the regular expression
}

// textReader gathers the parts of a text.
type textReader struct {
	l     *lexer
	parts []Node
	buf   []byte
	start int
}

func (r *textReader) flush() {
	if len(r.buf) > 0 {
		r.parts = append(r.parts, &Str{P(r.start), string(r.buf)})
		r.buf = nil
	}
}

// stringNode makes a string of parts.
func stringNode(pos int, parts []Node) Node {
	switch len(parts) {
	case 0:
		return &Str{P(pos), ""}
	case 1:
		if s, ok := parts[0].(*Str); ok {
			return &Str{P(pos), s.Val}
		}
	}
	return &DStr{P(pos), parts}
}

// text reads up to the closing quote and passes it.
func (l *lexer) text(q quote) []Node {
	r := textReader{l: l, start: l.pos}
	start := l.pos
	for depth := 0; ; {
		if l.pos >= len(l.src) {
			l.fail(start-1, "a text in quotes that does not end: expected %q", string(q.close))
		}
		c := l.src[l.pos]
		switch {
		case c == q.close && depth == 0:
			l.pos++
			r.flush()
			return r.parts
		case c == '\\':
			r.backslash(q)
			continue
		case c == '#' && q.interp && l.interpolates():
			r.interpolate()
			continue
		case c == '\n' && l.heredocResume > 0:
			r.buf = append(r.buf, c)
			l.pos, l.heredocResume = l.heredocResume, 0
			continue
		case q.open != 0 && c == q.open:
			depth++
		case q.open != 0 && c == q.close:
			depth--
		}
		r.buf = append(r.buf, c)
		l.pos++
	}
}

// interpolates reports whether the # here begins an interpolation.
func (l *lexer) interpolates() bool {
	switch l.peek(1) {
	case '{':
		return true
	case '@':
		return isIdentStart(l.peek(2)) || l.peek(2) == '@' && isIdentStart(l.peek(3))
	case '$':
		return isIdentStart(l.peek(2)) || isDigit(l.peek(2)) || l.peek(2) == '~' || l.peek(2) == '&'
	}
	return false
}

// interpolate reads #{code}, #@x or #$x.
func (r *textReader) interpolate() {
	r.flush()
	l := r.l
	pos := l.pos
	l.pos++
	if l.peek(0) != '{' {
		var t token
		if l.peek(0) == '@' {
			l.readIVar(&t)
		} else {
			l.readGVar(&t)
		}
		r.parts = append(r.parts, variable(&t, pos))
		return
	}
	l.pos++
	r.parts = append(r.parts, l.embedded(pos))
	r.start = l.pos
}

// embedded reads code up to the } of its interpolation.
func (l *lexer) embedded(pos int) Node {
	tok, prev, ternary, resume := l.tok, l.prev, l.ternary, l.heredocResume
	l.ternary = 0
	l.tok, l.prev = token{kind: tNL}, token{}
	p := &parser{lexer: l}
	p.enter()
	p.advance()
	body := p.statements()
	if !p.tok.is("}") {
		p.unexpected("}")
	}
	p.leave()
	if l.heredocResume == 0 {
		l.heredocResume = resume
	}
	l.tok, l.prev, l.ternary = tok, prev, ternary
	if body == nil {
		body = &Nil{P(pos)}
	}
	return &Seq{P(pos), []Node{body}}
}

// backslash reads an escape.
func (r *textReader) backslash(q quote) {
	l := r.l
	c := l.peek(1)
	switch {
	case l.pos+1 >= len(l.src):
		l.fail(l.pos, "a backslash at the end of the code")
	case q.regex:
		if c == '/' {
			r.buf = append(r.buf, c)
		} else {
			r.buf = append(r.buf, '\\', c)
		}
		l.pos += 2
	case !q.interp:
		if c != '\\' && c != q.close && (q.open == 0 || c != q.open) {
			r.buf = append(r.buf, '\\')
		}
		r.buf = append(r.buf, c)
		l.pos += 2
	default:
		l.pos++
		r.escape()
	}
}

var simpleEscapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', '0': 0, 'e': 27, 's': ' ', 'a': 7, 'b': 8, 'f': 12, 'v': 11}

// escape reads what is behind a backslash in double quotes.
func (r *textReader) escape() {
	l := r.l
	c := l.src[l.pos]
	switch {
	case c == '\n':
		l.pos++
	case c == 'x':
		l.pos++
		n := l.number(16, 2)
		r.buf = append(r.buf, byte(n))
	case c >= '0' && c <= '7':
		r.buf = append(r.buf, byte(l.number(8, 3)))
	case c == 'u':
		r.unicode()
	case c == 'c' || c == 'C' || c == 'M':
		r.buf = append(r.buf, l.control())
	default:
		if e, ok := simpleEscapes[c]; ok {
			c = e
		}
		r.buf = append(r.buf, c)
		l.pos++
	}
}

// number reads up to max digits.
func (l *lexer) number(base, max int) (n int) {
	start := l.pos
	for l.pos < start+max {
		d := hexDigit(l.peek(0))
		if d < 0 || d >= base {
			break
		}
		n = n*base + d
		l.pos++
	}
	if l.pos == start {
		l.fail(start, "an escape without digits")
	}
	return n
}

func hexDigit(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// unicode reads \uXXXX or \u{X X}.
func (r *textReader) unicode() {
	l := r.l
	l.pos++
	if l.peek(0) != '{' {
		start := l.pos
		n := l.number(16, 4)
		if l.pos != start+4 {
			l.fail(start, "\\u needs four hexadecimal digits")
		}
		r.buf = utf8.AppendRune(r.buf, rune(n))
		return
	}
	l.pos++
	for {
		for isSpace(l.peek(0)) {
			l.pos++
		}
		if l.peek(0) == '}' {
			l.pos++
			return
		}
		r.buf = utf8.AppendRune(r.buf, rune(l.number(16, 6)))
	}
}

// control reads \cx, \C-x, \M-x.
func (l *lexer) control() byte {
	start := l.pos
	c := l.src[l.pos]
	l.pos++
	if c != 'c' {
		if l.peek(0) != '-' {
			l.fail(start, "expected - behind \\%c", c)
		}
		l.pos++
	}
	if l.pos >= len(l.src) {
		l.fail(start, "an escape that does not end")
	}
	x := l.src[l.pos]
	l.pos++
	if c == 'M' {
		return x | 0x80
	}
	if x == '?' {
		return 127
	}
	return x & 0x9f
}

// readString reads a text in plain quotes.
func (l *lexer) readString(t *token, q byte) {
	start := l.pos
	if q == '`' {
		l.fail(start, "running a command by backquotes is not supported")
	}
	l.pos++
	parts := l.text(quote{close: q, interp: q != '\''})
	l.finishString(t, start, parts)
}

// finishString makes a token of a string: a label if a colon follows.
func (l *lexer) finishString(t *token, start int, parts []Node) {
	t.node = stringNode(start, parts)
	t.kind = tNode
	if l.peek(0) == ':' && l.peek(1) != ':' && l.ternary == 0 && !l.tok.is("?") && (l.tok.is(",") || l.tok.is("{") || l.tok.is("call(") || l.tok.is("(") || l.tok.kind == tNL || l.tok.takesArgs() || l.tok.is("|")) {
		l.pos++
		t.kind = tLabel
		if s, ok := t.node.(*Str); ok {
			t.text, t.node = s.Val, nil
		}
	}
}

// readSymbol reads :name, :"text" or :operator.
func (l *lexer) readSymbol(t *token) {
	start := l.pos
	t.kind = tNode
	l.pos++
	c := l.peek(0)
	switch {
	case c == '"' || c == '\'':
		l.pos++
		parts := l.text(quote{close: c, interp: c == '"'})
		if s, ok := stringNode(start, parts).(*Str); ok {
			t.node = &Sym{P(start), s.Val}
		} else {
			t.node = &DSym{P(start), parts}
		}
		return
	case c == '@':
		var v token
		l.readIVar(&v)
	case c == '$':
		var v token
		l.readGVar(&v)
	case isIdentStart(c):
		l.word()
		if n := l.peek(1); l.peek(0) == '=' && n != '~' && n != '>' && n != '=' {
			l.pos++
		}
	default:
		for _, op := range methodOperators {
			if strings.HasPrefix(l.src[l.pos:], op) {
				l.pos += len(op)
				break
			}
		}
	}
	t.node = &Sym{P(start), l.src[start+1 : l.pos]}
}

// readChar reads ?x; false if this ? is an operator.
func (l *lexer) readChar(t *token) bool {
	if l.pos+1 >= len(l.src) || isSpace(l.peek(1)) {
		return false
	}
	start := l.pos
	if l.peek(1) == '\\' {
		r := textReader{l: l}
		l.pos += 2
		if l.pos >= len(l.src) {
			l.fail(start, "an escape that does not end")
		}
		r.escape()
		t.kind, t.node = tNode, &Str{P(start), string(r.buf)}
		return true
	}
	_, size := utf8.DecodeRuneInString(l.src[l.pos+1:])
	if isIdent(l.peek(1)) && isIdent(l.peek(1+size)) {
		return false
	}
	l.pos += 1 + size
	t.kind, t.node = tNode, &Str{P(start), l.src[start+1 : l.pos]}
	return true
}

// readRegex reads a regular expression behind its opening quote of the given length.
func (l *lexer) readRegex(t *token, prefix int, open, close byte) {
	start := l.pos
	l.pos += prefix
	if open == close {
		open = 0
	}
	parts := l.text(quote{open: open, close: close, interp: true, regex: true})
	from := l.pos
	for strings.IndexByte("imxounse", l.peek(0)) >= 0 && l.peek(0) != 0 {
		l.pos++
	}
	if isIdentStart(l.peek(0)) && !isSpace(l.peek(0)) {
		l.fail(l.pos, "unknown regular expression option %q", l.src[l.pos:l.pos+1])
	}
	t.kind, t.node = tNode, &Regex{P(start), parts, l.src[from:l.pos]}
}

func closing(open byte) byte {
	switch open {
	case '(':
		return ')'
	case '[':
		return ']'
	case '{':
		return '}'
	case '<':
		return '>'
	}
	return open
}

// readPercent reads a literal such as %w(a b); false if the % is an operator.
func (l *lexer) readPercent(t *token) bool {
	start := l.pos
	form := l.peek(1)
	open, prefix := form, 2
	if strings.IndexByte("wWiIqQrsx", form) >= 0 && form != 0 {
		open, prefix = l.peek(2), 3
	} else {
		form = 'Q'
	}
	if open == 0 || isIdent(open) || isSpace(open) {
		return false
	}
	close := closing(open)
	if form == 'r' {
		l.readRegex(t, prefix, open, close)
		return true
	}
	l.pos += prefix
	nest := open
	if nest == close {
		nest = 0
	}
	q := quote{open: nest, close: close, interp: form == 'Q' || form == 'W' || form == 'I'}
	t.kind = tNode
	switch form {
	case 'x':
		l.fail(start, "running a command by %%x is not supported")
	case 'w', 'W', 'i', 'I':
		t.node = l.words(start, q, form == 'i' || form == 'I')
	case 's':
		s, _ := stringNode(start, l.text(q)).(*Str)
		t.node = &Sym{P(start), s.Val}
	default:
		t.node = stringNode(start, l.text(q))
	}
	return true
}

// words reads the words of %w and %i.
func (l *lexer) words(start int, q quote, symbols bool) Node {
	a := &Array{P: P(start)}
	var word []Node
	r := textReader{l: l, start: l.pos}
	end := func() {
		r.flush()
		word, r.parts = r.parts, nil
		if len(word) == 0 {
			return
		}
		n := stringNode(start, word)
		if s, ok := n.(*Str); ok && symbols {
			n = &Sym{P(start), s.Val}
		} else if symbols {
			n = &DSym{P(start), word}
		}
		a.Elems = append(a.Elems, n)
	}
	for depth := 0; ; {
		if l.pos >= len(l.src) {
			l.fail(start, "a list of words that does not end: expected %q", string(q.close))
		}
		c := l.src[l.pos]
		switch {
		case c == q.close && depth == 0:
			l.pos++
			end()
			return a
		case isSpace(c):
			end()
			l.pos++
			continue
		case c == '\\' && isSpace(l.peek(1)):
			l.pos++
			c = l.src[l.pos]
		case c == '\\':
			r.backslash(q)
			continue
		case c == '#' && q.interp && l.interpolates():
			r.interpolate()
			continue
		case q.open != 0 && c == q.open:
			depth++
		case q.open != 0 && c == q.close:
			depth--
		}
		r.buf = append(r.buf, c)
		l.pos++
	}
}

// readHeredoc reads a here document; false if the << is an operator.
func (l *lexer) readHeredoc(t *token) bool {
	start, i := l.pos, l.pos+2
	if !strings.HasPrefix(l.src[l.pos:], "<<") || i >= len(l.src) {
		return false
	}
	style := l.src[i]
	if style == '~' || style == '-' {
		i++
	}
	var q byte
	if i < len(l.src) && (l.src[i] == '\'' || l.src[i] == '"') {
		q = l.src[i]
		i++
	}
	from := i
	for i < len(l.src) && isIdent(l.src[i]) {
		i++
	}
	name := l.src[from:i]
	if name == "" || isDigit(name[0]) || q == 0 && style != '~' && style != '-' && (name[0] < 'A' || name[0] > 'Z') {
		return false
	}
	if q != 0 {
		if i >= len(l.src) || l.src[i] != q {
			return false
		}
		i++
	}
	l.pos = i
	l.heredocBody(t, start, name, style, q != '\'')
	return true
}

// heredocBody reads the lines of a here document, which begin on the next line.
func (l *lexer) heredocBody(t *token, start int, name string, style byte, interp bool) {
	begin := l.heredocResume
	if begin == 0 {
		n := strings.IndexByte(l.src[l.pos:], '\n')
		if n < 0 {
			l.fail(start, "the here document %s does not begin", name)
		}
		begin = l.pos + n + 1
	}
	bodyEnd, after := l.heredocEnd(start, begin, name, style == '~' || style == '-')
	src, pos := l.src, l.pos
	sub := *l
	sub.src, sub.pos, sub.heredocResume = src[:bodyEnd], begin, 0
	r := textReader{l: &sub, start: begin}
	indent := 0
	if style == '~' {
		indent = commonIndent(src[begin:bodyEnd])
	}
	for lineStart := true; sub.pos < bodyEnd; {
		if lineStart && indent > 0 {
			sub.pos += indentBytes(src[sub.pos:bodyEnd], indent)
			lineStart = false
			continue
		}
		c := src[sub.pos]
		lineStart = c == '\n'
		switch {
		case c == '\\' && interp && sub.pos+1 < bodyEnd:
			lineStart = src[sub.pos+1] == '\n'
			r.backslash(quote{interp: true})
		case c == '#' && interp && sub.interpolates():
			r.interpolate()
		default:
			r.buf = append(r.buf, c)
			sub.pos++
		}
	}
	r.flush()
	l.pos, l.heredocResume = pos, after
	t.kind, t.node = tNode, stringNode(start, r.parts)
}

// heredocEnd returns where the body that begins at begin ends, and where the line behind its last one begins.
func (l *lexer) heredocEnd(start, begin int, name string, indented bool) (end, after int) {
	for i := begin; i < len(l.src); {
		line := l.src[i:]
		next := len(l.src)
		if n := strings.IndexByte(line, '\n'); n >= 0 {
			line, next = line[:n], i+n+1
		}
		line = strings.TrimSuffix(line, "\r")
		if indented {
			line = strings.TrimLeft(line, " \t")
		}
		if line == name {
			return i, next
		}
		i = next
	}
	l.fail(start, "the here document %s does not end", name)
	return 0, 0
}

// commonIndent returns the width of the white space that all lines with text begin with.
func commonIndent(body string) int {
	indent := -1
	for _, line := range strings.SplitAfter(body, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		width := 0
		for _, c := range []byte(line) {
			if c == ' ' {
				width++
			} else if c == '\t' {
				width = (width/8 + 1) * 8
			} else {
				break
			}
		}
		if indent < 0 || width < indent {
			indent = width
		}
	}
	return max(indent, 0)
}

// indentBytes returns how many bytes at the start of line have at most the given width.
func indentBytes(line string, indent int) (n int) {
	for width := 0; n < len(line); n++ {
		switch line[n] {
		case ' ':
			width++
		case '\t':
			width = (width/8 + 1) * 8
		default:
			return n
		}
		if width > indent {
			return n
		}
	}
	return n
}

// variable makes a node of the token of a variable.
func variable(t *token, pos int) Node {
	switch t.kind {
	case tIVar:
		return &IVar{P(pos), t.text}
	case tCVar:
		return &CVar{P(pos), t.text}
	}
	return &GVar{P(pos), t.text}
}
