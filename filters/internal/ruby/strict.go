package ruby

import (
	"math/big"
	"strconv"
	"strings"

	"millrace/pipeline/event"
)

// StrictInteger is Integer() of a text: digits with single underscores between them, with a sign and a mark of the base (0x, 0b, 0o, 0d, 0)
// in front, white space around, and nothing else. Digits of an integer beyond 64 bits are kept in a.
func StrictInteger(a *event.Arena, s string) (event.Value, bool) {
	if n, ok := Plain(s); ok && (s[0] != '0' || len(s) == 1) && !strings.HasPrefix(s, "-0") {
		return event.IntValue(n), true
	}
	digits := strings.TrimFunc(s, func(r rune) bool { return r < 0x80 && isSpace(byte(r)) })
	neg := strings.HasPrefix(digits, "-")
	if neg || strings.HasPrefix(digits, "+") {
		digits = digits[1:]
	}
	base := 10
	if len(digits) > 1 && digits[0] == '0' {
		base = 8
		switch digits[1] | 0x20 {
		case 'x':
			base, digits = 16, digits[2:]
		case 'b':
			base, digits = 2, digits[2:]
		case 'o':
			digits = digits[2:]
		case 'd':
			base, digits = 10, digits[2:]
		}
	}
	digits, ok := separated(digits)
	if !ok || digits == "" {
		return event.Value{}, false
	}
	for i := 0; i < len(digits); i++ { // strconv would allocate an error for each word that is no number
		if digitOf(digits[i]) >= base {
			return event.Value{}, false
		}
	}
	if neg {
		digits = "-" + digits
	}
	if n, err := strconv.ParseInt(digits, base, 64); err == nil {
		return event.IntValue(n), true
	}
	var n big.Int
	n.SetString(digits, base)
	return event.BigIntValue(a.String(n.Append(nil, 10))), true
}

// digitOf returns what a digit of any base up to 16 is worth, 16 for what is none.
func digitOf(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case isHex(c):
		return int(c|0x20-'a') + 10
	}
	return 16
}

// StrictFloat is Float() of a text: a decimal number with digits behind a point if it has one, and nothing else but white space.
func StrictFloat(s string) (float64, bool) {
	s = strings.TrimFunc(s, func(r rune) bool { return r < 0x80 && isSpace(byte(r)) })
	digits, ok := separated(s)
	if !ok || strings.Trim(digits, "+-.0123456789eE") != "" || !strings.ContainsAny(digits, "0123456789") {
		return 0, false
	}
	if i := strings.IndexByte(digits, '.'); i >= 0 && (i+1 == len(digits) || !isDigit(digits[i+1])) {
		return 0, false
	}
	f, err := strconv.ParseFloat(digits, 64)
	return f, err == nil || f > 1 || f < -1 // beyond the range it is infinite, as in Ruby
}

// separated leaves the single underscores between digits out; ok tells that there are no others.
func separated(s string) (digits string, ok bool) {
	if !strings.Contains(s, "_") {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '_' {
			b = append(b, s[i])
		} else if i == 0 || i+1 == len(s) || !isHex(s[i-1]) || !isHex(s[i+1]) {
			return "", false
		}
	}
	return string(b), true
}

func isHex(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }
