package jsonencode

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

func TestEncode(t *testing.T) {
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
	f(`source => "hello" target => "fancy"`, `{"hello":{"whoa":[1,2.5,null,"ä\n"]}}`, `{"hello":{"whoa":[1,2.5,null,"ä\n"]},"fancy":"{\"whoa\":[1,2.5,null,\"ä\\n\"]}"} +`)
	f(`source => "hello"`, `{"hello":{"whoa":[1]}}`, `{"hello":"{\"whoa\":[1]}"} +`)
	f(`source => "s"`, `{"s":"a\"b"}`, `{"s":"\"a\\\"b\""} +`)
	f(`source => "s"`, `{"s":1e20}`, `{"s":"1.0E20"} +`)
	f(`source => "@timestamp" target => "t"`, `{}`, `{"t":"\"2024-01-02T03:04:05.000Z\""} +`)
	f(`source => "s" target => "t"`, `{}`, `{"t":"null"} +`)
	f(`source => "s" target => "[a][b]"`, `{"s":1,"a":"x"}`, `{"s":1,"a":"x","tags":["_jsongeneratefailure"]}`)
}

func TestDiagnostics(t *testing.T) {
	require.Contains(t, filtertest.Diagnose(Plugin, ``), `option "source" is required`)
}

func BenchmarkFilter(b *testing.B) {
	filtertest.Bench(b, Plugin, `source => "o" target => "t"`, `{"o":{"a":1,"b":["x","y"],"c":"text"}}`)
}
