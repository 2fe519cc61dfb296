package ruby

import (
	"os"
	"strings"

	"millrace/internal/ruby/text"
)

// handle is what a File or StringIO reads and writes: a text and a place in it. A File is read when it is opened, and written when it is closed.
type handle struct {
	s           *String
	pos         int
	lineno      int64
	read, write bool
	atEnd       bool // what is written goes to the end
	closed      bool
	file        string
	flags       int // with which the file is written
}

func handleOf(v Value) *handle {
	h, ok := v.(*Object).data.(*handle)
	if !ok {
		return &handle{s: str(""), closed: true}
	}
	return h
}

// mode sets what a mode such as "r+" or "wb" allows, and reports whether the text is to be emptied.
func (h *handle) mode(t *Interp, mode string) (empty bool) {
	if mode == "" || strings.IndexByte("rwa", mode[0]) < 0 {
		t.argError("invalid access mode %s", mode)
	}
	both := strings.Contains(mode, "+")
	h.read, h.write, h.atEnd = mode[0] == 'r' || both, mode[0] != 'r' || both, mode[0] == 'a'
	return mode[0] == 'w'
}

// openFile is File.open and File.new.
func (t *Interp) openFile(a []Value, b *Proc) Value {
	h := &handle{s: str(""), file: t.text(a[0]), flags: os.O_TRUNC}
	mode := "r"
	if p := positional(a); len(p) > 1 {
		mode = t.toS(p[1])
	} else if v, ok := option(a, "mode"); ok {
		mode = t.toS(v)
	}
	switch empty := h.mode(t, mode); {
	case h.atEnd && !h.read:
		h.flags = os.O_APPEND
	case !empty:
		h.s.s = t.readFile(h.file)
	}
	if strings.Contains(mode, "b") {
		h.s.enc = binaryEncoding
	}
	o := &Object{class: t.core.file, data: h}
	if b == nil {
		return o
	}
	v, jump := t.capture(func() Value { return t.yield(b, o) })
	h.close(t)
	if jump != nil {
		panic(jump)
	}
	return v
}

func (h *handle) close(t *Interp) {
	if h.file != "" && h.write && !h.closed {
		t.writeFile(h.file, h.s.s, h.flags)
	}
	h.closed = true
}

// stringIO adds what only a StringIO has.
func stringIO(k *Class) {
	k.alloc = func(t *Interp, k *Class) Value { return &Object{class: k} }
	k.defn("initialize", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := &handle{s: str(""), read: true, write: true}
		if len(a) > 0 {
			s, ok := a[0].(*String)
			if !ok {
				s = str(t.text(a[0]))
			}
			h.s, h.write = s, !s.frozen
		}
		if len(a) > 1 && h.mode(t, t.toS(a[1])) {
			h.s.set("")
		}
		self.(*Object).data = h
		return nil
	})
	k.sdef("open", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o := t.newInstance(self.(*Class), a, nil)
		if b == nil {
			return o
		}
		return t.yield(b, o)
	})
	k.def("string", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return handleOf(self).s })
	k.def("string=", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		*handleOf(self) = handle{s: str(t.text(a[0])), read: true, write: true}
		return a[0]
	})
}

// reading returns the handle behind v, which must be open for reading.
func (t *Interp) reading(v Value) *handle {
	h := handleOf(v)
	if h.closed || !h.read {
		t.raise(t.core.ioError, "not opened for reading")
	}
	return h
}

// rest returns what was not read yet.
func (h *handle) rest() string { return h.s.s[min(h.pos, len(h.s.s)):] }

// line reads a line, as String#each_line with these arguments gives it.
func (h *handle) line(t *Interp, a []Value) Value {
	rest := h.rest()
	if rest == "" {
		return nil
	}
	sep := "\n"
	if p := positional(a); len(p) > 0 {
		if p[0] == nil {
			sep = rest
		} else {
			sep = t.text(p[0])
		}
	}
	l := rest
	if sep == "" {
		l = text.Lines(rest, sep, false)[0]
	} else if i := strings.Index(rest, sep); i >= 0 {
		l = rest[:i+len(sep)]
	}
	h.pos += len(l)
	h.lineno++
	if v, ok := option(a, "chomp"); ok && truthy(v) {
		l = strings.TrimSuffix(strings.TrimSuffix(l, sep), "\r")
	}
	return h.s.with(l)
}

func handleReads(k, enumerable *Class) {
	k.includes = []*Class{enumerable}
	k.defn("read", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := t.reading(self)
		s := h.rest()
		if len(a) == 0 || a[0] == nil {
			h.pos += len(s)
			return h.s.with(s)
		}
		n := t.int(a[0])
		if n < 0 {
			t.argError("negative length %d given", n)
		}
		if s == "" && n > 0 {
			return nil
		}
		s = s[:min(int(n), len(s))]
		h.pos += len(s)
		return binaryString([]byte(s))
	})
	k.defn("gets", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.reading(self).line(t, a) }).kw = true
	k.defn("readline", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if v := t.reading(self).line(t, a); v != nil {
			return v
		}
		return t.raise(t.core.eofError, "end of file reached")
	}).kw = true
	k.each("each_line", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := t.reading(self)
		for v := h.line(t, a); v != nil; v = h.line(t, a) {
			t.turn()
			t.yield(b, v)
		}
		return self
	}).kw = true
	k.alias("each_line", "each")
	k.defn("readlines", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := &Array{}
		h := t.reading(self)
		for v := h.line(t, a); v != nil; v = h.line(t, a) {
			out.v = append(out.v, v)
		}
		return out
	}).kw = true
	k.def("getc", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := t.reading(self)
		c := t.send(h.s.with(h.rest()), "[]", int64(0))
		if s, ok := c.(*String); ok {
			h.pos += len(s.s)
		}
		return c
	})
	k.def("getbyte", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := t.reading(self)
		s := h.rest()
		if s == "" {
			return nil
		}
		h.pos++
		return integer(int64(s[0]))
	})
	handlePlace(k)
}

// handlePlace adds what tells and changes where reading and writing go on.
func handlePlace(k *Class) {
	k.def("eof?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.reading(self).rest() == "" })
	k.alias("eof?", "eof")
	k.def("pos", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(int64(handleOf(self).pos)) })
	k.alias("pos", "tell")
	k.defn("seek", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := handleOf(self)
		to, from := t.int(a[0]), int64(0)
		if len(a) > 1 {
			from = [...]int64{0, int64(h.pos), int64(len(h.s.s))}[max(0, min(2, t.int(a[1])))]
		}
		if to += from; to < 0 {
			t.argError("negative position")
		}
		h.pos = int(min(to, maxText))
		return integer(0)
	})
	k.def("pos=", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { t.send(self, "seek", a[0]); return a[0] })
	k.def("rewind", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		handleOf(self).pos, handleOf(self).lineno = 0, 0
		return integer(0)
	})
	k.def("lineno", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(handleOf(self).lineno) })
	k.def("size", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(int64(len(handleOf(self).s.s))) })
	k.alias("size", "length")
	k.def("path", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(handleOf(self).file) })
	k.def("close", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { handleOf(self).close(t); return nil })
	k.def("closed?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return handleOf(self).closed })
	for _, name := range []string{"flush", "fsync", "binmode"} {
		k.def(name, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
	}
	k.defn("set_encoding", 1, 3, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
	k.def("sync=", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return a[0] })
	k.defn("flock", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(0) })
}

// put writes s at the place.
func (t *Interp) put(v Value, s string) {
	h := handleOf(v)
	if h.closed || !h.write {
		t.raise(t.core.ioError, "not opened for writing")
	}
	old := h.s.s
	if h.atEnd || h.pos == len(old) {
		t.tooLong(len(old) + len(s))
		h.s.append(s)
		h.pos = len(h.s.s)
		return
	}
	t.tooLong(h.pos + len(s))
	if h.pos > len(old) {
		old += strings.Repeat("\x00", h.pos-len(old))
	}
	end := min(len(old), h.pos+len(s))
	h.s.set(old[:h.pos] + s + old[end:])
	h.pos += len(s)
}

func handleWrites(k *Class) {
	k.defn("write", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		n := 0
		for _, v := range a {
			s := t.toS(v)
			t.put(self, s)
			n += len(s)
		}
		return integer(int64(n))
	})
	k.defn("print", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { t.send(self, "write", a...); return nil })
	k.defn("printf", 1, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		t.put(self, t.format(t.text(a[0]), a[1:]).s)
		return nil
	})
	k.def("<<", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { t.put(self, t.toS(a[0])); return self })
	k.defn("puts", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		var out []byte
		if len(a) == 0 {
			out = append(out, '\n')
		}
		for _, v := range a {
			out = t.appendLine(out, v)
		}
		t.put(self, string(out))
		return nil
	})
	k.defn("truncate", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := handleOf(self)
		h.s.set(h.s.s[:max(0, min(int(t.int(a[0])), len(h.s.s)))])
		return integer(0)
	})
}
