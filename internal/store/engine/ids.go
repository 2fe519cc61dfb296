package engine

import (
	"encoding/binary"
	"slices"
	"sort"

	"github.com/cespare/xxhash/v2"
)

// The IDs of a segment: blocks of 64 in the order of the documents, each as what differs from the one before; a table of hashes in their
// order, each with its document, for the way from an ID to a document; and a Bloom filter, which answers most questions for an ID that the
// segment does not have. The filter is read when the first such question comes: a store that only gets documents without IDs never asks.
const (
	idBlock = 64
	// hashPage is how many entries of eight bytes of the hash table one read brings.
	hashPage = 512
	// Ten bits a document and six probes: one answer in a hundred is wrong, and costs a read of a page.
	bloomBits   = 10
	bloomProbes = 6
)

func idHash(id string) uint64 { return xxhash.Sum64String(id) }

// idMeta is where a segment's IDs are.
type idMeta struct {
	base   uint64
	offs   []uint32 // of each block from base, and the end of the last
	hashes uint64   // where the hash table is: an entry is the upper half of a hash and a document
	fences []uint32 // the first hash of each page
	bloom  region
}

// writeIDs writes the IDs of all documents, which next returns one after the other. hashes is scratch of one entry a document.
func (w *segmentWriter) writeIDs(hashes []uint64, next func() ([]byte, error)) error {
	bloom := make(bitset, (uint64(w.docs)*bloomBits+63)/64)
	table := hashes[:0]
	var last []byte
	w.rest = binary.AppendUvarint(w.rest, w.off)
	block := w.buf[:0]
	for i := range w.docs {
		id, err := next()
		if err != nil {
			return err
		}
		if i%idBlock == 0 && i > 0 {
			w.rest = binary.AppendUvarint(w.rest, uint64(len(block)))
			w.write(block)
			block = block[:0]
		}
		if i%idBlock == 0 {
			last = last[:0]
		}
		shared := commonPrefix(last, id)
		block = binary.AppendUvarint(block, uint64(shared))
		block = binary.AppendUvarint(block, uint64(len(id)-shared))
		block = append(block, id[shared:]...)
		last = append(last[:0], id...)
		h := xxhash.Sum64(id)
		bloomAdd(bloom, h)
		table = append(table, h&^0xffffffff|uint64(i))
	}
	if w.docs > 0 {
		w.rest = binary.AppendUvarint(w.rest, uint64(len(block)))
		w.write(block)
	}
	w.buf = block
	slices.Sort(table)
	w.rest = binary.AppendUvarint(w.rest, w.off)
	out := w.buf[:0]
	for i, e := range table {
		if i%hashPage == 0 {
			w.write(out)
			out = out[:0]
			w.rest = binary.AppendUvarint(w.rest, e>>32)
		}
		out = binary.LittleEndian.AppendUint64(out, e)
	}
	w.write(out)
	w.rest = binary.AppendUvarint(w.rest, w.off)
	out = out[:0]
	for _, word := range bloom {
		out = binary.LittleEndian.AppendUint64(out, word)
	}
	w.write(out)
	w.buf = out[:0]
	return nil
}

func decodeIDs(d *decoder, size uint64, docs uint32) (idMeta, error) {
	m := idMeta{base: d.uvarint()}
	blocks := (uint64(docs) + idBlock - 1) / idBlock
	pages := (uint64(docs) + hashPage - 1) / hashPage
	if blocks > uint64(len(d.b)) {
		return m, corrupt("table of IDs")
	}
	m.offs = make([]uint32, 1, blocks+1)
	end := uint64(0)
	for range blocks {
		end += uint64(d.uint32())
		m.offs = append(m.offs, uint32(end))
	}
	m.hashes = d.uvarint()
	for range pages {
		if d.bad {
			break
		}
		m.fences = append(m.fences, d.uint32())
	}
	m.bloom = region{d.uvarint(), (uint64(docs)*bloomBits + 63) / 64 * 8}
	if d.bad || end > 1<<32-1 || !inside(region{m.base, end}, size) || !inside(region{m.hashes, uint64(docs) * 8}, size) || !inside(m.bloom, size) {
		return m, corrupt("table of IDs")
	}
	return m, nil
}

func inside(r region, size uint64) bool { return r.off <= size && r.n <= size-r.off }

func bloomAdd(b bitset, h uint64) {
	n := uint64(len(b)) * 64
	step := h>>33 | 1
	for range bloomProbes {
		i := h % n
		b[i>>6] |= 1 << (i & 63)
		h += step
	}
}

func bloomHas(b bitset, h uint64) bool {
	n := uint64(len(b)) * 64
	if n == 0 {
		return false
	}
	step := h>>33 | 1
	for range bloomProbes {
		i := h % n
		if b[i>>6]&(1<<(i&63)) == 0 {
			return false
		}
		h += step
	}
	return true
}

// mayHave asks the Bloom filter.
func (s *segment) mayHave(h uint64) (bool, error) {
	s.bloomOnce.Do(func() {
		var buf []byte
		p, err := s.src.view(s.ids.bloom.off, s.ids.bloom.n, &buf)
		if err != nil {
			s.bloomErr = err
			return
		}
		s.bloom = bitsetOf(p)
	})
	return bloomHas(s.bloom, h), s.bloomErr
}

func bitsetOf(p []byte) bitset {
	b := make(bitset, len(p)/8)
	for i := range b {
		b[i] = binary.LittleEndian.Uint64(p[i*8:])
	}
	return b
}

// findID calls found with each document that has an ID: several where old versions of it were deleted.
func (s *segment) findID(id string, h uint64, found func(doc uint32) error) error {
	ok, err := s.mayHave(h)
	if err != nil || !ok {
		return err
	}
	want := uint32(h >> 32)
	// Entries of one hash may begin on the page before the first whose fence is as great.
	page := sort.Search(len(s.ids.fences), func(i int) bool { return s.ids.fences[i] >= want })
	var buf, idBuf []byte
	for page = max(page-1, 0); page < len(s.ids.fences) && s.ids.fences[page] <= want; page++ {
		n := min(uint64(s.docs)-uint64(page)*hashPage, hashPage)
		p, err := s.src.view(s.ids.hashes+uint64(page)*hashPage*8, n*8, &buf)
		if err != nil {
			return err
		}
		for at := uint64(0); at < n; at++ {
			e := binary.LittleEndian.Uint64(p[at*8:])
			if uint32(e>>32) != want {
				continue
			}
			have, err := s.id(uint32(e), &idBuf)
			if err != nil {
				return err
			}
			if string(have) == id {
				if err := found(uint32(e)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// id returns the ID of a document; it may stand in *buf.
func (s *segment) id(doc uint32, buf *[]byte) ([]byte, error) {
	if doc >= s.docs {
		return nil, corrupt("a document outside its segment")
	}
	r := idReader{s: s, next: doc &^ (idBlock - 1), id: *buf}
	for {
		id, err := r.read()
		if err != nil {
			return nil, err
		}
		if r.next > doc {
			*buf = id
			return id, nil
		}
	}
}

// idReader reads IDs in the order of the documents.
type idReader struct {
	s    *segment
	next uint32
	buf  []byte
	d    decoder
	id   []byte
}

// read returns the next ID, until the next call.
func (r *idReader) read() ([]byte, error) {
	if r.next%idBlock == 0 {
		m := &r.s.ids
		block := r.next / idBlock
		if int(block)+1 >= len(m.offs) {
			return nil, corrupt("a document outside its segment")
		}
		p, err := r.s.src.view(m.base+uint64(m.offs[block]), uint64(m.offs[block+1]-m.offs[block]), &r.buf)
		if err != nil {
			return nil, err
		}
		r.d = decoder{b: p}
		r.id = r.id[:0]
	}
	shared := r.d.uvarint()
	rest := r.d.bytes(r.d.uvarint())
	if r.d.bad || shared > uint64(len(r.id)) {
		return nil, corrupt("block of IDs")
	}
	r.id = append(r.id[:shared], rest...)
	r.next++
	return r.id, nil
}
