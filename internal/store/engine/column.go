package engine

import (
	"encoding/binary"
	"math"
)

// A column is the values of a field, document by document: numbers, times, or the ordinals of keywords. Blocks of 4096 values hold the
// distances to their least value, packed. The least and greatest value of each block stay in memory, so that a range or a histogram
// passes over whole blocks, and a value is unpacked where it is asked for, without a block being unpacked first.
const columnBlock = 4096

// region is a part of a segment.
type region struct{ off, n uint64 }

// packedColumn is numbers by place.
type packedColumn struct {
	n      uint32
	blocks []columnMeta
}

type columnMeta struct {
	off      uint64
	min, max int64
	width    uint8
}

// packed writes numbers to a segment and appends what decodePacked reads to meta.
func (w *segmentWriter) packed(meta []byte, values []int64) []byte {
	meta = binary.AppendUvarint(meta, uint64(len(values)))
	meta = binary.AppendUvarint(meta, w.off)
	var low [columnBlock]uint64
	for len(values) > 0 {
		n := min(len(values), columnBlock)
		least, most := values[0], values[0]
		for _, v := range values[:n] {
			least, most = min(least, v), max(most, v)
		}
		for i, v := range values[:n] {
			low[i] = uint64(v) - uint64(least)
		}
		spread := uint64(most) - uint64(least)
		meta = binary.AppendVarint(meta, least)
		meta = binary.AppendUvarint(meta, spread)
		w.buf = appendPacked(w.buf[:0], low[:n], packWidth(spread))
		w.write(w.buf)
		values = values[n:]
	}
	return meta
}

func decodePacked(d *decoder, size uint64) (packedColumn, error) {
	c := packedColumn{n: d.uint32()}
	off := d.uvarint()
	blocks := (uint64(c.n) + columnBlock - 1) / columnBlock
	if d.bad || blocks > uint64(len(d.b)) {
		return c, corrupt("column")
	}
	c.blocks = make([]columnMeta, blocks)
	for i := range c.blocks {
		least, spread := d.varint(), d.uvarint()
		most := int64(uint64(least) + spread)
		width := packWidth(spread)
		n := packedLen(c.blockLen(i), width)
		if most < least || off > size || uint64(n) > size-off {
			return c, corrupt("column")
		}
		c.blocks[i] = columnMeta{off: off, min: least, max: most, width: uint8(width)}
		off += uint64(n)
	}
	if d.bad {
		return c, corrupt("column")
	}
	return c, nil
}

func (c *packedColumn) blockLen(i int) int { return min(int(c.n)-i*columnBlock, columnBlock) }

// bounds returns the least and the greatest number; of none, bounds that hold nothing.
func (c *packedColumn) bounds() (least, most int64) {
	least, most = math.MaxInt64, math.MinInt64
	for _, b := range c.blocks {
		least, most = min(least, b.min), max(most, b.max)
	}
	return least, most
}

// packedReader reads a packedColumn, for one goroutine.
type packedReader struct {
	src    *source
	c      *packedColumn
	buf    []byte
	block  int
	raw    []byte
	min    int64
	width  uint
	offset int
	err    error
}

func (r *packedReader) reset(src *source, c *packedColumn) {
	r.src, r.c, r.block, r.err = src, c, -1, nil
}

// load makes at return numbers of a block.
func (r *packedReader) load(block int) {
	m := &r.c.blocks[block]
	r.block, r.min, r.width, r.offset = block, m.min, uint(m.width), block*columnBlock
	raw, err := r.src.view(m.off, uint64(packedLen(r.c.blockLen(block), r.width)), &r.buf)
	if err != nil {
		// Numbers of a column that cannot be read are all the block's least; who reads asks for err in the end.
		r.err, r.width, raw = err, 0, nil
	}
	r.raw = raw
}

// at returns the number at a place.
func (r *packedReader) at(i uint32) int64 {
	if i >= r.c.n {
		r.err = corrupt("a place outside its column")
		return 0
	}
	if int(i/columnBlock) != r.block {
		r.load(int(i / columnBlock))
	}
	return r.min + int64(packedAt(r.raw, int(i)-r.offset, r.width))
}

// column is the values of a field. Where each document has at most one, its place is the document's among those that have the field; else
// starts tells where the values of each begin.
type column struct {
	values packedColumn
	starts *packedColumn
}

// columnData is a column in memory, before it is written.
type columnData struct {
	values []int64
	counts []uint32 // values of each document that has the field; nil where each has one
}

// normalize drops counts that say nothing.
func (c *columnData) normalize() {
	for _, n := range c.counts {
		if n != 1 {
			return
		}
	}
	c.counts = nil
}

func (w *segmentWriter) column(meta []byte, c columnData) []byte {
	c.normalize()
	if c.counts == nil {
		meta = append(meta, 0)
		return w.packed(meta, c.values)
	}
	meta = append(meta, 1)
	starts := make([]int64, len(c.counts)+1)
	for i, n := range c.counts {
		starts[i+1] = starts[i] + int64(n)
	}
	meta = w.packed(meta, starts)
	return w.packed(meta, c.values)
}

func decodeColumn(d *decoder, size uint64, present uint32) (*column, error) {
	c := &column{}
	many := d.byte() != 0
	if many {
		starts, err := decodePacked(d, size)
		if err != nil {
			return nil, err
		}
		if starts.n != present+1 {
			return nil, corrupt("column: starts")
		}
		c.starts = &starts
	}
	var err error
	if c.values, err = decodePacked(d, size); err != nil {
		return nil, err
	}
	if !many && c.values.n != present {
		return nil, corrupt("column: values")
	}
	return c, nil
}

// columnReader reads the values of documents, for one goroutine.
type columnReader struct {
	col     *column
	present ranked
	values  packedReader
	starts  packedReader
	some    []int64
}

func (r *columnReader) reset(src *source, c *column, present ranked) {
	r.col, r.present = c, present
	r.values.reset(src, &c.values)
	if c.starts != nil {
		r.starts.reset(src, c.starts)
	}
}

// of returns a document's values, in the order of their size, until the next call.
func (r *columnReader) of(doc uint32) []int64 {
	place, ok := r.present.rank(doc)
	if !ok {
		return nil
	}
	r.some = r.some[:0]
	if r.col.starts == nil {
		r.some = append(r.some, r.values.at(place))
		return r.some
	}
	from, to := r.starts.at(place), r.starts.at(place+1)
	if from < 0 || to > int64(r.col.values.n) {
		r.values.err = corrupt("column: starts")
		return nil
	}
	for i := from; i < to; i++ {
		r.some = append(r.some, r.values.at(uint32(i)))
	}
	return r.some
}

func (r *columnReader) err() error {
	if r.starts.err != nil {
		return r.starts.err
	}
	return r.values.err
}
