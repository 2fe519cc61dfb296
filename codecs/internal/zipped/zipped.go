// Package zipped reads lines of compressed text, for the codecs gzip_lines and cloudfront.
package zipped

import (
	"bufio"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"

	"millrace/internal/lines"
	"millrace/pipeline/event"
)

// Framer takes a stream as one record: where compressed data end only their decompression tells. It implements plugin.Framer.
type Framer struct{}

// Frame implements plugin.Framer.
func (Framer) Frame(data string, records []event.Record) ([]event.Record, string) {
	if len(data) > lines.DefaultLimit {
		return append(records, event.Record{Data: data}), ""
	}
	return records, data
}

// Flush implements plugin.Framer.
func (Framer) Flush(rest string, records []event.Record) []event.Record {
	if rest == "" {
		return records
	}
	return append(records, event.Record{Data: rest})
}

// Reader decompresses. One owner, no lock.
type Reader struct {
	gzip *gzip.Reader
	in   *bufio.Reader
	line []byte
}

// Lines gives each line of compressed data, with its newline, to line, which may not keep it. A line that is longer than
// lines.DefaultLimit comes in parts.
func (r *Reader) Lines(data string, line func(text []byte)) error {
	err := r.open(data)
	for err == nil {
		var part []byte
		part, err = r.in.ReadSlice('\n')
		r.line = append(r.line, part...)
		if err == bufio.ErrBufferFull && len(r.line) < lines.DefaultLimit {
			err = nil
			continue
		}
		if len(r.line) > 0 {
			line(r.line)
		}
		r.line = r.line[:0]
		if err == bufio.ErrBufferFull {
			err = nil
		}
	}
	if err == io.EOF {
		return nil
	}
	return err
}

func (r *Reader) open(data string) (err error) {
	r.line = r.line[:0]
	if r.gzip == nil {
		r.gzip, r.in = new(gzip.Reader), bufio.NewReaderSize(nil, 64<<10)
	}
	if err = r.gzip.Reset(strings.NewReader(data)); err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	r.in.Reset(r.gzip)
	return err
}

// Fail makes e the event of an error of Lines.
func Fail(e *event.Event, err error, tag string) {
	e.Root().Set("message", event.StringValue("gzip: "+strings.TrimPrefix(err.Error(), "gzip: ")))
	e.Tag(tag)
}
