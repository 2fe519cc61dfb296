package json

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
)

func run(t *testing.T) func(options, in, want string) {
	return func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
}

func TestRoot(t *testing.T) {
	g := run(t)
	f := func(in, want string) {
		t.Helper()
		g(`source => "m" remove_field => ["m"]`, `{"m":`+in+`}`, `{"m":`+in+want)
	}
	f(`"{ \"hello\": \"world\", \"list\": [ 1, 2, 3 ], \"hash\": { \"k\": \"v\" } }"`, `,"hello":"world","list":[1,2,3],"hash":{"k":"v"}} +`)
	f(`" {\"a\":1} "`, `,"a":1} +`)
	f(`"{}"`, `} +`)
	f(`"{\"a\":1} {\"b\":2}"`, `,"b":2} +`)
	f(`"[1, 2, 3]"`, `,"tags":["_jsonparsefailure"]}`)
	f(`"null"`, `,"tags":["_jsonparsefailure"]}`)
	f(`""`, `,"tags":["_jsonparsefailure"]}`)
	f(`"{\"a\":1}}"`, `,"tags":["_jsonparsefailure"]}`)
	f(`"random_message"`, `,"tags":["_jsonparsefailure"]}`)
	f(`5`, `,"tags":["_jsonparsefailure"]}`)
	f(`true`, `,"tags":["_jsonparsefailure"]}`)
	f(`null`, `}`)
	f(`false`, `}`)
	// Names are field references; the first that cannot be set ends the merge.
	f(`"{\"a\":1,\"[b][c]\":2}"`, `,"a":1,"b":{"c":2}} +`)
	f(`"{\"a\":1,\"x[0]\":2,\"b\":3}"`, `,"a":1,"tags":["_jsonparsefailure"]}`)
	f(`"{\"tags\":\"a\"}"`, `,"tags":"a"} +`)
	f(`"{\"tags\":[\"a\"]}"`, `,"tags":["a"]} +`)
	f(`"{\"tags\":{\"a\":1}}"`, `,"tags":["_jsonparsefailure"]}`)
	f(`"{\"tags\":[1]}"`, `,"tags":["_jsonparsefailure"]}`)
	f(`"{\"@version\":2}"`, `,"@version":2} +`)
	f(`"{\"@metadata\":{\"k\":\"v\"}}"`, `} @metadata={"k":"v"} +`)
	f(`"{\"@metadata\":5}"`, `,"tags":["_jsonparsefailure"]}`)
	f(`"{\"n\":12345678901234567890123,\"f\":1e3}"`, `,"n":12345678901234567890123,"f":1000.0} +`)
}

func TestTimestamp(t *testing.T) {
	f := run(t)
	f(`source => "m"`, `{"m":"{\"@timestamp\":\"2015-12-02T17:40:00.666Z\"}"}`,
		`{"m":"{\"@timestamp\":\"2015-12-02T17:40:00.666Z\"}","@timestamp":"2015-12-02T17:40:00.666Z"} +`)
	f(`source => "m"`, `{"m":"{\"@timestamp\":null}"}`, `{"m":"{\"@timestamp\":null}"} +`)
	f(`source => "m" target => "t"`, `{"m":"{\"@timestamp\":\"x\"}"}`, `{"m":"{\"@timestamp\":\"x\"}","t":{"@timestamp":"x"}} +`)
}

func TestBadTimestamp(t *testing.T) {
	f := func(stamp, kept string) {
		t.Helper()
		r := filtertest.New(t, Plugin, `source => "m"`)
		e := filtertest.Event(t, `{"m":"{\"foo\":\"bar\",\"@timestamp\":`+strings.ReplaceAll(stamp, `"`, `\"`)+`}"}`)
		require.True(t, r.Filter.Filter(e))
		ts, ok := e.Timestamp()
		require.True(t, ok)
		require.WithinDuration(t, time.Now(), ts, time.Minute)
		require.True(t, e.HasTag("_timestampparsefailure"))
		v, _ := e.Get(event.MustPath("_@timestamp"))
		require.Equal(t, kept, v.Str())
	}
	f(`"foobar"`, "foobar")
	f(`5`, "5")
	f(`[1,"a"]`, `[1, "a"]`)
	f(`true`, "true")
}

func TestTarget(t *testing.T) {
	f := run(t)
	f(`source => "m" target => "data"`, `{"m":"[{\"k\":\"v\"},{\"l\":[1]}]"}`, `{"m":"[{\"k\":\"v\"},{\"l\":[1]}]","data":[{"k":"v"},{"l":[1]}]} +`)
	f(`source => "m" target => "m"`, `{"m":"{\"hello\":\"world\"}"}`, `{"m":{"hello":"world"}} +`)
	f(`source => "m" target => "[a][b]"`, `{"m":"1","a":"x"}`, `{"m":"1","a":"x","tags":["_jsonparsefailure"]}`)
	f(`source => "m" target => "t"`, `{"m":"  "}`, `{"m":"  ","t":null} +`)
	f(`source => "m" target => "t"`, `{"m":"{\"x[0]\":2}"}`, `{"m":"{\"x[0]\":2}","t":{"x[0]":2}} +`)
	f(`source => "m" target => "@timestamp"`, `{"m":"1"}`, `{"m":"1","tags":["_jsonparsefailure"]}`)
}

func TestFailures(t *testing.T) {
	f := run(t)
	f(`source => "m" tag_on_failure => ["_jsonparsefailure","_custom"]`, `{"m":"x","tags":["_other"]}`, `{"m":"x","tags":["_other","_jsonparsefailure","_custom"]}`)
	f(`source => "m" tag_on_failure => []`, `{"m":"x"}`, `{"m":"x"}`)
	f(`source => "m" skip_on_invalid_json => true`, `{"m":"x"}`, `{"m":"x"}`)
	f(`source => "m" skip_on_invalid_json => true`, `{"m":"[1]"}`, `{"m":"[1]","tags":["_jsonparsefailure"]}`)
	f(`source => "[m"`, `{"m":"{}"}`, `{"m":"{}","tags":["_jsonparsefailure"]}`)
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(``, `option "source" is required`)
	f(`source => "a" target => "[b"`, "1:41: error")
	f(`source => "[a"`, "warning")
	f(`sources => "a"`, `did you mean "source"?`)
}

// FuzzFilter checks that no text breaks the event: what comes out is JSON that can be read again.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"[a][b]":{"c":[1,null]},"tags":"x"}`, `{"@timestamp":"2020-01-01T00:00:00Z"}`, `{"@metadata":{"a":1}}`,
		`{"a":"\ud83d\udd25"}`, `[1]`, `{"[a":1}`, `{"m":{"[m][0]":1}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := filtertest.New(t, Plugin, `source => "m"`)
		e := event.New(nil)
		e.Root().Set("m", event.StringValue(s))
		e.Create(filtertest.Now)
		r.Filter.Filter(e)
		again := event.New(nil)
		_, _, ok, err := again.ParseJSON(string(e.AppendJSON(nil)))
		require.True(t, ok)
		require.NoError(t, err)
		_, ok = e.Timestamp()
		require.True(t, ok)
	})
}

func BenchmarkFilter(b *testing.B) {
	const doc = `{"m":"{\"level\":\"info\",\"status\":200,\"took\":0.25,\"user\":{\"id\":7,\"name\":\"ann\"},\"tags\":[\"a\",\"b\"],\"text\":\"a \\\"quoted\\\" word\"}"}`
	b.Run("root", func(b *testing.B) { filtertest.Bench(b, Plugin, `source => "m"`, doc) })
	b.Run("target", func(b *testing.B) { filtertest.Bench(b, Plugin, `source => "m" target => "[data][doc]"`, doc) })
}
