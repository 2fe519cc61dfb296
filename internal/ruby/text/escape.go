package text

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// escapeBytes writes %XX for all bytes but letters, digits and those in safe; a blank becomes plus, unless that is empty.
func escapeBytes(s, safe, plus string) string {
	clean := 0
	for clean < len(s) && isUnreserved(s[clean], safe) {
		clean++
	}
	if clean == len(s) {
		return s
	}
	out := append(make([]byte, 0, 2*len(s)), s[:clean]...)
	for i := clean; i < len(s); i++ {
		switch c := s[i]; {
		case isUnreserved(c, safe):
			out = append(out, c)
		case c == ' ' && plus != "":
			out = append(out, plus...)
		default:
			out = append(out, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return string(out)
}

func isUnreserved(c byte, safe string) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || isDigit(c) || strings.IndexByte(safe, c) >= 0
}

// CGIEscape is CGI.escape.
func CGIEscape(s string) string { return escapeBytes(s, "-._~", "+") }

// URLEncode is ERB::Util.url_encode, which leaves only letters, digits and -_.~ alone.
func URLEncode(s string) string { return escapeBytes(s, "-._~", "") }

// EncodeWWWFormComponent is URI.encode_www_form_component.
func EncodeWWWFormComponent(s string) string { return escapeBytes(s, "*-._", "+") }

// unescapeBytes replaces plus signs and %XX; what is no such sequence stays.
func unescapeBytes(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			out = append(out, ' ')
		case s[i] == '%' && isHexPair(s[i+1:]):
			out = append(out, byte(digitValue(s[i+1])<<4|digitValue(s[i+2])))
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return string(out)
}

func isHexPair(s string) bool { return len(s) > 1 && digitValue(s[0]) < 16 && digitValue(s[1]) < 16 }

// CGIUnescape is CGI.unescape.
func CGIUnescape(s string) string {
	// A percent sign with less than two characters behind it ends the work, so that not even a plus sign behind it is replaced.
	for i := max(0, len(s)-2); i < len(s); i++ {
		if s[i] == '%' && (i < 2 || s[i-1] != '%' && s[i-2] != '%' || !isHexPair(s[i-1:]) && !isHexPair(s[i:])) {
			return unescapeBytes(s[:i]) + s[i:]
		}
	}
	return unescapeBytes(s)
}

// DecodeWWWFormComponent is URI.decode_www_form_component.
func DecodeWWWFormComponent(s string) (string, error) {
	if err := CheckValid(s); err != nil {
		return "", err
	}
	for i := range len(s) {
		if s[i] == '%' && !isHexPair(s[i+1:]) {
			return "", argumentError("invalid %%-encoding (%s)", s)
		}
	}
	return unescapeBytes(s), nil
}

// FormPair is a name and its values for EncodeWWWForm. No values stand for nil, and with List for an empty array.
type FormPair struct {
	Name   string
	Values []string
	List   bool
}

// EncodeWWWForm is URI.encode_www_form.
func EncodeWWWForm(pairs []FormPair) string {
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		name := EncodeWWWFormComponent(p.Name)
		if len(p.Values) == 0 && !p.List {
			b.WriteString(name)
		}
		for k, v := range p.Values {
			if k > 0 {
				b.WriteByte('&')
			}
			b.WriteString(name)
			b.WriteByte('=')
			b.WriteString(EncodeWWWFormComponent(v))
		}
	}
	return b.String()
}

// DecodeWWWForm is URI.decode_www_form.
func DecodeWWWForm(s string) ([][2]string, error) {
	var out [][2]string
	if s == "" {
		return out, nil
	}
	if !isASCII(s) {
		return nil, argumentError("the input of URI.decode_www_form must be ASCII only string")
	}
	for _, part := range strings.Split(strings.TrimSuffix(s, "&"), "&") {
		name, value, _ := strings.Cut(part, "=")
		out = append(out, [2]string{Scrub(unescapeBytes(name), "\ufffd"), Scrub(unescapeBytes(value), "\ufffd")})
	}
	return out, nil
}

// EscapeHTML is CGI.escapeHTML.
func EscapeHTML(s string) string {
	if !strings.ContainsAny(s, "&<>\"'") {
		return s
	}
	out := make([]byte, 0, len(s)+16)
	for i := range len(s) {
		switch s[i] {
		case '&':
			out = append(out, "&amp;"...)
		case '<':
			out = append(out, "&lt;"...)
		case '>':
			out = append(out, "&gt;"...)
		case '"':
			out = append(out, "&quot;"...)
		case '\'':
			out = append(out, "&#39;"...)
		default:
			out = append(out, s[i])
		}
	}
	return string(out)
}

// UnescapeHTML is CGI.unescapeHTML: the five named entities that HTML shares with XML, and numbers.
func UnescapeHTML(s string) string {
	if strings.IndexByte(s, '&') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		if s[i] == '&' {
			if end := strings.IndexByte(s[i:], ';'); end > 0 {
				if r, ok := entity(s[i+1 : i+end]); ok {
					out = appendRubyRune(out, r)
					i += end + 1
					continue
				}
			}
		}
		out = append(out, s[i])
		i++
	}
	return string(out)
}

// appendRubyRune appends a character, or a surrogate in the same form.
func appendRubyRune(dst []byte, r rune) []byte {
	if 0xd800 <= r && r <= 0xdfff {
		return append(dst, 0xed, byte(0x80|r>>6&0x3f), byte(0x80|r&0x3f))
	}
	return utf8.AppendRune(dst, r)
}

func entity(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	digits, base := name[1:], 10
	if digits[0]|0x20 == 'x' {
		digits, base = digits[1:], 16
	}
	if digits == "" || digits[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > utf8.MaxRune {
		return 0, false
	}
	return rune(n), true
}
