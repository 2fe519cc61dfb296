package ruby

import (
	"math/big"
	"strings"
	"unicode/utf8"

	"millrace/internal/ruby/text"
)

// text returns the text of a String argument.
func (t *Interp) text(v Value) string {
	switch v := v.(type) {
	case *String:
		return v.s
	case nil, bool, int64, float64, *Symbol, *Array, *Hash, *big.Int:
		t.typeError("no implicit conversion of %s into String", t.describeType(v))
	}
	if t.respondTo(v, "to_str") {
		if s, ok := t.send(v, "to_str").(*String); ok {
			return s.s
		}
	}
	t.typeError("no implicit conversion of %s into String", t.describeType(v))
	return ""
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// single reports whether the characters of s are single bytes.
func (s *String) single() bool { return s.binary() || isASCII(s.s) }

// length returns the number of characters.
func (s *String) length() int {
	if s.binary() {
		return len(s.s)
	}
	return utf8.RuneCountInString(s.s)
}

// offset returns where character i begins; i is not beyond the end.
func (s *String) offset(i int) int {
	if s.single() {
		return min(i, len(s.s))
	}
	at := 0
	for ; i > 0 && at < len(s.s); i-- {
		_, n := utf8.DecodeRuneInString(s.s[at:])
		at += n
	}
	return at
}

// charIndex returns the number of the character that begins at a byte.
func (s *String) charIndex(at int) int {
	if s.binary() {
		return at
	}
	return utf8.RuneCountInString(s.s[:at])
}

// chars returns the characters.
func (s *String) chars() []string {
	out := make([]string, 0, len(s.s))
	for rest := s.s; rest != ""; {
		n := 1
		if !s.binary() {
			_, n = utf8.DecodeRuneInString(rest)
		}
		out = append(out, rest[:n])
		rest = rest[n:]
	}
	return out
}

// sub returns n characters from start, which may be negative; ok is false where Ruby returns nil.
func (s *String) sub(start, n int64) (lo, hi int, ok bool) {
	length := int64(s.length())
	if start < 0 {
		start += length
	}
	if start < 0 || start > length || n < 0 {
		return 0, 0, false
	}
	n = min(n, length-start)
	lo = s.offset(int(start))
	rest := &String{s: s.s[lo:], enc: s.enc}
	return lo, lo + rest.offset(int(n)), true
}

// bounds returns the start and the length that a Range means of something of the given length; ok is false if it begins outside.
func (t *Interp) bounds(r *Range, length int64) (start, n int64, ok bool) {
	end := int64(-1)
	excl := r.excl
	if r.lo != nil {
		start = t.int(r.lo)
	}
	if r.hi != nil {
		end = t.int(r.hi)
	} else {
		excl = false
	}
	if start < 0 {
		start += length
	}
	if start < 0 || start > length {
		return 0, 0, false
	}
	if end < 0 {
		end += length
	}
	if !excl {
		end++
	}
	return start, max(0, min(end, length)-start), true
}

// place returns the bytes of s that the arguments of [] mean; ok is false where it returns nil.
func (t *Interp) place(s *String, a []Value) (lo, hi int, ok bool) {
	if len(a) == 2 {
		if re, isRegexp := a[0].(*Regexp); isRegexp {
			m := t.matchAt(re, s, 0)
			if m == nil {
				return 0, 0, false
			}
			g, found := t.groupNumber(m, a[1])
			if !found {
				return 0, 0, false
			}
			return m.pos[2*g], m.pos[2*g+1], m.pos[2*g] >= 0
		}
		return s.sub(t.int(a[0]), t.int(a[1]))
	}
	switch x := a[0].(type) {
	case int64:
		lo, hi, ok = s.sub(x, 1)
		return lo, hi, ok && lo < len(s.s)
	case *String:
		i := strings.Index(s.s, x.s)
		return i, i + len(x.s), i >= 0
	case *Regexp:
		m := t.matchAt(x, s, 0)
		if m == nil {
			return 0, 0, false
		}
		return m.pos[0], m.pos[1], true
	case *Range:
		start, n, ok := t.bounds(x, int64(s.length()))
		if !ok {
			return 0, 0, false
		}
		return s.sub(start, n)
	}
	lo, hi, ok = s.sub(t.int(a[0]), 1)
	return lo, hi, ok && lo < len(s.s)
}

// stringMethods fills String with what does not change it.
func stringMethods(c *core) {
	c.str = c.define("String", c.object)
	k := c.str
	k.includes = []*Class{c.comparable}
	k.alloc = func(t *Interp, k *Class) Value { return &String{} }
	k.defn("initialize", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if a = positional(a); len(a) > 0 {
			s := a[0].(*String)
			self.(*String).s, self.(*String).enc = t.text(s), s.enc
		}
		return nil
	}).kw = true
	k.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
	k.alias("to_s", "to_str", "itself")
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(t.inspect(self)) })
	k.def("dump", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(text.Dump(self.(*String).s)) })
	k.def("to_sym", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.sym(self.(*String).s) })
	k.alias("to_sym", "intern")
	k.def("+@", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if self.(*String).frozen {
			return self.(*String).dup()
		}
		return self
	})
	k.def("-@", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := self.(*String).dup()
		s.frozen = true
		return s
	})
	stringOperators(k)
	stringQueries(k)
	stringNumbers(k)
	stringCase(k)
	stringTrims(k)
	stringLists(k)
}

func stringOperators(k *Class) {
	k.def("+", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s, o := self.(*String), t.text(a[0])
		t.tooLong(len(s.s) + len(o))
		return s.with(s.s + o)
	})
	k.def("*", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s, n := self.(*String), t.int(a[0])
		if n < 0 {
			return t.argError("negative argument")
		}
		if n > 0 && int64(len(s.s)) > maxText/n {
			return t.argError("argument too big")
		}
		return s.with(strings.Repeat(s.s, int(n)))
	})
	k.def("%", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if l, ok := a[0].(*Array); ok {
			return t.format(self.(*String).s, l.v)
		}
		return t.format(self.(*String).s, a)
	})
	k.def("==", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.equal(self, a[0]) })
	k.alias("==", "===")
	k.def("eql?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.equal(self, a[0]) })
	k.def("equal?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return self == a[0] })
	k.def("<=>", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if o, ok := a[0].(*String); ok {
			return integer(int64(strings.Compare(self.(*String).s, o.s)))
		}
		return nil
	})
	k.defn("[]", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := self.(*String)
		lo, hi, ok := t.place(s, a)
		if !ok {
			return nil
		}
		return s.with(s.s[lo:hi])
	})
	k.alias("[]", "slice")
	k.defn("byteslice", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := &String{s: self.(*String).s, enc: binaryEncoding}
		lo, hi, ok := t.place(s, a)
		if !ok {
			return nil
		}
		return self.(*String).with(s.s[lo:hi])
	})
	k.def("getbyte", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s, i := self.(*String).s, t.int(a[0])
		if i < 0 {
			i += int64(len(s))
		}
		if i < 0 || i >= int64(len(s)) {
			return nil
		}
		return integer(int64(s[i]))
	})
}

func stringQueries(k *Class) {
	k.def("length", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(int64(self.(*String).length())) })
	k.alias("length", "size")
	k.def("bytesize", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(int64(len(self.(*String).s))) })
	k.def("empty?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*String).s == "" })
	k.def("include?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strings.Contains(self.(*String).s, t.text(a[0]))
	})
	k.defn("start_with?", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for _, p := range a {
			if re, ok := p.(*Regexp); ok {
				if m := t.matchAt(re, self.(*String), 0); m != nil && m.pos[0] == 0 {
					return true
				}
			} else if strings.HasPrefix(self.(*String).s, t.text(p)) {
				return true
			}
		}
		return false
	})
	k.defn("end_with?", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for _, p := range a {
			if strings.HasSuffix(self.(*String).s, t.text(p)) {
				return true
			}
		}
		return false
	})
	k.defn("index", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.stringIndex(self.(*String), a) })
	k.defn("rindex", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.stringRindex(self.(*String), a) })
	k.defn("byteindex", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.stringIndex(&String{s: self.(*String).s, enc: binaryEncoding}, a)
	})
	k.defn("count", 1, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		n, err := text.Count(self.(*String).s, t.texts(a)...)
		t.check(err)
		return integer(int64(n))
	})
	k.def("casecmp", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if o, ok := a[0].(*String); ok {
			return integer(int64(text.Casecmp(self.(*String).s, o.s)))
		}
		return t.typeError("no implicit conversion of %s into String", t.describeType(a[0]))
	})
	k.def("casecmp?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		equal, ok := text.CasecmpEqual(self.(*String).s, t.text(a[0]))
		if !ok {
			return nil
		}
		return equal
	})
	k.def("ord", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := self.(*String)
		if s.s == "" {
			return t.argError("empty string")
		}
		if s.binary() {
			return integer(int64(s.s[0]))
		}
		r, n := utf8.DecodeRuneInString(s.s)
		if r == utf8.RuneError && n == 1 {
			return t.argError("invalid byte sequence in UTF-8")
		}
		return integer(int64(r))
	})
	k.def("ascii_only?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return isASCII(self.(*String).s) })
	k.defn("sum", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		n := int64(0)
		for i := 0; i < len(self.(*String).s); i++ {
			n += int64(self.(*String).s[i])
		}
		return integer(n & 0xffff)
	})
}

// texts returns the texts of String arguments.
func (t *Interp) texts(a []Value) []string {
	out := make([]string, len(a))
	for i, v := range a {
		out[i] = t.text(v)
	}
	return out
}

// stringIndex is String#index.
func (t *Interp) stringIndex(s *String, a []Value) Value {
	from := int64(0)
	if len(a) > 1 {
		from = t.int(a[1])
	}
	n := int64(s.length())
	if from < 0 {
		from += n
	}
	if from < 0 || from > n {
		return nil
	}
	at := s.offset(int(from))
	if re, ok := a[0].(*Regexp); ok {
		m := t.matchAt(re, s, at)
		if m == nil {
			return nil
		}
		return integer(int64(s.charIndex(m.pos[0])))
	}
	i := strings.Index(s.s[at:], t.text(a[0]))
	if i < 0 {
		return nil
	}
	return integer(int64(s.charIndex(at + i)))
}

// stringRindex is String#rindex.
func (t *Interp) stringRindex(s *String, a []Value) Value {
	limit := int64(s.length())
	if len(a) > 1 {
		from := t.int(a[1])
		if from < 0 {
			from += limit
		}
		if from < 0 {
			return nil
		}
		limit = min(from, limit)
	}
	at := s.offset(int(limit))
	if re, ok := a[0].(*Regexp); ok {
		for ; at >= 0; at-- {
			if m := t.matchAt(re, s, at); m != nil && m.pos[0] == at {
				return integer(int64(s.charIndex(at)))
			}
		}
		t.match = nil
		return nil
	}
	x := t.text(a[0])
	i := strings.LastIndex(s.s[:min(len(s.s), at+len(x))], x)
	if i < 0 {
		return nil
	}
	return integer(int64(s.charIndex(i)))
}

func stringNumbers(k *Class) {
	k.defn("to_i", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := self.(*String).s
		if len(a) == 0 {
			if n, ok := plainInt(s); ok {
				return integer(n)
			}
		}
		base := int64(10)
		if len(a) > 0 {
			base = t.int(a[0])
		}
		n, err := text.ParseIntPrefix(s, int(base))
		t.check(err)
		return intValue(n)
	})
	k.def("to_f", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return text.ParseFloatPrefix(self.(*String).s) })
	k.def("to_r", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		r, _ := parseRat(self.(*String).s, false)
		return &Rational{r}
	})
	k.def("hex", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return intValue(text.Hex(self.(*String).s)) })
	k.def("oct", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return intValue(text.Oct(self.(*String).s)) })
}

// plainInt reads a short decimal number with nothing around it.
func plainInt(s string) (n int64, ok bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	return n, true
}

func (t *Interp) caseOption(a []Value) (o text.CaseOption) {
	for _, v := range a {
		switch t.name(v) {
		case "ascii":
			o |= text.CaseASCII
		case "turkic":
			o |= text.CaseTurkic
		case "lithuanian":
			o |= text.CaseLithuanian
		case "fold":
			o |= text.CaseFold
		default:
			t.argError("invalid option: %s", t.name(v))
		}
	}
	return o
}

// both adds a method that returns a changed copy, and the one with a ! that changes the String itself and returns nil if nothing changed.
func (k *Class) both(name string, min, max int, f func(t *Interp, s *String, a []Value) string) {
	k.defn(name, min, max, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := self.(*String)
		return s.with(f(t, s, a))
	})
	k.defn(name+"!", min, max, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := self.(*String)
		t.notFrozen(s)
		changed := f(t, s, a)
		if changed == s.s {
			return nil
		}
		s.set(changed)
		return s
	})
}

func stringCase(k *Class) {
	change := func(name string, f func(s string, o text.CaseOption) (string, error)) {
		k.both(name, 0, 2, func(t *Interp, s *String, a []Value) string {
			out, err := f(s.s, t.caseOption(a))
			t.check(err)
			return out
		})
	}
	change("upcase", text.Upcase)
	change("downcase", text.Downcase)
	change("capitalize", text.Capitalize)
	change("swapcase", text.Swapcase)
}

func stringTrims(k *Class) {
	plain := func(name string, f func(string) string) {
		k.both(name, 0, 0, func(t *Interp, s *String, a []Value) string { return f(s.s) })
	}
	plain("strip", text.Strip)
	plain("lstrip", text.Lstrip)
	plain("rstrip", text.Rstrip)
	plain("chop", text.Chop)
	plain("reverse", text.Reverse)
	plain("succ", text.Succ)
	k.alias("succ", "next")
	k.alias("succ!", "next!")
	k.both("chomp", 0, 1, func(t *Interp, s *String, a []Value) string {
		if len(a) == 0 {
			return text.Chomp(s.s)
		}
		if a[0] == nil {
			return s.s
		}
		return text.ChompSuffix(s.s, t.text(a[0]))
	})
	k.both("delete_prefix", 1, 1, func(t *Interp, s *String, a []Value) string { return strings.TrimPrefix(s.s, t.text(a[0])) })
	k.both("delete_suffix", 1, 1, func(t *Interp, s *String, a []Value) string { return strings.TrimSuffix(s.s, t.text(a[0])) })
	sets := func(name string, min int, f func(s string, sets ...string) (string, error)) {
		k.both(name, min, -1, func(t *Interp, s *String, a []Value) string {
			out, err := f(s.s, t.texts(a)...)
			t.check(err)
			return out
		})
	}
	sets("delete", 1, text.Delete)
	sets("squeeze", 0, text.Squeeze)
	tr := func(name string, f func(s, from, to string) (string, error)) {
		k.both(name, 2, 2, func(t *Interp, s *String, a []Value) string {
			out, err := f(s.s, t.text(a[0]), t.text(a[1]))
			t.check(err)
			return out
		})
	}
	tr("tr", text.Tr)
	tr("tr_s", text.TrS)
	just := func(name string, f func(s string, width int, pad string) (string, error)) {
		k.defn(name, 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
			pad := " "
			if len(a) > 1 {
				pad = t.text(a[1])
			}
			width := t.int(a[0])
			t.tooLong(int(min(width, maxText+1)))
			out, err := f(self.(*String).s, int(width), pad)
			t.check(err)
			return strValue(out)
		})
	}
	just("ljust", text.Ljust)
	just("rjust", text.Rjust)
	just("center", text.Center)
}

func stringLists(k *Class) {
	k.def("chars", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return stringArray(self.(*String).chars()) })
	k.alias("chars", "grapheme_clusters")
	k.each("each_char", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for _, c := range self.(*String).chars() {
			t.yield(b, strValue(c))
		}
		return self
	})
	k.def("bytes", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := self.(*String).s
		out := make([]Value, len(s))
		for i := range out {
			out[i] = integer(int64(s[i]))
		}
		return arrayOf(out)
	})
	k.each("each_byte", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for _, c := range []byte(self.(*String).s) {
			t.yield(b, integer(int64(c)))
		}
		return self
	})
	k.def("codepoints", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := &Array{}
		for _, c := range self.(*String).chars() {
			r, n := utf8.DecodeRuneInString(c)
			if self.(*String).binary() {
				r = rune(c[0])
			} else if r == utf8.RuneError && n == 1 {
				t.argError("invalid byte sequence in UTF-8")
			}
			out.v = append(out.v, integer(int64(r)))
		}
		return out
	})
	k.defn("lines", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return stringArray(t.lines(self.(*String).s, a))
	}).kw = true
	k.each("each_line", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for _, l := range t.lines(self.(*String).s, a) {
			t.yield(b, strValue(l))
		}
		return self
	}).kw = true
	k.defn("split", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := t.split(self.(*String), a)
		if b != nil {
			for _, p := range out {
				t.yield(b, strValue(p))
			}
			return self
		}
		return stringArray(out)
	})
	k.def("partition", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := self.(*String)
		lo, hi, ok := t.place(s, a)
		if !ok {
			return array(s.dup(), str(""), str(""))
		}
		return array(s.with(s.s[:lo]), s.with(s.s[lo:hi]), s.with(s.s[hi:]))
	})
	k.def("rpartition", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := self.(*String)
		i, ok := t.stringRindex(s, a).(int64)
		if !ok {
			return array(str(""), str(""), s.dup())
		}
		lo := s.offset(int(i))
		hi := lo
		if re, isRegexp := a[0].(*Regexp); isRegexp {
			if m := t.matchAt(re, s, lo); m != nil {
				hi = m.pos[1]
			}
		} else {
			hi += len(t.text(a[0]))
		}
		return array(s.with(s.s[:lo]), s.with(s.s[lo:hi]), s.with(s.s[hi:]))
	})
	k.each("upto", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		t.eachText(self.(*String).s, t.text(a[0]), len(a) > 1 && truthy(a[1]), func(s string) bool { t.yield(b, strValue(s)); return true })
		return self
	})
}

func (t *Interp) lines(s string, a []Value) []string {
	chomp := false
	if v, ok := option(a, "chomp"); ok {
		chomp = truthy(v)
	}
	sep := "\n"
	if a = positional(a); len(a) > 0 {
		if a[0] == nil {
			return []string{s}
		}
		sep = t.text(a[0])
	}
	return text.Lines(s, sep, chomp)
}

// split is String#split.
func (t *Interp) split(s *String, a []Value) []string {
	limit := 0
	if len(a) > 1 {
		limit = int(t.int(a[1]))
	}
	if len(a) == 0 || a[0] == nil {
		return text.Split(s.s, " ", limit)
	}
	re, ok := a[0].(*Regexp)
	if !ok {
		sep := t.text(a[0])
		if len(sep) == 1 && sep != " " && limit == 0 {
			return splitPlain(s.s, sep)
		}
		return text.Split(s.s, sep, limit)
	}
	return t.splitRegexp(s, re, limit)
}

// splitPlain cuts at a text and leaves empty parts at the end out.
func splitPlain(s, sep string) []string {
	if s == "" {
		return nil
	}
	out := strings.Split(s, sep)
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

func (t *Interp) splitRegexp(s *String, re *Regexp, limit int) []string {
	if s.s == "" {
		return nil
	}
	if limit == 1 {
		return []string{s.s}
	}
	var out []string
	match := t.match
	start := 0
	for at := 0; at <= len(s.s); {
		m := t.matchAt(re, s, at)
		if m == nil || limit > 0 && len(out) >= limit-1 {
			break
		}
		lo, hi := m.pos[0], m.pos[1]
		if hi == lo {
			if lo >= len(s.s) {
				break
			}
			next := lo + charSize(s.s[lo:])
			if lo == start {
				if next >= len(s.s) {
					break
				}
				// An empty match cuts behind one character.
				out = append(out, s.s[start:next])
				start, at = next, next
				out = appendGroups(out, m, s.s)
				continue
			}
		}
		out = append(out, s.s[start:lo])
		out = appendGroups(out, m, s.s)
		start, at = hi, max(hi, at)
		if hi == lo {
			at = hi
		}
	}
	t.match = match
	out = append(out, s.s[start:])
	if limit == 0 {
		for len(out) > 0 && out[len(out)-1] == "" {
			out = out[:len(out)-1]
		}
	}
	return out
}

func appendGroups(out []string, m *MatchData, s string) []string {
	for g := 1; 2*g < len(m.pos); g++ {
		if m.pos[2*g] >= 0 {
			out = append(out, s[m.pos[2*g]:m.pos[2*g+1]])
		}
	}
	return out
}

// charSize returns how long the first character of s is.
func charSize(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return max(n, 1)
}

// eachText calls f for the texts from lo to hi as succ makes them.
func (t *Interp) eachText(lo, hi string, excl bool, f func(s string) bool) {
	if len(lo) > len(hi) {
		return
	}
	for s := lo; len(s) <= len(hi); s = text.Succ(s) {
		t.turn()
		if s == hi && excl {
			return
		}
		if !f(s) || s == hi {
			return
		}
	}
}
