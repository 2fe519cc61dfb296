package avro

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"time"
	"unsafe"

	"millrace/internal/charset"
	"millrace/pipeline/event"
)

var (
	errTruncated = errors.New("avro: unexpected end of data")
	errNumber    = errors.New("avro: a number of more than 64 bits")
	errTooMany   = errors.New("avro: more items than the data can hold")
)

// reader reads the binary encoding into values of an event.
type reader struct {
	e     *event.Event
	data  string
	text  *charset.Decoder
	items int // of arrays and maps so far
}

// maxEmpty is how many items that take no bytes a datum may have.
const maxEmpty = 1 << 16

func (r *reader) take(n int64) (string, error) {
	if n < 0 || n > int64(len(r.data)) {
		return "", errTruncated
	}
	s := r.data[:n]
	r.data = r.data[n:]
	return s, nil
}

// long reads a number of variable length, the sign in its lowest bit.
func (r *reader) long() (int64, error) {
	var n uint64
	for shift := 0; shift < 70; shift += 7 {
		if r.data == "" {
			return 0, errTruncated
		}
		b := r.data[0]
		r.data = r.data[1:]
		n |= uint64(b&0x7F) << shift
		if b < 0x80 {
			return int64(n>>1) ^ -int64(n&1), nil
		}
	}
	return 0, errNumber
}

func (r *reader) bytes() (string, error) {
	n, err := r.long()
	if err != nil {
		return "", err
	}
	return r.take(n)
}

func (r *reader) value(s *schema, depth int) (event.Value, error) {
	if depth > maxDepth {
		return event.Value{}, errDepth
	}
	switch s.kind {
	case kindNull:
		return event.Value{}, nil
	case kindBoolean:
		b, err := r.take(1)
		return event.BoolValue(err == nil && b[0] == 1), err
	case kindInt, kindLong:
		n, err := r.long()
		return integer(r.e, s, n), err
	case kindFloat:
		b, err := r.take(4)
		if err != nil {
			return event.Value{}, err
		}
		return event.FloatValue(float64(math.Float32frombits(binary.LittleEndian.Uint32(unsafe.Slice(unsafe.StringData(b), 4))))), nil
	case kindDouble:
		b, err := r.take(8)
		if err != nil {
			return event.Value{}, err
		}
		return event.FloatValue(math.Float64frombits(binary.LittleEndian.Uint64(unsafe.Slice(unsafe.StringData(b), 8)))), nil
	case kindBytes, kindString:
		b, err := r.bytes()
		return r.string(s, b), err
	case kindFixed:
		b, err := r.take(int64(s.size))
		return r.string(s, b), err
	case kindEnum:
		i, err := r.index(len(s.symbols))
		if err != nil {
			return event.Value{}, err
		}
		return event.StringValue(s.symbols[i]), nil
	case kindUnion:
		i, err := r.index(len(s.branches))
		if err != nil {
			return event.Value{}, err
		}
		return r.value(s.branches[i], depth+1)
	case kindArray:
		return r.array(s, depth)
	case kindMap:
		return r.hash(s, depth)
	}
	o := r.e.NewObject()
	for i := range s.fields {
		v, err := r.value(s.fields[i].typ, depth+1)
		if err != nil {
			return event.Value{}, fmt.Errorf("field %q: %w", s.fields[i].name, err)
		}
		o.Set(s.fields[i].name, v)
	}
	return event.ObjectValue(o), nil
}

// index reads which of n is meant.
func (r *reader) index(n int) (int64, error) {
	i, err := r.long()
	if err == nil && (i < 0 || i >= int64(n)) {
		err = fmt.Errorf("avro: number %d of %d", i, n)
	}
	return i, err
}

// integer makes a value of a whole number, which may stand for a time.
func integer(e *event.Event, s *schema, n int64) event.Value {
	switch {
	case s.logical == "date" && s.kind == kindInt:
		return event.StringValue(e.Arena.Take(time.Unix(n*86400, 0).UTC().AppendFormat(e.Arena.Free(), time.DateOnly)))
	case s.logical == "timestamp-millis" && s.kind == kindLong:
		return event.TimeValue(time.UnixMilli(n))
	case s.logical == "timestamp-micros" && s.kind == kindLong:
		return event.TimeValue(time.UnixMicro(n))
	}
	return event.IntValue(n)
}

// string makes a value of bytes: text, or the number that they stand for.
func (r *reader) string(s *schema, b string) event.Value {
	if s.logical != "decimal" || s.kind == kindString || b == "" || s.scale < 0 {
		return event.StringValue(r.text.Decode(r.e.Arena, b))
	}
	n := new(big.Int).SetBytes([]byte(b))
	if b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return event.StringValue(new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(min(s.scale, 1000))), nil)).FloatString(min(s.scale, 1000)))
}

// blocks reads the items of an array or map, which come in blocks: their number, if it is negative also their length in bytes.
func (r *reader) blocks(item func() error) error {
	for {
		n, err := r.long()
		if err != nil || n == 0 {
			return err
		}
		if n < 0 {
			n = -n
			if _, err := r.long(); err != nil {
				return err
			}
		}
		for ; n != 0; n-- {
			if r.items++; r.items > maxEmpty && r.items > 8*len(r.data) {
				return errTooMany
			}
			if err := item(); err != nil {
				return err
			}
		}
	}
}

func (r *reader) array(s *schema, depth int) (event.Value, error) {
	l := r.e.NewList()
	err := r.blocks(func() error {
		v, err := r.value(s.item, depth+1)
		l.Append(v)
		return err
	})
	return event.ListValue(l), err
}

func (r *reader) hash(s *schema, depth int) (event.Value, error) {
	o := r.e.NewObject()
	err := r.blocks(func() error {
		key, err := r.bytes()
		if err != nil {
			return err
		}
		v, err := r.value(s.item, depth+1)
		o.Set(r.text.Decode(r.e.Arena, key), v)
		return err
	})
	return event.ObjectValue(o), err
}
