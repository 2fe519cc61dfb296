package clone

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

func TestClone(t *testing.T) {
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
	f(`clones => ["a","b"]`, `{"type":"orig","n":5,"@metadata":{"k":1}}`, `{"type":"orig","n":5} @metadata={"k":1}
{"type":"a","n":5} @metadata={"k":1} +
{"type":"b","n":5} @metadata={"k":1} +`)
	f(`clones => ["a","a"]`, `{"n":5}`, "{\"n\":5}\n{\"n\":5,\"type\":\"a\"} +\n{\"n\":5,\"type\":\"a\"} +")
	f(`clones => "a" ecs_compatibility => "v8"`, `{"type":"orig","tags":["t"]}`, `{"type":"orig","tags":["t"]}
{"type":"orig","tags":["t","a"]} +`)
	f(`clones => []`, `{"n":5}`, `{"n":5}`)
}

func TestDiagnostics(t *testing.T) {
	require.Contains(t, filtertest.Diagnose(Plugin, `clones => []`), "warning")
	require.Contains(t, filtertest.Diagnose(Plugin, ``), `option "clones" is required`)
}
