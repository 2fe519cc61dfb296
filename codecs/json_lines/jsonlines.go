// Package jsonlines reads and writes JSON documents that a delimiter ends.
package jsonlines

import (
	"fmt"

	"millrace/codecs/internal/document"
	"millrace/internal/charset"
	"millrace/internal/lines"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("json_lines", Options{Delimiter: "\n", DecodeSizeLimitBytes: 512 << 20}, New, plugin.Borrowing())

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Character set of the documents that come in.
	Charset charset.Charset `opt:"charset"`

	// What ends a document, in and out.
	Delimiter string `opt:"delimiter"`

	// Length from which a document is not read: an event with the tag _jsonparsetoobigfailure stands in its place. It bounds what one
	// connection can hold in memory.
	DecodeSizeLimitBytes config.Bytes `opt:"decode_size_limit_bytes"`

	// Field below which the document's fields are put; the top level of the event if not given.
	Target event.Path `opt:"target"`
}

// TooBigTag marks the event that stands for a document that exceeded decode_size_limit_bytes.
const TooBigTag = "_jsonparsetoobigfailure"

// New returns the codec.
func New(o Options, _ *plugin.Env) (*plugin.Codec, error) {
	if o.DecodeSizeLimitBytes < 1 {
		return nil, plugin.OptionError("decode_size_limit_bytes", fmt.Errorf("must be at least 1, not %d", o.DecodeSizeLimitBytes))
	}
	c := &plugin.Codec{
		NewDecoder: func() plugin.Decoder {
			return &decoder{
				documents: document.NewDecoder(o.Charset, o.Target),
				tooBig:    fmt.Sprintf("Payload bigger than %d bytes", o.DecodeSizeLimitBytes),
			}
		},
		NewEncoder: func() plugin.Encoder { return document.Encoder{Delimiter: o.Delimiter} },
	}
	if o.Delimiter != "" {
		c.NewFramer = func() plugin.Framer { return lines.NewSkipping(o.Delimiter, int(o.DecodeSizeLimitBytes), TooBigTag) }
	}
	return c, nil
}

type decoder struct {
	documents *document.Decoder
	tooBig    string
}

// Decode implements plugin.Decoder.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	if r.Tag == TooBigTag {
		next().Root().Set("message", event.StringValue(d.tooBig))
		return
	}
	d.documents.Decode(r, next)
}
