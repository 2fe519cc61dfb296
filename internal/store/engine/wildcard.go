package engine

import (
	"unicode"
	"unicode/utf8"
)

// wildcard is a compiled pattern: * stands for any characters, ? for one, \ takes the next literally.
type wildcard struct {
	prefix string // what each match begins with
	parts  []rune
	fold   bool
}

// The special runes of parts; they cannot be in text.
const (
	anyRunes = -1
	oneRune  = -2
)

func newWildcard(pattern string, fold bool) *wildcard {
	w := &wildcard{fold: fold}
	escaped := false
	for _, r := range pattern {
		switch {
		case !escaped && r == '\\':
			escaped = true
			continue
		case !escaped && r == '*':
			r = anyRunes
		case !escaped && r == '?':
			r = oneRune
		}
		escaped = false
		if r == anyRunes && len(w.parts) > 0 && w.parts[len(w.parts)-1] == anyRunes {
			continue // as good as one, and quicker
		}
		w.parts = append(w.parts, r)
	}
	if escaped {
		w.parts = append(w.parts, '\\')
	}
	for _, r := range w.parts {
		if r < 0 || fold && unicode.SimpleFold(r) != r {
			break
		}
		w.prefix += string(r)
	}
	return w
}

// match tells whether a term as a whole fits. It goes back to the last * alone, so that its time is at worst the product of the lengths.
func (w *wildcard) match(term []byte) bool {
	at, retry, retryAt := 0, -1, 0
	for i := 0; i < len(term); {
		r, n := rune(term[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(term[i:])
		}
		switch {
		case at < len(w.parts) && w.parts[at] == anyRunes:
			retry, retryAt = at, i
			at++
			continue
		case at < len(w.parts) && (w.parts[at] == oneRune || w.equal(w.parts[at], r)):
			at++
			i += n
			continue
		case retry < 0:
			return false
		}
		_, skip := utf8.DecodeRune(term[retryAt:])
		retryAt += skip
		i, at = retryAt, retry+1
	}
	for at < len(w.parts) && w.parts[at] == anyRunes {
		at++
	}
	return at == len(w.parts)
}

func (w *wildcard) equal(a, b rune) bool {
	if a == b {
		return true
	}
	if !w.fold {
		return false
	}
	for r := unicode.SimpleFold(a); r != a; r = unicode.SimpleFold(r) {
		if r == b {
			return true
		}
	}
	return false
}
