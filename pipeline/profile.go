package pipeline

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"millrace/pipeline/config"
)

// ProfileOptions say how a pipeline is profiled.
type ProfileOptions struct {
	// Share bounds the load: a worker is timed for one of so many parts of the time that passes. 0 and 1 are all of it.
	Share int
	// TryAll is for how long patterns behind the one that matches are tried too, to learn whether their order matters.
	TryAll time.Duration
	// Clock returns nanoseconds; nil is the real clock.
	Clock func() int64
}

// PartKind is what a part of a profile is.
type PartKind string

// The kinds of parts.
const (
	PartPipeline  PartKind = "pipeline"  // what is nobody else's: making events, handing them on
	PartDecode    PartKind = "decode"    // an input's codec
	PartFilter    PartKind = "filter"    // a filter with its common options, without its patterns
	PartPattern   PartKind = "pattern"   // a pattern of the filter before it
	PartBranch    PartKind = "branch"    // the condition of an arm of an if
	PartOutput    PartKind = "output"    // the encoding of events for an output
	PartFlush     PartKind = "flush"     // an output's taking of what was encoded, and the wait for it
	PartFollowers PartKind = "followers" // showing events to those who follow them
)

// ProfilePart is one part of a config, and in a snapshot what it did and what that took.
type ProfilePart struct {
	Kind   PartKind
	Plugin *PluginStats // whose it is; nil for branches and the pipeline's own parts
	Codec  string       // of PartDecode
	Place  config.Place // no file: the config does not name it
	Parent int          // of a statement the branch that it stands in, of a pattern its filter; -1: none

	Branch string // "if", "else if" or "else"
	Head   string // its text up to the brace, in one line
	Last   bool   // no else follows: events for which it does not hold go past the whole if

	Field      string // that a pattern is matched against
	Number, Of int    // of a pattern among those of its filter

	PartCounts
}

// PartCounts are what a part did. Times are without the cost of taking them.
type PartCounts struct {
	Nanos     int64            // spent in the part itself, not in its patterns
	Records   int64            // that a codec decoded
	Events    int64            // that a codec made, that reached a filter, branch or output; texts on which a pattern was tried
	Held      int64            // events that a filter or pattern matched, for which a condition held
	Cancelled int64            // events that a filter cancelled
	Made      int64            // events that a filter made
	Tags      map[string]int64 // tags that the filter itself gave, by name: what failed, most of the time

	// Of patterns alone.
	RuledOut    int64 // texts that told by a look for all patterns that this one cannot match
	AlsoMatched int64 // texts that an earlier pattern took and this one matches too
	Failed      int64 // tries that failed, those after another pattern had matched included
	FailedNanos int64 // what these took
	Before      int64 // what the tries before it took, on texts that it matched
	Every       bool  // the filter goes on with the next pattern after one matched
}

// ProfileSnapshot is what a profile has found so far.
type ProfileSnapshot struct {
	Parts    []ProfilePart
	Turns    int64         // of workers that were timed
	Took     time.Duration // for these, the cost of timing included
	Overhead time.Duration // of one interval between two readings of the clock, which is taken off
}

// Errors of [Pipeline.Profile] beside [ErrPipelineEnded].
var ErrProfiled = errors.New("the pipeline is being profiled already")

// Profile times the parts of a running pipeline. While there is none the pipeline's program has no trace of it.
type Profile struct {
	set     *profiling
	parts   []ProfilePart
	options ProfileOptions
	clock   func() int64
	began   int64
	cost    clockCost
	done    chan struct{}
	changed chan struct{} // has one if something was added since somebody looked

	mu      sync.Mutex
	cells   []cell
	tags    []map[string]int64
	turns   int64
	took    int64
	records int64
}

// profiling is the profile of a pipeline that is under way, if there is one.
type profiling struct {
	current atomic.Pointer[Profile] // workers load it once a turn; written under mu

	mu    sync.Mutex
	ended bool // guarded by mu
}

// Profile begins to time the parts of the pipeline. The caller stops it.
func (p *Pipeline) Profile(o ProfileOptions) (*Profile, error) {
	pr := &Profile{
		set: &p.profile, parts: p.parts, options: o, clock: o.Clock, done: make(chan struct{}), changed: make(chan struct{}, 1),
		cells: make([]cell, len(p.parts)), tags: make([]map[string]int64, len(p.parts)),
	}
	if pr.clock == nil {
		began := time.Now()
		pr.clock = func() int64 { return int64(time.Since(began)) }
	}
	pr.cost = measureClock(pr.clock)
	pr.began = pr.clock()
	s := &p.profile
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return nil, ErrPipelineEnded
	case s.current.Load() != nil:
		return nil, ErrProfiled
	}
	s.current.Store(pr)
	return pr, nil
}

// Stop ends the profile. A turn that a worker is in the middle of is still added.
func (pr *Profile) Stop() {
	pr.set.mu.Lock()
	defer pr.set.mu.Unlock()
	if pr.set.current.CompareAndSwap(pr, nil) {
		close(pr.done)
	}
}

// Done is closed when the profile was stopped or the pipeline has ended.
func (pr *Profile) Done() <-chan struct{} { return pr.done }

// end ends the profile that is under way; there will be no other.
func (s *profiling) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if pr := s.current.Swap(nil); pr != nil {
		close(pr.done)
	}
}

// add takes over what a worker measured in one turn.
func (pr *Profile) add(t *timing, took int64) {
	pr.mu.Lock()
	for i := range t.cells {
		pr.cells[i].add(&t.cells[i])
		pr.records += t.cells[i].records
		for name, n := range t.tags[i] {
			if pr.tags[i] == nil {
				pr.tags[i] = make(map[string]int64)
			}
			pr.tags[i][name] += n
		}
	}
	pr.turns++
	pr.took += took
	pr.mu.Unlock()
	select {
	case pr.changed <- struct{}{}:
	default:
	}
}

// Await waits until so many records were decoded and timed, for one who knows how many he sent.
func (pr *Profile) Await(ctx context.Context, records int64) error {
	for {
		pr.mu.Lock()
		enough := pr.records >= records
		pr.mu.Unlock()
		if enough {
			return nil
		}
		select {
		case <-pr.changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-pr.done:
			return ErrPipelineEnded
		}
	}
}

// Snapshot returns what the profile has found so far.
func (pr *Profile) Snapshot() ProfileSnapshot {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	s := ProfileSnapshot{
		Parts: slices.Clone(pr.parts), Turns: pr.turns, Took: time.Duration(pr.took), Overhead: time.Duration(pr.cost.inside + pr.cost.outside),
	}
	looks, asks := int64(0), int64(0)
	for i := range s.Parts {
		s.Parts[i].PartCounts = pr.cells[i].counts(&pr.cost)
		s.Parts[i].Tags = maps.Clone(pr.tags[i])
		switch s.Parts[i].Kind {
		case PartFilter:
			looks += pr.cells[i].events
		case PartBranch, PartFollowers:
			asks += pr.cells[i].events
		}
	}
	own := &s.Parts[0].PartCounts
	own.Nanos = max(0, own.Nanos-int64(float64(looks)*pr.cost.look+float64(asks)*pr.cost.ask))
	return s
}
