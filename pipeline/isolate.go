package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// patience is how long a worker waits for an output that takes nothing before it puts events aside. It waits once: until the output has
// caught up, what follows is put aside at once. So a turn that the output takes a little later costs no detour over the disk, and an
// output that is away costs its neighbours no more than this.
const patience = 20 * time.Millisecond

// isolated keeps an output with on_full => "spill" or "drop_newest" from stalling its neighbours. A worker's Flush of the output goes on
// in a goroutine of its own; while it has not returned, because the output holds as much as it may, the worker's events go to disk or
// are dropped.
type isolated struct {
	output plugin.Output
	stats  *PluginStats
	log    *throttle.Logger
	spill  *spill // nil: drop_newest

	dropped *atomic.Int64 // events dropped because the output was full

	wg sync.WaitGroup // flushers

	mu       sync.Mutex
	writers  []*isolatedWriter
	flushing int           // flushes under way
	idle     chan struct{} // closed when there is none
}

// newIsolated returns what stands before the output of a config's plugin, nil if the output may stall the pipeline.
func newIsolated(p *Pipeline, built *plugin.Built, stats *PluginStats) *isolated {
	if built.OnFull == "" || built.OnFull == plugin.BlockOnFull {
		return nil
	}
	o := &isolated{output: built.Output, stats: stats, idle: closedChannel()}
	o.log = throttle.New(p.log.With("pipeline_id", p.settings.ID, "plugin", stats.ID), time.Minute)
	if built.OnFull == plugin.DropOnFull {
		o.dropped = built.Env.Counter("events_dropped_when_full", "Events dropped because the output took no more: on_full => drop_newest.")
		return o
	}
	o.spill = newSpill(p, o, built)
	return o
}

func closedChannel() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// newWriter returns the way of one worker.
func (o *isolated) newWriter() plugin.Writer {
	w := &isolatedWriter{o: o, inner: o.output.NewWriter(), token: make(chan struct{}, 1), requests: make(chan flushRequest, 1), timer: time.NewTimer(time.Hour)}
	w.timer.Stop()
	w.token <- struct{}{}
	o.mu.Lock()
	o.writers = append(o.writers, w)
	o.mu.Unlock()
	o.wg.Go(w.flushAll)
	return w
}

// begun and ended count the flushes under way.
func (o *isolated) begun() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.flushing++; o.flushing == 1 {
		o.idle = make(chan struct{})
	}
}

func (o *isolated) ended() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.flushing--; o.flushing == 0 {
		close(o.idle)
	}
}

// awaitFlushes waits until no flush of a worker is under way: what was put aside comes after it.
func (o *isolated) awaitFlushes(ctx context.Context) error {
	o.mu.Lock()
	idle := o.idle
	o.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close ends the output. What is on disk is delivered first if stopping does not end; what is left there comes at the next
// start.
func (o *isolated) close(ctx, stopping context.Context) error {
	o.mu.Lock()
	for _, w := range o.writers {
		close(w.requests)
	}
	o.mu.Unlock()
	o.wg.Wait() // flushes end with ctx at the latest
	if o.spill != nil {
		o.spill.finish(ctx, stopping)
	}
	err := o.output.Close(ctx)
	if o.spill != nil {
		if e := o.spill.close(); e != nil {
			o.log.Error("the folder of spilled events could not be closed; what was delivered last may be delivered again", slog.Any("error", e))
		}
	}
	return err
}

// way is where the events of a turn go.
type way uint8

const (
	undecided way = iota
	direct        // to the output
	aside         // to disk
	away          // nowhere
)

// isolatedWriter is one worker's way into an isolated output.
type isolatedWriter struct {
	o     *isolated
	inner plugin.Writer // of whoever has the token
	token chan struct{} // holds one while no flush of inner is under way

	requests chan flushRequest
	timer    *time.Timer

	way  way
	full bool  // the output took nothing for patience, and has not taken anything since
	n    int64 // events of a turn that goes nowhere
	turn spillTurn
}

// flushRequest is a Flush that may block.
type flushRequest struct {
	ctx context.Context
	b   *event.Batch
}

// flushAll flushes the inner writer.
func (w *isolatedWriter) flushAll() {
	for r := range w.requests {
		_ = w.inner.Flush(r.ctx, r.b) // an error tells that the time to drain is over: b stays unsettled, as without isolation
		w.o.ended()
		w.token <- struct{}{}
	}
}

// Append implements plugin.Writer.
func (w *isolatedWriter) Append(e *event.Event) error {
	if w.way == undecided {
		w.way = w.choose()
	}
	switch w.way {
	case direct:
		return w.inner.Append(e)
	case aside:
		w.turn.append(e)
	default:
		w.n++
	}
	return nil
}

// choose decides about a turn.
func (w *isolatedWriter) choose() way {
	if w.o.spill != nil && w.o.spill.active.Load() {
		return aside
	}
	if w.take() {
		return direct
	}
	if w.o.spill != nil {
		w.o.spill.begin()
		return aside
	}
	w.o.log.Warn("an output takes no more events; they are dropped until it does: on_full => drop_newest")
	return away
}

// take takes the token; false if the output is full.
func (w *isolatedWriter) take() bool {
	select {
	case <-w.token:
		w.full = false
		return true
	default:
	}
	if w.full {
		return false
	}
	w.timer.Reset(patience)
	defer w.timer.Stop()
	select {
	case <-w.token:
		return true
	case <-w.timer.C:
	}
	w.full = w.o.spill == nil // with a spill it is the spill that knows
	return false
}

// Flush implements plugin.Writer. It blocks only while the disk takes nothing.
func (w *isolatedWriter) Flush(ctx context.Context, b *event.Batch) error {
	chosen := w.way
	w.way = undecided
	switch chosen {
	case direct:
		w.o.begun()
		w.requests <- flushRequest{ctx, b}
		return nil
	case aside:
		t := w.turn
		w.turn = spillTurn{}
		return w.o.spill.add(ctx, &t, b)
	}
	w.o.stats.Plugin.Dropped.Add(w.n)
	if w.o.dropped != nil {
		w.o.dropped.Add(w.n)
	}
	w.n = 0
	b.Settle()
	return nil
}

// appendRecovered appends a record's event. One on which the output panics, or that cannot be read, is dropped and counted.
func (o *isolated) appendRecovered(w plugin.Writer, e *event.Event, record string) {
	defer func() {
		if r := recover(); r != nil {
			o.lose(fmt.Errorf("panic: %v", r))
		}
	}()
	e.Reset()
	if len(record) < 8 {
		o.lose(errors.New("it has no time"))
		return
	}
	if err := e.ReadBinary(record[8:]); err != nil {
		o.lose(err)
		return
	}
	e.SetRead(readOf(record))
	if err := w.Append(e); err != nil {
		o.log.Warn("an event could not be written", slog.Any("error", err))
	}
}

func (o *isolated) lose(err error) {
	o.stats.Plugin.Dropped.Add(1)
	o.log.Error("an event that was put aside could not be handed to its output and is dropped", slog.Any("error", err))
}
