package main

import (
	"unicode"
	"unicode/utf8"
)

// appendVisible appends text as it may go to a terminal: characters that move the cursor, change colours or turn text around are written
// as the escapes that JSON has for them, so that JSON stays the same JSON. Line breaks and tabs stay.
func appendVisible(dst, text []byte) []byte {
	for len(text) > 0 {
		c := text[0]
		if c < utf8.RuneSelf {
			if c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
				dst = appendEscape(dst, rune(c))
			} else {
				dst = append(dst, c)
			}
			text = text[1:]
			continue
		}
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, "\uFFFD"...)
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029':
			dst = appendEscape(dst, r)
		default:
			dst = append(dst, text[:size]...)
		}
		text = text[size:]
	}
	return dst
}

func appendEscape(dst []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
