// Package rubynum reads numbers as Ruby does.
package rubynum

import (
	"strconv"
	"strings"
)

const blanks = " \t\n\v\f\r"

// ToFloat is String#to_f: the number at the beginning of s, whatever follows it; 0 if there is none. Underscores may stand between
// digits.
func ToFloat(s string) float64 {
	s = strings.TrimLeft(s, blanks)
	n, _ := scan(s)
	f, _ := strconv.ParseFloat(strings.ReplaceAll(s[:n], "_", ""), 64) // beyond the range it is an infinity, as in Ruby
	return f
}

// scan returns the length of the decimal number at the beginning of s, and whether it has a fraction or an exponent.
func scan(s string) (n int, float bool) {
	i := 0
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	j := digits(s, i)
	if j == i && !(i+1 < len(s) && s[i] == '.' && s[i+1]-'0' <= 9) {
		return 0, false
	}
	i = j
	if i < len(s) && s[i] == '.' {
		if j = digits(s, i+1); j > i+1 {
			i, float = j, true
		}
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		k := i + 1
		if k < len(s) && (s[k] == '+' || s[k] == '-') {
			k++
		}
		if j = digits(s, k); j > k {
			i, float = j, true
		}
	}
	return i, float
}

// digits returns the end of the digits of s that begin at i, with single underscores between them.
func digits(s string, i int) int {
	end := i
	for i < len(s) {
		switch {
		case s[i]-'0' <= 9:
			i++
			end = i
		case s[i] == '_' && i == end && i > 0 && s[i-1]-'0' <= 9:
			i++
		default:
			return end
		}
	}
	return end
}

// Integer is Kernel#Integer for a text: white space around, a sign, 0x, 0b, 0o and 0 as prefixes, underscores between digits.
func Integer(s string) (int64, bool) {
	s = strings.Trim(s, blanks)
	if s == "" || strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 0, 64)
	if err != nil && strings.Contains(s, "_") {
		n, err = strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 0, 64)
	}
	return n, err == nil
}

// Float is Kernel#Float for a text: a decimal number and nothing but white space around it.
func Float(s string) (float64, bool) {
	s = strings.Trim(s, blanks)
	n, _ := scan(s)
	if n == 0 || n != len(s) {
		i, ok := Integer(s)
		return float64(i), ok
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	return f, err == nil || f != 0
}
