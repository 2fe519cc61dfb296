package msgpack

import (
	"testing"

	"github.com/stretchr/testify/require"
	module "github.com/vmihailenco/msgpack/v5"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

func codec(t testing.TB, o Options) *plugin.Codec {
	t.Helper()
	c, err := New(o, codectest.Env(plugin.ECSDisabled))
	require.NoError(t, err)
	return c
}

func TestDecode(t *testing.T) {
	f := func(o Options, in string, want ...string) {
		t.Helper()
		c := codec(t, o)
		for n := 1; n <= len(in); n++ {
			require.Equal(t, want, codectest.Documents(c, codectest.Records(c, in, n)))
		}
	}
	format := event.ParseTemplate("a is %{a}")
	f(Options{}, "\x81\xa1a\x01\x80", `{"a":1}`, `{}`)
	f(Options{Format: &format}, "\x81\xa1a\x01\x81\xa7message\xa1x", `{"a":1,"message":"a is 1"}`, `{"message":"x"}`)
	f(Options{Target: *event.MustPath("[x][y]")}, "\x81\xa1a\x01", `{"x":{"y":{"a":1}}}`)
	stamped := codectest.Encode(t, codec(t, Options{}), `{"a":{"b":["c"]}}`)
	f(Options{}, stamped, `{"a":{"b":["c"]},"@timestamp":"2024-05-17T08:30:15.123Z"}`)
	f(Options{Target: *event.MustPath("x")}, stamped, `{"x":{"a":{"b":["c"]},"@timestamp":"2024-05-17T08:30:15.123Z","@version":"1"}}`)
	f(Options{}, "\x92\x01\xa3abc", `{"message":"\\x92\\u0001\\xA3abc","tags":["_msgpackparsefailure"]}`)
	f(Options{}, "\x81\xa1a", `{"message":"\\x81\\xA1a","tags":["_msgpackparsefailure"]}`)
}

func TestEncode(t *testing.T) {
	var m map[string]any
	data := codectest.Encode(t, codec(t, Options{}), `{"a":1,"l":[true,null],"o":{"k":"v"}}`)
	require.NoError(t, module.Unmarshal([]byte(data), &m))
	require.Equal(t, map[string]any{"a": int8(1), "l": []any{true, nil}, "o": map[string]any{"k": "v"},
		"@timestamp": "2024-05-17T08:30:15.123Z", "@version": "1"}, m)
}

func FuzzDecode(f *testing.F) {
	f.Add("\x81\xa1a\x01\x80")
	f.Add("\x82\xa4tags\x01\xaa@timestamp\xc0")
	f.Fuzz(func(t *testing.T, data string) { codectest.Decode(codec(t, Options{}), data) })
}

const doc = `{"message":"hello","status":200,"took":1.5,"host":{"name":"web01"},"list":[1,2,3]}`

func BenchmarkDecode(b *testing.B) {
	codectest.BenchmarkDecode(b, codec(b, Options{}), codectest.Encode(b, codec(b, Options{}), doc))
}

func BenchmarkEncode(b *testing.B) { codectest.BenchmarkEncode(b, codec(b, Options{}), doc) }
