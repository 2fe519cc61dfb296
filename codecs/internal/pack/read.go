// Package pack reads and writes MessagePack as values of events. The module vmihailenco/msgpack, against which the tests compare it,
// reads through an io.Reader into maps: that loses the order of fields, copies every string, and cannot tell where in a stream a
// message ends without building it.
package pack

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"millrace/pipeline/event"
)

// Errors of a text that is not MessagePack.
var (
	ErrTruncated = errors.New("msgpack: unexpected end of data")
	ErrInvalid   = errors.New("msgpack: invalid byte")
	ErrDepth     = errors.New("msgpack: nested deeper than 500")
	ErrExtension = errors.New("msgpack: unknown extension type")
)

const maxDepth = 500

// Class is what a head announces.
type Class uint8

// The classes.
const (
	Scalar  Class = iota // null, a boolean or a number: the head is all
	Text                 // a string
	Bytes                // a string of bytes
	List                 // N values follow
	Map                  // N pairs follow
	Ext                  // N bytes of an extension type follow
	Invalid              // no MessagePack
)

// Head is the beginning of a value.
type Head struct {
	Class Class
	Size  int   // of the head in bytes
	N     int   // of bytes, items or pairs that follow
	Type  int8  // of an Ext
	code  byte  // of a Scalar
	short int64 // number within the code
}

// ReadHead reads the head at the beginning of s. ok is false if s ends within it.
func ReadHead(s string) (h Head, ok bool) {
	if s == "" {
		return Head{}, false
	}
	c := s[0]
	h = Head{Size: 1, code: c}
	switch {
	case c <= 0x7F:
		h.short = int64(c)
		return h, true
	case c <= 0x8F:
		h.Class, h.N = Map, int(c&15)
		return h, true
	case c <= 0x9F:
		h.Class, h.N = List, int(c&15)
		return h, true
	case c <= 0xBF:
		h.Class, h.N = Text, int(c&31)
		return h, true
	case c >= 0xE0:
		h.short = int64(int8(c))
		return h, true
	}
	return readLongHead(s, h)
}

// lengths holds, for the codes from C4 on, the class and the bytes of the length or number that follow the code.
var lengths = [...]struct {
	class Class
	bytes int
}{
	{Bytes, 1}, {Bytes, 2}, {Bytes, 4}, {Ext, 1}, {Ext, 2}, {Ext, 4}, // C4–C9
	{Scalar, 4}, {Scalar, 8}, // CA float32, CB float64
	{Scalar, 1}, {Scalar, 2}, {Scalar, 4}, {Scalar, 8}, // CC–CF unsigned
	{Scalar, 1}, {Scalar, 2}, {Scalar, 4}, {Scalar, 8}, // D0–D3 signed
	{Ext, 0}, {Ext, 0}, {Ext, 0}, {Ext, 0}, {Ext, 0}, // D4–D8 of 1, 2, 4, 8, 16 bytes
	{Text, 1}, {Text, 2}, {Text, 4}, // D9–DB
	{List, 2}, {List, 4}, {Map, 2}, {Map, 4}, // DC–DF
}

func readLongHead(s string, h Head) (Head, bool) {
	c := h.code
	if c < 0xC4 {
		if c == 0xC1 {
			h.Class = Invalid
		}
		return h, true
	}
	l := lengths[c-0xC4]
	h.Class, h.Size = l.class, 1+l.bytes
	if l.class == Ext {
		h.Size++
	}
	if len(s) < h.Size {
		return h, false
	}
	if l.class == Scalar {
		return h, true
	}
	h.N = int(bigEndian(s[1 : 1+l.bytes]))
	if l.class == Ext {
		if l.bytes == 0 {
			h.N = 1 << (c - 0xD4)
		}
		h.Type = int8(s[h.Size-1])
	}
	return h, true
}

func bigEndian(s string) (n uint64) {
	for i := 0; i < len(s); i++ {
		n = n<<8 | uint64(s[i])
	}
	return n
}

// Reader reads values from Data on.
type Reader struct {
	Data  string
	depth int
}

// Head reads a head. Of a Text, Bytes or Ext it makes sure that the bytes are there.
func (r *Reader) Head() (Head, error) {
	h, ok := ReadHead(r.Data)
	switch {
	case !ok:
		return h, ErrTruncated
	case h.Class == Invalid:
		return h, ErrInvalid
	}
	if (h.Class == Text || h.Class == Bytes || h.Class == Ext) && h.N > len(r.Data)-h.Size {
		return h, ErrTruncated
	}
	if h.Class != Scalar {
		r.Data = r.Data[h.Size:]
	}
	return h, nil
}

// Take returns the next n bytes, which a Head has announced.
func (r *Reader) Take(n int) string {
	s := r.Data[:n]
	r.Data = r.Data[n:]
	return s
}

// Value reads a value, which belongs to e. Strings are parts of the data.
func (r *Reader) Value(e *event.Event) (event.Value, error) {
	h, err := r.Head()
	if err != nil {
		return event.Value{}, err
	}
	return r.Rest(h, e)
}

// Rest reads the value whose head was read.
func (r *Reader) Rest(h Head, e *event.Event) (event.Value, error) {
	switch h.Class {
	case Scalar:
		return number(h, r.Take(h.Size)), nil
	case Text, Bytes:
		return event.StringValue(text(r.Take(h.N))), nil
	case Ext:
		if h.Type != -1 {
			return event.Value{}, ErrExtension
		}
		return timestamp(r.Take(h.N))
	}
	if r.depth++; r.depth > maxDepth {
		return event.Value{}, ErrDepth
	}
	defer func() { r.depth-- }()
	if h.Class == List {
		return r.list(h.N, e)
	}
	o, err := r.object(h.N, e)
	if err != nil {
		return event.Value{}, err
	}
	return event.ObjectValue(o), nil
}

// Object reads the pairs of a Map whose head was read.
func (r *Reader) Object(h Head, e *event.Event) (*event.Object, error) { return r.object(h.N, e) }

func (r *Reader) object(n int, e *event.Event) (*event.Object, error) {
	o := e.NewObject()
	for range n {
		k, err := r.Value(e)
		if err != nil {
			return nil, err
		}
		v, err := r.Value(e)
		if err != nil {
			return nil, err
		}
		o.Set(k.Text(), v)
	}
	return o, nil
}

func (r *Reader) list(n int, e *event.Event) (event.Value, error) {
	l := e.NewList()
	for range n {
		v, err := r.Value(e)
		if err != nil {
			return event.Value{}, err
		}
		l.Append(v)
	}
	return event.ListValue(l), nil
}

// text returns s as valid UTF-8.
func text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// number reads a scalar, head included.
func number(h Head, s string) event.Value {
	body := bigEndian(s[1:])
	switch c := h.code; {
	case c == 0xC0:
		return event.Value{}
	case c == 0xC2 || c == 0xC3:
		return event.BoolValue(c == 0xC3)
	case c == 0xCA:
		return event.FloatValue(float64(math.Float32frombits(uint32(body))))
	case c == 0xCB:
		return event.FloatValue(math.Float64frombits(body))
	case c == 0xCF && body > math.MaxInt64:
		return event.BigIntValue(strconv.FormatUint(body, 10))
	case c >= 0xCC && c <= 0xCF:
		return event.IntValue(int64(body))
	case c == 0xD0:
		return event.IntValue(int64(int8(body)))
	case c == 0xD1:
		return event.IntValue(int64(int16(body)))
	case c == 0xD2:
		return event.IntValue(int64(int32(body)))
	case c == 0xD3:
		return event.IntValue(int64(body))
	}
	return event.IntValue(h.short)
}

// timestamp reads MessagePack's own extension type.
func timestamp(s string) (event.Value, error) {
	b := []byte(s)
	var sec int64
	var nsec uint32
	switch len(b) {
	case 4:
		sec = int64(binary.BigEndian.Uint32(b))
	case 8:
		n := binary.BigEndian.Uint64(b)
		sec, nsec = int64(n&(1<<34-1)), uint32(n>>34)
	case 12:
		nsec, sec = binary.BigEndian.Uint32(b), int64(binary.BigEndian.Uint64(b[4:]))
	default:
		return event.Value{}, ErrExtension
	}
	if nsec >= 1e9 {
		return event.Value{}, ErrExtension
	}
	return event.TimeValue(time.Unix(sec, int64(nsec))), nil
}
