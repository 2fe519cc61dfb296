package ruby

import (
	"encoding/binary"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// marshalMethods fills Marshal, whose format is the 4.8 of Ruby. Code uses it to copy what holds other things.
func marshalMethods(c *core) {
	m := c.mod(c.object, "Marshal")
	m.sdef("dump", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		w := &marshalWriter{t: t, out: []byte("\x04\x08"), symbols: make(map[string]int), objects: make(map[Value]int)}
		w.write(a[0])
		return binaryString(w.out)
	})
	m.sdef("load", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		r := &marshalReader{t: t, in: t.text(a[0])}
		if len(r.in) < 2 {
			r.short()
		}
		if r.in[:2] != "\x04\x08" {
			t.typeError("incompatible marshal file format (can't be read)\n\tformat version 4.8 required; %d.%d given", r.in[0], r.in[1])
		}
		r.in = r.in[2:]
		return r.read()
	})
	m.meta.alias("load", "restore")
}

type marshalWriter struct {
	t       *Interp
	out     []byte
	symbols map[string]int
	objects map[Value]int
}

func (w *marshalWriter) write(v Value) {
	switch v := v.(type) {
	case nil:
		w.out = append(w.out, '0')
		return
	case bool:
		w.out = append(w.out, "FT"[b2i(v)])
		return
	case int64:
		if v >= -1<<30 && v < 1<<30 {
			w.out = append(w.out, 'i')
			w.long(v)
			return
		}
	case *Symbol:
		w.symbol(v.name)
		return
	}
	if i, ok := w.objects[v]; ok {
		w.out = append(w.out, '@')
		w.long(int64(i))
		return
	}
	w.objects[v] = len(w.objects)
	w.t.enter()
	w.object(v)
	w.t.leave()
	w.t.tooLong(len(w.out))
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (w *marshalWriter) object(v Value) {
	switch v := v.(type) {
	case int64, *big.Int:
		w.big(bigOf(v))
	case float64:
		w.out = append(w.out, 'f')
		w.bytes(marshalFloat(v))
	case *String:
		w.text(v)
	case *Array:
		w.out = append(w.out, '[')
		w.long(int64(len(v.v)))
		for _, x := range v.v {
			w.write(x)
		}
	case *Hash:
		w.hash(v)
	case *Class:
		w.out = append(w.out, "cm"[b2i(v.module)])
		w.bytes(v.name)
	case *Range:
		w.fields('o', "Range", []string{"excl", "begin", "end"}, []Value{v.excl, v.lo, v.hi})
	case *Set:
		w.fields('o', "Set", []string{"@hash"}, []Value{v.h})
	case *Time:
		w.time(v)
	case *Object:
		w.instance(v)
	default:
		w.t.typeError("no _dump_data is defined for class %s", w.t.className(v))
	}
}

func (w *marshalWriter) instance(o *Object) {
	if o.data != nil || o.class.singular || o.class.name == "" {
		w.t.typeError("no _dump_data is defined for class %s", w.t.className(o))
	}
	var names []string
	var vals []Value
	if o.class.isStruct() {
		w.fields('S', o.class.name, structFields(o.class), w.t.structValues(o))
		return
	}
	for id, v := range o.ivars {
		if v != undef {
			names, vals = append(names, w.t.ivars[id]), append(vals, v)
		}
	}
	w.fields('o', o.class.name, names, vals)
}

func (w *marshalWriter) fields(kind byte, class string, names []string, vals []Value) {
	w.out = append(w.out, kind)
	w.symbol(class)
	w.long(int64(len(names)))
	for i, n := range names {
		w.symbol(n)
		w.write(vals[i])
	}
}

func (w *marshalWriter) hash(h *Hash) {
	if h.defProc != nil {
		w.t.typeError("can't dump hash with default proc")
	}
	w.out = append(w.out, "{}"[b2i(h.def != nil)])
	w.long(int64(h.live))
	h.eachEntry(w.t, func(k, v Value) bool { w.write(k); w.write(v); return true })
	if h.def != nil {
		w.write(h.def)
	}
}

func (w *marshalWriter) text(s *String) {
	if s.enc == binaryEncoding {
		w.out = append(w.out, '"')
		w.bytes(s.s)
		return
	}
	w.out = append(w.out, `I"`...)
	w.bytes(s.s)
	w.long(1)
	if s.enc == "" || s.enc == "UTF-8" || s.enc == "US-ASCII" {
		w.symbol("E")
		w.write(s.enc != "US-ASCII")
		return
	}
	w.symbol("encoding")
	w.write(&String{s: s.enc, enc: binaryEncoding})
}

// time packs the parts of a time in UTC into two words, as Time#_dump does.
func (w *marshalWriter) time(v *Time) {
	if v.kind != timeKind && v.kind != timestampKind {
		w.t.typeError("no _dump_data is defined for class %s", w.t.className(v))
	}
	u := v.t.UTC()
	_, offset := v.t.Zone()
	utc := b2i(v.t.Location() == time.UTC)
	high := 1<<31 | uint32(utc)<<30 | uint32(u.Year()-1900)<<14 | uint32(u.Month()-1)<<10 | uint32(u.Day())<<5 | uint32(u.Hour())
	low := uint32(u.Minute())<<26 | uint32(u.Second())<<20 | uint32(u.Nanosecond()/1000)
	w.out = append(w.out, "Iu"...)
	w.symbol(w.t.className(v))
	w.bytes(string(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, high), low)))
	names, vals := []string{"nano_num", "nano_den"}, []Value{int64(u.Nanosecond() % 1000), int64(1)}
	if utc == 0 {
		names, vals = append(names, "offset"), append(vals, int64(offset))
	}
	w.long(int64(len(names)))
	for i, n := range names {
		w.symbol(n)
		w.write(vals[i])
	}
}

func (w *marshalWriter) big(n *big.Int) {
	w.out = append(w.out, 'l', "+-"[b2i(n.Sign() < 0)])
	b := n.Bytes()
	slices.Reverse(b)
	if len(b)%2 == 1 {
		b = append(b, 0)
	}
	w.long(int64(len(b) / 2))
	w.out = append(w.out, b...)
}

func (w *marshalWriter) symbol(name string) {
	if i, ok := w.symbols[name]; ok {
		w.out = append(w.out, ';')
		w.long(int64(i))
		return
	}
	w.symbols[name] = len(w.symbols)
	if strings.IndexFunc(name, func(r rune) bool { return r >= 0x80 }) < 0 {
		w.out = append(w.out, ':')
		w.bytes(name)
		return
	}
	w.out = append(w.out, "I:"...)
	w.bytes(name)
	w.long(1)
	w.symbol("E")
	w.write(true)
}

func (w *marshalWriter) bytes(s string) {
	w.long(int64(len(s)))
	w.out = append(w.out, s...)
}

// long writes an integer in one byte if it is small, or else behind the number of its bytes.
func (w *marshalWriter) long(n int64) {
	switch {
	case n == 0:
		w.out = append(w.out, 0)
	case n > 0 && n < 123:
		w.out = append(w.out, byte(n+5))
	case n < 0 && n > -124:
		w.out = append(w.out, byte(n-5))
	default:
		at := len(w.out)
		w.out = append(w.out, 0)
		x, end := n, int64(0)
		if n < 0 {
			end = -1
		}
		for x != end {
			w.out = append(w.out, byte(x))
			x >>= 8
		}
		size := len(w.out) - at - 1
		if n < 0 {
			size = -size
		}
		w.out[at] = byte(size)
	}
}

func marshalFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	s := strings.Replace(strconv.FormatFloat(f, 'g', -1, 64), "e+", "e", 1)
	return strings.Replace(s, "e-0", "e-", 1)
}

type marshalReader struct {
	t       *Interp
	in      string
	symbols []string
	objects []Value
}

func (r *marshalReader) short() { r.t.argError("marshal data too short") }

func (r *marshalReader) byte() byte {
	if r.in == "" {
		r.short()
	}
	c := r.in[0]
	r.in = r.in[1:]
	return c
}

func (r *marshalReader) bytes(n int64) string {
	if n < 0 || n > int64(len(r.in)) {
		r.short()
	}
	s := r.in[:n]
	r.in = r.in[n:]
	return s
}

func (r *marshalReader) text() string { return r.bytes(r.long()) }

func (r *marshalReader) long() int64 {
	c := int64(int8(r.byte()))
	switch {
	case c == 0:
		return 0
	case c > 4:
		return c - 5
	case c < -4:
		return c + 5
	}
	n, size := int64(0), max(c, -c)
	if c < 0 {
		n = -1 << (8 * size)
	}
	for i := range size {
		n |= int64(r.byte()) << (8 * i)
	}
	return n
}

// count reads the number of what follows, of which each takes a byte at least.
func (r *marshalReader) count() int {
	n := r.long()
	if n < 0 || n > int64(len(r.in)) {
		r.short()
	}
	return int(n)
}

// keep notes an object that what follows may refer to.
func (r *marshalReader) keep(v Value) Value {
	r.objects = append(r.objects, v)
	return v
}

func (r *marshalReader) read() Value {
	r.t.enter()
	defer r.t.leave()
	switch c := r.byte(); c {
	case '0':
		return nil
	case 'T', 'F':
		return c == 'T'
	case 'i':
		return integer(r.long())
	case ':', ';':
		return r.t.sym(r.symbolOf(c))
	case '@':
		i := r.long()
		if i < 0 || i >= int64(len(r.objects)) {
			r.t.argError("dump format error (unlinked)")
		}
		return r.objects[i]
	case 'I':
		return r.withIvars()
	case '"':
		return r.keep(binaryString([]byte(r.text())))
	case 'f':
		f, err := strconv.ParseFloat(r.text(), 64)
		if err != nil {
			r.t.argError("dump format error")
		}
		return r.keep(f)
	case 'l':
		return r.keep(r.big())
	case '[':
		return r.array()
	case '{', '}':
		return r.hash(c == '}')
	case 'c', 'm':
		return r.keep(r.class(r.text()))
	case 'o', 'S':
		return r.instance()
	default:
		return r.t.argError("dump format error(0x%x)", c)
	}
}

func (r *marshalReader) symbol() string { return r.symbolOf(r.byte()) }

func (r *marshalReader) symbolOf(kind byte) string {
	switch kind {
	case ':':
		s := r.text()
		r.symbols = append(r.symbols, s)
		return s
	case 'I':
		s := r.symbol()
		for range r.count() {
			r.symbol()
			r.read()
		}
		return s
	case ';':
		if i := r.long(); i >= 0 && i < int64(len(r.symbols)) {
			return r.symbols[i]
		}
	}
	r.t.argError("dump format error for symbol(0x%x)", kind)
	return ""
}

// withIvars reads what has instance variables beside its content: the encoding of a text, the zone of a time.
func (r *marshalReader) withIvars() Value {
	switch c := r.byte(); c {
	case ':':
		r.in = ":" + r.in
		return r.t.sym(r.symbolOf('I'))
	case '"':
		s := &String{s: r.text(), enc: binaryEncoding}
		r.keep(s)
		r.ivars(func(name string, v Value) {
			switch {
			case name == "E" && v == true:
				s.enc = ""
			case name == "E":
				s.enc = "US-ASCII"
			case name == "encoding":
				s.enc = r.t.toS(v)
			}
		})
		return s
	case 'u':
		return r.time()
	default:
		return r.t.argError("dump format error(0x%x)", c)
	}
}

func (r *marshalReader) ivars(f func(name string, v Value)) {
	for range r.count() {
		name := r.symbol()
		f(name, r.read())
	}
}

func (r *marshalReader) time() Value {
	kind := timeKind
	switch class := r.symbol(); class {
	case "Time":
	case "LogStash::Timestamp":
		kind = timestampKind
	default:
		r.t.typeError("class %s needs to have method `_load'", class)
	}
	data := r.text()
	if len(data) != 8 {
		r.short()
	}
	high, low := binary.LittleEndian.Uint32([]byte(data)), binary.LittleEndian.Uint32([]byte(data[4:]))
	v := &Time{kind: kind}
	r.keep(v)
	nanos, zone := int64(0), time.Local
	if high>>30&1 == 1 {
		zone = time.UTC
	}
	r.ivars(func(name string, x Value) {
		switch n, _ := x.(int64); name {
		case "nano_num":
			nanos = n
		case "offset":
			zone = time.FixedZone("", int(n))
		}
	})
	v.t = time.Date(int(high>>14&0xffff)+1900, time.Month(high>>10&15)+1, int(high>>5&31), int(high&31), int(low>>26), int(low>>20&63), int(low&0xfffff)*1000+int(nanos), time.UTC).In(zone)
	return v
}

func (r *marshalReader) big() Value {
	negative := r.byte() == '-'
	b := []byte(r.bytes(2 * r.long()))
	slices.Reverse(b)
	n := new(big.Int).SetBytes(b)
	if negative {
		n.Neg(n)
	}
	return bigInteger(n)
}

func (r *marshalReader) array() Value {
	n := r.count()
	a := &Array{v: make([]Value, 0, n)}
	r.keep(a)
	for range n {
		a.v = append(a.v, r.read())
	}
	return a
}

func (r *marshalReader) hash(hasDefault bool) Value {
	h := newHash()
	r.keep(h)
	for range r.count() {
		k := r.read()
		h.set(r.t, k, r.read())
	}
	if hasDefault {
		h.def = r.read()
	}
	return h
}

func (r *marshalReader) class(name string) *Class {
	c, ok := r.t.lookupClass(name)
	if !ok {
		r.t.argError("undefined class/module %s", name)
	}
	return c
}

func (r *marshalReader) instance() Value {
	c := r.class(r.symbol())
	switch c {
	case r.t.core.rangeClass:
		v := &Range{}
		r.keep(v)
		r.ivars(func(name string, x Value) {
			switch name {
			case "excl":
				v.excl = truthy(x)
			case "begin":
				v.lo = x
			case "end":
				v.hi = x
			}
		})
		return v
	case r.t.core.set:
		v := &Set{newHash()}
		r.keep(v)
		r.ivars(func(_ string, x Value) {
			if h, ok := x.(*Hash); ok {
				v.h = h
			}
		})
		return v
	}
	if k := r.t.libraryClass(c); k != r.t.core.object && k != r.t.core.structClass {
		r.t.typeError("no _load_data is defined for class %s", c.name)
	}
	o := &Object{class: c}
	r.keep(o)
	prefix := ""
	if c.isStruct() {
		prefix = "\x00"
	}
	r.ivars(func(name string, x Value) { r.t.setIvar(o, prefix+name, x) })
	return o
}

// libraryClass returns the class of the library that c is or inherits from.
func (t *Interp) libraryClass(c *Class) *Class {
	for c.super != nil && !c.core {
		c = c.super
	}
	return c
}
