package text

import (
	"unicode"
	"unicode/utf8"
)

// Succ is String#succ: the last letter or digit goes one up and carries to the one before it.
func Succ(s string) string {
	if s == "" {
		return ""
	}
	chars := characters(s)
	lastAlnum := -1
	wrapped := -1 // where a carry would have to be put
	var carry string
	for i := len(chars) - 1; i >= 0; i-- {
		if lastAlnum >= 0 && lastAlnum > i+1 && kindsDiffer(chars[lastAlnum], chars[i]) {
			break
		}
		next, more, kind := succAlnum(chars[i])
		switch kind {
		case succFound:
			chars[i] = next
			return joined(chars)
		case succWrapped:
			chars[i], carry = next, more
			lastAlnum, wrapped = i, i
		}
	}
	if wrapped < 0 {
		return succBytes(chars)
	}
	chars[wrapped] = carry + chars[wrapped]
	return joined(chars)
}

func characters(s string) []string {
	out := make([]string, 0, len(s))
	for s != "" {
		c := firstChar(s)
		out = append(out, c)
		s = s[len(c):]
	}
	return out
}

func joined(chars []string) string {
	n := 0
	for _, c := range chars {
		n += len(c)
	}
	out := make([]byte, 0, n)
	for _, c := range chars {
		out = append(out, c...)
	}
	return string(out)
}

// kindsDiffer reports that a is a letter and b a digit of ASCII, or the other way: no carry goes from one to the other over what
// stands between them.
func kindsDiffer(a, b string) bool {
	letter := func(s string) bool { return 'a' <= s[0]|0x20 && s[0]|0x20 <= 'z' }
	return letter(a) && isDigit(b[0]) || isDigit(a[0]) && letter(b)
}

type succKind uint8

const (
	succNone    succKind = iota // no letter or digit
	succFound                   // the next one is there
	succWrapped                 // it was the last of its kind, and the first is there now
)

// succAlnum returns the letter or digit after c, and what to put before it where that is the first again.
func succAlnum(c string) (next, carry string, kind succKind) {
	r, n := utf8.DecodeRuneInString(c)
	if r == utf8.RuneError && n == 1 {
		return "", "", succNone
	}
	is := isAlphabetic
	if unicode.Is(unicode.Nd, r) {
		is = func(r rune) bool { return unicode.Is(unicode.Nd, r) }
	} else if !isAlphabetic(r) {
		return "", "", succNone
	}
	// One gap is passed over, for the letter that the Greek capitals lack.
	up := r
	for range 2 {
		if up = succRune(up, n); up < 0 {
			break
		}
		if is(up) {
			return string(up), "", succFound
		}
	}
	first := r
	for {
		p := predRune(first, n)
		if p < 0 || !is(p) {
			break
		}
		first = p
	}
	if first == r {
		return "", "", succNone
	}
	if unicode.Is(unicode.Nd, r) {
		return string(first), string(first + 1), succWrapped
	}
	return string(first), string(first), succWrapped
}

// isAlphabetic is [[:alpha:]].
func isAlphabetic(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r|0x20 && r|0x20 <= 'z'
	}
	return unicode.In(r, unicode.L, unicode.Nl, unicode.Other_Alphabetic)
}

// succRune returns the character after r if its UTF-8 form has as many bytes, else -1.
func succRune(r rune, size int) rune {
	r++
	if r == 0xd800 {
		r = 0xe000
	}
	if utf8.RuneLen(r) != size {
		return -1
	}
	return r
}

func predRune(r rune, size int) rune {
	r--
	if r == 0xdfff {
		r = 0xd7ff
	}
	if r < 0 || utf8.RuneLen(r) != size {
		return -1
	}
	return r
}

// succBytes is Succ of a text without letters and digits: the last character goes up, and the first of its size carries.
func succBytes(chars []string) string {
	for i := len(chars) - 1; i >= 0; i-- {
		r, n := utf8.DecodeRuneInString(chars[i])
		if r == utf8.RuneError && n == 1 {
			continue
		}
		if next := succRune(r, n); next >= 0 {
			chars[i] = string(next)
			return joined(chars)
		}
		chars[i] = string(firstOfSize(n))
	}
	return "\x01" + joined(chars)
}

func firstOfSize(n int) rune {
	switch n {
	case 1:
		return 0
	case 2:
		return 0x80
	case 3:
		return 0x800
	}
	return 0x10000
}
