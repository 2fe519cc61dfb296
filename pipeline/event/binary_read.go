package event

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
	"unsafe"
)

// maxBinaryDepth bounds lists and objects within each other in what is read; no decoder of documents makes them deeper.
const maxBinaryDepth = 10_000

var errBinary = errors.New("malformed binary form of values")

// BinaryReader reads what [Value.AppendBinary], [Object.AppendBinary] and [AppendBinaryText] wrote, and the numbers between them. After
// the first error everything it returns is zero. Texts are parts of what is read, which must not change any more.
type BinaryReader struct {
	rest  string
	owner *Event // of lists and objects; nil: nobody reuses them
	err   error
}

// NewBinaryReader returns a reader of data. Lists and objects that it makes belong to owner; with nil they are nobody's and are never
// used again.
func NewBinaryReader(data string, owner *Event) BinaryReader {
	return BinaryReader{rest: data, owner: owner}
}

// Err returns the error that ended the reading, nil if there is none.
func (r *BinaryReader) Err() error { return r.err }

// Len returns the number of bytes that are left.
func (r *BinaryReader) Len() int { return len(r.rest) }

// Fail ends the reading: what was read makes no sense to the caller.
func (r *BinaryReader) Fail() { r.rest, r.err = "", errBinary }

// Accept reads the next byte if it is c, and reports whether it was.
func (r *BinaryReader) Accept(c byte) bool {
	if r.rest == "" || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

// Byte reads a byte.
func (r *BinaryReader) Byte() byte {
	if r.rest == "" {
		r.Fail()
		return 0
	}
	c := r.rest[0]
	r.rest = r.rest[1:]
	return c
}

// Uvarint reads an unsigned number.
func (r *BinaryReader) Uvarint() uint64 {
	n, size := binary.Uvarint(unsafe.Slice(unsafe.StringData(r.rest), len(r.rest)))
	if size <= 0 {
		r.Fail()
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// Varint reads a signed number.
func (r *BinaryReader) Varint() int64 {
	n := r.Uvarint()
	if n&1 != 0 {
		return ^int64(n >> 1)
	}
	return int64(n >> 1)
}

// Count reads the number of things that take at least one byte each.
func (r *BinaryReader) Count() int {
	n := r.Uvarint()
	if n > uint64(len(r.rest)) {
		r.Fail()
		return 0
	}
	return int(n)
}

// Take reads n bytes.
func (r *BinaryReader) Take(n uint64) string {
	if n > uint64(len(r.rest)) {
		r.Fail()
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

// Text reads a text with its length before it.
func (r *BinaryReader) Text() string { return r.Take(r.Uvarint()) }

// Time reads an instant: its seconds and nanoseconds.
func (r *BinaryReader) Time() time.Time {
	sec, nsec := r.Varint(), r.Uvarint()
	if nsec > 999_999_999 {
		r.Fail()
		return time.Time{}
	}
	return time.Unix(sec, int64(nsec))
}

// Value reads a value.
func (r *BinaryReader) Value() Value { return r.value(0) }

// Into reads the fields of an object into o.
func (r *BinaryReader) Into(o *Object) { r.object(o, 0) }

func (r *BinaryReader) value(depth int) Value {
	switch Kind(r.Byte()) {
	case Null:
		return Value{}
	case Bool:
		return BoolValue(r.Byte() != 0)
	case Int:
		return IntValue(r.Varint())
	case Float:
		if b := r.Take(8); b != "" {
			return FloatValue(math.Float64frombits(binary.LittleEndian.Uint64([]byte(b))))
		}
		return Value{}
	case String:
		return StringValue(r.Text())
	case BigInt:
		return BigIntValue(r.Text())
	case Time:
		return TimeValue(r.Time())
	case KindList:
		if depth < maxBinaryDepth {
			return r.list(depth + 1)
		}
	case KindObject:
		if depth < maxBinaryDepth {
			o := r.newObject()
			r.object(o, depth+1)
			return ObjectValue(o)
		}
	}
	r.Fail()
	return Value{}
}

func (r *BinaryReader) newObject() *Object {
	if r.owner == nil {
		return new(Object)
	}
	return r.owner.NewObject()
}

func (r *BinaryReader) object(o *Object, depth int) {
	for range r.Count() {
		key := r.Text()
		v := r.value(depth)
		if r.err != nil {
			return
		}
		o.Set(key, v)
	}
}

func (r *BinaryReader) list(depth int) Value {
	l := new(List)
	if r.owner != nil {
		l = r.owner.NewList()
	}
	for range r.Count() {
		l.Append(r.value(depth))
		if r.err != nil {
			break
		}
	}
	return ListValue(l)
}

// AppendBinary appends the document of e and its metadata, in the form of [Object.AppendBinary].
func (e *Event) AppendBinary(dst []byte) []byte {
	return e.Metadata().AppendBinary(e.root.AppendBinary(dst))
}

// ReadBinary makes e, which is empty, the event that AppendBinary wrote. After an error e holds a part of it. Texts are parts of data.
func (e *Event) ReadBinary(data string) error {
	r := NewBinaryReader(data, e)
	r.Into(&e.root)
	r.Into(e.Metadata())
	if r.err == nil && r.rest != "" {
		r.Fail()
	}
	return r.err
}
