package charset

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"unicode/utf8"
	"unsafe"
)

const highs = 0x8080808080808080

// asciiPrefix returns how many bytes at the start of s are ASCII, a word at a time.
func asciiPrefix(s string) int {
	p := unsafe.Slice(unsafe.StringData(s), len(s))
	i := 0
	for ; i+8 <= len(p); i += 8 {
		if w := binary.LittleEndian.Uint64(p[i:]) & highs; w != 0 {
			return i + bits.TrailingZeros64(w)/8
		}
	}
	for ; i < len(p); i++ {
		if p[i] >= utf8.RuneSelf {
			return i
		}
	}
	return i
}

// AppendEscaped appends s, which is not valid UTF-8, as Logstash writes it: Ruby's inspect without its quotes. So not only the bytes
// that are no UTF-8 are escaped (\xE9), but also quotes, backslashes and control characters.
func AppendEscaped(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, '\\', 'x', hex[s[i]>>4], hex[s[i]&15])
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '#' && i+1 < len(s) && (s[i+1] == '{' || s[i+1] == '$' || s[i+1] == '@'):
			dst = append(dst, `\#`...)
		case r >= '\a' && r <= '\r':
			dst = append(dst, '\\', "abtnvfr"[r-'\a'])
		case r == 0x1b:
			dst = append(dst, `\e`...)
		case strconv.IsPrint(r):
			dst = append(dst, s[i:i+size]...)
		case r > 0xFFFF:
			dst = append(dst, `\u{`...)
			for shift := 20; shift >= 0; shift -= 4 {
				if shift < 20 || r>>20 != 0 {
					dst = append(dst, hex[r>>shift&15])
				}
			}
			dst = append(dst, '}')
		default:
			dst = append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		}
		i += size
	}
	return dst
}
