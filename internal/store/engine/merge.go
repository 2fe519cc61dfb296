package engine

import (
	"context"
	"io"
	"slices"

	"millrace/internal/store/query"
)

// view is a segment as one moment saw it: deleted is not changed once it is here, later deletions make a new set. A search over views
// sees a document that is being replaced once, as it was or as it is.
type view struct {
	*segment
	deleted  bitset // nil: none
	nDeleted uint32
}

func (v *view) live() uint32 { return v.docs - v.nDeleted }

// merger writes several segments, which follow each other, as one, without the documents that were deleted.
type merger struct {
	ctx   context.Context
	in    []view
	bases []uint32   // the new number of the first document of each
	maps  [][]uint32 // the new numbers of all documents, where some were deleted; gone for those
	docs  uint32
	w     *segmentWriter

	list, freqs []uint32
	packed      []byte
	bufs        [][]byte
	p           postings
}

const gone = ^uint32(0)

func newMerger(ctx context.Context, in []view) *merger {
	m := &merger{ctx: ctx, in: in, bufs: make([][]byte, len(in))}
	for i := range in {
		m.bases = append(m.bases, m.docs)
		m.maps = append(m.maps, nil)
		if in[i].nDeleted == 0 {
			m.docs += in[i].docs
			continue
		}
		to := make([]uint32, in[i].docs)
		for doc := range to {
			to[doc] = gone
			if !in[i].deleted.get(uint32(doc)) {
				to[doc] = m.docs
				m.docs++
			}
		}
		m.maps[i] = to
	}
	return m
}

// writeTo writes the merged segment and returns its length. There must be a document left.
func (m *merger) writeTo(out io.Writer) (uint64, error) {
	m.w = newSegmentWriter(out, m.docs)
	for _, name := range m.fieldNames() {
		if err := m.field(name); err != nil {
			return 0, err
		}
	}
	if err := m.stored(); err != nil {
		return 0, err
	}
	if err := m.ids(); err != nil {
		return 0, err
	}
	if err := m.ownColumns(); err != nil {
		return 0, err
	}
	return m.w.finish()
}

// mergeInMemory merges segments that are in memory: into one, or none if all documents were deleted.
func mergeInMemory(in []view) []view {
	m := newMerger(context.Background(), in)
	if m.docs == 0 {
		return nil
	}
	size := 0
	for i := range in {
		size += int(in[i].src.size)
	}
	out := newMemWriter(size)
	_, err := m.writeTo(out)
	var s *segment
	if err == nil {
		s, err = openSegment(memSource(out.b))
	}
	if err != nil {
		panic("BUG: merging segments in memory: " + err.Error())
	}
	return []view{{segment: s}}
}

// since returns what of the merged documents was deleted after the merge began, in their new numbers; nil where nothing was. views are the
// index as it is now.
func (m *merger) since(views []view) bitset {
	var deleted bitset
	for i := range m.in {
		for j := range views {
			now := &views[j]
			if now.segment != m.in[i].segment || now.nDeleted == m.in[i].nDeleted {
				continue
			}
			if deleted == nil {
				deleted = newBitset(m.docs)
			}
			for doc, ok := now.deleted.next(0); ok; doc, ok = now.deleted.next(doc + 1) {
				if to := m.to(i, doc); to != gone {
					deleted.set(to)
				}
			}
		}
	}
	return deleted
}

// to returns the new number of a document.
func (m *merger) to(i int, doc uint32) uint32 {
	if m.maps[i] == nil {
		return m.bases[i] + doc
	}
	return m.maps[i][doc]
}

func (m *merger) fieldNames() []string {
	seen := map[string]bool{}
	var names []string
	for i := range m.in {
		for name := range m.in[i].fields {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// part is a field of one of the segments.
type part struct {
	i       int // which segment
	f       *field
	present ranked
	dict    dictReader
	more    bool
	ords    []uint32 // new ordinals of the old ones
}

func (m *merger) field(name string) error {
	if err := m.ctx.Err(); err != nil {
		return err
	}
	var parts []*part
	set := newBitset(m.docs)
	present := uint32(0)
	for i := range m.in {
		f := m.in[i].fields[name]
		if f == nil {
			continue
		}
		p := &part{i: i, f: f}
		var err error
		if p.present, err = m.in[i].presence(f); err != nil {
			return err
		}
		parts = append(parts, p)
		p.each(m, func(_, to uint32) {
			set.set(to)
			present++
		})
	}
	if present == 0 {
		return nil
	}
	kind := parts[0].f.kind
	m.w.beginField(name, kind, set, present)
	if kind == query.Keyword || kind == query.Text {
		total, err := m.terms(parts, kind)
		if err != nil {
			return err
		}
		if kind == query.Text {
			return m.norms(parts, total)
		}
		m.w.endTerms(present, total)
	}
	return m.values(parts, present)
}

// each calls do with the old place and the new number of each living document that has the field.
func (p *part) each(m *merger, do func(place, to uint32)) {
	docs := m.in[p.i].docs
	if p.present.set == nil {
		for doc := range docs {
			if to := m.to(p.i, doc); to != gone {
				do(doc, to)
			}
		}
		return
	}
	place := uint32(0)
	for doc, ok := p.present.set.next(0); ok; doc, ok = p.present.set.next(doc + 1) {
		if to := m.to(p.i, doc); to != gone {
			do(place, to)
		}
		place++
	}
}

func (m *merger) norms(parts []*part, total uint64) error {
	var norms, buf []byte
	withTerms := uint32(0)
	for _, p := range parts {
		old, err := m.in[p.i].src.view(p.f.normsAt, uint64(p.f.present), &buf)
		if err != nil {
			return err
		}
		p.each(m, func(place, _ uint32) {
			norms = append(norms, old[place])
			if old[place] != 0 { // the norm of a text without tokens, and of no other
				withTerms++
			}
		})
	}
	m.w.endTerms(withTerms, total)
	m.w.norms(norms)
	return nil
}

// values merges columns; ordinals get their new numbers, which keep their order.
func (m *merger) values(parts []*part, present uint32) error {
	c := columnData{values: make([]int64, 0, present), counts: make([]uint32, 0, present)}
	for _, p := range parts {
		var r columnReader
		r.reset(m.in[p.i].src, p.f.col, ranked{})
		bad := false
		p.each(m, func(place, _ uint32) {
			some := r.of(place)
			for _, v := range some {
				if p.ords != nil {
					if uint64(v) >= uint64(len(p.ords)) {
						bad = true
						return
					}
					v = int64(p.ords[v])
				}
				c.values = append(c.values, v)
			}
			c.counts = append(c.counts, uint32(len(some)))
		})
		if err := r.err(); err != nil {
			return err
		}
		if bad {
			return corrupt("ordinal")
		}
	}
	m.w.endColumn(c)
	return nil
}
