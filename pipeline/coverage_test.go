package pipeline_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// TestCoverage: every arm is counted, that of outputs too, and the clock of the settings is that of events.
func TestCoverage(t *testing.T) {
	now := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	var told time.Time
	w := &world{filters: map[string]func(*event.Event) bool{"seen": func(*event.Event) bool { return true }}}
	w.run = func(ctx context.Context, env *plugin.Env, out plugin.Sink) error {
		told = env.Now()
		b := &event.Batch{Source: env.NewSource()}
		for _, line := range []string{"a", "b", "b"} {
			b.Records = append(b.Records, event.Record{Data: line})
		}
		return out.Push(ctx, b)
	}
	cov := new(pipeline.Coverage)
	p := w.compile(t, `input { in { } }
filter {
  if [message] == "a" {
    seen { }
  } else if [message] == "c" {
    seen { }
  } else {
    if [message] == "b" { seen { } }
  }
}
output { if [message] == "x" { out { } } else { out { } } }`, func(s *pipeline.Settings) {
		s.Workers, s.Coverage, s.Clock = 2, cov, func() time.Time { return now }
	})
	require.NoError(t, p.Run(t.Context()))
	require.Equal(t, now, told)
	for _, doc := range w.docs {
		require.Contains(t, doc, "2024-01-02T03:04:05.000Z")
	}
	var got []string
	for _, b := range cov.Branches {
		got = append(got, fmt.Sprintf("%d %s last=%v %d/%d", b.Place.File.Position(b.Place.Start).Line, b.Kind, b.Last, b.Counts.Held.Load(), b.Counts.Asked.Load()))
	}
	require.Equal(t, []string{
		"3 if last=false 1/3", "5 else if last=false 0/2", "7 else last=false 2/2", "8 if last=true 2/2",
		"11 if last=false 0/3", "11 else last=false 3/3",
	}, got)
	var filters []int64
	for _, f := range cov.Filters {
		filters = append(filters, f.Stats.In.Load())
	}
	require.Equal(t, []int64{1, 0, 2}, filters)
}
