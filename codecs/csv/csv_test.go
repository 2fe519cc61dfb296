package csv

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

func codec(t testing.TB, mode plugin.ECS, change func(o *Options)) *plugin.Codec {
	t.Helper()
	o := *Plugin.Options().(*Options)
	change(&o)
	c, err := New(o, codectest.Env(mode))
	require.NoError(t, err)
	return c
}

func TestDecode(t *testing.T) {
	f := func(change func(o *Options), in string, want ...string) {
		t.Helper()
		c := codec(t, plugin.ECSDisabled, change)
		for n := 1; n <= len(in); n++ {
			require.Equal(t, want, codectest.Documents(c, codectest.Records(c, in, n)), "%q in pieces of %d", in, n)
		}
	}
	none := func(*Options) {}
	f(none, "a,b\n", `{"column1":"a","column2":"b"}`)
	f(none, "a,,\"\"\r\n\n x ,\"q\"\"r\"\n", `{"column1":"a","column2":null,"column3":""}`, `{"column1":" x ","column2":"q\"r"}`)
	f(none, "1,\"two\nlines\",3\n4,5", `{"column1":"1","column2":"two\nlines","column3":"3"}`, `{"column1":"4","column2":"5"}`)
	f(none, "5\" disk,x\nnext", `{"message":"5\" disk,x","tags":["_csvparsefailure"]}`, `{"column1":"next"}`)
	f(none, "\"a\"b,c\nnext", `{"message":"\"a\"b,c","tags":["_csvparsefailure"]}`, `{"column1":"next"}`)
	f(none, "\"open,c\nnext", `{"message":"\"open,c\nnext","tags":["_csvparsefailure"]}`)
	f(func(o *Options) { o.Columns = []string{"x"} }, "1,2", `{"x":"1","column2":"2"}`)
	f(func(o *Options) { o.Columns = []string{"x"}; o.AutogenerateColumnNames = false }, "1,2", `{"x":"1"}`)
	f(func(o *Options) { o.SkipEmptyColumns = true }, "1,,\"\",2", `{"column1":"1","column4":"2"}`)
	f(func(o *Options) { o.Separator = "::"; o.QuoteChar = "'" }, "a:b::'c::d'\n", `{"column1":"a:b","column2":"c::d"}`)
	f(func(o *Options) { o.Separator = "§"; o.QuoteChar = "„" }, "a§„b§\n„\n", `{"column1":"a","column2":"b§\n"}`)
	f(func(o *Options) { o.QuoteChar = `\x00` }, "a,\"b\" c\n", `{"column1":"a","column2":"\"b\" c"}`)
	f(func(o *Options) { o.Columns = []string{"x", "y"}; o.SkipEmptyColumns = true }, "a,,c", `{"x":"a","column3":"c"}`)
	f(func(o *Options) { o.AutodetectColumnNames = true }, "size,kind\nbig,bird\n", `{"size":"big","kind":"bird","@metadata":{"csv_header":"size,kind"}}`)
	f(func(o *Options) { o.IncludeHeaders = true }, "id,name\n1,x\n2,y,z\n",
		`{"id":"1","name":"x","@metadata":{"csv_header":"id,name"}}`, `{"id":"2","name":"y","column3":"z","@metadata":{"csv_header":"id,name"}}`)
	f(func(o *Options) {
		o.Convert = config.Map[string]{{Key: "column1", Value: "integer"}, {Key: "column2", Value: "float"}, {Key: "column3", Value: "boolean"}, {Key: "column4", Value: "date"}, {Key: "column5", Value: "date_time"}}
	}, "0x1F,1.5,TRUE,2024-05-17,2024-05-17 08:30:15\nx,y,z,\"March 3, 2024\",", `{"column1":31,"column2":1.5,"column3":true,"column4":"2024-05-17T00:00:00.000Z","column5":"2024-05-17T08:30:15.000Z"}`,
		`{"column1":"x","column2":"y","column3":"z","column4":"2024-03-03T00:00:00.000Z","column5":null}`)
}

func TestOriginal(t *testing.T) {
	c := codec(t, plugin.ECSv8, func(*Options) {})
	require.Equal(t, `{"column1":"a","event":{"original":"a"}}`, codectest.Joined(c, "a\n"))
}

func TestEncode(t *testing.T) {
	doc := `{"a":"x,y","b":null,"c":"","d":[1,{"k":"v"}],"e":1.5,"f":"two\nlines","g":" lead"}`
	c := codec(t, plugin.ECSDisabled, func(o *Options) { o.Columns = strings.Split("a b c d e f g none", " "); o.IncludeHeaders = true })
	require.Equal(t, "a,b,c,d,e,f,g,none\n\"x,y\",,\"\",\"[1, {\"\"k\"\"=>\"\"v\"\"}]\",1.5,\"two\nlines\", lead,\n", codectest.Encode(t, c, doc))
	require.Equal(t, "z,,,,,,,\n", codectest.Encode(t, c, `{"a":"z"}`), "the names are written once")
	c = codec(t, plugin.ECSDisabled, func(o *Options) { o.IncludeHeaders = true })
	require.Equal(t, "a,b,@timestamp,@version\n1,2,2024-05-17T08:30:15.123Z,1\n", codectest.Encode(t, c, `{"a":1,"b":2}`))
	c = codec(t, plugin.ECSDisabled, func(o *Options) { o.Separator = ";" })
	require.Equal(t, "1;x,y;2024-05-17T08:30:15.123Z;1\n", codectest.Encode(t, c, `{"a":1,"b":"x,y"}`))
}

func TestRefused(t *testing.T) {
	f := func(change func(o *Options), want string) {
		t.Helper()
		o := *Plugin.Options().(*Options)
		change(&o)
		_, err := New(o, codectest.Env(plugin.ECSDisabled))
		require.ErrorContains(t, err, want)
	}
	f(func(o *Options) { o.QuoteChar = "" }, "one character")
	f(func(o *Options) { o.Separator = "" }, "must not be empty")
	f(func(o *Options) { o.Convert = config.Map[string]{{Key: "a", Value: "int"}} }, `unknown type "int"`)
	f(func(o *Options) { o.Columns = []string{"[a"} }, "FieldReference")
}

func FuzzRows(f *testing.F) {
	f.Add("a,\"b\nc\"\nd,e\n", uint8(3), ",", `"`)
	f.Add("a::'b''c'::\n\n'", uint8(1), "::", "'")
	f.Fuzz(func(t *testing.T, in string, n uint8, sep, quote string) {
		o := *Plugin.Options().(*Options)
		o.Separator, o.QuoteChar = sep, quote
		c, err := New(o, codectest.Env(plugin.ECSDisabled))
		if err != nil || strings.Contains(sep+quote, "\n") {
			return
		}
		whole := codectest.Documents(c, codectest.Records(c, in, len(in)))
		parts := codectest.Documents(c, codectest.Records(c, in, int(n)))
		require.Equal(t, whole, parts, "%q in pieces of %d", in, n)
	})
}

func BenchmarkDecode(b *testing.B) {
	codectest.BenchmarkDecode(b, codec(b, plugin.ECSDisabled, func(*Options) {}), `2024-05-17T08:30:15Z,web01,GET,/index.html,200,5123,"Mozilla/5.0, like Gecko"`)
}

func BenchmarkEncode(b *testing.B) {
	c := codec(b, plugin.ECSDisabled, func(o *Options) { o.Columns = []string{"a", "b", "c"} })
	codectest.BenchmarkEncode(b, c, `{"a":"GET","b":"x,y","c":200}`)
}
