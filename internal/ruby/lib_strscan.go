package ruby

import "unicode/utf8"

// scanner is a StringScanner: it takes a text to pieces from its front.
type scanner struct {
	s         *String
	pos, last int // last is where the last piece was looked for
	m         *MatchData
}

func scannerOf(v Value) *scanner { return v.(*Object).data.(*scanner) }

// scanned returns the text of v as it is now.
func scanned(t *Interp, v Value) *String {
	s := *strValue(t.text(v)).(*String)
	if given, ok := v.(*String); ok {
		s.enc = given.enc
	}
	return &s
}

func (s *scanner) rest() *String { return s.s.with(s.s.s[s.pos:]) }

// look looks for a pattern at the front of the rest, or anywhere in it; it returns where what it found ends, -1 for nothing.
func (s *scanner) look(t *Interp, v Value, anywhere bool) int {
	r := t.pattern(v)
	if !anywhere {
		r = t.regexp(`\A`+r.toS(), "")
	}
	s.last = s.pos
	if s.m = t.search(r, s.rest(), 0); s.m == nil {
		return -1
	}
	return s.pos + s.m.pos[1]
}

func scannerMethods(c *core) {
	k := c.define("StringScanner", c.object)
	k.sdef("new", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return &Object{class: self.(*Class), data: &scanner{s: scanned(t, a[0])}}
	})
	take := func(name string, anywhere, move, length bool) {
		k.def(name, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			s := scannerOf(self)
			from := s.pos
			end := s.look(t, a[0], anywhere)
			if end < 0 {
				return nil
			}
			if move {
				s.pos = end
			}
			if length {
				return integer(int64(end - from))
			}
			return s.s.with(s.s.s[from:end])
		})
	}
	take("scan", false, true, false)
	take("check", false, false, false)
	take("skip", false, true, true)
	take("match?", false, false, true)
	take("scan_until", true, true, false)
	take("check_until", true, false, false)
	take("skip_until", true, true, true)
	take("exist?", true, false, true)
	scannerPlace(k, c.defineIn(k, "Error", c.standardError))
	scannerMatch(k)
}

// scannerPlace fills what asks and sets where a scanner is.
func scannerPlace(k, failed *Class) {
	k.def("eos?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return scannerOf(self).pos == len(scannerOf(self).s.s)
	})
	k.def("rest?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return scannerOf(self).pos < len(scannerOf(self).s.s)
	})
	k.def("rest", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return scannerOf(self).rest() })
	k.def("string", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return scannerOf(self).s })
	k.def("string=", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		*scannerOf(self) = scanner{s: scanned(t, a[0])}
		return a[0]
	})
	k.def("pos", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(int64(scannerOf(self).pos)) })
	k.def("pos=", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s, n := scannerOf(self), int(t.int(a[0]))
		if n < 0 {
			n += len(s.s.s)
		}
		if n < 0 || n > len(s.s.s) {
			return t.raise(t.core.rangeError, "index out of range")
		}
		s.pos = n
		return a[0]
	})
	k.alias("pos", "pointer")
	k.alias("pos=", "pointer=")
	k.def("beginning_of_line?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := scannerOf(self)
		return s.pos == 0 || s.s.s[s.pos-1] == '\n'
	})
	k.alias("beginning_of_line?", "bol?")
	k.def("getch", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := scannerOf(self)
		if s.pos == len(s.s.s) {
			return nil
		}
		from := s.pos
		_, n := utf8.DecodeRuneInString(s.s.s[from:])
		s.look(t, s.s.with(s.s.s[from:from+n]), false)
		s.pos += n
		return s.s.with(s.s.s[from:s.pos])
	})
	k.def("peek", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := scannerOf(self)
		return s.s.with(s.s.s[s.pos:min(len(s.s.s), s.pos+max(0, int(t.int(a[0]))))])
	})
	k.def("unscan", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := scannerOf(self)
		if s.m == nil {
			return t.raise(failed, "unscan failed: previous match record not exist")
		}
		s.pos, s.m = s.last, nil
		return self
	})
	k.def("reset", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { scannerOf(self).pos = 0; return self })
	k.def("terminate", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := scannerOf(self)
		s.pos, s.m = len(s.s.s), nil
		return self
	})
}

// scannerMatch fills what asks for the last match.
func scannerMatch(k *Class) {
	get := func(name string, of func(s *scanner, from, to int) Value) {
		k.def(name, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
			s := scannerOf(self)
			if s.m == nil {
				return nil
			}
			return of(s, s.last+s.m.pos[0], s.last+s.m.pos[1])
		})
	}
	get("matched", func(s *scanner, from, to int) Value { return s.s.with(s.s.s[from:to]) })
	get("matched_size", func(s *scanner, from, to int) Value { return integer(int64(to - from)) })
	get("pre_match", func(s *scanner, from, to int) Value { return s.s.with(s.s.s[:from]) })
	get("post_match", func(s *scanner, from, to int) Value { return s.s.with(s.s.s[to:]) })
	k.def("matched?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return scannerOf(self).m != nil })
	k.def("[]", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if m := scannerOf(self).m; m != nil {
			return t.send(m, "[]", a[0])
		}
		return nil
	})
	k.def("captures", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if m := scannerOf(self).m; m != nil {
			return t.send(m, "captures")
		}
		return nil
	})
}
