package event

import (
	"math"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"millrace/internal/joda"
)

// Text returns v as sprintf writes it; see [Value.AppendText].
func (v Value) Text() string {
	if v.kind == String || v.kind == BigInt {
		return v.Str()
	}
	return string(v.AppendText(nil))
}

// AppendText appends v as sprintf writes it (StringInterpolation.java): a list joined by commas through all levels, its nulls empty
// and its hashes as Java prints a map; a hash as JSON with sorted keys; null as nothing.
func (v Value) AppendText(dst []byte) []byte {
	switch v.kind {
	case KindList:
		return v.List().appendJoined(dst)
	case KindObject:
		return v.Object().appendSortedJSON(dst)
	}
	return v.appendScalar(dst)
}

func (v Value) appendScalar(dst []byte) []byte {
	switch v.kind {
	case Bool:
		return strconv.AppendBool(dst, v.Bool())
	case Int:
		return strconv.AppendInt(dst, int64(v.num), 10)
	case Float:
		return AppendFloat(dst, v.Float())
	case String, BigInt:
		return append(dst, v.Str()...)
	case Time:
		return AppendTime(dst, v.Time())
	}
	return dst
}

func (l *List) appendJoined(dst []byte) []byte {
	for i, item := range l.items {
		if i > 0 {
			dst = append(dst, ',')
		}
		switch item.kind {
		case KindList:
			dst = item.List().appendJoined(dst)
		default:
			dst = item.appendJava(dst)
		}
	}
	return dst
}

// appendJava appends v as Java's toString writes it; a null at the top of a joined list is nothing.
func (v Value) appendJava(dst []byte) []byte {
	switch v.kind {
	case KindObject:
		dst = append(dst, '{')
		for i, f := range v.Object().Fields() {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(append(dst, f.Key...), '=')
			dst = f.Val.appendJavaInner(dst)
		}
		return append(dst, '}')
	case KindList:
		dst = append(dst, '[')
		for i, item := range v.List().items {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = item.appendJavaInner(dst)
		}
		return append(dst, ']')
	}
	return v.appendScalar(dst)
}

func (v Value) appendJavaInner(dst []byte) []byte {
	if v.kind == Null {
		return append(dst, "null"...)
	}
	return v.appendJava(dst)
}

func (o *Object) appendSortedJSON(dst []byte) []byte {
	o.settle()
	order := make([]int, len(o.fields))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(a, b int) bool { return o.fields[order[a]].Key < o.fields[order[b]].Key })
	dst = append(dst, '{')
	for n, i := range order {
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = append(AppendJSONString(dst, o.fields[i].Key), ':')
		dst = o.fields[i].Val.appendSortedJSON(dst)
	}
	return append(dst, '}')
}

func (v Value) appendSortedJSON(dst []byte) []byte {
	switch v.kind {
	case KindObject:
		return v.Object().appendSortedJSON(dst)
	case KindList:
		dst = append(dst, '[')
		for i, item := range v.List().items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.appendSortedJSON(dst)
		}
		return append(dst, ']')
	}
	return v.AppendJSON(dst)
}

// AppendInspect appends v as Ruby's inspect writes it: {"a"=>1, "b"=>[nil, 1.0]}.
func (v Value) AppendInspect(dst []byte) []byte {
	switch v.kind {
	case Null:
		return append(dst, "nil"...)
	case String:
		return AppendInspectString(dst, v.Str())
	case Float:
		return AppendRubyFloat(dst, v.Float())
	case KindList:
		dst = append(dst, '[')
		for i, item := range v.List().items {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = item.AppendInspect(dst)
		}
		return append(dst, ']')
	case KindObject:
		dst = append(dst, '{')
		for i, f := range v.Object().Fields() {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(AppendInspectString(dst, f.Key), "=>"...)
			dst = f.Val.AppendInspect(dst)
		}
		return append(dst, '}')
	}
	return v.appendScalar(dst)
}

// AppendRubyText appends v as Ruby's to_s writes it: strings as they are, null as nothing, anything else as inspect.
func (v Value) AppendRubyText(dst []byte) []byte {
	switch v.kind {
	case Null:
		return dst
	case String, Time:
		return v.appendScalar(dst)
	}
	return v.AppendInspect(dst)
}

// AppendInspectString appends s in double quotes with the escapes of Ruby's String#inspect; printable Unicode stays.
func AppendInspectString(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	dst = append(dst, '"')
	for i, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '#' && i+1 < len(s) && (s[i+1] == '{' || s[i+1] == '$' || s[i+1] == '@'):
			dst = append(dst, `\#`...)
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == '\f':
			dst = append(dst, `\f`...)
		case r == '\v':
			dst = append(dst, `\v`...)
		case r == '\b':
			dst = append(dst, `\b`...)
		case r == '\a':
			dst = append(dst, `\a`...)
		case r == 0x1b:
			dst = append(dst, `\e`...)
		case r == 0x7f:
			dst = append(dst, `\x7F`...)
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"): // an invalid byte
			dst = append(dst, '\\', 'x', hex[s[i]>>4], hex[s[i]&15])
		case r < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		case !strconv.IsPrint(r):
			dst = appendUnicodeEscape(dst, r)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

func appendUnicodeEscape(dst []byte, r rune) []byte {
	const hex = "0123456789ABCDEF"
	if r > 0xFFFF {
		dst = append(dst, `\u{`...)
		dst = append(dst, []byte(upper(strconv.FormatInt(int64(r), 16)))...)
		return append(dst, '}')
	}
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// AppendFloat appends f as Java's Double.toString writes it, the form of Logstash's output: 1.0, 1.0E7, 1.0E-5, Infinity.
func AppendFloat(dst []byte, f float64) []byte {
	return appendFloat(dst, f, 1e-3, 1e7, "E", 1)
}

// AppendRubyFloat appends f as JRuby's Float#to_s writes it, with plain digits up to 1e20: 1.0, 10000000.0, 1.0e+20, 1.0e-05,
// Infinity.
func AppendRubyFloat(dst []byte, f float64) []byte {
	n := len(dst)
	dst = appendFloat(dst, f, 1e-4, 1e20, "e", 2)
	if e := lastIndexByte(dst[n:], 'e'); e >= 0 && dst[n+e+1] != '-' {
		dst = append(dst, 0)
		copy(dst[n+e+2:], dst[n+e+1:])
		dst[n+e+1] = '+'
	}
	return dst
}

func lastIndexByte(b []byte, c byte) int {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] == c {
			return i
		}
	}
	return -1
}

// appendFloat writes plain decimals between min and max, and mantissa, mark and an exponent of at least digits digits outside.
func appendFloat(dst []byte, f, min, max float64, mark string, digits int) []byte {
	switch abs := math.Abs(f); {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case abs == 0 || abs >= min && abs < max:
		n := len(dst)
		dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
		if lastIndexByte(dst[n:], '.') < 0 {
			dst = append(dst, ".0"...)
		}
		return dst
	}
	n := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64) // d.ddde±dd
	e := n + lastIndexByte(dst[n:], 'e')
	exp, _ := strconv.Atoi(string(dst[e+1:]))
	dst = dst[:e]
	if lastIndexByte(dst[n:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	dst = append(dst, mark...)
	if exp < 0 {
		dst = append(dst, '-')
		exp = -exp
	}
	if digits == 2 && exp < 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(exp), 10)
}

// AppendTime appends t in UTC as Logstash writes a timestamp: 2024-01-02T03:04:05.678Z, with 3, 6 or 9 digits as it needs.
func AppendTime(dst []byte, t time.Time) []byte {
	var c timestampText
	return c.append(dst, t.Unix(), uint32(t.Nanosecond()))
}

// timestampText keeps the text of the last instant, which the events of a batch share, and of its second, which most others do.
type timestampText struct {
	sec  int64
	nsec uint32
	n    int      // of text; 0 if there is none yet
	text [32]byte // 30 at most; putFields copies two blocks
}

func (c *timestampText) append(dst []byte, sec int64, nsec uint32) []byte {
	const second = len("2006-01-02T15:04:05.")
	if c.n > 0 && c.sec == sec {
		if c.nsec != nsec {
			c.n = len(appendFraction(c.text[:second], nsec))
			c.nsec = nsec
		}
		return append(dst, c.text[:c.n]...)
	}
	t := time.Unix(sec, 0).UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		return joda.AppendTimestamp(dst, t.Add(time.Duration(nsec)))
	}
	c.n = len(appendFraction(t.AppendFormat(c.text[:0], "2006-01-02T15:04:05."), nsec))
	c.sec, c.nsec = sec, nsec
	return append(dst, c.text[:c.n]...)
}

func appendFraction(dst []byte, nsec uint32) []byte {
	n, v := 9, nsec
	switch {
	case nsec%1e6 == 0:
		n, v = 3, nsec/1e6
	case nsec%1e3 == 0:
		n, v = 6, nsec/1e3
	}
	var digits [9]byte
	for i := n - 1; i >= 0; i-- {
		digits[i] = byte('0' + v%10)
		v /= 10
	}
	return append(append(dst, digits[:n]...), 'Z')
}
