package engine

import (
	"math"

	"millrace/internal/store/query"
)

// Scores are those of Lucene's BM25 as Elasticsearch uses it, with the factor of k1+1 that its LegacyBM25Similarity kept, computed in the
// same order with the same precision: two documents that tie there tie here.
const (
	bm25K1 = float32(1.2)
	bm25B  = float32(0.75)
)

// fieldStats are what scores need to know of a field in a whole index. Documents that are deleted but still on disk count, as in Lucene.
type fieldStats struct {
	docs  int64 // with at least one term
	total int64 // terms of all of them
	cache *[256]float32
}

// statsOf returns the statistics of a field.
func (t *target) statsOf(name string) *fieldStats {
	if st := t.stats[name]; st != nil {
		return st
	}
	st := &fieldStats{cache: new([256]float32)}
	for _, s := range t.segs {
		if f := s.fields[name]; f != nil && (f.kind == query.Keyword || f.kind == query.Text) {
			st.docs += int64(f.withTerms)
			st.total += int64(f.total)
		}
	}
	average := float32(float64(st.total) / float64(st.docs))
	for i := range st.cache {
		st.cache[i] = 1 / (bm25K1 * ((1 - bm25B) + bm25B*float32(lengthOf(byte(i)))/average))
	}
	if t.stats == nil {
		t.stats = map[string]*fieldStats{}
	}
	t.stats[name] = st
	return st
}

// idf is how much a term says that df documents hold.
func (st *fieldStats) idf(df int64) float32 {
	return float32(math.Log(1 + (float64(st.docs)-float64(df)+0.5)/(float64(df)+0.5)))
}

// bm25 scores documents of one term or phrase.
type bm25 struct {
	weight float32
	cache  *[256]float32
}

func newBM25(st *fieldStats, boost, idf float32) bm25 {
	return bm25{weight: boost * (1 + bm25K1) * idf, cache: st.cache}
}

func (b *bm25) score(freq float32, norm byte) float32 {
	return b.weight - b.weight/(1+freq*b.cache[norm])
}

// termNode is documents that hold a term.
type termNode struct {
	field string
	found []foundTerm // in each segment of the target
	bm25  bm25
}

type foundTerm struct {
	termInfo
	ok bool
}

// lookup finds a term in each segment of a target, and returns in how many documents it is.
func (t *target) lookup(name, term string) ([]foundTerm, int64, error) {
	found := make([]foundTerm, len(t.segs))
	df := int64(0)
	for i, s := range t.segs {
		_, r := s.dictOf(name)
		if r == nil {
			continue
		}
		var err error
		if found[i].termInfo, found[i].ok, err = r.lookup(term); err != nil {
			return nil, 0, err
		}
		df += int64(found[i].df)
	}
	return found, df, nil
}

func (t *target) compileTerm(q query.Term, boost float32) (node, error) {
	found, df, err := t.lookup(q.Field, q.Term)
	if err != nil {
		return nil, err
	}
	n := &termNode{field: q.Field, found: found}
	if t.scoring && df > 0 {
		st := t.statsOf(q.Field)
		n.bm25 = newBM25(st, boost, st.idf(df))
	}
	return n, nil
}

func (n *termNode) cost() int { return 2 }

func (n *termNode) match(s *searched) (docset, error) {
	t := &n.found[s.nth]
	if !t.ok {
		return nothing, nil
	}
	set := s.set()
	err := s.addTerm(s.fields[n.field], &t.termInfo, set)
	return docset{bits: set}, err
}

func (n *termNode) scorer(s *searched, _ bool) (scorer, error) {
	t := &n.found[s.nth]
	if !t.ok {
		return constScorer{}, nil
	}
	f := s.fields[n.field]
	ts := &termScorer{bm25: n.bm25}
	var buf []byte
	if err := s.list(f, &t.termInfo, &ts.p, &buf); err != nil {
		return nil, err
	}
	if f.kind == query.Text {
		var err error
		if ts.norms, ts.present, err = s.readNorms(f); err != nil {
			return nil, err
		}
	}
	for freq := range ts.single {
		for norm := range ts.single[freq] {
			ts.single[freq][norm] = ts.bm25.score(float32(freq+1), byte(norm))
		}
	}
	return ts, nil
}

// termScorer scores the documents of a postings list.
type termScorer struct {
	p       postings
	norms   []byte // nil for a keyword, the length of which counts as one
	present ranked
	bm25    bm25
	single  [2][256]float32 // the scores of the lowest frequencies: nearly all that there are
}

func (t *termScorer) score(doc uint32) (float32, bool) {
	if !t.p.advance(doc) || t.p.doc() != doc {
		return 0, false
	}
	norm := byte(1)
	if t.norms != nil {
		if place, ok := t.present.rank(doc); ok {
			norm = t.norms[place]
		}
	}
	freq := t.p.freq()
	if int(freq) <= len(t.single) && freq > 0 {
		return t.single[freq-1][norm], true
	}
	return t.bm25.score(float32(freq), norm), true
}
