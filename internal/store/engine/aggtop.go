package engine

import (
	"fmt"
	"math"
	"slices"

	"millrace/internal/store/query"
)

// top keeps the best buckets of a terms aggregation, in one bucket of the level above.
type top struct {
	agg  *query.Agg
	all  bool // the order is known only later: keep every bucket
	heap []query.Bucket
	docs int64 // in all buckets that may be returned
}

func newTops(agg *query.Agg, n int) []*top {
	tops := make([]*top, n)
	for i := range tops {
		tops[i] = &top{agg: agg, all: byMetric(agg)}
	}
	return tops
}

// byMetric tells whether the order of an aggregation is by one of those under it.
func byMetric(agg *query.Agg) bool {
	return slices.ContainsFunc(agg.Order, func(o query.Order) bool { return o.By != "_count" && o.By != "_key" })
}

// compare orders buckets as Order says, then by key.
func (t *top) compare(a, b *query.Bucket) int {
	if len(t.agg.Order) == 0 {
		if order := compareInts(b.Count, a.Count); order != 0 {
			return order
		}
	}
	for _, o := range t.agg.Order {
		order := 0
		switch o.By {
		case "_count":
			order = compareInts(a.Count, b.Count)
		case "_key":
			order = compareBucketKeys(t.agg.Kind, a, b)
		default:
			x, y := t.metric(o.By, a), t.metric(o.By, b)
			if math.IsNaN(x) != math.IsNaN(y) { // an average of nothing comes last in either direction
				if math.IsNaN(x) {
					return 1
				}
				return -1
			}
			order = compareFloats(x, y)
		}
		if o.Descending {
			order = -order
		}
		if order != 0 {
			return order
		}
	}
	return compareBucketKeys(t.agg.Kind, a, b)
}

func compareFloats(x, y float64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// metric returns the value of a metric under a bucket; of no values, what Elasticsearch orders by then.
func (t *top) metric(name string, b *query.Bucket) float64 {
	for i := range b.Sub {
		r := &b.Sub[i]
		if r.Name != name {
			continue
		}
		if r.Count == 0 {
			switch t.agg.Sub[i].Type {
			case query.AggMin:
				return math.Inf(1)
			case query.AggMax:
				return math.Inf(-1)
			case query.AggAvg:
				return math.NaN()
			}
		}
		return r.Value
	}
	return math.NaN()
}

// add takes a bucket if it may be among the best.
func (t *top) add(b query.Bucket) error {
	if b.Count < int64(t.agg.MinCount) {
		return nil
	}
	t.docs += b.Count
	if t.all {
		if len(t.heap) >= maxBuckets {
			return tooManyGroups(t.agg, maxBuckets)
		}
		t.heap = append(t.heap, b)
		return nil
	}
	if len(t.heap) < t.agg.Size {
		t.heap = append(t.heap, b)
		for i := len(t.heap) - 1; i > 0; {
			up := (i - 1) / 2
			if t.compare(&t.heap[i], &t.heap[up]) <= 0 {
				break
			}
			t.heap[i], t.heap[up] = t.heap[up], t.heap[i]
			i = up
		}
		return nil
	}
	if len(t.heap) == 0 || t.compare(&b, &t.heap[0]) >= 0 {
		return nil
	}
	t.heap[0] = b
	for i := 0; ; {
		worst := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < len(t.heap) && t.compare(&t.heap[down], &t.heap[worst]) > 0 {
				worst = down
			}
		}
		if worst == i {
			return nil
		}
		t.heap[i], t.heap[worst] = t.heap[worst], t.heap[i]
		i = worst
	}
}

// finishTerms computes what is under the chosen buckets, and brings these into their order.
func (a *aggregator) finishTerms(agg *query.Agg, g grouping, tops []*top, group func(*query.Agg, grouping, []*query.Bucket, []int) grouping) ([]query.AggResult, error) {
	for _, o := range agg.Order {
		if o.By != "_count" && o.By != "_key" && !slices.ContainsFunc(agg.Sub, func(s query.Agg) bool { return s.Name == o.By }) {
			return nil, fmt.Errorf("aggregation %q: its order names %q, which is not under it", agg.Name, o.By)
		}
	}
	var chosen []*query.Bucket
	var parent []int
	for p, t := range tops {
		for i := range t.heap {
			chosen = append(chosen, &t.heap[i])
			parent = append(parent, p)
		}
	}
	if err := a.addBuckets(agg, len(chosen)); err != nil {
		return nil, err
	}
	if len(agg.Sub) > 0 {
		if err := a.sub(agg, group(agg, g, chosen, parent), chosen); err != nil {
			return nil, err
		}
	}
	results := make([]query.AggResult, g.n)
	for i, t := range tops {
		slices.SortFunc(t.heap, func(x, y query.Bucket) int { return t.compare(&x, &y) })
		results[i].Buckets = t.heap[:min(len(t.heap), agg.Size)]
		results[i].Other = t.docs
		for _, b := range results[i].Buckets {
			results[i].Other -= b.Count
		}
	}
	return results, nil
}
