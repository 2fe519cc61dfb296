package lines

import (
	"strings"

	"millrace/pipeline/event"
)

// Ends cuts a stream behind newlines, for inputs whose codec does not cut it. It remembers how far it has searched, and has no limit of its own. It
// implements plugin.Framer.
type Ends struct {
	// Cut returns what a line is without its end, which the last one need not have; nil: lines keep their ends.
	Cut func(line string) string

	searched int // up to where the rest holds no newline
}

// Frame implements plugin.Framer.
func (f *Ends) Frame(data string, records []event.Record) ([]event.Record, string) {
	start, from := 0, f.searched
	for {
		i := strings.IndexByte(data[from:], '\n')
		if i < 0 {
			break
		}
		records = f.add(data[start:from+i+1], records)
		start = from + i + 1
		from = start
	}
	f.searched = len(data) - start
	return records, data[start:]
}

// Flush implements plugin.Framer.
func (f *Ends) Flush(rest string, records []event.Record) []event.Record {
	f.searched = 0
	if rest == "" {
		return records
	}
	return f.add(rest, records)
}

func (f *Ends) add(line string, records []event.Record) []event.Record {
	if f.Cut != nil {
		line = f.Cut(line)
	}
	return append(records, event.Record{Data: line})
}
