// Package netout is what the outputs that send over a connection have in common: a worker's turn as records, a stream that is connected
// again without losing what was not written, datagrams, and a bound on what is held.
package netout

import (
	"context"
	"time"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Turn is what a worker has to send: events, each of them some records.
type Turn struct {
	// Data holds the records one after the other.
	Data    []byte
	records []int // where each ends in Data
	events  []int // where the records of each end in records
}

// EndRecord ends a record. The last one of an event is ended for whoever appended it.
func (t *Turn) EndRecord() { t.records = append(t.records, len(t.Data)) }

// Events returns the number of events.
func (t *Turn) Events() int { return len(t.events) }

// Event returns where the records of event i are in Data.
func (t *Turn) Event(i int) (start, end int) {
	if i > 0 {
		start = t.recordEnd(t.events[i-1])
	}
	return start, t.recordEnd(t.events[i])
}

// recordEnd returns where the first n records end.
func (t *Turn) recordEnd(n int) int {
	if n == 0 {
		return 0
	}
	return t.records[n-1]
}

// Records calls each with the records of event i until it returns an error.
func (t *Turn) Records(i int, each func(record []byte) error) error {
	first := 0
	if i > 0 {
		first = t.events[i-1]
	}
	for r := first; r < t.events[i]; r++ {
		if err := each(t.Data[t.recordEnd(r):t.records[r]]); err != nil {
			return err
		}
	}
	return nil
}

// maxKept bounds the buffer that a worker keeps for its next turn.
const maxKept = 1 << 20

func (t *Turn) reset() {
	t.records, t.events = t.records[:0], t.events[:0]
	if t.Data = t.Data[:0]; cap(t.Data) > maxKept {
		t.Data = nil
	}
}

// Writer is a plugin.Writer: Encode appends an event to the turn, Send sends the turn and counts what became of its events. Send returns an
// error only if ctx ended.
type Writer struct {
	Env    *plugin.Env
	Encode func(t *Turn, e *event.Event) error
	Send   func(ctx context.Context, t *Turn) error

	turn Turn
}

// NewWriter returns a writer whose events are what the codec makes of them.
func NewWriter(env *plugin.Env, send func(ctx context.Context, t *Turn) error) *Writer {
	enc := env.NewEncoder()
	return &Writer{Env: env, Send: send, Encode: func(t *Turn, e *event.Event) (err error) {
		data, err := enc.AppendEncode(t.Data, e)
		if err == nil {
			t.Data = data
		}
		return err
	}}
}

// Append implements plugin.Writer. An event that cannot be encoded is counted as dropped.
func (w *Writer) Append(e *event.Event) error {
	t := &w.turn
	start, records := len(t.Data), len(t.records)
	if err := w.Encode(t, e); err != nil {
		t.Data, t.records = t.Data[:start], t.records[:records]
		w.Env.Stats.Dropped.Add(1)
		return err
	}
	if len(t.Data) > t.recordEnd(len(t.records)) {
		t.EndRecord()
	}
	t.events = append(t.events, len(t.records))
	return nil
}

// Flush implements plugin.Writer.
func (w *Writer) Flush(ctx context.Context, b *event.Batch) error {
	if w.turn.Events() > 0 {
		if err := w.Send(ctx, &w.turn); err != nil {
			return err
		}
	}
	w.turn.reset()
	b.Settle()
	return nil
}

// Pause waits for d. Its error says that ctx ended before.
func Pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
