package pipeline

import (
	"log/slog"
	"time"
	"unicode/utf8"

	"millrace/pipeline/cond"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
)

// layout is a worker's program: its own, or a copy of it with observers at the followed points. Both hold the same filters, writers
// and counts.
type layout struct {
	filters, outputs []step
	flushers         []flushPoint
}

// followTaps is called before a turn: one atomic load is what followers cost where there are none.
func (w *worker) followTaps() {
	if set := w.p.taps.current.Load(); set != nil || w.tapped != nil {
		w.turnTaps(set)
	}
}

// turnTaps makes ready for a turn with followers. They share one reading of the clock for what they do not look at.
func (w *worker) turnTaps(set *tapSet) {
	if set != w.tapped {
		w.instrument(set)
	}
	w.tapClock = w.p.taps.now()
}

// instrument gives the worker a program that shows events to the followers of set; its own program for a nil set. Observers are
// branches that nothing takes, so that a program without them has no trace of the matter.
func (w *worker) instrument(set *tapSet) {
	w.tapped = set
	if w.plain == nil {
		w.plain = &layout{w.filters, w.outputs, w.flushers}
	}
	if set == nil {
		w.filters, w.outputs, w.flushers = w.plain.filters, w.plain.outputs, w.plain.flushers
		return
	}
	in := &instrumenter{w: w, set: set}
	var inputs, outputs []step
	for _, t := range set.taps {
		switch {
		case t.point.kind == config.KindInput:
			inputs = append(inputs, in.observer(t))
		case t.point.ID == anyOutput:
			outputs = append(outputs, in.observer(t))
		}
	}
	w.filters = append(inputs, in.steps(w.plain.filters)...)
	w.outputs = append(outputs, in.steps(w.plain.outputs)...)
	w.flushers = findFlushers(w.filters, nil)
}

type instrumenter struct {
	w   *worker
	set *tapSet
}

// steps returns a copy of steps with observers behind filters and before outputs.
func (in *instrumenter) steps(steps []step) []step {
	out := make([]step, 0, len(steps))
	for _, s := range steps {
		switch {
		case s.branches != nil:
			branches := make([]branch, len(s.branches))
			for i, b := range s.branches {
				branches[i] = branch{b.cond, in.steps(b.steps)}
			}
			s.branches = branches
			out = append(out, s)
		case s.writer != nil:
			out = append(in.observers(out, config.KindOutput, s.writer.shared.ID), s)
		default:
			out = in.observers(append(out, s), config.KindFilter, s.stats.shared.ID)
		}
	}
	return out
}

func (in *instrumenter) observers(out []step, kind, id string) []step {
	for _, t := range in.set.taps {
		if t.point.kind == kind && t.point.id == id {
			out = append(out, in.observer(t))
		}
	}
	return out
}

func (in *instrumenter) observer(t *Tap) step {
	o := &observer{tap: t, w: in.w}
	if t.condition != nil {
		o.condition = t.condition.ForWorker()
	}
	return step{branches: []branch{{cond: cond.Observed(o.look)}}}
}

// observer is what shows one worker's events to one follower. It changes nothing of them that anybody sees: a condition may parse what
// a JSON document holds, as an if of the config would, and metadata may get the facts about the source, which come late.
type observer struct {
	tap       *Tap
	w         *worker
	condition *cond.Condition
	buf       []byte
}

// keepTapBytes bounds the buffer that an observer keeps after a large event.
const keepTapBytes = 256 << 10

// look shows e to the follower, if it is of its interest and there is room.
func (o *observer) look(e *event.Event) {
	t := o.tap
	if t.point.kind == config.KindInput && t.point.id != "" && (o.w.batch.Source == nil || o.w.batch.Source.InputID != t.point.id) {
		return
	}
	if o.condition == nil && !t.sampled() {
		return
	}
	if turn := o.w.tapClock; !t.set.time.open(turn, tapBurst) || !t.rate.open(turn, t.burst()) || len(t.events) == cap(t.events) {
		t.unseen.Add(1)
		return
	}
	now := t.set.now()
	defer func() {
		if r := recover(); r != nil {
			t.unseen.Add(1)
			o.w.p.throttled.Error("a follower's condition failed on the content of an event, which goes on its way unseen", slog.Any("panic", r))
		}
		t.set.time.take(now, tapShare*(t.set.now()-now))
	}()
	if o.holds(e) {
		o.show(e, now)
	}
}

// holds reports whether e meets the condition and is one of the sample.
func (o *observer) holds(e *event.Event) bool {
	if o.condition == nil {
		return true
	}
	return o.condition.Eval(e) && o.tap.sampled()
}

func (t *Tap) sampled() bool {
	return t.options.Sample == 1 || t.matched.Add(1)%int64(t.options.Sample) == 1
}

// interval is the time that one event takes of the follower's rate; a second's worth may come at once.
func (t *Tap) interval() time.Duration { return time.Second / time.Duration(t.options.Rate) }

func (t *Tap) burst() time.Duration { return time.Second - t.interval() }

func (o *observer) show(e *event.Event, now time.Duration) {
	t := o.tap
	s := Tapped{Point: t.point.ID, Time: t.set.began.Add(now)}
	if t.point.ID == anyInput && o.w.batch.Source != nil {
		s.Point = anyInput + ":" + o.w.batch.Source.InputID
	}
	o.buf = e.AppendJSON(o.buf[:0])
	s.Size = len(o.buf)
	s.Document, s.Truncated = capped(o.buf)
	if t.options.Metadata {
		o.buf = e.Metadata().AppendJSON(o.buf[:0])
		var cut bool
		if s.Metadata, cut = capped(o.buf); cut {
			s.Metadata = nil
		}
	}
	if cap(o.buf) > keepTapBytes {
		o.buf = nil
	}
	select {
	case t.events <- s:
		t.rate.take(now, t.interval())
	default:
		t.unseen.Add(1)
	}
}

// capped returns a copy of b of at most MaxTapEventBytes, cut between characters.
func capped(b []byte) (c []byte, cut bool) {
	if len(b) > MaxTapEventBytes {
		n := MaxTapEventBytes
		for n > 0 && !utf8.RuneStart(b[n]) {
			n--
		}
		b, cut = b[:n], true
	}
	return append([]byte(nil), b...), cut
}
