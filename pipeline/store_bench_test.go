package pipeline

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
	"millrace/pipeline/queue"
	"millrace/pipeline/queue/vfs"
)

// BenchmarkQueues carries lines of 150 bytes from an input through the queue to an output that drops them; the figure is of one line.
func BenchmarkQueues(b *testing.B) {
	for _, lines := range []int{125, 800} {
		b.Run(fmt.Sprintf("memory/lines=%d", lines), func(b *testing.B) { benchQueue(b, lines, nil) })
		b.Run(fmt.Sprintf("persisted/lines=%d", lines), func(b *testing.B) {
			benchQueue(b, lines, &QueueOptions{Options: queue.DefaultOptions(), FS: vfs.OS{}})
		})
	}
	b.Run("persisted/lines=800/no-sync", func(b *testing.B) {
		o := queue.DefaultOptions()
		o.CheckpointWrites, o.CheckpointInterval = 0, 0
		benchQueue(b, 800, &QueueOptions{Options: o, FS: vfs.OS{}})
	})
	b.Run("persisted/lines=800/from-disk", func(b *testing.B) {
		o := queue.DefaultOptions()
		o.MemoryBytes = 0
		benchQueue(b, 800, &QueueOptions{Options: o, FS: vfs.OS{}})
	})
}

func benchQueue(b *testing.B, lines int, o *QueueOptions) {
	r := &rig{hand: &hand{}, log: new(syncBuffer), conf: `input { feed { } } output { void { } }`}
	text := strings.Repeat("0123456789", 15*lines)
	pool := sync.Pool{New: func() any { return new(event.Batch) }}
	recycle := func(b *event.Batch) { pool.Put(b) }
	r.feed = func(ctx context.Context, s *event.Source, out plugin.Sink) error {
		b.ResetTimer()
		for n := 0; n < b.N; n += lines {
			batch := pool.Get().(*event.Batch)
			batch.Source, batch.Done, batch.Bytes = s, recycle, len(text)
			batch.Records = batch.Records[:0]
			for i := range lines {
				batch.Records = append(batch.Records, event.Record{Data: text[150*i : 150*i+150]})
			}
			if err := out.Push(ctx, batch); err != nil {
				return err
			}
		}
		return nil
	}
	p := r.compile(b, DefaultSettings())
	if o != nil {
		o.Dir = b.TempDir()
		p.Persist(*o)
	}
	b.SetBytes(150)
	b.ReportAllocs()
	require.NoError(b, p.Run(b.Context()))
}

// BenchmarkHeader is what a batch of a TCP connection pays for its facts.
func BenchmarkHeader(b *testing.B) {
	batch := &event.Batch{Source: &event.Source{InputID: "tcp", Fields: []event.SourceField{
		{Path: event.MustPath("[@metadata][input][tcp][source][name]"), Value: event.StringValue("host.example")},
		{Path: event.MustPath("[@metadata][input][tcp][source][ip]"), Value: event.StringValue("192.0.2.7")},
		{Path: event.MustPath("[@metadata][input][tcp][source][port]"), Value: event.IntValue(50123)},
	}}, Records: make([]event.Record, 800)}
	b.ReportAllocs()
	var header []byte
	for b.Loop() {
		header = appendHeader(header[:0], batch)
	}
}
