package pipeline

import (
	"log/slog"

	"millrace/pipeline/cond"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// step is one statement of a compiled section: a filter, an output or an if. A program is one worker's: its conditions and filters
// have scratch space.
type step struct {
	filter   plugin.Filter
	multiply plugin.Multiplier // the filter, if it is one
	common   *plugin.Common    // nil if the filter has no common options to apply
	stats    *filterCount

	writer *writerSlot

	branches []branch
}

// branch is one arm of an if; a nil cond always holds.
type branch struct {
	cond  *cond.Condition
	steps []step
}

// filterCount is a worker's own count of a filter since it last published.
type filterCount struct {
	shared                  *PluginStats
	in, out, matched, nanos int64
	failureTag              string
	own                     plugin.Publisher // nil: the filter counts nothing by itself

	_ [64]byte // as with writerSlot
}

// writerSlot is a worker's writer of one output.
type writerSlot struct {
	writer plugin.Writer
	shared *PluginStats
	dirty  bool // something was appended since the last flush
	in     int64
	nanos  int64

	_ [64]byte // a line of the cache between the slots of two workers, which write to them with each event
}

// filterSteps takes events through steps and returns those that came out, in events' own storage where nothing multiplied. Events are
// taken one statement at a time, as Logstash's compiled datasets do: where an if follows a filter that made several of one, those of
// the first branch leave before those of the second.
func (w *worker) filterSteps(steps []step, events []*event.Event) []*event.Event {
	for len(steps) > 0 && len(events) > 0 {
		if len(events) == 1 && !w.sampling {
			n, kept := w.filterOne(steps, events[0])
			if !kept {
				return events[:0]
			}
			if steps = steps[n:]; len(steps) == 0 {
				return events
			}
		}
		s := &steps[0]
		switch {
		case s.branches != nil:
			events = w.filterIf(s, events)
		case s.multiply != nil:
			events = w.multiplyAll(s, events)
		default:
			events = w.filterAll(steps, events)
		}
		steps = steps[1:]
	}
	return events
}

// filterOne takes an event through the filters that steps begin with, which is what nearly all events meet: one filter behind another.
// It returns how many these are, and whether the event came out.
func (w *worker) filterOne(steps []step, e *event.Event) (n int, kept bool) {
	for i := range steps {
		s := &steps[i]
		if s.branches != nil || s.multiply != nil {
			return i, true
		}
		c := s.stats
		if s.filter.Filter(e) {
			w.succeed(s, e)
		}
		c.in++
		if e.Cancelled() {
			w.drop(e)
			return i, false
		}
		c.out++
	}
	return len(steps), true
}

// filterAll takes events through the filter that steps begin with.
func (w *worker) filterAll(steps []step, events []*event.Event) []*event.Event {
	s := &steps[0]
	kept := events[:0]
	for _, e := range events {
		start := w.startSample()
		_, came := w.filterOne(steps[:1], e)
		s.stats.nanos += w.endSample(start)
		if came {
			kept = append(kept, e)
		}
	}
	return kept
}

func (w *worker) multiplyAll(s *step, events []*event.Event) []*event.Event {
	var out []*event.Event
	for _, e := range events {
		start := w.startSample()
		sp := spawner{w: w, step: s}
		if s.multiply.Multiply(e, &sp) {
			w.succeed(s, e)
		}
		s.stats.in++
		s.stats.nanos += w.endSample(start)
		w.made += int64(len(sp.made))
		w.live = append(w.live, sp.made...)
		out = w.keep(s, out, e)
		for _, n := range sp.made {
			out = w.keep(s, out, n)
		}
	}
	return out
}

// keep appends e to out unless it was cancelled.
func (w *worker) keep(s *step, out []*event.Event, e *event.Event) []*event.Event {
	if e.Cancelled() {
		w.drop(e)
		return out
	}
	s.stats.out++
	return append(out, e)
}

func (w *worker) filterIf(s *step, events []*event.Event) []*event.Event {
	if len(events) == 1 {
		for i := range s.branches {
			if b := &s.branches[i]; b.cond == nil || b.cond.Eval(events[0]) {
				return w.filterSteps(b.steps, events)
			}
		}
		return events
	}
	var out []*event.Event
	for i := range s.branches {
		b := &s.branches[i]
		var in, rest []*event.Event
		for _, e := range events {
			if b.cond == nil || b.cond.Eval(e) {
				in = append(in, e)
			} else {
				rest = append(rest, e)
			}
		}
		out = append(out, w.filterSteps(b.steps, in)...)
		events = rest
	}
	return append(out, events...)
}

// succeed counts a match, and applies the filter's common options to e.
func (w *worker) succeed(s *step, e *event.Event) {
	s.stats.matched++
	if s.common != nil {
		w.applyCommon(s, e)
	}
}

func (w *worker) applyCommon(s *step, e *event.Event) {
	if s.common.OnlyRemoved { // as most have it, if they have any
		e.RemoveAll(s.common.Removed)
		return
	}
	if err := succeed(s.common, e); err != nil {
		e.Tag(s.stats.failureTag)
		w.p.Stats.OptionErrs.Add(1)
		w.p.throttled.Warn("a common option could not be applied to an event",
			slog.String("plugin", s.stats.shared.ID), slog.Any("error", err))
	}
}

// spawner collects what one call of a filter makes.
type spawner struct {
	w    *worker
	step *step
	made []*event.Event
}

func (sp *spawner) New() *event.Event {
	e := sp.w.newEvent()
	sp.made = append(sp.made, e)
	return e
}

func (sp *spawner) Succeed(e *event.Event) { sp.w.succeed(sp.step, e) }

// outputSteps appends e to the outputs that its conditions choose and reports whether there was one.
func (w *worker) outputSteps(steps []step, e *event.Event) (taken bool) {
	for i := range steps {
		s := &steps[i]
		if s.branches != nil {
			for j := range s.branches {
				if b := &s.branches[j]; b.cond == nil || b.cond.Eval(e) {
					taken = w.outputSteps(b.steps, e) || taken
					break
				}
			}
			continue
		}
		start := w.startSample()
		s.writer.dirty = true
		w.writing = s.writer
		err := s.writer.writer.Append(e)
		w.writing = nil
		s.writer.in++
		if err != nil {
			w.p.throttled.Warn("an event could not be written", slog.String("plugin", s.writer.shared.ID), slog.Any("error", err))
		}
		s.writer.nanos += w.endSample(start)
		taken = true
	}
	return taken
}
