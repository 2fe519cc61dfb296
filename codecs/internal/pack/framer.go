package pack

import (
	"millrace/internal/lines"
	"millrace/pipeline/event"
)

// Framer cuts a stream into MessagePack values. It remembers how far it has read, so that a value of many parts that arrives in small
// pieces is read once. It implements plugin.Framer.
type Framer struct {
	pos  int // in the rest, where the next head begins
	need int // how many values are still to come until the record ends, 0 between records
}

// Frame implements plugin.Framer. What cannot be MessagePack becomes a record as far as it has come: there is no way to find the
// beginning of the next value behind it.
func (f *Framer) Frame(data string, records []event.Record) ([]event.Record, string) {
	start, pos := 0, f.pos
	for {
		h, ok := ReadHead(data[pos:])
		if !ok {
			break
		}
		body, need := f.extent(h)
		if h.Class == Invalid || need > lines.DefaultLimit || pos-start+body > lines.DefaultLimit {
			records = append(records, event.Record{Data: data[start:]})
			start, pos, f.need = len(data), len(data), 0
			break
		}
		if body > len(data)-pos {
			break
		}
		pos += body
		if f.need = need; need == 0 {
			records = append(records, event.Record{Data: data[start:pos]})
			start = pos
		}
	}
	rest := data[start:]
	f.pos = pos - start
	return records, rest
}

// extent returns how many bytes the value takes without the values inside it, and how many values are needed behind it.
func (f *Framer) extent(h Head) (bytes, need int) {
	need = max(f.need-1, 0)
	switch h.Class {
	case Text, Bytes, Ext:
		return h.Size + h.N, need
	case List:
		return h.Size, need + h.N
	case Map:
		return h.Size, need + 2*h.N
	}
	return h.Size, need
}

// Flush implements plugin.Framer.
func (f *Framer) Flush(rest string, records []event.Record) []event.Record {
	*f = Framer{}
	if rest == "" {
		return records
	}
	return append(records, event.Record{Data: rest})
}
