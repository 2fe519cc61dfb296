// Package gziplines reads lines of compressed text.
package gziplines

import (
	"millrace/codecs/internal/zipped"
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
		NewFramer:  func() plugin.Framer { return zipped.Framer{} },
		NewDecoder: func() plugin.Decoder { return &decoder{text: o.Charset.NewDecoder()} },
	}, nil
}

type decoder struct {
	text *charset.Decoder
	in   zipped.Reader
}

// Decode implements plugin.Decoder. Lines keep their newline, as in Logstash. What is broken gives the lines before the fault, and an
// event that says so.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	err := d.in.Lines(r.Data, func(line []byte) {
		e := next()
		e.Root().Set("message", event.StringValue(d.text.Decode(e.Arena, e.Arena.String(line))))
	})
	if err != nil {
		zipped.Fail(next(), err, FailureTag)
	}
}
