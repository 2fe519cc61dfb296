package grok

import (
	"math"
	"strconv"
	"strings"

	"millrace/filters/grok/patterns"
	"millrace/filters/internal/ruby"
	"millrace/pipeline/event"
)

// castText makes a value of a captured text.
func castText(s string, cast patterns.Cast) event.Value {
	switch cast {
	case patterns.Int:
		return rubyInt(s)
	case patterns.Float:
		return event.FloatValue(rubyFloat(s))
	}
	return event.StringValue(s)
}

// trimBlanks drops the white space in front.
func trimBlanks(s string) string {
	for s != "" && (s[0] == ' ' || s[0] >= '\t' && s[0] <= '\r') {
		s = s[1:]
	}
	return s
}

// rubyInt is String#to_i: white space and a sign, then digits, with single underscores between them. No digits are 0, and
// what follows is ignored. A number that is too large for 64 bits stays whole.
func rubyInt(s string) event.Value {
	if n, ok := ruby.Plain(s); ok {
		return event.IntValue(n)
	}
	s = trimBlanks(s)
	negative := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		s = s[1:]
	}
	digits, plain := digitRun(s)
	if !plain {
		digits = strings.ReplaceAll(digits, "_", "")
	}
	var n uint64
	for i := 0; i < len(digits); i++ {
		d := uint64(digits[i] - '0')
		if n > (math.MaxInt64-d)/10 {
			return bigInt(digits, negative)
		}
		n = n*10 + d
	}
	if negative {
		return event.IntValue(-int64(n))
	}
	return event.IntValue(int64(n))
}

func bigInt(digits string, negative bool) event.Value {
	digits = strings.TrimLeft(digits, "0")
	if negative {
		digits = "-" + digits
	}
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return event.IntValue(n) // the smallest of all
	}
	return event.BigIntValue(digits)
}

// digitRun returns the digits at the beginning of s; plain means without underscores. An underscore counts only between
// two digits.
func digitRun(s string) (run string, plain bool) {
	plain = true
	i := 0
	for i < len(s) {
		if isDigit(s[i]) {
			i++
			continue
		}
		if s[i] != '_' || i == 0 || i+1 == len(s) || !isDigit(s[i+1]) {
			break
		}
		plain = false
		i++
	}
	return s[:i], plain
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// rubyFloat is String#to_f: the longest beginning that is a number; digits have to follow the point.
func rubyFloat(s string) float64 {
	s = trimBlanks(s)
	end := 0
	if s != "" && (s[0] == '-' || s[0] == '+') {
		end = 1
	}
	whole, plain := digitRun(s[end:])
	end += len(whole)
	found := whole != ""
	if end < len(s) && s[end] == '.' {
		if fraction, p := digitRun(s[end+1:]); fraction != "" {
			end += 1 + len(fraction)
			plain = plain && p
			found = true
		}
	}
	if !found {
		return 0
	}
	if end < len(s) && (s[end] == 'e' || s[end] == 'E') {
		sign := end + 1
		if sign < len(s) && (s[sign] == '-' || s[sign] == '+') {
			sign++
		}
		if exponent, p := digitRun(s[sign:]); exponent != "" {
			end = sign + len(exponent)
			plain = plain && p
		}
	}
	s = s[:end]
	if !plain {
		s = strings.ReplaceAll(s, "_", "")
	}
	f, _ := strconv.ParseFloat(s, 64) // beyond the range it is an infinity, which is what Ruby makes of it
	return f
}
