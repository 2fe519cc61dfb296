// Package gziplines reads lines of compressed text.
package gziplines

import (
	"bufio"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"

	"millrace/codecs/internal/lines"
	"millrace/internal/charset"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("gzip_lines", Options{}, New)

// FailureTag marks what could not be decompressed.
const FailureTag = "_gziplinesfailure"

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Character set of the lines.
	Charset charset.Charset `opt:"charset"`
}

// New returns the codec.
func New(o Options, _ *plugin.Env) (*plugin.Codec, error) {
	return &plugin.Codec{
		NewFramer:  func() plugin.Framer { return framer{} },
		NewDecoder: func() plugin.Decoder { return &decoder{text: o.Charset.NewDecoder()} },
	}, nil
}

// framer takes a stream as one record: where compressed data ends only its decompression tells.
type framer struct{}

// Frame implements plugin.Framer.
func (framer) Frame(data string, records []event.Record) ([]event.Record, string) {
	if len(data) > lines.DefaultLimit {
		return append(records, event.Record{Data: data}), ""
	}
	return records, data
}

// Flush implements plugin.Framer.
func (framer) Flush(rest string, records []event.Record) []event.Record {
	if rest == "" {
		return records
	}
	return append(records, event.Record{Data: rest})
}

type decoder struct {
	text *charset.Decoder
	gzip *gzip.Reader
	in   *bufio.Reader
	line []byte
}

// Decode implements plugin.Decoder. Lines keep their newline, as in Logstash. What is broken gives the lines before the fault, and an
// event that says so.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	err := d.open(r.Data)
	for err == nil {
		var part []byte
		part, err = d.in.ReadSlice('\n')
		d.line = append(d.line, part...)
		if err == bufio.ErrBufferFull && len(d.line) < lines.DefaultLimit {
			err = nil
			continue
		}
		if len(d.line) > 0 {
			e := next()
			e.Root().Set("message", event.StringValue(d.text.Decode(e.Arena, e.Arena.String(d.line))))
		}
		d.line = d.line[:0]
		if err == bufio.ErrBufferFull {
			err = nil
		}
	}
	if err != io.EOF {
		e := next()
		e.Root().Set("message", event.StringValue("gzip: "+strings.TrimPrefix(err.Error(), "gzip: ")))
		e.Tag(FailureTag)
	}
}

func (d *decoder) open(data string) (err error) {
	d.line = d.line[:0]
	if d.gzip == nil {
		d.gzip, d.in = new(gzip.Reader), bufio.NewReaderSize(nil, 64<<10)
	}
	if err = d.gzip.Reset(strings.NewReader(data)); err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	d.in.Reset(d.gzip)
	return err
}
