package engine

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"sync"
	"sync/atomic"

	"millrace/internal/store/query"
)

// segment is an open segment. What it holds is read-only, so that any number of searches use it at once.
type segment struct {
	key    uint64 // its name in the catalogue; 0 in memory
	src    *source
	docs   uint32
	fields map[string]*field
	stored storedMeta
	ids    idMeta

	firstSeq, lastSeq int64
	times, seqs, vers packedColumn
	minTime, maxTime  int64
	bloomOnce         sync.Once
	bloom             bitset
	bloomErr          error
	frozen            bool // in memory, and being written to a file: guarded by Engine.mu
	refs              atomic.Int32
	path              string
	dropped           atomic.Bool // its file goes when nobody reads it any more
}

// field is what a segment has of a field.
type field struct {
	name      string
	kind      query.Kind
	present   uint32 // documents that have it
	presentAt uint64
	withTerms uint32 // Text and Keyword: documents with a term, and the terms of all of them
	total     uint64
	dict      dictIndex
	normsAt   uint64
	col       *column // Keyword: ordinals; numbers: values
}

// openSegment reads the tables of a segment.
func openSegment(src *source) (*segment, error) {
	if src.size < uint64(tailLen) {
		return nil, corrupt("segment: too short")
	}
	var tail []byte
	p, err := src.view(src.size-uint64(tailLen), uint64(tailLen), &tail)
	if err != nil {
		return nil, err
	}
	if string(p[12:]) != segmentMagic {
		return nil, corrupt("segment: no magic number")
	}
	sum, n := binary.LittleEndian.Uint32(p), binary.LittleEndian.Uint64(p[4:])
	end := src.size - uint64(tailLen)
	if n > end {
		return nil, corrupt("segment: length of the meta")
	}
	var buf []byte
	meta, err := src.view(end-n, n, &buf)
	if err != nil {
		return nil, err
	}
	if crc32.Checksum(meta, castagnoli) != sum {
		return nil, corrupt("segment: checksum of the meta")
	}
	return decodeSegment(src, meta)
}

func decodeSegment(src *source, meta []byte) (*segment, error) {
	s := &segment{src: src, fields: map[string]*field{}}
	s.refs.Store(1)
	d := &decoder{b: meta}
	s.docs = d.uint32()
	for range d.count() {
		f, err := decodeField(d, src.size, s.docs)
		if err != nil {
			return nil, err
		}
		s.fields[f.name] = f
	}
	var err error
	if s.stored, err = decodeStored(d, src.size, s.docs); err != nil {
		return nil, err
	}
	if s.ids, err = decodeIDs(d, src.size, s.docs); err != nil {
		return nil, err
	}
	s.firstSeq, s.lastSeq = d.varint(), d.varint()
	for _, c := range []*packedColumn{&s.times, &s.seqs, &s.vers} {
		if *c, err = decodePacked(d, src.size); err != nil {
			return nil, err
		}
		if c.n != s.docs {
			return nil, corrupt("segment: its own columns")
		}
	}
	if d.bad {
		return nil, corrupt("segment: meta")
	}
	s.minTime, s.maxTime = s.times.bounds()
	return s, nil
}

func decodeField(d *decoder, size uint64, docs uint32) (*field, error) {
	f := &field{name: d.string(), kind: query.Kind(d.byte()), present: d.uint32()}
	if f.present > docs || f.kind < query.Keyword || f.kind > query.Date {
		return nil, corrupt("field")
	}
	if f.present < docs {
		f.presentAt = d.uvarint()
		if !inside(region{f.presentAt, bitsetBytes(docs)}, size) {
			return nil, corrupt("field: presence")
		}
	}
	var err error
	if f.kind == query.Keyword || f.kind == query.Text {
		f.withTerms, f.total = d.uint32(), d.uvarint()
		if f.dict, err = decodeDictIndex(d, size); err != nil {
			return nil, err
		}
	}
	if f.kind == query.Text {
		f.normsAt = d.uvarint()
		if !inside(region{f.normsAt, uint64(f.present)}, size) {
			return nil, corrupt("field: norms")
		}
	} else if f.col, err = decodeColumn(d, size, f.present); err != nil {
		return nil, err
	}
	if d.bad {
		return nil, corrupt("field")
	}
	return f, nil
}

// presence returns which documents have a field. It is read for each search that asks: kept for good, the sets of sparse fields would
// take more memory than all else.
func (s *segment) presence(f *field) (ranked, error) {
	if f.present == s.docs {
		return ranked{}, nil
	}
	var buf []byte
	p, err := s.src.view(f.presentAt, bitsetBytes(s.docs), &buf)
	if err != nil {
		return ranked{}, err
	}
	set := bitsetOf(p)
	if uint32(set.count()) != f.present || s.docs%64 != 0 && set[len(set)-1]>>(s.docs%64) != 0 {
		return ranked{}, corrupt("field: presence")
	}
	return newRanked(set), nil
}

// list makes p read the documents of a term.
func (s *segment) list(f *field, t *termInfo, p *postings, buf *[]byte) error {
	if t.df == 1 {
		if t.doc >= s.docs || t.freq == 0 {
			return corrupt("dictionary block")
		}
		p.resetOne(t.doc, t.freq)
		return nil
	}
	if t.df > s.docs {
		return corrupt("dictionary block")
	}
	data, err := s.src.view(t.off, uint64(t.docLen), buf)
	if err != nil {
		return err
	}
	p.reset(data, t.df, s.docs, f.kind == query.Text)
	return nil
}

// positions returns the positions of a term in all of its documents.
func (s *segment) positions(t *termInfo, buf *[]byte) ([]byte, error) {
	if t.df == 1 {
		return t.pos, nil
	}
	return s.src.view(t.off+uint64(t.docLen), uint64(t.posLen), buf)
}

func (s *segment) seqOf(doc uint32) (int64, error) {
	var r packedReader
	r.reset(s.src, &s.seqs)
	return r.at(doc) + int64(doc), r.err
}

func (s *segment) versionOf(doc uint32) (int64, error) {
	var r packedReader
	r.reset(s.src, &s.vers)
	return r.at(doc), r.err
}

// acquire and release count who reads a segment. The index that it belongs to is one of them.
func (s *segment) acquire() { s.refs.Add(1) }

func (s *segment) release() error {
	if n := s.refs.Add(-1); n > 0 {
		return nil
	} else if n < 0 {
		panic("BUG: a segment released more often than acquired")
	}
	if s.src.file == nil {
		return nil
	}
	err := s.src.file.Close()
	if s.dropped.Load() {
		err = os.Remove(s.path)
	}
	return err
}
