package engine

import (
	"encoding/binary"
	"math"

	"github.com/cespare/xxhash/v2"

	"millrace/internal/store/query"
)

// metricState is a running metric of one bucket. The sum is Kahan's, as Elasticsearch's, so that long sums agree to the last digit.
type metricState struct {
	count    int64
	min, max float64
	sum, low float64
}

func (m *metricState) add(v float64) {
	m.count++
	if m.count == 1 {
		m.min, m.max = v, v
	} else {
		m.min, m.max = min(m.min, v), max(m.max, v)
	}
	if math.IsInf(v, 0) || math.IsNaN(v) {
		m.sum += v
	}
	if !math.IsInf(m.sum, 0) && !math.IsNaN(m.sum) {
		corrected := v + m.low
		updated := m.sum + corrected
		m.low = corrected - (updated - m.sum)
		m.sum = updated
	}
}

func (m *metricState) result(t query.AggType) query.AggResult {
	r := query.AggResult{Count: m.count}
	switch {
	case t == query.AggCount:
		r.Value = float64(m.count)
	case t == query.AggSum:
		r.Value = m.sum
	case m.count == 0:
	case t == query.AggMin:
		r.Value = m.min
	case t == query.AggMax:
		r.Value = m.max
	case t == query.AggAvg:
		r.Value = m.sum / float64(m.count)
	}
	return r
}

func (a *aggregator) metric(agg *query.Agg, g grouping) ([]query.AggResult, error) {
	states := make([]metricState, g.n)
	for seg := range a.segs {
		r, err := a.valuesOf(agg, seg)
		if err != nil {
			return nil, err
		}
		if r == nil {
			continue
		}
		keyword := agg.Kind == query.Keyword
		err = g.each(seg, func(doc uint32, bucket int) {
			if keyword {
				states[bucket].count += int64(len(r.of(doc)))
				return
			}
			for _, v := range r.integers(doc) {
				states[bucket].add(r.number(v))
			}
		})
		if err == nil {
			err = r.err()
		}
		if err != nil {
			return nil, err
		}
	}
	results := make([]query.AggResult, g.n)
	for i := range results {
		results[i] = states[i].result(agg.Type)
	}
	return results, nil
}

// cardinality counts different values by their hashes.
func (a *aggregator) cardinality(agg *query.Agg, g grouping) ([]query.AggResult, error) {
	counts := make([]distinct, g.n)
	for seg := range a.segs {
		r, err := a.valuesOf(agg, seg)
		if err != nil {
			return nil, err
		}
		if r == nil {
			continue
		}
		if agg.Kind == query.Keyword {
			err = a.distinctTerms(agg, g, seg, r, counts)
		} else {
			err = g.each(seg, func(doc uint32, bucket int) {
				for _, v := range r.integers(doc) {
					counts[bucket].add(xxhash.Sum64(binary.LittleEndian.AppendUint64(nil, uint64(v))))
				}
			})
		}
		if err == nil {
			err = r.err()
		}
		if err != nil {
			return nil, err
		}
	}
	results := make([]query.AggResult, g.n)
	for i := range results {
		results[i].Value = counts[i].estimate()
		results[i].Count = int64(results[i].Value)
	}
	return results, nil
}

// distinctTerms adds each term of a segment once to each bucket.
func (a *aggregator) distinctTerms(agg *query.Agg, g grouping, seg int, r *valueReader, counts []distinct) error {
	c, err := a.countOrdinals(agg, g, seg, r)
	if err != nil {
		return err
	}
	var dict dictReader
	dict.reset(a.segs[seg].src, &r.f.dict, false)
	return c.each(func(ord uint32, bucket int, _ int64) error {
		term, err := dict.termAt(ord)
		if err != nil {
			return err
		}
		counts[bucket].add(xxhash.Sum64(term))
		return nil
	})
}
