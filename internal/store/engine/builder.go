package engine

import (
	"slices"
	"unsafe"

	"millrace/internal/store/query"
)

// A builder is sealed into a segment in memory when it holds this many documents or about this many bytes. Larger ones cost fewer merges
// but more memory, and a search waits for the builder of its index to be sealed.
const (
	sealDocs  = 8 << 10
	sealBytes = 8 << 20
)

// builder gathers documents of one index. It keeps no list for each term: a field's terms go one after the other, as numbers in order of
// their first coming, into one slice, and are sorted once, when the segment is written. So adding a token costs a lookup and an append.
type builder struct {
	docs   uint32
	bytes  int // approximately what it holds
	fields []*fieldBuilder
	byName map[string]int
	text   arena

	times, seqs, versions []int64
	deleted               bitset // as long as needed for the highest document deleted
	nDeleted              uint32
	idBytes               []byte
	idEnds                []uint32
	stored                storedBuilder

	// ids finds documents by ID; it is filled when the first question comes (idsKnown documents so far): bulks of fresh IDs never ask.
	ids      map[string]uint32
	idsKnown uint32
}

type fieldBuilder struct {
	name    string
	kind    query.Kind
	terms   map[string]uint32 // its number
	names   []string          // by number
	occ     []uint32          // the terms' numbers, of one document after the other
	pos     []uint32          // of a text: the position of each
	present []uint32          // documents that have the field
	counts  []uint32          // and how many values or tokens they have
	norms   []byte
	nums    []int64
}

// arena copies strings into large pieces, so that a term costs no allocation of its own.
type arena struct{ buf []byte }

func (a *arena) copy(s string) string {
	if len(s) == 0 {
		return ""
	}
	if cap(a.buf)-len(a.buf) < len(s) {
		a.buf = make([]byte, 0, max(64<<10, len(s)))
	}
	at := len(a.buf)
	a.buf = append(a.buf, s...)
	return unsafe.String(&a.buf[at], len(s)) // the bytes are not written again until reset, when nobody has the string
}

func newBuilder() *builder { return &builder{byName: map[string]int{}} }

// reset empties the builder and keeps its memory, except where one flood of terms made it unusually large.
func (b *builder) reset() {
	b.docs, b.bytes = 0, 0
	b.times, b.seqs, b.versions = b.times[:0], b.seqs[:0], b.versions[:0]
	b.deleted, b.nDeleted = nil, 0
	b.idBytes, b.idEnds = b.idBytes[:0], b.idEnds[:0]
	b.ids, b.idsKnown = nil, 0
	b.text = arena{}
	kept := b.fields[:0]
	clear(b.byName)
	for _, f := range b.fields {
		if len(f.present) == 0 {
			continue // not seen since the last reset: mappings come and go
		}
		if len(f.names) > 4*sealDocs {
			f.terms = nil
		} else {
			clear(f.terms)
		}
		f.names, f.occ, f.pos = f.names[:0], f.occ[:0], f.pos[:0]
		f.present, f.counts, f.norms, f.nums = f.present[:0], f.counts[:0], f.norms[:0], f.nums[:0]
		b.byName[f.name] = len(kept)
		kept = append(kept, f)
	}
	clear(b.fields[len(kept):])
	b.fields = kept
}

func (b *builder) full() bool { return b.docs >= sealDocs || b.bytes >= sealBytes }

// field returns the builder of a field. Documents mostly have the same fields in the same order: guess is where the last one had it.
func (b *builder) field(f *query.Field, guess int) *fieldBuilder {
	if guess < len(b.fields) && b.fields[guess].name == f.Name {
		return b.fields[guess]
	}
	if i, ok := b.byName[f.Name]; ok {
		return b.fields[i]
	}
	fb := &fieldBuilder{name: string([]byte(f.Name)), kind: f.Kind}
	b.byName[fb.name] = len(b.fields)
	b.fields = append(b.fields, fb)
	return fb
}

// add adds a document and returns its number.
func (b *builder) add(d *query.Doc, seq, version int64) uint32 {
	doc := b.docs
	b.docs++
	b.bytes += len(d.Source) + len(d.ID) + 32
	b.times = append(b.times, d.Time)
	b.seqs = append(b.seqs, seq)
	b.versions = append(b.versions, version)
	b.idBytes = append(b.idBytes, d.ID...)
	b.idEnds = append(b.idEnds, uint32(len(b.idBytes)))
	b.stored.add(d.Source)
	for i := range d.Fields {
		f := &d.Fields[i]
		fb := b.field(f, i)
		if n := len(fb.present); n > 0 && fb.present[n-1] == doc {
			continue // a field twice in a document: the contract has none, and the first wins
		}
		b.bytes += fb.add(f, doc, &b.text)
	}
	return doc
}

func (f *fieldBuilder) add(v *query.Field, doc uint32, text *arena) int {
	var n int
	switch v.Kind {
	case query.Text:
		n = f.addText(v, text)
	case query.Keyword:
		from := len(f.occ)
		for _, t := range v.Terms {
			f.occ = append(f.occ, f.term(t, text))
		}
		if len(v.Terms) > 1 {
			set := f.occ[from:]
			slices.Sort(set)
			f.occ = f.occ[:from+len(slices.Compact(set))]
		}
		n = len(f.occ) - from
	case query.Float:
		from := len(f.nums)
		for _, x := range v.Floats {
			f.nums = append(f.nums, sortableFloat(x))
		}
		slices.Sort(f.nums[from:])
		n = len(v.Floats)
	default:
		from := len(f.nums)
		f.nums = append(f.nums, v.Ints...)
		if len(v.Ints) > 1 {
			slices.Sort(f.nums[from:])
		}
		n = len(v.Ints)
	}
	if n == 0 && v.Kind != query.Text {
		return 0
	}
	f.present = append(f.present, doc)
	f.counts = append(f.counts, uint32(n))
	return 8 * (n + 1)
}

// positionGap is how far apart the values of a text stand (position_increment_gap).
const positionGap = 100

func (f *fieldBuilder) addText(v *query.Field, text *arena) int {
	pos, gaps := uint32(0), v.Gaps
	for i, t := range v.Terms {
		if len(gaps) > 0 && gaps[0] == i {
			if gaps = gaps[1:]; i > 0 {
				pos += positionGap
			}
		}
		f.occ = append(f.occ, f.term(t, text))
		f.pos = append(f.pos, pos)
		pos++
	}
	norm := normOf(len(v.Terms))
	if v.NoNorms && norm != 0 {
		norm = normOf(1)
	}
	f.norms = append(f.norms, norm)
	return len(v.Terms)
}

// term returns the number of a term.
func (f *fieldBuilder) term(t string, text *arena) uint32 {
	if n, ok := f.terms[t]; ok {
		return n
	}
	if f.terms == nil {
		f.terms = map[string]uint32{}
	}
	n := uint32(len(f.names))
	t = text.copy(t)
	f.names = append(f.names, t)
	f.terms[t] = n
	return n
}

// find returns the living document with an ID.
func (b *builder) find(id string) (uint32, bool) {
	if b.docs == 0 {
		return 0, false
	}
	if b.ids == nil {
		b.ids = map[string]uint32{}
	}
	for ; b.idsKnown < b.docs; b.idsKnown++ {
		b.ids[string(b.id(b.idsKnown))] = b.idsKnown
	}
	doc, ok := b.ids[id]
	return doc, ok && !(int(doc>>6) < len(b.deleted) && b.deleted.get(doc))
}

func (b *builder) id(doc uint32) []byte {
	from := uint32(0)
	if doc > 0 {
		from = b.idEnds[doc-1]
	}
	return b.idBytes[from:b.idEnds[doc]]
}

func (b *builder) remove(doc uint32) {
	for len(b.deleted) <= int(doc>>6) {
		b.deleted = append(b.deleted, 0)
	}
	if !b.deleted.get(doc) {
		b.deleted.set(doc)
		b.nDeleted++
	}
}
