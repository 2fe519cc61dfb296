package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

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

// BenchmarkAgainstFile takes turns between a pipeline with a persistent queue and plain writes of the same lines to a file with as many
// syncs, so that both meet the same disk: 60 batches from an input until they are settled, then 60 batches to the file. The ratio is of
// the rates.
func BenchmarkAgainstFile(b *testing.B) {
	const lines, batches = 800, 60
	o := QueueOptions{Options: queue.DefaultOptions(), FS: vfs.OS{}, Dir: b.TempDir()}
	r := &rig{hand: &hand{}, log: new(syncBuffer), conf: `input { feed { } } output { void { } }`}
	text := strings.Repeat("0123456789", 15*lines)
	file := &plainFile{dir: b.TempDir(), writes: o.CheckpointWrites}
	var inQueue, inFile time.Duration
	var d *diskQueue
	var syncs time.Duration
	r.feed = func(ctx context.Context, s *event.Source, out plugin.Sink) error {
		for b.Loop() {
			start := time.Now()
			for range batches {
				batch := &event.Batch{Source: s, Bytes: len(text), Records: make([]event.Record, lines)}
				for i := range lines {
					batch.Records[i].Data = text[150*i : 150*i+150]
				}
				if err := out.Push(ctx, batch); err != nil {
					return err
				}
			}
			if err := d.q.Load().Drain(ctx); err != nil {
				return err
			}
			inQueue += time.Since(start)
			start = time.Now()
			for range batches {
				if err := file.write(bytesOf(text), lines); err != nil {
					return err
				}
			}
			inFile += time.Since(start)
		}
		syncs = d.q.Load().Stats().SyncTime
		return nil
	}
	p := r.compile(b, DefaultSettings())
	p.Persist(o)
	d = p.disk
	require.NoError(b, p.Run(b.Context()))
	mb := float64(b.N*batches*len(text)) / 1e6
	b.ReportMetric(mb/inQueue.Seconds(), "queue-MB/s")
	b.ReportMetric(mb/inFile.Seconds(), "file-MB/s")
	b.ReportMetric(100*inFile.Seconds()/inQueue.Seconds(), "%")
	b.ReportMetric(100*syncs.Seconds()/inQueue.Seconds(), "%-queue-in-sync")
	b.ReportMetric(100*file.syncing.Seconds()/inFile.Seconds(), "%-file-in-sync")
}

// plainFile is what a program would do that appends to files of the size of a page, and syncs as the queue does.
type plainFile struct {
	dir      string
	writes   int
	f        *os.File
	at       int64
	unsynced int
	syncing  time.Duration
}

func (p *plainFile) write(data []byte, lines int) (err error) {
	if p.f == nil || p.at+int64(len(data)) > queue.DefaultOptions().PageCapacity {
		if p.f != nil {
			if err := errors.Join(p.f.Sync(), p.f.Close(), os.Remove(p.f.Name())); err != nil {
				return err
			}
		}
		if p.f, err = os.Create(filepath.Join(p.dir, "page")); err != nil {
			return err
		}
		p.at = 0
	}
	if _, err := p.f.WriteAt(data, p.at); err != nil {
		return err
	}
	p.at += int64(len(data))
	if p.unsynced += lines; p.unsynced < p.writes {
		return nil
	}
	p.unsynced = 0
	start := time.Now()
	err = p.f.Sync()
	p.syncing += time.Since(start)
	return err
}
