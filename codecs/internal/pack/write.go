package pack

import (
	"encoding/binary"
	"math"
	"strconv"

	"millrace/pipeline/event"
)

// AppendInt appends i in its shortest form.
func AppendInt(dst []byte, i int64) []byte {
	switch {
	case i >= -32 && i <= math.MaxInt8:
		return append(dst, byte(i))
	case i >= 0:
		return appendUint(dst, uint64(i))
	case i >= math.MinInt8:
		return append(dst, 0xD0, byte(i))
	case i >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(dst, 0xD1), uint16(i))
	case i >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(dst, 0xD2), uint32(i))
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xD3), uint64(i))
}

func appendUint(dst []byte, n uint64) []byte {
	switch {
	case n <= math.MaxUint8:
		return append(dst, 0xCC, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, 0xCD), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, 0xCE), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xCF), n)
}

// AppendString appends s.
func AppendString(dst []byte, s string) []byte {
	switch n := len(s); {
	case n <= 31:
		dst = append(dst, 0xA0|byte(n))
	case n <= math.MaxUint8:
		dst = append(dst, 0xD9, byte(n))
	case n <= math.MaxUint16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0xDA), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, 0xDB), uint32(n))
	}
	return append(dst, s...)
}

// AppendListHead appends the head of a list of n items.
func AppendListHead(dst []byte, n int) []byte { return appendCount(dst, n, 0x90, 0xDC) }

// AppendMapHead appends the head of a map of n pairs.
func AppendMapHead(dst []byte, n int) []byte { return appendCount(dst, n, 0x80, 0xDE) }

func appendCount(dst []byte, n int, short, long byte) []byte {
	switch {
	case n <= 15:
		return append(dst, short|byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, long), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, long+1), uint32(n))
}

// AppendValue appends v. Instants are written as ISO8601 text, integers beyond 64 bits as their digits.
func AppendValue(dst []byte, v event.Value) []byte {
	switch v.Kind() {
	case event.Null:
		return append(dst, 0xC0)
	case event.Bool:
		if v.Bool() {
			return append(dst, 0xC3)
		}
		return append(dst, 0xC2)
	case event.Int:
		return AppendInt(dst, v.Int())
	case event.Float:
		return binary.BigEndian.AppendUint64(append(dst, 0xCB), math.Float64bits(v.Float()))
	case event.Time:
		var text [40]byte
		return AppendString(dst, string(event.AppendTime(text[:0], v.Time())))
	case event.BigInt:
		if n, err := strconv.ParseUint(v.Str(), 10, 64); err == nil {
			return appendUint(dst, n)
		}
		return AppendString(dst, v.Str())
	case event.KindList:
		dst = AppendListHead(dst, v.List().Len())
		for _, item := range v.List().Items() {
			dst = AppendValue(dst, item)
		}
		return dst
	case event.KindObject:
		return AppendObject(dst, v.Object())
	}
	return AppendString(dst, v.Str())
}

// AppendObject appends o.
func AppendObject(dst []byte, o *event.Object) []byte {
	dst = AppendMapHead(dst, o.Len())
	for _, f := range o.Fields() {
		dst = AppendValue(AppendString(dst, f.Key), f.Val)
	}
	return dst
}
