package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// CaseOption is an option of upcase and its relatives.
type CaseOption uint8

// The options :ascii, :turkic, :lithuanian and :fold.
const (
	CaseASCII CaseOption = 1 << iota
	CaseTurkic
	CaseLithuanian // Ruby takes it and does nothing with it
	CaseFold
)

// Upcase is String#upcase.
func Upcase(s string, o CaseOption) (string, error) {
	if o&CaseFold != 0 {
		return "", argumentError("option :fold only allowed for downcasing")
	}
	return mapCase(s, o, upper, upper)
}

// Downcase is String#downcase.
func Downcase(s string, o CaseOption) (string, error) {
	if o&CaseFold != 0 {
		if o != CaseFold {
			return "", argumentError("too many options")
		}
		return mapCase(s, o, folded, folded)
	}
	return mapCase(s, o, lower, lower)
}

// Capitalize is String#capitalize.
func Capitalize(s string, o CaseOption) (string, error) {
	if o&CaseFold != 0 {
		return "", argumentError("option :fold only allowed for downcasing")
	}
	return mapCase(s, o, title, lower)
}

// Swapcase is String#swapcase.
func Swapcase(s string, o CaseOption) (string, error) {
	if o&CaseFold != 0 {
		return "", argumentError("option :fold only allowed for downcasing")
	}
	return mapCase(s, o, swapped, swapped)
}

// conversion is what becomes of one character.
type conversion uint8

const (
	upper conversion = iota
	lower
	title
	swapped
	folded
)

// mapCase converts the first character as first says, and all others as rest says.
func mapCase(s string, o CaseOption, first, rest conversion) (string, error) {
	if o&CaseASCII != 0 && o != CaseASCII {
		return "", argumentError("too many options")
	}
	out := make([]byte, 0, len(s))
	how := first
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf && (o&CaseTurkic == 0 || c|0x20 != 'i') {
			out = append(out, asciiCase(c, how))
			i++
			how = rest
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case o&CaseASCII != 0 && (first == upper || first == lower):
			out = append(out, s[i:i+n]...)
		case r == utf8.RuneError && n == 1:
			return "", argumentError("input string invalid")
		case o&CaseASCII != 0:
			out = append(out, s[i:i+n]...)
		case o&CaseTurkic != 0 && isTurkic(r):
			out = utf8.AppendRune(out, turkicCase(r, how))
		default:
			out = appendCase(out, r, how)
		}
		i += n
		how = rest
	}
	return string(out), nil
}

func asciiCase(c byte, how conversion) byte {
	isLower, isUpper := 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z'
	switch how {
	case upper, title:
		isUpper = false
	case lower, folded:
		isLower = false
	}
	if isLower || isUpper {
		return c ^ 0x20
	}
	return c
}

func isTurkic(r rune) bool { return r == 'i' || r == 'I' || r == 'İ' || r == 'ı' }

func turkicCase(r rune, how conversion) rune {
	switch {
	case r == 'i' && how != lower:
		return 'İ'
	case r == 'ı' && how != lower:
		return 'I'
	case r == 'İ' && (how == lower || how == swapped):
		return 'i'
	case r == 'I' && (how == lower || how == swapped):
		return 'ı'
	}
	return r
}

// appendCase appends a character that is not ASCII.
func appendCase(dst []byte, r rune, how conversion) []byte {
	if how == swapped {
		switch {
		case unicode.IsTitle(r): // Dž becomes dŽ
			return appendTitleSwapped(dst, r)
		case unicode.ToLower(r) != r || r == 'İ':
			how = lower
		default:
			how = upper
		}
	}
	if isSpecialCase(r, how) {
		var buf [utf8.UTFMax]byte
		var c cases.Caser
		switch how {
		case upper:
			c = cases.Upper(language.Und)
		case lower:
			c = cases.Lower(language.Und)
		case title:
			c = cases.Title(language.Und)
		default:
			c = cases.Fold()
		}
		return append(dst, c.Bytes(utf8.AppendRune(buf[:0], r))...)
	}
	switch how {
	case upper:
		r = unicode.ToUpper(r)
	case lower:
		r = unicode.ToLower(r)
	case folded: // only Cherokee comes here, whose small letters are folded to the capitals
		r = unicode.ToUpper(r)
	case title:
		if r = unicode.ToTitle(r); 0x1c90 <= r && r <= 0x1cbf { // Georgian capitals are for whole words only
			r = unicode.ToLower(r)
		}
	}
	return utf8.AppendRune(dst, r)
}

func appendTitleSwapped(dst []byte, r rune) []byte {
	switch r {
	case 'ǅ':
		return append(dst, "dŽ"...)
	case 'ǈ':
		return append(dst, "lJ"...)
	case 'ǋ':
		return append(dst, "nJ"...)
	case 'ǲ':
		return append(dst, "dZ"...)
	}
	// Greek with an iota below: the letter becomes small, and the iota a capital.
	full := cases.Upper(language.Und).String(string(r))
	first, n := utf8.DecodeRuneInString(full)
	dst = utf8.AppendRune(dst, unicode.ToLower(first))
	return append(dst, full[n:]...)
}

// isSpecialCase reports whether the conversion of r may have more than one character, or another than package unicode knows.
func isSpecialCase(r rune, how conversion) bool {
	switch how {
	case lower:
		return r == 'İ'
	case folded:
		return !isCherokee(r)
	}
	switch {
	case r == 'ß', r == 'ŉ', r == 'ǰ', r == 'ΐ', r == 'ΰ', r == 'և':
		return true
	case r < 0x1e96:
		return false
	case r <= 0x1e9a, 0x1f50 <= r && r <= 0x1f57, 0x1f80 <= r && r <= 0x1ffc, 0xfb00 <= r && r <= 0xfb17:
		return true
	}
	return false
}

func isCherokee(r rune) bool {
	return 0x13a0 <= r && r <= 0x13ff || 0xab70 <= r && r <= 0xabbf
}

// Casecmp is String#casecmp, which folds ASCII only.
func Casecmp(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		x, y := asciiCase(a[i], lower), asciiCase(b[i], lower)
		if x != y {
			if x < y {
				return -1
			}
			return 1
		}
	}
	switch {
	case len(a) < len(b):
		return -1
	case len(a) > len(b):
		return 1
	}
	return 0
}

// CasecmpEqual is String#casecmp?, with Unicode case folding; ok is false where Ruby returns nil.
func CasecmpEqual(a, b string) (equal, ok bool) {
	if isASCII(a) && isASCII(b) {
		return strings.EqualFold(a, b), true
	}
	x, err := Downcase(a, CaseFold)
	if err != nil {
		return false, false
	}
	y, err := Downcase(b, CaseFold)
	if err != nil {
		return false, false
	}
	return x == y, true
}
