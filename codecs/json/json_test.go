package json

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

func codec(t testing.TB, o Options, mode plugin.ECS) *plugin.Codec {
	t.Helper()
	c, err := New(o, codectest.Env(mode))
	require.NoError(t, err)
	return c
}

func TestDecode(t *testing.T) {
	f := func(o Options, mode plugin.ECS, in string, want ...string) {
		t.Helper()
		require.Equal(t, want, codectest.Decode(codec(t, o, mode), in))
	}
	target := Options{Target: *event.MustPath("[x][y]")}
	f(Options{}, plugin.ECSDisabled, ` {"a":1} trailing`, `{"a":1}`)
	f(Options{}, plugin.ECSDisabled, "\x00 \n")
	f(Options{}, plugin.ECSDisabled, "[]")
	f(Options{}, plugin.ECSDisabled, `[{"a":[1,{"b":"\n"}]},{}]`, `{"a":[1,{"b":"\n"}]}`, `{}`)
	f(Options{}, plugin.ECSDisabled, `[{"a":1},5]`, `{"message":"[{\"a\":1},5]","tags":["_jsonparsefailure"]}`)
	f(Options{}, plugin.ECSDisabled, `[{"a":1}`, `{"message":"[{\"a\":1}","tags":["_jsonparsefailure"]}`)
	f(Options{}, plugin.ECSDisabled, `{"a":`, `{"message":"{\"a\":","tags":["_jsonparsefailure"]}`)
	f(Options{}, plugin.ECSDisabled, "null", `{"message":"null","tags":["_jsonparsefailure"]}`)
	f(Options{}, plugin.ECSDisabled, "{\"a\":\"caf\xe9\"}", `{"message":"{\\\"a\\\":\\\"caf\\xE9\\\"}","tags":["_jsonparsefailure"]}`)
	f(target, plugin.ECSDisabled, `[{"a":1},{"b":2}]`, `{"x":{"y":{"a":1}}}`, `{"x":{"y":{"b":2}}}`)
	f(Options{}, plugin.ECSv8, `{"a":1}`, `{"a":1,"event":{"original":"{\"a\":1}"}}`)
	f(Options{}, plugin.ECSv8, `[{"a":1}]`, `{"a":1,"event":{"original":"[{\"a\":1}]"}}`)
	f(Options{}, plugin.ECSv8, `{"event":"x"}`, `{"event":"x"}`)
	f(Options{}, plugin.ECSv8, `5`, `{"message":"5","tags":["_jsonparsefailure"]}`)
	f(Options{Target: *event.MustPath("@timestamp")}, plugin.ECSDisabled, `{"a":1}`, `{"message":"{\"a\":1}","tags":["_jsonparsefailure"]}`)
}

func TestEncode(t *testing.T) {
	require.Equal(t, `{"a":1,"@timestamp":"2024-05-17T08:30:15.123Z","@version":"1"}{"b":2,"@timestamp":"2024-05-17T08:30:15.123Z","@version":"1"}`,
		codectest.Encode(t, codec(t, Options{}, plugin.ECSDisabled), `{"a":1}`, `{"b":2}`))
	require.Equal(t, "json_lines", codec(t, Options{}, plugin.ECSDisabled).Streaming)
}

func FuzzDecode(f *testing.F) {
	f.Add(`[{"a":1},{"tags":5,"@timestamp":"x"}]`)
	f.Add(`{"a":{"b":[1,"é"]}}`)
	c := codec(f, Options{}, plugin.ECSv8)
	f.Fuzz(func(t *testing.T, in string) { codectest.Decode(c, in) })
}

const doc = `{"@timestamp":"2024-05-17T08:30:15.123Z","message":"GET /index.html","status":200,"took":1.5,"host":{"name":"web01"},"list":[1,2,3],"ok":true}`

func BenchmarkDecode(b *testing.B) {
	codectest.BenchmarkDecode(b, codec(b, Options{}, plugin.ECSDisabled), doc)
}

func BenchmarkDecodeArray(b *testing.B) {
	codectest.BenchmarkDecode(b, codec(b, Options{}, plugin.ECSDisabled), "["+doc+","+doc+"]")
}

func BenchmarkEncode(b *testing.B) {
	codectest.BenchmarkEncode(b, codec(b, Options{}, plugin.ECSDisabled), doc)
}
