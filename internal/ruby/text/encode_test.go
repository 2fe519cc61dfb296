package text

import (
	"math/rand"
	"strings"
	"testing"
)

func TestEncodeAgainstRuby(t *testing.T) {
	var d differential
	r := rand.New(rand.NewSource(*randomSeed))
	q := "<?>"
	options := []struct {
		ruby string
		o    *EncodeOptions
	}{{"", nil}, {", invalid: :replace", &EncodeOptions{ReplaceInvalid: true}}, {", invalid: :replace, undef: :replace", &EncodeOptions{ReplaceInvalid: true, ReplaceUndef: true}}, {", invalid: :replace, undef: :replace, replace: '<?>'", &EncodeOptions{ReplaceInvalid: true, ReplaceUndef: true, Replace: &q}},
		{", xml: :text", &EncodeOptions{XML: "text"}}, {", xml: :attr", &EncodeOptions{XML: "attr"}}, {", universal_newline: true", &EncodeOptions{Newline: "universal"}}, {", crlf_newline: true", &EncodeOptions{Newline: "crlf"}}, {", undef: :replace", &EncodeOptions{ReplaceUndef: true}}}
	texts := []string{"", "abc", "é", "€ü", "日本", "a\xffb", "\xe3\x81", "\xe3\x81a", "\xe3", "<a&\"b'>", "a\r\nb\rc\n", "\x80\x81", "😀", "a\x00b"}
	for range *randomRounds / 10 {
		texts = append(texts, pick(r, 5, "a", "é", "€", "\xff", "\xe9", "\x80", "\r\n", "<"))
	}
	for _, s := range texts {
		for _, pair := range [][2]string{{"ISO-8859-1", "UTF-8"}, {"UTF-8", "ISO-8859-1"}, {"UTF-8", "Windows-1252"}, {"Windows-1252", "UTF-8"}, {"US-ASCII", "UTF-8"}, {"UTF-8", "US-ASCII"}, {"UTF-8", "ASCII-8BIT"}, {"UTF-16LE", "UTF-8"}, {"UTF-16BE", "UTF-8"}, {"UTF-32BE", "UTF-8"}, {"UTF-8", "UTF-8"},
			{"ISO-8859-15", "ISO-8859-1"}, {"utf-8", "cp1252"}} {
			for _, o := range options {
				if (strings.Contains(o.ruby, "newline") || strings.Contains(o.ruby, "xml")) && CheckValid(s) != nil {
					continue // MRI converts line ends and signs first, and reports what it made of them
				}
				got, err := Encode(s, pair[0], pair[1], o.o)
				d.add(show(got, err), "%s.encode(%s, %s%s)", s, pair[0], pair[1], raw(o.ruby))
			}
		}
		for _, name := range []string{"UTF-8", "US-ASCII", "ASCII-8BIT", "ISO-8859-1", "Windows-1252"} {
			d.add(show(ValidEncoding(s, name), nil), "%s.force_encoding(%s).valid_encoding?", s, name)
		}
	}
	for _, s := range []string{"日本語", "漢字カナ", "abc", "한글"} {
		for _, to := range []string{"Shift_JIS", "EUC-JP", "EUC-KR", "GB18030"} {
			if got, err := Encode(s, to, "UTF-8", nil); err == nil {
				d.add(show(got, nil), "%s.encode(%s)", s, to)
				back, err := Encode(got, "UTF-8", to, nil)
				d.add(show(back, err), "%s.encode('UTF-8', %s)", got, to)
			}
		}
	}
	for _, name := range []string{"utf-8", "UTF8", "binary", "ascii", "latin1", "ISO8859-1", "cp1252", "foo", "UTF-16", "sjis", "BINARY", "us-ascii", ""} {
		got, err := FindEncoding(name)
		if name == "UTF8" || name == "latin1" {
			continue // aliases that charset has beyond Ruby's
		}
		d.add(show(got, err), "Encoding.find(%s).name", name)
	}
	d.compare(t)
}

func FuzzEncode(f *testing.F) {
	f.Add("aé€\xff", "UTF-16LE", "UTF-8", true)
	f.Fuzz(func(t *testing.T, s, to, from string, replace bool) {
		_, _ = Encode(s, to, from, &EncodeOptions{ReplaceInvalid: replace, ReplaceUndef: replace})
		_ = ValidEncoding(s, from)
	})
}
