package mapping

import (
	"unicode"
	"unicode/utf8"
)

// maxToken is the length, in characters, at which the standard analyzer cuts a token.
const maxToken = 255

// class is how a character takes part in word breaks (Unicode Standard Annex 29, as Lucene's StandardTokenizer reads it).
type class uint8

const (
	other     class = iota
	letter          // joins letters, digits and connectors
	digit           //
	connector       // _ and its kin: joins, but makes no token by itself
	midLetter       // between two letters: colon, middle dot
	midNum          // between two digits: comma, semicolon
	midNumLet       // between two letters or two digits: full stop, apostrophe
	extender        // belongs to the character before it
	ideograph       // a token by itself
	hiragana        // a token by itself
	katakana        // joins katakana and connectors
	southeast       // joins its kind: Thai, Lao, Khmer, Burmese
	emoji           // a token by itself
	regional        // a token in pairs: flags
)

// asciiClass holds the classes of ASCII; of letters and digits with what lower case adds.
var asciiClass = func() (t [128]class) {
	for c := range t {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			t[c] = letter
		case c >= '0' && c <= '9':
			t[c] = digit
		}
	}
	t['_'], t[':'], t['.'], t['\''] = connector, midLetter, midNumLet, midNumLet
	t[','], t[';'] = midNum, midNum
	return t
}()

func classOf(r rune) class {
	switch {
	case r < 128:
		return asciiClass[r]
	case r == 0x2019 || r == 0x2018 || r == 0x2024 || r == 0xFE52 || r == 0xFF07 || r == 0xFF0E:
		return midNumLet
	case r == 0xB7 || r == 0x387 || r == 0x55F || r == 0x5F4 || r == 0x2027 || r == 0xFE13 || r == 0xFE55 || r == 0xFF1A:
		return midLetter
	case r == 0x37E || r == 0x589 || r == 0x60C || r == 0x60D || r == 0x66C || r == 0x7F8 || r == 0x2044 || r == 0xFE10 || r == 0xFE14 || r == 0xFE50 || r == 0xFE54 || r == 0xFF0C || r == 0xFF1B:
		return midNum
	case r >= 0x1F1E6 && r <= 0x1F1FF:
		return regional
	case r >= 0x1F3FB && r <= 0x1F3FF: // tones of skin
		return extender
	case unicode.Is(unicode.Han, r):
		return ideograph
	case unicode.Is(unicode.Hiragana, r):
		return hiragana
	case unicode.Is(unicode.Katakana, r) || r >= 0x3031 && r <= 0x3035 || r == 0x309B || r == 0x309C || r == 0x30A0 || r == 0x30FC || r == 0xFF70:
		return katakana
	case unicode.Is(unicode.Thai, r) || unicode.Is(unicode.Lao, r) || unicode.Is(unicode.Khmer, r) || unicode.Is(unicode.Myanmar, r):
		if unicode.Is(unicode.Nd, r) {
			return digit
		}
		return southeast
	case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Mc, r) || unicode.Is(unicode.Me, r) || unicode.Is(unicode.Cf, r) && r != 0x200B:
		return extender
	case unicode.IsLetter(r) || unicode.Is(unicode.Nl, r) || unicode.Is(unicode.Other_Alphabetic, r):
		return letter
	case unicode.Is(unicode.Nd, r):
		return digit
	case unicode.Is(unicode.Pc, r) || r == 0x202F:
		return connector
	case isEmoji(r):
		return emoji
	}
	return other
}

// pictographs are the ranges of Extended_Pictographic below the planes of emoji.
var pictographs = [][2]rune{
	{0xA9, 0xA9}, {0xAE, 0xAE}, {0x203C, 0x203C}, {0x2049, 0x2049}, {0x2122, 0x2122}, {0x2194, 0x2199}, {0x21A9, 0x21AA}, {0x231A, 0x231B}, {0x2328, 0x2328},
	{0x2388, 0x2388}, {0x23CF, 0x23CF}, {0x23E9, 0x23F3}, {0x23F8, 0x23FA}, {0x25AA, 0x25AB}, {0x25B6, 0x25B6}, {0x25C0, 0x25C0}, {0x25FB, 0x25FE},
	{0x2600, 0x2605}, {0x2607, 0x2612}, {0x2614, 0x2685}, {0x2690, 0x2705}, {0x2708, 0x2712}, {0x2714, 0x2714}, {0x2716, 0x2716}, {0x271D, 0x271D},
	{0x2721, 0x2721}, {0x2728, 0x2728}, {0x2733, 0x2734}, {0x2744, 0x2744}, {0x2747, 0x2747}, {0x274C, 0x274C}, {0x274E, 0x274E}, {0x2753, 0x2755},
	{0x2757, 0x2757}, {0x2763, 0x2767}, {0x2795, 0x2797}, {0x27A1, 0x27A1}, {0x27B0, 0x27B0}, {0x27BF, 0x27BF}, {0x2934, 0x2935}, {0x2B05, 0x2B07},
	{0x2B1B, 0x2B1C}, {0x2B50, 0x2B50}, {0x2B55, 0x2B55}, {0x3030, 0x3030}, {0x303D, 0x303D}, {0x3297, 0x3297}, {0x3299, 0x3299}, {0x1F000, 0x1F0FF},
	{0x1F10D, 0x1F10F}, {0x1F12F, 0x1F12F}, {0x1F16C, 0x1F171}, {0x1F17E, 0x1F17F}, {0x1F18E, 0x1F18E}, {0x1F191, 0x1F19A}, {0x1F201, 0x1F20F},
	{0x1F21A, 0x1F21A}, {0x1F22F, 0x1F22F}, {0x1F232, 0x1F23A}, {0x1F23C, 0x1F23F}, {0x1F249, 0x1F3FA}, {0x1F400, 0x1FAFF},
}

// isEmoji tells characters that are, or may be shown as, pictures.
func isEmoji(r rune) bool {
	for _, p := range pictographs {
		if r <= p[1] {
			return r >= p[0]
		}
	}
	return false
}

// nextToken finds the next token of s at or after i: s[from:to]. ascii says that all of it is, upper that a capital letter is in it. to is
// 0 where no token is left.
func nextToken(s string, i int) (from, to int, ascii, upper bool) {
	for i < len(s) {
		c := s[i]
		if c >= utf8.RuneSelf {
			from, to = slowToken(s, i)
			return from, to, false, true
		}
		if k := asciiClass[c]; k != letter && k != digit && k != connector {
			i++
			continue
		}
		from = i
		word := false
		for i < len(s) {
			c = s[i]
			if c >= utf8.RuneSelf {
				// What follows may belong to this token.
				from, to = slowToken(s, from)
				return from, to, false, true
			}
			switch asciiClass[c] {
			case letter, digit:
				word = true
				upper = upper || c >= 'A' && c <= 'Z'
			case connector:
			case other:
				goto end
			default:
				if i+1 < len(s) && s[i+1] >= utf8.RuneSelf {
					from, to = slowToken(s, from)
					return from, to, false, true
				}
				if i+1 >= len(s) || !joins(asciiClass[s[i-1]], asciiClass[c], asciiClass[s[i+1]]) {
					goto end
				}
			}
			i++
		}
	end:
		if !word { // connectors alone
			upper = false
			continue
		}
		if i-from > maxToken {
			i = from + maxToken
		}
		return from, i, true, upper
	}
	return 0, 0, true, false
}

// joins reports whether a character of class mid between two others is no word break.
func joins(before, mid, after class) bool {
	switch mid {
	case midLetter:
		return before == letter && after == letter
	case midNum:
		return before == digit && after == digit
	case midNumLet:
		return before == letter && after == letter || before == digit && after == digit
	}
	return false
}

// slowToken is nextToken for text that is not ASCII.
func slowToken(s string, i int) (from, to int) {
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		k := classOf(r)
		switch k {
		case ideograph, hiragana:
			return i, skipExtend(s, i+n)
		case emoji:
			return i, emojiEnd(s, i+n)
		case regional:
			j := skipExtend(s, i+n)
			if next, m := utf8.DecodeRuneInString(s[j:]); classOf(next) == regional {
				return i, skipExtend(s, j+m)
			}
		case extender: // what is one only behind something else
			if r >= 0x1F3FB && r <= 0x1F3FF {
				return i, emojiEnd(s, i+n)
			}
			if next, m := utf8.DecodeRuneInString(s[i+n:]); r == 0x200D && isEmoji(next) {
				return i, emojiEnd(s, i+n+m)
			}
		case katakana, letter, digit, connector:
			end, word := wordEnd(s, i)
			if word {
				return i, end
			}
			i = end
			continue
		case southeast:
			end := i + n
			for end < len(s) {
				r, n := utf8.DecodeRuneInString(s[end:])
				if c := classOf(r); c != southeast && c != extender {
					break
				}
				end += n
			}
			return i, end
		}
		i += n
	}
	return 0, 0
}

func skipExtend(s string, i int) int {
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r < utf8.RuneSelf || classOf(r) != extender {
			break
		}
		i += n
	}
	return i
}

// emojiEnd goes on over variation selectors, skin tones and what a joiner adds.
func emojiEnd(s string, i int) int {
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == 0x200D:
			next, m := utf8.DecodeRuneInString(s[i+n:])
			if !isEmoji(next) {
				return i + n
			}
			n += m
		case r >= 0x1F3FB && r <= 0x1F3FF, r == 0x20E3, r >= utf8.RuneSelf && classOf(r) == extender:
		default:
			return i
		}
		i += n
	}
	return i
}

// wordEnd returns where the word that begins at i ends, and whether a letter or digit is in it.
func wordEnd(s string, i int) (end int, word bool) {
	prev, chars := other, 0
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		k := classOf(r)
		switch k {
		case extender:
			i += n
			chars++
			continue
		case letter, digit:
			if prev == katakana {
				return i, word
			}
			word = true
		case katakana:
			if prev == letter || prev == digit {
				return i, word
			}
			word = true
		case connector:
		case midLetter, midNum, midNumLet:
			j := skipExtend(s, i+n)
			next, _ := utf8.DecodeRuneInString(s[j:])
			if j >= len(s) || !joins(prev, k, classOf(next)) {
				return i, word
			}
		default:
			return i, word
		}
		if chars++; chars > maxToken {
			return i, word
		}
		prev = k
		i += n
	}
	return i, word
}
