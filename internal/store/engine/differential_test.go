package engine

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/store/query"
)

// The words are few, so that random queries match, and some are prefixes of others.
var (
	words = []string{"get", "got", "go", "error", "err", "the", "a", "timeout", "Ünï", "zz"}
	hosts = []string{"web-1", "web-2", "db", "", "WEB-3"}
)

type random struct {
	*rand.Rand
	fresh int
	// plain leaves out what makes scores depend on what is not yet merged: replacing and deleting.
	plain bool
}

func pick[T any](r *random, from []T) T { return from[r.IntN(len(from))] }

func (r *random) words(n int) []string {
	out := []string{}
	for range n {
		out = append(out, pick(r, words))
	}
	return out
}

func (r *random) doc(index string) query.Doc {
	id := fmt.Sprintf("id-%d", r.IntN(150))
	if r.plain {
		r.fresh++
		id = fmt.Sprintf("fresh-%d", r.fresh)
	}
	d := query.Doc{Index: index, ID: id, Time: int64(r.IntN(100)) * 60_000}
	if r.plain {
		d.Time = int64(r.fresh) * 500 // as it is with logs: later documents have later times, nearly
	}
	d.Source = fmt.Appendf(nil, `{"n":%d,"pad":%q}`, r.IntN(1000), strings.Repeat("x", r.IntN(300)))
	if r.IntN(8) > 0 {
		f := query.Field{Name: "msg", Kind: query.Text, Terms: r.words(r.IntN(9))}
		if n := len(f.Terms); n > 2 && r.IntN(3) == 0 {
			f.Gaps = []int{0, 1 + r.IntN(n-1)}
		}
		if r.IntN(10) == 0 {
			f.Terms = r.words(60)
			f.Gaps = nil
		}
		d.Fields = append(d.Fields, f)
	}
	if r.IntN(3) > 0 {
		d.Fields = append(d.Fields, query.Field{Name: "short", Kind: query.Text, Terms: r.words(1 + r.IntN(3)), NoNorms: true})
	}
	d.Fields = append(d.Fields, query.Field{Name: "host", Kind: query.Keyword, Terms: []string{pick(r, hosts)}})
	if r.IntN(2) == 0 {
		d.Fields = append(d.Fields, query.Field{Name: "tags", Kind: query.Keyword, Terms: r.words(r.IntN(4))})
	}
	if r.IntN(4) > 0 {
		f := query.Field{Name: "n", Kind: query.Int}
		for range 1 + r.IntN(5)/4 {
			f.Ints = append(f.Ints, int64(r.IntN(20)-10))
		}
		d.Fields = append(d.Fields, f)
	}
	if r.IntN(3) > 0 {
		d.Fields = append(d.Fields, query.Field{Name: "f", Kind: query.Float, Floats: []float64{float64(r.IntN(40)-20) / 4}})
	}
	d.Fields = append(d.Fields, query.Field{Name: "ts", Kind: query.Date, Ints: []int64{d.Time + int64(r.IntN(60_000))}})
	return d
}

func (r *random) ops(index string, n int) []query.Op {
	var ops []query.Op
	for range n {
		op := query.Op{Kind: query.Put, Doc: r.doc(index), IfSeqNo: -1}
		switch {
		case r.plain:
			op.Kind, op.Fresh = query.Create, r.IntN(2) == 0
		case r.IntN(5) == 0:
			op.Kind = query.Delete
		case r.IntN(5) == 0:
			op.Kind = query.Create
		case r.IntN(6) == 0:
			op.IfSeqNo = int64(r.IntN(60))
		}
		ops = append(ops, op)
	}
	return ops
}

func (r *random) query(depth int) query.Query {
	text := pick(r, []string{"msg", "short"})
	keyword := pick(r, []string{"host", "tags"})
	any := pick(r, []string{text, keyword, "missing"})
	if depth > 0 && r.IntN(2) == 0 {
		return r.compound(depth - 1)
	}
	word := pick(r, slices.Concat(words, hosts))
	switch r.IntN(15) {
	case 0:
		return query.All{}
	case 1, 2, 3:
		return query.Term{Field: any, Term: word}
	case 4:
		return query.Terms{Field: any, Terms: append(r.words(2), pick(r, hosts))}
	case 5:
		return query.Numbers{Field: pick(r, []string{"n", "f"}), Values: []float64{float64(r.IntN(20) - 10), 0.25}}
	case 6:
		return query.Pattern{Field: any, Pattern: pick(r, []string{"*", "g?t", "e*r", "*e*", "web-?", "WEB-*", "g\\*", "", "*o?*"}), FoldCase: r.IntN(2) == 0}
	case 7:
		return query.Regexp{Field: any, Prefix: "e", Match: func(t string) bool { return strings.HasPrefix(t, "e") && len(t) > 3 }}
	case 8:
		return query.NumberRange{Field: pick(r, []string{"n", "ts"}), Min: int64(r.IntN(20)-10) * pick(r, []int64{1, 60_000}), Max: int64(r.IntN(100)) * pick(r, []int64{1, 60_000})}
	case 9:
		return query.FloatRange{Field: "f", Min: float64(r.IntN(20)-10) / 2, Max: pick(r, []float64{math.Inf(1), 3}), ExcludeMin: r.IntN(2) == 0, ExcludeMax: r.IntN(2) == 0}
	case 10:
		q := query.TermRange{Field: any, ExcludeMin: r.IntN(2) == 0, ExcludeMax: r.IntN(2) == 0}
		if r.IntN(3) > 0 {
			q.Min = &word
		}
		if end := pick(r, words); r.IntN(3) > 0 {
			q.Max = &end
		}
		return q
	case 11:
		return query.Exists{Field: pick(r, []string{"msg", "tags", "n", "f", "ts", "missing"})}
	case 12:
		return query.IDs{Values: []string{"id-1", "id-2", fmt.Sprintf("fresh-%d", r.IntN(99))}}
	default:
		q := query.Phrase{Field: text, Terms: r.words(1 + r.IntN(3)), Prefix: r.IntN(3) == 0}
		if q.Prefix {
			q.Terms[len(q.Terms)-1] = pick(r, []string{"g", "e", "err", "nothing"})
		}
		return q
	}
}

func (r *random) compound(depth int) query.Query {
	some := func(most int) []query.Query {
		var qs []query.Query
		for range r.IntN(most + 1) {
			qs = append(qs, r.query(depth))
		}
		return qs
	}
	switch r.IntN(8) {
	case 0:
		return query.Boost{Query: r.query(depth), By: pick(r, []float64{2, 0.3})}
	case 1:
		return query.Constant{Query: r.query(depth), Score: 1.5}
	case 2:
		return query.Best{Queries: some(3), Tie: pick(r, []float64{0, 0.3})}
	}
	b := query.Bool{Must: some(2), Filter: some(1), Should: some(4), MustNot: some(1)}
	b.MinShould = r.IntN(len(b.Should) + 1)
	return b
}

func (r *random) sorts(scores bool) []query.Sort {
	all := []query.Sort{
		{Field: "host", Kind: query.Keyword}, {Field: "tags", Kind: query.Keyword}, {Field: "n", Kind: query.Int},
		{Field: "f", Kind: query.Float}, {Field: "ts", Kind: query.Date}, {Field: "_doc"}, {Field: "missing", Kind: query.Int},
	}
	if scores {
		all = append(all, query.Sort{Field: "_score"})
	}
	var keys []query.Sort
	for range r.IntN(4) {
		k := pick(r, all)
		k.Descending, k.MissingFirst, k.UseMax = r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(2) == 0
		keys = append(keys, k)
	}
	if !scores && len(keys) == 0 {
		keys = []query.Sort{{Field: "_doc"}}
	}
	return keys
}

func (r *random) aggs(depth int) []query.Agg {
	var aggs []query.Agg
	for i := range r.IntN(3) {
		name := fmt.Sprintf("a%d", i)
		switch r.IntN(5) {
		case 0, 1:
			a := query.Agg{Name: name, Type: query.AggTerms, Field: "tags", Kind: query.Keyword, Size: 1 + r.IntN(6), MinCount: 1 + r.IntN(2)}
			switch r.IntN(4) {
			case 0:
				a.Field, a.Kind = "n", query.Int
			case 1:
				a.Field, a.Kind = "f", query.Float
			case 2:
				a.Field = "host"
			}
			if depth > 0 {
				a.Sub = r.aggs(depth - 1)
			}
			switch r.IntN(4) {
			case 0:
				a.Order = []query.Order{{By: "_key", Descending: r.IntN(2) == 0}}
			case 1:
				a.Order = []query.Order{{By: "_count"}}
			case 2:
				a.Sub = append(a.Sub, query.Agg{Name: "m", Type: query.AggSum, Field: "n", Kind: query.Int})
				a.Order = []query.Order{{By: "m", Descending: r.IntN(2) == 0}}
			}
			aggs = append(aggs, a)
		case 2:
			width := pick(r, []int64{60_000, 600_000, 36_000_000})
			a := query.Agg{Name: name, Type: query.AggDateHistogram, Field: "ts", Kind: query.Date, MinCount: r.IntN(3),
				Bounds: func(ms int64) int64 { return ms - ms%width }}
			if depth > 0 {
				a.Sub = r.aggs(depth - 1)
			}
			aggs = append(aggs, a)
		default:
			f := pick(r, []query.Agg{{Field: "n", Kind: query.Int}, {Field: "f", Kind: query.Float}, {Field: "ts", Kind: query.Date}})
			f.Name, f.Type = name, pick(r, []query.AggType{query.AggMin, query.AggMax, query.AggSum, query.AggAvg, query.AggCount, query.AggCardinality})
			if (f.Type == query.AggCount || f.Type == query.AggCardinality) && r.IntN(2) == 0 {
				f.Field, f.Kind = "tags", query.Keyword
			}
			aggs = append(aggs, f)
		}
	}
	return aggs
}

func (r *random) search() *query.Search {
	q := r.query(3)
	s := &query.Search{Size: r.IntN(20), From: r.IntN(6) / 4, TrackTotal: pick(r, []int{-1, -1, 10}), Sort: r.sorts(r.plain)}
	for _, index := range []string{"one", "two"} {
		if r.IntN(4) > 0 {
			s.Targets = append(s.Targets, query.Target{Index: index, Query: q})
		}
	}
	if r.IntN(3) == 0 {
		s.Aggs = r.aggs(2)
	}
	return s
}

// trial is an engine and the reference, which were told the same.
type trial struct {
	t   *testing.T
	r   *random
	o   Options
	e   *Engine
	ref *reference
}

func (x *trial) search() {
	s := x.r.search()
	for page := range 3 {
		want := x.ref.search(context.Background(), s)
		got, err := x.e.Search(context.Background(), s)
		require.NoError(x.t, err)
		what := fmt.Sprintf("page %d of %#v", page, *s)
		require.Equal(x.t, want.Total, got.Total, what)
		require.Equal(x.t, want.TotalExact, got.TotalExact, what)
		require.Len(x.t, got.Hits, len(want.Hits), what)
		for i := range want.Hits {
			w, g := want.Hits[i], got.Hits[i]
			if !needsScore(s) {
				w.Score = 0
			}
			require.Equal(x.t, w, g, "hit %d: %s", i, what)
		}
		if s.Size > 0 && needsScore(s) {
			require.Equal(x.t, want.MaxScore, got.MaxScore, what)
		}
		requireSameAggs(x.t, want.Aggs, got.Aggs, what)
		if len(want.Hits) == 0 {
			return
		}
		s.After, s.From = want.Hits[len(want.Hits)-1].Sort, 0
	}
}

func requireSameAggs(t *testing.T, want, got []query.AggResult, what string) {
	t.Helper()
	require.Len(t, got, len(want), what)
	for i := range want {
		w, g := want[i], got[i]
		require.Equal(t, w.Name, g.Name, what)
		require.Equal(t, w.Other, g.Other, what)
		require.Equal(t, w.Count, g.Count, what)
		require.InDelta(t, w.Value, g.Value, 1e-9*math.Abs(w.Value), what)
		require.Len(t, g.Buckets, len(w.Buckets), what)
		for j := range w.Buckets {
			a, b := w.Buckets[j], g.Buckets[j]
			requireSameAggs(t, a.Sub, b.Sub, what)
			a.Sub, b.Sub = nil, nil
			require.Equal(t, a, b, what)
		}
	}
}

func (x *trial) apply() {
	ops := x.r.ops(pick(x.r, []string{"one", "two"}), 1+x.r.IntN(30))
	got, err := x.e.Apply(context.Background(), ops)
	require.NoError(x.t, err)
	require.Equal(x.t, x.ref.apply(ops), got)
}

func (x *trial) get() {
	index, id := pick(x.r, []string{"one", "two"}), fmt.Sprintf("id-%d", x.r.IntN(150))
	got, ok, err := x.e.Get(index, id)
	require.NoError(x.t, err)
	docs := x.ref.indices[index].docs
	at := slices.IndexFunc(docs, func(d refDoc) bool { return d.ID == id })
	require.Equal(x.t, at >= 0, ok)
	if ok {
		require.Equal(x.t, query.Hit{Index: index, ID: id, Source: docs[at].Source, SeqNo: docs[at].seq, Version: docs[at].version}, got)
	}
}

// mergeSome merges neighbours of one index, more often than the policy would.
func (x *trial) mergeSome() {
	x.e.mu.Lock()
	ix := x.e.indices[pick(x.r, []string{"one", "two"})]
	n := 0
	for n < len(ix.views) && ix.views[n].key != 0 {
		n++
	}
	var in []view
	if n > 0 {
		from := x.r.IntN(n)
		in = slices.Clone(ix.views[from : from+1+x.r.IntN(n-from)])
	}
	for i := range in {
		in[i].acquire()
	}
	x.e.mu.Unlock()
	if len(in) > 0 {
		require.NoError(x.t, x.e.merge(context.Background(), ix, in))
	}
}

func (x *trial) reopen() {
	require.NoError(x.t, x.e.Close())
	var err error
	x.e, err = Open(x.o)
	require.NoError(x.t, err)
}

func newTrial(t *testing.T, seed int, plain bool) *trial {
	x := &trial{t: t, r: &random{Rand: rand.New(rand.NewPCG(uint64(seed), 1)), plain: plain}, ref: newReference()}
	x.o = Options{Dir: t.TempDir(), MaxAge: -1}
	var err error
	x.e, err = Open(x.o)
	require.NoError(t, err)
	for _, index := range []string{"one", "two"} {
		require.NoError(t, x.e.CreateIndex(index, nil))
		x.ref.indices[index] = &refIndex{idfs: map[string]float32{}, lengths: map[string][2]int{}}
	}
	return x
}

func TestDifferential(t *testing.T) {
	trials := 16
	if n, err := strconv.Atoi(os.Getenv("MILLRACE_ENGINE_TRIALS")); err == nil {
		trials = n
	}
	if testing.Short() {
		trials = 6
	}
	for seed := range trials {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			x := newTrial(t, seed, seed%2 == 0)
			for range 40 {
				switch x.r.IntN(12) {
				case 0, 1, 2:
					x.apply()
				case 3:
					require.NoError(t, x.e.flush(context.Background()))
				case 4:
					x.mergeSome()
				case 5:
					x.reopen()
				case 6:
					x.get()
				default:
					x.search()
				}
			}
			require.NoError(t, x.e.Close())
		})
	}
}

// TestDifferentialLarge has segments of several blocks of everything, which are passed over as wholes where possible.
func TestDifferentialLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	x := newTrial(t, 1000, true)
	for range 6 {
		ops := x.r.ops("one", 2000)
		_, err := x.e.Apply(context.Background(), ops)
		require.NoError(t, err)
		x.ref.apply(ops)
		if x.r.IntN(3) == 0 {
			require.NoError(t, x.e.flush(context.Background()))
		}
	}
	for range 20 {
		x.search()
	}
	x.mergeSome()
	require.NoError(t, x.e.Close())
}
