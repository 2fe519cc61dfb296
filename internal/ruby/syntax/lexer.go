package syntax

import (
	"strings"
)

// lexer cuts the source into tokens, one at a time: what a character means depends on what the parser knows of the names before it.
type lexer struct {
	src  string
	pos  int // behind tok
	tok  token
	prev token // the one before tok

	heredocResume int // where the line after the bodies of here documents begins, 0 if there are none on this line
	scope         *scope
	ternary       int // ?: that wait for their colon: a name before a colon is no label there
	depth         int
}

// scope knows the local variables at a place.
type scope struct {
	names    map[string]bool
	up       *scope // of a block: what is around it
	numbered int    // the highest of _1 … that was used; it counts as 1
	isBlock  bool
	params   bool // the block has parameters
}

func (s *scope) has(name string) bool {
	for ; s != nil; s = s.up {
		if s.names[name] {
			return true
		}
	}
	return false
}

// fail ends reading with an error at a place. [Parse] recovers it.
func (l *lexer) fail(pos int, format string, args ...any) {
	panic(NewError(l.src, pos, format, args...))
}

func (l *lexer) peek(n int) byte {
	if l.pos+n < len(l.src) {
		return l.src[l.pos+n]
	}
	return 0
}

// skip passes white space, comments and the ends of lines that do not count; it reports whether there was any, and whether a line ended that does.
func (l *lexer) skip() (spaced, ended bool) {
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case c == '\n':
			if l.endOfLine() {
				return true, true
			}
		case c == '\\' && l.peek(1) == '\n':
			l.pos += 2
		case c == '\\' && l.peek(1) == '\r' && l.peek(2) == '\n':
			l.pos += 3
		case isSpace(c):
			l.pos++
		case c == '#':
			l.skipComment()
		case c == '_' && l.atLineStart() && l.isEnd():
			l.pos = len(l.src)
		default:
			return spaced, false
		}
		spaced = true
	}
	return spaced, false
}

func (l *lexer) isEnd() bool {
	rest := l.src[l.pos:]
	return strings.HasPrefix(rest, "__END__") && (len(rest) == 7 || rest[7] == '\n' || rest[7] == '\r')
}

func (l *lexer) atLineStart() bool { return l.pos == 0 || l.src[l.pos-1] == '\n' }

func (l *lexer) skipComment() {
	if i := strings.IndexByte(l.src[l.pos:], '\n'); i >= 0 {
		l.pos += i
	} else {
		l.pos = len(l.src)
	}
}

// skipBlockComments passes =begin … =end, which begin at the start of a line.
func (l *lexer) skipBlockComments() {
	for strings.HasPrefix(l.src[l.pos:], "=begin") {
		end := strings.Index(l.src[l.pos:], "\n=end")
		if end < 0 {
			l.fail(l.pos, "=begin without =end")
		}
		l.pos += end + 1
		l.skipComment()
		if l.pos < len(l.src) {
			l.pos++
		}
	}
}

// endOfLine passes a newline and reports whether it ends a statement.
func (l *lexer) endOfLine() bool {
	l.pos++
	if l.heredocResume > 0 {
		l.pos, l.heredocResume = l.heredocResume, 0
	}
	l.skipBlockComments()
	switch {
	case l.tok.kind == tKw && !l.tok.name:
		if !valueKeywords[l.tok.text] && !lineKeywords[l.tok.text] {
			return false
		}
	case !l.tok.valueEnd():
		return false
	}
	return !l.continuesWithDot()
}

// continuesWithDot reports whether the next line that is not a comment begins with a call of a method of what is before it.
func (l *lexer) continuesWithDot() bool {
	for i := l.pos; i < len(l.src); i++ {
		switch c := l.src[i]; {
		case isSpace(c):
		case c == '#':
			n := strings.IndexByte(l.src[i:], '\n')
			if n < 0 {
				return false
			}
			i += n
		case c == '.':
			return !strings.HasPrefix(l.src[i:], "..")
		default:
			return strings.HasPrefix(l.src[i:], "&.")
		}
	}
	return false
}

// advance reads the next token.
func (l *lexer) advance() {
	spaced, ended := l.skip()
	prev := l.tok
	t := token{pos: l.pos, spaced: spaced}
	if ended {
		t.kind, t.text, t.pos = tNL, "\n", l.pos-1
	} else {
		l.read(&t, &prev)
	}
	t.end = l.pos
	l.prev, l.tok = prev, t
}

// read reads a token that begins at the current place.
func (l *lexer) read(t, prev *token) {
	if l.pos >= len(l.src) {
		t.kind = tEOF
		return
	}
	if prev.kind == tOp && (prev.text == "." || prev.text == "&.") || prev.kind == tKw && prev.text == "def" && !prev.name {
		l.readMethodName(t)
		return
	}
	beg := !prev.valueEnd()
	arg := prev.takesArgs() && t.spaced
	c := l.src[l.pos]
	next := l.peek(1)
	switch {
	case isDigit(c):
		l.readNumber(t)
	case isIdentStart(c):
		l.readWord(t, prev)
	case c == '@':
		l.readIVar(t)
	case c == '$':
		l.readGVar(t)
	case c == '"' || c == '`' || c == '\'':
		l.readString(t, c)
	case c == ':' && l.symbolFollows(beg, arg):
		l.readSymbol(t)
	case c == '/' && (beg || arg && !isSpace(next) && next != '='):
		l.readRegex(t, 1, '/', '/')
	case c == '%' && (beg || arg && !isSpace(next) && next != '=') && l.readPercent(t):
	case c == '<' && (beg || arg || prev.kind == tIdent && t.spaced) && l.readHeredoc(t):
	case c == '?' && (beg || arg) && l.readChar(t):
	default:
		l.readOperator(t, prev, beg, arg)
	}
}

// readMethodName reads what stands behind a dot or def: any word or operator is a name there.
func (l *lexer) readMethodName(t *token) {
	t.name = true
	start := l.pos
	c := l.src[l.pos]
	if isIdentStart(c) {
		l.word()
		t.text = l.src[start:l.pos]
		t.kind = tIdent
		switch {
		case c >= 'A' && c <= 'Z':
			t.kind = tConst
		case t.text == "self" && l.prev.kind != tOp:
			t.kind, t.name = tKw, false // def self.x
		}
		return
	}
	if l.tok.text == "def" && l.tok.kind == tKw || c != '(' {
		for _, op := range methodOperators {
			if strings.HasPrefix(l.src[l.pos:], op) {
				l.pos += len(op)
				t.kind, t.text = tOp, op
				return
			}
		}
	}
	if c == '(' { // x.(y)
		l.pos++
		t.kind, t.text, t.name = tOp, "call(", false
		return
	}
	l.fail(l.pos, "expected the name of a method")
}

// word passes an identifier with its ? or !.
func (l *lexer) word() {
	for l.pos < len(l.src) && isIdent(l.src[l.pos]) {
		l.pos++
	}
	if c := l.peek(0); (c == '?' || c == '!') && l.peek(1) != '=' || (c == '?' || c == '!') && (l.peek(2) == '=' || l.peek(2) == '~' || l.peek(2) == '>') {
		l.pos++
	}
}

// readWord reads a name, a keyword or a label.
func (l *lexer) readWord(t, prev *token) {
	start := l.pos
	l.word()
	t.text = l.src[start:l.pos]
	last := t.text[len(t.text)-1]
	if last == '?' && t.text != "defined?" && l.ternaryLikely(start, prev) {
		l.pos--
		t.text = t.text[:len(t.text)-1]
	}
	if l.labelFollows() {
		l.pos++
		t.kind = tLabel
		return
	}
	c := t.text[0]
	switch {
	case keywords[t.text]:
		t.kind = tKw
	case c >= 'A' && c <= 'Z' && last != '?' && last != '!':
		t.kind = tConst
	default:
		t.kind = tIdent
		t.local = l.isLocal(t.text)
	}
}

// ternaryLikely reports whether the ? behind a name belongs to x ? y : z rather than to the name.
func (l *lexer) ternaryLikely(start int, prev *token) bool {
	name := l.src[start : l.pos-1]
	return l.scope.has(name) && (isSpace(l.peek(0)) || l.peek(0) == '\'' || l.peek(0) == '"') && !l.scope.has(name+"?")
}

// labelFollows reports whether the name before the current place is a label: a colon behind it that is neither :: nor that of ?:.
func (l *lexer) labelFollows() bool {
	if l.peek(0) != ':' || l.peek(1) == ':' || l.tok.is("::") {
		return false
	}
	if l.ternary > 0 {
		return false
	}
	return !(l.tok.is("?") && l.tok.kind == tOp)
}

func (l *lexer) isLocal(name string) bool {
	if l.scope.has(name) {
		return true
	}
	if len(name) == 2 && name[0] == '_' && name[1] >= '1' && name[1] <= '9' && l.scope.isBlock && !l.scope.params {
		l.scope.numbered = max(l.scope.numbered, int(name[1]-'0'))
		return true
	}
	return false
}

func (l *lexer) readIVar(t *token) {
	start := l.pos
	t.kind = tIVar
	l.pos++
	if l.peek(0) == '@' {
		l.pos++
		t.kind = tCVar
	}
	if !isIdentStart(l.peek(0)) {
		l.fail(start, "expected the name of an instance variable behind @")
	}
	for l.pos < len(l.src) && isIdent(l.src[l.pos]) {
		l.pos++
	}
	t.text = l.src[start:l.pos]
}

func (l *lexer) readGVar(t *token) {
	start := l.pos
	t.kind = tGVar
	l.pos++
	switch c := l.peek(0); {
	case isIdentStart(c):
		for l.pos < len(l.src) && isIdent(l.src[l.pos]) {
			l.pos++
		}
	case isDigit(c):
		for isDigit(l.peek(0)) {
			l.pos++
		}
	case strings.IndexByte("~&`'+!@/\\;,.<>_0*$?:\"", c) >= 0 && c != 0:
		l.pos++
	default:
		l.fail(start, "expected the name of a global variable behind $")
	}
	t.text = l.src[start:l.pos]
}

// readOperator reads an operator. Those that stand before a value get a u in front, a [ behind one is "idx[", a ( right behind a name "call(", and a { behind
// a value "{blk".
func (l *lexer) readOperator(t, prev *token, beg, arg bool) {
	t.kind = tOp
	for _, op := range operators {
		if strings.HasPrefix(l.src[l.pos:], op) {
			t.text = op
			break
		}
	}
	if t.text == "" {
		l.fail(l.pos, "unexpected %q", l.src[l.pos:l.pos+1])
	}
	l.pos += len(t.text)
	if t.text == ";" {
		t.kind = tNL
		return
	}
	unary := beg || arg && !isSpace(l.peek(0))
	switch t.text {
	case "-", "+":
		if unary && isDigit(l.peek(0)) && !(prev.name && beg) {
			l.readSigned(t)
			return
		}
		if unary && t.text+"=" != "=" {
			t.text = "u" + t.text
		}
	case "*", "&", "**", "::", "..", "...":
		if unary && !(arg && (t.text == ".." || t.text == "...")) {
			t.text = "u" + t.text
		}
	case "[":
		if !beg && (!t.spaced || !arg) && !(prev.kind == tKw && !valueKeywords[prev.text]) {
			t.text = "idx["
		}
	case "(":
		if !t.spaced && (prev.kind == tIdent || prev.kind == tConst || prev.kind == tKw && (prev.name || prev.text == "super" || prev.text == "yield" || prev.text == "defined?" || prev.text == "not")) {
			t.text = "call("
		} else if prev.name && prev.kind == tOp {
			t.text = "call("
		}
	case "{":
		if !beg {
			t.text = "{blk"
		}
	}
}

// readSigned reads the number behind a sign.
func (l *lexer) readSigned(t *token) {
	minus := t.text == "-"
	l.readNumber(t)
	t.minus = minus
	if !minus {
		return
	}
	switch n := t.node.(type) {
	case *Int:
		n.Val.Neg(n.Val)
	case *Float:
		n.Val = -n.Val
	case *Rational:
		n.Text = "-" + n.Text
	}
}

func (l *lexer) symbolFollows(beg, arg bool) bool {
	next := l.peek(1)
	if next == ':' {
		return false
	}
	if !beg && !arg {
		return false
	}
	if isIdentStart(next) || next == '"' || next == '\'' || next == '@' || next == '$' {
		return true
	}
	for _, op := range methodOperators {
		if strings.HasPrefix(l.src[l.pos+1:], op) {
			return true
		}
	}
	return false
}
