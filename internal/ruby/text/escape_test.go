package text

import (
	"fmt"
	"math/rand"
	"testing"
	"time"
)

func TestEscapesAgainstRuby(t *testing.T) {
	var d differential
	r := rand.New(rand.NewSource(*randomSeed))
	texts := []string{"", "abc", "a b&c=d", "a%20b+c", "%", "%4", "%zz", "100%", "é日", "%C3%A9", "%ff", "a\xffb", "~*-._!'()", "<a href=\"x\">'&</a>", "&lt;&gt;&amp;&quot;&apos;&#39;&#x41;&#X42;&#65;&nbsp;&#0;&#1114112;&#xD800;&;&#;&#x;", "&amp", "&amp;amp;", "&#+5;", "&AMP;", "a=1&b=2&a=3", "a", "a&b", "a=1&&b", "a==b", "a=1;b=2", "&a", "=", "a=%zz",
		"foo bar", "foo 'bar baz' \"qux\\\"x\" a\\ b", "'unterminated", "\"unterminated", "a 'b c", "a\\", "''", "\"\" x", "a'b'c\"d\"", "\"a\\nb\\$c\\`\"", "a\\\nb", "\"a\\\nb\"", "  a  b ", "a\tb\nc", "\\'", "it\\'s", "\"\\", "a\x00b", "a|b;c", "a\nb"}
	for range *randomRounds {
		texts = append(texts, pick(r, 8, "a", " ", "%", "4", "1", "+", "&", "=", "<", "'", "\"", "\\", "é", "&lt;", "&#65;", "%C3", "%A9", ";", "\n"))
	}
	for _, s := range texts {
		d.add(show(CGIEscape(s), nil), "CGI.escape(%s)", s)
		if CheckValid(s) == nil {
			d.add(show(CGIUnescape(s), nil), "CGI.unescape(%s)", s)
			d.add(show(EscapeHTML(s), nil), "CGI.escapeHTML(%s)", s)
			d.add(show(UnescapeHTML(s), nil), "CGI.unescapeHTML(%s)", s)
			words, err := ShellSplit(s)
			d.add(show(words, err), "Shellwords.split(%s)", s)
			d.add(show(ShellEscape(s), nil), "Shellwords.escape(%s)", s)
		}
		d.add(show(URLEncode(s), nil), "ERB::Util.url_encode(%s)", s)
		d.add(show(EncodeWWWFormComponent(s), nil), "URI.encode_www_form_component(%s)", s)
		got, err := DecodeWWWFormComponent(s)
		d.add(show(got, err), "URI.decode_www_form_component(%s)", s)
		if CheckValid(s) != nil {
			continue
		}
		pairs, err := DecodeWWWForm(s)
		list := []Arg{}
		for _, p := range pairs {
			list = append(list, []Arg{p[0], p[1]})
		}
		d.add(show(list, err), "URI.decode_www_form(%s)", s)
	}
	d.add(show(EncodeWWWForm([]FormPair{{"a b", []string{"1", "2&"}, true}, {"c", nil, false}, {"d", nil, true}, {"é", []string{"x"}, false}}), nil), `URI.encode_www_form([["a b", ["1", "2&"]], ["c", nil], ["d", []], ["\u00e9", "x"]])`)
	d.add(show(ShellJoin([]string{"a b", "", "c"}), nil), `Shellwords.join(["a b", "", "c"])`)
	d.compare(t)
}

func TestStrictTimesAgainstRuby(t *testing.T) {
	var d differential
	for _, s := range []string{"2020-01-02T03:04:05", "2020-01-02T03:04:05Z", "2020-01-02t03:04:05z", "2020-01-02T03:04:05.678+09:00", "2020-01-02T03:04:05.1234567891-0930", "2020-01-02T03:04:05+09", "2020-01-02", "2020-01-02Z", "2020-01-02+09:00", " 2020-01-02T03:04:05Z ", "2020-01-02 03:04:05Z", "-0020-01-02T03:04:05Z", "12020-01-02T03:04:05Z",
		"2020-13-02T03:04:05Z", "2020-01-32T03:04:05Z", "2020-02-30T03:04:05Z", "2020-01-02T25:04:05Z", "2020-01-02T24:00:00Z", "2020-01-02T03:04:60Z", "2020-01-02T03:60:05Z", "2020-01-02T03:04Z", "x", "", "2020-01-02T03:04:05-00:00", "2020-01-02T03:04:05.Z", "2020-1-2T03:04:05Z"} {
		got, err := ParseISO8601(s, time.FixedZone("UTC", 0))
		if err != nil || got.Year() > 0 {
			d.add(show(got, err), "Time.iso8601(%s)", s)
		}
	}
	for _, s := range []string{"Wed, 05 Oct 2011 22:26:12 -0400", "5 Oct 2011 22:26:12 +0200", "Wed, 5 Oct 11 22:26 GMT", "Wed, 5 Oct 99 22:26 EST", "Wed, 5 Oct 111 22:26:12 UT", "Wed, 5 Oct 2011 22:26:12 Z", "Wed, 5 Oct 2011 22:26:12 -0000", "Wednesday, 5 Oct 2011 22:26:12 GMT", "Wed 5 Oct 2011 22:26:12 GMT", "foo", "", "Wed, 5 Oct 2011 22:26:12", "Wed, 5 Oct 2011 22:26:12 +0200 (CEST)", "Wed, 35 Oct 2011 22:26:12 GMT", "Wed, 5 October 2011 22:26:12 GMT", "wed, 5 oct 2011 22:26:12 gmt", "Wed , 5 Oct 2011 22 : 26 : 12 GMT", "Wed, 5 Oct 2011 25:26:12 GMT"} {
		got, err := ParseRFC2822(s)
		d.add(show(got, err), "Time.rfc2822(%s)", s)
	}
	for _, s := range []string{"Thu, 06 Oct 2011 02:26:12 GMT", "Thursday, 06-Oct-11 02:26:12 GMT", "Thursday, 06-Oct-94 02:26:12 GMT", "Thu Oct  6 02:26:12 2011", "Thu Oct 16 02:26:12 2011", "Thu, 6 Oct 2011 02:26:12 GMT", "Thu, 06 Oct 2011 02:26:12 UTC", "foo", "", "thu, 06 oct 2011 02:26:12 gmt", " Thu, 06 Oct 2011 02:26:12 GMT ", "Thu, 46 Oct 2011 02:26:12 GMT"} {
		got, err := ParseHTTPDate(s)
		d.add(show(got, err), "Time.httpdate(%s)", s)
	}
	d.compare(t)
}

func FuzzEscapes(f *testing.F) {
	f.Add("a%20&amp;'b \"c\\")
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := DecodeWWWFormComponent(EncodeWWWFormComponent(s)); err != nil || got != s {
			t.Error(fmt.Sprintf("%q became %q", s, got), err)
		}
		if got := UnescapeHTML(EscapeHTML(s)); got != s {
			t.Errorf("%q became %q", s, got)
		}
		_ = CGIUnescape(s)
		_, _ = ShellSplit(s)
		_, _ = DecodeWWWForm(s)
	})
}
