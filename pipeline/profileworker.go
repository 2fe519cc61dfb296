package pipeline

import (
	"millrace/pipeline/cond"
	"millrace/pipeline/plugin"
)

// timing is a worker's program with every part timed, which takes the place of its own for a turn. Both hold the same filters, writers
// and counts.
type timing struct {
	stopwatch
	profile *Profile
	w       *worker
	tapped  *tapSet // the followers that the program was made with

	timed    layout
	decoders []plugin.Decoder
	writers  []plugin.Writer
	patterns []*patternWatch
	tags     []map[string]int64 // by part

	on       bool
	plain    layout           // what the timed program stands for, while it does
	plainDec []plugin.Decoder // so for the decoders
	start    int64            // of the turn
	spent    int64            // in timed turns
}

// beginTiming is called before a turn: one atomic load is what profiles cost where there is none.
func (w *worker) beginTiming() {
	if pr := w.p.profile.current.Load(); pr != nil {
		w.timeTurn(pr)
		return
	}
	w.timing = nil // what the last profile needed goes with it
}

// endTiming is called behind a turn.
func (w *worker) endTiming() {
	if w.timing != nil && w.timing.on {
		w.timing.finish()
	}
}

// recovered is called when a panic left the parts that were entered. t may be nil.
func (t *timing) recovered() {
	if t != nil && t.on {
		t.leave(ownPart)
	}
}

// timeTurn exchanges the program for a timed one, unless the worker was timed for its share already.
func (w *worker) timeTurn(pr *Profile) {
	t := w.timing
	if t == nil || t.profile != pr || t.tapped != w.tapped {
		spent := int64(0)
		if t != nil && t.profile == pr {
			spent = t.spent
		}
		t = newTiming(w, pr)
		t.spent = spent
		w.timing = t
	}
	t.start = t.clock()
	if share := int64(pr.options.Share); share > 1 && t.spent*share > t.start-pr.began {
		return
	}
	t.on = true
	t.plain, t.plainDec = layout{w.filters, w.outputs, w.flushers}, w.decoders
	w.filters, w.outputs, w.flushers, w.decoders = t.timed.filters, t.timed.outputs, t.timed.flushers, t.decoders
	for i, s := range w.writers {
		s.writer, t.writers[i] = t.writers[i], s.writer
	}
	for _, p := range t.patterns {
		p.filter.WatchPatterns(p)
	}
	t.begin()
}

// finish gives the worker its own program back and the profile what was measured.
func (t *timing) finish() {
	t.leave(ownPart)
	w := t.w
	t.on = false
	w.filters, w.outputs, w.flushers, w.decoders = t.plain.filters, t.plain.outputs, t.plain.flushers, t.plainDec
	for i, s := range w.writers {
		s.writer, t.writers[i] = t.writers[i], s.writer
	}
	for _, p := range t.patterns {
		p.filter.WatchPatterns(nil)
	}
	took := t.last - t.start
	t.spent += took
	t.profile.add(t, took)
	clear(t.cells)
	clear(t.tags)
}

// newTiming makes a timed copy of the worker's program, observers of followers included.
func newTiming(w *worker, pr *Profile) *timing {
	n := len(pr.parts)
	t := &timing{
		stopwatch: stopwatch{clock: pr.clock, cells: make([]cell, n)}, tags: make([]map[string]int64, n), profile: pr, w: w, tapped: w.tapped,
	}
	for i, d := range w.decoders {
		t.decoders = append(t.decoders, newTimedDecoder(t, d, int32(firstPart+i)))
	}
	c := timingCopy{t: t, filters: make(map[*filterCount]int32), writers: make(map[*writerSlot]int32), ifs: make(map[*cond.Condition][]armOf)}
	own := layout{w.filters, w.outputs, w.flushers}
	if w.plain != nil {
		own = *w.plain
	}
	c.number(w.p.program.filters, own.filters)
	c.number(w.p.program.outputs, own.outputs)
	t.timed.filters, t.timed.outputs = c.steps(w.filters), c.steps(w.outputs)
	t.timed.flushers = timedFlushers(t.timed.filters, nil)
	for _, s := range w.writers {
		t.writers = append(t.writers, &timedWriter{t, s.writer, c.writers[s]})
	}
	return t
}

// timingCopy makes the timed copy of steps. What a step is tells the counts, the writer or the condition that it holds: a program with
// observers holds the same.
type timingCopy struct {
	t       *timing
	filters map[*filterCount]int32
	writers map[*writerSlot]int32
	ifs     map[*cond.Condition][]armOf // by the condition of the first arm
}

// number notes the parts of a program's own steps, which are made of statements one by one.
func (c *timingCopy) number(statements []statement, steps []step) {
	for i := range statements {
		st, s := &statements[i], &steps[i]
		switch {
		case st.filter != nil:
			c.filters[s.stats] = int32(st.part)
		case st.output != nil:
			c.writers[s.writer] = int32(st.part)
		default:
			c.ifs[s.branches[0].cond] = st.branches
			for j := range st.branches {
				c.number(st.branches[j].statements, s.branches[j].steps)
			}
		}
	}
}

func (c *timingCopy) steps(steps []step) []step {
	out := make([]step, 0, len(steps))
	for _, s := range steps {
		switch {
		case s.branches != nil:
			s.branches = c.branches(s.branches)
		case s.filter != nil:
			c.filter(&s)
		}
		out = append(out, s)
	}
	return out
}

func (c *timingCopy) branches(branches []branch) []branch {
	arms := c.ifs[branches[0].cond]
	out := make([]branch, len(branches))
	for i, b := range branches {
		watch := &branchWatch{t: c.t, part: int32(len(c.t.cells) - 1), free: b.cond == nil}
		if arms != nil { // else it is an observer
			watch.part = int32(arms[i].part)
		}
		out[i] = branch{cond.Watched(b.cond, watch), c.steps(b.steps)}
	}
	return out
}

func (c *timingCopy) filter(s *step) {
	f := &timedFilter{t: c.t, w: c.t.w, inner: s.filter, multiply: s.multiply, part: c.filters[s.stats]}
	if s.common != nil {
		f.common = &step{common: s.common, stats: &filterCount{shared: s.stats.shared, failureTag: s.stats.failureTag}}
	}
	if pw, ok := s.filter.(plugin.PatternWatched); ok {
		c.t.patterns = append(c.t.patterns, &patternWatch{t: c.t, filter: pw, first: f.part + 1})
	}
	s.filter, s.common = f, nil
	if s.multiply != nil {
		s.multiply = f
	}
}

// timedFlushers are the flush points of timed steps.
func timedFlushers(steps []step, after [][]step) []flushPoint {
	var points []flushPoint
	for i := range steps {
		rest := append([][]step{steps[i+1:]}, after...)
		s := &steps[i]
		for j := range s.branches {
			points = append(points, timedFlushers(s.branches[j].steps, rest)...)
		}
		if s.filter == nil {
			continue
		}
		f := s.filter.(*timedFilter)
		if inner, ok := f.inner.(plugin.Flusher); ok {
			points = append(points, flushPoint{timedFlusher{f, inner}, inner, s, rest})
		}
	}
	return points
}
