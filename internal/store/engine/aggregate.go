package engine

import (
	"context"
	"errors"
	"fmt"

	"millrace/internal/store/query"
)

const (
	// maxBuckets is how many buckets the answer to a search may have, as search.max_buckets of Elasticsearch.
	maxBuckets = 65_536
	// maxGroups is how many groups an aggregation may count before the best of them are chosen: some 50 bytes each.
	maxGroups = 1 << 20
)

// ErrTooManyBuckets is in the chain of the error about aggregations that would take too much memory.
var ErrTooManyBuckets = errors.New("too many buckets")

// aggregator computes aggregations over what matched in all segments of a search.
type aggregator struct {
	ctx     context.Context
	segs    []*searched
	buckets int    // in the answer so far
	dense   uint64 // terms counted by ordinal so far
}

// grouping says which documents of a segment are in which buckets of the level above: it calls yield for each pair, documents in their
// order. The top has one bucket with all matches. Levels are functions of each other instead of lists, which would be as long as the
// matches.
type grouping struct {
	top  bool
	n    int // buckets
	each func(seg int, yield func(doc uint32, bucket int)) error
}

// root computes the aggregations of a search.
func (a *aggregator) root(aggs []query.Agg) ([]query.AggResult, error) {
	g := grouping{top: true, n: 1, each: a.matches}
	results, err := a.all(aggs, g)
	if err != nil {
		return nil, err
	}
	return results[0], nil
}

// matches yields all matches of a segment.
func (a *aggregator) matches(seg int, yield func(doc uint32, bucket int)) error {
	hits := a.segs[seg].hits
	for from := 0; from < len(hits); from += columnBlock / 64 {
		if err := a.ctx.Err(); err != nil {
			return err
		}
		part := hits[from:min(from+columnBlock/64, len(hits))]
		for doc, ok := part.next(0); ok; doc, ok = part.next(doc + 1) {
			yield(uint32(from*64)+doc, 0)
		}
	}
	return nil
}

// all computes aggregations for each bucket of a grouping.
func (a *aggregator) all(aggs []query.Agg, g grouping) ([][]query.AggResult, error) {
	results := make([][]query.AggResult, g.n)
	for i := range results {
		results[i] = make([]query.AggResult, len(aggs))
	}
	for i := range aggs {
		agg := &aggs[i]
		if err := a.ctx.Err(); err != nil {
			return nil, err
		}
		var of []query.AggResult
		var err error
		switch agg.Type {
		case query.AggTerms:
			if agg.Kind == query.Keyword {
				of, err = a.keywordTerms(agg, g)
			} else {
				of, err = a.numberTerms(agg, g)
			}
		case query.AggDateHistogram:
			of, err = a.dateHistogram(agg, g)
		case query.AggCardinality:
			of, err = a.cardinality(agg, g)
		case query.AggMin, query.AggMax, query.AggSum, query.AggAvg, query.AggCount:
			of, err = a.metric(agg, g)
		default:
			err = fmt.Errorf("aggregation %q: the engine knows no type %d", agg.Name, agg.Type)
		}
		if err != nil {
			return nil, err
		}
		for b := range results {
			of[b].Name = agg.Name
			results[b][i] = of[b]
		}
	}
	return results, nil
}

// addBuckets counts buckets of the answer.
func (a *aggregator) addBuckets(agg *query.Agg, n int) error {
	if a.buckets += n; a.buckets > maxBuckets {
		return fmt.Errorf("aggregation %q: %w: more than %d in one answer", agg.Name, ErrTooManyBuckets, maxBuckets)
	}
	return nil
}

func tooManyGroups(agg *query.Agg, n int) error {
	return fmt.Errorf("aggregation %q: %w: more than %d groups to count", agg.Name, ErrTooManyBuckets, n)
}

// valuesOf returns a reader of the values of an aggregation's field in a segment, as values of the aggregation's kind; nil where the
// segment has none such.
func (a *aggregator) valuesOf(agg *query.Agg, seg int) (*valueReader, error) {
	s := a.segs[seg]
	f := s.fields[agg.Field]
	if f == nil || f.col == nil || (f.kind == query.Keyword) != (agg.Kind == query.Keyword) {
		return nil, nil
	}
	present, err := s.presence(f)
	if err != nil {
		return nil, err
	}
	r := &valueReader{f: f, float: f.kind == query.Float, wantFloat: agg.Kind == query.Float}
	r.reset(s.src, f.col, present)
	return r, nil
}

type valueReader struct {
	columnReader
	f                *field
	float, wantFloat bool
}

// integers returns a document's values as integers; of floats, as integers of the same order.
func (r *valueReader) integers(doc uint32) []int64 {
	all := r.of(doc)
	if r.float != r.wantFloat {
		for i, v := range all {
			all[i] = r.convert(v)
		}
	}
	return all
}

// convert makes a value of the column one of the aggregation's kind.
func (r *valueReader) convert(v int64) int64 {
	switch {
	case r.float == r.wantFloat:
		return v
	case r.wantFloat:
		return sortableFloat(float64(v))
	}
	return int64(floatOf(v))
}

// number returns a value as integers returned it as a float.
func (r *valueReader) number(v int64) float64 {
	if r.wantFloat {
		return floatOf(v)
	}
	return float64(v)
}

// sub computes the aggregations under buckets, and puts them there. each is the grouping into them, by number.
func (a *aggregator) sub(agg *query.Agg, g grouping, buckets []*query.Bucket) error {
	if len(agg.Sub) == 0 || len(buckets) == 0 {
		return nil
	}
	results, err := a.all(agg.Sub, g)
	if err != nil {
		return err
	}
	for i, b := range buckets {
		b.Sub = results[i]
	}
	return nil
}
