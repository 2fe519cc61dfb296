package pipeline

import (
	"context"
	"log/slog"
	"time"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// flushTick is Logstash's interval between flushes of filters that make events when time passes.
const flushTick = 5 * time.Second

// flushPoint is a Flusher of a worker's program with the statements that its events still meet: the rest of its own block first, then
// those of the blocks around it.
type flushPoint struct {
	flusher plugin.Flusher
	key     plugin.Flusher // the config's, where flusher stands before it to time it
	step    *step
	rest    [][]step
}

// findFlushers returns the flush points of steps; after is what follows them.
func findFlushers(steps []step, after [][]step) []flushPoint {
	var points []flushPoint
	for i := range steps {
		rest := append([][]step{steps[i+1:]}, after...)
		s := &steps[i]
		for j := range s.branches {
			points = append(points, findFlushers(s.branches[j].steps, rest)...)
		}
		if f, ok := s.filter.(plugin.Flusher); ok {
			points = append(points, flushPoint{f, f, s, rest})
		}
	}
	return points
}

// flushBatch is what the ticker puts into the queue for a worker to call the flushers.
func (p *Pipeline) flushBatch() *event.Batch { return &event.Batch{Time: p.settings.now()} }

// flushFilters lets the flushers of the program make what is due and takes it to the outputs.
func (w *worker) flushFilters(now time.Time, final bool) {
	for _, p := range w.flushers {
		if final || w.p.program.due(p.key, now) {
			w.flushFilter(p, now, final)
		}
	}
}

func (w *worker) flushFilter(p flushPoint, now time.Time, final bool) {
	defer func() {
		if r := recover(); r != nil {
			w.survive(r)
		}
	}()
	sp := spawner{w: w, step: p.step}
	p.flusher.Flush(now, final, &sp)
	w.made += int64(len(sp.made))
	w.live = append(w.live, sp.made...)
	p.step.stats.out += int64(len(sp.made))
	events := sp.made
	for _, e := range events {
		e.Create(now)
	}
	for _, steps := range p.rest {
		events = w.filterSteps(steps, events)
	}
	w.deliver(events)
	w.endRecord()
}

// keepHouse calls flushers by way of the queue and reports comparisons that could not be made, until ctx ends.
func (p *Pipeline) keepHouse(ctx context.Context) {
	tick := time.NewTicker(p.program.flushEvery)
	defer tick.Stop()
	report := time.NewTicker(time.Minute)
	defer report.Stop()
	var reported int64
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if p.program.hasFlushers {
				p.queue.TryPush(p.flushBatch())
			}
		case <-report.C:
			if n := p.Mismatches(); n > reported {
				p.log.Warn("conditions compared values that cannot be compared; such a comparison is false",
					slog.Int64("count", n-reported))
				reported = n
			}
		}
	}
}

// Mismatches returns how many comparisons of conditions were false because their values cannot be compared.
func (p *Pipeline) Mismatches() int64 {
	var n int64
	for _, c := range p.program.conditions {
		n += c.Mismatches()
	}
	return n
}

// finalFlush lets flushers give what they still hold, after all workers are done, in the place of one of them.
func (p *Pipeline) finalFlush(ctx context.Context, w *worker) {
	w.followTaps()
	if len(w.flushers) == 0 {
		return
	}
	b := p.flushBatch()
	w.batch, w.read = b, b.Time.UnixNano()
	w.flushFilters(b.Time, true)
	w.batch = nil
	w.publish()
	if err := w.flush(ctx, b); err != nil {
		p.log.Error("events that filters made at the end could not be delivered", "error", err)
	}
}
