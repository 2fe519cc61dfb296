package engine

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/store/query"
)

// TestConcurrent replaces the same documents over and over while others add, search, flush and merge: every search has to find each of
// the replaced documents exactly once.
func TestConcurrent(t *testing.T) {
	e, err := Open(Options{Dir: t.TempDir(), MaxAge: -1, FlushBytes: 30 << 10})
	require.NoError(t, err)
	require.NoError(t, e.CreateIndex("logs", nil))
	const steady, rounds = 20, 60
	replace := func(round int) error {
		var ops []query.Op
		for i := range steady {
			ops = append(ops, query.Op{Kind: query.Put, IfSeqNo: -1, Doc: query.Doc{Index: "logs", ID: fmt.Sprint("steady-", i), Source: fmt.Append(nil, round), Fields: []query.Field{
				{Name: "kind", Kind: query.Keyword, Terms: []string{"steady"}}, {Name: "round", Kind: query.Int, Ints: []int64{int64(round)}},
			}}})
		}
		_, err := e.Apply(context.Background(), ops)
		return err
	}
	require.NoError(t, replace(0))
	done := make(chan struct{})
	var writers, readers sync.WaitGroup
	writers.Go(func() {
		for round := range rounds {
			if err := replace(round); err != nil {
				t.Error(err)
			}
		}
	})
	writers.Go(func() {
		a := newApache()
		for range rounds / 2 {
			if _, err := e.Apply(context.Background(), a.bulk(40)); err != nil {
				t.Error(err)
			}
		}
	})
	writers.Go(func() { otherIndices(t, e) })
	for range 2 {
		readers.Go(func() {
			for searching := true; searching; {
				select {
				case <-done:
					searching = false
				default:
				}
				checkSteady(t, e, steady)
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	require.Positive(t, e.Stats().Flushes)
	require.NoError(t, e.Close())
}

// checkSteady finds each document of the steady kind once, all of one round.
func checkSteady(t *testing.T, e *Engine, steady int64) {
	r, err := e.Search(context.Background(), &query.Search{
		Targets:    []query.Target{{Index: "logs", Query: query.Term{Field: "kind", Term: "steady"}}},
		TrackTotal: -1, Size: 30, Sort: []query.Sort{{Field: "_doc"}},
		Aggs: []query.Agg{{Name: "rounds", Type: query.AggCardinality, Field: "round", Kind: query.Int}},
	})
	if err != nil || r.Total != steady || len(r.Hits) != int(steady) || r.Aggs[0].Value != 1 {
		t.Errorf("found %+v, error %v", r, err)
	}
	if _, ok, err := e.Get("logs", "steady-3"); !ok || err != nil {
		t.Errorf("a document is gone: %v", err)
	}
	e.Stats()
}

// otherIndices makes indices, fills them and removes them.
func otherIndices(t *testing.T, e *Engine) {
	for i := range 20 {
		name := fmt.Sprint("other-", i)
		if err := e.CreateIndex(name, nil); err != nil {
			t.Error(err)
		}
		a := newApache()
		ops := a.bulk(30)
		for i := range ops {
			ops[i].Doc.Index = name
		}
		if _, err := e.Apply(context.Background(), ops); err != nil {
			t.Error(err)
		}
		if ok, err := e.DeleteIndex(name); err != nil || !ok {
			t.Error(ok, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	e, err := Open(Options{Dir: t.TempDir(), MaxAge: -1})
	require.NoError(t, err)
	defer e.Close()
	require.NoError(t, e.CreateIndex("logs", nil))
	a := newApache()
	_, err = e.Apply(context.Background(), a.bulk(100))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, s := range a.searches() {
		_, err := e.Search(ctx, s)
		require.ErrorIs(t, err, context.Canceled, name)
	}
	_, err = e.Apply(ctx, a.bulk(1))
	require.ErrorIs(t, err, context.Canceled)
}
