package text

import (
	"unicode/utf8"
)

// runeRange is a range of characters. In a transliteration at is the place of lo among all characters listed.
type runeRange struct {
	lo, hi rune
	at     int
}

// parseRanges reads what tr, delete, squeeze and count take as a list of characters: a-z is a range, a backslash takes the next
// character as it is, a caret before more means all others.
func parseRanges(spec string) (ranges []runeRange, negated bool, err error) {
	if len(spec) > 1 && spec[0] == '^' && len(firstChar(spec)) < len(spec) {
		negated = true
		spec = spec[1:]
	}
	at := 0
	add := func(lo, hi rune) {
		ranges = append(ranges, runeRange{lo, hi, at})
		at += int(hi-lo) + 1
	}
	for spec != "" {
		if spec[0] == '\\' && len(spec) > 1 {
			spec = spec[1:]
		}
		lo, n := utf8.DecodeRuneInString(spec)
		if lo == utf8.RuneError && n == 1 {
			return nil, false, invalidBytes()
		}
		spec = spec[n:]
		if len(spec) < 2 || spec[0] != '-' {
			add(lo, lo)
			continue
		}
		hi, n := utf8.DecodeRuneInString(spec[1:])
		if hi == utf8.RuneError && n == 1 {
			return nil, false, invalidBytes()
		}
		spec = spec[1+n:]
		switch {
		case lo > hi && lo < utf8.RuneSelf && hi < utf8.RuneSelf:
			return nil, false, argumentError(`invalid range "%c-%c" in string transliteration`, lo, hi)
		case lo > hi:
			return nil, false, argumentError("invalid range in string transliteration")
		case lo < 0xd800 && hi > 0xdfff: // there are no surrogates
			add(lo, 0xd7ff)
			add(0xe000, hi)
		default:
			add(lo, hi)
		}
	}
	return ranges, negated, nil
}

func invalidBytes() error { return argumentError("invalid byte sequence in UTF-8") }

// CharSet is the set of characters that several specifications, as delete takes them, have in common. It is immutable.
type CharSet struct {
	ascii [utf8.RuneSelf]bool
	parts []charSetPart
}

type charSetPart struct {
	ranges  []runeRange
	negated bool
}

// NewCharSet reads the specifications; with none of them the set has all characters.
func NewCharSet(specs ...string) (*CharSet, error) {
	s := &CharSet{}
	for _, spec := range specs {
		ranges, negated, err := parseRanges(spec)
		if err != nil {
			return nil, err
		}
		s.parts = append(s.parts, charSetPart{ranges, negated})
	}
	for c := range s.ascii {
		s.ascii[c] = s.slowHas(rune(c))
	}
	return s, nil
}

// Has reports whether the set has r.
func (s *CharSet) Has(r rune) bool {
	if r < utf8.RuneSelf {
		return s.ascii[r]
	}
	return s.slowHas(r)
}

func (s *CharSet) slowHas(r rune) bool {
	for _, p := range s.parts {
		if (findRange(p.ranges, r) >= 0) == p.negated {
			return false
		}
	}
	return true
}

// findRange returns the last range with r, as the last translation of a character counts, or -1.
func findRange(ranges []runeRange, r rune) int {
	for i := len(ranges) - 1; i >= 0; i-- {
		if ranges[i].lo <= r && r <= ranges[i].hi {
			return i
		}
	}
	return -1
}

// Count is String#count(set).
func (s *CharSet) Count(text string) (int, error) {
	n := 0
	for i, r := range text {
		if r == utf8.RuneError && !validAt(text, i) {
			return 0, invalidBytes()
		}
		if s.Has(r) {
			n++
		}
	}
	return n, nil
}

// validAt reports whether the U+FFFD that was read at i is there, and no invalid byte.
func validAt(s string, i int) bool {
	_, n := utf8.DecodeRuneInString(s[i:])
	return n > 1
}

// Delete is String#delete(set).
func (s *CharSet) Delete(text string) (string, error) {
	var out []byte
	kept := 0 // what is before this is in out
	for i, r := range text {
		if r == utf8.RuneError && !validAt(text, i) {
			return "", invalidBytes()
		}
		if s.Has(r) {
			out = append(out, text[kept:i]...)
			kept = i + utf8.RuneLen(r)
		}
	}
	if kept == 0 {
		return text, nil
	}
	return string(append(out, text[kept:]...)), nil
}

// Squeeze is String#squeeze(set).
func (s *CharSet) Squeeze(text string) (string, error) {
	var out []byte
	kept := 0
	last := rune(-1)
	for i, r := range text {
		if r == utf8.RuneError && !validAt(text, i) {
			return "", invalidBytes()
		}
		if r == last && s.Has(r) {
			out = append(out, text[kept:i]...)
			kept = i + utf8.RuneLen(r)
		}
		last = r
	}
	if kept == 0 {
		return text, nil
	}
	return string(append(out, text[kept:]...)), nil
}

// Delete is String#delete.
func Delete(s string, sets ...string) (string, error) {
	if s == "" && len(sets) > 0 {
		return "", nil
	}
	set, err := someSet(sets)
	if err != nil {
		return "", err
	}
	return set.Delete(s)
}

// Squeeze is String#squeeze.
func Squeeze(s string, sets ...string) (string, error) {
	set, err := NewCharSet(sets...)
	if err != nil {
		return "", err
	}
	return set.Squeeze(s)
}

// Count is String#count.
func Count(s string, sets ...string) (int, error) {
	set, err := someSet(sets)
	if err != nil {
		return 0, err
	}
	return set.Count(s)
}

func someSet(sets []string) (*CharSet, error) {
	if len(sets) == 0 {
		return nil, argumentError("wrong number of arguments (given 0, expected 1+)")
	}
	return NewCharSet(sets...)
}
