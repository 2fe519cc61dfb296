package pipeline

import (
	"math"

	"millrace/pipeline/cond"
	"millrace/pipeline/event"
)

// stopwatch bills time to the cell that is current. Every entering and leaving reads the clock once, so that each nanosecond of a turn
// goes to exactly one cell, with the cost of the readings.
type stopwatch struct {
	clock func() int64
	last  int64
	cur   int32
	cells []cell
}

// cell is what one worker measured of one part.
type cell struct {
	nanos   int64
	enters  int64 // times that the part was entered
	leaves  int64 // times that another was entered from it
	records int64
	events  int64
	held    int64

	cancelled, made               int64
	ruledOut, alsoMatched, failed int64
	failedNanos                   int64
	before, beforeTries           int64
	every                         bool
}

func (s *stopwatch) begin() {
	s.last, s.cur = s.clock(), ownPart
}

// enter makes part current and returns the one that was.
func (s *stopwatch) enter(part int32) (was int32) {
	now := s.clock()
	was = s.cur
	c := &s.cells[was]
	c.nanos += now - s.last
	c.leaves++
	s.cells[part].enters++
	s.last, s.cur = now, part
	return was
}

// leave makes the part current that enter returned.
func (s *stopwatch) leave(was int32) {
	now := s.clock()
	s.cells[s.cur].nanos += now - s.last
	s.last, s.cur = now, was
}

func (c *cell) add(o *cell) {
	c.nanos += o.nanos
	c.enters += o.enters
	c.leaves += o.leaves
	c.records += o.records
	c.events += o.events
	c.held += o.held
	c.cancelled += o.cancelled
	c.made += o.made
	c.ruledOut += o.ruledOut
	c.alsoMatched += o.alsoMatched
	c.failed += o.failed
	c.failedNanos += o.failedNanos
	c.before += o.before
	c.beforeTries += o.beforeTries
	c.every = c.every || o.every
}

// counts returns what the cell says without the cost of the clock.
func (c *cell) counts(cost *clockCost) PartCounts {
	less := func(nanos, inside, outside int64) int64 {
		return max(0, nanos-int64(float64(inside)*cost.inside+float64(outside)*cost.outside))
	}
	return PartCounts{
		Nanos: less(c.nanos, c.enters, c.leaves), Records: c.records, Events: c.events, Held: c.held, Cancelled: c.cancelled, Made: c.made,
		RuledOut: c.ruledOut, AlsoMatched: c.alsoMatched, Failed: c.failed, FailedNanos: less(c.failedNanos, c.failed, 0),
		Before: less(c.before, c.beforeTries, c.beforeTries), Every: c.every,
	}
}

// clockCost is what timing adds to the times, in nanoseconds: to a part for each time it is entered, to the one around it for each time
// another is entered from it, and beyond these to the pipeline for the look at an event's tags and the asking of a watched condition.
type clockCost struct{ inside, outside, look, ask float64 }

// The measuring of the clock: the least of some batches, because whatever disturbs one makes it longer. All of it takes a few
// milliseconds.
const (
	clockBatches = 40
	clockCalls   = 500
)

// measureClock times nothing, in the ways in which the parts of a program are timed.
func measureClock(clock func() int64) clockCost {
	t := &timing{stopwatch: stopwatch{clock: clock, cells: make([]cell, 2)}, tags: make([]map[string]int64, 2)}
	batch := func(call func()) (inside, outside float64) {
		inside, outside = math.Inf(1), math.Inf(1)
		for range clockBatches {
			clear(t.cells)
			t.begin()
			for range clockCalls {
				call()
			}
			t.leave(t.enter(ownPart))
			inside = min(inside, float64(t.cells[1].nanos)/clockCalls)
			outside = min(outside, float64(t.cells[ownPart].nanos)/clockCalls)
		}
		return inside, outside
	}
	var c clockCost
	c.inside, c.outside = batch(func() { t.leave(t.enter(1)) })
	e := event.New(nil)
	e.Root().Set("message", event.StringValue(""))
	f := timedFilter{t: t, inner: noFilter{}, part: 1}
	_, around := batch(func() { f.Filter(e) })
	c.look = max(0, around-c.outside)
	condition := cond.Watched(nil, &branchWatch{t: t, part: 1})
	_, around = batch(func() { condition.Eval(e) })
	c.ask = max(0, around-c.outside)
	return c
}

// noFilter does nothing, which is what the clock is measured on.
type noFilter struct{}

func (noFilter) Filter(*event.Event) bool { return false }
