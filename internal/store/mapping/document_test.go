package mapping

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/store/query"
)

// show returns fields in a short form, in the order of their first values.
func show(fields []query.Field) string {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s=", f.Name)
		switch f.Kind {
		case query.Keyword:
			fmt.Fprintf(&b, "%q", f.Terms)
		case query.Text:
			fmt.Fprintf(&b, "%v", f.Terms)
			if f.Gaps != nil {
				fmt.Fprintf(&b, "|%v", f.Gaps)
			}
		case query.Int, query.Date:
			fmt.Fprint(&b, f.Ints)
		case query.Float:
			fmt.Fprint(&b, f.Floats)
		}
	}
	return b.String()
}

func parseMapping(t testing.TB, text string) *Mapping {
	t.Helper()
	m := New()
	var def M
	require.NoError(t, json.Unmarshal([]byte(text), &def))
	require.NoError(t, m.Merge(def))
	return m
}

func TestDocuments(t *testing.T) {
	f := func(mappingText, doc, want string) {
		t.Helper()
		var p Parser
		p.Grow(true)
		fields, err := p.Parse(parseMapping(t, mappingText), "1", []byte(doc))
		require.NoError(t, err)
		require.Equal(t, want, show(fields))
	}
	f(`{}`, `{"a":"Foo bar"}`, `a=[foo bar] a.keyword=["Foo bar"]`)
	f(`{}`, `{"a":["x y","z"]}`, `a=[x y z]|[2] a.keyword=["x y" "z"]`)
	f(`{}`, `{"a":{"b":1},"a.c":[1.5,null,2]}`, `a.b=[1] a.c=[1.5 2]`)
	f(`{}`, `{"n":null,"e":[],"m":[null,true],"o":{}}`, `m=[1]`)
	f(`{}`, `{"d":"2026-11-21T10:00:00.5Z"}`, `d=[1795255200500]`)
	f(`{}`, `{"d":"2026/11/21"}`, `d=[1795219200000]`)
	f(`{"date_detection":false}`, `{"d":"2026-11-21"}`, `d=[2026 11 21] d.keyword=["2026-11-21"]`)
	f(`{}`, `{"a":"é\n\"😀\u00e9\ud83d\ude00"}`, "a=[é 😀 é 😀] a.keyword=[\"é\\n\\\"😀é😀\"]")
	f(`{"properties":{"n":{"type":"integer"}}}`, `{"n":["12","1.9",-3.5,""]}`, `n=[12 1 -3]`)
	f(`{"properties":{"n":{"type":"float"}}}`, `{"n":0.1}`, `n=[0.10000000149011612]`)
	f(`{"properties":{"n":{"type":"half_float"}}}`, `{"n":0.1}`, `n=[0.0999755859375]`)
	f(`{"properties":{"n":{"type":"scaled_float","scaling_factor":100}}}`, `{"n":1.236}`, `n=[1.24]`)
	f(`{"properties":{"a":{"type":"ip"}}}`, `{"a":["10.0.0.1","::1"]}`, `a=["00000000000000000000ffff0a000001" "00000000000000000000000000000001"]`)
	f(`{"properties":{"a":{"type":"keyword","ignore_above":3}}}`, `{"a":["abc","abcd",12,true]}`, `a=["abc" "12"]`)
	f(`{"properties":{"a":{"type":"keyword","null_value":"none"}}}`, `{"a":null}`, `a=["none"]`)
	f(`{"properties":{"a":{"type":"object","enabled":false},"g":{"type":"geo_point"}}}`, `{"a":{"x":[1,{}]},"g":{"lat":1,"lon":2}}`, ``)
	f(`{"dynamic":false,"properties":{"a":{"properties":{}}}}`, `{"x":1,"a":{"y":1},"a.b.c":2}`, ``)
	f(`{"dynamic_templates":[{"k":{"match_mapping_type":"string","mapping":{"type":"keyword"}}}]}`, `{"x":"A b","y":1}`, `x=["A b"] y=[1]`)
	f(`{"dynamic_templates":[{"k":{"path_match":"*.ip","match_mapping_type":"string","mapping":{"type":"ip"}}}]}`, `{"a":{"ip":"1.2.3.4"}}`, `a.ip=["00000000000000000000ffff01020304"]`)
	f(`{}`, `{"a.":1}`, `a=[1]`)
	f(`{}`, `{"x":[{"k":"a"},{"k":"b"},[{"k":"c"}]]}`, `x.k=[a b c]|[1 2] x.k.keyword=["a" "b" "c"]`)
}

func TestRefusedDocuments(t *testing.T) {
	const props = `{"properties":{"n":{"type":"long"},"t":{"type":"text"},"o":{"properties":{"a":{"type":"keyword"}}},"d":{"type":"date"},"b":{"type":"boolean"},
		"ip":{"type":"ip"},"f":{"type":"float"},"by":{"type":"byte"},"st":{"dynamic":"strict","properties":{"x":{"type":"keyword"}}}}}`
	f := func(doc, reason, cause string) {
		t.Helper()
		var p Parser
		p.Grow(true)
		m := parseMapping(t, props)
		count := m.count
		_, err := p.Parse(m, "1", []byte(doc))
		var e *DocError
		require.ErrorAs(t, err, &e)
		require.Equal(t, reason, e.Reason)
		require.Equal(t, cause, e.CauseType+": "+e.Cause)
		require.Equal(t, count, m.count, "a refused document leaves the mapping as it was")
		require.Nil(t, m.Field("fresh"))
	}
	preview := func(at int, field, typ, value string) string {
		return fmt.Sprintf("[1:%d] failed to parse field [%s] of type [%s] in document with id '1'. Preview of field's value: '%s'", at, field, typ, value)
	}
	f(`{"n":"abc"}`, preview(6, "n", "long", "abc"), `illegal_argument_exception: For input string: "abc"`)
	f(`{"fresh":1,"n":{"a":1}}`, preview(22, "n", "long", "{a=1}"), `illegal_argument_exception: Cannot parse object as number`)
	f(`{"o":1}`, "[1:6] object mapping for [o] tried to parse field [o] as object, but found a concrete value", ": ")
	f(`{"d":"foo"}`, preview(6, "d", "date", "foo"), `illegal_argument_exception: failed to parse date field [foo] with format [strict_date_optional_time||epoch_millis]`)
	f(`{"b":"maybe"}`, preview(6, "b", "boolean", "maybe"), `illegal_argument_exception: Failed to parse value [maybe] as only [true] or [false] are allowed.`)
	f(`{"ip":"1.2.3"}`, preview(7, "ip", "ip", "1.2.3"), `illegal_argument_exception: '1.2.3' is not an IP string literal.`)
	f(`{"by":300}`, preview(7, "by", "byte", "300"), `illegal_argument_exception: Value [300] is out of range for a byte`)
	f(`{"f":"x"}`, preview(6, "f", "float", "x"), `number_format_exception: For input string: "x"`)
	f(`{"n":[1,"x"]}`, preview(9, "n", "long", "x"), `illegal_argument_exception: For input string: "x"`)
	f(`{"st":{"y":1}}`, "[1:12] mapping set to strict, dynamic introduction of [y] within [st] is not allowed", ": ")
	f(`{"":1}`, "[1:2] failed to parse: field name cannot be an empty string", `illegal_argument_exception: field name cannot be an empty string`)
	f(`{"a..b":1}`, "[1:2] failed to parse: field name cannot contain only whitespace: ['a..b']", `illegal_argument_exception: field name cannot contain only whitespace: ['a..b']`)
	f(`{"x":1`, "[1:7] failed to parse: [1:7] Unexpected end of file", `x_content_parse_exception: [1:7] Unexpected end of file`)
	f(`[1]`, "Malformed content, must start with an object", ": ")
	f(`{"n":" 15"}`, preview(6, "n", "long", " 15"), `illegal_argument_exception: For input string: " 15"`)
	f(`{"s":1,"s":2}`, "[1:12] failed to parse: [1:12] Duplicate field 's'", "x_content_parse_exception: [1:12] Duplicate field 's'")
}

func TestAnalysis(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		require.Equal(t, want, strings.Join(Analyze(in), "|"))
	}
	// The answers are those of the standard analyzer of Elasticsearch 8.19.
	f("O’Neil can't a:b 3.14 1,000 foo_bar 192.168.1.1 a.b x-y ünïcode 日本語 カタカナ ひらがな 😀 สวัสดี 한국어 foo.Bar@x.com 3a a3 1.a _ __ _a GET /index.html HTTP/1.1",
		"o’neil|can't|a:b|3.14|1,000|foo_bar|192.168.1.1|a.b|x|y|ünïcode|日|本|語|カタカナ|ひ|ら|が|な|😀|สวัสดี|한국어|foo.bar|x.com|3a|a3|1|a|_a|get|index.html|http|1.1")
	f(strings.Repeat("a", 300), strings.Repeat("a", 255)+"|"+strings.Repeat("a", 45))
	f("", "")
	f(" . : ", "")
}

const apache = `{"@timestamp":"2026-11-21T10:00:00.000Z","@version":"1","message":"203.0.113.7 - - [21/Nov/2026:10:00:00 +0000] \"GET /images/logo.png?v=12 HTTP/1.1\" 200 4523 \"http://www.example.com/start.html\" \"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36\"","host":{"name":"web-1"},"source":{"address":"203.0.113.7"},"http":{"request":{"method":"GET","referrer":"http://www.example.com/start.html"},"response":{"status_code":200,"body":{"bytes":4523}},"version":"1.1"},"url":{"original":"/images/logo.png?v=12"},"user_agent":{"original":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"},"timestamp":"21/Nov/2026:10:00:00 +0000","data_stream":{"type":"logs","dataset":"generic","namespace":"default"}}`

func BenchmarkParse(b *testing.B) {
	m := New()
	var p Parser
	p.Grow(true)
	_, err := p.Parse(m, "1", []byte(apache))
	require.NoError(b, err)
	doc := []byte(apache)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%500 == 0 {
			p.Reset()
		}
		if _, err := p.Parse(m, "1", doc); err != nil {
			b.Fatal(err)
		}
	}
}
