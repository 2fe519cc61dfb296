package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"millrace/internal/store/query"
)

// The names that stand for something else than a field in query.Sort.
const (
	fieldScore = "_score"
	fieldDoc   = "_doc"
)

// sortValue is one key of a hit. Floats are there as integers of the same order.
type sortValue struct {
	num     int64
	str     string
	missing bool
}

// candidate is a hit that may be among the best.
type candidate struct {
	seg   *searched
	doc   uint32
	score float32
	keys  []sortValue
}

// collector keeps the best hits of a search: a heap with the worst on top, as large as the hits asked for.
type collector struct {
	ctx   context.Context
	keys  []query.Sort
	size  int
	after []sortValue // nil: from the first
	heap  []candidate
	best  float32 // the highest score seen
}

// collect finds the hits of a search among the matches of all segments.
func collect(ctx context.Context, q *query.Search, nodes []node, segs []*searched, r *query.Result) error {
	c := &collector{ctx: ctx, keys: q.Sort, size: q.From + q.Size}
	if len(c.keys) == 0 {
		c.keys = []query.Sort{{Field: fieldScore, Descending: true}}
	}
	var err error
	if c.after, err = parseAfter(c.keys, q.After); err != nil {
		return err
	}
	scores := needsScore(q)
	order := slices.Clone(segs)
	if !scores {
		c.orderSegments(order)
	}
	for _, s := range order {
		sc := &segmentCollector{c: c, s: s, scores: scores}
		if err := sc.run(nodes[s.target]); err != nil {
			return err
		}
	}
	slices.SortFunc(c.heap, func(a, b candidate) int { return c.compare(&a, &b) })
	if scores {
		r.MaxScore = c.best
	}
	return c.fetch(q, r)
}

// orderSegments puts first the segments that hold the best values of the first key, so that of the others little has to be looked at.
// The result does not depend on it.
func (c *collector) orderSegments(segs []*searched) {
	k := &c.keys[0]
	bound := func(s *searched) int64 {
		f := s.fields[k.Field]
		if f == nil || f.col == nil || f.kind == query.Keyword {
			return 0
		}
		least, most := f.col.values.bounds()
		if k.Descending {
			return ^most
		}
		return least
	}
	slices.SortStableFunc(segs, func(a, b *searched) int {
		switch x, y := bound(a), bound(b); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
}

// compareKey orders two values of a key: below zero, a comes first.
func compareKey(k *query.Sort, a, b *sortValue) int {
	if a.missing || b.missing {
		switch {
		case a.missing && b.missing:
			return 0
		case a.missing == k.MissingFirst:
			return -1
		}
		return 1
	}
	order := 0
	switch {
	case a.num < b.num:
		order = -1
	case a.num > b.num:
		order = 1
	default:
		order = strings.Compare(a.str, b.str)
	}
	if k.Descending {
		return -order
	}
	return order
}

func compareKeys(keys []query.Sort, a, b []sortValue) int {
	for i := range keys {
		if order := compareKey(&keys[i], &a[i], &b[i]); order != 0 {
			return order
		}
	}
	return 0
}

// compare orders candidates by their keys, then by index and arrival.
func (c *collector) compare(a, b *candidate) int {
	if order := compareKeys(c.keys, a.keys, b.keys); order != 0 {
		return order
	}
	if a.seg.target != b.seg.target {
		return a.seg.target - b.seg.target
	}
	if a.seg.nth != b.seg.nth {
		return a.seg.nth - b.seg.nth
	}
	return int(int64(a.doc) - int64(b.doc))
}

// offer takes a candidate whose keys are scratch of the caller, if it is good enough.
func (c *collector) offer(x candidate) {
	if c.after != nil && compareKeys(c.keys, x.keys, c.after) <= 0 {
		return
	}
	if len(c.heap) < c.size {
		x.keys = slices.Clone(x.keys)
		c.heap = append(c.heap, x)
		for i := len(c.heap) - 1; i > 0; {
			up := (i - 1) / 2
			if c.compare(&c.heap[i], &c.heap[up]) <= 0 {
				break
			}
			c.heap[i], c.heap[up] = c.heap[up], c.heap[i]
			i = up
		}
		return
	}
	if c.compare(&x, &c.heap[0]) >= 0 {
		return
	}
	keys := c.heap[0].keys
	copy(keys, x.keys)
	x.keys = keys
	c.heap[0] = x
	c.sink()
}

// sink restores the heap after its top was replaced.
func (c *collector) sink() {
	for i := 0; ; {
		worst := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < len(c.heap) && c.compare(&c.heap[down], &c.heap[worst]) > 0 {
				worst = down
			}
		}
		if worst == i {
			return
		}
		c.heap[i], c.heap[worst] = c.heap[worst], c.heap[i]
		i = worst
	}
}

// full tells whether a candidate has to be better than another to be taken.
func (c *collector) full() bool { return len(c.heap) == c.size }

// parseAfter reads the sort values of search_after.
func parseAfter(keys []query.Sort, after []any) ([]sortValue, error) {
	if len(after) == 0 {
		return nil, nil
	}
	if len(after) != len(keys) {
		return nil, fmt.Errorf("search_after has %d values, the order %d keys", len(after), len(keys))
	}
	values := make([]sortValue, len(after))
	for i, v := range after {
		k := &keys[i]
		float := k.Kind == query.Float
		switch v := v.(type) {
		case nil:
			values[i].missing = true
		case string:
			values[i].str = v
		case int64:
			switch {
			case k.Field == fieldScore:
				values[i].num = sortableFloat(float64(float32(v)))
			case float:
				values[i].num = sortableFloat(float64(v))
			default:
				values[i].num = v
			}
		case float64:
			switch {
			case k.Field == fieldScore:
				values[i].num = sortableFloat(float64(float32(v)))
			case float:
				values[i].num = sortableFloat(v)
			default:
				n, ok := clampInt(v)
				if !ok {
					return nil, fmt.Errorf("search_after: %v is no value of %q", v, k.Field)
				}
				values[i].num = n
			}
		default:
			return nil, fmt.Errorf("search_after: a value of type %T", v)
		}
	}
	return values, nil
}

// fetch reads what the result holds of each hit.
func (c *collector) fetch(q *query.Search, r *query.Result) error {
	hits := c.heap[min(q.From, len(c.heap)):]
	r.Hits = make([]query.Hit, len(hits))
	// Read in the order of the documents: neighbours share a block of sources.
	order := make([]int, len(hits))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := &hits[a], &hits[b]
		if x.seg != y.seg {
			if x.seg.target != y.seg.target {
				return x.seg.target - y.seg.target
			}
			return x.seg.nth - y.seg.nth
		}
		return int(int64(x.doc) - int64(y.doc))
	})
	var stored storedReader
	for n, i := range order {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		h := &hits[i]
		if n == 0 || hits[order[n-1]].seg != h.seg {
			stored.reset(h.seg.src, &h.seg.stored)
		}
		source, err := stored.source(h.doc)
		if err != nil {
			return err
		}
		if err := c.hit(&r.Hits[i], h, q.Targets[h.seg.target].Index, slices.Clone(source)); err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) hit(to *query.Hit, h *candidate, index string, source []byte) error {
	var buf []byte
	id, err := h.seg.id(h.doc, &buf)
	if err != nil {
		return err
	}
	*to = query.Hit{Index: index, ID: string(id), Source: source, Score: h.score}
	if to.SeqNo, err = h.seg.seqOf(h.doc); err != nil {
		return err
	}
	if to.Version, err = h.seg.versionOf(h.doc); err != nil {
		return err
	}
	to.Sort = make([]any, len(c.keys))
	for i := range c.keys {
		to.Sort[i] = c.value(&c.keys[i], &h.keys[i])
	}
	return nil
}

// value turns a sort value into what a hit shows.
func (c *collector) value(k *query.Sort, v *sortValue) any {
	switch {
	case v.missing:
		return nil
	case k.Field == fieldScore:
		return floatOf(v.num)
	case k.Field == fieldDoc:
		return v.num
	case k.Kind == query.Keyword:
		return v.str
	case k.Kind == query.Float:
		return floatOf(v.num)
	}
	return v.num
}
