package engine

import (
	"fmt"
	"math"

	"millrace/internal/store/query"
)

// index is the documents of one index: segments in the order in which their documents came, those on disk first, then those in memory,
// then what is not yet a segment. Engine.mu guards it.
type index struct {
	rec     indexRecord
	nextSeq int64
	kinds   map[string]query.Kind
	views   []view
	stored  map[*segment]uint32 // of a segment on disk: how many deletions the catalogue has

	building *builder
}

func newIndex(r indexRecord) *index {
	return &index{rec: r, nextSeq: r.NextSeq, kinds: map[string]query.Kind{}, stored: map[*segment]uint32{}}
}

// open adds a segment that was found on disk.
func (ix *index) open(s *segment, deleted bitset) {
	v := view{segment: s}
	if len(deleted) == len(newBitset(s.docs)) && len(deleted) > 0 {
		v.deleted, v.nDeleted = deleted, uint32(deleted.count())
	}
	ix.views = append(ix.views, v)
	ix.stored[s] = v.nDeleted
	ix.nextSeq = max(ix.nextSeq, s.lastSeq+1)
	for name, f := range s.fields {
		ix.kinds[name] = f.kind
	}
}

// checkKinds refuses a document with a field of another kind than the index has.
func (ix *index) checkKinds(d *query.Doc) error {
	for i := range d.Fields {
		f := &d.Fields[i]
		if f.Kind < query.Keyword || f.Kind > query.Date {
			return fmt.Errorf("field %q of index %q: no kind", f.Name, ix.rec.Name)
		}
		if b := ix.building; b != nil && i < len(b.fields) && b.fields[i].name == f.Name && b.fields[i].kind == f.Kind {
			continue
		}
		if k, ok := ix.kinds[f.Name]; ok && k != f.Kind {
			return fmt.Errorf("field %q of index %q is of kind %d, not %d", f.Name, ix.rec.Name, k, f.Kind)
		}
	}
	return nil
}

// learnKinds notes the kinds of a document's fields.
func (ix *index) learnKinds(d *query.Doc) {
	for i := range d.Fields {
		f := &d.Fields[i]
		if b := ix.building; b != nil && i < len(b.fields) && b.fields[i].name == f.Name {
			continue
		}
		if _, ok := ix.kinds[f.Name]; !ok {
			ix.kinds[string([]byte(f.Name))] = f.Kind
		}
	}
}

// place is where a living document is: in a view, or in the builder (view -1).
type place struct {
	view int
	doc  uint32
}

// find returns the living document of an ID.
func (ix *index) find(id string) (place, bool, error) {
	if ix.building != nil {
		if doc, ok := ix.building.find(id); ok {
			return place{-1, doc}, true, nil
		}
	}
	h := idHash(id)
	for i := len(ix.views) - 1; i >= 0; i-- {
		v := &ix.views[i]
		at, ok := place{view: i}, false
		err := v.findID(id, h, func(doc uint32) error {
			if !v.deleted.has(doc) {
				at.doc, ok = doc, true
			}
			return nil
		})
		if err != nil || ok {
			return at, ok, err
		}
	}
	return place{}, false, nil
}

// numbers returns the number and version of a document.
func (ix *index) numbers(p place) (seq, version int64, err error) {
	if p.view < 0 {
		return ix.building.seqs[p.doc], ix.building.versions[p.doc], nil
	}
	v := &ix.views[p.view]
	if seq, err = v.seqOf(p.doc); err != nil {
		return 0, 0, err
	}
	version, err = v.versionOf(p.doc)
	return seq, version, err
}

// remove marks a document as deleted. owned are the sets that are this request's own already; others are copied first, because searches
// read them.
func (ix *index) remove(p place, owned map[*segment]bool) {
	if p.view < 0 {
		ix.building.remove(p.doc)
		return
	}
	v := &ix.views[p.view]
	if !owned[v.segment] {
		owned[v.segment] = true
		if v.deleted == nil {
			v.deleted = newBitset(v.docs)
		} else {
			v.deleted = v.deleted.clone()
		}
	}
	if !v.deleted.get(p.doc) {
		v.deleted.set(p.doc)
		v.nDeleted++
	}
}

// add adds a document, and makes the builder a segment when it is full.
func (ix *index) add(d *query.Doc, seq, version int64) {
	if ix.building == nil {
		ix.building = newBuilder()
	}
	ix.learnKinds(d)
	ix.building.add(d, seq, version)
	ix.nextSeq = max(ix.nextSeq, seq+1)
	if ix.building.full() {
		ix.seal()
	}
}

// seal makes a segment in memory of what the builder holds, so that a search finds it.
func (ix *index) seal() {
	if ix.building == nil || ix.building.docs == 0 {
		return
	}
	s, deleted := ix.building.seal()
	v := view{segment: s, deleted: deleted}
	if deleted != nil {
		v.nDeleted = uint32(deleted.count())
	}
	ix.views = append(ix.views, v)
	ix.joinSmall()
}

// joinSmall merges the last segments in memory while one is not much larger than the next. Where each request is followed by a search,
// each makes a segment of few documents: so they stay few, and each document is merged no more than some ten times until the segment is
// as large as a full builder would make it.
func (ix *index) joinSmall() {
	for {
		n := len(ix.views)
		if n < 2 {
			return
		}
		a, b := &ix.views[n-2], &ix.views[n-1]
		if a.key != 0 || a.frozen || a.docs > 2*b.docs || a.docs+b.docs > sealDocs {
			return
		}
		joined := mergeInMemory([]view{*a, *b})
		a.release()
		b.release()
		ix.views = append(ix.views[:n-2], joined...)
	}
}

// info is what Indices tells of an index.
func (ix *index) info() query.IndexInfo {
	in := query.IndexInfo{Name: ix.rec.Name, Created: ix.rec.Created, Meta: ix.rec.Meta, Oldest: math.MaxInt64, Newest: math.MinInt64}
	for i := range ix.views {
		v := &ix.views[i]
		in.Docs += int64(v.live())
		in.Deleted += int64(v.nDeleted)
		in.Bytes += int64(v.src.size)
		in.Oldest, in.Newest = min(in.Oldest, v.minTime), max(in.Newest, v.maxTime)
	}
	if b := ix.building; b != nil && b.docs > 0 {
		in.Docs += int64(b.docs - b.nDeleted)
		in.Deleted += int64(b.nDeleted)
		for _, t := range b.times {
			in.Oldest, in.Newest = min(in.Oldest, t), max(in.Newest, t)
		}
	}
	if in.Oldest > in.Newest {
		in.Oldest, in.Newest = 0, 0
	}
	return in
}

// snapshot returns the segments of an index as they are now, which release gives back.
func (ix *index) snapshot() []view {
	ix.seal()
	views := append([]view(nil), ix.views...)
	for i := range views {
		views[i].acquire()
	}
	return views
}
