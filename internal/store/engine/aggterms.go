package engine

import (
	"slices"

	"millrace/internal/store/query"
)

// maxDenseTerms is how many terms the segments of a search may have together where their documents are counted by ordinal: 128 MB.
const maxDenseTerms = 32 << 20

// ordCounts is how many documents of a segment have each ordinal, in each bucket of the level above.
type ordCounts struct {
	n      int      // buckets above
	dense  []uint32 // where there is one bucket above
	sparse map[uint64]int64
	zeros  bool // ordinals of no document are groups too
}

// countOrdinals counts a keyword's ordinals in a segment.
func (a *aggregator) countOrdinals(agg *query.Agg, g grouping, seg int, r *valueReader) (*ordCounts, error) {
	c := &ordCounts{n: g.n}
	terms := uint64(r.f.dict.terms)
	var failed error
	count := func(ord uint64, bucket int) { c.dense[ord]++ }
	if g.n == 1 {
		if a.dense += terms; a.dense > maxDenseTerms {
			return nil, tooManyGroups(agg, maxDenseTerms)
		}
		c.dense = make([]uint32, terms)
	} else {
		c.sparse = map[uint64]int64{}
		count = func(ord uint64, bucket int) {
			c.sparse[ord<<32|uint64(bucket)]++
			if len(c.sparse) > maxGroups {
				failed = tooManyGroups(agg, maxGroups)
			}
		}
	}
	err := g.each(seg, func(doc uint32, bucket int) {
		if failed != nil {
			return
		}
		for _, v := range r.of(doc) {
			if uint64(v) >= terms {
				failed = corrupt("ordinal")
				return
			}
			count(uint64(v), bucket)
		}
	})
	if failed != nil {
		return nil, failed
	}
	return c, err
}

// each calls do with all counts, by ordinal and then by bucket.
func (c *ordCounts) each(do func(ord uint32, bucket int, n int64) error) error {
	if c.dense != nil {
		for ord, n := range c.dense {
			if n > 0 || c.zeros {
				if err := do(uint32(ord), 0, int64(n)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for _, k := range sortedKeys(c.sparse) {
		if err := do(uint32(k>>32), int(uint32(k)), c.sparse[k]); err != nil {
			return err
		}
	}
	return nil
}

func sortedKeys(m map[uint64]int64) []uint64 {
	keys := make([]uint64, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// streams counts a field's terms in all segments.
func (a *aggregator) streams(agg *query.Agg, g grouping) ([]*termStream, error) {
	var all []*termStream
	for seg := range a.segs {
		r, err := a.valuesOf(agg, seg)
		if err != nil {
			return nil, err
		}
		if r == nil {
			continue
		}
		c, err := a.countOrdinals(agg, g, seg, r)
		if err == nil {
			err = r.err()
		}
		if err != nil {
			return nil, err
		}
		t := &termStream{c: c}
		if agg.MinCount == 0 && c.dense == nil {
			c.addZeros(r.f.dict.terms)
			if len(c.sparse) > maxGroups {
				return nil, tooManyGroups(agg, maxGroups)
			}
		}
		c.zeros = agg.MinCount == 0
		if c.dense == nil {
			t.keys = sortedKeys(c.sparse)
		}
		t.dict.reset(a.segs[seg].src, &r.f.dict, false)
		all = append(all, t)
	}
	return all, nil
}

// addZeros adds the groups that no document is in.
func (c *ordCounts) addZeros(terms uint32) {
	for ord := range terms {
		for b := range c.n {
			if len(c.sparse) > maxGroups {
				return
			}
			c.sparse[uint64(ord)<<32|uint64(b)] += 0
		}
	}
}

// keywordTerms merges the counted terms of all segments, which are sorted, so that only the best have to be kept.
func (a *aggregator) keywordTerms(agg *query.Agg, g grouping) ([]query.AggResult, error) {
	all, err := a.streams(agg, g)
	if err != nil {
		return nil, err
	}
	tops := newTops(agg, g.n)
	h := &streamHeap{}
	for _, t := range all {
		if t.load() {
			h.push(t)
		} else if t.err != nil {
			return nil, t.err
		}
	}
	counts := make([]int64, g.n)
	seen := make([]bool, g.n)
	var touched []int
	add := func(b int, n int64) {
		if !seen[b] {
			seen[b] = true
			touched = append(touched, b)
		}
		counts[b] += n
	}
	for merged := 0; len(*h) > 0; merged++ {
		if merged%maxTermsChecked == 0 && a.ctx.Err() != nil {
			return nil, a.ctx.Err()
		}
		term := (*h)[0].term
		for len(*h) > 0 && (*h)[0].term == term {
			if t := (*h)[0]; t.take(add) {
				h.fix()
			} else if t.err != nil {
				return nil, t.err
			} else {
				h.pop()
			}
		}
		for _, b := range touched {
			if err := tops[b].add(query.Bucket{Key: term, Count: counts[b]}); err != nil {
				return nil, err
			}
			counts[b], seen[b] = 0, false
		}
		touched = touched[:0]
	}
	return a.finishTerms(agg, g, tops, a.groupByTerm)
}

// groupByTerm returns the grouping of documents into chosen terms.
func (a *aggregator) groupByTerm(agg *query.Agg, g grouping, chosen []*query.Bucket, parent []int) grouping {
	each := func(seg int, yield func(doc uint32, bucket int)) error {
		r, err := a.valuesOf(agg, seg)
		if err != nil || r == nil {
			return err
		}
		var dict dictReader
		dict.reset(a.segs[seg].src, &r.f.dict, false)
		to := map[uint64]int{}
		for i, b := range chosen {
			t, ok, err := dict.lookup(b.Key)
			if err != nil {
				return err
			}
			if ok {
				to[uint64(t.ord)<<32|uint64(parent[i])] = i
			}
		}
		err = g.each(seg, func(doc uint32, bucket int) {
			for _, v := range r.of(doc) {
				if i, ok := to[uint64(v)<<32|uint64(bucket)]; ok {
					yield(doc, i)
				}
			}
		})
		if err == nil {
			err = r.err()
		}
		return err
	}
	return grouping{n: len(chosen), each: each}
}
