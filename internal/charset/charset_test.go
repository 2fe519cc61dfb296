package charset

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// heap is an Arena without an arena.
type heap struct{}

func (heap) Free() []byte         { return nil }
func (heap) Take(b []byte) string { return string(b) }

func TestDecode(t *testing.T) {
	f := func(name, in, want string) {
		t.Helper()
		c, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.NewDecoder().Decode(heap{}, in); got != want {
			t.Errorf("%s %q: got %q, want %q", name, in, got, want)
		}
	}
	f("UTF-8", "plain", "plain")
	f("utf-8", "caf\u00e9 \U0001F600", "caf\u00e9 \U0001F600")
	f("UTF-8", "caf\xe9 \u00e9 \"q\"\t\\ #{x} #x \x1b\x01", `caf\xE9 é \"q\"\t\\ \#{x} #x \e\u0001`)
	f("UTF-8", "\xef", `\xEF`)
	f("UTF-8", "\xe2\x82", `\xE2\x82`)
	f("UTF-8", "\xed\xa0\x80 \U000e0001", `\xED\xA0\x80 \u{E0001}`)
	f("BINARY", "x\xe9y", "x\ufffdy")
	f("ASCII", "x\xe9y", "x\ufffdy")
	f("CP1252", "\x93q\x94 \x80\x81", "“q” €\ufffd")
	f("ISO-8859-15", "\xa4 5", "€ 5")
	f("ISO-8859-1", "caf\xe9", "café")
	f("Windows-1251", "\xcf\xf0\xe8", "При")
	f("IBM437", "\x81", "ü")
	f("macRoman", "\x8e", "é")
	f("EUC-JP", "\xa5\xed\xa5\xb0", "ログ")
	f("Shift_JIS", "\x83\x8d\x83O", "ログ")
	f("ISO-2022-JP", "\x1b$B%m%0\x1b(B!", "ログ!")
	f("MS932", "\x83\x8d\x83O \x81`\x81|\x81\\\x81a\x81\x91\x81\x92\x81\xca", "ログ ～－―∥￠￡￢")
	f("Shift_JIS", "\x81`\x81|\x81\\\x81a\x81\x91\x81\x92\x81\xca\x83O", "〜−—‖¢£¬グ")
	f("EUC-JP", "\xa1\xc1\xa1\xdd\xa1\xbd\xa1\xc2\xa1\xf1\xa1\xf2\xa2\xcc", "〜−—‖¢£¬")
	f("CP51932", "\xa1\xc1", "～")
	f("ISO-2022-JP", "\x1b$B!A!]!=\x1b(B", "〜−—")
	f("CP50221", "\x1b$B!A!]!=\x1b(B", "～－―")
	f("UTF8", "é", "é")
	f("Big5", "\xa4\xe9", "日")
	f("GBK", "\xc8\xd5", "日")
	f("GB18030", "\xc8\xd5", "日")
	f("EUC-KR", "\xb7\xce", "로")
	f("UTF-16LE", "a\x00\xe9\x00", "aé")
	f("UTF-16BE", "\x00a\x00\xe9", "aé")
	f("UTF-16", "\xff\xfea\x00", "a")
	f("UTF-32LE", "a\x00\x00\x00", "a")
	f("IBM037", "\x81\x82", "ab")
	f("UTF8-MAC", "e\u0301", "é")
}

func TestFindRefuses(t *testing.T) {
	f := func(name, want string) {
		t.Helper()
		_, err := Find(name)
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
	f("utf_8", `unknown character set "utf_8": did you mean "UTF-8"?`)
	f("latin1", `unknown character set "latin1": did you mean "ISO-8859-1"?`)
	f("cp-1252", `unknown character set "cp-1252": did you mean "Windows-1252"?`)
	f("nonsense", `unknown character set "nonsense"`)
	f("Big5-UAO", `character set "Big5-UAO" cannot be converted to UTF-8`)
	f("UTF-7", `character set "UTF-7" cannot be converted to UTF-8`)
}

func TestEveryName(t *testing.T) {
	for _, name := range Names() {
		c, err := Find(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := c.NewDecoder().Decode(heap{}, strings.Repeat("\xff\x80a", 50)); !utf8.ValidString(got) {
			t.Errorf("%s: invalid text %q", name, got)
		}
	}
}

// Where x/text has a set it agrees with the tables, but for bytes that one of them calls undefined.
func TestTablesAgreeWithXText(t *testing.T) {
	f := func(name string, m *charmap.Charmap) {
		t.Helper()
		def := singleByte(strings.ToLower(name))
		if def == nil {
			t.Fatalf("no table of %s", name)
		}
		for i, r := range def.table {
			if x := m.DecodeByte(byte(i + 0x80)); x != r && r != 0xFFFD && x != 0xFFFD {
				t.Errorf("%s %02X: table %U, x/text %U", name, i+0x80, r, x)
			}
		}
	}
	f("ISO-8859-2", charmap.ISO8859_2)
	f("ISO-8859-5", charmap.ISO8859_5)
	f("ISO-8859-9", charmap.ISO8859_9)
	f("ISO-8859-15", charmap.ISO8859_15)
	f("KOI8-R", charmap.KOI8R)
	f("CP437", charmap.CodePage437)
	f("CP850", charmap.CodePage850)
	f("IBM866", charmap.CodePage866)
	f("CP1250", charmap.Windows1250)
	f("CP1251", charmap.Windows1251)
	f("CP1252", charmap.Windows1252)
	f("CP1254", charmap.Windows1254)
}

func FuzzDecode(f *testing.F) {
	f.Add("abc", "UTF-8")
	f.Add("caf\xe9 #{x}", "CP1252")
	f.Add(strings.Repeat("é", 40), "UTF8-MAC")
	f.Add("\x1b$B%m%0\x1b(B!", "ISO-2022-JP")
	f.Fuzz(func(t *testing.T, s, name string) {
		c, err := Find(name)
		if err != nil {
			return
		}
		if got := c.NewDecoder().Decode(heap{}, s); !utf8.ValidString(got) {
			t.Fatalf("%s %q became invalid: %q", name, s, got)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	run := func(bench, name, s string) {
		b.Run(bench, func(b *testing.B) {
			c, err := Find(name)
			if err != nil {
				b.Fatal(err)
			}
			d, buf := c.NewDecoder(), make([]byte, 0, 4096)
			b.ReportAllocs()
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				if !d.Clean(s) {
					buf = d.Append(buf[:0], s)
				}
			}
		})
	}
	ascii := strings.Repeat("GET /index.html HTTP/1.1 ", 6)
	run("utf8-ascii150", "UTF-8", ascii)
	run("utf8-mixed150", "UTF-8", ascii[:100]+strings.Repeat("é", 25))
	run("cp1252-ascii150", "CP1252", ascii)
	run("cp1252-mixed150", "CP1252", ascii[:148]+"\xe9\x80")
	run("eucjp150", "EUC-JP", strings.Repeat("\xa5\xed\xa5\xb0a", 30))
}

// rubyNames are all names that JRuby knows.
const rubyNames = "" +
	"646 ANSI_X3.4-1968 ASCII ASCII-8BIT BINARY Big5 Big5-HKSCS Big5-HKSCS:2008 Big5-UAO CESU-8 CP1250 CP1251 CP1252 CP1253 CP1254 " +
	"CP1255 CP1256 CP1257 CP1258 CP437 CP50220 CP50221 CP51932 CP65000 CP65001 CP720 CP737 CP775 CP850 CP852 CP855 CP857 CP860 CP861 " +
	"CP862 CP863 CP864 CP865 CP866 CP869 CP874 CP878 CP932 CP936 CP949 CP950 CP951 EUC-CN EUC-JIS-2004 EUC-JISX0213 EUC-JP EUC-KR " +
	"EUC-TW Emacs-Mule GB12345 GB18030 GB1988 GB2312 GBK IBM037 IBM437 IBM720 IBM737 IBM775 IBM850 IBM852 IBM855 IBM857 IBM860 IBM861 " +
	"IBM862 IBM863 IBM864 IBM865 IBM866 IBM869 ISO-2022-JP ISO-2022-JP-2 ISO-2022-JP-KDDI ISO-8859-1 ISO-8859-10 ISO-8859-11 " +
	"ISO-8859-13 ISO-8859-14 ISO-8859-15 ISO-8859-16 ISO-8859-2 ISO-8859-3 ISO-8859-4 ISO-8859-5 ISO-8859-6 ISO-8859-7 ISO-8859-8 " +
	"ISO-8859-9 ISO2022-JP ISO2022-JP2 ISO8859-1 ISO8859-10 ISO8859-11 ISO8859-13 ISO8859-14 ISO8859-15 ISO8859-16 ISO8859-2 ISO8859-3 " +
	"ISO8859-4 ISO8859-5 ISO8859-6 ISO8859-7 ISO8859-8 ISO8859-9 KOI8-R KOI8-U MS932 MacJapan MacJapanese PCK SJIS SJIS-DoCoMo " +
	"SJIS-KDDI SJIS-SoftBank Shift_JIS TIS-620 UCS-2BE UCS-4BE UCS-4LE US-ASCII UTF-16 UTF-16BE UTF-16LE UTF-32 UTF-32BE UTF-32LE " +
	"UTF-7 UTF-8 UTF-8-HFS UTF-8-MAC UTF8 UTF8-DoCoMo UTF8-KDDI UTF8-MAC UTF8-SoftBank Windows-1250 Windows-1251 Windows-1252 " +
	"Windows-1253 Windows-1254 Windows-1255 Windows-1256 Windows-1257 Windows-1258 Windows-31J Windows-874 csWindows31J ebcdic-cp-us " +
	"euc-jp-ms eucCN eucJP eucJP-ms eucKR eucTW external filesystem internal locale macCentEuro macCroatian macCyrillic macGreek " +
	"macIceland macRoman macRomania macThai macTurkish macUkraine stateless-ISO-2022-JP stateless-ISO-2022-JP-KDDI"

func TestEveryNameOfRuby(t *testing.T) {
	for _, name := range strings.Fields(rubyNames) {
		if _, err := Find(name); err != nil && !strings.Contains(err.Error(), "cannot be converted") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
