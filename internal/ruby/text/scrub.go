package text

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Scrub is String#scrub(repl).
func Scrub(s, repl string) string {
	return ScrubFunc(s, func(string) string { return repl })
}

// ScrubFunc is String#scrub with a block, which gets the bytes of what could have begun a character at once.
func ScrubFunc(s string, repl func(bad string) string) string {
	if utf8.ValidString(s) {
		return s
	}
	var out []byte
	for s != "" {
		r, n := utf8.DecodeRuneInString(s)
		if r != utf8.RuneError || n > 1 {
			out = append(out, s[:n]...)
			s = s[n:]
			continue
		}
		n = badLen(s)
		out = append(out, repl(s[:n])...)
		s = s[n:]
	}
	return string(out)
}

// badLen is the length of the longest beginning of s, which is not valid, that some character begins with, at least 1.
func badLen(s string) int {
	n := 1
	for n < len(s) && n < utf8.UTFMax && beginsChar(s[:n+1]) {
		n++
	}
	return n
}

// beginsChar reports whether a valid character of more bytes begins with s.
func beginsChar(s string) bool {
	var buf [utf8.UTFMax]byte
	need := 0
	switch c := s[0]; {
	case 0xc2 <= c && c <= 0xdf:
		need = 2
	case 0xe0 <= c && c <= 0xef:
		need = 3
	case 0xf0 <= c && c <= 0xf4:
		need = 4
	}
	if len(s) >= need {
		return false
	}
	// The bytes after the second have no bounds of their own; the second has those of some leads, which A0 or 90 meets or not.
	for _, fill := range [...]byte{0x80, 0xbf} {
		k := copy(buf[:], s)
		for ; k < need; k++ {
			buf[k] = fill
		}
		if r, n := utf8.DecodeRune(buf[:need]); n == need && r != utf8.RuneError {
			return true
		}
	}
	return false
}

func form(name string) (norm.Form, error) {
	switch name {
	case "nfc":
		return norm.NFC, nil
	case "nfd":
		return norm.NFD, nil
	case "nfkc":
		return norm.NFKC, nil
	case "nfkd":
		return norm.NFKD, nil
	}
	return 0, argumentError("Invalid normalization form %s.", name)
}

// Normalize is String#unicode_normalize(formName), which is nfc, nfd, nfkc or nfkd.
func Normalize(s, formName string) (string, error) {
	f, err := form(formName)
	if err != nil {
		return "", err
	}
	if !utf8.ValidString(s) {
		return "", invalidBytes()
	}
	return f.String(s), nil
}

// Normalized is String#unicode_normalized?(formName).
func Normalized(s, formName string) (bool, error) {
	f, err := form(formName)
	if err != nil {
		return false, err
	}
	if !utf8.ValidString(s) {
		return false, invalidBytes()
	}
	return f.IsNormalString(s), nil
}
