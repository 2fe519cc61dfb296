package graphite

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

func codec(t testing.TB, change func(o *Options)) *plugin.Codec {
	t.Helper()
	o := *Plugin.Options().(*Options)
	change(&o)
	c, err := New(o, codectest.Env(plugin.ECSDisabled))
	require.NoError(t, err)
	return c
}

func TestDecode(t *testing.T) {
	c := codec(t, func(*Options) {})
	require.Equal(t, []string{
		`{"cpu.user":5.0,"@timestamp":"2024-05-17T08:30:15.000Z"}`,
		`{"mem":12.5}`,
		`{"message":"nothing","tags":["_graphiteparsefailure"]}`,
		`{"message":"","tags":["_graphiteparsefailure"]}`,
		`{"message":"a[ 1 2","tags":["_graphiteparsefailure"],"@timestamp":"1970-01-01T00:00:02.000Z"}`,
	}, codectest.Decode(c, "cpu.user 5 1715934615\n mem\t12.5\nnothing\n\na[ 1 2"))
}

func TestEncode(t *testing.T) {
	f := func(change func(o *Options), doc, want string) {
		t.Helper()
		require.Equal(t, want, codectest.Encode(t, codec(t, change), doc))
	}
	metrics := func(pairs ...string) func(o *Options) {
		return func(o *Options) {
			for i := 0; i < len(pairs); i += 2 {
				o.Metrics = append(o.Metrics, config.Pair[event.Template, event.Template]{Key: event.ParseTemplate(pairs[i]), Value: event.ParseTemplate(pairs[i+1])})
			}
		}
	}
	f(metrics("%{host}.load", "%{load}", "fixed", "5"), `{"host":"w1","load":1.5}`, "w1.load 1.5 1715934615\nfixed 5.0 1715934615\n")
	f(metrics("%{host}.load", "%{load}"), `{"load":1.5}`, "")
	f(func(o *Options) { o.FieldsAreMetrics = true; o.MetricsFormat = "a.*.b.*" }, `{"x":1,"y":"2.5e3z","z":"%{x}7","n":null}`,
		"a.x.b.x 1.0 1715934615\na.y.b.y 2500.0 1715934615\na.z.b.z 17.0 1715934615\na.n.b.n 0.0 1715934615\n")
	f(func(o *Options) {
		o.FieldsAreMetrics = true
		o.IncludeMetrics = []string{"^c"}
		o.ExcludeMetrics = []string{"idle"}
	},
		`{"cpu":1,"cpu_idle":2,"mem":3}`, "cpu 1.0 1715934615\n")
}

func TestRefused(t *testing.T) {
	_, err := New(Options{IncludeMetrics: []string{"("}}, codectest.Env(plugin.ECSDisabled))
	require.Error(t, err)
}

func BenchmarkEncode(b *testing.B) {
	codectest.BenchmarkEncode(b, codec(b, func(o *Options) { o.FieldsAreMetrics = true }), `{"cpu_user":5,"cpu_idle":90.5,"mem":"12.5"}`)
}
