package text

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestFunctions has examples of each function, for where no Ruby is.
func TestFunctions(t *testing.T) {
	f := func(want string, got any, errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err != nil {
				got = err.Error()
			}
		}
		require.Equal(t, want, fmt.Sprint(got))
	}
	one := func(want string) func(got string, err error) {
		return func(got string, err error) {
			t.Helper()
			f(want, got, err)
		}
	}
	one("hippo")(Tr("hello", "el", "ip"))
	one("h*ll*")(Tr("hello", "aeiou", "*"))
	one("*e**o")(Tr("hello", "^aeiou", "*"))
	one(`invalid range "z-a" in string transliteration`)(Tr("hello", "z-a", "x"))
	one("hero")(TrS("hello", "l", "r"))
	one("heo")(Delete("hello", "l", "lo"))
	one("helo")(Squeeze("hello"))
	one("STRASSE")(Upcase("straße", 0))
	one("Éa")(Capitalize("éA", 0))
	one("aBC")(Swapcase("Abc", 0))
	one("**ab***")(Center("ab", 7, "*"))
	one("zero width padding")(Ljust("ab", 7, ""))
	one("Å")(Normalize("A\u030a", "nfc"))
	one("\xe9")(Encode("é", "ISO-8859-1", "UTF-8", nil))
	one("U+65E5 from UTF-8 to ISO-8859-1")(Encode("日", "ISO-8859-1", "UTF-8", nil))
	one("unknown encoding name - none")(FindEncoding("none"))
	one("a b")(DecodeWWWFormComponent("a+%62"))
	one("invalid %-encoding (%z)")(DecodeWWWFormComponent("%z"))
	one("a,\"b\"\"\",\n")(GenerateCSVLine([]CSVField{{Value: "a"}, {Value: `b"`}, {Nil: true}}, nil))
	one("a\n")(Undump(`"a\n"`))
	one("ff")(IntegerToS(Int{Small: 255}, 16))
	f("bal", Succ("bak"))
	f("aaa", Succ("zz"))
	f(`"a\n\u0001\xFF#x\#{"`, Inspect("a\n\x01\xff#x#{"))
	f(`"é"`, Inspect("é"))
	f(`"\u00E9"`, Dump("é"))
	f(`:"a b"`, SymbolInspect("a b"))
	f(":a?", SymbolInspect("a?"))
	f("1.0e-05", FloatToS(0.00001))
	f("100.0", FloatToS(100))
	f("2.68", RoundFloat(2.675, 2, HalfUp))
	f("-1.5", FloorFloat(-1.45, 1))
	f("20", RoundInt(Int{Small: 25}, -1, HalfEven))
	f("12", ParseFloatPrefix("12abc"))
	f("0", Casecmp("aBc", "AbC"))
	f("255", Hex("0xff"))
	f("8", Oct("010"))
	f("[a b]", Split(" a  b ", " ", 0))
	f("[a  b ]", Split("a,,b,", ",", -1))
	f("[a b]", Lines("a\r\nb", "\n", true))
	f("a", Chomp("a\r\n"))
	f("", Chop("\r\n"))
	f("a", Strip("\x00 a\t\x00"))
	f("a?b", Scrub("a\xffb", "?"))
	f("cbé", Reverse("ébc"))
	f("a+b%26", CGIEscape("a b&"))
	f("&lt;a&#39;", EscapeHTML("<a'"))
	f("<A", UnescapeHTML("&lt;&#65;"))
	f(`a\ b`, ShellEscape("a b"))
	words, err := ShellSplit(`a 'b c' "d e"\ f`)
	f("[a b c d e f]", words, err)
	n, err := StrictInteger("0x1f", 0)
	f("31", n, err)
	_, err = StrictInteger("1x", 10)
	f(`invalid value for Integer(): "1x"`, nil, err)
	count, err := Count("hello world", "lo", "o")
	f("2", count, err)
	row, ok, err := ParseCSVLine(`a,"b ""c""",`, nil)
	require.True(t, ok)
	f(`[{a false false} {b "c" false true} { true false}]`, row, err)
	_, _, err = ParseCSVLine(`a,b"`, nil)
	f("Illegal quoting in line 1.", nil, err)
	packed, encoding, err := Pack("nC*a3", []Arg{int64(258), int64(3), "x"})
	f("no implicit conversion of String into Integer", packed+encoding, err)
	values, err := Unpack("\x01\x02\xffab", "nca*", 0)
	f("[258 -1 ab]", values, err)
}

func TestTimes(t *testing.T) {
	now := time.Date(2021, 5, 6, 7, 8, 9, 0, time.UTC)
	f := func(want string) func(got time.Time, err error) {
		return func(got time.Time, err error) {
			t.Helper()
			if err != nil {
				require.Equal(t, want, err.Error())
				return
			}
			require.Equal(t, want, got.Format(time.RFC3339Nano))
		}
	}
	f("2020-01-02T03:04:05.678Z")(ParseTime("2020-01-02 03:04:05,678 UTC", now))
	f("2021-01-05T03:04:05Z")(ParseTime("Jan  5 03:04:05", now))
	f("2021-05-06T16:30:00Z")(ParseTime("4:30 pm", now))
	f(`no time information in "x"`)(ParseTime("x", now))
	f("2000-10-10T13:55:36-07:00")(StrptimeTime("10/Oct/2000:13:55:36 -0700", "%d/%b/%Y:%H:%M:%S %z", now))
	f("invalid date or strptime format - `x' `%Y'")(StrptimeTime("x", "%Y", now))
	f("2020-02-03T00:00:00Z")(ParseDateTime("3rd Feb 2020", now))
	f("invalid date")(ParseDateTime("2020-02-30", now))
	f("2020-01-29T00:00:00Z")(ParseDate("2020-W05-3", now))
	f("2020-03-04T00:00:00Z")(StrptimeDate("4.3.20", "%d.%m.%y", now))
	f("2020-01-02T03:04:05+09:00")(ParseISO8601("2020-01-02T03:04:05+09:00", time.UTC))
	f(`invalid xmlschema format: "2020-01-02"`)(ParseISO8601("2020-01-02", time.UTC))
	f("2011-10-05T22:26:12-04:00")(ParseRFC2822("Wed, 05 Oct 2011 22:26:12 -0400"))
	f("2011-10-06T02:26:12Z")(ParseHTTPDate("Thu, 06 Oct 2011 02:26:12 GMT"))
	require.Equal(t, "2021-05-06T07:08:09.000Z", FormatISO8601(now, 3))
	require.Equal(t, "Thu, 06 May 2021 07:08:09 -0000", FormatRFC2822(now))
	require.Equal(t, "Thu, 06 May 2021 07:08:09 GMT", FormatHTTPDate(now))
}

func FuzzStrings(f *testing.F) {
	f.Add("a-zé\xff\n1_0.5e3", "^a-c\\", 3)
	f.Fuzz(func(t *testing.T, s, set string, n int) {
		if back, err := Undump(Dump(s)); err == nil && back != s {
			t.Errorf("%q was dumped and read as %q", s, back)
		}
		_, _ = Tr(s, set, "x-z")
		_, _ = TrS(s, set, s)
		_, _ = Squeeze(s, set)
		_, _ = Count(s, set, s)
		_, _ = Swapcase(s, CaseTurkic)
		_, _ = Center(s, n%1000, set)
		_, _ = ParseIntPrefix(s, n)
		_, _ = StrictInteger(s, n)
		_, _ = StrictFloat(s)
		_, _, _, _, _ = Succ(s), Inspect(s), SymbolInspect(s), SymbolKeyInspect(s), Reverse(s)
		_, _, _, _ = Split(s, set, n), Lines(s, set, true), Scrub(s, set), ParseFloatPrefix(s)
	})
}

func BenchmarkTr(b *testing.B) {
	b.ReportAllocs()
	tr, err := NewTranslation("a-zA-Z", "n-za-mN-ZA-M")
	require.NoError(b, err)
	for b.Loop() {
		_, _ = tr.Apply("The quick brown fox jumps over the lazy dog", false)
	}
}
