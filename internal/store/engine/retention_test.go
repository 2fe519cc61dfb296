package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/store/query"
)

func count(t *testing.T, e *Engine, index string) int {
	t.Helper()
	r, err := e.Search(context.Background(), &query.Search{Targets: []query.Target{{Index: index, Query: query.All{}}}, TrackTotal: -1})
	require.NoError(t, err)
	return int(r.Total)
}

func TestRetentionBySize(t *testing.T) {
	dir := t.TempDir()
	e, err := Open(Options{Dir: dir, MaxAge: -1, MaxBytes: 3 << 20, FlushBytes: 1 << 30})
	require.NoError(t, err)
	require.NoError(t, e.CreateIndex("logs", nil))
	a := newApache()
	total := 0
	for e.Stats().RemovedBySize == 0 {
		_, err := e.Apply(context.Background(), a.bulk(500))
		require.NoError(t, err)
		total += 500
		require.NoError(t, e.flush(context.Background()))
		require.NoError(t, e.retain())
		require.Less(t, total, 100_000)
	}
	s := e.Stats()
	require.LessOrEqual(t, s.Bytes, int64(3<<20))
	require.Equal(t, int64(total), s.Documents+s.RemovedBySize)
	require.Equal(t, int(s.Documents), count(t, e, "logs"))
	require.Positive(t, s.Documents)
	r, err := e.Search(context.Background(), &query.Search{Targets: []query.Target{{Index: "logs", Query: query.All{}}}, Size: 1, Sort: []query.Sort{{Field: "@timestamp", Kind: query.Date}}})
	require.NoError(t, err)
	require.Equal(t, r.Hits[0].SeqNo, s.RemovedBySize, "the oldest went")
	files, err := os.ReadDir(filepath.Join(dir, "segments"))
	require.NoError(t, err)
	require.Len(t, files, s.Segments)
	require.NoError(t, e.Close())
	e, err = Open(Options{Dir: dir, MaxAge: -1})
	require.NoError(t, err)
	require.Equal(t, int(s.Documents), count(t, e, "logs"))
	require.NoError(t, e.Close())
}

func TestRetentionByAge(t *testing.T) {
	start := time.UnixMilli(1_000_000_000)
	var passed atomic.Int64 // since start
	o := Options{Dir: t.TempDir(), MaxAge: 1000 * time.Millisecond, now: func() time.Time { return start.Add(time.Duration(passed.Load())) }}
	e, err := Open(o)
	require.NoError(t, err)
	require.NoError(t, e.CreateIndex("logs", nil))
	// Two segments of documents 100 ms apart: the first wholly from before the second.
	for s := range 2 {
		var ops []query.Op
		for i := range 10 {
			n := s*10 + i
			ops = append(ops, query.Op{Kind: query.Create, IfSeqNo: -1, Doc: query.Doc{Index: "logs", ID: fmt.Sprint(n), Time: start.UnixMilli() + int64(n)*100}})
		}
		_, err := e.Apply(context.Background(), ops)
		require.NoError(t, err)
		require.NoError(t, e.flush(context.Background()))
	}
	for _, step := range []struct {
		after   time.Duration // since the first document
		left    int
		removed int64
	}{{1000 * time.Millisecond, 20, 0}, {1500 * time.Millisecond, 15, 5}, {2150 * time.Millisecond, 8, 12}, {time.Hour, 0, 20}} {
		passed.Store(int64(step.after))
		require.NoError(t, e.retain())
		require.Equal(t, step.left, count(t, e, "logs"), step.after)
		require.Equal(t, step.removed, e.Stats().RemovedByAge, step.after)
		require.NoError(t, e.flush(context.Background())) // stores the deletions
	}
	require.Len(t, e.Indices(), 1, "the index stays")
	require.NoError(t, e.Close())
}

func TestIndices(t *testing.T) {
	o := Options{Dir: t.TempDir(), MaxAge: -1}
	e, err := Open(o)
	require.NoError(t, err)
	_, err = e.Search(context.Background(), &query.Search{Targets: []query.Target{{Index: "a", Query: query.All{}}}})
	require.ErrorIs(t, err, query.ErrNoIndex)
	_, err = e.Apply(context.Background(), []query.Op{{Kind: query.Put, Doc: query.Doc{Index: "a", ID: "1"}}})
	require.ErrorIs(t, err, query.ErrNoIndex)
	require.ErrorIs(t, e.SetMeta("a", nil), query.ErrNoIndex)
	require.NoError(t, e.CreateIndex("b", []byte("one")))
	require.NoError(t, e.CreateIndex("a", nil))
	require.NoError(t, e.CreateIndex("b", []byte("two")))
	require.NoError(t, e.SetMeta("a", []byte("three")))
	_, err = e.Apply(context.Background(), []query.Op{{Kind: query.Put, IfSeqNo: -1, Doc: query.Doc{Index: "b", ID: "1", Time: 5}}, {Kind: query.Put, IfSeqNo: -1, Doc: query.Doc{Index: "b", ID: "2", Time: 7}}})
	require.NoError(t, err)
	for range 2 {
		got := e.Indices()
		require.Len(t, got, 2)
		require.Equal(t, "a", got[0].Name)
		require.Equal(t, []byte("three"), got[0].Meta)
		require.Equal(t, []byte("one"), got[1].Meta)
		require.Equal(t, int64(2), got[1].Docs)
		require.Equal(t, int64(5), got[1].Oldest)
		require.Equal(t, int64(7), got[1].Newest)
		require.NoError(t, e.Close())
		e, err = Open(o)
		require.NoError(t, err)
	}
	ok, err := e.DeleteIndex("b")
	require.NoError(t, err)
	require.True(t, ok)
	ok, err = e.DeleteIndex("b")
	require.NoError(t, err)
	require.False(t, ok)
	require.NoError(t, e.CreateIndex("b", nil))
	require.NoError(t, e.Close())
	e, err = Open(o)
	require.NoError(t, err)
	require.Equal(t, 0, count(t, e, "b"), "what the log still has of the old one is not in the new one")
	require.NoError(t, e.Close())
	require.ErrorIs(t, e.CreateIndex("c", nil), errClosed)
}

func TestKindsDoNotMix(t *testing.T) {
	e, err := Open(Options{Dir: t.TempDir(), MaxAge: -1})
	require.NoError(t, err)
	defer e.Close()
	require.NoError(t, e.CreateIndex("a", nil))
	op := func(id string, f query.Field) query.Op {
		return query.Op{Kind: query.Put, IfSeqNo: -1, Doc: query.Doc{Index: "a", ID: id, Fields: []query.Field{f}}}
	}
	number, keyword := query.Field{Name: "x", Kind: query.Int, Ints: []int64{1}}, query.Field{Name: "x", Kind: query.Keyword, Terms: []string{"1"}}
	_, err = e.Apply(context.Background(), []query.Op{op("1", number), op("2", keyword)})
	require.ErrorContains(t, err, `field "x" of index "a"`)
	require.Equal(t, 0, count(t, e, "a"), "nothing was done")
	_, err = e.Apply(context.Background(), []query.Op{op("1", keyword)})
	require.NoError(t, err)
	_, err = e.Apply(context.Background(), []query.Op{op("2", number)})
	require.Error(t, err)
}
