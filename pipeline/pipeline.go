// Package pipeline runs a compiled configuration: inputs push batches of raw records into a bounded queue, workers carry each record
// through decoding, filters and encoding, outputs deliver and settle. It knows no concrete plugin.
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
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
	"millrace/pipeline/ring"
)

// Pipeline is one running configuration. [Compile] makes it, Run runs it once.
type Pipeline struct {
	Stats Stats

	settings  Settings
	log       *slog.Logger
	throttled *throttle.Logger

	inputs  []*inputSlot
	outputs []*outputSlot
	filters []*PluginStats
	program *program
	plugins map[string]*plugin.Built // by id
	borrows bool                     // no plugin keeps texts of events; see plugin.Borrowing

	queue *ring.Ring[*event.Batch]
	gate  gate
	store Store      // nil: the memory queue
	disk  *diskQueue // the store, if it is ours

	deadLetters *DeadLetters // nil: none, or somebody else's

	points []TapPoint
	taps   taps

	parts   []ProfilePart
	profile profiling

	state   atomic.Int32
	running chan struct{} // closed when inputs run
}

// inputSlot is one input of the config.
type inputSlot struct {
	input  plugin.Input
	id     string
	source *event.Source // what the config says of its records
	stats  *PluginStats
	place  config.Place
}

// outputSlot is one output of the config.
type outputSlot struct {
	output   plugin.Output
	isolated *isolated // stands before output; nil: none
	stats    *PluginStats
	place    config.Place
}

// newWriter returns the way of one worker into the output.
func (s *outputSlot) newWriter() plugin.Writer {
	if s.isolated != nil {
		return s.isolated.newWriter()
	}
	return s.output.NewWriter()
}

func (s *outputSlot) close(ctx, stopping context.Context) error {
	if s.isolated != nil {
		return s.isolated.close(ctx, stopping)
	}
	return s.output.Close(ctx)
}

// State is where a pipeline is in its life.
type State int32

// The states of a pipeline.
const (
	Compiled State = iota
	Starting
	Running
	Draining
	Terminated
)

// State returns the pipeline's state.
func (p *Pipeline) State() State { return State(p.state.Load()) }

// ID returns pipeline.id.
func (p *Pipeline) ID() string { return p.settings.ID }

// Settings returns the settings that the pipeline runs with.
func (p *Pipeline) Settings() Settings { return p.settings }

// Flushes reports whether the pipeline has filters that make events when time passes or at its end.
func (p *Pipeline) Flushes() bool { return p.program.hasFlushers }

// Running is closed when the pipeline's inputs have been started.
func (p *Pipeline) Running() <-chan struct{} { return p.running }

// Inputs, Filters and Outputs return the counts of the plugins in the order of the config.
func (p *Pipeline) Inputs() []*PluginStats {
	out := make([]*PluginStats, len(p.inputs))
	for i, s := range p.inputs {
		out[i] = s.stats
	}
	return out
}

// Filters returns the counts of the filters in the order of the config.
func (p *Pipeline) Filters() []*PluginStats { return p.filters }

// Outputs returns the counts of the outputs in the order of the config.
func (p *Pipeline) Outputs() []*PluginStats {
	out := make([]*PluginStats, len(p.outputs))
	for i, s := range p.outputs {
		out[i] = s.stats
	}
	return out
}

// Plugin returns the input, filter or output with an id, nil if there is none: for what it tells beyond the counts, by an interface of
// the caller's.
func (p *Pipeline) Plugin(id string) any {
	b := p.plugins[id]
	switch {
	case b == nil:
		return nil
	case b.Input != nil:
		return b.Input
	case b.Filter != nil:
		return b.Filter
	}
	return b.Output
}

// Queue returns how many batches wait for a worker.
func (p *Pipeline) Queue() (batches, slots int) { return p.queue.Len(), p.queue.Cap() }

// Run starts everything, and returns when ctx has ended or the inputs are exhausted and all they read is delivered, or when the time
// to drain (Settings.ShutdownLimit, from the end of ctx) is over. Its error is a start that failed; what was left undelivered after a
// drain is told by [Pipeline.Account] and, in the persistent queue, comes again.
func (p *Pipeline) Run(ctx context.Context) error {
	defer p.state.Store(int32(Terminated))
	defer p.taps.end()
	defer p.profile.end()
	p.state.Store(int32(Starting))
	p.Stats.Started = time.Now()

	// Everything behind the inputs outlives ctx by the time to drain.
	drain, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	stopClock := context.AfterFunc(ctx, func() {
		p.state.Store(int32(Draining))
		time.AfterFunc(p.settings.ShutdownLimit, giveUp)
	})
	defer stopClock()

	if p.deadLetters != nil {
		p.deadLetters.Open()
		defer p.closeDeadLetters()
	}
	if err := p.start(drain); err != nil {
		return err
	}
	workers := p.startWorkers(drain)
	housekeeping, stopHousekeeping := context.WithCancel(drain)
	var keepers sync.WaitGroup
	keepers.Go(func() { p.keepHouse(housekeeping) })

	p.runInputs(ctx)
	p.state.Store(int32(Draining))
	if p.store != nil {
		p.store.Drain(drain, ctx)
	}
	stopHousekeeping()
	keepers.Wait()
	p.queue.Close()
	last := workers.wait()
	p.finalFlush(drain, last)
	p.closeFilters()
	err := p.closeOutputs(drain, ctx)
	p.closeStore()
	return err
}

// start opens what the plugins only checked when they were made.
func (p *Pipeline) start(ctx context.Context) error {
	for _, s := range p.program.starters {
		if err := s.Start(ctx); err != nil {
			return err
		}
	}
	if err := p.startSpills(ctx); err != nil {
		return err
	}
	if p.store == nil {
		return nil
	}
	err := p.store.Start(ctx, p)
	if err != nil {
		p.abortSpills()
	}
	return err
}

// startSpills opens what outputs put aside on disk: all or nothing.
func (p *Pipeline) startSpills(ctx context.Context) error {
	if p.settings.DataDir != "" {
		p.lookForSpills()
	}
	for _, o := range p.outputs {
		if o.isolated == nil || o.isolated.spill == nil {
			continue
		}
		if err := o.isolated.spill.start(ctx); err != nil {
			p.abortSpills()
			return err
		}
	}
	return nil
}

// abortSpills closes what startSpills opened.
func (p *Pipeline) abortSpills() {
	for _, o := range p.outputs {
		if o.isolated != nil && o.isolated.spill != nil {
			o.isolated.spill.abort()
		}
	}
}

func (p *Pipeline) closeStore() {
	if p.store == nil {
		return
	}
	if err := p.store.Close(); err != nil {
		p.log.Error("the persistent queue could not be closed; what was delivered last may be delivered again", "error", err)
	}
}

func (p *Pipeline) closeDeadLetters() {
	if err := p.deadLetters.Close(); err != nil {
		p.log.Error("the dead letter queue could not be closed", "error", err)
	}
}

// crew is the workers of one run.
type crew struct {
	wg      sync.WaitGroup
	workers []*worker
}

func (c *crew) wait() *worker {
	c.wg.Wait()
	return c.workers[0]
}

func (p *Pipeline) startWorkers(ctx context.Context) *crew {
	c := new(crew)
	for range p.settings.Workers {
		w := p.newWorker()
		c.workers = append(c.workers, w)
		c.wg.Go(func() {
			if err := w.run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				p.log.Error("a worker stopped", "error", err)
			}
		})
	}
	return c
}

// restartPause is how long an input that failed waits for its next attempt.
const restartPause = time.Second

// runInputs runs all inputs until ctx ends or all are exhausted.
func (p *Pipeline) runInputs(ctx context.Context) {
	var wg sync.WaitGroup
	for _, s := range p.inputs {
		wg.Go(func() { p.runInput(ctx, s) })
	}
	p.state.Store(int32(Running))
	close(p.running)
	wg.Wait()
}

// runInput runs one input, again and again if it fails.
func (p *Pipeline) runInput(ctx context.Context, s *inputSlot) {
	sink := &sink{p: p, stats: s.stats}
	for {
		err := runRecovered(ctx, s.input, sink)
		if err == nil || ctx.Err() != nil {
			return
		}
		p.log.Error("an input failed", "plugin", s.id, "error", err)
		if errors.Is(err, plugin.ErrFatal) {
			return
		}
		s.stats.Restarts.Add(1)
		select {
		case <-time.After(restartPause):
		case <-ctx.Done():
			return
		}
	}
}

// runRecovered turns a panic of the input's own goroutine into an error.
func runRecovered(ctx context.Context, in plugin.Input, out plugin.Sink) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return in.Run(ctx, out)
}

// sink is an input's way into the queue.
type sink struct {
	p     *Pipeline
	stats *PluginStats
}

// Push implements [plugin.Sink].
func (s *sink) Push(ctx context.Context, b *event.Batch) error {
	if b.Len() == 0 {
		if b.Done != nil {
			b.Done(b)
		}
		return nil
	}
	if b.Time.IsZero() {
		b.Time = s.p.settings.now()
	}
	if b.Bytes == 0 {
		for i := range b.Len() {
			b.Bytes += len(b.Record(i).Data)
		}
	}
	records, bytes := int64(b.Len()), int64(b.Bytes)
	var err error
	start := time.Now()
	if s.p.store != nil {
		err = s.p.store.Push(ctx, b)
	} else {
		err = s.p.enqueue(ctx, b)
	}
	s.stats.Nanos.Add(int64(time.Since(start)))
	if err != nil {
		return err
	}
	s.stats.In.Add(records)
	s.stats.Out.Add(records)
	s.stats.Batches.Add(1)
	s.stats.Bytes.Add(bytes)
	return nil
}

// enqueue puts b into the ring once there is room for its bytes and a slot; b is settled out of the account when it is done.
func (p *Pipeline) enqueue(ctx context.Context, b *event.Batch) error {
	bytes, records := int64(b.Bytes), int64(b.Len())
	if !p.gate.try(bytes) {
		start := time.Now()
		err := p.gate.acquire(ctx, bytes)
		p.Stats.PushWait.Add(int64(time.Since(start)))
		if err != nil {
			return err
		}
	}
	done := b.Done
	b.Done = func(b *event.Batch) {
		p.gate.release(bytes)
		p.Stats.QueueEvents.Add(-records)
		if done != nil {
			done(b)
		}
	}
	p.Stats.QueueBatches.Add(1)
	p.Stats.QueueEvents.Add(records)
	if p.queue.TryPush(b) {
		return nil
	}
	start := time.Now()
	err := p.queue.Push(ctx, b)
	p.Stats.PushWait.Add(int64(time.Since(start)))
	if err != nil {
		b.Done = done
		p.gate.release(bytes)
		p.Stats.QueueBatches.Add(-1)
		p.Stats.QueueEvents.Add(-records)
	}
	return err
}

func (p *Pipeline) closeFilters() {
	for _, c := range p.program.closers {
		if err := c.Close(); err != nil {
			p.log.Error("a filter could not be closed", "error", err)
		}
	}
}

func (p *Pipeline) closeOutputs(ctx, stopping context.Context) error {
	var wg sync.WaitGroup
	for _, o := range p.outputs {
		wg.Go(func() {
			if err := o.close(ctx, stopping); err != nil {
				p.log.Error("an output could not deliver everything before the end", "plugin", o.stats.ID, "error", err)
			}
		})
	}
	wg.Wait()
	return nil
}

// Store keeps batches on disk between inputs and workers: the persistent queue.
type Store interface {
	// Start begins to hand what is stored to the pipeline's workers, until ctx ends.
	Start(ctx context.Context, p *Pipeline) error
	// Push stores b and returns when it is safe; b is done then.
	Push(ctx context.Context, b *event.Batch) error
	// Drain is called when the inputs have ended. It waits until what is stored is settled: until ctx ends if the settings ask for
	// that, else until stopping does, which is when the pipeline is told to stop. Then it stops handing out.
	Drain(ctx, stopping context.Context)
	// Close is called when the outputs are closed.
	Close() error
}
