// Package ruby reads numbers and texts as Ruby does, for filters whose options and results depend on it.
package ruby

import (
	"strconv"

	"millrace/pipeline/event"
)

// Strip is String#strip: ASCII white space and NUL are taken from both ends, no other Unicode space.
func Strip(s string) string {
	for s != "" && (isSpace(s[0]) || s[0] == 0) {
		s = s[1:]
	}
	for s != "" && (isSpace(s[len(s)-1]) || s[len(s)-1] == 0) {
		s = s[:len(s)-1]
	}
	return s
}

// Plain reads a decimal integer of at most 18 digits with nothing around it: what nearly all texts that hold an integer are.
func Plain(s string) (n int64, ok bool) {
	digits := s
	if s != "" && s[0] == '-' {
		digits = s[1:]
	}
	if digits == "" || len(digits) > 18 {
		return 0, false
	}
	for i := 0; i < len(digits); i++ {
		if !isDigit(digits[i]) {
			return 0, false
		}
		n = n*10 + int64(digits[i]-'0')
	}
	if len(digits) < len(s) {
		n = -n
	}
	return n, true
}

// Integer is String#to_i: what stands at the start of b counts, digits may be separated by single underscores, and without digits it is
// 0. It changes b. Digits of an integer beyond 64 bits are kept in a.
func Integer(a *event.Arena, b []byte) event.Value {
	b = skipSpace(b)
	neg := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg, b = b[0] == '-', b[1:]
	}
	if len(b) > 1 && b[0] == '0' && b[1]|0x20 == 'd' { // Ruby's mark of a decimal number
		if b = b[2:]; len(b) > 0 && b[0] == '_' {
			b = nil
		}
	}
	digits, _ := takeDigits(b[:0], b)
	for len(digits) > 1 && digits[0] == '0' {
		digits = digits[1:]
	}
	if len(digits) > 18 {
		dst := a.Free()
		if neg {
			dst = append(dst, '-')
		}
		return event.BigIntValue(a.Take(append(dst, digits...)))
	}
	var n int64
	for _, d := range digits {
		n = n*10 + int64(d-'0')
	}
	if neg {
		n = -n
	}
	return event.IntValue(n)
}

// Float is String#to_f: what stands at the start of b counts, and without a number it is 0. It changes b.
func Float(b []byte) float64 {
	b = skipSpace(b)
	out := b[:0] // never ahead of what is still to be read
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		out, b = append(out, b[0]), b[1:]
	}
	start := len(out)
	out, b = takeDigits(out, b)
	if len(b) > 1 && b[0] == '.' && isDigit(b[1]) {
		out, b = takeDigits(append(out, '.'), b[1:])
	}
	if len(out) == start {
		return 0
	}
	if len(b) > 1 && b[0]|0x20 == 'e' {
		exp := b[1:]
		signed := len(exp) > 1 && (exp[0] == '-' || exp[0] == '+')
		if signed && isDigit(exp[1]) || isDigit(exp[0]) {
			out = append(out, 'e')
			if signed {
				out, exp = append(out, exp[0]), exp[1:]
			}
			out, _ = takeDigits(out, exp)
		}
	}
	f, _ := strconv.ParseFloat(string(out), 64) // ±Inf beyond the range, as in Ruby
	return f
}

// takeDigits appends the digits at the start of b to dst, which may share the storage of b before them. A single underscore between
// digits is skipped.
func takeDigits(dst, b []byte) (digits, rest []byte) {
	for len(b) > 0 {
		switch {
		case isDigit(b[0]):
			dst = append(dst, b[0])
			b = b[1:]
		case b[0] == '_' && len(dst) > 0 && isDigit(dst[len(dst)-1]) && len(b) > 1 && isDigit(b[1]):
			b = b[1:]
		default:
			return dst, b
		}
	}
	return dst, b
}

func skipSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	return b
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func isSpace(c byte) bool { return c == ' ' || c-'\t' <= '\r'-'\t' }

// ToInteger is to_i of a value: of a string, a number, a time or null. It reports whether there is one that fits 64 bits.
func ToInteger(v event.Value) (int64, bool) {
	switch v.Kind() {
	case event.Null:
		return 0, true
	case event.Int:
		return v.Int(), true
	case event.Float:
		f := v.Float()
		return int64(f), f > -(1<<63) && f < 1<<63
	case event.Time:
		return v.Time().Unix(), true
	case event.String:
		var space [64]byte
		var a event.Arena
		n := Integer(&a, append(space[:0], v.Str()...))
		return n.Int(), n.Kind() == event.Int
	}
	return 0, false
}
