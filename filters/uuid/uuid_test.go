package uuid

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

func TestUUID(t *testing.T) {
	const id = `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`
	f := func(options, in, want string) {
		t.Helper()
		require.Regexp(t, "^"+want+"$", filtertest.New(t, Plugin, options).Run(in), options)
	}
	f(`target => "u"`, `{}`, `{"u":"`+id+`"} \+`)
	f(`target => "[a][u]"`, `{}`, `{"a":{"u":"`+id+`"}} \+`)
	f(`target => "u"`, `{"u":"kept"}`, `{"u":"kept"} \+`)
	f(`target => "u"`, `{"u":false}`, `{"u":false} \+`)
	f(`target => "u"`, `{"u":null}`, `{"u":"`+id+`"} \+`)
	f(`target => "u" overwrite => true`, `{"u":"gone"}`, `{"u":"`+id+`"} \+`)
	f(`target => "[s][u]"`, `{"s":"x"}`, `{"s":"x","tags":\["_filter_error"\]}`)
}

func TestDiagnostics(t *testing.T) {
	require.Contains(t, filtertest.Diagnose(Plugin, ``), `option "target" is required`)
	require.Contains(t, filtertest.Diagnose(Plugin, `target => "[a"`), "error")
}

func BenchmarkFilter(b *testing.B) { filtertest.Bench(b, Plugin, `target => "u"`, `{"a":1}`) }
