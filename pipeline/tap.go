package pipeline

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"millrace/internal/onig"
	"millrace/pipeline/cond"
	"millrace/pipeline/config"
)

// The limits of followers. A follower costs memory for what waits for it: 64 events of 16 KiB, 1 MiB, and 16 MiB for all of them.
const (
	MaxFollowers     = 16
	MaxTapRate       = 1000     // events a second for one follower
	MaxTapEventBytes = 16 << 10 // of an event's JSON, and of its metadata's; the rest is cut off
	MaxTapCondition  = 4 << 10  // bytes of a condition's text

	tapBuffer       = 64
	tapMatchTimeout = 5 * time.Millisecond // of one regular expression of a follower's condition
)

// All followers of a pipeline together may look at events for a quarter of one core's time; tapBurst is how much of it can be saved
// up. What passes while it is used up passes unseen.
const (
	tapShare = 4
	tapBurst = time.Second
)

// TapOptions say what a follower sees.
type TapOptions struct {
	At       string // a point's id, or a plugin's; "" is "output"
	If       string // a condition in the language of the pipeline, "" for all events; ${VARIABLES} are not replaced
	Sample   int    // one of so many that match; 0 and 1 are all
	Rate     int    // events a second, 100 if 0
	Metadata bool   // show @metadata too
}

// Errors of [Pipeline.Tap] beside [TapConditionError].
var (
	ErrTooManyFollowers = errors.New("too many followers")
	ErrNoTapPoint       = errors.New("no such point")
	ErrPipelineEnded    = errors.New("the pipeline has ended")
)

// TapConditionError tells what is wrong with a follower's condition.
type TapConditionError struct{ Diagnostics config.Diagnostics }

// Error implements error.
func (e *TapConditionError) Error() string { return e.Diagnostics.String() }

// Tapped is one event as a follower sees it.
type Tapped struct {
	Point     string // its id; where a follower asked for any input, that of the input
	Time      time.Time
	Document  []byte // the event as JSON; if Truncated, its first bytes
	Metadata  []byte // @metadata as JSON, if asked for
	Truncated bool
	Size      int // of the whole document
}

// Tap follows the events that pass one point of a running pipeline. The pipeline never waits for it.
type Tap struct {
	set       *taps
	point     tapPoint
	condition *cond.Condition // nil: all events
	options   TapOptions

	events  chan Tapped
	done    chan struct{}
	matched atomic.Int64 // events that met the condition, for sampling
	unseen  atomic.Int64
	rate    bucket
}

// Point returns the id of the point that is followed.
func (t *Tap) Point() string { return t.point.ID }

// Events returns where the followed events come from.
func (t *Tap) Events() <-chan Tapped { return t.events }

// Done is closed when the pipeline has ended or Close was called. What is in the buffer can still be received.
func (t *Tap) Done() <-chan struct{} { return t.done }

// Unseen returns how many events passed that the follower did not see because its rate, its buffer or the time for looking was used
// up. With a condition it is not known of them whether they met it.
func (t *Tap) Unseen() int64 { return t.unseen.Load() }

// Close ends the following.
func (t *Tap) Close() { t.set.remove(t) }

// taps are the followers of one pipeline.
type taps struct {
	// current is nil while nobody looks. Workers load it once a turn and look at nothing else; written under mu.
	current atomic.Pointer[tapSet]

	began time.Time // what the buckets count from
	time  bucket    // nanoseconds for looking

	mu    sync.Mutex
	ended bool // guarded by mu
}

// tapSet is a list of followers that does not change.
type tapSet struct{ taps []*Tap }

// Tap begins to follow the events that pass a point. The caller closes the Tap.
func (p *Pipeline) Tap(o TapOptions) (*Tap, error) {
	point, err := p.findPoint(o.At)
	if err != nil {
		return nil, err
	}
	o.Sample = max(1, o.Sample)
	if o.Rate <= 0 {
		o.Rate = 100
	}
	o.Rate = min(o.Rate, MaxTapRate)
	t := &Tap{set: &p.taps, point: point, options: o, events: make(chan Tapped, tapBuffer), done: make(chan struct{})}
	if o.If != "" {
		if t.condition, err = compileTapCondition(o.If); err != nil {
			return nil, err
		}
	}
	return t, p.taps.add(t)
}

func compileTapCondition(text string) (*cond.Condition, error) {
	if len(text) > MaxTapCondition {
		return nil, &TapConditionError{config.Diagnostics{config.Errorf(config.Place{}, "condition-too-long",
			"the condition has %d bytes; at most %d are allowed", len(text), MaxTapCondition)}}
	}
	f, parsed, diags := config.ParseCondition("if", text)
	if diags.HasErrors() {
		return nil, &TapConditionError{diags}
	}
	compiled, more := cond.Compile(f, parsed, compileTapRegexp)
	if diags = append(diags, more...); diags.HasErrors() {
		return nil, &TapConditionError{diags}
	}
	return compiled, nil
}

// compileTapRegexp is compileRegexp with little time for a match: a follower's pattern is as good as the person who typed it.
func compileTapRegexp(pattern string) (func() cond.Matcher, error) {
	re, err := onig.Compile(pattern)
	if err != nil {
		return nil, err
	}
	return func() cond.Matcher {
		m := re.NewMatcher()
		m.SetTimeout(tapMatchTimeout)
		return m
	}, nil
}

func (s *taps) now() time.Duration { return time.Since(s.began) }

func (s *taps) add(t *Tap) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return ErrPipelineEnded
	}
	var all []*Tap
	if set := s.current.Load(); set != nil {
		all = set.taps
	}
	if len(all) >= MaxFollowers {
		return fmt.Errorf("%w: %d follow this pipeline already", ErrTooManyFollowers, MaxFollowers)
	}
	s.current.Store(&tapSet{append(all[:len(all):len(all)], t)})
	return nil
}

func (s *taps) remove(t *Tap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := s.current.Load()
	if set == nil {
		return
	}
	var rest []*Tap
	for _, other := range set.taps {
		if other != t {
			rest = append(rest, other)
		}
	}
	if len(rest) == len(set.taps) {
		return
	}
	close(t.done)
	if rest == nil {
		s.current.Store(nil)
		return
	}
	s.current.Store(&tapSet{rest})
}

// end ends all followers; there will be no others.
func (s *taps) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if set := s.current.Swap(nil); set != nil {
		for _, t := range set.taps {
			close(t.done)
		}
	}
}

// Followers returns how many follow the pipeline's events.
func (p *Pipeline) Followers() int {
	if set := p.taps.current.Load(); set != nil {
		return len(set.taps)
	}
	return 0
}

// bucket limits something to a share of time, without a lock: level is the moment at which all that was taken is paid for.
type bucket struct{ level atomic.Int64 }

// open reports whether something may be taken at now, burst being what may be owed.
func (b *bucket) open(now, burst time.Duration) bool { return b.level.Load() <= int64(now+burst) }

// take takes what cost pays for.
func (b *bucket) take(now, cost time.Duration) {
	for {
		old := b.level.Load()
		if b.level.CompareAndSwap(old, max(old, int64(now))+int64(cost)) {
			return
		}
	}
}

// findPoint finds the point of an id: "filter:grok_1", "grok_1", "input", "output".
func (p *Pipeline) findPoint(at string) (tapPoint, error) {
	if at == "" {
		at = anyOutput
	}
	ids := make([]string, 0, 2*len(p.points))
	for _, name := range []func(*TapPoint) string{func(pt *TapPoint) string { return pt.ID }, func(pt *TapPoint) string { return pt.PluginID }} {
		for i := range p.points {
			if point := &p.points[i]; at == name(point) {
				return tapPoint{ID: point.ID, kind: point.Kind, id: point.PluginID}, nil
			}
			ids = append(ids, name(&p.points[i]))
		}
	}
	if hint := config.DidYouMean(at, ids); hint != "" {
		return tapPoint{}, fmt.Errorf("%w %q: %s", ErrNoTapPoint, at, hint)
	}
	return tapPoint{}, fmt.Errorf("%w %q", ErrNoTapPoint, at)
}
