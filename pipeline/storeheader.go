package pipeline

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"millrace/pipeline/event"
)

// The header of an entry of the persistent queue holds what a batch has besides the bytes of its records:
//
//	version  1 byte
//	source   length as uvarint, then: text input id, uvarint fields, each text path, value
//	time     varint Unix seconds, uvarint nanoseconds
//	flags    1 byte: some record has Meta, some record has a Tag
//	per record, as the flags say: uvarint fields, each key, value; key tag
//
// A text is a uvarint length and its bytes. A key is a text whose length is raised by one; zero says that it is the key at the same
// place of the record before. A value is its kind and content, or sameValue for the value at that place of the record before: of a
// thousand messages of one Kafka partition only the offset differs.
//
// The source comes as a block of its own, so that what was decoded once is found by its bytes.
const (
	headerVersion = 1

	hasMeta = 1 << 0
	hasTags = 1 << 1

	sameValue = 0xff
)

// appendHeader appends the header of b.
func appendHeader(dst []byte, b *event.Batch) []byte {
	dst = append(dst, headerVersion)
	dst = appendSource(dst, b.Source)
	dst = binary.AppendVarint(dst, b.Time.Unix())
	dst = binary.AppendUvarint(dst, uint64(b.Time.Nanosecond()))
	flags := byte(0)
	for i := range b.Records {
		if len(b.Records[i].Meta) > 0 {
			flags |= hasMeta
		}
		if b.Records[i].Tag != "" {
			flags |= hasTags
		}
	}
	dst = append(dst, flags)
	if flags == 0 {
		return dst
	}
	var last []event.Field
	tag := ""
	for i := range b.Records {
		r := &b.Records[i]
		if flags&hasMeta != 0 {
			dst = appendMeta(dst, r.Meta, last)
			last = r.Meta
		}
		if flags&hasTags != 0 {
			dst = appendKey(dst, r.Tag, tag, i > 0)
			tag = r.Tag
		}
	}
	return dst
}

// appendSource appends the source's block. Its length is not known before, and takes one byte for almost every source.
func appendSource(dst []byte, s *event.Source) []byte {
	at := len(dst)
	dst = append(dst, 0)
	dst = event.AppendBinaryText(dst, s.InputID)
	dst = binary.AppendUvarint(dst, uint64(len(s.Fields)))
	for i := range s.Fields {
		dst = event.AppendBinaryText(dst, s.Fields[i].Path.String())
		dst = s.Fields[i].Value.AppendBinary(dst)
	}
	n := len(dst) - at - 1
	if n < 0x80 {
		dst[at] = byte(n)
		return dst
	}
	var length [binary.MaxVarintLen64]byte
	l := binary.PutUvarint(length[:], uint64(n))
	dst = append(dst, length[:l-1]...)
	copy(dst[at+l:], dst[at+1:at+1+n])
	copy(dst[at:], length[:l])
	return dst
}

func appendMeta(dst []byte, meta, last []event.Field) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(meta)))
	for i := range meta {
		f := &meta[i]
		known := i < len(last)
		if !known {
			dst = appendKey(dst, f.Key, "", false)
			dst = f.Val.AppendBinary(dst)
			continue
		}
		dst = appendKey(dst, f.Key, last[i].Key, true)
		if sameScalar(f.Val, last[i].Val) {
			dst = append(dst, sameValue)
		} else {
			dst = f.Val.AppendBinary(dst)
		}
	}
	return dst
}

// sameScalar reports whether v and w are the same and cheap to compare. A float is not: -0 equals 0.
func sameScalar(v, w event.Value) bool {
	switch v.Kind() {
	case event.Float, event.KindList, event.KindObject:
		return false
	}
	return v.Equal(w)
}

func appendKey(dst []byte, key, last string, known bool) []byte {
	if known && key == last {
		return append(dst, 0)
	}
	return append(binary.AppendUvarint(dst, uint64(len(key))+1), key...)
}

// headerReader reads a header; after the first error it returns zero values. Texts are parts of the header, which is kept as long as
// somebody holds one.
type headerReader struct{ event.BinaryReader }

func newHeaderReader(data string) headerReader {
	return headerReader{event.NewBinaryReader(data, nil)}
}

func (r *headerReader) key(last string) string {
	n := r.Uvarint()
	if n == 0 {
		return last
	}
	return r.Take(n - 1)
}

func (r *headerReader) meta(last []event.Field) []event.Field {
	n := r.Count()
	if n == 0 || r.Err() != nil {
		return nil
	}
	meta := make([]event.Field, 0, min(n, 16))
	for i := range n {
		var before event.Field
		if i < len(last) {
			before = last[i]
		}
		f := event.Field{Key: r.key(before.Key)}
		if r.Accept(sameValue) {
			f.Val = before.Val
		} else {
			f.Val = r.Value()
		}
		meta = append(meta, f)
	}
	return meta
}

// maxSources bounds the sources that are remembered: one for each connection that has records on disk.
const maxSources = 4096

// sourceCache finds the sources of stored batches: what the config says now of the input, and the facts that were stored.
type sourceCache struct {
	inputs   map[string]*event.Source
	fallback int // index of the plain decoder
	known    map[string]*event.Source
}

// reset learns the inputs of p and gives its workers the decoder for records of inputs that are gone.
func (c *sourceCache) reset(p *Pipeline) {
	*c = sourceCache{inputs: make(map[string]*event.Source), known: make(map[string]*event.Source), fallback: len(p.program.codecs)}
	p.program.codecs = append(p.program.codecs, plainCodec)
	for _, in := range p.inputs {
		if in.source.Codec < c.fallback {
			c.inputs[in.id] = in.source
		}
	}
}

// readHeader gives b, whose records are there, what its header says. known is false if the input is gone. After an error b is complete
// as far as the header could be read.
func (c *sourceCache) readHeader(header []byte, b *event.Batch) (known bool, err error) {
	b.Source, b.Time = &event.Source{Codec: c.fallback}, time.Now()
	r := newHeaderReader(stringOf(header))
	if v := r.Byte(); r.Err() == nil && v != headerVersion {
		return false, fmt.Errorf("a stored batch has version %d, which this release does not know", v)
	}
	block := r.Text()
	if r.Err() != nil {
		return false, r.Err()
	}
	s, err := c.source(block)
	if err != nil {
		return false, err
	}
	b.Source = s
	known = s.Codec != c.fallback
	t := r.Time()
	flags := r.Byte()
	if r.Err() != nil {
		return known, r.Err()
	}
	b.Time = t
	return known, r.records(flags, b)
}

func (r *headerReader) records(flags byte, b *event.Batch) error {
	if flags == 0 {
		return nil
	}
	var last []event.Field
	tag := ""
	for i := range b.Records {
		rec := &b.Records[i]
		if flags&hasMeta != 0 {
			last = r.meta(last)
		}
		if flags&hasTags != 0 {
			tag = r.key(tag)
		}
		if r.Err() != nil {
			return r.Err()
		}
		if flags&hasMeta != 0 {
			rec.Meta = last
		}
		rec.Tag = tag
	}
	return nil
}

// source returns the source that a block describes.
func (c *sourceCache) source(block string) (*event.Source, error) {
	if s := c.known[block]; s != nil {
		return s, nil
	}
	text := strings.Clone(block)
	r := newHeaderReader(text)
	id := r.Text()
	s := &event.Source{Codec: c.fallback, InputID: id}
	if configured := c.inputs[id]; configured != nil {
		*s = *configured
	}
	for range r.Count() {
		path, err := event.ParsePath(r.Text())
		v := r.Value()
		if r.Err() != nil || err != nil {
			return nil, errors.Join(r.Err(), err)
		}
		s.Fields = append(s.Fields[:len(s.Fields):len(s.Fields)], event.SourceField{Path: &path, Value: v})
	}
	if r.Err() != nil {
		return nil, r.Err()
	}
	if len(c.known) >= maxSources {
		clear(c.known)
	}
	c.known[text] = s.Seal()
	return s, nil
}
