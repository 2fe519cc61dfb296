package engine

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"

	"github.com/klauspost/compress/s2"

	"millrace/internal/store/query"
)

// A request in the log is its operations as they were decided: documents with their numbers, versions and typed fields (a source could
// only be taken apart again by who knows the mapping), and deletions. Doing one twice is harmless: a document's number tells whether it
// is newer than another of its ID. The whole is compressed with s2, behind a checksum: bbolt has none for what it keeps.

// entry is one decided operation.
type entry struct {
	op      *query.Op
	index   uint64
	seq     int64
	version int64
	replace bool // there may be an older document of this ID
}

const (
	logDelete  = 0
	logAdd     = 1
	logReplace = 2
)

// maxLogBody is the most that a request may take in the log before compression: s2 cannot take more, and no caller sends as much.
const maxLogBody = 1 << 30

func appendEntry(b []byte, e *entry) []byte {
	d := &e.op.Doc
	kind := byte(logAdd)
	switch {
	case e.op.Kind == query.Delete:
		kind = logDelete
	case e.replace:
		kind = logReplace
	}
	b = append(b, kind)
	b = binary.AppendUvarint(b, e.index)
	b = binary.AppendVarint(b, e.seq)
	b = appendString(b, d.ID)
	if kind == logDelete {
		return b
	}
	b = binary.AppendVarint(b, e.version)
	b = binary.AppendVarint(b, d.Time)
	b = binary.AppendUvarint(b, uint64(len(d.Source)))
	b = append(b, d.Source...)
	b = binary.AppendUvarint(b, uint64(len(d.Fields)))
	for i := range d.Fields {
		b = appendField(b, &d.Fields[i])
	}
	return b
}

func appendField(b []byte, f *query.Field) []byte {
	b = appendString(b, f.Name)
	kind := byte(f.Kind)
	if f.NoNorms {
		kind |= 0x80
	}
	b = append(b, kind)
	switch f.Kind {
	case query.Keyword, query.Text:
		b = binary.AppendUvarint(b, uint64(len(f.Terms)))
		for _, t := range f.Terms {
			b = appendString(b, t)
		}
		if f.Kind == query.Text {
			b = binary.AppendUvarint(b, uint64(len(f.Gaps)))
			for _, g := range f.Gaps {
				b = binary.AppendUvarint(b, uint64(g))
			}
		}
	case query.Float:
		b = binary.AppendUvarint(b, uint64(len(f.Floats)))
		for _, v := range f.Floats {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
	default:
		b = binary.AppendUvarint(b, uint64(len(f.Ints)))
		for _, v := range f.Ints {
			b = binary.AppendVarint(b, v)
		}
	}
	return b
}

// maxLogKept is how large a buffer for requests may be to be kept for the next.
const maxLogKept = 8 << 20

// sealLog makes the body of a request of its entries, in buf if that is large enough.
func sealLog(buf, raw []byte) []byte {
	body := slices.Grow(buf[:0], 4+s2.MaxEncodedLen(len(raw)))
	body = body[:cap(body)]
	compressed := s2.Encode(body[4:], raw)
	binary.LittleEndian.PutUint32(body, crc32.Checksum(compressed, castagnoli))
	return body[:4+len(compressed)]
}

// openLog returns the entries of a body.
func openLog(body []byte) ([]byte, error) {
	if len(body) < 4 || crc32.Checksum(body[4:], castagnoli) != binary.LittleEndian.Uint32(body) {
		return nil, corrupt("log: checksum")
	}
	n, err := s2.DecodedLen(body[4:])
	if err != nil || n > maxLogBody {
		return nil, corrupt("log: length")
	}
	raw, err := s2.Decode(nil, body[4:])
	if err != nil {
		return nil, corrupt("log: compression")
	}
	return raw, nil
}

// decodeLog calls do with each entry of a request. What an entry holds is valid until do returns.
func decodeLog(raw []byte, do func(e *entry) error) error {
	d := &decoder{b: raw}
	for len(d.b) > 0 && !d.bad {
		var op query.Op
		kind := d.byte()
		e := &entry{op: &op, index: d.uvarint(), seq: d.varint(), replace: kind == logReplace}
		op.Doc.ID = d.string()
		if kind == logDelete {
			op.Kind = query.Delete
		} else {
			op.Kind = query.Put
			e.version, op.Doc.Time = d.varint(), d.varint()
			op.Doc.Source = d.bytes(d.uvarint())
			for range d.count() {
				if d.bad {
					break // a count that is too great must not become memory
				}
				var f query.Field
				decodeLogField(d, &f)
				op.Doc.Fields = append(op.Doc.Fields, f)
			}
		}
		if d.bad || kind > logReplace {
			break
		}
		if err := do(e); err != nil {
			return err
		}
	}
	if d.bad || len(d.b) > 0 {
		return corrupt("log")
	}
	return nil
}

func decodeLogField(d *decoder, f *query.Field) {
	f.Name = d.string()
	kind := d.byte()
	f.Kind, f.NoNorms = query.Kind(kind&0x7f), kind&0x80 != 0
	if f.Kind < query.Keyword || f.Kind > query.Date {
		d.bad, d.b = true, nil
		return
	}
	n := d.count()
	switch f.Kind {
	case query.Keyword, query.Text:
		f.Terms = make([]string, 0, min(n, 64))
		for i := 0; i < n && !d.bad; i++ {
			f.Terms = append(f.Terms, d.string())
		}
		if f.Kind == query.Text {
			for i := d.count(); i > 0 && !d.bad; i-- {
				f.Gaps = append(f.Gaps, int(d.uint32()))
			}
		}
	case query.Float:
		for i := 0; i < n && !d.bad; i++ {
			if p := d.bytes(8); p != nil {
				f.Floats = append(f.Floats, math.Float64frombits(binary.LittleEndian.Uint64(p)))
			}
		}
	default:
		for i := 0; i < n && !d.bad; i++ {
			f.Ints = append(f.Ints, d.varint())
		}
	}
}
