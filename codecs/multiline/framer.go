package multiline

import (
	"strings"
	"time"

	"millrace/internal/charset"
	"millrace/internal/lines"
	"millrace/internal/onig"
	"millrace/pipeline/event"
)

// framer joins lines. A message is one stretch of the stream, newlines included, so nothing is copied: the rest of a Frame is the
// message that is being collected, then the part of a line.
type framer struct {
	o       *Options
	matcher *onig.Matcher
	text    *charset.Decoder
	arena   event.Arena // lines that had to be converted to be matched

	lines int // of the message that is being collected
	bytes int // of those lines as UTF-8, newlines not counted

	next     int // where in the rest the first line begins that is not part of the message yet
	searched int // up to where that line was searched for its end

	began time.Time // when the rest's first byte was read
	late  bool      // the message that is being collected began in an earlier read
}

// Frame implements plugin.Framer.
func (f *framer) Frame(data string, records []event.Record) ([]event.Record, string) {
	start, pos, from := 0, f.next, f.searched
	for {
		i := strings.IndexByte(data[from:], '\n')
		if i < 0 {
			break
		}
		start, records = f.line(data, start, pos, from+i, records)
		pos = from + i + 1
		from = pos
	}
	if len(data)-pos > lines.DefaultLimit { // a line without end
		records = append(records, event.Record{Data: data[start:], Tag: lineTooLong})
		start, pos = len(data), len(data)
		f.reset()
	}
	rest := data[start:]
	f.next, f.searched = pos-start, len(rest)
	if rest != "" && (start > 0 || !f.late) {
		f.began, f.late = time.Now(), true
	}
	f.late = rest != ""
	return records, rest
}

// Flush implements plugin.Framer.
func (f *framer) Flush(rest string, records []event.Record) []event.Record {
	start := 0
	if f.next < len(rest) {
		start, records = f.line(rest, 0, f.next, len(rest), records)
	}
	if f.lines > 0 {
		records = f.emit(strings.TrimSuffix(rest[start:], "\n"), records)
	}
	f.next, f.searched, f.late = 0, 0, false
	return records
}

// IdleAfter implements plugin.IdleFramer.
func (f *framer) IdleAfter() time.Duration { return f.o.AutoFlushInterval }

// line takes the line data[pos:end]. The message that is being collected begins at start; where the next one begins is returned.
func (f *framer) line(data string, start, pos, end int, records []event.Record) (int, []event.Record) {
	text := f.text.Decode(&f.arena, data[pos:end])
	belongs := f.matcher.Match(text) != f.o.Negate
	if f.o.What == "previous" && f.lines > 0 && (!belongs || f.full()) {
		records = f.emit(data[start:pos-1], records)
		start = pos
	}
	f.lines++
	f.bytes += len(text)
	if f.o.What == "next" && (!belongs || f.full()) {
		records = f.emit(data[start:end], records)
		start = min(end+1, len(data))
	}
	return start, records
}

func (f *framer) full() bool {
	return f.lines > f.o.MaxLines || f.bytes >= int(f.o.MaxBytes)
}

// emit ends the message that is being collected. Its time is that of its first line.
func (f *framer) emit(message string, records []event.Record) []event.Record {
	r := event.Record{Data: message}
	if f.late && time.Since(f.began) > time.Millisecond {
		r.Meta = []event.Field{{Key: event.TimestampField, Val: event.TimeValue(f.began)}}
	}
	f.reset()
	return append(records, r)
}

func (f *framer) reset() { f.lines, f.bytes, f.late = 0, 0, false }
