package rangefilter

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

func TestFilter(t *testing.T) {
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
	const lengths = `ranges => ["message", 0, 3, "tag:short", "message", 2, 5, "tag:some_%{h}", "message", 100, 1000000000, "drop", "n", 10, 20.5, "field:speed:slow", "n", 10, 20, "field:level:7"] `
	f(lengths, `{"message":"äöü","h":"x"}`, `{"message":"äöü","h":"x","tags":["short","some_x"]} +`)
	f(lengths, `{"message":"","h":"x"}`, `{"message":"","h":"x","tags":["short"]} +`)
	f(lengths, `{"message":"0123456789","n":20.5}`, `{"message":"0123456789","n":20.5,"speed":"slow"} +`)
	f(lengths, `{"n":10,"level":"a"}`, `{"n":10,"level":["a","7"],"speed":"slow"} +`)
	f(lengths, `{"n":15}`, `{"n":15,"speed":"slow","level":7} +`)
	f(lengths, `{"message":{"a":1},"n":null}`, `{"message":{"a":1},"n":null} +`)
	f(`ranges => ["n", 1, 2, "drop"]`, `{"n":1}`, `dropped`)
	f(`ranges => ["n", 1, 2, "drop"] negate => true`, `{"n":1}`, `{"n":1} +`)
	f(`ranges => ["n", 1, 2, "drop"] negate => true`, `{"n":3}`, `dropped`)
	f(`ranges => ["n", 1, 2, "field:[n][x]:y"]`, `{"n":1}`, `{"n":1,"tags":["_filter_error"]}`)
	f(``, `{"n":1}`, `{"n":1} +`)
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(`ranges => ["n", 1, 2]`, `expected four items`)
	f(`ranges => "n"`, `expected four items`)
	f(`ranges => ["n", "a", 2, "drop"]`, `must be a number, got "a"`)
	f(`ranges => ["n", 1, 2, "drop:x"]`, `none of drop`)
	f(`ranges => ["n", 1, 2, "tag"]`, `none of drop`)
	f(`ranges => ["n", 1, 2, "field:x"]`, `none of drop`)
	f(`ranges => ["[n", 1, 2, "drop"]`, `FieldReference`)
}

func BenchmarkFilter(b *testing.B) {
	filtertest.Bench(b, Plugin, `ranges => ["message", 0, 10, "tag:short", "n", 0, 100, "field:latency:fast"]`, `{"message":"hello","n":42}`)
}
