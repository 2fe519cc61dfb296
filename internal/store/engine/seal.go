package engine

import (
	"encoding/binary"
	"slices"
	"unsafe"

	"millrace/internal/store/query"
)

// seal returns what was added as a segment in memory, with what of it was deleted (nil: nothing), and empties the builder.
func (b *builder) seal() (*segment, bitset) {
	out := newMemWriter(b.bytes / 2)
	w := newSegmentWriter(out, b.docs)
	var scratch sealScratch
	for _, f := range b.fields {
		if len(f.present) > 0 {
			f.write(w, b.docs, &scratch)
		}
	}
	w.beginStored()
	b.stored.writeTo(w)
	next := uint32(0)
	err := w.writeIDs(make([]uint64, 0, b.docs), func() ([]byte, error) {
		next++
		return b.id(next - 1), nil
	})
	w.ownColumns(b.times, b.seqs, b.versions)
	if err == nil {
		_, err = w.finish()
	}
	var s *segment
	if err == nil {
		s, err = openSegment(memSource(out.b))
	}
	if err != nil {
		panic("BUG: a segment written to memory: " + err.Error())
	}
	var deleted bitset
	if b.nDeleted > 0 {
		deleted = newBitset(b.docs)
		copy(deleted, b.deleted)
	}
	b.reset()
	return s, deleted
}

// memWriter collects a segment in memory.
type memWriter struct{ b []byte }

func newMemWriter(n int) *memWriter { return &memWriter{make([]byte, 0, n)} }

func (m *memWriter) Write(p []byte) (int, error) {
	m.b = append(m.b, p...)
	return len(p), nil
}

// sealScratch is memory that the fields of a builder share while they are sealed.
type sealScratch struct {
	order, rank, starts []uint32
	docs, pos           []uint32
	list, freqs         []uint32
	packed              []byte
}

func resize(s []uint32, n int) []uint32 {
	if cap(s) < n {
		return make([]uint32, n, n+n/4)
	}
	return s[:n]
}

func (f *fieldBuilder) write(w *segmentWriter, docs uint32, s *sealScratch) {
	set := newBitset(docs)
	for _, d := range f.present {
		set.set(d)
	}
	w.beginField(f.name, f.kind, set, uint32(len(f.present)))
	counts := slices.Clone(f.counts)
	switch f.kind {
	case query.Text:
		withTerms := uint32(0)
		for _, n := range counts {
			if n > 0 {
				withTerms++
			}
		}
		f.writeTerms(w, s)
		w.endTerms(withTerms, uint64(len(f.occ)))
		w.norms(f.norms)
	case query.Keyword:
		f.writeTerms(w, s)
		w.endTerms(uint32(len(f.present)), uint64(len(f.occ)))
		w.endColumn(columnData{values: f.ordinals(s), counts: counts})
	default:
		w.endColumn(columnData{values: f.nums, counts: counts})
	}
}

// writeTerms sorts the terms, then their occurrences by counting, which keeps the order of the documents.
func (f *fieldBuilder) writeTerms(w *segmentWriter, s *sealScratch) {
	n := len(f.names)
	s.order, s.rank = resize(s.order, n), resize(s.rank, n)
	for i := range s.order {
		s.order[i] = uint32(i)
	}
	slices.SortFunc(s.order, func(a, b uint32) int {
		if f.names[a] < f.names[b] {
			return -1
		}
		return 1 // no two are equal
	})
	for i, t := range s.order {
		s.rank[t] = uint32(i)
	}
	s.starts = resize(s.starts, n+1)
	clear(s.starts)
	for _, t := range f.occ {
		s.starts[s.rank[t]+1]++
	}
	for i := range n {
		s.starts[i+1] += s.starts[i]
	}
	s.docs, s.pos = resize(s.docs, len(f.occ)), resize(s.pos, len(f.pos))
	at := 0
	for i, d := range f.present {
		for range f.counts[i] {
			r := s.rank[f.occ[at]]
			to := s.starts[r]
			s.starts[r]++
			s.docs[to] = d
			if f.pos != nil {
				s.pos[to] = f.pos[at]
			}
			at++
		}
	}
	from := uint32(0)
	for i, t := range s.order {
		f.writeTerm(w, f.names[t], s, from, s.starts[i])
		from = s.starts[i]
	}
}

// writeTerm writes the occurrences from one place to another as a term's postings.
func (f *fieldBuilder) writeTerm(w *segmentWriter, term string, s *sealScratch, from, to uint32) {
	name := unsafe.Slice(unsafe.StringData(term), len(term)) // only read
	if f.kind == query.Keyword {
		w.addTerm(name, s.docs[from:to], nil, nil)
		return
	}
	s.list, s.freqs, s.packed = s.list[:0], s.freqs[:0], s.packed[:0]
	before := uint32(0)
	for i := from; i < to; i++ {
		if last := len(s.list) - 1; last >= 0 && s.list[last] == s.docs[i] {
			s.freqs[last]++
		} else {
			s.list = append(s.list, s.docs[i])
			s.freqs = append(s.freqs, 1)
			before = 0
		}
		s.packed = binary.AppendUvarint(s.packed, uint64(s.pos[i]-before))
		before = s.pos[i]
	}
	w.addTerm(name, s.list, s.freqs, s.packed)
}

// ordinals returns the ranks of all values, those of one document in their order.
func (f *fieldBuilder) ordinals(s *sealScratch) []int64 {
	values := make([]int64, len(f.occ))
	for i, t := range f.occ {
		values[i] = int64(s.rank[t])
	}
	at := 0
	for _, n := range f.counts {
		if n > 1 {
			slices.Sort(values[at : at+int(n)])
		}
		at += int(n)
	}
	return values
}
