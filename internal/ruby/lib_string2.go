package ruby

import (
	"strings"

	"millrace/internal/ruby/text"
)

// stringChangeMethods adds what changes a String.
func stringChangeMethods(c *core) {
	k := c.str
	change := func(name string, min, max int, f func(t *Interp, s *String, a []Value) Value) {
		k.defn(name, min, max, func(t *Interp, self Value, a []Value, b *Proc) Value {
			t.notFrozen(self)
			return f(t, self.(*String), a)
		})
	}
	change("<<", 1, 1, func(t *Interp, s *String, a []Value) Value { t.appendTo(s, a[0]); return s })
	change("concat", 0, -1, func(t *Interp, s *String, a []Value) Value {
		for _, v := range a {
			t.appendTo(s, v)
		}
		return s
	})
	change("prepend", 0, -1, func(t *Interp, s *String, a []Value) Value { s.set(strings.Join(t.texts(a), "") + s.s); return s })
	change("replace", 1, 1, func(t *Interp, s *String, a []Value) Value { s.set(t.text(a[0])); return s })
	change("clear", 0, 0, func(t *Interp, s *String, a []Value) Value { s.set(""); return s })
	change("insert", 2, 2, func(t *Interp, s *String, a []Value) Value {
		i, n := t.int(a[0]), int64(s.length())
		if i < 0 {
			i += n + 1
		}
		if i < 0 || i > n {
			return t.raise(t.core.indexError, "index %d out of string", t.int(a[0]))
		}
		at := s.offset(int(i))
		s.set(s.s[:at] + t.text(a[1]) + s.s[at:])
		return s
	})
	change("slice!", 1, 2, func(t *Interp, s *String, a []Value) Value {
		lo, hi, ok := t.place(s, a)
		if !ok {
			return nil
		}
		cut := s.with(s.s[lo:hi])
		s.set(s.s[:lo] + s.s[hi:])
		return cut
	})
	change("[]=", 2, 3, func(t *Interp, s *String, a []Value) Value {
		n := len(a) - 1
		lo, hi, ok := t.place(s, a[:n])
		if i, isInt := a[0].(int64); isInt && !ok && n == 1 && i == int64(s.length()) {
			lo, hi, ok = len(s.s), len(s.s), true
		}
		if !ok {
			if _, isString := a[0].(*String); isString {
				return t.raise(t.core.indexError, "string not matched")
			}
			if _, isRegexp := a[0].(*Regexp); isRegexp {
				return t.raise(t.core.indexError, "regexp not matched")
			}
			return t.raise(t.core.indexError, "index %s out of string", t.inspect(a[0]))
		}
		s.set(s.s[:lo] + t.text(a[n]) + s.s[hi:])
		return a[n]
	})
	change("setbyte", 2, 2, func(t *Interp, s *String, a []Value) Value {
		i := t.int(a[0])
		if i < 0 {
			i += int64(len(s.s))
		}
		if i < 0 || i >= int64(len(s.s)) {
			return t.raise(t.core.indexError, "index %d out of string", t.int(a[0]))
		}
		d := []byte(s.s)
		d[i] = byte(t.int(a[1]))
		s.set(string(d))
		return a[1]
	})
}

// appendTo is String#<<: an Integer is a character.
func (t *Interp) appendTo(s *String, v Value) {
	o := ""
	if n, ok := v.(int64); ok {
		if s.binary() && n < 256 {
			o = string([]byte{byte(n)})
		} else {
			o = string(rune(n))
		}
	} else {
		o = t.text(v)
	}
	t.tooLong(len(s.s) + len(o))
	if x, ok := v.(*String); ok && s.s == "" && s.enc == "" && x.enc != "" && !isASCII(o) {
		s.enc = x.enc
	}
	s.append(o)
}

// encName returns the name of an encoding that an argument means.
func (t *Interp) encName(v Value) string {
	if o, ok := v.(*Object); ok {
		if n, ok := o.data.(string); ok {
			return n
		}
	}
	n, err := text.FindEncoding(t.text(v))
	t.check(err)
	return n
}

func encOf(name string) string {
	if name == "UTF-8" {
		return ""
	}
	return name
}

func (s *String) encoding() string {
	if s.enc == "" {
		return "UTF-8"
	}
	return s.enc
}

// stringCodeMethods adds what concerns encodings to String.
func stringCodeMethods(c *core) {
	k := c.str
	c.encoding = c.define("Encoding", c.object)
	encodingClass(c)
	k.def("encoding", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.encodingNamed(self.(*String).encoding())
	})
	k.def("force_encoding", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		t.notFrozen(self)
		self.(*String).enc = encOf(t.encName(a[0]))
		return self
	})
	k.def("b", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return &String{s: self.(*String).s, enc: binaryEncoding}
	})
	k.def("valid_encoding?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := self.(*String)
		return text.ValidEncoding(s.s, s.encoding())
	})
	k.both("scrub", 0, 1, func(t *Interp, s *String, a []Value) string {
		if len(a) > 0 && a[0] != nil {
			return text.Scrub(s.s, t.text(a[0]))
		}
		return text.Scrub(s.s, "\uFFFD")
	})
	scrub := k.methods["scrub"].fn
	k.methods["scrub"].fn = func(t *Interp, self Value, a []Value, b *Proc) Value {
		if b == nil {
			return scrub(t, self, a, b)
		}
		return strValue(text.ScrubFunc(self.(*String).s, func(bad string) string { return t.toS(t.yield(b, &String{s: bad, enc: binaryEncoding})) }))
	}
	k.defn("encode", 0, 3, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.encode(self.(*String), a) }).kw = true
	k.defn("encode!", 0, 3, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := t.encode(self.(*String), a)
		self.(*String).set(s.s)
		self.(*String).enc = s.enc
		return self
	}).kw = true
	k.defn("unicode_normalize", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		form := "nfc"
		if len(a) > 0 {
			form = t.name(a[0])
		}
		s, err := text.Normalize(self.(*String).s, form)
		t.check(err)
		return strValue(s)
	})
	packing(k)
}

func packing(k *Class) {
	k.defn("unpack", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return arrayOf(t.unpack(self.(*String), a)) }).kw = true
	k.defn("unpack1", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if out := t.unpack(self.(*String), a); len(out) > 0 {
			return out[0]
		}
		return nil
	}).kw = true
	k.def("crypt", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.raise(t.core.notImplementedError, "crypt is not supported")
	})
}

func (t *Interp) unpack(s *String, a []Value) []Value {
	offset := int64(0)
	if v, ok := option(a, "offset"); ok {
		offset = t.int(v)
	}
	list, err := text.Unpack(s.s, t.text(a[0]), int(offset))
	t.check(err)
	out := make([]Value, len(list))
	for i, v := range list {
		out[i] = fromText(v)
	}
	return out
}

// encode is String#encode.
func (t *Interp) encode(s *String, a []Value) *String {
	to, from := "UTF-8", s.encoding()
	rest := positional(a)
	if len(rest) > 0 && rest[0] != nil {
		to = t.encName(rest[0])
	}
	if len(rest) > 1 && rest[1] != nil {
		from = t.encName(rest[1])
	}
	out, err := text.Encode(s.s, to, from, t.encodeOptions(a))
	t.check(err)
	return &String{s: out, enc: encOf(to)}
}

func (t *Interp) encodeOptions(a []Value) *text.EncodeOptions {
	o := &text.EncodeOptions{}
	is := func(name, value string) bool {
		v, ok := option(a, name)
		s, isSym := v.(*Symbol)
		return ok && isSym && s.name == value
	}
	o.ReplaceInvalid, o.ReplaceUndef = is("invalid", "replace"), is("undef", "replace")
	if v, ok := option(a, "replace"); ok && v != nil {
		s := t.text(v)
		o.Replace = &s
	}
	if v, ok := option(a, "xml"); ok {
		o.XML = t.name(v)
	}
	for _, n := range []string{"universal", "crlf", "cr"} {
		if v, ok := option(a, n+"_newline"); ok && truthy(v) {
			o.Newline = n
		}
	}
	if v, ok := option(a, "fallback"); ok && v != nil {
		o.Fallback = func(char string) (string, bool, error) {
			var r Value
			if h, isHash := v.(*Hash); isHash {
				r = h.fetch(t, strValue(char))
			} else {
				r = t.send(v, "call", strValue(char))
			}
			return t.toS(r), r != nil, nil
		}
	}
	return o
}

// encodingClass fills Encoding. An encoding is an Object that knows its name.
func encodingClass(c *core) {
	k := c.encoding
	c.compatError = c.defineIn(k, "CompatibilityError", c.encodingError)
	c.undefConversion = c.defineIn(k, "UndefinedConversionError", c.encodingError)
	c.invalidByte = c.defineIn(k, "InvalidByteSequenceError", c.encodingError)
	c.defineIn(k, "ConverterNotFoundError", c.encodingError)
	for constant, name := range map[string]string{
		"UTF_8": "UTF-8", "ASCII_8BIT": binaryEncoding, "BINARY": binaryEncoding, "US_ASCII": "US-ASCII", "ASCII": "US-ASCII", "ISO_8859_1": "ISO-8859-1", "ISO_8859_15": "ISO-8859-15",
		"UTF_16LE": "UTF-16LE", "UTF_16BE": "UTF-16BE", "UTF_16": "UTF-16", "UTF_32LE": "UTF-32LE", "UTF_32BE": "UTF-32BE", "Windows_1252": "Windows-1252", "WINDOWS_1252": "Windows-1252",
		"Windows_1251": "Windows-1251", "Shift_JIS": "Shift_JIS", "EUC_JP": "EUC-JP",
	} {
		k.consts[constant] = &Object{class: k, data: name, frozen: true}
	}
	k.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(self.(*Object).data.(string)) })
	k.alias("to_s", "name")
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue("#<Encoding:" + self.(*Object).data.(string) + ">")
	})
	k.def("==", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o, ok := a[0].(*Object)
		return ok && o.class == self.(*Object).class && o.data == self.(*Object).data
	})
	k.sdef("default_external", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.encodingNamed("UTF-8") })
	k.meta.alias("default_external", "default_internal")
	set := func(t *Interp, self Value, a []Value, b *Proc) Value { return a[0] }
	k.sdef("default_external=", 1, 1, set)
	k.sdef("default_internal=", 1, 1, set)
	k.sdef("find", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.encodingNamed(t.encName(a[0])) })
}

func (t *Interp) encodingNamed(name string) Value {
	for _, v := range t.core.encoding.consts {
		if o, ok := v.(*Object); ok && o.data == any(name) {
			return o
		}
	}
	return &Object{class: t.core.encoding, data: name, frozen: true}
}

// symbolMethods fills Symbol.
func symbolMethods(c *core) {
	c.symbol = c.define("Symbol", c.object)
	k := c.symbol
	k.alloc = nil
	k.includes = []*Class{c.comparable}
	k.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(self.(*Symbol).name) })
	k.alias("to_s", "name", "id2name")
	k.def("to_sym", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
	k.def("to_proc", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.toProc(self) })
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(t.inspect(self)) })
	k.def("<=>", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if o, ok := a[0].(*Symbol); ok {
			return integer(int64(strings.Compare(self.(*Symbol).name, o.name)))
		}
		return nil
	})
	k.def("==", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return self == a[0] })
	for _, name := range []string{"length", "size", "empty?", "[]", "start_with?", "end_with?", "=~", "match", "match?"} {
		k.defn(name, 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			return t.sendBlock(str(self.(*Symbol).name), name, append([]Value(nil), a...), b)
		})
	}
	for _, name := range []string{"upcase", "downcase", "capitalize", "swapcase", "succ"} {
		k.def(name, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
			return t.sym(t.send(str(self.(*Symbol).name), name).(*String).s)
		})
	}
}
