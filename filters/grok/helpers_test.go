package grok

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

func testEnv(ecs plugin.ECS) *plugin.Env {
	return &plugin.Env{ECS: ecs, Log: slog.New(slog.DiscardHandler)}
}

func matchOf(field string, texts ...string) config.Map[[]pattern] {
	pair := config.Pair[string, []pattern]{Key: field}
	for _, text := range texts {
		pair.Value = append(pair.Value, pattern{text: text})
	}
	return config.Map[[]pattern]{pair}
}

// newWorker makes the filter of one worker.
func newWorker(t testing.TB, ecs plugin.ECS, o Options) *worker {
	t.Helper()
	f, err := New(o, testEnv(ecs))
	require.NoError(t, err)
	return f.(*Filter).ForWorker().(*worker)
}

func newEvent(t testing.TB, field, text string) *event.Event {
	t.Helper()
	e := event.New(nil)
	require.NoError(t, e.Set(event.MustPath(field), event.StringValue(text)))
	return e
}
