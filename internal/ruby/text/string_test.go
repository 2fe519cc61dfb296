package text

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestCharacterSetsAgainstRuby(t *testing.T) {
	var d differential
	r := rand.New(rand.NewSource(*randomSeed))
	alphabet := letters("abcxyzABZ019-^\\ éüß日\n")
	one := func(s, from, to string) {
		got, err := Tr(s, from, to)
		d.add(show(got, err), "%s.tr(%s, %s)", s, from, to)
		got, err = TrS(s, from, to)
		d.add(show(got, err), "%s.tr_s(%s, %s)", s, from, to)
		got, err = Delete(s, from)
		d.add(show(got, err), "%s.delete(%s)", s, from)
		got, err = Delete(s, from, to)
		d.add(show(got, err), "%s.delete(%s, %s)", s, from, to)
		got, err = Squeeze(s, from)
		d.add(show(got, err), "%s.squeeze(%s)", s, from)
		n, err := Count(s, from, to)
		d.add(show(n, err), "%s.count(%s, %s)", s, from, to)
	}
	for _, s := range []string{"hello", "aabbcc", "a-b^c\\d", "héllo wörld 日本", "", "AaBbYyZz", "1.2-3", "  x  "} {
		for _, spec := range [][2]string{{"el", "ip"}, {"a-y", "b-z"}, {"^a-z", "*"}, {"^", "x"}, {"a^", "xy"}, {"-", "_"}, {"a-", "x"}, {"-a", "xy"}, {"\\-b", "x"}, {"\\^a", "12"},
			{"a\\-c", "123"}, {"\\\\", "/"}, {"a-c-e", "12345"}, {"z-a", "x"}, {"é-ü", "e"}, {"^a-zé", "?"}, {"", "x"}, {"a-z", ""}, {"l", "^"}, {"lo", "^x"}, {"a-z", "A-Z"}, {"A-Za-z", "N-ZA-Mn-za-m"},
			{"日", "day"}, {"a", "\\"}, {"ab", "\\-x"}, {"^^", "x"}, {"^-", "x"}, {"\\", "x"}, {"aa", "xy"}, {"ü-é", "x"}, {"a-\\z", "x"}, {"\u0000-\uffff", "x"}, {"é", "e"}, {"^", ""}} {
			one(s, spec[0], spec[1])
		}
		got, err := Squeeze(s)
		d.add(show(got, err), "%s.squeeze", s)
	}
	for range *randomRounds {
		one(pick(r, 10, alphabet...), pick(r, 5, alphabet...), pick(r, 4, alphabet...))
	}
	one("a\xffb", "a", "b")
	d.compare(t)
}

func TestSuccAgainstRuby(t *testing.T) {
	var d differential
	r := rand.New(rand.NewSource(*randomSeed))
	texts := []string{"", "a", "z", "Zz", "zz", "a9", "Az", "zZ9", "-9", "9", "99", "1.9", "1.9.9", "a-9", "9-z", "***", "<<koala>>", "1999zzz", "ZZZ9999", "é", "ÿ", "ω", "Ω", "日本", "あ", "ん", "-", "a-", "z-", "\x7f",
		"\x7f\x7f", "é-", "é9", "z\xff", "zé", "٩", "ⅷ", "a!z", "z!!z", "9!!9", "a.9", "Z.9", "~", "\u07ff", "¡", "😀", "۹۹"}
	for range *randomRounds {
		texts = append(texts, pick(r, 5, letters("azAZ09-.!é日 ~ÿ")...))
	}
	for _, s := range texts {
		d.add(show(Succ(s), nil), "%s.succ", s)
	}
	d.compare(t)
}

func TestInspectAgainstRuby(t *testing.T) {
	var d differential
	r := rand.New(rand.NewSource(*randomSeed))
	texts := []string{"", "a\"b\\c", "#{x} #$x #@x #x #", "\x00\x01\x1b\x7f\n\r\t\f\v\b\a", "é日本😀", "\xff\xe3\x81", "\u200b\ue000\u00a0\u0300\u2028\u0085\ufeff", "\U0010ffff\ufffe\U000e0001", "a\x80b", "\\#{", "#", "\u061c"}
	for range *randomRounds {
		texts = append(texts, pick(r, 8, "a", "\"", "\\", "#", "{", "$", "@", "\n", "\x01", "é", "\xff", "\xe3\x81", "\u2028", "😀", "\x7f", "u", "x", "n", "0", "F"))
	}
	for _, s := range texts {
		d.add(show(Inspect(s), nil), "%s.inspect", s)
		d.add(show(InspectBinary(s), nil), "%s.inspect", ascii8(s))
		d.add(show(Dump(s), nil), "%s.dump", s)
		back, err := Undump(Dump(s))
		d.add(show(back, err), "%s.dump.undump", s)
	}
	for _, s := range []string{"", "a", `"`, `"a`, `"a"b`, `"\n\x41é"`, `"\u00e9"`, `"\u{e9 41}"`, `"\u{"`, `"\x4"`, `"\u12"`, `"\ud800"`, `"\u{110000}"`, `"\q"`, `"\`, `"a" `, `"\#{x}"`, `"\e\a"`} {
		back, err := Undump(s)
		d.add(show(back, err), "%s.undump", s)
	}
	for _, s := range []string{"a", "ab?", "ab!", "ab=", "a b", "", "1a", "@a", "@@a", "@", "@1", "$a", "$1", "$12", "$", "$-w", "$-", "$-ww", "[]", "[]=", "+", "-@", "!", "!=", "=~", "==", "===", "<=>", "&&", "||", "é", "日本", "A", "A=", "a?=", "a-b", "a.b", "a\nb", "nil", "class", "_", "=", "?", "a=?", "@a=", "$a?", "**", "`", "$~", "$!", "[a]", "&.", "..", "foo bar", "@timestamp", "Foo::Bar", "É=", "$0", "$01", "$00", "a!=", "!@", "~@", "A?", "A!", "+@"} {
		d.add(show(SymbolInspect(s), nil), "%s.to_sym.inspect", s)
		if utf8.ValidString(s) {
			d.add(show("{"+SymbolKeyInspect(s)+" 1}", nil), `(->(k){ k.match?(/\A[[:alpha:]_][[:alnum:]_]*[?!]?\z/) ? "{#{k}: 1}" : "{#{k.inspect}: 1}" }).(%s)`, s)
		}
	}
	d.compare(t)
}

func TestCaseAgainstRuby(t *testing.T) {
	var d differential
	r := rand.New(rand.NewSource(*randomSeed))
	options := []struct {
		ruby string
		o    CaseOption
	}{{"", 0}, {"(:ascii)", CaseASCII}, {"(:turkic)", CaseTurkic}, {"(:fold)", CaseFold}, {"(:lithuanian)", CaseLithuanian}}
	texts := []string{"", "hello World", "ÉCOLE école", "straße ẞ", "ŉ ǰ ﬁ ﬃ", "ΑΣΣ ς", "İIıi", "ǆ ǅ Ǆ", "ᾳ ᾼ ΐ", "日本", "a\xff", "ǲx", "1a", "ᲀ", "Ꭰꭰ", "ა Ა", "µ K Å"}
	for range *randomRounds / 3 {
		texts = append(texts, pick(r, 5, letters("aZéÉßςΣİıiIǅﬀᾳᾼǰ1 ")...))
	}
	for _, s := range texts {
		for _, o := range options {
			got, err := Upcase(s, o.o)
			d.add(show(got, err), "%s.upcase%s", s, raw(o.ruby))
			got, err = Downcase(s, o.o)
			d.add(show(got, err), "%s.downcase%s", s, raw(o.ruby))
			got, err = Capitalize(s, o.o)
			d.add(show(got, err), "%s.capitalize%s", s, raw(o.ruby))
			got, err = Swapcase(s, o.o)
			d.add(show(got, err), "%s.swapcase%s", s, raw(o.ruby))
		}
		for _, u := range texts[:min(len(texts), 30)] {
			d.add(show(Casecmp(s, u), nil), "%s.casecmp(%s)", s, u)
			equal, ok := CasecmpEqual(s, u)
			if ok {
				d.add(show(equal, nil), "%s.casecmp?(%s)", s, u)
			}
		}
	}
	d.compare(t)
}

// TestAllCharactersAgainstRuby compares what is done to each character that Ruby's version of Unicode has.
func TestAllCharactersAgainstRuby(t *testing.T) {
	var d differential
	one := map[string]func(s string) (string, error){
		"upcase":     func(s string) (string, error) { return Upcase(s, 0) },
		"downcase":   func(s string) (string, error) { return Downcase(s, 0) },
		"swapcase":   func(s string) (string, error) { return Swapcase(s, 0) },
		"capitalize": func(s string) (string, error) { return Capitalize(s, 0) },
		"inspect":    func(s string) (string, error) { return Inspect(s), nil },
	}
	for name, f := range one {
		for block := rune(0x80); block < 0x20000; block += 0x10 {
			var got []string
			for r := block; r < block+0x10; r++ {
				s, err := f(string(r))
				require.NoError(t, err)
				got = append(got, s)
			}
			if block >= 0xd800 && block < 0xe000 {
				continue
			}
			// Characters that Ruby does not know yet are left alone by both sides.
			d.add("", `[*%s..%s].map { |c| s = [c].pack("U"); s.match?(/\p{Cn}/) ? "" : s.`+name+` }`, block, block+0xf)
			i := len(d.ours) - 1
			d.ours[i] = blockMark + strings.Join(got, "\x00")
		}
	}
	d.compareBlocks(t)
}

const blockMark = "block:"

// compareBlocks compares arrays of strings, and passes those that Ruby answers with nothing.
func (d *differential) compareBlocks(t *testing.T) {
	t.Helper()
	mine := d.ours
	var plain differential
	plain.expressions = d.expressions
	answers := plain.answers(t)
	differences := 0
	for i, theirs := range answers {
		parts := strings.Split(strings.TrimPrefix(mine[i], blockMark), "\x00")
		words := strings.Split(strings.Trim(theirs, "[]"), ", ")
		if len(words) != len(parts) {
			t.Errorf("%s: %d and %d parts: %s", d.expressions[i], len(words), len(parts), theirs)
			continue
		}
		for k, w := range words {
			if w != `""` && w != show(parts[k], nil) {
				if differences++; differences < 25 {
					t.Errorf("%s, number %d: we %s, Ruby %s", d.expressions[i], k, show(parts[k], nil), w)
				}
			}
		}
	}
	if differences >= 25 {
		t.Errorf("%d differences", differences)
	}
}

func TestLinesAgainstRuby(t *testing.T) {
	var d differential
	r := rand.New(rand.NewSource(*randomSeed))
	texts := []string{"", "a", "a\n", "a\nb", "a\r\nb\r\n", "\n", "\n\n", "a\n\nb", "a\n\n\nb\n\n", "\r", "a\r", "a\rb", "\r\n\r\n", "a\r\n\r\nb", "\n\na", " a b  c ", "a,b,,c,,", ",,", ",a", "  ", "a  b", "\ta\vb\f", "a\x00b",
		"\x00 a \x00", "é日 本", "a\xffb", "\u00a0a\u00a0", "é,é", "a,b", "ab", "aXbXX", "x\n\r", "a\n\r\n", "\x00", "a \x00 ", "\x00\x00a"}
	for range *randomRounds {
		texts = append(texts, pick(r, 8, "a", "b", "\n", "\r", "\r\n", " ", ",", "é", "\x00", "\t", "\n\n"))
	}
	for _, s := range texts {
		for _, sep := range []string{"\n", "", ",", "a", "\r\n", "ab", "é"} {
			d.add(show(Lines(s, sep, false), nil), "%s.lines(%s)", s, sep)
			d.add(show(Lines(s, sep, true), nil), "%s.lines(%s, chomp: true)", s, sep)
			d.add(show(ChompSuffix(s, sep), nil), "%s.chomp(%s)", s, sep)
		}
		for _, sep := range []string{" ", ",", "", ",,", "a", "\n", "é", "  "} {
			for _, limit := range []int{0, 1, 2, 3, -1, 10} {
				got, err := Split(s, sep, limit), CheckValid(s)
				if limit == 1 || s == "" {
					err = nil
				}
				d.add(show(got, err), "%s.split(%s, %s)", s, sep, limit)
			}
		}
		d.add(show(Chomp(s), nil), "%s.chomp", s)
		d.add(show(Chop(s), nil), "%s.chop", s)
		d.add(show(Strip(s), nil), "%s.strip", s)
		d.add(show(Lstrip(s), nil), "%s.lstrip", s)
		d.add(show(Rstrip(s), nil), "%s.rstrip", s)
		d.add(show(Reverse(s), nil), "%s.reverse", s)
		for _, width := range []int{-1, 0, 3, 6, 7, 12} {
			for _, pad := range []string{" ", "12", "é-", ""} {
				got, err := Center(s, width, pad)
				d.add(show(got, err), "%s.center(%s, %s)", s, width, pad)
				got, err = Ljust(s, width, pad)
				d.add(show(got, err), "%s.ljust(%s, %s)", s, width, pad)
				got, err = Rjust(s, width, pad)
				d.add(show(got, err), "%s.rjust(%s, %s)", s, width, pad)
			}
		}
	}
	d.compare(t)
}

func TestScrubAgainstRuby(t *testing.T) {
	var d differential
	r := rand.New(rand.NewSource(*randomSeed))
	texts := []string{"", "abc", "a\xffb", "\xe3\x81", "\xe3\x81x", "\xf0\x9f\x98", "\xf0\x9f\x98\xff", "\xed\xa0\x80", "\xc0\x80", "\xf5\x80\x80\x80", "\xf4\x90\x80\x80", "\xe0\x80\x80", "\xf0\x80\x80", "\x80\x80", "\xc3", "\xe2\x82\xe2\x82\xac", "\xf0\x90"}
	for range *randomRounds {
		texts = append(texts, pick(r, 6, "a", "é", "\xff", "\xe3", "\x81", "\xf0", "\x9f", "\x98", "\xed", "\xa0", "\xc3", "\xe0", "\x90", "\xf4"))
	}
	for _, s := range texts {
		d.add(show(Scrub(s, "\ufffd"), nil), "%s.scrub", s)
		d.add(show(Scrub(s, "?"), nil), "%s.scrub('?')", s)
		d.add(show(ScrubFunc(s, func(bad string) string { return fmt.Sprintf("<%X>", bad) }), nil), `%s.scrub { |b| "<#{b.unpack1("H*").upcase}>" }`, s)
	}
	for _, s := range []string{"", "é", "e\u0301", "ﬁ", "Å", "한글", "\u1112\u1161\u11ab", "x\xff", "①", "ａ"} {
		for _, f := range []string{"nfc", "nfd", "nfkc", "nfkd", "nfx"} {
			if utf8.ValidString(s) || f != "nfx" {
				got, err := Normalize(s, f)
				d.add(show(got, err), "%s.unicode_normalize(:%s)", s, raw(f))
				is, err := Normalized(s, f)
				d.add(show(is, err), "%s.unicode_normalized?(:%s)", s, raw(f))
			}
		}
	}
	d.compare(t)
}
