package jsonlines

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

func codec(t testing.TB, change func(o *Options)) *plugin.Codec {
	t.Helper()
	o := *Plugin.Options().(*Options)
	change(&o)
	c, err := New(o, codectest.Env(plugin.ECSv8))
	require.NoError(t, err)
	return c
}

func none(*Options) {}

func TestDecode(t *testing.T) {
	f := func(change func(o *Options), in string, want ...string) {
		t.Helper()
		c := codec(t, change)
		for n := 1; n <= len(in); n++ {
			require.Equal(t, want, codectest.Documents(c, codectest.Records(c, in, n)), "%q in pieces of %d", in, n)
		}
	}
	f(none, "{\"a\":1}\r\n\n[{\"b\":2},{}]\noops\n{\"c\":3}", `{"a":1}`, `{"b":2}`, `{}`, `{"message":"oops","tags":["_jsonparsefailure"]}`, `{"c":3}`)
	f(func(o *Options) { o.Delimiter = "||" }, `{"a":"x|y"}||{"b":2}|`, `{"a":"x|y"}`, `{"b":2}`)
	f(func(o *Options) { o.DecodeSizeLimitBytes = 8 }, "{\"a\":1}\n{\"a\":123}\n{\"b\":2}\n", `{"a":1}`,
		`{"message":"Payload bigger than 8 bytes","tags":["_jsonparsetoobigfailure"]}`, `{"b":2}`)
	f(func(o *Options) { o.Target = *event.MustPath("doc") }, `{"a":1}`, `{"doc":{"a":1}}`)
}

func TestEncode(t *testing.T) {
	require.Equal(t, `{"a":1,"@timestamp":"2024-05-17T08:30:15.123Z","@version":"1"}`+"\n", codectest.Encode(t, codec(t, none), `{"a":1}`))
}

func TestRefused(t *testing.T) {
	_, err := New(Options{}, codectest.Env(plugin.ECSDisabled))
	require.ErrorContains(t, err, "at least 1")
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	d, e := codec(t, none).NewDecoder(), event.New(nil)
	r := &event.Record{Data: doc}
	next := func() *event.Event { e.Reset(); return e }
	d.Decode(r, next)
	require.Zero(t, testing.AllocsPerRun(100, func() { d.Decode(r, next) }))
}

const doc = `{"@timestamp":"2024-05-17T08:30:15.123Z","message":"GET /index.html","status":200,"took":1.5,"host":{"name":"web01"},"list":[1,2,3],"ok":true}`

func BenchmarkDecode(b *testing.B) { codectest.BenchmarkDecode(b, codec(b, none), doc) }

func BenchmarkEncode(b *testing.B) { codectest.BenchmarkEncode(b, codec(b, none), doc) }
