package text

import (
	"strings"
	"unicode/utf8"
)

// Split is String#split(sep, limit) with a string as separator: " " (and nil, for the caller) splits at white space, "" into
// characters. Limit 0 drops empty parts at the end, a negative one keeps them, a positive one is the number of parts.
func Split(s, sep string, limit int) []string {
	if s == "" {
		return nil
	}
	if limit == 1 {
		return []string{s}
	}
	var out []string
	switch sep {
	case " ":
		out = splitSpace(s, limit)
	case "":
		out = splitChars(s, limit)
	default:
		for limit <= 0 || len(out) < limit-1 {
			i := strings.Index(s, sep)
			if i < 0 {
				break
			}
			out = append(out, s[:i])
			s = s[i+len(sep):]
		}
		out = append(out, s)
	}
	if limit == 0 {
		for len(out) > 0 && out[len(out)-1] == "" {
			out = out[:len(out)-1]
		}
	}
	return out
}

func splitSpace(s string, limit int) []string {
	var out []string
	for {
		s = skipSpace(s)
		if s == "" {
			if limit != 0 {
				out = append(out, "")
			}
			return out
		}
		end := 0
		for end < len(s) && !isSpace(s[end]) {
			end++
		}
		if end == len(s) || limit > 0 && len(out) == limit-1 {
			return append(out, s)
		}
		out = append(out, s[:end])
		s = s[end:]
	}
}

func splitChars(s string, limit int) []string {
	var out []string
	for s != "" {
		if limit > 0 && len(out) == limit-1 {
			return append(out, s)
		}
		c := firstChar(s)
		out = append(out, c)
		s = s[len(c):]
	}
	if limit != 0 {
		out = append(out, "")
	}
	return out
}

// Reverse is String#reverse.
func Reverse(s string) string {
	out := make([]byte, 0, len(s))
	for s != "" {
		n := lastCharLen(s)
		out = append(out, s[len(s)-n:]...)
		s = s[:len(s)-n]
	}
	return string(out)
}

// lastCharLen is the number of bytes of the last character.
func lastCharLen(s string) int {
	_, n := utf8.DecodeLastRuneInString(s)
	return n
}
