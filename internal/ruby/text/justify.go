package text

import (
	"unicode/utf8"
)

// Center is String#center.
func Center(s string, width int, pad string) (string, error) {
	n, err := padding(s, width, pad)
	if n <= 0 {
		return s, err
	}
	return padded(s, n/2, n-n/2, pad), nil
}

// Ljust is String#ljust.
func Ljust(s string, width int, pad string) (string, error) {
	n, err := padding(s, width, pad)
	if n <= 0 {
		return s, err
	}
	return padded(s, 0, n, pad), nil
}

// Rjust is String#rjust.
func Rjust(s string, width int, pad string) (string, error) {
	n, err := padding(s, width, pad)
	if n <= 0 {
		return s, err
	}
	return padded(s, n, 0, pad), nil
}

// padding returns how many characters s lacks.
func padding(s string, width int, pad string) (int, error) {
	if pad == "" {
		return 0, argumentError("zero width padding")
	}
	if width > widthMax {
		return 0, argumentError("argument too big")
	}
	return width - utf8.RuneCountInString(s), nil
}

// padded puts left and right characters of padding around s.
func padded(s string, left, right int, pad string) string {
	out := make([]byte, 0, len(s)+(left+right)*len(pad)/utf8.RuneCountInString(pad)+len(pad))
	out = appendPad(out, left, pad)
	out = append(out, s...)
	return string(appendPad(out, right, pad))
}

func appendPad(dst []byte, n int, pad string) []byte {
	rest := pad
	for ; n > 0; n-- {
		if rest == "" {
			rest = pad
		}
		c := firstChar(rest)
		dst = append(dst, c...)
		rest = rest[len(c):]
	}
	return dst
}
