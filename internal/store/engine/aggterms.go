package engine

import (
	"slices"
	"strings"

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

// termStream is the counted terms of one segment in their order.
type termStream struct {
	dict dictReader
	c    *ordCounts
	keys []uint64 // of sparse counts: ordinal<<32 | bucket
	at   int      // in keys, or the ordinal
	term string
	err  error
}

// load makes the next term from at on the current one; it reports false at the end.
func (t *termStream) load() bool {
	var ord uint32
	if t.c.dense != nil {
		for !t.c.zeros && t.at < len(t.c.dense) && t.c.dense[t.at] == 0 {
			t.at++
		}
		if t.at == len(t.c.dense) {
			return false
		}
		ord = uint32(t.at)
	} else {
		if t.at == len(t.keys) {
			return false
		}
		ord = uint32(t.keys[t.at] >> 32)
	}
	term, err := t.dict.termAt(ord)
	if err != nil {
		t.err = err
		return false
	}
	t.term = string(term)
	return true
}

// take calls add with the counts of the current term, and goes on to the next.
func (t *termStream) take(add func(bucket int, n int64)) bool {
	if t.c.dense != nil {
		add(0, int64(t.c.dense[t.at]))
		t.at++
		return t.load()
	}
	ord := t.keys[t.at] >> 32
	for ; t.at < len(t.keys) && t.keys[t.at]>>32 == ord; t.at++ {
		add(int(uint32(t.keys[t.at])), t.c.sparse[t.keys[t.at]])
	}
	return t.load()
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

// streamHeap has the stream of the least term on top.
type streamHeap []*termStream

func (h *streamHeap) push(t *termStream) {
	*h = append(*h, t)
	s := *h
	for i := len(s) - 1; i > 0 && s[i].term < s[(i-1)/2].term; i = (i - 1) / 2 {
		s[i], s[(i-1)/2] = s[(i-1)/2], s[i]
	}
}

func (h *streamHeap) pop() {
	s := *h
	s[0] = s[len(s)-1]
	*h = s[:len(s)-1]
	h.fix()
}

func (h *streamHeap) fix() {
	s := *h
	for i := 0; ; {
		least := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < len(s) && s[down].term < s[least].term {
				least = down
			}
		}
		if least == i {
			return
		}
		s[i], s[least] = s[least], s[i]
		i = least
	}
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

// numberGroup is a value in a bucket of the level above.
type numberGroup struct {
	bucket int
	value  int64
}

// numberTerms counts the values of numbers.
func (a *aggregator) numberTerms(agg *query.Agg, g grouping) ([]query.AggResult, error) {
	counts := map[numberGroup]int64{}
	var failed error
	for seg := range a.segs {
		r, err := a.valuesOf(agg, seg)
		if err != nil {
			return nil, err
		}
		if r == nil {
			continue
		}
		err = g.each(seg, func(doc uint32, bucket int) {
			all := r.integers(doc)
			for i, v := range all {
				if i == 0 || all[i-1] != v {
					counts[numberGroup{bucket, v}]++
				}
			}
			if len(counts) > maxGroups {
				failed = tooManyGroups(agg, maxGroups)
			}
		})
		if err == nil && agg.MinCount == 0 {
			for i := uint32(0); i < r.col.values.n && len(counts) <= maxGroups; i++ {
				v := r.convert(r.values.at(i))
				for b := range g.n {
					counts[numberGroup{b, v}] += 0
				}
			}
		}
		if err == nil {
			err = r.err()
		}
		if err == nil {
			err = failed
		}
		if err != nil {
			return nil, err
		}
	}
	tops := newTops(agg, g.n)
	for k, n := range counts {
		b := query.Bucket{Int: k.value, Count: n}
		if agg.Kind == query.Float {
			b.Int, b.Float = 0, floatOf(k.value)
		}
		if err := tops[k.bucket].add(b); err != nil {
			return nil, err
		}
	}
	return a.finishTerms(agg, g, tops, a.groupByNumber)
}

// groupByNumber returns the grouping of documents into chosen values.
func (a *aggregator) groupByNumber(agg *query.Agg, g grouping, chosen []*query.Bucket, parent []int) grouping {
	to := map[numberGroup]int{}
	for i, b := range chosen {
		v := b.Int
		if agg.Kind == query.Float {
			v = sortableFloat(b.Float)
		}
		to[numberGroup{parent[i], v}] = i
	}
	each := func(seg int, yield func(doc uint32, bucket int)) error {
		r, err := a.valuesOf(agg, seg)
		if err != nil || r == nil {
			return err
		}
		err = g.each(seg, func(doc uint32, bucket int) {
			all := r.integers(doc)
			for i, v := range all {
				if n, ok := to[numberGroup{bucket, v}]; ok && (i == 0 || all[i-1] != v) {
					yield(doc, n)
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

func compareBucketKeys(kind query.Kind, a, b *query.Bucket) int {
	switch kind {
	case query.Keyword:
		return strings.Compare(a.Key, b.Key)
	case query.Float:
		a, b := sortableFloat(a.Float), sortableFloat(b.Float)
		return compareInts(a, b)
	}
	return compareInts(a.Int, b.Int)
}

func compareInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
