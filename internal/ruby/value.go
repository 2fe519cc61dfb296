package ruby

import (
	"math/big"
	"unsafe"
)

// Value is a Ruby object: nil, bool, int64, *big.Int (only beyond 64 bits), float64, *String, *Symbol, *Array, *Hash, *Range, *Proc, *Class, *Object or
// one of the types of the library. Integers that fit are always int64.
type Value = any

// String is a String. Its text is immutable as Go sees it: changing the String replaces it, so that texts are shared freely.
type String struct {
	s      string
	buf    []byte // what s stands in if this String alone may append to it
	enc    string // name of the encoding; "" is UTF-8
	frozen bool
}

// Symbol is a Symbol; there is one for each name in an Interp.
type Symbol struct{ name string }

// Array is an Array.
type Array struct {
	v      []Value
	frozen bool
}

// Range is a Range; lo and hi may be nil.
type Range struct {
	lo, hi Value
	excl   bool
}

// Object is an instance of a class of the code, or of one that needs no more than instance variables.
type Object struct {
	class  *Class
	ivars  []Value // by the number that the Interp gave the name
	frozen bool
	data   any // what the library keeps in it
}

// undef is the value of a variable that was never set.
type undefined struct{}

var undef Value = &undefined{}

// smallInts are integers that are made without an allocation.
var smallInts = func() (a [1 << 12]Value) {
	for i := range a {
		a[i] = int64(i) - 256
	}
	return a
}()

// integer returns i as a Value.
func integer(i int64) Value {
	if n := uint64(i) + 256; n < uint64(len(smallInts)) {
		return smallInts[n]
	}
	return i
}

// bigInteger returns b as a Value: an int64 where it fits.
func bigInteger(b *big.Int) Value {
	if b.IsInt64() {
		return integer(b.Int64())
	}
	return b
}

// str returns s as a String.
func str(s string) *String { return &String{s: s} }

// strValue returns s as a Value.
func strValue(s string) Value { return &String{s: s} }

// truthy reports whether v counts as true.
func truthy(v Value) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	}
	return true
}

// binary reports whether the characters of s are its bytes.
func (s *String) binary() bool { return s.enc != "" && s.enc != "UTF-8" }

// set replaces the text.
func (s *String) set(text string) { s.s, s.buf = text, nil }

// append adds a text at the end. What others hold of the old text stays as it is: only what is behind it is written.
func (s *String) append(text string) {
	if len(text) == 0 {
		return
	}
	if s.buf == nil || len(s.buf) != len(s.s) {
		s.buf = make([]byte, len(s.s), 2*(len(s.s)+len(text)))
		copy(s.buf, s.s)
	}
	s.buf = append(s.buf, text...)
	s.s = unsafe.String(unsafe.SliceData(s.buf), len(s.buf))
}

// dup returns a copy that is not frozen.
func (s *String) dup() *String { return &String{s: s.s, enc: s.enc} }

// with returns a new String in the encoding of s.
func (s *String) with(text string) *String { return &String{s: text, enc: s.enc} }

func array(v ...Value) *Array { return &Array{v: v} }

func arrayOf(v []Value) *Array { return &Array{v: v} }

// strings returns texts as an Array of Strings.
func stringArray(texts []string) *Array {
	a := make([]Value, len(texts))
	s := make([]String, len(texts))
	for i, text := range texts {
		s[i].s = text
		a[i] = &s[i]
	}
	return &Array{v: a}
}
