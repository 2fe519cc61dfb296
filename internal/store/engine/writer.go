package engine

import (
	"encoding/binary"
	"hash/crc32"
	"io"

	"millrace/internal/store/query"
)

// A segment is some documents of one index, written once and never changed: for each field its postings, dictionary, presence and column,
// then the sources, the IDs and three columns of our own (time, number, version), and at the end the meta: all tables that say where things
// are, with a checksum. The same bytes serve in memory, before they are worth a file, and on disk.
const (
	segmentMagic = "millseg1"
	tailLen      = 4 + 8 + len(segmentMagic) // checksum and length of the meta, magic
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segmentWriter writes a segment front to back. The caller gives fields one by one, and of a field its terms in their order, then its
// presence and column; then the sources and the rest. Errors of the underlying writer show in finish.
type segmentWriter struct {
	out io.Writer
	off uint64
	err error
	buf []byte // scratch

	docs   uint32
	fields []byte // meta of the fields written
	nField int
	stored storedMeta
	rest   []byte // meta of IDs and columns

	dict dictWriter
	text bool
}

func newSegmentWriter(out io.Writer, docs uint32) *segmentWriter {
	return &segmentWriter{out: out, docs: docs}
}

func (w *segmentWriter) write(p []byte) {
	if w.err == nil {
		_, w.err = w.out.Write(p)
	}
	w.off += uint64(len(p))
}

// beginField starts a field that present of all documents have; a nil set stands for all.
func (w *segmentWriter) beginField(name string, kind query.Kind, set bitset, present uint32) {
	w.nField++
	w.fields = appendString(w.fields, name)
	w.fields = append(w.fields, byte(kind))
	w.fields = binary.AppendUvarint(w.fields, uint64(present))
	if present < w.docs {
		w.fields = binary.AppendUvarint(w.fields, w.off)
		w.buf = w.buf[:0]
		for _, word := range set {
			w.buf = binary.LittleEndian.AppendUint64(w.buf, word)
		}
		w.write(w.buf)
	}
	w.text = kind == query.Text
	w.dict.reset(w.text)
}

// addTerm writes a term's documents; freqs and positions are those of a text field.
func (w *segmentWriter) addTerm(term []byte, docs, freqs []uint32, positions []byte) {
	t := termInfo{df: uint32(len(docs))}
	if t.df == 1 {
		t.doc, t.off, t.pos = docs[0], w.off, positions
		if w.text {
			t.freq = freqs[0]
		}
		w.dict.add(term, &t)
		return
	}
	if !w.text {
		freqs = nil
	}
	w.buf = appendPostings(w.buf[:0], docs, freqs)
	t.off, t.docLen, t.posLen = w.off, uint32(len(w.buf)), uint32(len(positions))
	w.write(w.buf)
	w.write(positions)
	w.dict.add(term, &t)
}

// endTerms writes the dictionary of a field, withTerms of whose documents hold total terms in all.
func (w *segmentWriter) endTerms(withTerms uint32, total uint64) {
	w.fields = binary.AppendUvarint(w.fields, uint64(withTerms))
	w.fields = binary.AppendUvarint(w.fields, total)
	w.fields = w.dict.appendIndex(w.fields, w.off)
	w.write(w.dict.blocks)
}

// norms writes the one-byte lengths of a text field, one for each document that has the field.
func (w *segmentWriter) norms(norms []byte) {
	w.fields = binary.AppendUvarint(w.fields, w.off)
	w.write(norms)
}

// endColumn writes the values or ordinals of a field.
func (w *segmentWriter) endColumn(c columnData) { w.fields = w.column(w.fields, c) }

// ownColumns writes what a segment holds of every document beside its fields.
func (w *segmentWriter) ownColumns(times, seqs, versions []int64) {
	// Numbers mostly rise by one: what is left of them without the place takes no space then.
	first, last := int64(0), int64(-1)
	offsets := make([]int64, len(seqs))
	for i, s := range seqs {
		offsets[i] = s - int64(i)
		last = s
	}
	if len(seqs) > 0 {
		first = seqs[0]
	}
	w.rest = binary.AppendVarint(w.rest, first)
	w.rest = binary.AppendVarint(w.rest, last)
	w.rest = w.packed(w.rest, times)
	w.rest = w.packed(w.rest, offsets)
	w.rest = w.packed(w.rest, versions)
}

// finish writes the meta and returns the length of the segment.
func (w *segmentWriter) finish() (uint64, error) {
	meta := binary.AppendUvarint(nil, uint64(w.docs))
	meta = binary.AppendUvarint(meta, uint64(w.nField))
	meta = append(meta, w.fields...)
	meta = w.stored.append(meta)
	meta = append(meta, w.rest...)
	sum := crc32.Checksum(meta, castagnoli)
	n := len(meta)
	meta = binary.LittleEndian.AppendUint32(meta, sum)
	meta = binary.LittleEndian.AppendUint64(meta, uint64(n))
	meta = append(meta, segmentMagic...)
	w.write(meta)
	return w.off, w.err
}
