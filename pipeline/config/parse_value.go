package config

import (
	"math"
	"strconv"
	"strings"
)

// value parses one value; of names what it is for in messages. It returns nil after reporting an error.
func (p *parser) value(of string) Expr {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	switch c := p.peek(); {
	case c == '"' || c == '\'':
		if end, ok := p.stringEnd(p.pos); ok && p.at(p.afterSpace(end)) == '{' {
			return orNil(p.plugin(KindCodec))
		}
		s, ok := p.stringLit()
		if !ok {
			return nil
		}
		return s
	case c == '[':
		return orNil(p.array(of))
	case c == '{':
		return orNil(p.hash(of))
	case isName(c):
		return p.wordValue(of)
	}
	p.expected("a value", "for "+of)
	return nil
}

// orNil keeps a nil pointer from becoming an Expr that is not nil.
func orNil[T any, P interface {
	*T
	Expr
}](n P) Expr {
	if n == nil {
		return nil
	}
	return n
}

// wordValue parses what begins with a letter, digit, underscore or dash: a plugin, a bareword or a number.
func (p *parser) wordValue(of string) Expr {
	start := p.pos
	w := p.word(start)
	if p.at(p.afterSpace(start+len(w))) == '{' {
		return orNil(p.plugin(KindCodec))
	}
	c := p.peek()
	if n := p.numberEnd(start); n > start && p.endsWord(n) {
		return p.number(of)
	}
	if isAlpha(c) && len(w) > 1 && !strings.Contains(w, "-") && p.endsWord(start+len(w)) {
		p.pos += len(w)
		return &Bareword{Span{start, p.pos}, w}
	}
	if next := p.afterSpace(start + len(w)); strings.HasPrefix(p.src[next:], "=>") {
		p.report(Errorf(p.place(start, start+len(w)), "missing-value", "expected a value for %s, found the next option", of))
		return nil
	}
	return p.unquoted(of)
}

// endsWord tells whether an unquoted word may end before i.
func (p *parser) endsWord(i int) bool {
	c := p.at(i)
	return i >= len(p.src) || isSpace(c) || strings.IndexByte(",]}#\"'={", c) >= 0
}

// unquoted reports a value that needs quotes and takes it as if it had them.
func (p *parser) unquoted(of string) Expr {
	start := p.pos
	text := p.untilBlank(start)
	d := Errorf(p.place(start, start+len(text)), "needs-quotes", "the value of %s needs quotes", of)
	if len(text) == 1 && isAlpha(text[0]) {
		d = Errorf(p.place(start, start+1), "needs-quotes", "a bareword of one letter").WithHint("put it in quotes: %q", text)
	} else {
		d = d.WithHint("write %q", text)
	}
	p.report(d)
	p.pos = start + len(text)
	return &String{Span{start, p.pos}, text, text}
}

// untilBlank returns the text from i to where a word would end for a reader, with %{…} and ${…} as parts of it.
func (p *parser) untilBlank(i int) string {
	end, braces, brackets := i, 0, 0
	for end < len(p.src) {
		c := p.src[end]
		switch {
		case c == '[' && end > i:
			brackets++
		case c == ']' && brackets > 0:
			brackets--
		case c == '{' && end > i && (p.src[end-1] == '%' || p.src[end-1] == '$'):
			braces++
		case c == '}' && braces > 0:
			braces--
		case isSpace(c) && c != ' ', c == ' ' && braces == 0, braces == 0 && strings.IndexByte(",]}{\"'", c) >= 0,
			braces == 0 && strings.HasPrefix(p.src[end:], "=>"):
			return p.src[i:end]
		}
		end++
	}
	return p.src[i:end]
}

// stringEnd returns the offset after the closing quote of the string at i. An escaped quote does not end it, so that
// a string can never end in a backslash.
func (p *parser) stringEnd(i int) (int, bool) {
	return quotedEnd(p.src, i)
}

func quotedEnd(src string, i int) (int, bool) {
	quote := src[i]
	for i++; i < len(src); i++ {
		switch {
		case src[i] == quote:
			return i + 1, true
		case src[i] == '\\' && i+1 < len(src) && src[i+1] == quote:
			i++
		}
	}
	return i, false
}

// stringLit parses a quoted string.
func (p *parser) stringLit() (*String, bool) {
	start := p.pos
	end, ok := p.stringEnd(start)
	if !ok {
		p.unclosedString(start, "the string is not closed", "")
		return nil, false
	}
	p.pos = end
	p.last = Span{start, end}
	s := &String{Span: p.last, Raw: p.src[start+1 : end-1]}
	s.Text = s.Raw
	if p.escapes {
		s.Text = unescape(s.Raw)
	}
	return s, true
}

// numberEnd returns the offset after the number at i, or i.
func (p *parser) numberEnd(i int) int {
	n := i
	if p.at(n) == '-' {
		n++
	}
	digits := n
	for isDigit(p.at(n)) {
		n++
	}
	if n == digits {
		return i
	}
	if p.at(n) == '.' {
		for n++; isDigit(p.at(n)); n++ {
		}
	}
	return n
}

// number parses a number and reports those that Logstash's grammar lets pass and its compiler refuses; of names what it is for.
func (p *parser) number(of string) *Number {
	start := p.pos
	p.pos = p.numberEnd(start)
	n := &Number{Span: Span{start, p.pos}, Text: p.src[start:p.pos]}
	place := p.place(start, p.pos)
	if strings.HasSuffix(n.Text, ".") {
		p.report(Errorf(place, "bad-number", "a number cannot end in a point").WithHint("write %s0", n.Text))
		return n
	}
	if n.IsFloat = strings.Contains(n.Text, "."); n.IsFloat {
		n.Float, _ = strconv.ParseFloat(n.Text, 64)
		if math.IsInf(n.Float, 0) {
			p.report(Warnf(place, "bad-number", "the number is too big and is read as infinity"))
		}
		return n
	}
	digits, base := strings.TrimPrefix(n.Text, "-"), 10
	if len(digits) > 1 && digits[0] == '0' {
		base = 8
	}
	v, err := strconv.ParseInt(n.Text, base, 64)
	n.Int = v
	switch {
	case err == nil && strings.HasSuffix(of, "_mode"): // of a file: octal is what is meant
	case err == nil && base == 8 && strings.Trim(digits, "0") != "":
		p.report(Warnf(place, "octal", "a leading zero makes the number octal: it is %d", v).WithHint("leave the zero away, or use quotes"))
	case err == nil:
	case strings.Contains(err.Error(), "syntax"):
		p.report(Errorf(place, "bad-number", "a leading zero makes a number octal, and %s has other digits", n.Text).
			WithHint("leave the zero away, or use quotes"))
	default:
		p.report(Errorf(place, "bad-number", "the number does not fit into 64 bits").WithHint("put it in quotes to have it as text"))
	}
	return n
}

// array parses `[ value, value ]`.
func (p *parser) array(of string) *Array {
	a := &Array{Span: Span{Start: p.pos}}
	p.pos++
	comma, item := -1, false // where a comma stands before the cursor; whether an item does
	for {
		p.skip()
		start := p.pos
		switch {
		case p.unwind >= 0:
			return nil
		case p.accept("]"):
			a.End = p.pos
			if comma >= 0 {
				p.report(Errorf(p.place(comma, comma+1), "comma", "a comma without a value after it").WithHint("leave it away"))
			}
			return a
		case p.accept(","):
			if !item {
				p.report(Errorf(p.place(start, start+1), "comma", "a comma without a value before it"))
			}
			comma, item = start, false
			continue
		case p.eof() || p.peek() == '}' || p.nextOption():
			return p.unclosedArray(a)
		case item && !p.missingComma():
			if p.unwind >= 0 {
				return nil
			}
			continue
		}
		if v := p.value(of); v != nil {
			a.Items = append(a.Items, v)
		} else if p.unwind < 0 {
			p.recoverItem(start)
		}
		comma, item = -1, true
	}
}

// nextOption tells whether `name =>` stands at the cursor.
func (p *parser) nextOption() bool {
	w := p.word(p.pos)
	return w != "" && strings.HasPrefix(p.src[p.afterSpace(p.pos+len(w)):], "=>")
}

func (p *parser) unclosedArray(a *Array) *Array {
	p.report(Errorf(p.place(a.Start, a.Start+1), "missing-bracket", "the array is not closed").
		WithHint("\"]\" is missing before %s", p.found()))
	a.End = p.pos
	return a
}

// missingComma reports what stands between two items where a comma belongs, and tells whether another item may follow.
func (p *parser) missingComma() bool {
	if p.blameString() {
		return false
	}
	start := p.pos
	switch {
	case p.accept("=>"), p.accept(":"):
		p.report(Errorf(p.place(start, p.pos), "hash-in-brackets", "expected \",\" or \"]\", found %q", p.src[start:p.pos]).
			WithHint("a hash is written in braces: { \"key\" => \"value\" }"))
		p.skip()
		return true
	case p.accept(";"), p.accept("|"):
		p.report(Errorf(p.place(start, p.pos), "comma", "expected \",\" or \"]\", found %q", p.src[start:p.pos]).WithHint("items are separated by commas"))
		p.skip()
		return true
	}
	c := p.peek()
	if c == '"' || c == '\'' || c == '[' || c == '{' || isName(c) {
		p.report(Errorf(p.place(start, start+1), "comma", "a comma is missing between two items"))
		return true
	}
	p.expected("\",\" or \"]\"", "in the array")
	if p.unwind < 0 {
		p.recoverItem(start)
	}
	return false
}

// hash parses `{ key => value  key => value }`.
func (p *parser) hash(of string) *HashLit {
	h := &HashLit{Span: Span{Start: p.pos}}
	p.open = append(p.open, opener{p.pos, p.pos, "the hash of " + of})
	p.pos++
	for {
		p.skip()
		if p.unwind >= 0 {
			if len(p.open) > p.unwind {
				break
			}
			p.unwind = -1
			continue
		}
		start := p.pos
		if p.eof() || p.peek() == '}' || p.sectionBegins() {
			break
		}
		if p.accept(",") {
			p.report(Errorf(p.place(start, p.pos), "comma", "a comma between the entries of a hash").WithHint("entries are separated by white space only"))
			continue
		}
		if e := p.hashEntry(of); e != nil {
			h.Entries = append(h.Entries, e)
		}
		if p.pos == start && p.unwind < 0 && !p.eof() && p.peek() != '}' {
			p.pos++
		}
	}
	if p.closeBlock() < 0 && p.unwind >= 0 {
		return nil
	}
	h.End = p.pos
	p.duplicateKeys(h)
	return h
}

func (p *parser) hashEntry(of string) *HashEntry {
	e := &HashEntry{Span: Span{Start: p.pos}}
	if e.Key = p.hashKey(of); e.Key == nil {
		p.recoverAttribute()
		return nil
	}
	name := "the key " + strings.Trim(p.src[e.Key.Range().Start:e.Key.Range().End], `"'`)
	var ok bool
	if e.Arrow, ok = p.arrow(name); !ok {
		p.recoverAttribute()
		return nil
	}
	p.skip()
	if e.Value = p.value(name); e.Value == nil {
		p.recoverAttribute()
		return nil
	}
	e.End = e.Value.Range().End
	return e
}

func (p *parser) hashKey(of string) Expr {
	start := p.pos
	c := p.peek()
	switch {
	case c == '"' || c == '\'':
		s, ok := p.stringLit()
		if !ok {
			return nil
		}
		return s
	case isAlpha(c) && !p.nextOption() && p.blameString():
		return nil
	}
	if n := p.numberEnd(start); n > start && p.endsWord(n) {
		k := p.number("")
		p.report(Errorf(p.place(k.Start, k.End), "numeric-key", "a number as the key of a hash").WithHint("put it in quotes: \"%s\"", k.Text))
		return k
	}
	end := start
	for isWord(p.at(end)) {
		end++
	}
	if isAlpha(c) && end > start+1 && (p.endsWord(end) || p.at(end) == ':') {
		p.pos = end
		return &Bareword{Span{start, end}, p.src[start:end]}
	}
	text := p.untilBlank(start)
	if c == '[' {
		text = p.src[start : start+strings.IndexAny(p.src[start:]+" ", " \t\r\n=")]
	}
	if next := p.afterSpace(start + len(text)); text != "" && strings.HasPrefix(p.src[next:], "=>") {
		p.report(Errorf(p.place(start, start+len(text)), "needs-quotes", "the key of a hash needs quotes").WithHint("write \"%s\"", text))
		p.pos = start + len(text)
		return &String{Span{start, p.pos}, text, text}
	}
	p.expected("a key or \"}\"", "in the hash of "+of)
	return nil
}

// duplicateKeys reports keys that are written the same way twice. The same key in other quotes passes in Logstash: the last one counts.
func (p *parser) duplicateKeys(h *HashLit) {
	if len(h.Entries) < 2 {
		return
	}
	seen := make(map[string]Expr, len(h.Entries))
	for _, e := range h.Entries {
		r := e.Key.Range()
		key := keyText(e.Key)
		first, dup := seen[key]
		if !dup {
			seen[key] = e.Key
			continue
		}
		fr := first.Range()
		line := p.file.Position(fr.Start).Line
		if p.src[fr.Start:fr.End] == p.src[r.Start:r.End] {
			p.report(Errorf(p.place(r.Start, r.End), "duplicate-key", "the key %q stands twice in one hash", key).WithHint("first on line %d", line))
		} else {
			p.report(Warnf(p.place(r.Start, r.End), "duplicate-key", "the key %q stands twice in one hash; the last value counts", key).WithHint("first on line %d", line))
		}
	}
}

// keyText returns the text of a hash key.
func keyText(k Expr) string {
	switch k := k.(type) {
	case *String:
		return k.Text
	case *Bareword:
		return k.Text
	case *Number:
		return k.Text
	}
	panic("BUG: a hash key is no string, bareword or number")
}
