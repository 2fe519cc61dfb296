package esbulk

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/plugin"
)

func TestDecode(t *testing.T) {
	f := func(mode plugin.ECS, in string, want ...string) {
		t.Helper()
		c, err := New(Options{}, codectest.Env(mode))
		require.NoError(t, err)
		for n := 1; n <= len(in); n++ {
			require.Equal(t, want, codectest.Documents(c, codectest.Records(c, in, n)), "%q in pieces of %d", in, n)
		}
	}
	f(plugin.ECSDisabled, "{\"index\":{\"_id\":\"1\"}}\n{\"a\":1}\n\n{\"delete\":{\"_id\":\"2\"}}\n{ \"create\":{}}\n{\"b\":2}",
		`{"a":1,"@metadata":{"_id":"1","action":"index"}}`, `{"@metadata":{"_id":"2","action":"delete"}}`, `{"b":2,"@metadata":{"action":"create"}}`)
	f(plugin.ECSv8, "{\"index\":{\"_id\":\"1\"}}\n{\"a\":1}\n", `{"a":1,"@metadata":{"codec":{"es_bulk":{"_id":"1","action":"index"}}}}`)
	f(plugin.ECSDisabled, "{\"delete\":{\"_id\":\"2\"}}\n{\"index\":{}}\nnot json\n{\"delete\":{}}\n", `{"@metadata":{"_id":"2","action":"delete"}}`,
		`{"message":"not json","tags":["_jsonparsefailure"],"@metadata":{"action":"index"}}`, `{"@metadata":{"action":"delete"}}`)
	f(plugin.ECSDisabled, "oops\nx\n", `{"message":"oops","tags":["_jsonparsefailure"]}`, `{"message":"x","tags":["_jsonparsefailure"]}`)
}

func FuzzDecode(f *testing.F) {
	f.Add("{\"index\":{}}\n{\"a\":1}\n{\"delete\":{}}\n", uint8(3))
	f.Fuzz(func(t *testing.T, in string, n uint8) {
		c, err := New(Options{}, codectest.Env(plugin.ECSDisabled))
		require.NoError(t, err)
		whole := codectest.Documents(c, codectest.Records(c, in, len(in)))
		require.Equal(t, whole, codectest.Documents(c, codectest.Records(c, in, int(n))))
	})
}

func BenchmarkDecode(b *testing.B) {
	c, err := New(Options{}, codectest.Env(plugin.ECSDisabled))
	require.NoError(b, err)
	codectest.BenchmarkDecode(b, c, `{"index":{"_index":"logs","_id":"1"}}`+"\n"+`{"message":"hello","status":200,"host":{"name":"web01"}}`)
}
