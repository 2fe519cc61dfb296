package engine

import (
	"encoding/binary"
	"sort"
)

// A field's dictionary is its terms in the order of their bytes, in blocks of 128. A term's number (ordinal) is its place, so that
// ordinal/128 is its block; keyword columns hold ordinals. A block begins with the offset of its first postings list; each entry has the
// length of the prefix it shares with the term before, the rest of the term, the number of documents, and where its postings are. The
// postings of a term of one document, which most terms of logs are (IDs, addresses, paths), stand in the entry itself.
const dictBlock = 128

// termInfo is what a dictionary says of a term.
type termInfo struct {
	ord    uint32
	df     uint32
	doc    uint32 // of a term of one document
	freq   uint32
	off    uint64 // of other terms: the postings, of docLen bytes, followed by the positions
	docLen uint32
	posLen uint32
	pos    []byte // the positions of a term of one document
}

// dictIndex is the part of a dictionary that stays in memory: for each block its offset and a separator, which is the shortest string
// that is greater than all terms of the blocks before and at most the block's first. 30 million terms take some 4 MB.
type dictIndex struct {
	terms   uint32
	base    uint64   // where the first block is in the segment
	offs    []uint32 // of each block from base, and the end of the last
	seps    []byte
	sepOffs []uint32
}

func (x *dictIndex) blocks() int { return len(x.offs) - 1 }

func (x *dictIndex) sep(i int) []byte { return x.seps[x.sepOffs[i]:x.sepOffs[i+1]] }

// find returns the last block that may hold a term: the one before the first whose separator is greater.
func (x *dictIndex) find(term string) int {
	i := sort.Search(x.blocks(), func(i int) bool { return string(x.sep(i)) > term })
	return max(i-1, 0)
}

// dictWriter builds a dictionary from terms in their order. Blocks gather in memory, because the postings, which go to the segment at the
// same time, come first there.
type dictWriter struct {
	text   bool
	n      uint32
	blocks []byte
	offs   []uint32
	seps   []byte
	ends   []uint32
	last   []byte
}

func (w *dictWriter) reset(text bool) {
	w.text, w.n = text, 0
	w.blocks, w.offs, w.seps, w.ends, w.last = w.blocks[:0], w.offs[:0], w.seps[:0], w.ends[:0], w.last[:0]
}

func (w *dictWriter) add(term []byte, t *termInfo) {
	shared := commonPrefix(w.last, term)
	if w.n%dictBlock == 0 {
		w.offs = append(w.offs, uint32(len(w.blocks)))
		w.seps = append(w.seps, term[:min(shared+1, len(term))]...)
		w.ends = append(w.ends, uint32(len(w.seps)))
		w.blocks = binary.AppendUvarint(w.blocks, t.off)
		shared = 0
	}
	b := binary.AppendUvarint(w.blocks, uint64(shared))
	b = binary.AppendUvarint(b, uint64(len(term)-shared))
	b = append(b, term[shared:]...)
	b = binary.AppendUvarint(b, uint64(t.df))
	if t.df == 1 {
		b = binary.AppendUvarint(b, uint64(t.doc))
		if w.text {
			b = binary.AppendUvarint(b, uint64(t.freq))
			b = binary.AppendUvarint(b, uint64(len(t.pos)))
			b = append(b, t.pos...)
		}
	} else {
		b = binary.AppendUvarint(b, uint64(t.docLen))
		if w.text {
			b = binary.AppendUvarint(b, uint64(t.posLen))
		}
	}
	w.blocks = b
	w.last = append(w.last[:0], term...)
	w.n++
}

// appendIndex appends what decodeDictIndex reads.
func (w *dictWriter) appendIndex(dst []byte, base uint64) []byte {
	dst = binary.AppendUvarint(dst, uint64(w.n))
	dst = binary.AppendUvarint(dst, base)
	before := uint32(0)
	for i := range w.offs {
		end := uint32(len(w.blocks))
		if i+1 < len(w.offs) {
			end = w.offs[i+1]
		}
		dst = binary.AppendUvarint(dst, uint64(end-w.offs[i]))
		dst = binary.AppendUvarint(dst, uint64(w.ends[i]-before))
		dst = append(dst, w.seps[before:w.ends[i]]...)
		before = w.ends[i]
	}
	return dst
}

func decodeDictIndex(d *decoder, size uint64) (dictIndex, error) {
	x := dictIndex{terms: d.uint32(), base: d.uvarint()}
	blocks := (uint64(x.terms) + dictBlock - 1) / dictBlock
	if d.bad || blocks > uint64(len(d.b)) {
		return x, corrupt("dictionary index")
	}
	x.offs = make([]uint32, 1, blocks+1)
	x.sepOffs = make([]uint32, 1, blocks+1)
	off := uint64(0)
	for range blocks {
		off += uint64(d.uint32())
		x.seps = append(x.seps, d.bytes(d.uvarint())...)
		x.offs = append(x.offs, uint32(off))
		x.sepOffs = append(x.sepOffs, uint32(len(x.seps)))
	}
	if d.bad || off > 1<<32-1 || x.base > size || off > size-x.base {
		return x, corrupt("dictionary index")
	}
	return x, nil
}

// dictReader reads a field's dictionary term by term. It belongs to one goroutine.
type dictReader struct {
	src  *source
	x    *dictIndex
	text bool

	buf    []byte
	d      decoder
	loaded int    // the block that d reads; -1 at first
	after  uint32 // the ordinal of the next term
	off    uint64 // where its postings begin
	term   []byte // the current term, until the next call
	info   termInfo
	err    error
}

func (r *dictReader) reset(src *source, x *dictIndex, text bool) {
	r.src, r.x, r.text = src, x, text
	r.loaded, r.after, r.err = -1, 0, nil
}

// load makes the first term of a block the next one.
func (r *dictReader) load(block int) bool {
	from, to := r.x.offs[block], r.x.offs[block+1]
	p, err := r.src.view(r.x.base+uint64(from), uint64(to-from), &r.buf)
	if err != nil {
		r.err = err
		return false
	}
	r.d = decoder{b: p}
	r.off = r.d.uvarint()
	r.after, r.loaded = uint32(block)*dictBlock, block
	r.term = r.term[:0]
	return true
}

// next goes to the next term and reports whether there is one.
func (r *dictReader) next() bool {
	if r.err != nil || r.after >= r.x.terms {
		return false
	}
	if block := int(r.after / dictBlock); block != r.loaded && !r.load(block) {
		return false
	}
	d := &r.d
	shared := d.uvarint()
	rest := d.bytes(d.uvarint())
	if shared > uint64(len(r.term)) {
		r.err = corrupt("dictionary block")
		return false
	}
	r.term = append(r.term[:shared], rest...)
	t := termInfo{ord: r.after, df: d.uint32()}
	if t.df == 1 {
		t.doc, t.freq = d.uint32(), 1
		if r.text {
			t.freq = d.uint32()
			t.pos = d.bytes(d.uvarint())
		}
	} else {
		t.off, t.docLen = r.off, d.uint32()
		if r.text {
			t.posLen = d.uint32()
		}
		r.off += uint64(t.docLen) + uint64(t.posLen)
	}
	if d.bad || t.df == 0 {
		r.err = corrupt("dictionary block")
		return false
	}
	r.info = t
	r.after++
	return true
}

// seek goes to the first term that is at least term, and reports whether there is one.
func (r *dictReader) seek(term string) bool {
	if r.err != nil || r.x.terms == 0 || !r.load(r.x.find(term)) {
		return false
	}
	for r.next() {
		if string(r.term) >= term {
			return true
		}
	}
	return false
}

// lookup returns what is known of a term, and whether the dictionary has it.
func (r *dictReader) lookup(term string) (termInfo, bool, error) {
	if r.seek(term) && string(r.term) == term {
		return r.info, true, nil
	}
	return termInfo{}, false, r.err
}

// termAt returns the term of an ordinal, until the next call. Ordinals that rise are read on without loading a block again.
func (r *dictReader) termAt(ord uint32) ([]byte, error) {
	if ord >= r.x.terms {
		return nil, corrupt("ordinal")
	}
	block := int(ord / dictBlock)
	if r.loaded != block || r.after > ord+1 || r.after == 0 {
		if !r.load(block) {
			return nil, r.err
		}
	}
	for r.after <= ord {
		if !r.next() {
			return nil, r.err
		}
	}
	return r.term, r.err
}

func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
