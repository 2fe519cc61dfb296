package charset

import (
	_ "embed" // for the tables
	"strconv"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// tables holds the single-byte sets. They are Ruby's and not those of x/text, which follow the WHATWG: that one has no undefined
// bytes, and lacks a dozen sets that Ruby has.
//
//go:embed tables.txt
var tables string

const utf8Names = "UTF-8 UTF8 CP65001 locale external filesystem internal UTF8-DoCoMo UTF8-KDDI UTF8-SoftBank"

// unconvertibleNames are encodings that Ruby knows by name and cannot convert, or that hardly anybody used and x/text lacks. For
// Big5-UAO its table of Big5 would give other characters.
const unconvertibleNames = "Big5-UAO Emacs-Mule EUC-TW eucTW IBM864 CP864 GB1988 GB12345 macCentEuro macThai ISO-2022-JP-2 ISO2022-JP2 MacJapanese MacJapan " +
	"UTF-7 CP65000 CESU-8 stateless-ISO-2022-JP stateless-ISO-2022-JP-KDDI ISO-2022-JP-KDDI EUC-JIS-2004 EUC-JISX0213"

// others returns the set of a name in lower case that is not in the tables; a nil definition with ok is UTF-8.
func others(key string) (def *definition, ok bool) {
	if hasName(utf8Names, key) {
		return nil, true
	}
	for _, f := range families() {
		if hasName(f.names, key) {
			name, _, _ := strings.Cut(f.names, " ")
			return &definition{name: name, encoding: f.encoding, ascii: f.ascii, compose: f.compose, jis: f.jis}, true
		}
	}
	return nil, false
}

type family struct {
	names    string
	encoding encoding.Encoding
	ascii    bool
	compose  bool
	jis      bool
}

func families() []family {
	return []family{
		{names: "UTF8-MAC UTF-8-MAC UTF-8-HFS", ascii: true, compose: true},
		{names: "UTF-16BE UCS-2BE", encoding: unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)},
		{names: "UTF-16LE", encoding: unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)},
		{names: "UTF-16", encoding: unicode.UTF16(unicode.BigEndian, unicode.UseBOM)},
		{names: "UTF-32BE UCS-4BE", encoding: utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)},
		{names: "UTF-32LE UCS-4LE", encoding: utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)},
		{names: "UTF-32", encoding: utf32.UTF32(utf32.BigEndian, utf32.UseBOM)},
		{names: "EUC-JP eucJP", encoding: japanese.EUCJP, ascii: true, jis: true},
		{names: "eucJP-ms euc-jp-ms CP51932", encoding: japanese.EUCJP, ascii: true},
		{names: "Windows-31J CP932 csWindows31J SJIS PCK MS932", encoding: japanese.ShiftJIS, ascii: true},
		{names: "Shift_JIS", encoding: japanese.ShiftJIS, ascii: true, jis: true},
		{names: "SJIS-DoCoMo SJIS-KDDI SJIS-SoftBank", encoding: japanese.ShiftJIS, ascii: true},
		{names: "ISO-2022-JP ISO2022-JP", encoding: japanese.ISO2022JP, jis: true},
		{names: "CP50220 CP50221", encoding: japanese.ISO2022JP},
		{names: "Big5 CP950 Big5-HKSCS Big5-HKSCS:2008 CP951", encoding: traditionalchinese.Big5, ascii: true},
		{names: "EUC-KR eucKR CP949", encoding: korean.EUCKR, ascii: true},
		{names: "GBK CP936 GB2312 EUC-CN eucCN", encoding: simplifiedchinese.GBK, ascii: true},
		{names: "GB18030", encoding: simplifiedchinese.GB18030, ascii: true},
		{names: "IBM037 ebcdic-cp-us", encoding: charmap.CodePage037},
		{names: "Windows-1258 CP1258", encoding: charmap.Windows1258, ascii: true},
	}
}

// hasName reports whether the blank-separated list holds a name that is key in lower case.
func hasName(list, key string) bool {
	for name := range strings.FieldsSeq(list) {
		if strings.ToLower(name) == key {
			return true
		}
	}
	return false
}

func unconvertible(key string) bool { return hasName(unconvertibleNames, key) }

// singleByte returns the set of a name in lower case, nil if the tables have none.
func singleByte(key string) *definition {
	switch key {
	case "ascii-8bit", "binary":
		return &definition{name: "ASCII-8BIT", table: undefined(), ascii: true}
	case "us-ascii", "ascii", "ansi_x3.4-1968", "646":
		return &definition{name: "US-ASCII", table: undefined(), ascii: true}
	}
	for line := range strings.Lines(tables) {
		names, cells, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if ok && hasName(names, key) {
			name, _, _ := strings.Cut(names, " ")
			return &definition{name: name, table: parseTable(name, cells), ascii: true}
		}
	}
	return nil
}

func undefined() *[128]rune {
	t := new([128]rune)
	for i := range t {
		t[i] = '\uFFFD'
	}
	return t
}

func parseTable(name, cells string) *[128]rune {
	t := undefined()
	i := 0
	for cell := range strings.FieldsSeq(cells) {
		if cell == "*" {
			i++
			continue
		}
		from, to, run := strings.Cut(cell, "-")
		if !run {
			to = from
		}
		first, err1 := strconv.ParseUint(from, 16, 32)
		last, err2 := strconv.ParseUint(to, 16, 32)
		if err1 != nil || err2 != nil {
			panic("BUG: the table of " + name + " is malformed at " + cell)
		}
		for r := first; r <= last; r++ {
			t[i] = rune(r)
			i++
		}
	}
	if i != len(t) {
		panic("BUG: the table of " + name + " has " + strconv.Itoa(i) + " bytes")
	}
	return t
}

// Names returns Ruby's names of all character sets that can be converted.
func Names() []string {
	names := strings.Fields(utf8Names + " ASCII-8BIT BINARY US-ASCII ASCII ANSI_X3.4-1968 646")
	for _, f := range families() {
		names = append(names, strings.Fields(f.names)...)
	}
	for line := range strings.Lines(tables) {
		if list, _, ok := strings.Cut(line, "\t"); ok {
			names = append(names, strings.Fields(list)...)
		}
	}
	return names
}

// nearest returns the name that differs least from key: equal but for what is not a letter or digit, or one slip away.
func nearest(key string) string {
	plain := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, strings.ToLower(s))
	}
	want := strings.Replace(plain(key), "latin1", "iso88591", 1)
	for _, name := range Names() {
		if plain(name) == want || strings.Replace(plain(name), "windows", "cp", 1) == want {
			return name
		}
	}
	for _, name := range Names() {
		if oneSlip(plain(name), want) {
			return name
		}
	}
	return ""
}

// oneSlip reports whether a becomes b by changing, adding or leaving out one byte.
func oneSlip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) == len(b) {
		return i == len(a) || a[i+1:] == b[i+1:]
	}
	return a[i:] == b[i+1:]
}
