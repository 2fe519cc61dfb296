package event

import (
	"encoding/binary"
	"math/bits"
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
func AppendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for {
		n := plainPrefix(s)
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return append(dst, '"')
		}
		dst = appendEscape(dst, s[n])
		s = s[n+1:]
	}
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

// plainPrefix returns how many bytes at the start of s need no escape, eight at a time: a byte needs one if it is below 0x20, a quote
// or a backslash. Each test leaves the high bit of a byte set where it holds; a carry can only set bits above the first true one, and
// only the first one counts.
func plainPrefix(s string) int {
	p := unsafe.Slice(unsafe.StringData(s), len(s))
	i := 0
	for ; i+8 <= len(p); i += 8 {
		w := binary.LittleEndian.Uint64(p[i:])
		quote := w ^ lows*'"'
		slash := w ^ lows*'\\'
		m := ((w - lows*0x20) &^ w) | ((quote - lows) &^ quote) | ((slash - lows) &^ slash)
		if m &= highs; m != 0 {
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
