package fluent

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

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

// packed sorts the keys of records: a Go map has no order, and that of the fields is asserted.
func packed(t testing.TB, v ...any) string {
	t.Helper()
	var b bytes.Buffer
	w := msgpack.NewEncoder(&b)
	w.SetSortMapKeys(true)
	require.NoError(t, w.Encode(v))
	return b.String()
}

// stamp is 2024-05-17T08:30:15.123456789Z as an EventTime.
var stamp = msgpack.RawMessage("\xd7\x00\x66\x47\x15\x97\x07\x5b\xcd\x15")

type record = map[string]any

func TestDecode(t *testing.T) {
	f := func(o Options, in string, want ...string) {
		t.Helper()
		c := codec(t, o)
		for _, n := range []int{1, 5, len(in)} {
			require.Equal(t, want, codectest.Documents(c, codectest.Records(c, in, n)))
		}
	}
	nano := Options{NanosecondPrecision: true}
	first, second := `{"a":1,"@timestamp":"2024-05-17T08:30:15.000Z","tags":["t"]}`, `{"b":2,"@timestamp":"2024-05-17T08:30:16.000Z","tags":["t"]}`
	f(Options{}, packed(t, "t", 1715934615, record{"a": 1}), first)
	f(Options{}, packed(t, "t", 1715934615, record{"a": 1}, record{"chunk": "x"})+packed(t, "t", 1715934616, record{"b": 2}), first, second)
	f(Options{}, packed(t, "t", stamp, record{"a": 1}), first)
	f(nano, packed(t, "t", stamp, record{"a": 1}), `{"a":1,"@timestamp":"2024-05-17T08:30:15.123456789Z","tags":["t"]}`)
	f(Options{}, packed(t, "t", []any{[]any{1715934615, record{"a": 1}}, []any{1715934616, record{"b": 2}}}), first, second)
	both := packed(t, 1715934615, record{"a": 1}) + packed(t, 1715934616, record{"b": 2})
	f(Options{}, packed(t, "t", []byte(both), record{"size": 2}), first, second)
	f(Options{}, packed(t, "t", both), first, second)
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(both))
	require.NoError(t, w.Close())
	f(Options{}, packed(t, "t", b.Bytes(), record{"compressed": "gzip"}), first, second)
	f(Options{Target: *event.MustPath("x")}, packed(t, "t", 1715934615, record{"a": 1}), `{"x":{"a":1},"@timestamp":"2024-05-17T08:30:15.000Z","tags":["t"]}`)
	f(Options{}, packed(t, "t", []any{[]any{1715934615, record{"a": 1}}})+packed(t, "u", both), first, strings.ReplaceAll(first, `"t"`, `"u"`), strings.ReplaceAll(second, `"t"`, `"u"`))
	f(Options{}, packed(t, "t", 0, record{"tags": []string{"t", "u"}, "@timestamp": "2014-01-01T00:00:00Z"}), `{"@timestamp":"1970-01-01T00:00:00.000Z","tags":["t","u"]}`)
	f(Options{}, packed(t, "t", 1715934615, record{"tags": 5}), `{"_tags":5,"tags":["_tagsparsefailure","t"],"@timestamp":"2024-05-17T08:30:15.000Z"}`)
}

func TestFailures(t *testing.T) {
	c := codec(t, Options{})
	f := func(in string, events int) {
		t.Helper()
		docs := codectest.Decode(c, in)
		require.Len(t, docs, events)
		require.Contains(t, docs[events-1], `"tags":["_fluentparsefailure"]`)
		require.Contains(t, docs[events-1], `"message":`)
	}
	require.Equal(t, `{"message":["t","2024-05-17T08:30:15Z",{"a":1}],"tags":["_fluentparsefailure"]}`, codectest.Joined(c, packed(t, "t", "2024-05-17T08:30:15Z", record{"a": 1})))
	require.Equal(t, `{"message":"\\x92\\xA1","tags":["_fluentparsefailure"]}`, codectest.Joined(c, "\x92\xa1"))
	f("\x05", 1)
	f(packed(t, "t"), 1)
	f(packed(t, "t", 1.5, record{}), 1)
	f(packed(t, "t", 5, "no record"), 1)
	f(packed(t, "t", []any{[]any{1715934615, record{"a": 1}}, "x"}), 2)
	f(packed(t, "t", []byte("no gzip"), record{"compressed": "gzip"}), 1)
	f("\xdd\xff\xff\xff\xff", 1)
}

func TestEncode(t *testing.T) {
	f := func(o Options, doc, tag string, when any) {
		t.Helper()
		var got []any
		require.NoError(t, msgpack.Unmarshal([]byte(codectest.Encode(t, codec(t, o), doc)), &got))
		require.Equal(t, tag, got[0])
		require.EqualValues(t, when, got[1])
		require.Equal(t, "2024-05-17T08:30:15.123Z", got[2].(map[string]any)["@timestamp"])
	}
	f(Options{}, `{"a":1}`, "log", 1715934615)
	f(Options{}, `{"tags":["a","b"]}`, "a.b", 1715934615)
	f(Options{}, `{"tags":"x"}`, "x", 1715934615)
	c := codec(t, Options{NanosecondPrecision: true})
	require.Equal(t, `{"tags":["a"],"@timestamp":"2024-05-17T08:30:15.123Z"}`, codectest.Joined(c, codectest.Encode(t, c, `{"tags":["a"]}`)))
}

func FuzzDecode(f *testing.F) {
	f.Add(packed(f, "t", 1715934615, record{"a": 1}))
	f.Add(packed(f, "t", []any{[]any{stamp, record{"a": 1}}}))
	f.Add(packed(f, "t", []byte(packed(f, 1, record{})), record{"compressed": "text"}))
	f.Fuzz(func(t *testing.T, data string) { codectest.Decode(codec(t, Options{}), data) })
}

func BenchmarkDecode(b *testing.B) {
	codectest.BenchmarkDecode(b, codec(b, Options{}), packed(b, "docker.web", stamp, record{"container_id": "0123456789abcdef", "source": "stdout", "log": "GET /index.html 200"}))
}
