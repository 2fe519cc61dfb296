package text

import (
	"strconv"
	"strings"

	"millrace/pipeline/event"
)

// FloatToS is Float#to_s.
func FloatToS(f float64) string {
	var buf [32]byte
	return string(AppendFloat(buf[:0], f))
}

// AppendFloat appends what Float#to_s returns: the shortest digits that mean f, with an exponent if it is below -4 or above 19. There
// it follows JRuby, which Logstash runs on; MRI has the exponent from 15 or 16 on, by the number of digits.
func AppendFloat(dst []byte, f float64) []byte { return event.AppendRubyFloat(dst, f) }

// ParseFloatPrefix is String#to_f.
func ParseFloatPrefix(s string) float64 {
	number, _ := scanFloat(skipSpace(s))
	f, _ := strconv.ParseFloat(number, 64) // what is out of range is infinite
	return f
}

// StrictFloat is Kernel#Float(s).
func StrictFloat(s string) (float64, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return 0, argumentError("string for Float contains null byte")
	}
	trimmed := skipSpace(s)
	number, rest := scanHexFloat(trimmed)
	if number == "" {
		number, rest = scanFloat(trimmed)
	}
	if number == "" || skipSpace(rest) != "" {
		return 0, argumentError("invalid value for Float(): %s", InspectBinary(s))
	}
	f, _ := strconv.ParseFloat(number, 64)
	return f, nil
}

// scanFloat returns the decimal number that s begins with, without underscores, and what follows. A point or an exponent belongs to
// the number only with digits behind it.
func scanFloat(s string) (number, rest string) {
	i := signLen(s)
	whole, after, plain := scanDigits(s[i:], 10)
	if whole == "" && !(len(after) > 1 && after[0] == '.' && isDigit(after[1])) {
		return "", s
	}
	if len(after) > 1 && after[0] == '.' && isDigit(after[1]) {
		var p bool
		_, after, p = scanDigits(after[1:], 10)
		plain = plain && p
	}
	if after != "" && after[0]|0x20 == 'e' {
		n := signLen(after[1:])
		if exponent, behind, p := scanDigits(after[1+n:], 10); exponent != "" {
			after = behind
			plain = plain && p
		}
	}
	number = s[:len(s)-len(after)]
	if !plain {
		number = strings.ReplaceAll(number, "_", "")
	}
	return number, after
}

// scanHexFloat is scanFloat for 0x1.8p3, which Kernel#Float alone reads.
func scanHexFloat(s string) (number, rest string) {
	i := signLen(s)
	if len(s) < i+3 || s[i] != '0' || s[i+1]|0x20 != 'x' || digitValue(s[i+2]) > 15 {
		return "", s
	}
	digits, after, plain := scanDigits(s[i+2:], 16)
	if !plain && !decimalUnderscores(digits) {
		return "", s
	}
	if len(after) > 1 && after[0] == '.' && digitValue(after[1]) < 16 {
		_, after, _ = scanDigits(after[1:], 16)
	}
	exponent := false
	if after != "" && after[0]|0x20 == 'p' {
		n := signLen(after[1:])
		if digits, behind, _ := scanDigits(after[1+n:], 10); digits != "" {
			exponent = true
			after = behind
		}
	}
	number = strings.ReplaceAll(s[:len(s)-len(after)], "_", "")
	if !exponent {
		number += "p0"
	}
	return number, after
}

// decimalUnderscores reports that all underscores are between decimal digits, the only place that Kernel#Float allows even here.
func decimalUnderscores(s string) bool {
	for i := 1; i+1 < len(s); i++ {
		if s[i] == '_' && !(isDigit(s[i-1]) && isDigit(s[i+1])) {
			return false
		}
	}
	return true
}

func signLen(s string) int {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return 1
	}
	return 0
}
