package store

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sort"
	"strings"
	"sync"

	"millrace/internal/store/query"
)

// naive is an engine that keeps everything in memory and looks at each document for each query, so that the API is tested without the
// real one's cleverness.
type naive struct {
	mu      sync.Mutex
	indices map[string]*naiveIndex
	full    bool
}

type naiveIndex struct {
	meta []byte
	docs []*naiveDoc
	byID map[string]*naiveDoc
	seq  int64
}

type naiveDoc struct {
	query.Doc
	fields   map[string]*query.Field
	version  int64
	seq, ord int64
	deleted  bool
}

func newNaive() *naive { return &naive{indices: map[string]*naiveIndex{}} }

func (e *naive) CreateIndex(name string, meta []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.indices[name] == nil {
		e.indices[name] = &naiveIndex{meta: meta, byID: map[string]*naiveDoc{}}
	}
	return nil
}

func (e *naive) SetMeta(name string, meta []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.indices[name].meta = meta
	return nil
}

func (e *naive) DeleteIndex(name string) (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok := e.indices[name]
	delete(e.indices, name)
	return ok, nil
}

func (e *naive) Indices() []query.IndexInfo {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []query.IndexInfo
	for n, ix := range e.indices {
		all = append(all, query.IndexInfo{Name: n, Docs: int64(len(ix.live())), Meta: ix.meta, Bytes: 1234})
	}
	slices.SortFunc(all, func(a, b query.IndexInfo) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func (ix *naiveIndex) live() []*naiveDoc {
	return slices.DeleteFunc(slices.Clone(ix.docs), func(d *naiveDoc) bool { return d.deleted })
}

func (e *naive) Close() error { return nil }

func copyDoc(d query.Doc) query.Doc {
	d.Index, d.ID, d.Source = strings.Clone(d.Index), strings.Clone(d.ID), slices.Clone(d.Source)
	fields := slices.Clone(d.Fields)
	for i := range fields {
		f := &fields[i]
		f.Terms, f.Gaps, f.Ints, f.Floats = slices.Clone(f.Terms), slices.Clone(f.Gaps), slices.Clone(f.Ints), slices.Clone(f.Floats)
		for k, t := range f.Terms {
			f.Terms[k] = strings.Clone(t)
		}
	}
	d.Fields = fields
	return d
}

func (e *naive) Apply(_ context.Context, ops []query.Op) ([]query.Outcome, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.full {
		return nil, query.ErrFull
	}
	var out []query.Outcome
	for _, op := range ops {
		ix := e.indices[op.Doc.Index]
		old := ix.byID[op.Doc.ID]
		if old != nil && old.deleted {
			old = nil
		}
		conflict := old != nil && op.Kind == query.Create || op.IfSeqNo >= 0 && (old == nil || old.seq != op.IfSeqNo)
		if conflict {
			o := query.Outcome{Status: query.Conflict}
			if old != nil {
				o.Version, o.SeqNo = old.version, old.seq
			}
			out = append(out, o)
			continue
		}
		o := query.Outcome{Status: query.Created, Version: 1, SeqNo: ix.seq}
		ix.seq++
		if old != nil {
			old.deleted = true
			o.Status, o.Version = query.Updated, old.version+1
		}
		if op.Kind == query.Delete {
			if o.Status = query.Deleted; old == nil {
				o.Status = query.NotFound
			}
			out = append(out, o)
			continue
		}
		d := &naiveDoc{Doc: copyDoc(op.Doc), fields: map[string]*query.Field{}, version: o.Version, seq: o.SeqNo, ord: int64(len(ix.docs))}
		for i := range d.Fields {
			d.fields[d.Fields[i].Name] = &d.Fields[i]
		}
		ix.docs = append(ix.docs, d)
		ix.byID[d.ID] = d
		out = append(out, o)
	}
	return out, nil
}

func (e *naive) Get(index, id string) (query.Hit, bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	ix := e.indices[index]
	if ix == nil || ix.byID[id] == nil || ix.byID[id].deleted {
		return query.Hit{}, false, nil
	}
	d := ix.byID[id]
	return query.Hit{Index: index, ID: id, Source: d.Source, SeqNo: d.seq, Version: d.version}, true, nil
}

// found is a document with its score.
type found struct {
	d     *naiveDoc
	score float64
	sort  []any
}

func (e *naive) Search(_ context.Context, s *query.Search) (*query.Result, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []*found
	for _, t := range s.Targets {
		ix := e.indices[t.Index]
		if ix == nil {
			continue
		}
		m := &matcher{docs: ix.live()}
		for _, d := range m.docs {
			if score, ok := m.match(t.Query, d); ok {
				all = append(all, &found{d: d, score: score})
			}
		}
	}
	res := &query.Result{Total: int64(len(all)), TotalExact: true}
	if s.TrackTotal >= 0 && res.Total > int64(s.TrackTotal) {
		res.Total, res.TotalExact = int64(s.TrackTotal), false
	}
	var docs []*naiveDoc
	for _, f := range all {
		docs = append(docs, f.d)
		res.MaxScore = max(res.MaxScore, float32(f.score))
		for _, k := range s.Sort {
			f.sort = append(f.sort, sortValue(f, &k))
		}
	}
	for _, a := range s.Aggs {
		res.Aggs = append(res.Aggs, aggregate(&a, docs))
	}
	keys := s.Sort
	if len(keys) == 0 {
		for _, f := range all {
			f.sort = []any{float64(float32(f.score))}
		}
		keys = []query.Sort{{Field: "_score", Descending: true}}
	}
	sort.SliceStable(all, func(i, j int) bool { return compareKeys(all[i].sort, all[j].sort, keys) < 0 })
	if s.After != nil {
		all = slices.DeleteFunc(all, func(f *found) bool { return compareKeys(f.sort, s.After, keys) <= 0 })
	}
	for i := s.From; i < min(len(all), s.From+s.Size); i++ {
		f := all[i]
		h := query.Hit{Index: f.d.Index, ID: f.d.ID, Source: f.d.Source, Score: float32(f.score), SeqNo: f.d.seq, Version: f.d.version}
		if len(s.Sort) > 0 {
			h.Sort = f.sort
		}
		res.Hits = append(res.Hits, h)
	}
	return res, nil
}

func sortValue(f *found, k *query.Sort) any {
	switch k.Field {
	case "_score":
		return float64(float32(f.score))
	case "_doc":
		return f.d.ord
	}
	fd := f.d.fields[k.Field]
	if fd == nil {
		return nil
	}
	pick := func(n int, less func(i, j int) bool) int {
		best := 0
		for i := 1; i < n; i++ {
			if k.UseMax && less(best, i) || !k.UseMax && less(i, best) {
				best = i
			}
		}
		return best
	}
	switch {
	case len(fd.Terms) > 0:
		return fd.Terms[pick(len(fd.Terms), func(i, j int) bool { return fd.Terms[i] < fd.Terms[j] })]
	case len(fd.Ints) > 0:
		return fd.Ints[pick(len(fd.Ints), func(i, j int) bool { return fd.Ints[i] < fd.Ints[j] })]
	case len(fd.Floats) > 0:
		return fd.Floats[pick(len(fd.Floats), func(i, j int) bool { return fd.Floats[i] < fd.Floats[j] })]
	}
	return nil
}

func compareKeys(a, b []any, keys []query.Sort) int {
	for i, k := range keys {
		c := 0
		switch {
		case a[i] == nil && b[i] == nil:
		case a[i] == nil || b[i] == nil:
			if c = 1; (a[i] == nil) == k.MissingFirst {
				c = -1
			}
		default:
			switch x := a[i].(type) {
			case string:
				c = cmp.Compare(x, b[i].(string))
			case int64:
				c = cmp.Compare(x, b[i].(int64))
			case float64:
				c = cmp.Compare(x, b[i].(float64))
			}
			if k.Descending {
				c = -c
			}
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// matcher matches queries against the documents of one index.
type matcher struct{ docs []*naiveDoc }

func (m *matcher) match(q query.Query, d *naiveDoc) (float64, bool) {
	f := func(name string) *query.Field {
		if fd := d.fields[name]; fd != nil {
			return fd
		}
		return &query.Field{}
	}
	anyTerm := func(name string, ok func(string) bool) (float64, bool) {
		return 1, slices.ContainsFunc(f(name).Terms, ok)
	}
	switch q := q.(type) {
	case query.All:
		return 1, true
	case query.None:
		return 0, false
	case query.Term:
		return m.term(q.Field, q.Term, d)
	case query.Terms:
		return anyTerm(q.Field, func(t string) bool { return slices.Contains(q.Terms, t) })
	case query.Numbers:
		fd := f(q.Field)
		return 1, slices.ContainsFunc(fd.Ints, func(v int64) bool { return slices.Contains(q.Values, float64(v)) }) ||
			slices.ContainsFunc(fd.Floats, func(v float64) bool { return slices.Contains(q.Values, v) })
	case query.Pattern:
		return anyTerm(q.Field, func(t string) bool {
			if q.FoldCase {
				return wild(strings.ToLower(q.Pattern), strings.ToLower(t))
			}
			return wild(q.Pattern, t)
		})
	case query.Regexp:
		return anyTerm(q.Field, func(t string) bool {
			if q.Match(t) && !strings.HasPrefix(t, q.Prefix) {
				panic("a term does not begin with the prefix of its expression")
			}
			return q.Match(t)
		})
	case query.NumberRange:
		return 1, slices.ContainsFunc(f(q.Field).Ints, func(v int64) bool { return v >= q.Min && v <= q.Max })
	case query.FloatRange:
		return 1, slices.ContainsFunc(f(q.Field).Floats, func(v float64) bool {
			return (v > q.Min || v == q.Min && !q.ExcludeMin) && (v < q.Max || v == q.Max && !q.ExcludeMax)
		})
	case query.TermRange:
		return anyTerm(q.Field, func(t string) bool {
			return (q.Min == nil || t > *q.Min || t == *q.Min && !q.ExcludeMin) && (q.Max == nil || t < *q.Max || t == *q.Max && !q.ExcludeMax)
		})
	case query.Exists:
		return 1, d.fields[q.Field] != nil
	case query.Phrase:
		return m.phrase(&q, d)
	case query.IDs:
		return 1, slices.Contains(q.Values, d.ID)
	case query.Bool:
		return m.boolean(&q, d)
	case query.Best:
		best, sum, ok := 0.0, 0.0, false
		for _, sub := range q.Queries {
			if s, hit := m.match(sub, d); hit {
				best, sum, ok = max(best, s), sum+s, true
			}
		}
		return best + (sum-best)*q.Tie, ok
	case query.Constant:
		_, ok := m.match(q.Query, d)
		return q.Score, ok
	case query.Boost:
		s, ok := m.match(q.Query, d)
		return s * q.By, ok
	}
	panic("BUG: a query that the reference does not know")
}

func (m *matcher) boolean(q *query.Bool, d *naiveDoc) (float64, bool) {
	sum, hits := 0.0, 0
	for _, sub := range q.Must {
		s, ok := m.match(sub, d)
		if !ok {
			return 0, false
		}
		sum += s
	}
	for _, sub := range q.Filter {
		if _, ok := m.match(sub, d); !ok {
			return 0, false
		}
	}
	for _, sub := range q.MustNot {
		if _, ok := m.match(sub, d); ok {
			return 0, false
		}
	}
	for _, sub := range q.Should {
		if s, ok := m.match(sub, d); ok {
			sum += s
			hits++
		}
	}
	return sum, hits >= q.MinShould
}

func wild(p, t string) bool {
	if p == "" {
		return t == ""
	}
	switch p[0] {
	case '*':
		for i := 0; i <= len(t); i++ {
			if wild(p[1:], t[i:]) {
				return true
			}
		}
		return false
	case '?':
		for i := range t {
			if i > 0 {
				return wild(p[1:], t[i:])
			}
		}
		return t != "" && wild(p[1:], "")
	case '\\':
		if len(p) > 1 {
			p = p[1:]
		}
	}
	return t != "" && t[0] == p[0] && wild(p[1:], t[1:])
}

// bm25 is Lucene's score of a frequency.
func (m *matcher) bm25(field string, df int, freq float64, d *naiveDoc) float64 {
	docs, total := 0, 0
	for _, o := range m.docs {
		if f := o.fields[field]; f != nil && len(f.Terms) > 0 {
			docs++
			if f.Kind == query.Text {
				total += len(f.Terms)
			} else {
				set := map[string]bool{}
				for _, t := range f.Terms {
					set[t] = true
				}
				total += len(set)
			}
		}
	}
	idf := math.Log(1 + (float64(docs)-float64(df)+0.5)/(float64(df)+0.5))
	length := 1.0
	if f := d.fields[field]; f.Kind == query.Text && !f.NoNorms {
		length = float64(normLength(len(f.Terms)))
	}
	avg := float64(total) / float64(docs)
	return 2.2 * idf * freq / (freq + 1.2*(0.25+0.75*length/avg)) // 2.2 is k1+1, which Elasticsearch keeps
}

// normLength is a length after it went through Lucene's byte.
func normLength(n int) int {
	if n < 40 {
		return n
	}
	v := n - 24
	shift := 0
	for v>>shift >= 16 {
		shift++
	}
	return v>>shift<<shift + 24
}

func (m *matcher) term(field, term string, d *naiveDoc) (float64, bool) {
	count := func(d *naiveDoc) int {
		f := d.fields[field]
		if f == nil {
			return 0
		}
		n := 0
		for _, t := range f.Terms {
			if t == term {
				n++
			}
		}
		if f.Kind == query.Keyword {
			n = min(n, 1)
		}
		return n
	}
	n := count(d)
	if n == 0 {
		return 0, false
	}
	df := 0
	for _, o := range m.docs {
		if count(o) > 0 {
			df++
		}
	}
	return m.bm25(field, df, float64(n), d), true
}

// phrase scores exact phrases; with slop or a prefix it decides alone.
func (m *matcher) phrase(q *query.Phrase, d *naiveDoc) (float64, bool) {
	freq := phraseFreq(q, d)
	if freq == 0 {
		return 0, false
	}
	idf := 0.0
	for _, t := range q.Terms {
		df := 0
		for _, o := range m.docs {
			if f := o.fields[q.Field]; f != nil && slices.Contains(f.Terms, t) {
				df++
			}
		}
		docs := 0
		for _, o := range m.docs {
			if f := o.fields[q.Field]; f != nil && len(f.Terms) > 0 {
				docs++
			}
		}
		idf += math.Log(1 + (float64(docs)-float64(df)+0.5)/(float64(df)+0.5))
	}
	return 2.2 * m.bm25(q.Field, 1, freq, d) / m.bm25(q.Field, 1, 1e30, d) * idf, true
}

func phraseFreq(q *query.Phrase, d *naiveDoc) float64 {
	f := d.fields[q.Field]
	if f == nil {
		return 0
	}
	var pos []int
	at, gap := 0, 0
	for i := range f.Terms {
		if gap < len(f.Gaps) && f.Gaps[gap] == i {
			at += 100
			gap++
		}
		pos = append(pos, at)
		at++
	}
	n := 0.0
	for i := range f.Terms {
		ok := true
		for k, t := range q.Terms {
			j := slices.IndexFunc(f.Terms, func(string) bool { return false })
			for x := range f.Terms {
				if pos[x] == pos[i]+k {
					j = x
				}
			}
			last := q.Prefix && k == len(q.Terms)-1
			if j < 0 || f.Terms[j] != t && (!last || !strings.HasPrefix(f.Terms[j], t)) {
				ok = false
				break
			}
		}
		if ok {
			n++
		}
	}
	if n == 0 && q.Slop > 0 {
		n = sloppy(q, f, pos)
	}
	return n
}

// sloppy finds one match of two or more terms in order or not within the slop.
func sloppy(q *query.Phrase, f *query.Field, pos []int) float64 {
	best := math.MaxInt
	var try func(k, lo, hi int)
	try = func(k, lo, hi int) {
		if k == len(q.Terms) {
			best = min(best, hi-lo)
			return
		}
		for i, t := range f.Terms {
			if t == q.Terms[k] {
				p := pos[i] - k
				try(k+1, min(lo, p), max(hi, p))
			}
		}
	}
	try(0, math.MaxInt32, math.MinInt32)
	if best > q.Slop {
		return 0
	}
	return 1 / float64(1+best)
}

func aggregate(a *query.Agg, docs []*naiveDoc) query.AggResult {
	r := query.AggResult{Name: a.Name}
	if a.Type == query.AggTerms || a.Type == query.AggDateHistogram {
		buckets(a, docs, &r)
		return r
	}
	set := map[any]bool{}
	lo, hi, sum := math.Inf(1), math.Inf(-1), 0.0
	for _, d := range docs {
		f := d.fields[a.Field]
		if f == nil {
			continue
		}
		mine := map[string]bool{}
		for _, t := range f.Terms {
			mine[t], set[t] = true, true
		}
		r.Count += int64(len(mine))
		var values []float64
		for _, v := range f.Ints {
			values = append(values, float64(v))
		}
		for _, v := range append(values, f.Floats...) {
			r.Count++
			set[v] = true
			lo, hi, sum = min(lo, v), max(hi, v), sum+v
		}
	}
	switch a.Type {
	case query.AggMin:
		r.Value = lo
	case query.AggMax:
		r.Value = hi
	case query.AggSum:
		r.Value = sum
	case query.AggAvg:
		r.Value = sum / float64(r.Count)
	case query.AggCount:
		r.Value = float64(r.Count)
	case query.AggCardinality:
		r.Value = float64(len(set))
	}
	return r
}

func buckets(a *query.Agg, docs []*naiveDoc, r *query.AggResult) {
	groups := map[any][]*naiveDoc{}
	for _, d := range docs {
		f := d.fields[a.Field]
		if f == nil {
			continue
		}
		mine := map[any]bool{}
		for _, t := range f.Terms {
			mine[t] = true
		}
		for _, v := range f.Ints {
			if a.Type == query.AggDateHistogram {
				v = a.Bounds(v)
			}
			mine[v] = true
		}
		for _, v := range f.Floats {
			mine[v] = true
		}
		for k := range mine {
			groups[k] = append(groups[k], d)
		}
	}
	for k, docs := range groups {
		if len(docs) < a.MinCount {
			continue
		}
		b := query.Bucket{Count: int64(len(docs))}
		switch k := k.(type) {
		case string:
			b.Key = k
		case int64:
			b.Int = k
		case float64:
			b.Float = k
		}
		for _, s := range a.Sub {
			b.Sub = append(b.Sub, aggregate(&s, docs))
		}
		r.Buckets = append(r.Buckets, b)
	}
	order := a.Order
	if a.Type == query.AggDateHistogram {
		order = []query.Order{{By: "_key"}}
	} else if len(order) == 0 {
		order = []query.Order{{By: "_count", Descending: true}, {By: "_key"}}
	}
	slices.SortFunc(r.Buckets, func(x, y query.Bucket) int {
		for _, o := range order {
			c := 0
			switch o.By {
			case "_count":
				c = cmp.Compare(x.Count, y.Count)
			case "_key":
				c = cmp.Or(cmp.Compare(x.Key, y.Key), cmp.Compare(x.Int, y.Int), cmp.Compare(x.Float, y.Float))
			default:
				i := slices.IndexFunc(x.Sub, func(s query.AggResult) bool { return s.Name == o.By })
				c = cmp.Compare(x.Sub[i].Value, y.Sub[i].Value)
			}
			if o.Descending {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	if a.Type == query.AggTerms && len(r.Buckets) > a.Size {
		for _, b := range r.Buckets[a.Size:] {
			r.Other += b.Count
		}
		r.Buckets = r.Buckets[:a.Size]
	}
}
