package engine

import (
	"fmt"

	"millrace/internal/store/query"
)

// segmentCollector offers the matches of one segment to a collector.
type segmentCollector struct {
	c      *collector
	s      *searched
	scores bool
	scorer scorer
	same   bool // all scores are equal
	keys   []keyReader
	values []sortValue
}

// keyReader reads one key of the order. num is enough to tell numbers apart; of a keyword it is the ordinal in this segment.
type keyReader struct {
	key  *query.Sort
	kind query.Kind // of the field in this segment; 0: none
	col  columnReader
	dict dictReader
	seqs packedReader

	// Of a keyword that is the first key: the ordinals that may still be good enough, for a heap whose worst has this value.
	worst  string
	have   bool
	limit  int64
	exact  bool
	failed error
}

func (sc *segmentCollector) run(n node) error {
	if sc.scores {
		var err error
		if sc.scorer, err = n.scorer(sc.s, true); err != nil {
			return err
		}
		if constant, ok := sc.scorer.(constScorer); ok {
			sc.same = constant.set.all
		}
	}
	sc.values = make([]sortValue, len(sc.c.keys))
	sc.keys = make([]keyReader, len(sc.c.keys))
	for i := range sc.keys {
		if err := sc.keys[i].open(sc.s, &sc.c.keys[i]); err != nil {
			return err
		}
	}
	if err := sc.documents(); err != nil {
		return err
	}
	for i := range sc.keys {
		if err := sc.keys[i].err(); err != nil {
			return err
		}
	}
	return nil
}

// documents goes through the matches in blocks: upwards, as scorers want it, or from the end where the order is descending, because the
// later values of logs are mostly the greater ones.
func (sc *segmentCollector) documents() error {
	blocks := (int(sc.s.docs) + columnBlock - 1) / columnBlock
	down := !sc.scores && sc.c.keys[0].Descending
	for i := range blocks {
		if err := sc.c.ctx.Err(); err != nil {
			return err
		}
		b := i
		if down {
			b = blocks - 1 - i
		}
		if sc.hopeless(b) {
			continue
		}
		end := uint32(min((b+1)*columnBlock, int(sc.s.docs)))
		for doc, ok := sc.s.hits.next(uint32(b * columnBlock)); ok && doc < end; doc, ok = sc.s.hits.next(doc + 1) {
			if sc.document(doc) {
				return nil
			}
		}
	}
	return nil
}

// hopeless tells from the bounds of a block's values that no document of it can be good enough.
func (sc *segmentCollector) hopeless(block int) bool {
	k := &sc.keys[0]
	if sc.scores || !sc.c.full() || sc.c.size == 0 || k.kind == 0 || k.kind == query.Keyword || k.col.col.starts != nil || k.col.present.set != nil {
		return false
	}
	worst := &sc.c.heap[0].keys[0]
	if worst.missing {
		return false
	}
	m := &k.col.col.values.blocks[block]
	if k.kind != k.key.Kind && (k.kind == query.Float || k.key.Kind == query.Float) {
		return false
	}
	if k.key.Descending {
		return m.max < worst.num
	}
	return m.min > worst.num
}

// document offers one match and tells whether no other of this segment can be better.
func (sc *segmentCollector) document(doc uint32) (enough bool) {
	c := sc.c
	x := candidate{seg: sc.s, doc: doc, keys: sc.values}
	if sc.scores {
		x.score, _ = sc.scorer.score(doc)
		c.best = max(c.best, x.score)
	}
	for i := range sc.keys {
		k := &sc.keys[i]
		if k.key.Field == fieldScore {
			sc.values[i] = sortValue{num: sortableFloat(float64(x.score))}
		} else {
			sc.values[i] = k.read(doc)
		}
		if i == 0 && c.full() && c.size > 0 {
			if k.kind == query.Keyword {
				if k.beyond(&c.heap[0].keys[0], &sc.values[0]) {
					return false
				}
			} else if order := compareKey(k.key, &sc.values[0], &c.heap[0].keys[0]); order > 0 {
				return false
			} else if order == 0 && len(sc.keys) == 1 && k.key.Field == fieldScore {
				// A later document with the same score comes after those that are there already.
				return sc.same && c.after == nil
			}
		}
		if k.kind == query.Keyword {
			k.spell(&sc.values[i])
		}
	}
	c.offer(x)
	return false
}

func (k *keyReader) open(s *searched, key *query.Sort) error {
	k.key = key
	switch key.Field {
	case fieldScore:
		return nil
	case fieldDoc:
		k.seqs.reset(s.src, &s.seqs)
		return nil
	}
	f := s.fields[key.Field]
	if f == nil || (f.kind == query.Keyword) != (key.Kind == query.Keyword) {
		return nil // none of its documents has such a value
	}
	if f.kind == query.Text {
		return fmt.Errorf("sorting by %q: a text has no order", key.Field)
	}
	present, err := s.presence(f)
	if err != nil {
		return err
	}
	k.kind = f.kind
	k.col.reset(s.src, f.col, present)
	if f.kind == query.Keyword {
		k.dict.reset(s.src, &f.dict, false)
	}
	return nil
}

func (k *keyReader) err() error {
	switch {
	case k.failed != nil:
		return k.failed
	case k.dict.err != nil:
		return k.dict.err
	case k.seqs.err != nil:
		return k.seqs.err
	case k.kind != 0:
		return k.col.err()
	}
	return nil
}

// read returns the value of a document; of a keyword, the ordinal.
func (k *keyReader) read(doc uint32) sortValue {
	if k.key.Field == fieldDoc {
		return sortValue{num: k.seqs.at(doc) + int64(doc)}
	}
	if k.kind == 0 {
		return sortValue{missing: true}
	}
	all := k.col.of(doc)
	if len(all) == 0 {
		return sortValue{missing: true}
	}
	v := all[0]
	if k.key.UseMax {
		v = all[len(all)-1]
	}
	switch {
	case k.kind == query.Float && k.key.Kind != query.Float:
		v = int64(floatOf(v))
	case k.kind != query.Float && k.key.Kind == query.Float:
		v = sortableFloat(float64(v))
	}
	return sortValue{num: v}
}

// spell puts a keyword in the place of its ordinal.
func (k *keyReader) spell(v *sortValue) {
	if v.missing {
		return
	}
	term, err := k.dict.termAt(uint32(v.num))
	if err != nil {
		k.failed = err
	}
	v.num, v.str = 0, string(term)
}

// beyond tells by its ordinal that a keyword comes after the worst of the heap: looking it up would cost much more.
func (k *keyReader) beyond(worst, v *sortValue) bool {
	if worst.missing || v.missing {
		if worst.missing == v.missing {
			return false
		}
		return v.missing != k.key.MissingFirst
	}
	if !k.have || k.worst != worst.str {
		k.worst, k.have = worst.str, true
		k.exact = false
		if k.dict.seek(worst.str) {
			k.limit, k.exact = int64(k.dict.info.ord), string(k.dict.term) == worst.str
		} else {
			k.limit = int64(k.dict.x.terms)
		}
	}
	if k.key.Descending {
		return v.num < k.limit
	}
	return v.num > k.limit || v.num == k.limit && !k.exact
}
