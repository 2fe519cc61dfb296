package engine

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/store/query"
)

// filled returns an engine with an index of documents that have the given fields.
func filled(t *testing.T, index string, e *Engine, docs ...[]query.Field) *Engine {
	t.Helper()
	if e == nil {
		var err error
		e, err = Open(Options{Dir: t.TempDir(), MaxAge: -1})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, e.Close()) })
	}
	require.NoError(t, e.CreateIndex(index, nil))
	for i, fields := range docs {
		_, err := e.Apply(context.Background(), []query.Op{{Kind: query.Create, IfSeqNo: -1, Doc: query.Doc{Index: index, ID: fmt.Sprint(i), Fields: fields}}})
		require.NoError(t, err)
	}
	return e
}

func aggregate(e *Engine, q query.Query, aggs ...query.Agg) ([]query.AggResult, error) {
	r, err := e.Search(context.Background(), &query.Search{Targets: []query.Target{{Index: "a", Query: q}}, Aggs: aggs})
	if err != nil {
		return nil, err
	}
	return r.Aggs, nil
}

func word(name, v string) query.Field {
	return query.Field{Name: name, Kind: query.Keyword, Terms: []string{v}}
}

func number(name string, v int64) query.Field {
	return query.Field{Name: name, Kind: query.Int, Ints: []int64{v}}
}

// TestEmptyBuckets: with a least count of 0, values of documents that do not match are buckets too.
func TestEmptyBuckets(t *testing.T) {
	e := filled(t, "a", nil, []query.Field{word("k", "x"), number("n", 1)}, []query.Field{word("k", "y"), number("n", 2)})
	require.NoError(t, e.flush(context.Background()))
	filled(t, "a", e, nil, nil, []query.Field{word("k", "x"), number("n", 1)}) // the first two IDs are there already
	counts := func(r query.AggResult) string {
		s := ""
		for _, b := range r.Buckets {
			s += fmt.Sprint(b.Key, b.Int, ":", b.Count, " ")
			for _, sub := range b.Sub {
				for _, b := range sub.Buckets {
					s += fmt.Sprint("(", b.Key, b.Int, ":", b.Count, ")")
				}
			}
		}
		return s
	}
	x := query.Term{Field: "k", Term: "x"}
	words := query.Agg{Name: "w", Type: query.AggTerms, Field: "k", Kind: query.Keyword, Size: 5}
	numbers := query.Agg{Name: "n", Type: query.AggTerms, Field: "n", Kind: query.Int, Size: 5}
	both := words
	both.Sub = []query.Agg{words, numbers}
	got, err := aggregate(e, x, words, numbers, both)
	require.NoError(t, err)
	require.Equal(t, "x0:2 y0:0 ", counts(got[0]))
	require.Equal(t, "1:2 2:0 ", counts(got[1]))
	require.Equal(t, "x0:2 (x0:2)(y0:0)(1:2)(2:0)y0:0 (x0:0)(y0:0)(1:0)(2:0)", counts(got[2]))
}

func TestTooManyBuckets(t *testing.T) {
	e := filled(t, "a", nil, []query.Field{{Name: "ts", Kind: query.Date, Ints: []int64{0}}}, []query.Field{{Name: "ts", Kind: query.Date, Ints: []int64{maxBuckets + 5}}})
	each := query.Agg{Name: "each millisecond", Type: query.AggDateHistogram, Field: "ts", Kind: query.Date, Bounds: func(ms int64) int64 { return ms }}
	_, err := aggregate(e, query.All{}, each)
	require.ErrorIs(t, err, ErrTooManyBuckets)
	require.ErrorContains(t, err, "each millisecond")
	each.MinCount = 1
	got, err := aggregate(e, query.All{}, each)
	require.NoError(t, err)
	require.Len(t, got[0].Buckets, 2)
	_, err = e.Search(context.Background(), &query.Search{Size: maxWindow, From: 1})
	require.ErrorContains(t, err, "at most")
}

// TestKindsOfTwoIndices sorts and sums a field that is whole in one index, fractional in another and a keyword in a third.
func TestKindsOfTwoIndices(t *testing.T) {
	e := filled(t, "a", nil, []query.Field{number("x", 2)}, []query.Field{number("x", 7)})
	filled(t, "b", e, []query.Field{{Name: "x", Kind: query.Float, Floats: []float64{2.5}}})
	filled(t, "c", e, []query.Field{word("x", "2")})
	s := &query.Search{Size: 9, Sort: []query.Sort{{Field: "x", Kind: query.Float}}, Aggs: []query.Agg{
		{Name: "sum", Type: query.AggSum, Field: "x", Kind: query.Float}, {Name: "whole", Type: query.AggSum, Field: "x", Kind: query.Int},
		{Name: "terms", Type: query.AggTerms, Field: "x", Kind: query.Int, Size: 9, MinCount: 1},
	}}
	for _, index := range []string{"a", "b", "c"} {
		s.Targets = append(s.Targets, query.Target{Index: index, Query: query.All{}})
	}
	got, err := e.Search(context.Background(), s)
	require.NoError(t, err)
	var order []any
	for _, h := range got.Hits {
		order = append(order, h.Sort[0])
	}
	require.Equal(t, []any{2.0, 2.5, 7.0, nil}, order)
	require.InDelta(t, 11.5, got.Aggs[0].Value, 0)
	require.InDelta(t, 11, got.Aggs[1].Value, 0)
	require.Equal(t, []query.Bucket{{Int: 2, Count: 2}, {Int: 7, Count: 1}}, got.Aggs[2].Buckets)
	_, err = e.Search(context.Background(), &query.Search{Size: 1, Targets: s.Targets, Sort: s.Sort, After: []any{1.0, 2.0}})
	require.ErrorContains(t, err, "search_after")
}
