package config

import "strings"

// unescape replaces the escape sequences that config.support_escapes turns on: \n \r \t \0 \\ \" \'. Any other stays as written.
func unescape(raw string) string {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw
	}
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); i++ {
		if c, ok := escapeAt(raw, i); ok {
			b.WriteByte(c)
			i++
			continue
		}
		b.WriteByte(raw[i])
		if raw[i] == '\\' && i+1 < len(raw) {
			// An unknown sequence is kept whole, so that its second character cannot begin another one.
			i++
			b.WriteByte(raw[i])
		}
	}
	return b.String()
}

// escapeAt returns the byte that the escape sequence at raw[i] stands for, if there is one.
func escapeAt(raw string, i int) (byte, bool) {
	if raw[i] != '\\' || i+1 >= len(raw) {
		return 0, false
	}
	switch c := raw[i+1]; c {
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case '0':
		return 0, true
	case '\\', '"', '\'':
		return c, true
	}
	return 0, false
}

// offsetOf returns where in the file the byte of s.Text at textOffset was written.
func (s *String) offsetOf(textOffset int) int {
	start := s.Start + 1
	if s.Text == s.Raw {
		return start + min(textOffset, len(s.Raw))
	}
	i, n := 0, 0
	for i < len(s.Raw) && n < textOffset {
		_, known := escapeAt(s.Raw, i)
		switch {
		case known:
			i, n = i+2, n+1
		case s.Raw[i] == '\\' && i+1 < len(s.Raw):
			i, n = i+2, n+2
		default:
			i, n = i+1, n+1
		}
	}
	return start + i
}
