package xml

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
)

func quoted(s string) string { return string(event.AppendJSONString(nil, s)) }

// on returns an f that runs the filter with options on a document.
func on(t *testing.T, options string) func(in, want string) {
	return func(in, want string) {
		t.Helper()
		r := filtertest.New(t, Plugin, `source => "m" `+options)
		require.Equal(t, `{"m":`+quoted(in)+want, r.Run(`{"m":`+quoted(in)+`}`), "%s on %s", options, in)
	}
}

const failed = `,"tags":["_xmlparsefailure"]}`

func TestStore(t *testing.T) {
	f := func(options string) func(in, want string) {
		return func(in, want string) { t.Helper(); on(t, `target => "d" `+options)(in, `,"d":`+want+`} +`) }
	}
	g := f(``)
	g(`<foo key="value"/>`, `{"key":"value"}`)
	g(`<foo><key>value1</key><key>value2</key></foo>`, `{"key":["value1","value2"]}`)
	g(`<foo><key1><key2>value</key2></key1></foo>`, `{"key1":[{"key2":["value"]}]}`)
	g(`<foo key="a"><key>b</key></foo>`, `{"key":["a","b"]}`)
	g(`<foo>text</foo>`, `"text"`)
	g(`<foo/>`, `null`)
	g(`<foo><a/><b x="1"/><c>  </c></foo>`, `{"b":[{"x":"1"}]}`)
	g(`<?xml version="1.0" encoding="ISO-8859-1"?><foo><key>Français &amp; <![CDATA[<b>]]></key></foo>`, `{"key":["Français & <b>"]}`)
	g(`<a xmlns:h="urn:x" h:b="1"><h:c>2</h:c></a>`, `{"xmlns:h":"urn:x","h:b":"1","c":["2"]}`)
	g(`<p>one &lt;<b>two</b> three</p>`, `{"b":["two"],"content":["one &lt;"," three"]}`)
	g(`<p>1 > "0"<b>two</b></p>`, `{"b":["two"],"content":"1 > \"0\""}`)
	g(`<p>1 &gt; &amp; "0"<b>two</b></p>`, `{"b":["two"],"content":"1 &gt; &amp; \"0\""}`)
	g(`<p><b>two</b> three</p>`, `{"b":["two"],"content":" three"}`)
	// XmlSimple leaves empty elements out only where the one around them has no attribute, and keeps white space beside attributes.
	g(`<foo x="1"><a/><b> </b><c y="2"> </c></foo>`, `{"x":"1","a":[null],"b":[{}],"c":[{"y":"2","content":" "}]}`)
	g(`<foo xmlns="urn:x"><a><b/></a></foo>`, `{"xmlns":"urn:x","a":[null]}`)
	g(`<foo x="1"/>`, `{"x":"1"}`)
	g("<foo>\u00a0</foo>", "\"\u00a0\"")
	g(`<foo><anon>1</anon><anon>2</anon></foo>`, `["1","2"]`)
	g(`<foo><anon>1</anon><b>2</b></foo>`, `{"anon":["1"],"b":["2"]}`)
	f(`suppress_empty => false`)(`<foo x="1"><a/><b> </b></foo>`, `{"x":"1","a":[{}],"b":[{}]}`)
	// Checked with REXML 3.2.5, but for text outside the root element, which it refuses from 3.3.1 on.
	g(`<foo>&undefined; &lt;</foo>`, `"&undefined; <"`)
	g(`<foo a="&b; &amp;"/>`, `{"a":"&b; &"}`)
	g(`<!DOCTYPE foo [<!ENTITY b "c d">]><foo>&b;</foo>`, `"c d"`)
	g(`<!DOCTYPE foo [<!ENTITY a "1"><!ENTITY b "&a;-&a;"> <!ENTITY c '<&b;> "&#65;&amp;a;" &none;'> ]><foo x="&b;">&c;</foo>`, `{"x":"1-1","content":"<1-1> \"A&a;\" &none;"}`)
	g(`<!DOCTYPE foo [<!-- <!ENTITY a "no"> ]> --><!ELEMENT foo (#PCDATA)><!ENTITY a "]>"><!ENTITY b "&a;">]><foo>&b;&a;</foo>`, `"]>]>"`)
	g(`<!DOCTYPE foo [<!ENTITY a "&b;"><!ENTITY b "&a;">]><foo>unused</foo>`, `"unused"`)
	g(`<!DOCTYPE foo [<!ENTITY f SYSTEM "file:///etc/passwd"><!ENTITY g "&f;">]><foo>&f;&g;</foo>`, `"&f;&f;"`)
	g(`<foo>a ]]> b<![CDATA[c]]>&d;<!-- ]]> --></foo>`, `"a ]]> bc&d;"`)
	g("\ufeff<?xml version='1.0'?>\n<!-- a -->\n<foo>b</foo>\n<?c d?>\n", `"b"`)
	g(`<foo xmlns:n="n"><bar n:x="1"/></foo>`, `{"xmlns:n":"n","bar":[{"n:x":"1"}]}`)
	f(`force_array => false`)(`<foo><bar>Content</bar></foo>`, `{"bar":"Content"}`)
	f(`force_array => false`)(`<foo><bar>1</bar><bar>2</bar></foo>`, `{"bar":["1","2"]}`)
	f(`suppress_empty => false`)(`<foo><key>value1</key><key></key></foo>`, `{"key":["value1",{}]}`)
	f(`suppress_empty => true`)(`<foo><key>value1</key><key></key></foo>`, `{"key":["value1"]}`)
	f(`suppress_empty => false`)(`<foo/>`, `{}`)
	f(`force_array => false`)(`<opt><x>text1</x><y a="2">text2</y></opt>`, `{"x":"text1","y":{"a":"2","content":"text2"}}`)
	f(`force_array => false force_content => true`)(`<opt><x>text1</x><y a="2">text2</y></opt>`, `{"x":{"content":"text1"},"y":{"a":"2","content":"text2"}}`)
}

func TestFailures(t *testing.T) {
	f := on(t, `target => "d"`)
	f(`<foo /`, failed)
	f(`<foo></bar>`, failed)
	f(`<foo a="1" a="2"/>`, failed)
	f(`no xml`, failed)
	f(`<foo>a & b</foo>`, failed)
	f(`<foo>&undefined; & b</foo>`, failed)
	f(`<foo>&#0;</foo>`, failed)
	f(`<foo/><bar/>`, failed)
	f(`before <foo/>`, failed)
	f(`<foo/> after`, failed)
	f(`<foo n:x="1"/>`, failed)
	f(`<foo><bar xmlns:n="urn:n"/><bar n:x="1"/></foo>`, failed)
	f(`<a>`+strings.Repeat(`<b>`, 600)+strings.Repeat(`</b>`, 600)+`</a>`, failed)
	laughs := `<!DOCTYPE foo [<!ENTITY l0 "ha">`
	for i := range 30 {
		laughs += fmt.Sprintf(`<!ENTITY l%d "&l%d;&l%d;">`, i+1, i, i)
	}
	f(laughs+`]><foo>&l30;</foo>`, failed)
	f(laughs+`]><foo>`+strings.Repeat("&l9;", 11)+`</foo>`, failed) // each is 1,023 expansions
	f(`<!DOCTYPE foo [<!ENTITY a "`+strings.Repeat("a", 10241)+`">]><foo>&a;</foo>`, failed)
	f(`<!DOCTYPE foo [<!ENTITY a "`+strings.Repeat("a", 10240)+`">]><foo>`+strings.Repeat("&a;", 103)+`</foo>`, failed)
	f(`<!DOCTYPE foo [<!ENTITY a "&b;"><!ENTITY b "&a;">]><foo>&a;</foo>`, failed)
	f(`  `, `}`)
	g := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in))
	}
	g(`source => "m" target => "d"`, `{"m":["<foo bar=\"baz\"/>"]}`, `{"m":["<foo bar=\"baz\"/>"],"d":{"bar":"baz"}} +`)
	g(`source => "m" target => "d"`, `{"m":["<a/>","b"]}`, `{"m":["<a/>","b"]`+failed)
	g(`source => "m" target => "d"`, `{"m":[]}`, `{"m":[]`+failed)
	g(`source => "m" target => "d"`, `{"m":{"foo":"bar"}}`, `{"m":{"foo":"bar"}`+failed)
	g(`source => "m" target => "d"`, `{"m":[{"foo":"bar"}]}`, `{"m":[{"foo":"bar"}]`+failed)
	g(`source => "m" target => "d"`, `{"n":1}`, `{"n":1}`)
	g(`source => "m" target => "[m][d]"`, `{"m":"<a/>"}`, `{"m":"<a/>"`+failed)
}

func TestXPath(t *testing.T) {
	f := func(expr, options, in, want string) {
		t.Helper()
		if want != "" {
			want = `,"x":` + want + `} +`
		} else {
			want = `}`
		}
		on(t, `store_xml => false xpath => { "`+expr+`" => "x" } `+options)(in, want)
	}
	f(`/foo/key/text()`, ``, `<foo><key>value1</key><key>Français &amp; x</key></foo>`, `["value1","Français &amp; x"]`)
	f(`/foo/text()`, ``, `<!DOCTYPE foo [<!ENTITY a "1"><!ENTITY b "&a;&a;">]><foo>&b;</foo>`, `["11"]`)
	f(`/foo/text()`, `parse_options => "strict"`, `<!DOCTYPE foo [<!ENTITY a "1"><!ENTITY b "&a;&a;">]><foo>&b;</foo>`, `["11"]`)
	f(`/foo/key`, ``, `<foo><key a='"'>v<b/></key></foo>`, `["<key a=\"&quot;\">v<b/></key>"]`)
	f(`/foo/@id`, ``, `<foo id="a&amp;b"/>`, `["a&b"]`)
	f(`name(/*)`, ``, `<foo/>`, `["foo"]`)
	f(`count(//b)`, ``, `<a><b/><b/></a>`, `["2.0"]`)
	f(`count(//b) > 1`, ``, `<a><b/><b/></a>`, `["true"]`)
	f(`/none`, ``, `<foo/>`, ``)
	f(`/foo/h:div`, `remove_namespaces => false`, `<foo xmlns:h="http://www.w3.org/TR/html4/"><h:div>Content</h:div></foo>`, `["<h:div>Content</h:div>"]`)
	f(`/foo/h:div`, `namespaces => {"h" => "http://www.w3.org/TR/html4/"}`, `<foo xmlns:h="http://www.w3.org/TR/html4/"><h:div>Content</h:div></foo>`, `["<h:div>Content</h:div>"]`)
	f(`/foo/h:div`, `namespaces => {"h" => "http://www.w3.org/TR/html4/"}`, `<foo><h:div xmlns:h="http://www.w3.org/TR/html4/">Content</h:div></foo>`,
		`["<h:div xmlns:h=\"http://www.w3.org/TR/html4/\">Content</h:div>"]`)
	f(`/foo/x:div/text()`, `namespaces => {"x" => "urn:d"}`, `<foo><div xmlns="urn:d">Content</div></foo>`, `["Content"]`)
	f(`/foo/div`, `remove_namespaces => true`, `<foo xmlns:h="http://www.w3.org/TR/html4/"><h:div>Content</h:div></foo>`, `["<div>Content</div>"]`)
	f(`/xmlns:foo/xmlns:a/text()`, ``, `<foo xmlns="urn:d"><a>1</a></foo>`, `["1"]`)
	on(t, `store_xml => false xpath => { "/foo" => "x" } parse_options => "strict"`)(`<foo>`, failed)
	on(t, `store_xml => false xpath => { "/foo" => "x" } parse_options => "no_error,NOWARNING"`)(`<foo>`, failed)
	on(t, `store_xml => false xpath => { "name(/*)" => "x" } parse_options => "recover | no_net"`)(`<foo>`, `,"x":["foo"]} +`)
	// What is found before a mistake is found; a single text is one where arrays are not asked for.
	f(`/element/field1/text()`, `force_array => "false"`, `<element><field1>bbb</field1><field2>789</field2><field3>e3f<field3></element>`, `"bbb"`)
	f(`/foo/a/text()`, ``, `<foo><a>1`, `["1"]`)
	f(`/n:foo/n:a/text()`, `namespaces => { "n" => "urn:x" }`, `<x:foo xmlns:x="urn:x"><x:a>1</x:a><x:b y="2`, `["1"]`)
	f(`//a/text()`, `force_array => false`, `<x><a>1</a><a>2</a></x>`, `["1","2"]`)
	f(`/xml/sample/@attr`, ``, `<xml> <sample attr='foo' attr="bar"> <invalid> </sample> </xml>`, `["foo"]`)
	on(t, `store_xml => false`)("<xml> <sample attr='foo' attr=\"bar\"> <invalid> </sample> </xml>", `}`)
	on(t, `store_xml => false parse_options => "strict"`)("<xml> <sample attr='foo' attr=\"bar\"> <invalid> </sample> </xml>", failed)
	on(t, `target => "d" remove_namespaces => true xpath => { "/foo/a/text()" => "x" }`)(`<foo xmlns:h="urn:x"><h:a>1</h:a></foo>`, `,"x":["1"],"d":{"xmlns:h":"urn:x","a":["1"]}} +`)
	on(t, `target => "d" xpath => { "/foo/text()" => "x" }`)(`<foo>1`, `,"x":["1"]`+failed)
	on(t, `store_xml => false`)(`<foo/>`, `}`)
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(`source => "m"`, `option "target" is required`)
	f(`target => "m"`, `option "source" is required`)
	f(`source => "m" store_xml => false xpath => { "/a[" => "x" }`, `option "xpath"`)
	f(`source => "m" store_xml => false xpath => { "/a" => "[x" }`, `every event will fail`)
	f(`source => "m" target => "t" parse_options => "strict,invalid0"`, `unknown parse option "invalid0"`)
	require.Empty(t, filtertest.Diagnose(Plugin, `source => "m" target => "t" parse_options => "no_error, NOWARNING"`))
}

func FuzzFilter(f *testing.F) {
	f.Add(`<a b="c">d<e/>&lt;<![CDATA[x]]></a>`)
	f.Add(`<?xml version="1.0"?><!DOCTYPE a><a xmlns="x" xmlns:y="z" y:b="1"><!-- c --></a>`)
	f.Fuzz(func(t *testing.T, text string) {
		r := filtertest.New(t, Plugin, `source => "m" target => "t" xpath => { "//a/@b" => "x" "//*" => "y" }`)
		e := event.New(nil)
		e.Root().Set("m", event.StringValue(text))
		r.Filter.Filter(e)
		_ = completed(text)
		_, _, ok, err := event.New(nil).ParseJSON(string(e.AppendJSON(nil)))
		require.True(t, ok)
		require.NoError(t, err)
	})
}

// The library builds a tree of nodes and runs encoding/xml: its allocations are counted here, ours come from the event.
func BenchmarkFilter(b *testing.B) {
	const doc = `{"m":"<event id=\"7\"><time>2024-05-17T08:30:15Z</time><user name=\"bob\"><group>a</group><group>b</group></user><text>logged in</text></event>"}`
	b.Run("store", func(b *testing.B) { filtertest.Bench(b, Plugin, `source => "m" target => "t"`, doc) })
	b.Run("xpath", func(b *testing.B) {
		filtertest.Bench(b, Plugin, `source => "m" store_xml => false xpath => { "/event/user/@name" => "user" }`, doc)
	})
}
