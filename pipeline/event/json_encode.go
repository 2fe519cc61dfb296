package event

import (
	"slices"
	"strconv"
	"unsafe"
)

// AppendJSON appends the event as one JSON object, fields in order, without metadata: the document that outputs write.
func (e *Event) AppendJSON(dst []byte) []byte { return appendFields(dst, e.root.fields, &e.clock) }

// What the routines that write text need at their destination: they store in blocks, beyond the end of what they return, and each
// byte may take a backslash before it. A text beyond bigText is measured first: its buffer must not become twice its size for nothing.
const (
	blockRoom = 16
	pairRoom  = len(`,"":""`) + blockRoom
	shortRoom = 16 // stands for the length of a value that is no text
	bigText   = 32 << 10
)

// maxPutInt is the largest integer that putFields writes: eight digits.
const maxPutInt = 99_999_999

// appendFields appends fields as an object. Each field is written with a comma before it; the first one's becomes the brace.
func appendFields(dst []byte, fields []Field, clock *timestampText) []byte {
	start := len(dst)
	for i := 0; i < len(fields); {
		dst = roomFor(dst, &fields[i])
		buf := dst[len(dst):cap(dst)]
		n, done := putFields(&buf[0], &buf[len(buf)-1], &fields[i], len(fields)-i, clock)
		dst = dst[:len(dst)+n]
		if i += done; i == len(fields) {
			break
		}
		if done == 0 {
			dst = appendField(dst, &fields[i], clock)
			i++
		}
	}
	if len(dst) == start {
		return append(dst, "{}"...)
	}
	dst[start] = '{'
	return append(dst, '}')
}

// appendField appends any field that is no hole.
func appendField(dst []byte, f *Field, clock *timestampText) []byte {
	dst = appendKey(dst, f.Key)
	switch f.Val.kind {
	case Time:
		dst = append(dst, '"')
		return append(clock.append(dst, int64(f.Val.num), f.Val.nsec), '"')
	case KindObject:
		return appendFields(dst, f.Val.Object().fields, clock)
	}
	return f.Val.AppendJSON(dst)
}

// appendKey appends ,"key":
func appendKey(dst []byte, key string) []byte {
	if len(key) < bigText {
		n := len(dst)
		dst = slices.Grow(dst, 2*len(key)+pairRoom)
		if k := putKey(unsafe.SliceData(dst[n:n+1]), key); k > 0 {
			return dst[:n+k]
		}
	}
	return append(AppendJSONString(append(dst, ','), key), ':')
}

// roomFor grows dst so that putFields writes at least f, if it writes it at all.
func roomFor(dst []byte, f *Field) []byte {
	size := len(f.Key) + f.Val.textRoom()
	if size >= bigText {
		size = 0
	}
	if need := 2*size + pairRoom + 1; cap(dst)-len(dst) < need {
		return slices.Grow(dst, need)
	}
	return dst
}

// textRoom returns the length of a text, and what stands for it where v is none.
func (v *Value) textRoom() int {
	if v.kind == String || v.kind == rawJSON {
		return int(v.num)
	}
	return shortRoom
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
	var clock timestampText
	return appendFields(dst, o.fields, &clock)
}

// AppendJSONString appends s in double quotes. Only what JSON demands is escaped, control characters as Jackson writes them (\u001F).
func AppendJSONString(dst []byte, s string) []byte {
	if len(s) < bigText {
		dst = append(slices.Grow(dst, 2*len(s)+2+blockRoom), '"')
		n := len(dst)
		if k := putText(unsafe.SliceData(dst[n:n+1]), s); k >= 0 {
			return append(dst[:n+k], '"')
		}
	} else {
		dst = append(dst, '"')
	}
	for {
		k := plainPrefix(s)
		dst = append(dst, s[:k]...)
		if k == len(s) {
			return append(dst, '"')
		}
		dst = appendEscape(dst, s[k])
		s = s[k+1:]
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
