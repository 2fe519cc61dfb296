package config

import (
	"strings"
	"unicode/utf8"
)

// decodeText makes UTF-8 of a file's bytes: it drops a byte order mark and reads bytes that are not UTF-8 as
// Latin-1, with a warning each. Logstash refuses such files; many that were written on Windows exist.
func decodeText(name string, src []byte) (*File, Diagnostics) {
	text := string(src)
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		f := newFile(name, "")
		return f, Diagnostics{Errorf(Place{File: f}, "utf-16", "the file is UTF-16").WithHint("save it as UTF-8")}
	}
	rest, bom := strings.CutPrefix(text, "\ufeff")
	var bad int
	if !utf8.ValidString(rest) {
		rest, bad = latin1(rest)
	}
	f := newFile(name, rest)
	var ds Diagnostics
	if bom {
		ds = append(ds, Warnf(Place{File: f}, "byte-order-mark", "the file begins with a byte order mark, which Logstash refuses"))
	}
	if bad >= 0 && rest != strings.TrimPrefix(text, "\ufeff") {
		_, size := utf8.DecodeRuneInString(rest[bad:])
		ds = append(ds, Warnf(Place{f, Span{bad, bad + size}}, "not-utf-8", "bytes that are not UTF-8 are read as Latin-1").
			WithHint("save the file as UTF-8: Logstash refuses it as it is"))
	}
	return f, ds
}

// latin1 replaces every byte that is not part of a UTF-8 character by the character with its number, and returns where the first one stands.
func latin1(s string) (string, int) {
	var b strings.Builder
	first := -1
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			if first < 0 {
				first = b.Len()
			}
			r = rune(s[i])
		}
		b.WriteRune(r)
		i += size
	}
	return b.String(), first
}
