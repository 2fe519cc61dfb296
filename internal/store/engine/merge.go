package engine

import (
	"bytes"
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

// terms merges the dictionaries and postings, and returns how many terms all documents have together.
func (m *merger) terms(parts []*part, kind query.Kind) (uint64, error) {
	for _, p := range parts {
		p.dict.reset(m.in[p.i].src, &p.f.dict, kind == query.Text)
		p.more = p.dict.next()
		if kind == query.Keyword {
			p.ords = make([]uint32, p.f.dict.terms)
		}
	}
	var total uint64
	var term []byte
	for ord := uint32(0); ; {
		least := -1
		for i, p := range parts {
			if p.more && (least < 0 || bytes.Compare(p.dict.term, parts[least].dict.term) < 0) {
				least = i
			}
		}
		if least < 0 {
			break
		}
		term = append(term[:0], parts[least].dict.term...)
		n, err := m.term(term, parts[least:], kind, ord)
		if err != nil {
			return 0, err
		}
		if total += n; n > 0 {
			ord++
		}
		if ord%4096 == 0 && m.ctx.Err() != nil {
			return 0, m.ctx.Err()
		}
	}
	for _, p := range parts {
		if p.dict.err != nil {
			return 0, p.dict.err
		}
	}
	return total, nil
}

// term writes one term from the parts that have it, and returns how often it occurs.
func (m *merger) term(term []byte, parts []*part, kind query.Kind, ord uint32) (uint64, error) {
	m.list, m.freqs, m.packed = m.list[:0], m.freqs[:0], m.packed[:0]
	for _, p := range parts {
		if !p.more || !bytes.Equal(p.dict.term, term) {
			continue
		}
		if p.ords != nil {
			p.ords[p.dict.info.ord] = ord
		}
		if err := m.occurrences(p, kind == query.Text); err != nil {
			return 0, err
		}
		p.more = p.dict.next()
	}
	if len(m.list) == 0 {
		return 0, nil
	}
	m.w.addTerm(term, m.list, m.freqs, m.packed)
	if kind == query.Keyword {
		return uint64(len(m.list)), nil
	}
	total := uint64(0)
	for _, f := range m.freqs {
		total += uint64(f)
	}
	return total, nil
}

// occurrences appends what a part has of its current term.
func (m *merger) occurrences(p *part, text bool) error {
	v := &m.in[p.i]
	t := p.dict.info
	if err := v.list(p.f, &t, &m.p, &m.bufs[p.i]); err != nil {
		return err
	}
	from := len(m.list)
	var err error
	if m.list, m.freqs, err = m.p.rest(m.list, m.freqs); err != nil {
		return err
	}
	if m.maps[p.i] == nil {
		base := m.bases[p.i]
		for i := range m.list[from:] {
			m.list[from+i] += base
		}
	}
	if text {
		pos, err := v.positions(&t, &m.bufs[p.i])
		if err != nil {
			return err
		}
		if m.maps[p.i] == nil {
			m.packed = append(m.packed, pos...)
		} else if err := m.livePositions(p.i, from, pos); err != nil {
			return err
		}
	}
	if m.maps[p.i] != nil {
		m.dropDeleted(p.i, from)
	}
	return nil
}

// livePositions appends the positions of the documents from a place of the list on that were not deleted.
func (m *merger) livePositions(i, from int, pos []byte) error {
	for j, doc := range m.list[from:] {
		n := skipVarints(pos, m.freqs[from+j])
		if n < 0 {
			return corrupt("positions")
		}
		if m.maps[i][doc] != gone {
			m.packed = append(m.packed, pos[:n]...)
		}
		pos = pos[n:]
	}
	return nil
}

// skipVarints returns the length of n numbers, -1 if there are not as many.
func skipVarints(p []byte, n uint32) int {
	at := 0
	for ; n > 0; n-- {
		for {
			if at == len(p) {
				return -1
			}
			at++
			if p[at-1] < 0x80 {
				break
			}
		}
	}
	return at
}

func (m *merger) dropDeleted(i, from int) {
	kept := from
	for j := from; j < len(m.list); j++ {
		if to := m.maps[i][m.list[j]]; to != gone {
			m.list[kept], m.freqs[kept] = to, m.freqs[j]
			kept++
		}
	}
	m.list, m.freqs = m.list[:kept], m.freqs[:kept]
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

// stored copies blocks of sources as they are, except those that are too small or have lost documents.
func (m *merger) stored() error {
	m.w.beginStored()
	var pending storedBuilder
	for i := range m.in {
		v := &m.in[i]
		var r storedReader
		r.reset(v.src, &v.stored)
		for b := range v.stored.raw {
			if err := m.ctx.Err(); err != nil {
				return err
			}
			first, end := v.stored.first[b], v.stored.first[b+1]
			if v.stored.raw[b] >= storedBlockBytes/2 && (v.deleted == nil || v.deleted.countRange(first, end) == 0) {
				p, err := v.src.view(v.stored.base+v.stored.offs[b], v.stored.offs[b+1]-v.stored.offs[b], &m.bufs[i])
				if err != nil {
					return err
				}
				pending.writeTo(m.w)
				m.w.storedBlock(p, v.stored.raw[b], end-first)
				continue
			}
			for doc := first; doc < end; doc++ {
				if m.to(i, doc) == gone {
					continue
				}
				source, err := r.source(doc)
				if err != nil {
					return err
				}
				pending.add(source)
			}
			if len(pending.blocks) > 0 {
				pending.hand(m.w)
			}
		}
	}
	pending.writeTo(m.w)
	return nil
}

func (m *merger) ids() error {
	i, r := 0, idReader{s: m.in[0].segment}
	return m.w.writeIDs(make([]uint64, 0, m.docs), func() ([]byte, error) {
		for {
			for r.next == m.in[i].docs {
				i++
				r = idReader{s: m.in[i].segment, buf: r.buf, id: r.id[:0]}
			}
			doc := r.next
			id, err := r.read()
			if err != nil || m.to(i, doc) != gone {
				return id, err
			}
		}
	})
}

func (m *merger) ownColumns() error {
	columns := [3][]int64{make([]int64, 0, m.docs), make([]int64, 0, m.docs), make([]int64, 0, m.docs)}
	for i := range m.in {
		v := &m.in[i]
		for k, c := range []*packedColumn{&v.times, &v.seqs, &v.vers} {
			var r packedReader
			r.reset(v.src, c)
			for doc := range v.docs {
				if m.to(i, doc) == gone {
					continue
				}
				x := r.at(doc)
				if c == &v.seqs {
					x += int64(doc)
				}
				columns[k] = append(columns[k], x)
			}
			if r.err != nil {
				return r.err
			}
		}
	}
	m.w.ownColumns(columns[0], columns[1], columns[2])
	return nil
}
