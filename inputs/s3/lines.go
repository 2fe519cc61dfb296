package s3

import (
	"strings"

	"millrace/pipeline/event"
)

// lines cuts a text into lines, for codecs that do not cut it themselves. Lines keep their ends, but for those of compressed objects: so does Logstash, which reads
// the ones by Ruby and the others by Java.
type lines struct {
	bare     bool
	searched int // up to where the rest holds no end of a line
}

// Frame implements plugin.Framer.
func (l *lines) Frame(data string, records []event.Record) ([]event.Record, string) {
	start, from := 0, l.searched
	for {
		i := strings.IndexByte(data[from:], '\n')
		if i < 0 {
			break
		}
		records = append(records, event.Record{Data: l.cut(data[start : from+i+1])})
		start = from + i + 1
		from = start
	}
	l.searched = len(data) - start
	return records, data[start:]
}

func (l *lines) cut(line string) string {
	if !l.bare {
		return line
	}
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
}

// Flush implements plugin.Framer.
func (l *lines) Flush(rest string, records []event.Record) []event.Record {
	l.searched = 0
	if rest == "" {
		return records
	}
	return append(records, event.Record{Data: l.cut(rest)})
}
