package event

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	jsoniter "github.com/json-iterator/go"
	"github.com/stretchr/testify/require"
)

// parse returns an event with the fields of the JSON document doc, as a decoder leaves it before Create.
func parse(t testing.TB, doc string) *Event {
	t.Helper()
	e := New(nil)
	v, _, ok, err := e.ParseJSON(doc)
	require.NoError(t, err)
	require.True(t, ok)
	e.SetRoot(v.Object())
	return e
}

func TestParsePath(t *testing.T) {
	f := func(ref string, want ...string) {
		t.Helper()
		p, err := ParsePath(ref)
		require.NoError(t, err, ref)
		require.Equal(t, want, p.Keys(), ref)
		require.Equal(t, ref, p.String())
	}
	f("a", "a")
	f("", "")
	f("a.b", "a.b")
	f("[a]", "a")
	f("[a][b]", "a", "b")
	f("[[a][b]][c]", "a", "b", "c")
	f("[ a ]", " a ")
	f("[@metadata][x]", "x")

	bad := func(ref string) {
		t.Helper()
		_, err := ParsePath(ref)
		require.ErrorIs(t, err, errReference, ref)
	}
	for _, ref := range []string{"a[b]", "[]", "[a][][b]", "[a]b", "[a]x[b]", "[a", "a]", "]", "[", "x[", "[a]]"} {
		bad(ref)
	}
}

func TestSetAndGet(t *testing.T) {
	f := func(doc, ref, value, want string) {
		t.Helper()
		e := parse(t, doc)
		require.NoError(t, e.Set(MustPath(ref), StringValue(value)))
		require.JSONEq(t, want, string(e.AppendJSON(nil)))
	}
	f(`{}`, "a", "x", `{"a":"x"}`)
	f(`{}`, "[a][0]", "x", `{"a":{"0":"x"}}`)
	f(`{"a":null}`, "[a][b][c]", "x", `{"a":{"b":{"c":"x"}}}`)
	f(`{"a":["p"]}`, "[a][3]", "x", `{"a":["p",null,null,"x"]}`)
	f(`{"a":["p","q"]}`, "[a][-1]", "x", `{"a":["p","x"]}`)
	f(`{"a":["p"]}`, "[a][k]", "x", `{"a":["p"]}`)
	f(`{"a":["p"]}`, "[a][0]", "x", `{"a":["x"]}`)
	f(`{"a":[{"b":1}]}`, "[a][0][b]", "x", `{"a":[{"b":"x"}]}`)
	f(`{"a":1}`, "[@metadata][m]", "x", `{"a":1}`)
	f(`{}`, "tags", "x", `{"tags":"x"}`)

	bad := func(doc, ref string) {
		t.Helper()
		e := parse(t, doc)
		require.Error(t, e.Set(MustPath(ref), StringValue("x")))
		require.JSONEq(t, doc, string(e.AppendJSON(nil)))
	}
	bad(`{"a":"s"}`, "[a][b]")
	bad(`{"a":5}`, "[a][b]")
	bad(`{}`, "@timestamp")
	bad(`{}`, "[tags][x]")
	bad(`{}`, "@metadata")
	bad(`{"a":[1]}`, "[a][-7]")
	bad(`{"a":[1]}`, "[a][999999999]")
}

func TestSetIfAbsent(t *testing.T) {
	f := func(doc, ref string, done bool, want string) {
		t.Helper()
		e := parse(t, doc)
		got, err := e.SetIfAbsent(MustPath(ref), StringValue("x"))
		require.NoError(t, err)
		require.Equal(t, done, got)
		require.JSONEq(t, want, string(e.AppendJSON(nil)))
	}
	f(`{}`, "a", true, `{"a":"x"}`)
	f(`{"a":null}`, "a", true, `{"a":"x"}`)
	f(`{"a":1}`, "a", false, `{"a":1}`)
	f(`{}`, "[a][b][c]", true, `{"a":{"b":{"c":"x"}}}`)
	f(`{"a":{"b":{"c":2}}}`, "[a][b][c]", false, `{"a":{"b":{"c":2}}}`)
	f(`{"a":{"b":null}}`, "[a][b][c]", true, `{"a":{"b":{"c":"x"}}}`)
	f(`{"a":[{"b":1}]}`, "[a][0][c]", true, `{"a":[{"b":1,"c":"x"}]}`)
	f(`{"tags":["t"]}`, "tags", false, `{"tags":["t"]}`)
	f(`{"a":1}`, "[@metadata][m]", true, `{"a":1}`)
	_, err := parse(t, `{"a":"text"}`).SetIfAbsent(MustPath("[a][b]"), StringValue("x"))
	require.Error(t, err)
}

func TestRemove(t *testing.T) {
	e := parse(t, `{"a":{"b":1},"l":["p","q"],"l2":[1,2],"x":"s"}`)
	for _, ref := range []string{"[a][b]", "[l][0]", "[l2][-1]", "[x][y]", "[l][9]", "nope"} {
		e.Remove(MustPath(ref))
	}
	require.JSONEq(t, `{"a":{},"l":["q"],"l2":[1],"x":"s"}`, string(e.AppendJSON(nil)))
}

func TestLargeObject(t *testing.T) {
	var o Object
	key := func(i int) string {
		return strings.Repeat("k", 1+i%7) + string(rune('a'+i%26)) + time.Duration(i).String()
	}
	for i := range 500 {
		o.Set(key(i), IntValue(int64(i)))
	}
	for i := 0; i < 500; i += 3 {
		o.Delete(key(i))
	}
	for i := range 500 {
		v, ok := o.Get(key(i))
		require.Equal(t, i%3 != 0, ok)
		if ok {
			require.Equal(t, int64(i), v.Int())
		}
	}
}

func TestFloats(t *testing.T) {
	f := func(x float64, java, ruby string) {
		t.Helper()
		require.Equal(t, java, string(AppendFloat(nil, x)))
		require.Equal(t, ruby, string(AppendRubyFloat(nil, x)))
	}
	f(1, "1.0", "1.0")
	f(math.Copysign(0, -1), "-0.0", "-0.0")
	f(1e-5, "1.0E-5", "1.0e-05")
	f(0.001, "0.001", "0.001")
	f(0.0001, "1.0E-4", "0.0001")
	f(1e7, "1.0E7", "10000000.0")
	f(12345678.9, "1.23456789E7", "12345678.9")
	f(1e20, "1.0E20", "1.0e+20")
	f(1e100, "1.0E100", "1.0e+100")
	f(math.Inf(1), "Infinity", "Infinity")
	f(5e-324, "5.0E-324", "5.0e-324")
}

func TestInspect(t *testing.T) {
	e := parse(t, `{"a":{"k":"v\"#{x}\n","n":null,"f":1.0,"l":[1,true,"é"]}}`)
	v, _ := e.Get(MustPath("a"))
	require.Equal(t, `{"k"=>"v\"\#{x}\n", "n"=>nil, "f"=>1.0, "l"=>[1, true, "é"]}`, string(v.AppendInspect(nil)))
}

func TestInspectOfInvalidBytes(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		require.Equal(t, want, string(AppendInspectString(nil, s)))
	}
	f("a\xEF", `"a\xEF"`)
	f("\xEF\xBF", `"\xEF\xBF"`)
	f("\uFFFD", "\"\uFFFD\"")
	f("\xE9t\xC3\xA9", `"\xE9té"`)
}

func TestCreate(t *testing.T) {
	at := time.Date(2024, 1, 2, 3, 4, 5, 678e6, time.UTC)
	f := func(doc, want string) {
		t.Helper()
		e := parse(t, doc)
		e.Create(at)
		require.JSONEq(t, want, string(e.AppendJSON(nil)))
	}
	const stamp = `"@timestamp":"2024-01-02T03:04:05.678Z","@version":"1"`
	f(`{}`, `{`+stamp+`}`)
	f(`{"@timestamp":null,"@version":null}`, `{"@timestamp":"2024-01-02T03:04:05.678Z","@version":null}`)
	f(`{"@timestamp":5}`, `{`+stamp+`,"_@timestamp":5,"tags":["_timestampparsefailure"]}`)
	f(`{"tags":"x"}`, `{`+stamp+`,"tags":"x"}`)
	f(`{"tags":5,"@timestamp":"x"}`, `{`+stamp+`,"_tags":[5],"_@timestamp":"x","tags":["_tagsparsefailure","_timestampparsefailure"]}`)
	f(`{"@metadata":{"a":1},"b":2}`, `{`+stamp+`,"b":2}`)
	f(`{"@metadata":7,"tags":["a"]}`, `{`+stamp+`,"tags":["a"]}`)
}

func TestTemplate(t *testing.T) {
	e := parse(t, `{"a":"A","n":7,"h":{"b":1,"a":[null,{"k":"v"}]},"l":["x",["y"],{"k":"v","n":null}],"e":null}`)
	e.SetTimestamp(time.Date(2024, 12, 30, 23, 59, 59, 0, time.UTC))
	f := func(tmpl, want string) {
		t.Helper()
		tm := ParseTemplate(tmpl)
		got, err := tm.Text(e)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	f("plain", "plain")
	f("%{a}-%{[h][b]}", "A-1")
	f("%{h}", `{"a":[null,{"k":"v"}],"b":1}`)
	f("%{l}", "x,y,{k=v, n=null}")
	f("%{nope} %{e}", "%{nope} %{e}")
	f("x%{}y%{+}", "x1735603199y1735603199")
	f("%{+yyyy.MM.dd}", "2024.12.30")
	f("%{{yyyy-MM-dd}}", "2024-12-30")
	f("%{a", "%{a")
	f("%{a} %{", "A %{")

	bad := func(tmpl string) {
		t.Helper()
		tm := ParseTemplate(tmpl)
		require.Error(t, tm.Err())
		_, err := tm.Text(e)
		require.Error(t, err)
	}
	bad("%{a[b]}")
	bad("x %{[a} y")
}

func TestJSONStrings(t *testing.T) {
	f := func(s string) {
		t.Helper()
		var back string
		require.NoError(t, json.Unmarshal(AppendJSONString(nil, s), &back))
		require.Equal(t, s, back)
	}
	for c := range 0x80 {
		for pad := range 18 {
			f(strings.Repeat("x", pad) + string(rune(c)) + strings.Repeat("é", pad))
		}
	}
	require.Equal(t, `"\u001F\b\f\n\r\t\"\\/"`, string(AppendJSONString(nil, "\x1f\b\f\n\r\t\"\\/")))
}

func TestParseJSONRefuses(t *testing.T) {
	for _, doc := range []string{`{`, `{"a"}`, `{"a":}`, `[1,]`, `{"a":1,}`, `01`, `1.`, `.5`, `1e`, `+1`, `tru`, `truex`, `"a`, "\"a\nb\"", `"\x"`, `"\u12"`, `{a:1}`, `'a'`, `NaN`, `-`, `1x`,
		strings.Repeat("[", 1001)} {
		_, _, _, err := New(nil).ParseJSON(doc)
		require.Error(t, err, doc)
	}
}

// TestParseJSONAgreesWithJsoniter holds the reader and the writer to a library that many use.
func TestParseJSONAgreesWithJsoniter(t *testing.T) {
	for _, doc := range []string{
		benchDoc, `{"a":[1,2.5,"x",null,true,{"b":[]}],"c":{"d":{"e":"f"}}}`, `{"s":"\u00e9 \ud83d\ude00 \n \" \\ /"}`, `{"n":-9223372036854775808,"f":1e-7}`,
	} {
		var want, got any
		require.NoError(t, jsoniter.UnmarshalFromString(doc, &want))
		require.NoError(t, jsoniter.Unmarshal(parse(t, doc).AppendJSON(nil), &got))
		require.Equal(t, want, got)
	}
}

// FuzzParseJSON: what encoding/json takes is taken, with the same meaning; nothing panics.
func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5,"x\u00e9",null,true]}`, `"\ud83d\ude00"`, `[1e400]`, `{"a":1,"a":2}`, `123456789012345678901234567890`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		e := New(nil)
		v, rest, ok, err := e.ParseJSON(doc)
		if err != nil || !ok {
			if json.Valid([]byte(doc)) && !strings.Contains(doc, "[[[[") && !strings.Contains(doc, "{") {
				t.Fatalf("refused valid JSON %q: %v", doc, err)
			}
			return
		}
		out := v.AppendJSON(nil)
		if !json.Valid(out) {
			t.Fatalf("%q became invalid JSON %q (rest %q)", doc, out, rest)
		}
		w, _, _, err := New(nil).ParseJSON(string(out))
		require.NoError(t, err)
		require.Equal(t, string(out), string(w.AppendJSON(nil)))
	})
}

func TestCloneIsIndependent(t *testing.T) {
	e := parse(t, `{"a":{"b":[1]},"tags":["x"]}`)
	c := e.Clone()
	e.Tag("y")
	require.NoError(t, e.Set(MustPath("[a][b][0]"), StringValue("changed")))
	e.Reset()
	require.JSONEq(t, `{"a":{"b":[1]},"tags":["x"]}`, string(c.AppendJSON(nil)))
}

func TestBatchSettles(t *testing.T) {
	done := 0
	b := &Batch{Done: func(*Batch) { done++ }}
	b.Expect(2)
	b.Settle()
	require.Zero(t, done)
	b.Settle()
	require.Equal(t, 1, done)
	require.Panics(t, b.Settle)
	b.Expect(0)
	require.Equal(t, 2, done)
}

const benchDoc = `{"time":"2024-01-02T03:04:05.678Z","level":"info","logger":"api","msg":"request served","status":200,"took":12.5,"http":{"method":"GET","path":"/api/v1/items","bytes":1234},"user":"u-123","ok":true,"trace":"4bf92f3577b34da6a3ce929d0e0e4736"}`

func BenchmarkParseJSON(b *testing.B) {
	e := New(nil)
	b.SetBytes(int64(len(benchDoc)))
	b.ReportAllocs()
	for b.Loop() {
		e.Reset()
		v, _, _, _ := e.ParseJSON(benchDoc)
		e.SetRoot(v.Object())
	}
}

func BenchmarkParseJSONStdlib(b *testing.B) {
	b.SetBytes(int64(len(benchDoc)))
	b.ReportAllocs()
	for b.Loop() {
		var m map[string]any
		_ = json.Unmarshal([]byte(benchDoc), &m)
	}
}

func BenchmarkParseJSONIterator(b *testing.B) {
	b.SetBytes(int64(len(benchDoc)))
	b.ReportAllocs()
	for b.Loop() {
		var m map[string]any
		_ = jsoniter.UnmarshalFromString(benchDoc, &m)
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	e := parse(b, benchDoc)
	e.Create(time.Now())
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = e.AppendJSON(dst[:0])
	}
}

func BenchmarkLineEvent(b *testing.B) {
	line := strings.Repeat("a plain log line ", 9)
	e := New(nil)
	at := time.Now()
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		e.Reset()
		e.Root().Set("message", StringValue(line))
		e.Create(at)
		dst = e.AppendJSON(dst[:0])
	}
}

func BenchmarkTemplate(b *testing.B) {
	e := parse(b, `{"a":"nginx"}`)
	e.Create(time.Now())
	t := ParseTemplate("logs-%{a}-%{+yyyy.MM.dd}")
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = t.Append(dst[:0], e)
	}
}

// A sealed source makes of a record what one that is not does.
func TestCompleteIsCreateAndDecorate(t *testing.T) {
	at := time.Unix(1700000000, 5e6)
	f := func(doc string, r Record, refs ...string) {
		t.Helper()
		src := &Source{Tags: []Template{}}
		for i, ref := range refs {
			src.Fields = append(src.Fields, SourceField{MustPath(ref), StringValue(fmt.Sprint("fact ", i))})
		}
		slow, e := parse(t, doc), parse(t, doc)
		slow.Create(at)
		want := src.Decorate(slow, &r)
		src.Seal()
		require.Equal(t, want, src.Complete(e, &r, at))
		require.Equal(t, string(slow.AppendJSON(nil)), string(e.AppendJSON(nil)))
		require.Equal(t, string(slow.Metadata().AppendJSON(nil)), string(e.Metadata().AppendJSON(nil)))
		for _, field := range slow.Root().Fields() {
			_, ok := e.Get(MustPath(field.Key))
			require.True(t, ok, field.Key)
		}
	}
	f(`{"message":"x"}`, Record{})
	f(`{"message":"x"}`, Record{}, "host", "port", "[@metadata][ip]")
	f(`{"message":"x"}`, Record{Tag: "_cut", Meta: []Field{{"[@metadata][k]", IntValue(1)}, {"offset", IntValue(2)}}}, "host", "[@metadata][ip]")
	f(`{"message":"x","host":"own"}`, Record{}, "host", "port")
	f(`{"@timestamp":"2024-01-02T03:04:05Z","@version":"7"}`, Record{}, "host")
	f(`{"@metadata":{"ip":"own"},"tags":"a"}`, Record{Tag: "b"}, "[@metadata][ip]", "[@metadata][mine]")
	f(`{"message":"x","host":"text"}`, Record{}, "[host][ip]")
	f(`{"message":"x"}`, Record{}, "[host][ip]", "[host][port]", "@version", "@timestamp")
	f(`{}`, Record{}, "a", "b", "c", "d", "e", "f", "g", "h", "a")
	f(`{}`, Record{}, "a", "b", "a", "@version", "c")
}

func TestSourceMetadataIsLate(t *testing.T) {
	src := &Source{Type: "app", Fields: []SourceField{
		{MustPath("[@metadata][ip]"), StringValue("192.0.2.1")},
		{MustPath("[@metadata][mine]"), StringValue("source")},
		{MustPath("host"), StringValue("web")},
	}}
	e := parse(t, `{"@metadata":{"mine":"event"},"host":"own"}`)
	e.Create(time.Unix(0, 0))
	require.NoError(t, src.Decorate(e, &Record{}))
	for ref, want := range map[string]string{"[@metadata][ip]": "192.0.2.1", "[@metadata][mine]": "event", "host": "own", "type": "app"} {
		v, _ := e.Get(MustPath(ref))
		require.Equal(t, want, v.Str(), ref)
	}
	c := e.Clone()
	require.Equal(t, 2, c.Metadata().Len())
}

// TestLazyJSON: what is left as text gives the same document and the same values as what is built.
func TestLazyJSON(t *testing.T) {
	f := func(doc string, lazy bool) {
		t.Helper()
		e := parse(t, `{"first":1,"h":`+doc+`,"last":2}`)
		require.Equal(t, lazy, e.root.lazy, doc)
		eager := New(nil)
		p := jsonParser{s: doc, e: eager}
		want, err := p.value(1)
		require.NoError(t, err)
		require.Equal(t, `{"first":1,"h":`+string(want.AppendJSON(nil))+`,"last":2}`, string(e.AppendJSON(nil)))
		c := e.Clone()
		got, ok := e.Get(MustPath("h"))
		require.True(t, ok)
		require.True(t, want.Equal(got), doc)
		require.Equal(t, want.Text(), got.Text())
		copied, _ := c.Get(MustPath("h"))
		require.True(t, want.Equal(copied), doc)
	}
	f(`{"a":"long enough","b":[1,2.5,true,null,{"c":"d\n\"e"}]}`, true)
	f(`["long enough",{"x":-1,"y":0,"z":0.001,"f":9999999.5}]`, true)
	f(`{"empty":{},"also empty":[]}`, true)
	for _, doc := range []string{
		`{"a": "white space"      }`, `{"a":"slash \/ escaped"}`, `{"a":"unicode \u00e9 escape"}`, `{"twice":1,"twice":2,"x":3}`,
		`{"number":1.50,"x":"y"}`, `{"number":1e5,"x":"yyy"}`, `{"number":-0,"x":"yyyy"}`, `{"number":12345678901234567890}`,
		`{"number":0.0001,"x":"y"}`, `{"number":12345678.5,"x":1}`, `{"x":"small"}`, `{"number":0.1234567890123456789}`,
	} {
		f(doc, false)
	}
}

func TestLazyValuesAreBuiltForWhoeverLooks(t *testing.T) {
	const doc = `{"h":{"a":"long enough","b":[1,2]},"l":["long enough",1,2,3],"tags":["a tag","another tag"],"@metadata":{"k":"long enough"}}`
	e := parse(t, doc)
	e.Create(time.Unix(0, 0))
	v, _ := e.Get(MustPath("[@metadata][k]"))
	require.Equal(t, "long enough", v.Str())
	require.True(t, e.HasTag("another tag"))
	require.NoError(t, e.Set(MustPath("[h][b][0]"), IntValue(7)))
	old, _ := e.Remove(MustPath("l"))
	require.Equal(t, 4, old.List().Len())
	require.JSONEq(t, `{"a":"long enough","b":[7,2]}`, ObjectValue(e.Root().At(0).Val.Object()).Text())
	for _, field := range parse(t, doc).Root().Fields() {
		require.NotEqual(t, rawJSON, field.Val.Kind())
	}
}

func FuzzLazyJSON(f *testing.F) {
	f.Add(`{"a":{"b":"long enough","c":[1,2.5]}}`)
	f.Fuzz(func(t *testing.T, doc string) {
		e := New(nil)
		v, _, ok, err := e.ParseJSON(doc)
		eager := New(nil)
		p := jsonParser{s: doc, e: eager}
		p.space()
		if !ok && err == nil {
			return
		}
		want, eagerErr := p.value(0)
		require.Equal(t, eagerErr == nil, err == nil, doc)
		if err != nil {
			return
		}
		require.Equal(t, string(want.AppendJSON(nil)), string(v.AppendJSON(nil)))
		require.True(t, want.Equal(v) || strings.Contains(string(want.AppendJSON(nil)), "NaN"))
	})
}

func TestSetNamed(t *testing.T) {
	f := func(name string, v Value, want string) {
		t.Helper()
		e := parse(t, `{}`)
		require.NoError(t, e.SetNamed(name, v))
		require.JSONEq(t, want, string(e.AppendJSON(nil)))
	}
	f("a.b", IntValue(1), `{"a.b":1}`)
	f("[a][b]", IntValue(1), `{"a":{"b":1}}`)
	f("tags", StringValue("x"), `{"tags":"x"}`)
	f("@timestamp", TimeValue(time.Unix(0, 0)), `{"@timestamp":"1970-01-01T00:00:00.000Z"}`)
	for name, v := range map[string]Value{"tags": IntValue(1), "@timestamp": StringValue("x"), "@metadata": StringValue("x"), "a[b]": IntValue(1)} {
		require.Error(t, parse(t, `{}`).SetNamed(name, v), name)
	}
}

// TestBinaryFormat: what persistent queues hold does not change.
func TestBinaryFormat(t *testing.T) {
	e := parse(t, `{"n":null,"b":true,"i":-3,"f":1.5,"s":"é","big":123456789012345678901,"l":[1,{"k":false}]}`)
	require.NoError(t, e.Set(MustPath("t"), TimeValue(time.Unix(5, 7))))
	const want = "\x08" + "\x01n\x00" + "\x01b\x01\x01" + "\x01i\x02\x05" + "\x01f\x03\x00\x00\x00\x00\x00\x00\xf8\x3f" + "\x01s\x04\x02é" +
		"\x03big\x06\x15123456789012345678901" + "\x01l\x07\x02" + "\x02\x02" + "\x08\x01\x01k\x01\x00" + "\x01t\x05\x0a\x07"
	require.Equal(t, want, string(e.Root().AppendBinary(nil)))
}
