package engine

import (
	"strings"

	"millrace/internal/store/query"
)

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
