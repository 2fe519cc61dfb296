package text

import (
	"math/big"
	"math/rand"
	"testing"
)

func TestPackAgainstRuby(t *testing.T) {
	var d differential
	r := rand.New(rand.NewSource(*randomSeed))
	pack := func(template string, args ...Arg) {
		s, encoding, err := Pack(template, args)
		d.add(show([]Arg{s, encoding}, err), "%s.pack(%s).then { |s| [s, s.encoding.name] }", args, template)
	}
	unpack := func(s, template string) {
		got, err := Unpack(s, template, 0)
		d.add(show(got, err), "%s.unpack(%s)", s, template)
	}
	large, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	numbers := []Arg{int64(0), int64(1), int64(-1), int64(255), int64(65536), int64(-32769), int64(1 << 40), large, 1.5, -2.75, 1e300, nil, "x", true}
	data := []string{"", "a", "abc", "abcdefgh", "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7", "\x00\x00\x80\x3f\x00\x00\x00\x00\x00\x00\xf0\x3f", "é日😀", "ab \x00 \x00", "  \x00x\x00", "\x81\x00\x7f\xff\x01\x80", "\xed\xa0\x80", "\xc0\x80", "\xe3\x81"}
	for _, letter := range letters("cCsSiIlLqQjJnNvVUwdDfFeEgG") {
		for _, n := range numbers {
			pack(letter, n)
		}
		for _, modifier := range []string{"", "2", "*", "0", "_", "!", "<", ">", "_>2", "><", ">*", "9"} {
			pack(letter+modifier, int64(65), int64(1000), int64(3))
			for _, s := range data {
				unpack(s, letter+modifier)
			}
		}
	}
	texts := []string{"", "abc", "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789=é\n \nx\t\n", "1011", "deadBEEF0g", "é", "a\x00b ", " \n", "=", "x \n"}
	for _, letter := range letters("aAZbBhHumMxX@") {
		for _, count := range []string{"", "0", "1", "2", "3", "5", "10", "30", "100", "*"} {
			for _, s := range texts {
				pack(letter+count, s)
				if letter != "u" && letter+count+s != "@" { // what is no uuencode is read in ways of no use to anybody
					unpack(s, letter+count)
				}
			}
			pack("C2"+letter+count, int64(1), int64(2), "xyz")
			unpack("abcdefg", "a3"+letter+count+"a")
			pack(letter+count, nil)
			pack(letter+count, int64(5))
		}
	}
	for _, s := range texts {
		for _, template := range []string{"m", "m0", "u", "M"} {
			p, _, _ := Pack(template, []Arg{s})
			unpack(p, template)
		}
	}
	for _, s := range []string{"YWJj", "YWI=", "YQ==", "YQ", "Y", "YW Jj\nZGVm", "YQ==YQ==", "=YQ", "Y=Q", "YWJ", "!!!!", "YR==", "YWJj\n", "a=3Db=\nc=4", "=ZZ", "a=", "a=\r\nb", "=e9=E9"} {
		unpack(s, "m")
		unpack(s, "m0")
		unpack(s, "M")
	}
	for range *randomRounds {
		template := pick(r, 4, "C", "s", "N", "q>", "a", "A3", "Z*", "U", "w", "x", "X", "@2", "n2", "H4", "b3", "*", "2", " ", "#x\n", "e", "G", "m", "B8", "0")
		pack(template, int64(65), "abc", int64(300), 1.5)
		pack(template, int64(65), int64(12), int64(300), int64(66))
		unpack(pick(r, 12, "a", "\x00", "\xff", "é", "\x81", " ", "1"), template)
	}
	pack("y", int64(1))
	pack("a_", "x")
	pack("C5", int64(1))
	d.compare(t)
}

func FuzzPack(f *testing.F) {
	f.Add("C2 a* m0 w X2 @5 U", "abc", int64(77), 1.5)
	f.Fuzz(func(t *testing.T, template, s string, n int64, x float64) {
		if len(template) > 20 {
			return
		}
		packed, _, _ := Pack(template, []Arg{s, n, x, s, nil})
		_, _ = Unpack(packed, template, 0)
		_, _ = Unpack(s, template, int(n%10))
	})
}
