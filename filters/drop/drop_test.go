package drop

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
)

func TestAll(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(`{"a":1}`))
	}
	f(``, "dropped")
	f(`percentage => 100`, "dropped")
	f(`percentage => "100"`, "dropped")
	f(`percentage => 250`, "dropped")
	f(`percentage => 0 add_tag => ["x"]`, `{"a":1}`)
	f(`percentage => -1`, `{"a":1}`)
}

func TestShare(t *testing.T) {
	const events, want = 20000, 0.3
	r := filtertest.New(t, Plugin, `percentage => 30`)
	dropped := 0
	e := event.New(nil)
	for range events {
		e.Reset()
		require.False(t, r.Filter.Filter(e), "the common options are never applied")
		if e.Cancelled() {
			dropped++
		}
	}
	require.InDelta(t, want, float64(dropped)/events, 0.03) // nine standard deviations
}

func TestDiagnostics(t *testing.T) {
	require.Contains(t, filtertest.Diagnose(Plugin, `percentage => 101`), "warning")
	require.Contains(t, filtertest.Diagnose(Plugin, `percentage => "x"`), "must be a number")
}

func BenchmarkFilter(b *testing.B) { filtertest.Bench(b, Plugin, `percentage => 50`, `{"a":1}`) }
