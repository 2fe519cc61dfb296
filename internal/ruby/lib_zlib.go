package ruby

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"hash/adler32"
	"hash/crc32"
	"io"
)

// zlibMethods fills Zlib.
func zlibMethods(c *core) {
	z := c.mod(c.object, "Zlib")
	c.zlibError = c.defineIn(z, "Error", c.standardError)
	c.zlibDataError = c.defineIn(z, "DataError", c.zlibError)
	c.zlibBufError = c.defineIn(z, "BufError", c.zlibError)
	z.consts["MAX_WBITS"], z.consts["BEST_SPEED"], z.consts["BEST_COMPRESSION"], z.consts["DEFAULT_COMPRESSION"] = int64(15), int64(1), int64(9), int64(-1)
	z.consts["NO_FLUSH"], z.consts["SYNC_FLUSH"], z.consts["FINISH"] = int64(0), int64(2), int64(4)
	z.sdef("crc32", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if len(a) == 0 {
			return integer(0)
		}
		start := uint32(0)
		if len(a) > 1 {
			start = uint32(t.int(a[1]))
		}
		return integer(int64(crc32.Update(start, crc32.IEEETable, []byte(t.text(a[0])))))
	})
	z.sdef("adler32", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return integer(int64(adler32.Checksum([]byte(t.text(a[0])))))
	})
	pack := func(k *Class, name string, wbits int64) {
		k.sdef(name, 1, 3, func(t *Interp, self Value, a []Value, b *Proc) Value {
			return t.deflate(t.text(a[0]), level(t, a, 1), wbits)
		}).kw = true
	}
	unpack := func(k *Class, name string, wbits int64) {
		k.sdef(name, 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.inflate(t.text(a[0]), wbits) })
	}
	pack(z, "deflate", 15)
	unpack(z, "inflate", 15)
	pack(z, "gzip", 31)
	unpack(z, "gunzip", 31)
	c.zlibStream(z, "Deflate", "deflate", func(t *Interp, data string, a []Value) Value {
		wbits := int64(15)
		if len(a) > 1 && a[1] != nil {
			wbits = t.int(a[1])
		}
		return t.deflate(data, level(t, a, 0), wbits)
	})
	c.zlibStream(z, "Inflate", "inflate", func(t *Interp, data string, a []Value) Value {
		wbits := int64(15)
		if len(a) > 0 && a[0] != nil {
			wbits = t.int(a[0])
		}
		return t.inflate(data, wbits)
	})
	pack(z.consts["Deflate"].(*Class), "deflate", 15)
	unpack(z.consts["Inflate"].(*Class), "inflate", 15)
	gzipFiles(c, z)
}

func level(t *Interp, a []Value, i int) int {
	if v, ok := option(a, "level"); ok && v != nil {
		return int(t.int(v))
	}
	if a = positional(a); len(a) > i && a[i] != nil {
		return int(t.int(a[i]))
	}
	return flate.DefaultCompression
}

// zlibStream makes Zlib::Deflate and Zlib::Inflate, which gather what they are given and work on it at the end.
func (c *core) zlibStream(z *Class, name, method string, work func(t *Interp, data string, a []Value) Value) {
	type stream struct {
		args []Value
		data []byte
	}
	k := c.defineIn(z, name, c.object)
	of := func(v Value) *stream {
		s, _ := v.(*Object).data.(*stream)
		if s == nil {
			s = &stream{}
		}
		return s
	}
	k.defn("initialize", 0, 4, func(t *Interp, self Value, a []Value, b *Proc) Value {
		self.(*Object).data = &stream{args: append([]Value(nil), a...)}
		return nil
	})
	k.defn(method, 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := of(self)
		return work(t, string(s.data)+t.text(a[0]), s.args)
	})
	k.def("<<", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := of(self)
		s.data = append(s.data, t.text(a[0])...)
		t.tooLong(len(s.data))
		return self
	})
	k.def("finish", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := of(self)
		if len(s.data) == 0 {
			return strValue("")
		}
		v := work(t, string(s.data), s.args)
		s.data = nil
		return v
	})
	k.def("close", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return nil })
}

// deflate packs data; wbits tells as in zlib whether it is raw, with a header of zlib, or with one of gzip.
func (t *Interp) deflate(data string, level int, wbits int64) Value {
	if level < flate.HuffmanOnly || level > flate.BestCompression {
		t.raise(t.core.zlibError, "stream error")
	}
	var out bytes.Buffer
	var w io.WriteCloser
	switch {
	case wbits < 0:
		w, _ = flate.NewWriter(&out, level) // the level was looked at
	case wbits > 15:
		w, _ = gzip.NewWriterLevel(&out, level)
	default:
		w, _ = zlib.NewWriterLevel(&out, level)
	}
	_, _ = io.WriteString(w, data) // a buffer takes everything
	_ = w.Close()
	return binaryString(out.Bytes())
}

// inflate unpacks data; a wbits of 32 and more finds out whether it is zlib or gzip.
func (t *Interp) inflate(data string, wbits int64) Value {
	in := bytes.NewReader([]byte(data))
	var r io.Reader
	var err error
	zipped := false
	switch {
	case wbits < 0:
		r = flate.NewReader(in)
	case wbits > 47 || wbits > 15 && wbits < 32 || wbits >= 32 && len(data) > 1 && data[:2] == "\x1f\x8b":
		zipped = true
		r, err = gzip.NewReader(in)
	default:
		r, err = zlib.NewReader(in)
	}
	var out []byte
	if err == nil {
		out, err = io.ReadAll(io.LimitReader(r, maxText+1))
		t.tooLong(len(out))
	}
	switch {
	case err == nil:
	case zipped && r == (*gzip.Reader)(nil) && !errors.Is(err, gzip.ErrHeader):
		t.raise(t.core.gzipError, "unexpected end of string")
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		t.raise(t.core.zlibBufError, "buffer error")
	case errors.Is(err, gzip.ErrHeader):
		t.raise(t.core.gzipError, "not in gzip format")
	case errors.Is(err, zlib.ErrHeader):
		t.raise(t.core.zlibDataError, "incorrect header check")
	default:
		t.raise(t.core.zlibDataError, "%s", err)
	}
	return binaryString(out)
}

// gzipFiles adds GzipReader, which reads like a File, and GzipWriter.
func gzipFiles(c *core, z *Class) {
	base := c.defineIn(z, "GzipFile", c.object)
	c.gzipError = c.defineIn(base, "Error", c.zlibError)
	r := c.defineIn(z, "GzipReader", base)
	handleReads(r, c.enumerable)
	source := func(t *Interp, v Value) string {
		if s, ok := v.(*String); ok {
			return s.s
		}
		return t.toS(t.send(v, "read"))
	}
	r.defn("initialize", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s, _ := t.inflate(source(t, a[0]), 31).(*String)
		self.(*Object).data = &handle{s: str(s.s), read: true}
		return nil
	})
	wrap := func(t *Interp, self Value, a []Value, b *Proc) Value {
		o := t.newInstance(self.(*Class), a, nil)
		if b == nil {
			return o
		}
		v := t.yield(b, o)
		t.send(o, "close")
		return v
	}
	r.sdef("wrap", 1, 2, wrap)
	r.sdef("open", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return wrap(t, self, []Value{strValue(t.readFile(t.text(a[0])))}, b)
	})
	r.sdef("zcat", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.inflate(source(t, a[0]), 31) })
	w := c.defineIn(z, "GzipWriter", base)
	handleWrites(w)
	w.defn("initialize", 1, 3, func(t *Interp, self Value, a []Value, b *Proc) Value {
		self.(*Object).data = &handle{s: str(""), write: true}
		t.setIvar(self.(*Object), "\x00to", a[0])
		return nil
	})
	w.def("close", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		to := self.(*Object).ivar(t.ivarID("\x00to"))
		if h := handleOf(self); !h.closed {
			h.closed = true
			t.send(to, "write", t.deflate(h.s.s, flate.DefaultCompression, 31))
		}
		return to
	})
	w.alias("close", "finish")
	w.defn("mtime=", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return a[0] })
	w.sdef("wrap", 1, 3, wrap)
}
