package engine

import (
	"encoding/binary"
	"sort"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Sources are kept in blocks of some 32 KiB, compressed with zstd: as small as whole files of logs, near enough, at the price of reading
// one block for one hit. A merge copies blocks as they are unless documents of theirs were deleted.
const (
	storedBlockBytes = 32 << 10
	// maxStored is the most that one block may hold: that of one document, whose size the request that brought it limits.
	maxStored = 512 << 20
)

// storedMeta is where the blocks of sources are.
type storedMeta struct {
	base  uint64
	first []uint32 // the first document of each block, and the number of documents
	raw   []uint32 // the length of each block before compression
	offs  []uint64 // of each block from base, and the end of the last
}

// add notes a block of n documents.
func (m *storedMeta) add(n, raw, size uint32) {
	if m.first == nil {
		m.first, m.offs = []uint32{0}, []uint64{0}
	}
	m.first = append(m.first, m.first[len(m.first)-1]+n)
	m.raw = append(m.raw, raw)
	m.offs = append(m.offs, m.offs[len(m.offs)-1]+uint64(size))
}

func (m *storedMeta) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, m.base)
	dst = binary.AppendUvarint(dst, uint64(len(m.raw)))
	for i := range m.raw {
		dst = binary.AppendUvarint(dst, uint64(m.first[i+1]-m.first[i]))
		dst = binary.AppendUvarint(dst, uint64(m.raw[i]))
		dst = binary.AppendUvarint(dst, m.offs[i+1]-m.offs[i])
	}
	return dst
}

func decodeStored(d *decoder, size uint64, docs uint32) (storedMeta, error) {
	var m storedMeta
	m.base = d.uvarint()
	total, end := uint64(0), uint64(0)
	for range d.count() {
		n, raw, size := d.uint32(), d.uint32(), d.uint32()
		total += uint64(n)
		end += uint64(size)
		if d.bad || n == 0 || raw > maxStored || total > uint64(docs) {
			return m, corrupt("table of sources")
		}
		m.add(n, raw, size)
	}
	if d.bad || total != uint64(docs) || m.base > size || end > size-m.base {
		return m, corrupt("table of sources")
	}
	return m, nil
}

// beginStored marks where the blocks of sources begin, which storedBlock then writes one after the other.
func (w *segmentWriter) beginStored() { w.stored.base = w.off }

func (w *segmentWriter) storedBlock(compressed []byte, raw, docs uint32) {
	w.stored.add(docs, raw, uint32(len(compressed)))
	w.write(compressed)
}

// codec compresses sources. Its encoder and decoder may be used by several goroutines; each call works alone, so that memory is bounded
// by the calls under way.
type codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

var sourceCodec = sync.OnceValue(func() codec {
	// A single segment is what makes the encoder write the length of each block, which decompress asks for. The options are constants, which the library accepts: an error would be a mistake in this function.
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithEncoderCRC(true), zstd.WithSingleSegment(true), zstd.WithWindowSize(64<<10), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic("BUG: " + err.Error())
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxStored), zstd.WithDecoderLowmem(true))
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return codec{enc, dec}
})

// storedBuilder gathers sources into compressed blocks.
type storedBuilder struct {
	raw    []byte
	docs   uint32
	blocks []byte
	meta   storedMeta
}

func (s *storedBuilder) add(source []byte) {
	s.raw = binary.AppendUvarint(s.raw, uint64(len(source)))
	s.raw = append(s.raw, source...)
	s.docs++
	if len(s.raw) >= storedBlockBytes {
		s.flush()
	}
}

func (s *storedBuilder) flush() {
	if s.docs == 0 {
		return
	}
	before := len(s.blocks)
	s.blocks = sourceCodec().enc.EncodeAll(s.raw, s.blocks)
	s.meta.add(s.docs, uint32(len(s.raw)), uint32(len(s.blocks)-before))
	s.raw, s.docs = s.raw[:0], 0
}

// writeTo hands all that was added over to a segment.
func (s *storedBuilder) writeTo(w *segmentWriter) {
	s.flush()
	s.hand(w)
}

// hand hands over the blocks that are complete.
func (s *storedBuilder) hand(w *segmentWriter) {
	for i, raw := range s.meta.raw {
		w.storedBlock(s.blocks[s.meta.offs[i]:s.meta.offs[i+1]], raw, s.meta.first[i+1]-s.meta.first[i])
	}
	s.blocks, s.meta = s.blocks[:0], storedMeta{}
}

// storedReader reads sources. It keeps the block read last, because hits next to each other are asked for one after the other.
type storedReader struct {
	src   *source
	m     *storedMeta
	buf   []byte
	block int
	raw   []byte
	ends  []uint32 // of each document of the block: where its source ends in raw
	start []uint32
}

func (r *storedReader) reset(src *source, m *storedMeta) { r.src, r.m, r.block = src, m, -1 }

func (r *storedReader) load(block int) error {
	r.block = -1
	m := r.m
	p, err := r.src.view(m.base+m.offs[block], m.offs[block+1]-m.offs[block], &r.buf)
	if err != nil {
		return err
	}
	if r.raw, err = decompress(r.raw[:0], p, m.raw[block]); err != nil {
		return err
	}
	r.start, r.ends = r.start[:0], r.ends[:0]
	d := decoder{b: r.raw}
	for range m.first[block+1] - m.first[block] {
		n := d.uvarint()
		start := len(r.raw) - len(d.b)
		d.bytes(n)
		r.start = append(r.start, uint32(start))
		r.ends = append(r.ends, uint32(len(r.raw)-len(d.b)))
	}
	if d.bad {
		return corrupt("block of sources")
	}
	r.block = block
	return nil
}

// decompress refuses what does not say to be of the length that the checked table has, before it makes room for it.
func decompress(dst, p []byte, raw uint32) ([]byte, error) {
	var h zstd.Header
	if err := h.Decode(p); err != nil || !h.HasFCS || h.FrameContentSize != uint64(raw) {
		return nil, corrupt("block of sources")
	}
	if uint32(cap(dst)) < raw {
		dst = make([]byte, 0, raw)
	}
	dst, err := sourceCodec().dec.DecodeAll(p, dst)
	if err != nil || uint32(len(dst)) != raw {
		return nil, corrupt("block of sources")
	}
	return dst, nil
}

// source returns the source of a document, until the next call.
func (r *storedReader) source(doc uint32) ([]byte, error) {
	block := sort.Search(len(r.m.raw), func(i int) bool { return r.m.first[i+1] > doc })
	if block == len(r.m.raw) {
		return nil, corrupt("a document outside its segment")
	}
	if block != r.block {
		if err := r.load(block); err != nil {
			return nil, err
		}
	}
	i := doc - r.m.first[block]
	return r.raw[r.start[i]:r.ends[i]], nil
}
