package syntax

import (
	"math/big"
	"strconv"
	"strings"
)

// readNumber reads a number without its sign.
func (l *lexer) readNumber(t *token) {
	start := l.pos
	t.kind = tNode
	if l.peek(0) == '0' {
		if base, prefix := numberBase(l.peek(1)); base > 0 {
			l.pos += prefix
			l.readInteger(t, start, base)
			return
		}
	}
	l.digits()
	isFloat := false
	if l.peek(0) == '.' && isDigit(l.peek(1)) {
		isFloat = true
		l.pos++
		l.digits()
	}
	if c := l.peek(0); c == 'e' || c == 'E' {
		n := 1
		if s := l.peek(1); s == '-' || s == '+' {
			n = 2
		}
		if isDigit(l.peek(n)) {
			isFloat = true
			l.pos += n
			l.digits()
		}
	}
	text := strings.ReplaceAll(l.src[start:l.pos], "_", "")
	switch {
	case l.peek(0) == 'r' && !isIdent(l.peek(1)):
		l.pos++
		t.node = &Rational{P(start), text}
	case isFloat:
		f, _ := strconv.ParseFloat(text, 64) // infinite beyond the range, as in Ruby
		t.node = &Float{P(start), f}
	default:
		v, _ := new(big.Int).SetString(text, 10)
		t.node = &Int{P(start), v}
	}
	if isIdentStart(l.peek(0)) {
		l.fail(l.pos, "unexpected %q behind a number", l.src[l.pos:l.pos+1])
	}
}

// numberBase returns the base that the character behind a 0 stands for, and the length of both.
func numberBase(c byte) (base, length int) {
	switch {
	case c == 'x' || c == 'X':
		return 16, 2
	case c == 'b' || c == 'B':
		return 2, 2
	case c == 'o' || c == 'O':
		return 8, 2
	case c == 'd' || c == 'D':
		return 10, 2
	case isDigit(c) || c == '_':
		return 8, 1
	}
	return 0, 0
}

func (l *lexer) readInteger(t *token, start, base int) {
	from := l.pos
	for isIdent(l.peek(0)) {
		l.pos++
	}
	v, ok := new(big.Int).SetString(strings.ReplaceAll(l.src[from:l.pos], "_", ""), base)
	if !ok {
		l.fail(start, "%q is no number", l.src[start:l.pos])
	}
	t.node = &Int{P(start), v}
}

// digits passes decimal digits with single underscores between.
func (l *lexer) digits() {
	for isDigit(l.peek(0)) || l.peek(0) == '_' && isDigit(l.peek(1)) {
		l.pos++
	}
}
