package dissect

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
)

func quoted(s string) string { return string(event.AppendJSONString(nil, s)) }

// f runs a mapping on a text; want is what follows the text, "" for a failure.
func run(t *testing.T, mapping, in, want string) {
	t.Helper()
	r := filtertest.New(t, Plugin, `mapping => { "m" => '`+mapping+`' }`)
	doc := `{"m":` + quoted(in)
	if want == "" {
		want = `,"tags":["_dissectfailure"]}`
	} else {
		want = "," + want + "} +"
	}
	require.Equal(t, doc+want, r.Run(doc+"}"), "%q on %q", mapping, in)
}

func TestDissect(t *testing.T) {
	f := func(mapping, in, want string) { t.Helper(); run(t, mapping, in, want) }
	f(`[%{at}] %{code} %{service->} %{ic} %{msg}`, `[25/05/16 09:10:38:425 BST] 00000001 SystemOut     O java.lang:type=MemoryPool,name=class storage`,
		`"at":"25/05/16 09:10:38:425 BST","code":"00000001","service":"SystemOut","ic":"O","msg":"java.lang:type=MemoryPool,name=class storage"`)
	f(`[%{at}] values: "%{v1}","%{v2}","%{v3}"%{rest}`, `[25/05/16] values: "f1","","f3"`, `"at":"25/05/16","v1":"f1","v2":"","v3":"f3","rest":""`)
	f(`%{timestamp} %{+timestamp} %{+timestamp} %{logsource} %{} %{program}[%{pid}]: %{msg}`, `Mar 16 00:01:25 evita skip-this postfix/smtpd[1713]: connect from x[1]`,
		`"timestamp":"Mar 16 00:01:25","logsource":"evita","program":"postfix/smtpd","pid":"1713","msg":"connect from x[1]"`)
	f(`{%{a}}{%{b}}%{rest}`, `{foo}{bar}`, `"a":"foo","b":"bar","rest":""`)
	f(`%{a} %{b} %{c}`, `foo bar   baz`, `"a":"foo","b":"bar","c":"  baz"`)
	f(`%{a} %{} %{c}`, `foo bar baz`, `"a":"foo","c":"baz"`)
	f(`%{a}------->%{b}`, `foo------->bar baz quux`, `"a":"foo","b":"bar baz quux"`)
	f(`%{a} » %{b}»%{c}€%{d}`, `foo » bar»baz€quux`, `"a":"foo","b":"bar","c":"baz","d":"quux"`)
	f(`%{a} %{b} %{+a}`, `foo bar baz quux`, `"a":"foo baz quux","b":"bar"`)
	f(`%{+a} %{a} %{+a} %{b}`, `December 31 1999 quux`, `"a":"31 December 1999","b":"quux"`)
	f(`%{+a/2} %{+a/4} %{+a/1} %{+a/3}`, `bar quux foo baz`, `"a":"foo bar baz quux"`)
	f(`%{a}-%{+a}-%{+a}`, `1-2-3`, `"a":"1-2-3"`)
	f(`%{k1}=%{&k1}, %{k2}=%{&k2}`, `foo=bar, baz=quux`, `"k1":"foo","k2":"baz","foo":"bar","baz":"quux"`)
	f(`%{?k1}=%{&k3}, %{?k2}=%{&k4}x%{z}`, `foo=bar, baz=quuxx`, `"z":"x"`)
	f(`%{id->} %{function} %{server}`, `00000043    ViewReceive machine-321`, `"id":"00000043","function":"ViewReceive","server":"machine-321"`)
	f(`%{->} %{b}`, `x     y`, `"b":"y"`)
	f(`%{?->} %{b}`, `x     y`, `"b":"y"`)
	f(`%{a->}--%{b->} %{+a/1->} %{c}`, `1------2  3  4`, `"a":"1 3","b":"2","c":"4"`)
	f(`/var/%{key}/log`, `/var/foobar/log`, `"key":"foobar"`)
	f(`/var/%{key}/log/%{key1}.log`, `/var/foobar/log/apache.log`, `"key":"foobar","key1":"apache"`)
	f(`%{a}, %{b}
%{c}`, "1, 2\n3", `"a":"1","b":"2","c":"3"`)
	f(`%{a/2} %{b}`, `1 2`, `"a":"1","b":"2"`)
	f(`%{a}}`, `1}`, `"a":"1}"`)
	f(`%{[x][y]} %{x/1000}`, `1 2`, `"x":{"y":"1"},"x/1000":"2"`)
	f(`%{a->} %{b}`, `   x`, `"a":"","b":"x"`)
}

func TestFailures(t *testing.T) {
	f := func(mapping, in string) { t.Helper(); run(t, mapping, in, "") }
	f(`[%{a}] %{b}`, `x [y] z`)
	f(`%{a} %{b}`, `x`)
	f(`%{a} %{b}`, ``)
	f(`/var/%{key}/log/%{x}.log`, `/var/foobar/log/apache`)
	f(`%{a}%{b} %{c}`, `foo bar`)
	f(`%{[a} %{b}`, `1 2`)
	f(`%{?k}=%{&k}`, `[a=1`)
	f(`%{@timestamp} %{b}`, `1 2`)
	r := filtertest.New(t, Plugin, `mapping => { "m" => "%{a} %{b}" "n" => "%{c}-%{d}" } tag_on_failure => ["x","y"]`)
	require.Equal(t, `{"m":"1","n":"2-3","tags":["x","y"],"c":"2","d":"3"} +`, r.Run(`{"m":"1","n":"2-3"}`))
	require.Equal(t, `{"z":1}`, r.Run(`{"z":1}`), "missing fields are no failure")
}

func TestAppendToField(t *testing.T) {
	r := filtertest.New(t, Plugin, `mapping => { "m" => "%{+a} %{&n}" }`)
	require.Equal(t, `{"m":"1 2","a":"old 1","n":"f","f":"2"} +`, r.Run(`{"m":"1 2","a":"old","n":"f"}`))
	require.Equal(t, `{"m":"1 2","a":"7 1","n":5,"5":"2"} +`, r.Run(`{"m":"1 2","a":7,"n":5}`))
}

func TestConvert(t *testing.T) {
	f := func(to, in, want string) {
		t.Helper()
		r := filtertest.New(t, Plugin, `convert_datatype => { "n" => "`+to+`" }`)
		if strings.HasPrefix(want, "_") {
			want = in + `,"tags":["` + want + `"]`
		}
		require.Equal(t, `{"n":`+want+`} +`, r.Run(`{"n":`+in+`}`))
	}
	const failed = "_dataconversionuncoercible_n_"
	f("int", `"4394740425750718628"`, `4394740425750718628`)
	f("int", `"-99999999999999999999999.9"`, `-99999999999999999999999`)
	f("int", `"00000001"`, `1`)
	f("int", `"12.7"`, `12`)
	f("int", `"-0.7"`, `0`)
	f("int", `"1.25e1"`, `12`)
	f("int", `"125e-1"`, `12`)
	f("int", `"125e-9"`, `0`)
	f("int", `"1E3"`, `1000`)
	f("int", `1e3`, `1000`)
	f("int", `5.7`, `5`)
	f("INT", `"5"`, `5`)
	f("int", `".5"`, `0`)
	f("int", `"5."`, `5`)
	f("int", `"1e999999999"`, failed+"int")
	f("int", `"1e99999999999999999999"`, failed+"int")
	f("int", `" 1"`, failed+"int")
	f("int", `"."`, failed+"int")
	f("int", `""`, failed+"int")
	f("int", `"-"`, failed+"int")
	f("int", `"1_0"`, failed+"int")
	f("int", `{}`, failed+"int")
	f("int", `true`, failed+"int")
	f("int", `null`, "_dataconversionnullvalue_n_int")
	f("float", `"95.43"`, `95.43`)
	f("float", `"2"`, `2`)
	f("float", `"1e3"`, `1000.0`)
	f("float", `"NaN"`, failed+"float")
	f("float", `"1e400"`, failed+"float")
	f("float", `"0x1p4"`, failed+"float")
	f("float", `1.5`, `1.5`)
	f("float", `12345678901234567890`, `12345678901234567890`)
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(`mapping => { "m" => "%{+&a}" }`, "cannot both append")
	f(`mapping => { "m" => "%{&+a}" }`, "cannot both append")
	f(`mapping => { "m" => "%{a} %{&}" }`, "1:46: error")
	f(`mapping => { "m" => "%{+/2}" }`, "has no name")
	f(`mapping => { "m" => "abc" }`, "no field")
	f(`mapping => { "m" => "" }`, "has no effect")
	f(`convert_datatype => { "code" => "integer" }`, `unknown type "integer"`)
	f(`mapping => { "m" => "%{[a} %{b}" }`, "every event will fail")
	f(`mapping => { "[m" => "%{a} %{b}" }`, "every event will fail")
}

// FuzzDissect checks that what was found and the delimiters between make the text again.
func FuzzDissect(f *testing.F) {
	for _, m := range []string{`%{a} %{b->} %{c}`, `[%{a}]%{+a}, %{&a}x`, `%{a}%{b}`, `%{`, `%{+a/1->}--%{?b}--`} {
		f.Add(m, "x [y] z--")
	}
	f.Fuzz(func(t *testing.T, mapping, text string) {
		p, err := compile("m", mapping)
		if err != nil || text == "" {
			return
		}
		found := make([]string, len(p.fields))
		if p.find(text, found) {
			again := p.first
			many := false
			for i, s := range found {
				again += s
				if i+1 < len(found) {
					again += p.fields[i].next
					many = many || p.fields[i].many
				}
			}
			if !many && !strings.HasPrefix(text, p.fields[0].next) {
				require.Equal(t, text, again, "%q", mapping)
			}
		}
		e := event.New(nil)
		e.Root().Set("m", event.StringValue(text))
		_ = p.dissect(e, text)
		_, _ = decimal(e.Arena, text, false)
		_, _ = decimal(e.Arena, text, true)
	})
}

func BenchmarkFilter(b *testing.B) {
	const doc = `{"message":"May 17 10:22:31 web01 sshd[4711]: Accepted publickey for bob from 203.0.113.7 port 51514 ssh2"}`
	b.Run("syslog", func(b *testing.B) {
		filtertest.Bench(b, Plugin, `mapping => { "message" => "%{ts} %{+ts} %{+ts} %{host} %{prog}[%{pid}]: %{msg}" }`, doc)
	})
	b.Run("convert", func(b *testing.B) {
		filtertest.Bench(b, Plugin, `mapping => { "message" => "%{ts} %{+ts} %{+ts} %{host} %{prog}[%{pid}]: %{msg}" } convert_datatype => { "pid" => "int" }`, doc)
	})
}
