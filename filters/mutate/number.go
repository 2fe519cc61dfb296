package mutate

import (
	"strconv"

	"millrace/pipeline/event"
)

// number returns the text of a number without white space around it and without its thousands separators. With eu the dot separates
// thousands and the comma decimals. The bytes are valid until the next call.
func (s *scratch) number(text string, eu bool) []byte {
	s.buf = s.buf[:0]
	thousands, decimal := byte(','), byte('.')
	if eu {
		thousands, decimal = decimal, thousands
	}
	text = strip(text)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case thousands:
		case decimal:
			s.buf = append(s.buf, '.')
		default:
			s.buf = append(s.buf, c)
		}
	}
	return s.buf
}

// parseInteger reads an integer as Ruby's String#to_i does: what stands at the start of b counts, digits may be separated by single
// underscores, and without digits it is 0.
func parseInteger(e *event.Event, b []byte) event.Value {
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
		dst := e.Arena.Free()
		if neg {
			dst = append(dst, '-')
		}
		return event.BigIntValue(e.Arena.Take(append(dst, digits...)))
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

// parseFloat reads a float as Ruby's String#to_f does: what stands at the start of b counts, and without a number it is 0.
func parseFloat(b []byte) float64 {
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
