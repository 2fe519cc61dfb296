package engine

import (
	"slices"

	"millrace/internal/store/query"
)

// bucketer finds the buckets of times. Times of logs follow each other, so that it remembers a stretch of times known to be in one
// bucket and asks the calendar only outside it.
type bucketer struct {
	bounds        func(ms int64) int64
	start, latest int64
	known         bool
}

func (b *bucketer) of(ms int64) int64 {
	if b.known && ms >= b.start && ms <= b.latest {
		return b.start
	}
	start := b.bounds(ms)
	if b.known && start == b.start {
		b.latest = max(b.latest, ms)
		return start
	}
	b.start, b.latest, b.known = start, ms, true
	return start
}

// histogramCounts are the documents in each bucket of time, in each bucket of the level above.
type histogramCounts struct {
	counts map[numberGroup]*int64
	last   numberGroup
	n      *int64
}

func (h *histogramCounts) add(bucket int, start, n int64) {
	if k := (numberGroup{bucket, start}); h.n == nil || k != h.last {
		h.last = k
		if h.n = h.counts[k]; h.n == nil {
			h.n = new(int64)
			h.counts[k] = h.n
		}
	}
	*h.n += n
}

func (a *aggregator) dateHistogram(agg *query.Agg, g grouping) ([]query.AggResult, error) {
	h := &histogramCounts{counts: map[numberGroup]*int64{}}
	for seg := range a.segs {
		r, err := a.valuesOf(agg, seg)
		if err != nil {
			return nil, err
		}
		if r == nil {
			continue
		}
		if g.top && r.present.set == nil && r.col.starts == nil && r.float == r.wantFloat {
			err = a.histogramBlocks(agg, seg, r, h)
		} else {
			err = a.histogramDocs(agg, g, seg, r, h)
		}
		if err == nil {
			err = r.err()
		}
		if err != nil {
			return nil, err
		}
	}
	return a.finishHistogram(agg, g, h)
}

// histogramBlocks counts the matches of whole blocks that are in one bucket, without reading their values.
func (a *aggregator) histogramBlocks(agg *query.Agg, seg int, r *valueReader, h *histogramCounts) error {
	b := &bucketer{bounds: agg.Bounds}
	hits := a.segs[seg].hits
	for i := range r.col.values.blocks {
		if err := a.ctx.Err(); err != nil {
			return err
		}
		m := &r.col.values.blocks[i]
		from := uint32(i * columnBlock)
		to := from + uint32(r.col.values.blockLen(i))
		n := hits.countRange(from, to)
		if n == 0 {
			continue
		}
		if start := b.of(m.min); b.of(m.max) == start {
			h.add(0, start, int64(n))
			continue
		}
		for doc, ok := hits.next(from); ok && doc < to; doc, ok = hits.next(doc + 1) {
			h.add(0, b.of(r.values.at(doc)), 1)
		}
		if len(h.counts) > maxBuckets {
			return tooManyGroups(agg, maxBuckets)
		}
	}
	return nil
}

func (a *aggregator) histogramDocs(agg *query.Agg, g grouping, seg int, r *valueReader, h *histogramCounts) error {
	b := &bucketer{bounds: agg.Bounds}
	err := g.each(seg, func(doc uint32, bucket int) {
		if len(h.counts) <= maxBuckets {
			eachStart(r, b, doc, func(start int64) { h.add(bucket, start, 1) })
		}
	})
	if len(h.counts) > maxBuckets {
		return tooManyGroups(agg, maxBuckets)
	}
	return err
}

// eachStart calls do with each bucket that a document's times are in, once.
func eachStart(r *valueReader, b *bucketer, doc uint32, do func(start int64)) {
	before, first := int64(0), true
	for _, v := range r.integers(doc) {
		if start := b.of(v); first || start != before {
			do(start)
			before, first = start, false
		}
	}
}

// finishHistogram makes buckets of the counts, with those between them that no document is in where these are wanted.
func (a *aggregator) finishHistogram(agg *query.Agg, g grouping, h *histogramCounts) ([]query.AggResult, error) {
	results := make([]query.AggResult, g.n)
	for k, n := range h.counts {
		if *n >= int64(agg.MinCount) {
			results[k.bucket].Buckets = append(results[k.bucket].Buckets, query.Bucket{Int: k.value, Count: *n})
		}
	}
	var chosen []*query.Bucket
	to := map[numberGroup]int{}
	for p := range results {
		r := &results[p]
		slices.SortFunc(r.Buckets, func(x, y query.Bucket) int { return compareInts(x.Int, y.Int) })
		if agg.MinCount <= 0 {
			var err error
			if r.Buckets, err = a.fillHoles(agg, r.Buckets); err != nil {
				return nil, err
			}
		}
		if err := a.addBuckets(agg, len(r.Buckets)); err != nil {
			return nil, err
		}
		for i := range r.Buckets {
			to[numberGroup{p, r.Buckets[i].Int}] = len(chosen)
			chosen = append(chosen, &r.Buckets[i])
		}
	}
	each := func(seg int, yield func(doc uint32, bucket int)) error {
		r, err := a.valuesOf(agg, seg)
		if err != nil || r == nil {
			return err
		}
		b := &bucketer{bounds: agg.Bounds}
		err = g.each(seg, func(doc uint32, bucket int) {
			eachStart(r, b, doc, func(start int64) {
				if i, ok := to[numberGroup{bucket, start}]; ok {
					yield(doc, i)
				}
			})
		})
		if err == nil {
			err = r.err()
		}
		return err
	}
	return results, a.sub(agg, grouping{n: len(chosen), each: each}, chosen)
}

// fillHoles adds the empty buckets between others.
func (a *aggregator) fillHoles(agg *query.Agg, buckets []query.Bucket) ([]query.Bucket, error) {
	var filled []query.Bucket
	for i := range buckets {
		for len(filled) > 0 {
			next := nextStart(agg.Bounds, filled[len(filled)-1].Int, buckets[i].Int)
			if next >= buckets[i].Int {
				break
			}
			if filled = append(filled, query.Bucket{Int: next}); len(filled) > maxBuckets {
				return nil, tooManyGroups(agg, maxBuckets)
			}
		}
		filled = append(filled, buckets[i])
	}
	return filled, nil
}

// nextStart returns the start of the bucket after another, at most limit: calendars have no fixed length, so that it is searched for, by
// steps that double and then by halves.
func nextStart(bounds func(int64) int64, start, limit int64) int64 {
	step := int64(1)
	for start+step < limit && bounds(start+step) == start {
		step *= 2
	}
	lo, hi := start+step/2, min(start+step, limit) // bounds(lo) is start, bounds(hi) is later
	for hi-lo > 1 {
		if mid := lo + (hi-lo)/2; bounds(mid) == start {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}
