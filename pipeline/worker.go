package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
	"millrace/pipeline/ring"
)

// PanicTag marks an event whose content met a bug of a plugin. The event skipped the rest of the filters.
const PanicTag = "_millrace_bug"

// sampleEvery is how many events share one pair of clock readings for the time spent in plugins: two readings cost as much as a
// cheap filter.
const sampleEvery = 64

// worker takes batches from the queue and carries every event from its record to the outputs while it is in cache. It is one
// goroutine and shares nothing but the queue and counters.
type worker struct {
	p        *Pipeline
	decoders []plugin.Decoder // by Source.Codec
	filters  []step
	outputs  []step
	counts   []*filterCount
	writers  []*writerSlot
	flushers []flushPoint
	arena    event.Arena

	next func() *event.Event // finish and hand out the next; made once, so that no decoder call allocates

	// The turn's state.
	batch   *event.Batch
	read    int64 // the time of batch
	record  *event.Record
	cut     event.Record // the record, where the batch has only spans
	current *event.Event // handed to the decoder and not yet finished
	began   bool         // current is counted and on its way through the filters
	single  [1]*event.Event
	live    []*event.Event // counted as received or made, and not yet dropped or handed to the outputs
	writing *writerSlot    // whose Append runs
	pool    []*event.Event // of which used are in use
	used    int

	tapped *tapSet // the followers that the program has observers for; see instrument
	plain  *layout // the program without observers, once there was one with them

	tapClock time.Duration // of the turn, while there are followers

	timing *timing // what times the parts of the program, once somebody asked for a profile

	tick     int
	sampling bool

	events, made, dropped, out, unrouted int64
}

func (w *worker) startSample() time.Time {
	if w.sampling {
		return time.Now()
	}
	return time.Time{}
}

func (w *worker) endSample(start time.Time) int64 {
	if w.sampling {
		return int64(time.Since(start)) * sampleEvery
	}
	return 0
}

// run takes batches until the queue is closed and empty. ctx ends only when the time to drain is over.
func (w *worker) run(ctx context.Context) error {
	for {
		b, err := w.p.queue.Pop(ctx)
		if errors.Is(err, ring.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := w.turn(ctx, b); err != nil {
			return err
		}
	}
}

// turn processes b, and what else is waiting while the turn is short of pipeline.batch.size records: many connections that send a
// line each then share one flush. A turn that fails leaves its batches unsettled.
func (w *worker) turn(ctx context.Context, b *event.Batch) error {
	start := time.Now()
	w.followTaps()
	w.beginTiming()
	lead, records := b, 0
	for {
		if b.Source == nil {
			w.batch, w.read = b, b.Time.UnixNano()
			w.flushFilters(b.Time, false)
		} else {
			w.p.Stats.QueueBatches.Add(-1)
			w.process(b)
		}
		records += b.Len()
		if w.p.borrows {
			b.Recycle()
		} else {
			b.Release()
		}
		if records >= w.p.settings.BatchSize {
			break
		}
		next, ok := w.p.queue.TryPop()
		if !ok {
			break
		}
		lead.Link(next)
		b = next
	}
	w.publish()
	err := w.flush(ctx, lead)
	w.endTiming()
	w.p.Stats.WorkNanos.Add(int64(time.Since(start)))
	return err
}

// flush ends the turn: every output that got something of it settles lead.
func (w *worker) flush(ctx context.Context, lead *event.Batch) error {
	n := 0
	for _, s := range w.writers {
		if s.dirty {
			n++
		}
	}
	lead.Expect(n)
	if n == 0 {
		return nil
	}
	start := time.Now()
	for _, s := range w.writers {
		if !s.dirty {
			continue
		}
		s.dirty = false
		if err := s.writer.Flush(ctx, lead); err != nil {
			return err
		}
		s.shared.Batches.Add(1)
	}
	w.p.Stats.FlushNanos.Add(int64(time.Since(start)))
	return nil
}

// process makes events of b's records and takes them through the program. A panic costs one event the rest of its filters.
func (w *worker) process(b *event.Batch) {
	w.batch, w.read = b, b.Time.UnixNano()
	for i := 0; i < b.Len(); {
		i = w.processFrom(b, i)
	}
	w.batch, w.record, w.cut.Data = nil, nil, ""
}

func (w *worker) processFrom(b *event.Batch, i int) (next int) {
	defer func() {
		if r := recover(); r != nil {
			w.survive(r)
			next = i + 1
		}
	}()
	d := w.decoders[b.Source.Codec]
	if s, ok := d.(plugin.SourceDecoder); ok {
		s.SetSource(b.Source)
	}
	for ; i < b.Len(); i++ {
		if len(b.Spans) == 0 {
			w.record = &b.Records[i]
		} else {
			s := &b.Spans[i]
			w.cut.Data = b.Text[s.Start:s.End]
			w.record = &w.cut
		}
		d.Decode(w.record, w.next)
		w.finish()
	}
	return i
}

// survive delivers, tagged, the events of the record that a plugin panicked on: they skip the rest of their filters. It logs where.
func (w *worker) survive(reason any) {
	w.p.Stats.Panics.Add(1)
	w.timing.recovered()
	w.p.throttled.Error("a plugin failed on the content of an event; the event goes on with a tag",
		slog.Any("panic", reason), slog.String("stack", string(debug.Stack())))
	if s := w.writing; s != nil { // the event is lost to this output, and to those behind it
		w.writing = nil
		s.in++
		s.shared.Plugin.Dropped.Add(1)
	}
	switch {
	case w.record == nil: // a flusher
	case w.current == nil && len(w.live) == 0: // the decoder's first call
		w.current = w.newEvent()
		w.current.Root().Set("message", event.StringValue(w.record.Data))
		fallthrough
	case len(w.live) == 0 && !w.began: // a decoder that got half way
		w.current.Create(w.batch.Time)
		w.events++
		w.live = append(w.live, w.current)
	}
	w.current = nil
	rest := slices.Clone(w.live)
	for _, e := range rest {
		e.Tag(PanicTag)
	}
	w.deliver(rest)
	w.endRecord()
}

// nextEvent finishes the event that the decoder filled and gives it an empty one.
func (w *worker) nextEvent() *event.Event {
	w.finish()
	w.current = w.newEvent()
	return w.current
}

// finish carries the event that the decoder filled, if there is one, through filters and outputs.
func (w *worker) finish() {
	e := w.current
	if e == nil {
		return
	}
	w.events++
	w.began = true
	w.live = append(w.live, e)
	if w.tick++; w.tick == sampleEvery {
		w.tick = 0
		w.sampling = true
	}
	if err := w.batch.Source.Complete(e, w.record, w.batch.Time); err != nil {
		w.p.Stats.SourceErrs.Add(1)
	}
	w.single[0] = e
	w.deliver(w.filterSteps(w.filters, w.single[:]))
	w.current = nil
	w.endRecord()
}

// endRecord makes the worker ready for the next event.
func (w *worker) endRecord() {
	w.began, w.sampling = false, false
	w.live = w.live[:0]
	w.recycle()
}

// deliver hands events to the outputs.
func (w *worker) deliver(events []*event.Event) {
	for _, e := range events {
		w.out++
		w.leave(e)
		if !w.outputSteps(w.outputs, e) {
			w.unrouted++
		}
	}
}

// drop counts an event that a filter cancelled.
func (w *worker) drop(e *event.Event) {
	w.dropped++
	w.leave(e)
}

// leave takes e off the list of those that still have to be delivered or dropped.
func (w *worker) leave(e *event.Event) {
	last := len(w.live) - 1
	if last >= 0 && w.live[last] == e { // nearly always the only one
		w.live = w.live[:last]
		return
	}
	if i := slices.Index(w.live, e); i >= 0 {
		w.live = slices.Delete(w.live, i, i+1)
	}
}

// newEvent returns an empty event that lives until the current record is done.
func (w *worker) newEvent() *event.Event {
	if w.used == len(w.pool) {
		w.pool = append(w.pool, event.New(&w.arena))
	}
	e := w.pool[w.used]
	w.used++
	e.Reset()
	e.SetRead(w.read)
	return e
}

// keepEvents bounds the events that a worker keeps for reuse after a filter made many of one.
const keepEvents = 256

// recycle takes all events back.
func (w *worker) recycle() {
	w.used = 0
	if len(w.pool) > keepEvents {
		clear(w.pool[keepEvents:])
		w.pool = w.pool[:keepEvents]
	}
}

// publish adds the worker's counts to the shared ones.
func (w *worker) publish() {
	s := &w.p.Stats
	s.In.Add(w.events)
	s.Made.Add(w.made)
	s.DroppedLine.Add(w.dropped)
	s.Out.Add(w.out)
	s.NoOutput.Add(w.unrouted)
	w.events, w.made, w.dropped, w.out, w.unrouted = 0, 0, 0, 0, 0
	for _, c := range w.counts {
		if c.in == 0 && c.out == 0 {
			continue
		}
		c.shared.In.Add(c.in)
		c.shared.Out.Add(c.out)
		c.shared.Matched.Add(c.matched)
		c.shared.Nanos.Add(c.nanos)
		c.in, c.out, c.matched, c.nanos = 0, 0, 0, 0
		if c.own != nil {
			c.own.Publish()
		}
	}
	for _, o := range w.writers {
		if o.in != 0 {
			o.shared.In.Add(o.in)
			o.shared.Out.Add(o.in)
			o.shared.Nanos.Add(o.nanos)
			o.in, o.nanos = 0, 0
		}
	}
}
