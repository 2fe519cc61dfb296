package rubydebug

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/plugin"
)

func codec(t testing.TB, o Options) *plugin.Codec {
	t.Helper()
	c, err := New(o, codectest.Env(plugin.ECSDisabled))
	require.NoError(t, err)
	return c
}

// The layout of a real Logstash's event, as it printed one of the exec input.
func TestEvent(t *testing.T) {
	require.Equal(t, `{
    "@timestamp" => 2026-11-20T23:11:30.706087218Z,
       "process" => {
           "exit_code" => 0,
        "command_line" => "echo hi"
    },
      "@version" => "1",
          "tags" => [
        [0] "t1"
    ],
       "message" => "hi\n",
     "@metadata" => {
        "input" => {
            "exec" => {
                "elapsed" => 106535
            }
        }
    }
}
`, codectest.Encode(t, codec(t, Options{Metadata: true}), `{"@timestamp":"2026-11-20T23:11:30.706087218Z","process":{"exit_code":0,"command_line":"echo hi"},"@version":"1","tags":["t1"],"message":"hi\n","@metadata":{"input":{"exec":{"elapsed":106535}}}}`))
}

func TestValues(t *testing.T) {
	require.Equal(t, `{
             "n" => nil,
             "b" => true,
             "f" => 1.0e+20,
           "big" => 18446744073709551616,
             "s" => "é \"q\" \\ \#{x} 日本 \u0001",
             "o" => {},
             "l" => [],
      "größe \"" => [
        [ 0] [
            [0] 1,
            [1] {
                "x" => nil
            }
        ],
        [ 1] 1,
        [ 2] 2,
        [ 3] 3,
        [ 4] 4,
        [ 5] 5,
        [ 6] 6,
        [ 7] 7,
        [ 8] 8,
        [ 9] 9,
        [10] 10
    ],
    "@timestamp" => 2024-05-17T08:30:15.123Z,
      "@version" => "1"
}
`, codectest.Encode(t, codec(t, Options{}), `{"n":null,"b":true,"f":1e20,"big":18446744073709551616,"s":"é \"q\" \\ #{x} 日本 \u0001","o":{},"l":[],"größe \"":[[1,{"x":null}],1,2,3,4,5,6,7,8,9,10],"@metadata":{"m":1}}`))
}

func BenchmarkEncode(b *testing.B) {
	codectest.BenchmarkEncode(b, codec(b, Options{}), `{"message":"hello world","host":{"name":"web01"},"tags":["a","b"],"n":1}`)
}
