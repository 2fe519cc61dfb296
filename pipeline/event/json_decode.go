package event

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// JSONError says where and why a text is not JSON.
type JSONError struct {
	Offset int // in bytes, from 0
	Reason string
}

// Error returns the reason with its place.
func (e *JSONError) Error() string { return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset) }

// maxJSONDepth is Jackson's limit on nested arrays and objects.
const maxJSONDepth = 1000

// ParseJSON reads the first JSON value of s. An array or object inside the topmost object stays text until somebody looks at it, if it
// is written as [Event.AppendJSON] would write it: most are only copied through. The value, which belongs to e, and returns the bytes behind it: Logstash ignores them in some
// places and reads on in others. Strings without escapes are parts of s. Numbers with a fraction or an exponent are floats, integers
// of any size stay exact, the last of several equal keys wins. A text of white space alone gives ok false and no error.
func (e *Event) ParseJSON(s string) (v Value, rest string, ok bool, err error) {
	p := jsonParser{s: s, e: e, lazy: true}
	p.space()
	if p.i == len(s) {
		return Value{}, "", false, nil
	}
	if v, err = p.value(0); err != nil {
		return Value{}, "", false, err
	}
	return v, s[p.i:], true, nil
}

type jsonParser struct {
	s string
	i int
	e *Event

	lazy   bool // what is inside the topmost object may stay text
	spaced spacing
}

func (p *jsonParser) fail(reason string) error { return &JSONError{Offset: p.i, Reason: reason} }

func (p *jsonParser) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

func (p *jsonParser) value(depth int) (Value, error) {
	if p.i == len(p.s) {
		return Value{}, p.fail("unexpected end of input")
	}
	switch c := p.s[p.i]; {
	case c == '"':
		s, err := p.str()
		return StringValue(s), err
	case c == '{' && depth == 0 && p.lazy:
		return p.document()
	case c == '{':
		return p.object(depth + 1)
	case c == '[':
		return p.list(depth + 1)
	case c == '-' || c-'0' <= 9:
		return p.number(false)
	case strings.HasPrefix(p.s[p.i:], "true"):
		return p.word(4, BoolValue(true))
	case strings.HasPrefix(p.s[p.i:], "false"):
		return p.word(5, BoolValue(false))
	case strings.HasPrefix(p.s[p.i:], "null"):
		return p.word(4, Value{})
	}
	return Value{}, p.fail("unexpected character " + strconv.QuoteRune(p.rune()))
}

func (p *jsonParser) rune() rune {
	r, _ := utf8.DecodeRuneInString(p.s[p.i:])
	return r
}

// word ends a literal of n bytes, which no letter or digit may follow.
func (p *jsonParser) word(n int, v Value) (Value, error) {
	p.i += n
	if p.i < len(p.s) {
		if c := p.s[p.i]; c|0x20 >= 'a' && c|0x20 <= 'z' || c-'0' <= 9 || c == '_' || c == '$' {
			return Value{}, p.fail("unrecognized word")
		}
	}
	return v, nil
}

func (p *jsonParser) object(depth int) (Value, error) {
	if depth > maxJSONDepth {
		return Value{}, p.fail("nested deeper than " + strconv.Itoa(maxJSONDepth))
	}
	o := p.e.NewObject()
	p.i++
	p.space()
	if p.eat('}') {
		return ObjectValue(o), nil
	}
	return ObjectValue(o), p.members(o, depth)
}

// document reads the topmost object, by a shape as far as that goes.
func (p *jsonParser) document() (Value, error) {
	o := p.e.NewObject()
	start := p.i
	if err := p.follow(o); err != nil {
		return Value{}, err
	}
	if p.i == start {
		p.i++
		p.space()
		if p.eat('}') {
			return ObjectValue(o), nil
		}
	} else if ended, err := p.separator(); ended || err != nil {
		return ObjectValue(o), err
	}
	if err := p.members(o, 1); err != nil {
		return Value{}, err
	}
	p.e.shapes.learn(o, p.spaced)
	return ObjectValue(o), nil
}

// members reads the rest of an object from a name on.
func (p *jsonParser) members(o *Object, depth int) error {
	for {
		name, err := p.name()
		if err != nil {
			return err
		}
		v, err := p.member(depth)
		if err != nil {
			return err
		}
		if v.kind == rawJSON {
			o.lazy = true
		}
		o.set(name, markOf(name), v)
		if ended, err := p.separator(); ended || err != nil {
			return err
		}
	}
}

// separator reads the comma behind a value, or the brace that ends the object, and what white space is around it.
func (p *jsonParser) separator() (ended bool, err error) {
	if p.i < len(p.s) && p.s[p.i] != ',' && p.s[p.i] != '}' {
		p.space()
	}
	if p.eat('}') {
		return true, nil
	}
	if !p.eat(',') {
		return false, p.fail("expected ',' or '}' in an object")
	}
	if p.i < len(p.s) && p.s[p.i] != '"' {
		p.spaced.comma = p.s[p.i] == ' '
		p.space()
	}
	return false, nil
}

// name reads the name of a field, the colon and what white space is around it.
func (p *jsonParser) name() (string, error) {
	if p.i == len(p.s) || p.s[p.i] != '"' {
		return "", p.fail("expected a field name in double quotes")
	}
	name, err := p.str()
	if err != nil {
		return "", err
	}
	if p.i+1 < len(p.s) && p.s[p.i] == ':' && p.s[p.i+1] > ' ' { // as nearly all programs write it
		p.i++
		return name, nil
	}
	p.space()
	if !p.eat(':') {
		return "", p.fail("expected ':' after a field name")
	}
	p.spaced.colon = p.i < len(p.s) && p.s[p.i] == ' '
	p.space()
	return name, nil
}

// member reads the value of a field: text where that is possible, see raw.
func (p *jsonParser) member(depth int) (Value, error) {
	if p.i == len(p.s) {
		return p.value(depth)
	}
	switch c := p.s[p.i]; {
	case c == '"':
		s, err := p.str()
		return StringValue(s), err
	case c == '-' || c-'0' <= 9:
		return p.number(p.lazy && depth == 1)
	case c == '{' || c == '[':
		if v, ok := p.raw(depth); ok {
			return v, nil
		}
	}
	return p.value(depth)
}

func (p *jsonParser) list(depth int) (Value, error) {
	if depth > maxJSONDepth {
		return Value{}, p.fail("nested deeper than " + strconv.Itoa(maxJSONDepth))
	}
	l := p.e.NewList()
	p.i++
	p.space()
	if p.eat(']') {
		return ListValue(l), nil
	}
	for {
		v, err := p.value(depth)
		if err != nil {
			return Value{}, err
		}
		l.items = append(l.items, v)
		p.space()
		if p.eat(']') {
			return ListValue(l), nil
		}
		if !p.eat(',') {
			return Value{}, p.fail("expected ',' or ']' in an array")
		}
		p.space()
	}
}

func (p *jsonParser) eat(c byte) bool {
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

// number reads a JSON number by its grammar: no leading zeros, digits on both sides of the point. If it may be lazy, a float stays text
// where that is canonical.
func (p *jsonParser) number(lazy bool) (Value, error) {
	start, s := p.i, p.s
	i := p.i
	neg := s[i] == '-'
	if neg {
		i++
	}
	digits := i
	var n uint64
	for i < len(s) && s[i]-'0' <= 9 {
		n = n*10 + uint64(s[i]-'0')
		i++
	}
	p.i = i
	if i == digits || s[digits] == '0' && i > digits+1 {
		return Value{}, p.fail("invalid number")
	}
	if i == len(s) || s[i] != '.' && s[i]|0x20 != 'e' {
		if err := p.numberEnd(); err != nil {
			return Value{}, err
		}
		if i-digits > 18 {
			return BigIntValue(s[start:i]), nil
		}
		if neg {
			return IntValue(-int64(n)), nil
		}
		return IntValue(int64(n)), nil
	}
	if lazy {
		if end := canonicalNumber(s, start); end > 0 {
			p.i = end
			v := StringValue(s[start:end])
			v.kind = rawJSON
			return v, nil
		}
	}
	return p.float(start)
}

// numberEnd refuses what cannot follow a number.
func (p *jsonParser) numberEnd() error {
	if p.i < len(p.s) {
		if c := p.s[p.i]; c|0x20 >= 'a' && c|0x20 <= 'z' || c == '.' || c == '_' || c == '-' || c == '+' || c == '"' {
			return p.fail("invalid number")
		}
	}
	return nil
}

func (p *jsonParser) float(start int) (Value, error) {
	if p.eat('.') && !p.digits() {
		return Value{}, p.fail("invalid number: no digit after the decimal point")
	}
	if p.i < len(p.s) && p.s[p.i]|0x20 == 'e' {
		p.i++
		if !p.eat('+') {
			p.eat('-')
		}
		if !p.digits() {
			return Value{}, p.fail("invalid number: no digit in the exponent")
		}
	}
	if err := p.numberEnd(); err != nil {
		return Value{}, err
	}
	f, err := strconv.ParseFloat(p.s[start:p.i], 64)
	if err != nil && !math.IsInf(f, 0) {
		return Value{}, p.fail("invalid number")
	}
	return FloatValue(f), nil
}

func (p *jsonParser) digits() bool {
	start := p.i
	for p.i < len(p.s) && p.s[p.i]-'0' <= 9 {
		p.i++
	}
	return p.i > start
}

// str reads a string from its opening quote. Without an escape it is a part of the input.
func (p *jsonParser) str() (string, error) {
	p.i++
	n := plainPrefix(p.s[p.i:])
	end := p.i + n
	if end == len(p.s) {
		p.i = end
		return "", p.fail("unterminated string")
	}
	if p.s[end] == '"' {
		s := p.s[p.i:end]
		p.i = end + 1
		return s, nil
	}
	return p.escaped()
}

func (p *jsonParser) escaped() (string, error) {
	dst := p.e.Arena.Free()
	cut := -1 // where half of a surrogate pair ends the string, as in Logstash
	for {
		n := plainPrefix(p.s[p.i:])
		dst = append(dst, p.s[p.i:p.i+n]...)
		p.i += n
		if p.i == len(p.s) {
			return "", p.fail("unterminated string")
		}
		switch c := p.s[p.i]; c {
		case '"':
			p.i++
			if cut >= 0 {
				dst = dst[:cut]
			}
			return p.e.Arena.Take(dst), nil
		case '\\':
			var lone bool
			var err error
			at := len(dst)
			if dst, lone, err = p.escape(dst); err != nil {
				return "", err
			}
			if lone && cut < 0 {
				cut = at
			}
		default:
			return "", p.fail("control character in a string")
		}
	}
}

func (p *jsonParser) escape(dst []byte) (_ []byte, lone bool, err error) {
	if p.i+1 == len(p.s) {
		return nil, false, p.fail("unterminated string")
	}
	c := p.s[p.i+1]
	if c == 'u' {
		return p.unicode(dst)
	}
	p.i += 2
	switch c {
	case '"', '\\', '/':
		return append(dst, c), false, nil
	case 'n':
		return append(dst, '\n'), false, nil
	case 't':
		return append(dst, '\t'), false, nil
	case 'r':
		return append(dst, '\r'), false, nil
	case 'b':
		return append(dst, '\b'), false, nil
	case 'f':
		return append(dst, '\f'), false, nil
	}
	p.i--
	return nil, false, p.fail("unrecognized escape")
}

// unicode reads \uXXXX, and the second half of a surrogate pair behind it.
func (p *jsonParser) unicode(dst []byte) (_ []byte, lone bool, err error) {
	r, ok := hex4(p.s[p.i+2:])
	if !ok {
		return nil, false, p.fail("expected four hexadecimal digits")
	}
	p.i += 6
	if r < 0xD800 || r > 0xDFFF {
		return utf8.AppendRune(dst, r), false, nil
	}
	if r < 0xDC00 && strings.HasPrefix(p.s[p.i:], `\u`) {
		if low, ok := hex4(p.s[p.i+2:]); ok && low >= 0xDC00 && low <= 0xDFFF {
			p.i += 6
			return utf8.AppendRune(dst, (r-0xD800)<<10+(low-0xDC00)+0x10000), false, nil
		}
	}
	return dst, true, nil
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:4], 16, 32)
	return rune(n), err == nil && s[0] != '+' && s[0] != '-' && !strings.Contains(s[:4], "_")
}
