package ruby

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"millrace/internal/ruby/text"
)

// jsonParser reads JSON as Ruby's library does.
type jsonParser struct {
	t       *Interp
	s       string
	i       int
	depth   int
	symbols bool
}

// parseJSON is JSON.parse.
func (t *Interp) parseJSON(s string, symbols bool) Value {
	p := &jsonParser{t: t, s: s, symbols: symbols}
	p.space()
	if p.i >= len(s) {
		t.raise(t.core.jsonParserError, "unexpected end of input")
	}
	v := p.value()
	p.space()
	if p.i < len(s) {
		p.unexpected()
	}
	return v
}

const maxJSONDepth = 100

func (p *jsonParser) unexpected() {
	at := p.s[min(p.i, len(p.s)):]
	if at == "" {
		p.t.raise(p.t.core.jsonParserError, "unexpected end of input")
	}
	if len(at) > 60 {
		at = at[:60]
	}
	p.t.raise(p.t.core.jsonParserError, "unexpected token at '%s'", at)
}

func (p *jsonParser) space() {
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == ' ' || c >= '\t' && c <= '\r':
			p.i++
		case c == '/' && strings.HasPrefix(p.s[p.i:], "//"):
			n := strings.IndexByte(p.s[p.i:], '\n')
			if n < 0 {
				n = len(p.s) - p.i
			}
			p.i += n
		case c == '/' && strings.HasPrefix(p.s[p.i:], "/*"):
			n := strings.Index(p.s[p.i+2:], "*/")
			if n < 0 {
				p.unexpected()
			}
			p.i += n + 4
		default:
			return
		}
	}
}

func (p *jsonParser) word(w string) bool {
	if strings.HasPrefix(p.s[p.i:], w) {
		p.i += len(w)
		return true
	}
	return false
}

func (p *jsonParser) value() Value {
	if p.i >= len(p.s) {
		p.unexpected()
	}
	switch c := p.s[p.i]; {
	case c == '{':
		return p.object()
	case c == '[':
		return p.list()
	case c == '"':
		return strValue(p.str())
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case p.word("true"):
		return true
	case p.word("false"):
		return false
	case p.word("null"):
		return nil
	}
	p.unexpected()
	return nil
}

func (p *jsonParser) enter() {
	p.depth++
	if p.depth > maxJSONDepth {
		c, _ := p.t.lookupClass("JSON::NestingError")
		p.t.raise(c, "nesting of %d is too deep", p.depth)
	}
}

func (p *jsonParser) object() Value {
	p.enter()
	h := newHash()
	p.i++
	for first := true; ; first = false {
		p.space()
		if p.i < len(p.s) && p.s[p.i] == '}' && first {
			break
		}
		if p.i >= len(p.s) || p.s[p.i] != '"' {
			p.unexpected()
		}
		key := p.str()
		p.space()
		if p.i >= len(p.s) || p.s[p.i] != ':' {
			p.unexpected()
		}
		p.i++
		p.space()
		v := p.value()
		if p.symbols {
			h.set(p.t, p.t.sym(key), v)
		} else {
			h.set(p.t, &String{s: key, frozen: true}, v)
		}
		p.space()
		if p.i < len(p.s) && p.s[p.i] == ',' {
			p.i++
			continue
		}
		if p.i < len(p.s) && p.s[p.i] == '}' {
			break
		}
		p.unexpected()
	}
	p.i++
	p.depth--
	return h
}

func (p *jsonParser) list() Value {
	p.enter()
	a := &Array{}
	p.i++
	for first := true; ; first = false {
		p.space()
		if p.i < len(p.s) && p.s[p.i] == ']' && first {
			break
		}
		a.v = append(a.v, p.value())
		p.space()
		if p.i < len(p.s) && p.s[p.i] == ',' {
			p.i++
			continue
		}
		if p.i < len(p.s) && p.s[p.i] == ']' {
			break
		}
		p.unexpected()
	}
	p.i++
	p.depth--
	return a
}

func (p *jsonParser) number() Value {
	start := p.i
	if p.s[p.i] == '-' {
		p.i++
	}
	digits := func() bool {
		from := p.i
		for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
			p.i++
		}
		return p.i > from
	}
	first := p.i
	if !digits() || p.s[first] == '0' && p.i > first+1 {
		p.i = start
		p.unexpected()
	}
	isFloat := false
	if p.i+1 < len(p.s) && p.s[p.i] == '.' {
		isFloat = true
		p.i++
		if !digits() {
			p.i = start
			p.unexpected()
		}
	}
	if p.i < len(p.s) && p.s[p.i]|0x20 == 'e' {
		isFloat = true
		p.i++
		if p.i < len(p.s) && (p.s[p.i] == '-' || p.s[p.i] == '+') {
			p.i++
		}
		if !digits() {
			p.i = start
			p.unexpected()
		}
	}
	s := p.s[start:p.i]
	if isFloat {
		f, _ := strconv.ParseFloat(s, 64) // infinite beyond the range
		return f
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return integer(n)
	}
	n, _ := new(big.Int).SetString(s, 10)
	return n
}

func (p *jsonParser) str() string {
	p.i++
	start := p.i
	for p.i < len(p.s) && p.s[p.i] != '"' && p.s[p.i] != '\\' && p.s[p.i] >= ' ' {
		p.i++
	}
	if p.i < len(p.s) && p.s[p.i] == '"' {
		p.i++
		return p.s[start : p.i-1]
	}
	buf := []byte(p.s[start:p.i])
	for {
		if p.i >= len(p.s) || p.s[p.i] < ' ' {
			p.i = start - 1
			p.unexpected()
		}
		c := p.s[p.i]
		p.i++
		switch c {
		case '"':
			return string(buf)
		case '\\':
			buf = p.escape(buf)
		default:
			buf = append(buf, c)
		}
	}
}

func (p *jsonParser) escape(buf []byte) []byte {
	if p.i >= len(p.s) {
		p.unexpected()
	}
	c := p.s[p.i]
	p.i++
	switch c {
	case 'n':
		c = '\n'
	case 't':
		c = '\t'
	case 'r':
		c = '\r'
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'u':
		r := p.hex4()
		if r >= 0xd800 && r < 0xdc00 && strings.HasPrefix(p.s[p.i:], "\\u") {
			p.i += 2
			low := p.hex4()
			r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
		}
		return utf8.AppendRune(buf, r)
	}
	return append(buf, c)
}

func (p *jsonParser) hex4() rune {
	if p.i+4 > len(p.s) {
		p.unexpected()
	}
	n, err := strconv.ParseUint(p.s[p.i:p.i+4], 16, 32)
	if err != nil {
		p.unexpected()
	}
	p.i += 4
	return rune(n)
}

// jsonStyle is how pretty_generate writes; nil is without white space.
type jsonStyle struct{ depth int }

func (s *jsonStyle) newline(dst []byte) []byte {
	if s == nil {
		return dst
	}
	dst = append(dst, '\n')
	for range s.depth {
		dst = append(dst, "  "...)
	}
	return dst
}

// appendJSON appends v as JSON.generate writes it.
func (t *Interp) appendJSON(dst []byte, v Value, style *jsonStyle) []byte {
	t.tooLong(len(dst))
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case int64, *big.Int:
		return append(dst, t.toS(v)...)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.raise(t.core.jsonGenerator, "%s not allowed in JSON", text.FloatToS(v))
		}
		return text.AppendFloat(dst, v)
	case *String:
		return t.appendJSONString(dst, v.s)
	case *Array:
		return t.appendJSONList(dst, v, style)
	case *Hash:
		return t.appendJSONObject(dst, v, style)
	case *Event:
		return v.live(t).AppendJSON(dst)
	}
	if m := t.find(v, "to_json"); m != nil && m.owner != t.core.kernel {
		return append(dst, t.toS(t.invoke(m, v, nil, nil))...)
	}
	return t.appendJSONString(dst, t.toS(v))
}

func (t *Interp) appendJSONList(dst []byte, a *Array, style *jsonStyle) []byte {
	if len(a.v) == 0 {
		return append(dst, "[]"...)
	}
	t.jsonDepth(a)
	defer t.mark(a)()
	dst = append(dst, '[')
	if style != nil {
		style.depth++
	}
	for i, x := range a.v {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = t.appendJSON(style.newline(dst), x, style)
	}
	if style != nil {
		style.depth--
	}
	return append(style.newline(dst), ']')
}

func (t *Interp) jsonDepth(v Value) {
	if t.busy[v] || len(t.busy) > maxJSONDepth {
		c, _ := t.lookupClass("JSON::NestingError")
		t.raise(c, "nesting of %d is too deep", maxJSONDepth+1)
	}
}

func (t *Interp) appendJSONObject(dst []byte, h *Hash, style *jsonStyle) []byte {
	if h.live == 0 {
		return append(dst, "{}"...)
	}
	t.jsonDepth(h)
	defer t.mark(h)()
	dst = append(dst, '{')
	if style != nil {
		style.depth++
	}
	first := true
	h.eachEntry(t, func(k, v Value) bool {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(t.appendJSONString(style.newline(dst), t.toS(k)), ':')
		if style != nil {
			dst = append(dst, ' ')
		}
		dst = t.appendJSON(dst, v, style)
		return true
	})
	if style != nil {
		style.depth--
	}
	return append(style.newline(dst), '}')
}

func (t *Interp) appendJSONString(dst []byte, s string) []byte {
	if !validUTF8(s) {
		t.raise(t.core.jsonGenerator, "source sequence is illegal/malformed utf-8")
	}
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\b':
			dst = append(dst, '\\', 'b')
		case c == '\f':
			dst = append(dst, '\\', 'f')
		case c < ' ':
			const digits = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// jsonMethods fills JSON, and gives every value its to_json.
func jsonMethods(c *core) {
	m := c.mod(c.object, "JSON")
	e := c.defineIn(m, "JSONError", c.standardError)
	c.jsonParserError = c.defineIn(m, "ParserError", e)
	c.defineIn(m, "NestingError", c.jsonParserError)
	c.jsonGenerator = c.defineIn(m, "GeneratorError", e)
	parse := func(t *Interp, self Value, a []Value, b *Proc) Value {
		v, _ := option(a, "symbolize_names")
		return t.parseJSON(t.text(a[0]), truthy(v))
	}
	for _, name := range []string{"parse", "parse!"} {
		m.sdef(name, 1, 2, parse).kw = true
	}
	m.sdef("load", 1, 3, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if a[0] == nil || t.text(a[0]) == "" {
			return nil
		}
		return parse(t, self, a, b)
	}).kw = true
	m.sdef("generate", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(string(t.appendJSON(nil, a[0], nil)))
	}).kw = true
	m.meta.alias("generate", "dump", "fast_generate")
	m.sdef("pretty_generate", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(string(t.appendJSON(nil, a[0], &jsonStyle{})))
	}).kw = true
	c.kernel.defn("to_json", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(string(t.appendJSON(nil, self, nil)))
	}).kw = true
}
