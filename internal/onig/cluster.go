package onig

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

// Sets of the rules for extended grapheme clusters (UAX 29).
var (
	extendSet       = sync.OnceValue(func() *charSet { return tableSet(unicode.Mn, unicode.Me, unicode.Other_Grapheme_Extend) })
	spacingSet      = sync.OnceValue(func() *charSet { return tableSet(unicode.Mc).subtract(extendSet()) })
	pictographicSet = &charSet{r: pictographicRanges}
	prependSet      = &charSet{r: prependRanges}
)

// Hangul syllables are composed of a leading consonant, a vowel and a trailing consonant.
type hangul uint8

const (
	hangulNone hangul = iota
	hangulL
	hangulV
	hangulT
	hangulLV
	hangulLVT
)

func hangulOf(r rune) hangul {
	switch {
	case r >= 0x1100 && r <= 0x115F || r >= 0xA960 && r <= 0xA97C:
		return hangulL
	case r >= 0x1160 && r <= 0x11A7 || r >= 0xD7B0 && r <= 0xD7C6:
		return hangulV
	case r >= 0x11A8 && r <= 0x11FF || r >= 0xD7CB && r <= 0xD7FB:
		return hangulT
	case r >= 0xAC00 && r <= 0xD7A3:
		if (r-0xAC00)%28 == 0 {
			return hangulLV
		}
		return hangulLVT
	}
	return hangulNone
}

func isControl(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) || unicode.Is(unicode.Cf, r) && r != 0x200C && r != 0x200D && !prependSet.contains(r)
}

func isRegional(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// joinsHangul reports whether b goes on with the syllable that a is part of.
func joinsHangul(a, b hangul) bool {
	switch a {
	case hangulL:
		return b == hangulL || b == hangulV || b == hangulLV || b == hangulLVT
	case hangulLV, hangulV:
		return b == hangulV || b == hangulT
	case hangulLVT, hangulT:
		return b == hangulT
	}
	return false
}

// clusterEnd returns where the extended grapheme cluster at pos ends; pos < len(s).
func clusterEnd(s string, pos int32) int32 {
	i := int(pos)
	r, n := utf8.DecodeRuneInString(s[i:])
	i += n
	if r == '\r' && i < len(s) && s[i] == '\n' {
		return int32(i + 1)
	}
	if isControl(r) || r == utf8.RuneError && n <= 1 {
		return int32(i)
	}
	pictograph := pictographicSet.contains(r) // a pictograph and what extends it came last
	joiner := false                           // and then a joiner
	regional := isRegional(r)
	for i < len(s) {
		next, n := utf8.DecodeRuneInString(s[i:])
		if next == utf8.RuneError && n <= 1 || isControl(next) {
			break
		}
		switch {
		case next == 0x200D:
			joiner = pictograph
		case extendSet().contains(next):
			joiner = false
		case spacingSet().contains(next):
			joiner, pictograph = false, false
		case pictographicSet.contains(next) && joiner:
			joiner, pictograph = false, true
		case regional && isRegional(next):
			regional = false
			i += n
			r = next
			continue
		case joinsHangul(hangulOf(r), hangulOf(next)), prependSet.contains(r):
			pictograph = pictographicSet.contains(next)
			regional = isRegional(next)
			i += n
			r = next
			continue
		default:
			return int32(i)
		}
		regional = false
		r = next
		i += n
	}
	return int32(i)
}
