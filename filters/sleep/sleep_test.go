package sleep

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/plugin"
)

func TestSleep(t *testing.T) {
	f := func(options string, docs []string, want ...time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			r := filtertest.New(t, Plugin, options)
			for i, doc := range docs {
				e := filtertest.Event(t, doc)
				start := time.Now()
				require.True(t, r.Filter.Filter(e))
				require.Equal(t, want[i], time.Since(start), "%s, event %d", options, i)
			}
		})
	}
	f(`time => 1`, []string{`{}`, `{}`}, time.Second, time.Second)
	f(`time => 0.5`, []string{`{}`}, 500*time.Millisecond)
	f(`time => "%{d}"`, []string{`{"d":2}`, `{"d":"1.5s"}`, `{}`, `{"d":-1}`, `{"d":1e300}`}, 2*time.Second, 1500*time.Millisecond, 0, 0, maxSleep)
	f(`time => "1" every => 3`, []string{`{}`, `{}`, `{}`, `{}`}, 0, 0, time.Second, 0)
	f(`time => "1" every => "2"`, []string{`{}`, `{}`}, 0, time.Second)
	stamps := []string{`{"@timestamp":"2024-01-01T00:00:00Z"}`, `{"@timestamp":"2024-01-01T00:00:10Z"}`, `{"@timestamp":"2024-01-01T00:00:05Z"}`}
	f(`replay => true`, stamps, 0, 10*time.Second, 0)
	f(`replay => true time => 2`, stamps, 0, 5*time.Second, 0)
	f(`replay => true time => "0"`, stamps, 0, maxSleep, 0)
}

func TestEndOfTheProgramEndsSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := filtertest.New(t, Plugin, `time => 3600`)
		ctx, cancel := context.WithCancel(context.Background())
		require.NoError(t, r.Filter.(plugin.Starter).Start(ctx))
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		require.True(t, r.Filter.Filter(filtertest.Event(t, `{}`)))
		require.Equal(t, time.Second, time.Since(start))
	})
}

func TestDiagnostics(t *testing.T) {
	require.Contains(t, filtertest.Diagnose(Plugin, ``), "option time is required")
	require.Contains(t, filtertest.Diagnose(Plugin, `time => 1 every => 0`), "whole number")
	require.Contains(t, filtertest.Diagnose(Plugin, `time => 1 every => "%{n}"`), "whole number")
}
