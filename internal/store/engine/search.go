package engine

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"millrace/internal/store/query"
)

// maxWindow is how many hits a search may ask for, from and size together: what is kept for each is bounded by it.
const maxWindow = 100_000

// Search answers a search over the documents as they are now. It works segment by segment: first a set of all that matches, then scores,
// sort keys and the best so far, at last aggregations over the sets.
func (e *Engine) Search(ctx context.Context, q *query.Search) (*query.Result, error) {
	begun := time.Now()
	r, err := e.search(ctx, q)
	e.counters.searches.Add(1)
	e.counters.searchNanos.Add(int64(time.Since(begun)))
	if err != nil && ctx.Err() != nil {
		e.counters.cancelled.Add(1)
		return nil, ctx.Err()
	}
	return r, err
}

// searched is one segment in a search: the matches, and scratch space.
type searched struct {
	view
	ctx    context.Context
	target int
	nth    int // which of the target's segments
	hits   bitset
	pool   *bitsetPool
	p      postings
	buf    []byte
}

func (e *Engine) search(ctx context.Context, q *query.Search) (*query.Result, error) {
	if q.From < 0 || q.Size < 0 || q.From+q.Size > maxWindow {
		return nil, fmt.Errorf("from %d and size %d: at most %d hits can be asked for", q.From, q.Size, maxWindow)
	}
	targets, release, err := e.targets(ctx, q)
	defer release()
	if err != nil {
		return nil, err
	}
	r := &query.Result{TotalExact: true}
	wantScore := q.Size > 0 && needsScore(q)
	var all []*searched
	var nodes []node
	for i := range targets {
		t := &target{ctx: ctx, segs: targets[i], scoring: wantScore}
		n, err := t.compile(q.Targets[i].Query, 1)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
		for _, s := range targets[i] {
			if err := s.match(n); err != nil {
				return nil, err
			}
			r.Total += int64(s.hits.count())
			all = append(all, s)
		}
	}
	if q.TrackTotal >= 0 && r.Total > int64(q.TrackTotal) {
		r.Total, r.TotalExact = int64(q.TrackTotal), false
	}
	if q.Size > 0 {
		if err := collect(ctx, q, nodes, all, r); err != nil {
			return nil, err
		}
	}
	if len(q.Aggs) > 0 {
		a := &aggregator{ctx: ctx, segs: all}
		if r.Aggs, err = a.root(q.Aggs); err != nil {
			return nil, err
		}
	}
	return r, ctx.Err()
}

// needsScore tells whether a search has a use for scores.
func needsScore(q *query.Search) bool {
	if len(q.Sort) == 0 || q.NeedScore {
		return true
	}
	return slices.ContainsFunc(q.Sort, func(s query.Sort) bool { return s.Field == fieldScore })
}

// targets returns the segments of each target as they are at one moment, and a function that gives them back.
func (e *Engine) targets(ctx context.Context, q *query.Search) ([][]*searched, func(), error) {
	pool := &bitsetPool{}
	var all [][]*searched
	release := func() {
		for _, segs := range all {
			for _, s := range segs {
				if err := s.release(); err != nil {
					e.o.Log.Warn("closing a segment", "error", err)
				}
			}
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, t := range q.Targets {
		ix, err := e.indexLocked(t.Index)
		if err != nil {
			return nil, release, err
		}
		var segs []*searched
		for n, v := range ix.snapshot() {
			segs = append(segs, &searched{view: v, ctx: ctx, target: i, nth: n, pool: pool})
		}
		all = append(all, segs)
	}
	return all, release, nil
}

// match finds what a query matches in a segment.
func (s *searched) match(n node) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	set, err := n.match(s)
	if err != nil {
		return err
	}
	s.hits = set.materialize(s)
	if s.deleted != nil {
		s.hits.andNot(s.deleted)
	}
	return nil
}

// bitsetPool keeps the sets of a search that are free again.
type bitsetPool struct{ free []bitset }

// set returns an empty set of the segment's documents.
func (s *searched) set() bitset {
	n := int((uint64(s.docs) + 63) / 64)
	for i, b := range s.pool.free {
		if cap(b) >= n {
			s.pool.free = slices.Delete(s.pool.free, i, i+1)
			b = b[:n]
			clear(b)
			return b
		}
	}
	return make(bitset, n)
}

func (s *searched) free(b bitset) {
	if b != nil && len(s.pool.free) < 16 {
		s.pool.free = append(s.pool.free, b)
	}
}

// docset is what a query matches in a segment: all documents, or those of a set, which may be nil. It belongs to who asked for it.
type docset struct {
	all  bool
	bits bitset
}

var everything, nothing = docset{all: true}, docset{}

func (d docset) none() bool { return !d.all && d.bits == nil }

// materialize makes a set of the segment's own.
func (d docset) materialize(s *searched) bitset {
	if d.bits != nil {
		return d.bits
	}
	b := s.set()
	if d.all {
		b.setRange(0, s.docs)
	}
	return b
}

// orNone gives an empty set back.
func (s *searched) orNone(b bitset) docset {
	for _, w := range b {
		if w != 0 {
			return docset{bits: b}
		}
	}
	s.free(b)
	return nothing
}

// intersect and unite consume both sets.
func (s *searched) intersect(a, b docset) docset {
	switch {
	case a.all:
		return b
	case b.all:
		return a
	case a.none() || b.none():
		s.free(a.bits)
		s.free(b.bits)
		return nothing
	}
	a.bits.and(b.bits)
	s.free(b.bits)
	return s.orNone(a.bits)
}

func (s *searched) unite(a, b docset) docset {
	switch {
	case a.all || b.none():
		s.free(b.bits)
		return a
	case b.all || a.none():
		s.free(a.bits)
		return b
	}
	a.bits.or(b.bits)
	s.free(b.bits)
	return a
}

func (s *searched) subtract(a, b docset) docset {
	switch {
	case b.none() || a.none():
		return a
	case b.all:
		s.free(a.bits)
		return nothing
	}
	bits := a.materialize(s)
	bits.andNot(b.bits)
	s.free(b.bits)
	return s.orNone(bits)
}

// readNorms returns the norms of a text field by place.
func (s *searched) readNorms(f *field) ([]byte, ranked, error) {
	present, err := s.presence(f)
	if err != nil {
		return nil, present, err
	}
	var buf []byte
	norms, err := s.src.view(f.normsAt, uint64(f.present), &buf)
	return norms, present, err
}

// clampInt returns a float as the integer of a long field, and whether it is one.
func clampInt(v float64) (int64, bool) {
	if v != math.Trunc(v) || v < math.MinInt64 || v >= math.MaxInt64 {
		return 0, false
	}
	return int64(v), true
}
