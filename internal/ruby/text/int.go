package text

import (
	"math/big"
	"strconv"
	"strings"
)

// IntegerToS is Integer#to_s(base).
func IntegerToS(n Int, base int) (string, error) {
	if base < 2 || base > 36 {
		return "", argumentError("invalid radix %d", base)
	}
	if n.Big != nil {
		return n.Big.Text(base), nil
	}
	return strconv.FormatInt(n.Small, base), nil
}

// ParseIntPrefix is String#to_i(base).
func ParseIntPrefix(s string, base int) (Int, error) {
	if base < 0 || base == 1 || base > 36 {
		return Int{}, argumentError("invalid radix %d", base)
	}
	n, _, _ := scanInt(s, base)
	return n, nil
}

// StrictInteger is Kernel#Integer(s, base); base 0 means none was given.
func StrictInteger(s string, base int) (Int, error) {
	if base == 1 || base > 36 || base < -36 {
		return Int{}, argumentError("invalid radix %d", base)
	}
	n, rest, ok := scanInt(s, base)
	if !ok || skipSpace(rest) != "" {
		return Int{}, argumentError("invalid value for Integer(): %s", Inspect(s))
	}
	return n, nil
}

// Hex is String#hex.
func Hex(s string) Int {
	n, _, _ := scanInt(s, 16)
	return n
}

// Oct is String#oct, which heeds a prefix for another base.
func Oct(s string) Int {
	n, _, _ := scanInt(s, -8)
	return n
}

// scanInt reads an integer from the start of s. A base of 0 or less is that of the prefix, without one 10 or -base. rest is what
// follows; ok is false if there are no digits, or an underscore is not between two.
func scanInt(s string, base int) (n Int, rest string, ok bool) {
	s = skipSpace(s)
	negative := false
	if s != "" && (s[0] == '+' || s[0] == '-') {
		negative = s[0] == '-'
		s = s[1:]
	}
	s, base = skipPrefix(s, base)
	digits, rest, plain := scanDigits(s, base)
	if digits == "" {
		return Int{}, rest, false
	}
	if !plain {
		digits = strings.ReplaceAll(digits, "_", "")
	}
	if v, err := strconv.ParseUint(digits, base, 63); err == nil {
		if negative {
			return Int{Small: -int64(v)}, rest, !strings.HasPrefix(rest, "_")
		}
		return Int{Small: int64(v)}, rest, !strings.HasPrefix(rest, "_")
	}
	b, valid := new(big.Int).SetString(digits, base)
	if !valid {
		panic("BUG: digits of an integer are none: " + digits)
	}
	if negative {
		b.Neg(b)
	}
	return IntOf(b), rest, !strings.HasPrefix(rest, "_")
}

// skipPrefix skips a prefix that says the base, or that agrees with it.
func skipPrefix(s string, base int) (string, int) {
	if len(s) > 1 && s[0] == '0' {
		said := 0
		switch s[1] | 0x20 {
		case 'x':
			said = 16
		case 'b':
			said = 2
		case 'o':
			said = 8
		case 'd':
			said = 10
		}
		switch {
		case said != 0 && (base <= 0 || base == said):
			return s[2:], said
		case base <= 0:
			return s, 8
		}
	}
	switch {
	case base < -1:
		return s, -base
	case base <= 0:
		return s, 10
	}
	return s, base
}

// scanDigits splits s after its digits and the single underscores between them.
func scanDigits(s string, base int) (digits, rest string, plain bool) {
	plain = true
	end := 0 // behind the last digit
	for i := 0; i < len(s); i++ {
		if s[i] == '_' && i == end && i > 0 {
			continue
		}
		if digitValue(s[i]) >= base {
			break
		}
		if i > end {
			plain = false
		}
		end = i + 1
	}
	return s[:end], s[end:], plain
}

func digitValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'z':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'Z':
		return int(c-'A') + 10
	}
	return 99
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func skipSpace(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	return s
}
