package csv

import (
	"strings"

	"millrace/internal/lines"
	"millrace/pipeline/event"
)

// headerField is where events carry the row that names their columns: the decoder that reads a row need not be the one that read the
// first. The field is shared by all records of a stream.
const headerField = "[@metadata][csv_header]"

// framer cuts a stream into rows. A newline inside quotes ends none.
type framer struct {
	o      *Options
	header bool          // the next row names the columns
	meta   []event.Field // the row that did

	pos    int  // in the rest, up to where it was read
	quoted bool // at pos
	start  bool // at pos, a quote opens a value
}

// Frame implements plugin.Framer.
func (f *framer) Frame(data string, records []event.Record) ([]event.Record, string) {
	start := 0
	for f.row(data) {
		records = f.emit(data[start:f.pos-1], records)
		start = f.pos
	}
	if len(data)-start > lines.DefaultLimit {
		records = append(records, event.Record{Data: data[start:], Meta: f.meta, Tag: "_linetoolong"})
		start, f.pos, f.quoted, f.start = len(data), len(data), false, true
	}
	f.pos -= start
	return records, data[start:]
}

// Flush implements plugin.Framer.
func (f *framer) Flush(rest string, records []event.Record) []event.Record {
	f.pos, f.quoted, f.start = 0, false, true
	if rest == "" {
		return records
	}
	return f.emit(rest, records)
}

func (f *framer) emit(row string, records []event.Record) []event.Record {
	row = strings.TrimSuffix(row, "\r")
	if strings.TrimSpace(row) == "" {
		return records
	}
	if f.header {
		f.header = false
		f.meta = []event.Field{{Key: headerField, Val: event.StringValue(strings.Clone(row))}}
		return records
	}
	return append(records, event.Record{Data: row, Meta: f.meta})
}

// row moves pos behind the newline that ends the row; false if the data end before.
func (f *framer) row(data string) bool {
	if f.start && !f.quoted { // most rows hold no quote at all
		if i := strings.IndexByte(data[f.pos:], '\n'); i >= 0 && !strings.Contains(data[f.pos:f.pos+i], f.o.QuoteChar) {
			f.pos += i + 1
			return true
		}
	}
	for f.pos < len(data) {
		rest := data[f.pos:]
		switch {
		case f.quoted:
			i := strings.Index(rest, f.o.QuoteChar)
			if i < 0 {
				f.pos = len(data) - min(len(rest), len(f.o.QuoteChar)-1)
				return false
			}
			f.pos += i + len(f.o.QuoteChar)
			f.quoted, f.start = false, true // two in a row are one that is meant
		case rest[0] == '\n':
			f.pos++
			f.start = true
			return true
		case f.start && strings.HasPrefix(rest, f.o.QuoteChar):
			f.pos += len(f.o.QuoteChar)
			f.quoted = true
		case strings.HasPrefix(rest, f.o.Separator):
			f.pos += len(f.o.Separator)
			f.start = true
		case len(rest) < len(f.o.Separator) && strings.HasPrefix(f.o.Separator, rest), f.start && len(rest) < len(f.o.QuoteChar) && strings.HasPrefix(f.o.QuoteChar, rest):
			return false // the other half is still to come
		default:
			f.pos++
			f.start = false
		}
	}
	return false
}
