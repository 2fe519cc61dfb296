package engine

import (
	"context"
	"math"
	"slices"
	"sort"
	"strings"

	"millrace/internal/store/query"
)

// reference is a query.Engine's search as one would write it without a thought of speed: it looks at every document for every question.
// The engine is held to it by random tests.
type reference struct{ indices map[string]*refIndex }

type refIndex struct {
	docs []refDoc // in the order of arrival, living ones
	seq  int64

	idfs    map[string]float32 // what was computed since the last change
	lengths map[string][2]int
}

type refDoc struct {
	query.Doc
	seq, version int64
}

func newReference() *reference { return &reference{map[string]*refIndex{}} }

func (r *reference) apply(ops []query.Op) []query.Outcome {
	var out []query.Outcome
	for _, op := range ops {
		ix := r.indices[op.Doc.Index]
		ix.idfs, ix.lengths = map[string]float32{}, map[string][2]int{}
		at := slices.IndexFunc(ix.docs, func(d refDoc) bool { return d.ID == op.Doc.ID })
		var old refDoc
		if at >= 0 {
			old = ix.docs[at]
		}
		if op.Kind == query.Create && at >= 0 || !op.Fresh && op.IfSeqNo >= 0 && (at < 0 || old.seq != op.IfSeqNo) {
			out = append(out, query.Outcome{Status: query.Conflict, Version: old.version, SeqNo: old.seq})
			continue
		}
		o := query.Outcome{Version: old.version + 1, SeqNo: ix.seq, Status: query.Created}
		ix.seq++
		if at >= 0 {
			ix.docs = slices.Delete(ix.docs, at, at+1)
			o.Status = query.Updated
		}
		if op.Kind == query.Delete {
			o.Status = query.Deleted
			if at < 0 {
				o.Status = query.NotFound
			}
		} else {
			ix.docs = append(ix.docs, refDoc{op.Doc, o.SeqNo, o.Version})
		}
		out = append(out, o)
	}
	return out
}

func (d *refDoc) field(name string) *query.Field {
	for i := range d.Fields {
		if f := &d.Fields[i]; f.Name == name && (f.Kind == query.Text || len(f.Terms)+len(f.Ints)+len(f.Floats) > 0) {
			return f
		}
	}
	return nil
}

func (d *refDoc) anyTerm(name string, ok func(string) bool) bool {
	f := d.field(name)
	return f != nil && slices.ContainsFunc(f.Terms, ok)
}

// score returns the score of a document, and whether it matches.
func (ix *refIndex) score(d *refDoc, q query.Query, boost float32) (float32, bool) {
	constant := func(ok bool) (float32, bool) { return boost, ok }
	switch q := q.(type) {
	case query.All:
		return constant(true)
	case query.None:
		return constant(false)
	case query.Term:
		return ix.scoreTerm(d, q.Field, q.Term, boost)
	case query.Terms:
		return constant(d.anyTerm(q.Field, func(t string) bool { return slices.Contains(q.Terms, t) }))
	case query.Numbers:
		f := d.field(q.Field)
		return constant(f != nil && (slices.ContainsFunc(f.Ints, func(v int64) bool { return slices.Contains(q.Values, float64(v)) }) ||
			slices.ContainsFunc(f.Floats, func(v float64) bool { return slices.Contains(q.Values, v) })))
	case query.Pattern:
		return constant(d.anyTerm(q.Field, func(t string) bool {
			p := q.Pattern
			if q.FoldCase {
				p, t = strings.ToLower(p), strings.ToLower(t)
			}
			return refWildcard(p, t)
		}))
	case query.Regexp:
		return constant(d.anyTerm(q.Field, q.Match))
	case query.NumberRange:
		f := d.field(q.Field)
		return constant(f != nil && slices.ContainsFunc(f.Ints, func(v int64) bool { return v >= q.Min && v <= q.Max }))
	case query.FloatRange:
		f := d.field(q.Field)
		return constant(f != nil && slices.ContainsFunc(f.Floats, func(v float64) bool {
			return (v > q.Min || v == q.Min && !q.ExcludeMin) && (v < q.Max || v == q.Max && !q.ExcludeMax)
		}))
	case query.TermRange:
		return constant(d.anyTerm(q.Field, func(t string) bool {
			return (q.Min == nil || t > *q.Min || t == *q.Min && !q.ExcludeMin) && (q.Max == nil || t < *q.Max || t == *q.Max && !q.ExcludeMax)
		}))
	case query.Exists:
		return constant(d.field(q.Field) != nil)
	case query.Phrase:
		return ix.scorePhrase(d, q, boost)
	case query.IDs:
		return constant(slices.Contains(q.Values, d.ID))
	case query.Bool:
		return ix.scoreBool(d, q, boost)
	case query.Best:
		best, rest, any := float32(0), 0.0, false
		for _, c := range q.Queries {
			if s, ok := ix.score(d, c, boost); ok {
				any = true
				rest += float64(min(best, s))
				best = max(best, s)
			}
		}
		return float32(float64(best) + rest*float64(float32(q.Tie))), any
	case query.Constant:
		_, ok := ix.score(d, q.Query, 1)
		return boost * float32(q.Score), ok
	case query.Boost:
		return ix.score(d, q.Query, boost*float32(q.By))
	}
	panic("no such query")
}

func (ix *refIndex) scoreBool(d *refDoc, q query.Bool, boost float32) (float32, bool) {
	if len(q.Must)+len(q.Should)+len(q.Filter)+len(q.MustNot) == 0 {
		return boost, true
	}
	must, should, n := 0.0, 0.0, 0
	for _, c := range q.Must {
		s, ok := ix.score(d, c, boost)
		if !ok {
			return 0, false
		}
		must += float64(s)
	}
	for _, c := range q.Filter {
		if _, ok := ix.score(d, c, 1); !ok {
			return 0, false
		}
	}
	for _, c := range q.MustNot {
		if _, ok := ix.score(d, c, 1); ok {
			return 0, false
		}
	}
	for _, c := range q.Should {
		if s, ok := ix.score(d, c, boost); ok {
			should += float64(s)
			n++
		}
	}
	least := q.MinShould
	if len(q.Must)+len(q.Filter) == 0 && len(q.Should) > 0 {
		least = max(least, 1)
	}
	return float32(must) + float32(should), n >= least
}

// stats returns the number of documents with a term in a field, and their terms.
func (ix *refIndex) stats(name string) (docs, total int) {
	if known, ok := ix.lengths[name]; ok {
		return known[0], known[1]
	}
	defer func() { ix.lengths[name] = [2]int{docs, total} }()
	for i := range ix.docs {
		f := ix.docs[i].field(name)
		if f == nil || len(f.Terms) == 0 {
			continue
		}
		docs++
		if f.Kind == query.Text {
			total += len(f.Terms)
		} else {
			total += len(uniq(f.Terms))
		}
	}
	return docs, total
}

func uniq(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return slices.Compact(s)
}

func (ix *refIndex) idf(name, term string) float32 {
	key := name + " " + term
	if known, ok := ix.idfs[key]; ok {
		return known
	}
	df := 0
	for i := range ix.docs {
		if ix.docs[i].anyTerm(name, func(t string) bool { return t == term }) {
			df++
		}
	}
	docs, _ := ix.stats(name)
	idf := float32(math.Log(1 + (float64(docs-df)+0.5)/(float64(df)+0.5)))
	ix.idfs[key] = idf
	return idf
}

func (ix *refIndex) bm25(d *refDoc, name string, freq, idf, boost float32) float32 {
	f := d.field(name)
	length := 1
	if f.Kind == query.Text && !f.NoNorms {
		length = refLength(len(f.Terms))
	}
	docs, total := ix.stats(name)
	average := float32(float64(total) / float64(docs))
	inverse := 1 / (float32(1.2) * ((1 - float32(0.75)) + float32(0.75)*float32(length)/average))
	weight := boost * (1 + float32(1.2)) * idf
	return weight - weight/(1+freq*inverse)
}

// refLength rounds a length as one byte does: 24 plus a number of four significant bits.
func refLength(n int) int {
	if n < 24 {
		return n
	}
	v := n - 24
	unit := 1
	for v/unit >= 16 {
		unit *= 2
	}
	return 24 + v/unit*unit
}

func (ix *refIndex) scoreTerm(d *refDoc, name, term string, boost float32) (float32, bool) {
	f := d.field(name)
	if f == nil {
		return 0, false
	}
	freq := 0
	for _, t := range f.Terms {
		if t == term {
			freq++
		}
	}
	if freq == 0 {
		return 0, false
	}
	if f.Kind == query.Keyword {
		freq = 1
	}
	return ix.bm25(d, name, float32(freq), ix.idf(name, term), boost), true
}

// scorePhrase knows phrases without slop alone.
func (ix *refIndex) scorePhrase(d *refDoc, q query.Phrase, boost float32) (float32, bool) {
	terms := q.Terms
	var last []string
	if q.Prefix {
		last = ix.expand(q.Field, terms[len(terms)-1])
		if len(terms) == 1 {
			var should []query.Query
			for _, t := range last {
				should = append(should, query.Term{Field: q.Field, Term: t})
			}
			if len(should) == 0 {
				return 0, false
			}
			return ix.scoreBool(d, query.Bool{Should: should}, boost)
		}
	} else if len(terms) == 1 {
		return ix.scoreTerm(d, q.Field, terms[0], boost)
	}
	f := d.field(q.Field)
	if f == nil || f.Kind != query.Text {
		return 0, false
	}
	freq := 0
	for i := range f.Terms {
		ok := true
		for j, t := range terms {
			ok = ok && i+j < len(f.Terms) && !(j > 0 && slices.Contains(f.Gaps, i+j))
			if !ok {
				break
			}
			if q.Prefix && j == len(terms)-1 {
				ok = slices.Contains(last, f.Terms[i+j])
			} else {
				ok = f.Terms[i+j] == t
			}
		}
		if ok {
			freq++
		}
	}
	if freq == 0 {
		return 0, false
	}
	idf := 0.0
	for j, t := range terms {
		if q.Prefix && j == len(terms)-1 {
			for _, t := range last {
				idf += float64(ix.idf(q.Field, t))
			}
		} else {
			idf += float64(ix.idf(q.Field, t))
		}
	}
	return ix.bm25(d, q.Field, float32(freq), float32(idf), boost), true
}

func (ix *refIndex) expand(name, prefix string) []string {
	var terms []string
	for i := range ix.docs {
		if f := ix.docs[i].field(name); f != nil {
			for _, t := range f.Terms {
				if strings.HasPrefix(t, prefix) {
					terms = append(terms, t)
				}
			}
		}
	}
	terms = uniq(terms)
	return terms[:min(50, len(terms))]
}

func refWildcard(p, t string) bool {
	if p == "" {
		return t == ""
	}
	switch {
	case p[0] == '*':
		return refWildcard(p[1:], t) || t != "" && refWildcard(p, t[1:])
	case t == "":
		return false
	case p[0] == '?':
		return refWildcard(p[1:], t[1:])
	case p[0] == '\\' && len(p) > 1:
		return p[1] == t[0] && refWildcard(p[2:], t[1:])
	}
	return p[0] == t[0] && refWildcard(p[1:], t[1:])
}

// values returns a document's values as sort values, in their order.
func (d *refDoc) values(name string, kind query.Kind) []any {
	f := d.field(name)
	if f == nil || f.Kind != kind {
		return nil
	}
	var all []any
	for _, t := range uniq(f.Terms) {
		all = append(all, t)
	}
	for _, v := range f.Ints {
		all = append(all, v)
	}
	for _, v := range f.Floats {
		all = append(all, v)
	}
	sort.SliceStable(all, func(i, j int) bool { return refCompare(all[i], all[j]) < 0 })
	return all
}

func refCompare(a, b any) int {
	switch a := a.(type) {
	case string:
		return strings.Compare(a, b.(string))
	case int64:
		return compareInts(a, b.(int64))
	}
	return compareFloats(a.(float64), b.(float64))
}

type refHit struct {
	d     *refDoc
	score float32
	index int
	keys  []any
}

func (r *reference) search(_ context.Context, q *query.Search) *query.Result {
	res := &query.Result{TotalExact: true}
	keys := q.Sort
	if len(keys) == 0 {
		keys = []query.Sort{{Field: "_score", Descending: true}}
	}
	var hits []refHit
	for i, t := range q.Targets {
		ix := r.indices[t.Index]
		for j := range ix.docs {
			d := &ix.docs[j]
			score, ok := ix.score(d, t.Query, 1)
			if !ok {
				continue
			}
			h := refHit{d: d, score: score, index: i}
			for _, k := range keys {
				h.keys = append(h.keys, refKey(d, &k, score))
			}
			hits = append(hits, h)
			res.MaxScore = max(res.MaxScore, score)
		}
	}
	res.Total = int64(len(hits))
	if q.TrackTotal >= 0 && len(hits) > q.TrackTotal {
		res.Total, res.TotalExact = int64(q.TrackTotal), false
	}
	res.Aggs = refAggs(hits, q.Aggs)
	order := func(a, b []any) int {
		for i := range keys {
			if o := refCompareKey(&keys[i], a[i], b[i]); o != 0 {
				return o
			}
		}
		return 0
	}
	sort.SliceStable(hits, func(i, j int) bool { return order(hits[i].keys, hits[j].keys) < 0 })
	if q.After != nil {
		hits = slices.DeleteFunc(hits, func(h refHit) bool { return order(h.keys, q.After) <= 0 })
	}
	hits = hits[min(len(hits), q.From):]
	for _, h := range hits[:min(len(hits), q.Size)] {
		res.Hits = append(res.Hits, query.Hit{Index: q.Targets[h.index].Index, ID: h.d.ID, Source: h.d.Source, Score: h.score, Sort: h.keys, SeqNo: h.d.seq, Version: h.d.version})
	}
	return res
}

func refKey(d *refDoc, k *query.Sort, score float32) any {
	switch k.Field {
	case "_score":
		return float64(score)
	case "_doc":
		return d.seq
	}
	all := d.values(k.Field, k.Kind)
	if len(all) == 0 {
		return nil
	}
	if k.UseMax {
		return all[len(all)-1]
	}
	return all[0]
}

func refCompareKey(k *query.Sort, a, b any) int {
	if a == nil || b == nil {
		switch {
		case a == nil && b == nil:
			return 0
		case (a == nil) == k.MissingFirst:
			return -1
		}
		return 1
	}
	o := refCompare(a, b)
	if k.Descending {
		return -o
	}
	return o
}

func refAggs(hits []refHit, aggs []query.Agg) []query.AggResult {
	var out []query.AggResult
	for i := range aggs {
		a := &aggs[i]
		r := query.AggResult{Name: a.Name}
		switch a.Type {
		case query.AggTerms, query.AggDateHistogram:
			refBuckets(hits, a, &r)
		default:
			refMetric(hits, a, &r)
		}
		out = append(out, r)
	}
	return out
}

func refMetric(hits []refHit, a *query.Agg, r *query.AggResult) {
	var m metricState
	seen := map[any]bool{}
	for _, h := range hits {
		for _, v := range h.d.values(a.Field, a.Kind) {
			seen[v] = true
			switch v := v.(type) {
			case int64:
				m.add(float64(v))
			case float64:
				m.add(v)
			default:
				m.count++
			}
		}
	}
	*r = m.result(a.Type)
	r.Name = a.Name
	if a.Type == query.AggCardinality {
		r.Count, r.Value = int64(len(seen)), float64(len(seen))
	}
}

func refBuckets(hits []refHit, a *query.Agg, r *query.AggResult) {
	groups := map[any][]refHit{}
	for _, h := range hits {
		var before any
		for _, v := range h.d.values(a.Field, a.Kind) {
			if a.Type == query.AggDateHistogram {
				v = a.Bounds(v.(int64))
			}
			if v != before {
				groups[v] = append(groups[v], h)
			}
			before = v
		}
	}
	total := int64(0)
	for v, in := range groups {
		if len(in) < a.MinCount {
			continue
		}
		b := query.Bucket{Count: int64(len(in)), Sub: refAggs(in, a.Sub)}
		switch v := v.(type) {
		case string:
			b.Key = v
		case int64:
			b.Int = v
		case float64:
			b.Float = v
		}
		r.Buckets = append(r.Buckets, b)
		total += b.Count
	}
	if a.Type == query.AggDateHistogram {
		sort.Slice(r.Buckets, func(i, j int) bool { return r.Buckets[i].Int < r.Buckets[j].Int })
		if a.MinCount == 0 {
			refFill(a, r)
		}
		return
	}
	sort.Slice(r.Buckets, func(i, j int) bool { return refBucketLess(a, &r.Buckets[i], &r.Buckets[j]) })
	r.Buckets = r.Buckets[:min(a.Size, len(r.Buckets))]
	for _, b := range r.Buckets {
		total -= b.Count
	}
	r.Other = total
}

// refFill adds empty buckets a minute at a time: the tests' histograms have bounds on whole minutes.
func refFill(a *query.Agg, r *query.AggResult) {
	var all []query.Bucket
	for i, b := range r.Buckets {
		if i > 0 {
			for t := r.Buckets[i-1].Int; t < b.Int; t += 60_000 {
				if s := a.Bounds(t); s > all[len(all)-1].Int {
					all = append(all, query.Bucket{Int: s, Sub: refAggs(nil, a.Sub)})
				}
			}
		}
		all = append(all, b)
	}
	r.Buckets = all
}

func refBucketLess(a *query.Agg, x, y *query.Bucket) bool {
	order := a.Order
	if len(order) == 0 {
		order = []query.Order{{By: "_count", Descending: true}}
	}
	for _, o := range order {
		c := 0
		switch o.By {
		case "_count":
			c = compareInts(x.Count, y.Count)
		case "_key":
		default:
			t := &top{agg: a}
			c = compareFloats(t.metric(o.By, x), t.metric(o.By, y))
		}
		if o.By == "_key" {
			c = compareBucketKeys(a.Kind, x, y)
		}
		if o.Descending {
			c = -c
		}
		if c != 0 {
			return c < 0
		}
	}
	return compareBucketKeys(a.Kind, x, y) < 0
}
