package joda

import (
	_ "embed"
	"sort"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// localeTable holds the names of months, days, halves of the day and eras; its first line says how.
//
//go:embed locales.tsv
var localeTable string

// KnownLocale tells whether a language tag (de, pt-BR, zh-Hant) has names of its own. Others, like Java's, get abbreviated English.
func KnownLocale(tag string) bool {
	lang, _, _ := strings.Cut(normalizeTag(tag), "-")
	return localeRow(lang) != ""
}

// localeNames gives the names of a language tag: [0] long months, [1] short months, [2] long days, [3] short days, [4] halves of
// the day, [5] eras.
func localeNames(tag string) (lang string, names [6][]string) {
	tag = normalizeTag(tag)
	lang, _, _ = strings.Cut(tag, "-")
	row := localeRow(tag)
	for row == "" {
		i := strings.LastIndexByte(tag, '-')
		if i < 0 {
			row = localeRow("und")
			break
		}
		tag = tag[:i]
		row = localeRow(tag)
	}
	for i, cell := range strings.Split(row, "\t") {
		names[i] = strings.Split(cell, "|")
	}
	return lang, names
}

// localeRow finds the line that lists a tag among its first words, and gives the rest of it.
func localeRow(tag string) string {
	for line := range strings.Lines(localeTable) {
		tags, names, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		for t := range strings.SplitSeq(tags, " ") {
			if t == tag && t != "#" {
				return names
			}
		}
	}
	return ""
}

// normalizeTag spells a language tag as the table does: de-DE, zh-Hant-TW. Extensions are cut off, an underscore is a dash.
func normalizeTag(tag string) string {
	parts := strings.Split(strings.ReplaceAll(tag, "_", "-"), "-")
	for i, p := range parts {
		switch {
		case i > 0 && len(p) == 1:
			return strings.Join(parts[:i], "-")
		case i == 0:
			parts[i] = strings.ToLower(p)
		case len(p) == 4:
			parts[i] = strings.ToUpper(p[:1]) + strings.ToLower(p[1:])
		default:
			parts[i] = strings.ToUpper(p)
		}
	}
	switch parts[0] { // names of languages that were renamed
	case "iw":
		parts[0] = "he"
	case "in":
		parts[0] = "id"
	case "ji":
		parts[0] = "yi"
	}
	return strings.Join(parts, "-")
}

// textTable finds which of a set of names a text begins with. Joda-Time knows each name as it is written, in lower and in upper
// case, but no mixture of them, long and short names alike, and takes the longest that fits.
type textTable struct {
	names []textName // by first byte, longer before shorter
	first [256]uint8 // index+1 of the first name with that first byte

	// short finds names of three bytes where they are followed by a byte that is no letter.
	short [shortSlots]textName
}

type textName struct {
	text  string
	value int32
}

const shortSlots = 256

func shortSlot(a, b, c byte) uint8 {
	return uint8((uint32(a)<<16 | uint32(b)<<8 | uint32(c)) * 2654435761 >> 24)
}

// monthTable, weekdayTable, halfdayTable and eraTable make the tables for a locale.
func monthTable(tag string) *textTable {
	lang, names := localeNames(tag)
	return newTextTable(lang, 1, longest(names[0]), names[0], names[1])
}

func weekdayTable(tag string) *textTable {
	lang, names := localeNames(tag)
	return newTextTable(lang, 1, longest(names[2]), names[2], names[3])
}

func halfdayTable(tag string) *textTable {
	lang, names := localeNames(tag)
	return newTextTable(lang, 0, longest(names[4]), names[4])
}

func eraTable(tag string) *textTable {
	lang, names := localeNames(tag)
	if lang == "en" {
		return newTextTable(lang, 0, 3, names[5], []string{"BCE", "CE"})
	}
	return newTextTable(lang, 0, longest(names[5]), names[5])
}

// longest gives the length of the longest name in UTF-16, which is how Java counts.
func longest(names []string) int {
	n := 0
	for _, s := range names {
		n = max(n, utf16Len(s))
	}
	return n
}

func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// newTextTable takes lists of names for the values from first on; a name longer than most is never found. Of two values with the same
// name the later list wins, and in it the later value.
func newTextTable(lang string, first, most int, lists ...[]string) *textTable {
	values := map[string]int32{}
	folded := map[string]int32{}
	for _, list := range lists {
		for i, s := range list {
			folded[foldCase(s)] = int32(first + i)
		}
	}
	for _, list := range lists {
		for _, s := range list {
			for _, text := range [...]string{s, lowerCase(lang, s), upperCase(lang, s)} {
				v, ok := folded[foldCase(text)]
				if ok && text != "" && utf16Len(text) <= most {
					values[text] = v
				}
			}
		}
	}
	t := &textTable{}
	for text, v := range values {
		t.names = append(t.names, textName{text, v})
	}
	sort.Slice(t.names, func(i, j int) bool {
		a, b := t.names[i].text, t.names[j].text
		if a[0] != b[0] {
			return a[0] < b[0]
		}
		if len(a) != len(b) {
			return len(a) > len(b)
		}
		return a < b
	})
	for i := len(t.names) - 1; i >= 0; i-- {
		t.first[t.names[i].text[0]] = uint8(i + 1)
	}
	for _, n := range t.names {
		if len(n.text) == 3 && !t.goesOn(n.text) {
			t.short[shortSlot(n.text[0], n.text[1], n.text[2])] = n
		}
	}
	return t
}

// goesOn tells whether a longer name begins with a short one and a byte that is no letter.
func (t *textTable) goesOn(short string) bool {
	for _, n := range t.names {
		if len(n.text) > len(short) && strings.HasPrefix(n.text, short) && n.text[len(short)] < 'A' {
			return true
		}
	}
	return false
}

// lookup gives the value of the name at i, and where the name ends: 0 when there is none.
func (t *textTable) lookup(s string, i int) (value int32, next int) {
	if i+3 < len(s) && s[i+3] < 'A' { // nothing but the three letters of a short name, as in 14/Mar/2024
		if n := &t.short[shortSlot(s[i], s[i+1], s[i+2])]; n.text == s[i:i+3] {
			return n.value, i + 3
		}
	}
	if i >= len(s) {
		return 0, 0
	}
	rest := s[i:]
	k := int(t.first[rest[0]])
	if k == 0 {
		return 0, 0
	}
	for _, n := range t.names[k-1:] {
		if n.text[0] != rest[0] {
			break
		}
		if strings.HasPrefix(rest, n.text) {
			return n.value, i + len(n.text)
		}
	}
	return 0, 0
}

func lowerCase(lang, s string) string {
	if lang == "tr" || lang == "az" {
		return strings.ToLowerSpecial(unicode.TurkishCase, s)
	}
	return strings.ToLower(s)
}

func upperCase(lang, s string) string {
	if lang == "tr" || lang == "az" {
		return strings.ToUpperSpecial(unicode.TurkishCase, s)
	}
	if strings.Contains(s, "ŉ") || strings.Contains(s, "ß") {
		s = strings.NewReplacer("ŉ", "ʼN", "ß", "SS").Replace(s)
	}
	return strings.ToUpper(s)
}

// foldCase makes equal what Java compares as equal without regard to case: each character's upper, then lower case.
func foldCase(s string) string {
	return strings.Map(foldRune, s)
}

func foldRune(r rune) rune {
	return unicode.ToLower(unicode.ToUpper(r))
}

// literalAt tells whether text stands at i, in whatever case, and where it ends: -1 when it does not.
func literalAt(s string, i int, text string) int {
	for k := 0; k < len(text); {
		if i >= len(s) {
			return -1
		}
		if s[i] == text[k] && s[i] < utf8.RuneSelf {
			i++
			k++
			continue
		}
		a, n := utf8.DecodeRuneInString(s[i:])
		b, m := utf8.DecodeRuneInString(text[k:])
		if a != b && foldRune(a) != foldRune(b) {
			return -1
		}
		i += n
		k += m
	}
	return i
}
