package avro

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"millrace/pipeline/event"
)

var errFit = errors.New("avro: the event does not fit the schema")

// appendValue writes v by its schema.
func appendValue(dst []byte, s *schema, v event.Value, depth int) ([]byte, error) {
	if depth > maxDepth {
		return dst, errDepth
	}
	if s.kind != kindUnion && s.kind != kindRecord && !fits(s, v, 0) {
		return dst, errFit
	}
	switch s.kind {
	case kindBoolean:
		if v.Bool() {
			return append(dst, 1), nil
		}
		return append(dst, 0), nil
	case kindInt, kindLong:
		return appendLong(dst, whole(s, v)), nil
	case kindFloat:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(number(v)))), nil
	case kindDouble:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(number(v))), nil
	case kindBytes, kindString:
		return appendString(dst, v.Text()), nil
	case kindFixed:
		return append(dst, v.Str()...), nil
	case kindEnum:
		return appendLong(dst, int64(slices.Index(s.symbols, v.Str()))), nil
	case kindUnion:
		for i, b := range s.branches {
			if fits(b, v, 0) {
				return appendValue(appendLong(dst, int64(i)), b, v, depth+1)
			}
		}
		return dst, errFit
	case kindArray:
		return appendArray(dst, s, v.List(), depth+1)
	case kindMap:
		return appendMap(dst, s, v.Object(), depth+1)
	case kindRecord:
		return appendRecord(dst, s, v.Object(), depth+1)
	}
	return dst, nil // null
}

// appendLong writes a number with its sign in the lowest bit.
func appendLong(dst []byte, n int64) []byte { return binary.AppendVarint(dst, n) }

func appendString(dst []byte, s string) []byte { return append(appendLong(dst, int64(len(s))), s...) }

func appendArray(dst []byte, s *schema, l *event.List, depth int) (_ []byte, err error) {
	if l.Len() > 0 {
		dst = appendLong(dst, int64(l.Len()))
		for _, item := range l.Items() {
			if dst, err = appendValue(dst, s.item, item, depth); err != nil {
				return dst, err
			}
		}
	}
	return append(dst, 0), nil
}

func appendMap(dst []byte, s *schema, o *event.Object, depth int) (_ []byte, err error) {
	if o.Len() > 0 {
		dst = appendLong(dst, int64(o.Len()))
		for _, f := range o.Fields() {
			if dst, err = appendValue(appendString(dst, f.Key), s.item, f.Val, depth); err != nil {
				return dst, err
			}
		}
	}
	return append(dst, 0), nil
}

func appendRecord(dst []byte, s *schema, o *event.Object, depth int) (_ []byte, err error) {
	if o == nil {
		return dst, errFit
	}
	for i := range s.fields {
		f := &s.fields[i]
		if dst, err = appendValue(dst, f.typ, f.of(o), depth); err != nil {
			if err == errFit { // the innermost field is the one to tell of
				err = fmt.Errorf("%w: field %q", errFit, f.name)
			}
			return dst, err
		}
	}
	return dst, nil
}

// of returns the field's value in a hash, its default if there is none.
func (f *field) of(o *event.Object) event.Value {
	v, ok := o.Get(f.name)
	if !ok && f.hasDefault {
		return f.fallback
	}
	return v
}

// whole returns the number that stands for v, which fits.
func whole(s *schema, v event.Value) int64 {
	if v.Kind() != event.Time {
		return v.Int()
	}
	if s.logical == "timestamp-micros" {
		return v.Time().UnixMicro()
	}
	return v.Time().UnixMilli()
}

func number(v event.Value) float64 {
	if v.Kind() == event.Int {
		return float64(v.Int())
	}
	return v.Float()
}

// fits reports whether v can be written by a schema: of a union the first branch that fits is taken.
func fits(s *schema, v event.Value, depth int) bool {
	k := v.Kind()
	if depth > maxDepth {
		return false
	}
	switch s.kind {
	case kindNull:
		return k == event.Null
	case kindBoolean:
		return k == event.Bool
	case kindInt:
		return k == event.Int && v.Int() >= math.MinInt32 && v.Int() <= math.MaxInt32
	case kindLong:
		return k == event.Int || k == event.Time && (s.logical == "timestamp-millis" || s.logical == "timestamp-micros")
	case kindFloat, kindDouble:
		return k == event.Int || k == event.Float
	case kindBytes, kindString:
		return k == event.String || k == event.Time
	case kindFixed:
		return k == event.String && len(v.Str()) == s.size
	case kindEnum:
		return k == event.String && slices.Contains(s.symbols, v.Str())
	case kindUnion:
		return slices.ContainsFunc(s.branches, func(b *schema) bool { return fits(b, v, depth+1) })
	case kindArray:
		l := v.List()
		return l != nil && !slices.ContainsFunc(l.Items(), func(item event.Value) bool { return !fits(s.item, item, depth+1) })
	case kindMap:
		o := v.Object()
		return o != nil && !slices.ContainsFunc(o.Fields(), func(f event.Field) bool { return !fits(s.item, f.Val, depth+1) })
	}
	o := v.Object()
	return o != nil && !slices.ContainsFunc(s.fields, func(f field) bool { return !fits(f.typ, f.of(o), depth+1) })
}
