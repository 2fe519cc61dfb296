package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
	"millrace/pipeline/queue"
	"millrace/pipeline/queue/vfs"
)

// QueueOptions are the settings of the persistent queue of one pipeline.
type QueueOptions struct {
	queue.Options

	Dir   string // the queue's own folder, made when the pipeline starts
	Drain bool   // queue.drain: the end of the pipeline waits until the queue is empty
	FS    vfs.FS // nil is the operating system's
}

// Persist makes the pipeline keep what its inputs read on disk until it is delivered: queue.type persisted. It is called before Run
// and opens nothing.
func (p *Pipeline) Persist(o QueueOptions) {
	if o.FS == nil {
		o.FS = vfs.OS{}
	}
	if o.Logger == nil {
		o.Logger = p.log
	}
	d := &diskQueue{p: p, o: o, log: p.log.With("pipeline_id", p.settings.ID, "queue", o.Dir)}
	d.throttled = throttle.New(d.log, time.Minute)
	d.flights.New = func() any { return newFlight(d) }
	p.disk, p.store = d, d
}

// QueueStats are the figures of a pipeline's queue: of the memory queue what is read and not yet settled, of the persistent queue what
// is on disk and not yet settled.
type QueueStats struct {
	Type     string // memory or persisted
	Events   int64
	Bytes    int64
	MaxBytes int64

	Orphans    int64 // records read back whose input is not in the config any more, or whose header cannot be read
	Unstorable int64 // records that are larger than the queue may be, and went past it
	Disk       queue.Stats
}

// QueueStats returns the figures of the queue.
func (p *Pipeline) QueueStats() QueueStats {
	if p.disk == nil {
		return QueueStats{Type: "memory", Events: p.Stats.QueueEvents.Load(), Bytes: p.gate.n.Load(), MaxBytes: p.gate.limit}
	}
	s := QueueStats{Type: "persisted", MaxBytes: p.disk.o.MaxBytes, Orphans: p.disk.orphans.Load(), Unstorable: p.disk.unstorable.Load()}
	if q := p.disk.q.Load(); q != nil {
		s.Disk = q.Stats()
		s.Events, s.Bytes = int64(s.Disk.Events), s.Disk.Bytes
	}
	return s
}

// diskQueue is the Store of queue.type persisted. A batch goes to disk as its raw records and a header (storeheader.go), and on to the
// workers from memory as long as they keep up.
type diskQueue struct {
	p         *Pipeline
	o         QueueOptions
	log       *slog.Logger
	throttled *throttle.Logger
	q         atomic.Pointer[queue.Queue] // set by Start; stays after Close, for its figures
	sources   sourceCache                 // used by the feeder alone
	flights   sync.Pool                   // *flight

	orphans, unstorable atomic.Int64

	stop context.CancelFunc // ends the feeder
	done chan struct{}      // closed by the feeder
}

// flight is a batch between an input's Push and the last output's settling, with what it needs on its way to the disk. It is not the
// input's own batch: that one is done, and may be used again, as soon as its records are on disk.
type flight struct {
	d       *diskQueue
	batch   event.Batch
	id      uint64 // of the queue's entry
	header  []byte
	records [][]byte
	done    func(*event.Batch) // settle, made once
}

func newFlight(d *diskQueue) *flight {
	f := &flight{d: d}
	f.done = f.settle
	return f
}

// settle tells the queue that all outputs are done with the batch.
func (f *flight) settle(*event.Batch) {
	f.d.q.Load().Ack(f.id)
	f.free()
}

// maxFlightRecords bounds the records that a flight in the pool has room for.
const maxFlightRecords = 8 << 10

func (f *flight) free() {
	if cap(f.records) > maxFlightRecords {
		return
	}
	clear(f.records)
	f.records, f.header = f.records[:0], f.header[:0]
	f.batch.Reuse()
	f.d.flights.Put(f)
}

// Start opens the queue and begins to hand out what is in it.
func (d *diskQueue) Start(ctx context.Context, p *Pipeline) error {
	q, err := queue.Open(d.o.Dir, d.o.Options, d.o.FS)
	if errors.Is(err, queue.ErrLocked) {
		return fmt.Errorf("the persistent queue in %q is in use by another process: give each process a path.data (or path.queue) of its own", d.o.Dir)
	}
	if err != nil {
		return err
	}
	d.q.Store(q)
	if s := q.Stats(); s.Events > 0 {
		d.log.Info("the persistent queue holds events of an earlier run, which are delivered now", "events", s.Events, "bytes", s.Bytes)
	}
	d.sources.reset(p)
	ctx, d.stop = context.WithCancel(ctx)
	d.done = make(chan struct{})
	go d.feed(ctx, q)
	return nil
}

// Push stores b. While the disk refuses it, it tries again: the input waits, and so do its senders.
func (d *diskQueue) Push(ctx context.Context, b *event.Batch) error {
	if err := d.push(ctx, b); err != nil {
		return err
	}
	if b.Done != nil {
		b.Done(b)
	}
	return nil
}

func (d *diskQueue) push(ctx context.Context, b *event.Batch) error {
	f := d.flights.Get().(*flight)
	f.batch.Source, f.batch.Time, f.batch.Bytes, f.batch.Text = b.Source, b.Time, b.Bytes, b.Text
	f.batch.Records, f.batch.Spans = append(f.batch.Records[:0], b.Records...), append(f.batch.Spans[:0], b.Spans...)
	f.header = appendHeader(f.header[:0], b)
	f.records = f.records[:0]
	for i := range b.Len() {
		f.records = append(f.records, bytesOf(b.Record(i).Data))
	}
	err := d.append(ctx, f)
	if errors.Is(err, queue.ErrTooLarge) {
		f.free()
		return d.pushParts(ctx, b)
	}
	return err
}

// The pauses between attempts to write to a disk that refuses.
const (
	minWritePause = 50 * time.Millisecond
	maxWritePause = 2 * time.Second
)

// append writes f to the queue. When it returns nil the feeder may have taken f already.
func (d *diskQueue) append(ctx context.Context, f *flight) error {
	q := d.q.Load()
	start := time.Now()
	defer func() { d.p.Stats.PushWait.Add(int64(time.Since(start))) }()
	for pause := minWritePause; ; pause = min(2*pause, maxWritePause) {
		err := q.AppendRef(ctx, f.header, f.records, f)
		var refused *queue.WriteError
		if !errors.As(err, &refused) {
			return err
		}
		if errors.Is(err, queue.ErrDiskFull) {
			d.throttled.Error("no space left for the persistent queue: inputs wait until there is", slog.Any("error", err))
		} else {
			d.throttled.Error("the persistent queue cannot be written: inputs wait until it can", slog.Any("error", err))
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pushParts stores b, which is larger than an entry of the queue may be, in parts. A single record that is too large goes to the
// workers without having been on disk: it is lost if the process is killed, and only then.
func (d *diskQueue) pushParts(ctx context.Context, b *event.Batch) error {
	b.Spread()
	if len(b.Records) == 1 {
		d.unstorable.Add(1)
		d.throttled.Warn("a record is larger than the persistent queue may be, and is kept in memory only",
			slog.Int("bytes", len(b.Records[0].Data)), slog.String("input", b.Source.InputID))
		part := &event.Batch{Source: b.Source, Records: append([]event.Record(nil), b.Records...), Time: b.Time, Bytes: b.Bytes}
		return d.p.enqueue(ctx, part)
	}
	half := len(b.Records) / 2
	for _, records := range [][]event.Record{b.Records[:half], b.Records[half:]} {
		part := &event.Batch{Source: b.Source, Records: records, Time: b.Time}
		for i := range records {
			part.Bytes += len(records[i].Data)
		}
		if err := d.push(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// feed hands entries to the workers until ctx ends.
func (d *diskQueue) feed(ctx context.Context, q *queue.Queue) {
	defer close(d.done)
	for {
		e, err := q.Next(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, queue.ErrClosed):
			return // an entry that came all the same is not acknowledged, and comes again
		case err != nil:
			d.throttled.Error("the persistent queue cannot be read; trying again", slog.Any("error", err))
			select {
			case <-time.After(maxWritePause):
				continue
			case <-ctx.Done():
				return
			}
		}
		f, ok := e.Ref.(*flight)
		if !ok {
			f = d.readBack(&e)
		}
		f.id, f.batch.Done = e.ID, f.done
		if err := d.p.enqueue(ctx, &f.batch); err != nil {
			return // ctx ended
		}
	}
}

// readBack makes a batch of an entry that comes from the disk.
func (d *diskQueue) readBack(e *queue.Entry) *flight {
	f := d.flights.Get().(*flight)
	b := &f.batch
	b.Bytes = len(e.Header)
	b.Records = b.Records[:0]
	for _, r := range e.Records {
		b.Records = append(b.Records, event.Record{Data: stringOf(r)})
		b.Bytes += len(r)
	}
	known, err := d.sources.readHeader(e.Header, b)
	if err != nil || !known {
		d.orphans.Add(int64(len(b.Records)))
	}
	switch {
	case err != nil:
		d.throttled.Warn("the header of stored records cannot be read: they are taken as lines without facts of their input", slog.Any("error", err))
	case !known:
		d.throttled.Warn("stored records belong to an input that the configuration does not have any more: they are taken as lines",
			slog.String("input", b.Source.InputID), slog.Int("records", len(b.Records)))
	}
	return f
}

// Drain waits until everything is settled: if the settings ask for it until ctx ends, otherwise only as long as nobody asked the
// pipeline to stop (its inputs are exhausted). Then it stops handing out; what is left comes at the next start.
func (d *diskQueue) Drain(ctx, stopping context.Context) {
	q := d.q.Load()
	if d.o.Drain || stopping.Err() == nil {
		if !d.o.Drain {
			var cancel context.CancelFunc
			ctx, cancel = context.WithCancel(ctx)
			defer cancel()
			defer context.AfterFunc(stopping, cancel)()
		}
		_ = q.Drain(ctx) // an end of ctx is no error: what is left stays on disk
	}
	d.stop()
	<-d.done
}

// Close gives the queue up, after the last output has settled what it could.
func (d *diskQueue) Close() error {
	q := d.q.Load()
	err := q.Close()
	if left := q.Stats().Events; left > 0 {
		d.log.Info("events stay in the persistent queue until the next start", "events", left)
	}
	return err
}

// plainDecoder makes the message of an event of a record whose input is gone.
type plainDecoder struct{}

// Decode implements plugin.Decoder.
func (plainDecoder) Decode(r *event.Record, next func() *event.Event) {
	next().Root().Set("message", event.StringValue(r.Data))
}

var plainCodec = &plugin.Codec{NewDecoder: func() plugin.Decoder { return plainDecoder{} }}

// bytesOf and stringOf convert without a copy: the bytes are not written to any more.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

func stringOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
