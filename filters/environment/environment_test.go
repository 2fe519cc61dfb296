package environment

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

func TestFilter(t *testing.T) {
	t.Setenv("MILLRACE_TEST", "some text")
	const options = `add_metadata_from_env => { "a" => "MILLRACE_TEST" "b" => "MILLRACE_TEST_NONE" }`
	require.Equal(t, `{"m":1} @metadata={"a":"some text","b":null} +`, filtertest.New(t, Plugin, options).Run(`{"m":1}`))
	require.Contains(t, filtertest.Diagnose(Plugin, options), "MILLRACE_TEST_NONE is not set")
	require.Contains(t, filtertest.Diagnose(Plugin, `add_metadata_from_env => { "a]" => "X" }`), "FieldReference")
	const old = `add_field_from_env => { "[a][b]" => "MILLRACE_TEST" }`
	require.Equal(t, `{"m":1,"a":{"b":"some text"}} +`, filtertest.New(t, Plugin, old).Run(`{"m":1}`))
	require.Contains(t, filtertest.Diagnose(Plugin, old), "obsolete")
	require.Equal(t, `{"m":1} +`, filtertest.New(t, Plugin, ``).Run(`{"m":1}`))
}

func BenchmarkFilter(b *testing.B) {
	b.Setenv("MILLRACE_TEST", "some text")
	filtertest.Bench(b, Plugin, `add_metadata_from_env => { "a" => "MILLRACE_TEST" }`, `{"m":1}`)
}
