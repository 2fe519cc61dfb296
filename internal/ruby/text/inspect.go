package text

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const hexDigits = "0123456789ABCDEF"

// Inspect is String#inspect of a UTF-8 string.
func Inspect(s string) string {
	return string(AppendInspect(make([]byte, 0, len(s)+2), s))
}

// AppendInspect appends what String#inspect returns.
func AppendInspect(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			dst = appendInspectASCII(dst, c, s[i:], false)
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			dst = appendHexByte(dst, c)
		case printable(r):
			dst = append(dst, s[i:i+n]...)
		default:
			dst = appendUnicodeEscape(dst, r)
		}
		i += n
	}
	return append(dst, '"')
}

// InspectBinary is String#inspect of an ASCII-8BIT string.
func InspectBinary(s string) string {
	dst := make([]byte, 0, len(s)+2)
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] < utf8.RuneSelf {
			dst = appendInspectASCII(dst, s[i], s[i+1:], true)
		} else {
			dst = appendHexByte(dst, s[i])
		}
	}
	return string(append(dst, '"'))
}

// appendInspectASCII appends one ASCII character as it stands between double quotes; rest is what follows it.
func appendInspectASCII(dst []byte, c byte, rest string, binary bool) []byte {
	if e := shortEscape(c); e != 0 {
		return append(dst, '\\', e)
	}
	switch {
	case c == '"' || c == '\\' || c == '#' && rest != "" && (rest[0] == '$' || rest[0] == '@' || rest[0] == '{'):
		return append(dst, '\\', c)
	case c >= ' ' && c != 0x7f:
		return append(dst, c)
	case binary:
		return appendHexByte(dst, c)
	}
	if c == 0x7f {
		return append(dst, `\u007F`...)
	}
	return appendUnicodeEscape(dst, rune(c))
}

// shortEscape returns the letter that stands behind the backslash for a control character, 0 if it has none.
func shortEscape(c byte) byte {
	switch c {
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	case '\t':
		return 't'
	case '\f':
		return 'f'
	case '\v':
		return 'v'
	case '\b':
		return 'b'
	case '\a':
		return 'a'
	case 0x1b:
		return 'e'
	}
	return 0
}

func appendHexByte(dst []byte, c byte) []byte {
	return append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
}

func appendUnicodeEscape(dst []byte, r rune) []byte {
	if r > 0xffff {
		dst = append(dst, `\u{`...)
		for shift := 20; shift >= 0; shift -= 4 {
			if d := r >> shift; d > 0 {
				dst = append(dst, hexDigits[d&15])
			}
		}
		return append(dst, '}')
	}
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// printable reports whether Ruby's [[:print:]] has r: everything but controls (U+0085 is none for it), surrogates, the
// line and the paragraph separator and what is not assigned.
func printable(r rune) bool {
	switch {
	case unicode.IsPrint(r):
		return true
	case r == '\u0085':
		return true
	}
	return unicode.In(r, unicode.Zs, unicode.Cf, unicode.Co)
}

// Dump is String#dump: ASCII only, to be read back by Undump.
func Dump(s string) string {
	dst := make([]byte, 0, len(s)+2)
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			dst = appendInspectASCII(dst, c, s[i:], true)
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			dst = appendHexByte(dst, c)
		} else {
			dst = appendUnicodeEscape(dst, r)
		}
		i += n
	}
	return string(append(dst, '"'))
}

// Undump is String#undump.
func Undump(s string) (string, error) {
	if !isASCII(s) {
		return "", runtimeError("non-ASCII character detected")
	}
	if strings.IndexByte(s, 0) >= 0 {
		return "", runtimeError("string contains null byte")
	}
	if len(s) < 2 || s[0] != '"' {
		return "", runtimeError(`invalid dumped string; not wrapped with '"' nor '"...".force_encoding("...")' form`)
	}
	var b []byte
	var hex, unicodes bool
	for i := 1; ; {
		if i >= len(s) {
			return "", runtimeError("unterminated dumped string")
		}
		switch s[i] {
		case '"':
			if i != len(s)-1 {
				return "", runtimeError(`invalid dumped string; not wrapped with '"' nor '"...".force_encoding("...")' form`)
			}
			return string(b), nil
		case '\\':
			out, n, err := undumpEscape(b, s[i+1:])
			if err != nil {
				return "", err
			}
			hex = hex || s[i+1] == 'x'
			if unicodes = unicodes || s[i+1] == 'u'; hex && unicodes {
				return "", runtimeError("hex escape and Unicode escape are mixed")
			}
			b, i = out, i+1+n
		default:
			b = append(b, s[i])
			i++
		}
	}
}

func runtimeError(msg string) error { return &Error{"RuntimeError", msg} }

// undumpEscape appends what an escape sequence, s without its backslash, means. n is its length.
func undumpEscape(dst []byte, s string) (out []byte, n int, err error) {
	if s == "" {
		return dst, 0, runtimeError("invalid escape")
	}
	if i := strings.IndexByte("nrtfvbae", s[0]); i >= 0 {
		return append(dst, "\n\r\t\f\v\b\a\x1b"[i]), 1, nil
	}
	switch s[0] {
	case 'x':
		if len(s) < 3 || digitValue(s[1]) > 15 || digitValue(s[2]) > 15 {
			return dst, 0, runtimeError("invalid hex escape")
		}
		return append(dst, byte(digitValue(s[1])<<4|digitValue(s[2]))), 3, nil
	case 'u':
		return undumpUnicode(dst, s)
	}
	if s[0] == '"' || s[0] == '\\' || s[0] == '#' {
		return append(dst, s[0]), 1, nil
	}
	return append(dst, '\\', s[0]), 1, nil
}

func undumpUnicode(dst []byte, s string) (out []byte, n int, err error) {
	if len(s) > 1 && s[1] == '{' {
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return dst, 0, runtimeError("invalid Unicode escape")
		}
		for word := range strings.FieldsSeq(s[2:end]) {
			if dst, err = appendCodePoint(dst, word); err != nil {
				return dst, 0, err
			}
		}
		return dst, end + 1, nil
	}
	if len(s) < 5 {
		return dst, 0, runtimeError("invalid Unicode escape")
	}
	dst, err = appendCodePoint(dst, s[1:5])
	return dst, 5, err
}

func appendCodePoint(dst []byte, hex string) ([]byte, error) {
	n, err := strconv.ParseUint(hex, 16, 32)
	switch {
	case err != nil:
		return dst, runtimeError("invalid Unicode escape")
	case n > utf8.MaxRune:
		return dst, runtimeError("invalid Unicode codepoint (too large)")
	case !utf8.ValidRune(rune(n)):
		return dst, runtimeError("invalid Unicode codepoint")
	}
	return utf8.AppendRune(dst, rune(n)), nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// SymbolInspect is Symbol#inspect.
func SymbolInspect(s string) string {
	if isSymbol(s, true) {
		return ":" + s
	}
	return ":" + Inspect(s)
}

// SymbolKeyInspect is a symbol as a key is written: a: or "a b":.
func SymbolKeyInspect(s string) string {
	if isSymbol(s, false) {
		return s + ":"
	}
	return Inspect(s) + ":"
}

// isSymbol reports whether s needs no quotes as a symbol; operators, variables and names of setters do not count without all.
func isSymbol(s string, all bool) bool {
	if s == "" || !utf8.ValidString(s) {
		return false
	}
	if !all {
		return isName(strings.TrimSuffix(strings.TrimSuffix(s, "?"), "!"))
	}
	switch s {
	case "+", "-", "*", "/", "%", "**", "==", "===", "=~", "!", "!=", "!~", "<", "<=", "<=>", ">", ">=", "<<", ">>", "~", "+@", "-@",
		"[]", "[]=", "&", "|", "^", "`":
		return true
	}
	switch s[0] {
	case '$':
		return isGlobal(s[1:])
	case '@':
		return isName(strings.TrimPrefix(s[1:], "@"))
	}
	last := s[len(s)-1]
	if last == '?' || last == '!' || last == '=' {
		return isName(s[:len(s)-1])
	}
	return isName(s)
}

// isGlobal reports whether s is the name of a global variable behind its $.
func isGlobal(s string) bool {
	switch {
	case len(s) == 1 && strings.Contains("~*$?!@/\\;,.=:<>\"&`'+0_", s):
		return true
	case len(s) > 1 && s[0] == '-':
		_, n := utf8.DecodeRuneInString(s[1:])
		return n == len(s)-1 && isName("_"+s[1:])
	case s != "" && '0' < s[0] && s[0] <= '9':
		return strings.Trim(s, "0123456789") == ""
	}
	return isName(s)
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c == '_' || c >= utf8.RuneSelf || 'a' <= c|0x20 && c|0x20 <= 'z' || i > 0 && isDigit(c)) {
			return false
		}
	}
	return s != ""
}
