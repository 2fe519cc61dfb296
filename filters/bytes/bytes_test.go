package bytes

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

func TestSizes(t *testing.T) {
	g := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, `target => "dest" `+options).Run(`{"message":`+in+`}`), options)
	}
	f := func(size, want string) {
		t.Helper()
		g(``, `"`+size+`"`, `{"message":"`+size+`","dest":`+want+`} +`)
	}
	f("0", "0")
	f("123", "123")
	f("12.3", "12")
	f("12.5", "13")
	f("32.8B", "33")
	f("32kB", "32768")
	f("32KB", "32768")
	f("32k", "32768")
	f("32mb", "33554432")
	f("32 mb", "33554432")
	f(`32\tmb`, "33554432")
	f("32GB", "34359738368")
	f("32tb", "35184372088832")
	f("32PB", "36028797018963968")
	f("32eb", "36893488147419103232")
	f("3,215 mb", "3371171840")
	f("1 234_567", "1234567")
	f(" 1.5 kb ", "1536")
	g(`conversion_method => "metric"`, `"32 mb"`, `{"message":"32 mb","dest":32000000} +`)
	g(`decimal_separator => ","`, `"3.215,5 kb"`, `{"message":"3.215,5 kb","dest":3292672} +`)
	g(``, `5`, `{"message":5,"dest":5} +`)
	for _, bad := range []string{`""`, `"abcdef"`, `"mb"`, `"1.2.3"`, `"-5"`, `null`, `true`, `["1"]`} {
		g(``, bad, `{"message":`+bad+`,"tags":["_bytesparsefailure"]}`)
	}
	g(`tag_on_failure => ["boom","x"]`, `"mb"`, `{"message":"mb","tags":["boom","x"]}`)
}

func TestTargetIsTheSource(t *testing.T) {
	require.Equal(t, `{"[s]":1,"s":2048} +`, filtertest.New(t, Plugin, `source => "s"`).Run(`{"[s]":1,"s":"2k"}`))
	require.Equal(t, `{"tags":["_bytesparsefailure"]}`, filtertest.New(t, Plugin, ``).Run(`{}`))
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(`conversion_method => "garbage"`, `must be one of "binary", "metric"`)
	f(`prefix_system => "metric"`, `is now called "conversion_method"`)
	f(`digit_group_separator => ","`, "obsolete")
	f(`decimal_separator => "x"`, "must be one of")
}

func BenchmarkFilter(b *testing.B) {
	filtertest.Bench(b, Plugin, `target => "dest"`, `{"message":"3,215.5 MB"}`)
}
