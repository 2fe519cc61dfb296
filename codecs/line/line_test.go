package line

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/event"
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

func none(*Options) {}

func TestDecode(t *testing.T) {
	f := func(mode plugin.ECS, change func(o *Options), in string, want ...string) {
		t.Helper()
		c := codec(t, mode, change)
		for n := 1; n <= len(in); n++ {
			require.Equal(t, want, codectest.Documents(c, codectest.Records(c, in, n)), "%q in pieces of %d", in, n)
		}
	}
	f(plugin.ECSDisabled, none, "a\r\n\nb", `{"message":"a\r"}`, `{"message":""}`, `{"message":"b"}`)
	f(plugin.ECSv8, none, "a\n", `{"message":"a","event":{"original":"a"}}`)
	f(plugin.ECSDisabled, none, "\"caf\xe9\"\n", `{"message":"\\\"caf\\xE9\\\""}`)
	f(plugin.ECSDisabled, func(o *Options) { o.DecodeSizeLimitBytes = 3 }, "abcd\nab", `{"message":"abc","tags":["_linetoolong"]}`,
		`{"message":"d","tags":["_linetoolong"]}`, `{"message":"ab"}`)
}

func TestEmptyDelimiter(t *testing.T) {
	c := codec(t, plugin.ECSDisabled, func(o *Options) { o.Delimiter = "" })
	require.Equal(t, `{"message":"a\nb"}`, codectest.Joined(c, "a\nb"))
	require.Equal(t, "2024-05-17T08:30:15.123Z %{host} x", codectest.Encode(t, c, `{"message":"x"}`))
}

func TestEncode(t *testing.T) {
	f := func(format, doc, want string) {
		t.Helper()
		c := codec(t, plugin.ECSDisabled, func(o *Options) {
			if format != "-" {
				template := event.ParseTemplate(format)
				o.Format = &template
			}
		})
		require.Equal(t, want, codectest.Encode(t, c, doc))
	}
	f("-", `{"message":["a",{"x":null,"y":[1,[]]}],"host":{"name":"web01","ip":["1","2"]}}`,
		"2024-05-17T08:30:15.123Z {name=web01, ip=[1, 2]} [a, {x=null, y=[1, []]}]\n")
	f("-", `{"host":null}`, "2024-05-17T08:30:15.123Z %{host} %{message}\n")
	f("", `{}`, "\n")
	f("%{message}|%{n}", `{"message":"é","n":1.5}`, "é|1.5\n")
}

func TestRefused(t *testing.T) {
	_, err := New(Options{}, codectest.Env(plugin.ECSDisabled))
	require.ErrorContains(t, err, "at least 1")
}

// In the steady state a line costs no allocation; the chunk that it stands in is the input's.
func TestDecodeDoesNotAllocate(t *testing.T) {
	for _, mode := range []plugin.ECS{plugin.ECSDisabled, plugin.ECSv8} {
		d, e := codec(t, mode, none).NewDecoder(), event.New(nil)
		r := &event.Record{Data: line}
		next := func() *event.Event { e.Reset(); return e }
		d.Decode(r, next)
		require.Zero(t, testing.AllocsPerRun(100, func() { d.Decode(r, next) }), "%s", mode)
	}
}

var line = strings.Repeat("GET /index.html HTTP/1.1 ", 6)

func BenchmarkDecode(b *testing.B) {
	codectest.BenchmarkDecode(b, codec(b, plugin.ECSDisabled, none), line)
}

func BenchmarkDecodeECS(b *testing.B) {
	codectest.BenchmarkDecode(b, codec(b, plugin.ECSv8, none), line)
}

func BenchmarkEncode(b *testing.B) {
	codectest.BenchmarkEncode(b, codec(b, plugin.ECSDisabled, none), `{"message":"hello world","host":"web01"}`)
}
