package engine

import (
	"encoding/binary"
	"slices"
)

// A postings list is the documents that hold a term, in their order, in blocks of 128: the last document (as distance to the block
// before), the width in bits of the distances and, of a text field, of the frequencies, then both, packed. A reader jumps over a block
// whose last document is too small without looking inside; a term that every document has costs four bytes a block.
const postingsBlock = 128

// appendPostings appends a list; freqs is nil for a field that keeps none.
func appendPostings(dst []byte, docs, freqs []uint32) []byte {
	var deltas, lows [postingsBlock]uint32
	before := int64(-1)
	for len(docs) > 0 {
		n := min(len(docs), postingsBlock)
		var most uint32
		prev := before
		for i, d := range docs[:n] {
			deltas[i] = uint32(int64(d) - prev - 1)
			most |= deltas[i]
			prev = int64(d)
		}
		dst = binary.AppendUvarint(dst, uint64(prev-before))
		width := packWidth(uint64(most))
		dst = append(dst, byte(width))
		if freqs != nil {
			var top uint32
			for i, f := range freqs[:n] {
				lows[i] = f - 1
				top |= lows[i]
			}
			fw := packWidth(uint64(top))
			dst = append(dst, byte(fw))
			dst = appendPacked(dst, deltas[:n], width)
			dst = appendPacked(dst, lows[:n], fw)
			freqs = freqs[n:]
		} else {
			dst = appendPacked(dst, deltas[:n], width)
		}
		before = prev
		docs = docs[n:]
	}
	return dst
}

// postings reads a list. At first it stands before the first document.
type postings struct {
	data      []byte
	left      uint32 // documents in the blocks not yet loaded
	maxDoc    uint32
	withFreqs bool

	before int64 // last document of the blocks before the loaded one
	n, at  int   // documents in the loaded block; the current one
	docs   [postingsBlock]uint32
	freqs  [postingsBlock]uint32
	packed []byte // the frequencies of the loaded block, not yet unpacked
	width  uint
	err    error
}

// reset makes p read a list of df documents.
func (p *postings) reset(data []byte, df, maxDoc uint32, withFreqs bool) {
	p.data, p.left, p.maxDoc, p.withFreqs = data, df, maxDoc, withFreqs
	p.before, p.n, p.at, p.packed, p.err = -1, 0, -1, nil, nil
}

// resetOne makes p read a list of one document, which the dictionary holds itself.
func (p *postings) resetOne(doc, freq uint32) {
	p.reset(nil, 0, 0, false)
	p.docs[0], p.freqs[0], p.n = doc, freq, 1
}

// block loads the next block of which the last document is at least target.
func (p *postings) block(target uint32) bool {
	for p.left > 0 && p.err == nil {
		d := decoder{b: p.data}
		n := int(min(p.left, postingsBlock))
		last := p.before + int64(d.uint32())
		width := uint(d.byte())
		var fw uint
		if p.withFreqs {
			fw = uint(d.byte())
		}
		if d.bad || width > 32 || fw > 32 || last >= int64(p.maxDoc) || last < 0 {
			p.err = corrupt("postings block")
			return false
		}
		deltas := d.bytes(uint64(packedLen(n, width)))
		freqs := d.bytes(uint64(packedLen(n, fw)))
		if d.bad {
			p.err = corrupt("postings block")
			return false
		}
		p.data = d.b
		p.left -= uint32(n)
		if last < int64(target) {
			p.before = last
			continue
		}
		unpack(p.docs[:n], deltas, width)
		doc := p.before
		for i := range p.docs[:n] {
			doc += int64(p.docs[i]) + 1
			p.docs[i] = uint32(doc)
		}
		if doc != last {
			p.err = corrupt("postings block: last document")
			return false
		}
		p.before, p.n, p.at = last, n, -1
		p.packed, p.width = freqs, fw
		if !p.withFreqs {
			for i := range p.freqs[:n] {
				p.freqs[i] = 1
			}
		}
		return true
	}
	return false
}

// next goes to the next document and reports whether there is one.
func (p *postings) next() bool {
	p.at++
	if p.at < p.n {
		return true
	}
	if !p.block(0) {
		p.n, p.at = 0, 0
		return false
	}
	p.at = 0
	return true
}

// advance goes to the first document from target on and reports whether there is one. Targets must not fall.
func (p *postings) advance(target uint32) bool {
	if p.at < 0 {
		p.at = 0
	}
	if p.n == 0 || p.docs[p.n-1] < target {
		if !p.block(target) {
			p.n, p.at = 0, 0
			return false
		}
		p.at = 0
	}
	if p.docs[p.at] < target {
		// Scored documents are often next to each other: look there before searching.
		if p.at++; p.docs[p.at] < target {
			rest := p.docs[p.at:p.n]
			i, _ := slices.BinarySearch(rest, target)
			p.at += i
		}
	}
	return true
}

func (p *postings) doc() uint32 { return p.docs[p.at] }

// freq returns how often the current document holds the term.
func (p *postings) freq() uint32 {
	if p.packed != nil {
		p.unpackFreqs()
	}
	return p.freqs[p.at]
}

func (p *postings) unpackFreqs() {
	unpack(p.freqs[:p.n], p.packed, p.width)
	for i := range p.freqs[:p.n] {
		p.freqs[i]++
	}
	p.packed = nil
}

// rest appends all documents from here to the end, and their frequencies.
func (p *postings) rest(docs, freqs []uint32) ([]uint32, []uint32, error) {
	for p.next() {
		if p.withFreqs && p.packed != nil {
			p.unpackFreqs()
		}
		docs = append(docs, p.docs[p.at:p.n]...)
		freqs = append(freqs, p.freqs[p.at:p.n]...)
		p.at = p.n - 1
	}
	return docs, freqs, p.err
}

// addTo puts all documents into a set.
func (p *postings) addTo(b bitset) error {
	for p.next() {
		for _, d := range p.docs[p.at:p.n] {
			b.set(d)
		}
		p.at = p.n - 1
	}
	return p.err
}
