package event

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strconv"
	"unsafe"
)

// AppendJSON appends the event as one JSON object, fields in order, without metadata: the document that outputs write.
func (e *Event) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range e.root.fields {
		f := &e.root.fields[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendKey(dst, f.Key)
		if f.Val.kind == Time {
			dst = append(dst, '"')
			dst = e.clock.append(dst, int64(f.Val.num), f.Val.nsec)
			dst = append(dst, '"')
			continue
		}
		dst = f.Val.AppendJSON(dst)
	}
	return append(dst, '}')
}

// AppendJSON appends v as JSON: floats as Java writes them, infinities and NaN as strings, instants as ISO8601 strings.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.kind {
	case Null:
		return append(dst, "null"...)
	case Int:
		return strconv.AppendInt(dst, int64(v.num), 10)
	case Float:
		f := v.Float()
		if f-f != 0 { // infinite or NaN
			dst = append(dst, '"')
			return append(AppendFloat(dst, f), '"')
		}
		return AppendFloat(dst, f)
	case String:
		return AppendJSONString(dst, v.Str())
	case Time:
		dst = append(dst, '"')
		return append(AppendTime(dst, v.Time()), '"')
	case KindList:
		dst = append(dst, '[')
		for i, item := range v.List().items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.AppendJSON(dst)
		}
		return append(dst, ']')
	case KindObject:
		return v.Object().AppendJSON(dst)
	case rawJSON:
		return append(dst, v.text()...)
	}
	return v.appendScalar(dst)
}

// AppendJSON appends o as a JSON object, fields in order.
func (o *Object) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range o.fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendKey(dst, o.fields[i].Key)
		dst = o.fields[i].Val.AppendJSON(dst)
	}
	return append(dst, '}')
}

func appendKey(dst []byte, key string) []byte {
	return append(AppendJSONString(dst, key), ':')
}

// AppendJSONString appends s in double quotes. Only what JSON demands is escaped, control characters as Jackson writes them (\u001F).
//
// It scans and copies in one pass, eight bytes at a time: the eight are stored before they are judged, and the place in dst moves on
// only over those that need no escape. Scanning first and copying by append after that was slower.
func AppendJSONString(dst []byte, s string) []byte {
	const slack = 16 // the longest escape, the closing quote and an eight-byte store that reaches beyond both
	dst = slices.Grow(dst, len(s)+slack)
	n := len(dst)
	buf := dst[:cap(dst)]
	buf[n] = '"'
	n++
	src := unsafe.Slice(unsafe.StringData(s), len(s))
	for len(src) >= 8 {
		w := binary.LittleEndian.Uint64(src)
		binary.LittleEndian.PutUint64(buf[n:], w)
		m := escapeMask(w)
		if m == 0 {
			src, n = src[8:], n+8
			continue
		}
		k := bits.TrailingZeros64(m) / 8
		buf, n = putEscape(buf, n+k, src[k], len(src)-k+slack)
		src = src[k+1:]
	}
	for i, c := range src {
		if c < 0x20 || c == '"' || c == '\\' {
			buf, n = putEscape(buf, n, c, len(src)-i+slack)
			continue
		}
		buf[n] = c
		n++
	}
	buf[n] = '"'
	return buf[:n+1]
}

// putEscape puts the escape of c at n and returns where it ends; behind it room bytes fit.
func putEscape(buf []byte, n int, c byte, room int) ([]byte, int) {
	buf = slices.Grow(buf[:n], room+6)
	buf = appendEscape(buf, c)
	n = len(buf)
	return buf[:cap(buf)], n
}

func appendEscape(dst []byte, c byte) []byte {
	const hex = "0123456789ABCDEF"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// escapeMask has the high bit of the first byte of w set that needs an escape: one below 0x20, a quote or a backslash. Bits above it
// may be wrong: each test leaves the high bit of a byte set where it holds, and its borrow can only set bits above the first true one.
func escapeMask(w uint64) uint64 {
	quote := w ^ lows*'"'
	slash := w ^ lows*'\\'
	return (((w - lows*0x20) &^ w) | ((quote - lows) &^ quote) | ((slash - lows) &^ slash)) & highs
}

// plainPrefix returns how many bytes at the start of s need no escape.
func plainPrefix(s string) int {
	p := unsafe.Slice(unsafe.StringData(s), len(s))
	i := 0
	for ; i+8 <= len(p); i += 8 {
		if m := escapeMask(binary.LittleEndian.Uint64(p[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(p); i++ {
		if c := p[i]; c < 0x20 || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}
