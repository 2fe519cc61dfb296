package pipeline

import (
	"context"
	"strings"
	"time"

	"millrace/pipeline/cond"
	"millrace/pipeline/event"
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
	}
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

// timedFilter stands before a filter. It applies the common options in the pipeline's place, so that they are the filter's cost.
type timedFilter struct {
	t        *timing
	w        *worker
	inner    plugin.Filter
	multiply plugin.Multiplier // inner, if it is one
	common   *step             // nil: there are no common options
	part     int32
	out      timedSpawner
}

// Filter implements plugin.Filter.
func (f *timedFilter) Filter(e *event.Event) (matched bool) {
	tags := tagsOf(e)
	was := f.t.enter(f.part)
	matched = f.inner.Filter(e)
	f.t.leave(was)
	f.note(e, matched, tags)
	return matched
}

// Multiply implements plugin.Multiplier.
func (f *timedFilter) Multiply(e *event.Event, out plugin.Spawner) (matched bool) {
	tags := tagsOf(e)
	f.out = timedSpawner{f, out}
	was := f.t.enter(f.part)
	matched = f.multiply.Multiply(e, &f.out)
	f.t.leave(was)
	f.note(e, matched, tags)
	return matched
}

func (f *timedFilter) note(e *event.Event, matched bool, tags int) {
	c := &f.t.cells[f.part]
	c.events++
	if e.Cancelled() {
		c.cancelled++
	}
	if tagsOf(e) > tags {
		f.noteTags(e, tags)
	}
	if matched {
		c.held++
		f.succeed(e)
	}
}

func (f *timedFilter) succeed(e *event.Event) {
	if f.common != nil {
		was := f.t.enter(f.part)
		f.w.succeed(f.common, e)
		f.t.leave(was)
	}
}

// maxProfileTags bounds the names of tags that are counted for one filter: a name may be made of what events hold.
const maxProfileTags = 16

func (f *timedFilter) noteTags(e *event.Event, from int) {
	counts := f.t.tags[f.part]
	if counts == nil {
		counts = make(map[string]int64)
		f.t.tags[f.part] = counts
	}
	v, _ := e.Root().Get(event.TagsField)
	items := v.List().Items()
	for _, tag := range items[min(from, len(items)):] {
		name := tag.Str()
		if _, ok := counts[name]; ok || len(counts) < maxProfileTags {
			counts[strings.Clone(name)]++
		}
	}
}

// tagsOf returns how many tags e has.
func tagsOf(e *event.Event) int {
	v, _ := e.Root().Get(event.TagsField)
	if l := v.List(); l != nil {
		return l.Len()
	}
	return 0
}

// timedSpawner counts what a filter makes, and applies its common options.
type timedSpawner struct {
	f   *timedFilter
	out plugin.Spawner
}

// New implements plugin.Spawner.
func (s *timedSpawner) New() *event.Event {
	s.f.t.cells[s.f.part].made++
	return s.out.New()
}

// Succeed implements plugin.Spawner.
func (s *timedSpawner) Succeed(e *event.Event) {
	s.out.Succeed(e)
	s.f.succeed(e)
}

// timedFlusher stands before a Flusher.
type timedFlusher struct {
	*timedFilter
	flusher plugin.Flusher
}

// FlushInterval implements plugin.Flusher.
func (f timedFlusher) FlushInterval() time.Duration { return f.flusher.FlushInterval() }

// Flush implements plugin.Flusher.
func (f timedFlusher) Flush(now time.Time, final bool, out plugin.Spawner) {
	f.out = timedSpawner{f.timedFilter, out}
	was := f.t.enter(f.part)
	f.flusher.Flush(now, final, &f.out)
	f.t.leave(was)
}

// timedDecoder stands before a decoder.
type timedDecoder struct {
	t     *timing
	inner plugin.Decoder
	part  int32
	next  func() *event.Event // of the call
	own   func() *event.Event // made once
}

func newTimedDecoder(t *timing, inner plugin.Decoder, part int32) *timedDecoder {
	d := &timedDecoder{t: t, inner: inner, part: part}
	d.own = d.timedNext
	return d
}

// Decode implements plugin.Decoder.
func (d *timedDecoder) Decode(r *event.Record, next func() *event.Event) {
	d.t.cells[d.part].records++
	d.next = next
	was := d.t.enter(d.part)
	d.inner.Decode(r, d.own)
	d.t.leave(was)
}

// timedNext carries the event before to its end, which is not the codec's work.
func (d *timedDecoder) timedNext() *event.Event {
	d.t.cells[d.part].events++
	was := d.t.enter(ownPart)
	e := d.next()
	d.t.leave(was)
	return e
}

// timedWriter stands before a writer.
type timedWriter struct {
	t     *timing
	inner plugin.Writer
	part  int32
}

// Append implements plugin.Writer.
func (w *timedWriter) Append(e *event.Event) error {
	w.t.cells[w.part].events++
	was := w.t.enter(w.part)
	err := w.inner.Append(e)
	w.t.leave(was)
	return err
}

// Flush implements plugin.Writer.
func (w *timedWriter) Flush(ctx context.Context, b *event.Batch) error {
	part := w.part + 1
	w.t.cells[part].events++
	was := w.t.enter(part)
	err := w.inner.Flush(ctx, b)
	w.t.leave(was)
	return err
}

// branchWatch times the condition of an arm, or counts what reaches an else, which has none.
type branchWatch struct {
	t    *timing
	part int32
	free bool
	was  int32
}

// Asked implements cond.Watcher.
func (b *branchWatch) Asked() {
	b.t.cells[b.part].events++
	if !b.free {
		b.was = b.t.enter(b.part)
	}
}

// Answered implements cond.Watcher.
func (b *branchWatch) Answered(held bool) {
	if !b.free {
		b.t.leave(b.was)
	}
	if held {
		b.t.cells[b.part].held++
	}
}

// patternWatch times the patterns of one filter.
type patternWatch struct {
	t      *timing
	filter plugin.PatternWatched
	first  int32 // part of its first pattern

	was     int32
	started int64 // when the first try on the text began; 0: none has
	began   int64 // when this try began
	tries   int64 // on the text
	hit     bool  // a pattern matched the text
}

// Text implements plugin.PatternWatcher.
func (p *patternWatch) Text() (all bool) {
	p.started, p.tries, p.hit = 0, 0, false
	pr := p.t.profile
	return pr.options.TryAll > 0 && p.t.last-pr.began < int64(pr.options.TryAll)
}

// Begin implements plugin.PatternWatcher.
func (p *patternWatch) Begin(pattern int) {
	p.was = p.t.enter(p.first + int32(pattern))
	p.began = p.t.last
	if p.tries == 0 {
		p.started = p.began
	}
}

// End implements plugin.PatternWatcher.
func (p *patternWatch) End(pattern int, o plugin.PatternOutcome) {
	c := &p.t.cells[p.first+int32(pattern)]
	if o == plugin.PatternRuledOut {
		if !p.hit {
			c.ruledOut++
		}
		return
	}
	p.t.leave(p.was)
	took := p.t.last - p.began
	switch o {
	case plugin.PatternMatched:
		c.every = c.every || p.hit
		p.hit = true
		c.events++
		c.held++
		c.before += p.began - p.started
		c.beforeTries += p.tries
	case plugin.PatternFailed:
		c.every = c.every || p.hit
		c.events++
		c.failed++
		c.failedNanos += took
	case plugin.PatternAlsoMatched:
		c.alsoMatched++
	case plugin.PatternAlsoFailed:
		c.failed++
		c.failedNanos += took
	}
	p.tries++
}
