package pipeline

import "millrace/pipeline/plugin"

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
