// Package lines cuts streams of bytes at a delimiter.
package lines

import (
	"math"
	"strings"
	"unicode/utf8"

	"millrace/pipeline/event"
)

// Framer cuts a stream at a delimiter, which belongs to no record. It remembers how far it has searched, so that a long line that
// arrives in small pieces is searched once. It implements plugin.Framer.
type Framer struct {
	delimiter string
	limit     int
	tag       string
	skip      bool

	searched int  // where in the rest a delimiter may begin that was not found yet
	over     bool // a part of the current record is out already
}

// DefaultLimit is the length from which the line codec cuts a line when nothing else is configured: far beyond any log line, and
// small enough that a stream without line ends cannot fill the memory.
const DefaultLimit = 64 << 20

// New returns a Framer. A record that is longer than limit bytes comes in several with tag.
func New(delimiter string, limit int, tag string) *Framer {
	return &Framer{delimiter: delimiter, limit: limit, tag: tag}
}

// NewSkipping returns a Framer that gives an empty record with tag for one that is longer than limit bytes: a part would be of no use.
func NewSkipping(delimiter string, limit int, tag string) *Framer {
	return &Framer{delimiter: delimiter, limit: limit, tag: tag, skip: true}
}

// Frame implements plugin.Framer.
func (f *Framer) Frame(data string, records []event.Record) ([]event.Record, string) {
	start, from := 0, f.searched
	for {
		i := strings.Index(data[from:], f.delimiter)
		if i < 0 {
			break
		}
		end := from + i
		records = f.end(data[start:end], records)
		start = end + len(f.delimiter)
		from = start
	}
	records, rest := f.cut(data[start:], len(f.delimiter)-1, records)
	f.searched = max(0, len(rest)-len(f.delimiter)+1)
	return records, rest
}

// FrameSpans implements plugin.SpanFramer.
func (f *Framer) FrameSpans(data string, spans []event.Span) ([]event.Span, string, bool) {
	if f.over || len(data) > min(f.limit, math.MaxUint32) {
		return spans, data, false
	}
	start, from, delimiter := 0, f.searched, f.delimiter
	for {
		i := strings.Index(data[from:], delimiter)
		if i < 0 {
			break
		}
		spans = append(spans, event.Span{Start: uint32(start), End: uint32(from + i)})
		start = from + i + len(delimiter)
		from = start
	}
	rest := data[start:]
	f.searched = max(0, len(rest)-len(delimiter)+1)
	return spans, rest, true
}

// Flush implements plugin.Framer.
func (f *Framer) Flush(rest string, records []event.Record) []event.Record {
	f.searched = 0
	if rest == "" && !f.over {
		return records
	}
	return f.end(rest, records)
}

// end adds a record whose end was found.
func (f *Framer) end(record string, records []event.Record) []event.Record {
	records, record = f.cut(record, 0, records)
	if !f.over {
		n := len(records)
		if n == cap(records) {
			return append(records, event.Record{Data: record})
		}
		records = records[:n+1]
		r := &records[n] // field by field: a Record made first and then copied takes twice the time
		r.Data, r.Meta, r.Tag = record, nil, ""
		return records
	}
	f.over = false
	if f.skip {
		return records
	}
	return append(records, event.Record{Data: record, Tag: f.tag})
}

// cut takes from the beginning of a record what exceeds the limit. The last open bytes may be part of a delimiter, so whether they
// exceed it is not known yet: however a stream comes in pieces, it is cut at the same places.
func (f *Framer) cut(rest string, open int, records []event.Record) ([]event.Record, string) {
	tooLong := len(rest)-open > f.limit
	switch {
	case f.skip && (tooLong || f.over):
		if !f.over {
			records = append(records, event.Record{Tag: f.tag})
		}
		f.over = true
		return records, rest[max(0, len(rest)-open):]
	case tooLong:
		for len(rest)-open > f.limit {
			n := f.cutAt(rest)
			records = append(records, event.Record{Data: rest[:n], Tag: f.tag})
			rest = rest[n:]
		}
		f.over = true
	}
	return records, rest
}

// cutAt returns where to cut at the limit, before a UTF-8 character that it would split.
func (f *Framer) cutAt(rest string) int {
	for n := f.limit; n > f.limit-utf8.UTFMax && n > 0; n-- {
		if utf8.RuneStart(rest[n]) {
			return n
		}
	}
	return f.limit
}
