// Package json reads JSON documents, one a record, and writes events as JSON.
package json

import (
	"millrace/codecs/internal/document"
	"millrace/internal/charset"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("json", Options{}, New, plugin.Borrowing())

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Character set of the documents that come in.
	Charset charset.Charset `opt:"charset"`

	// Field below which the document's fields are put; the top level of the event if not given.
	Target event.Path `opt:"target"`
}

// New returns the codec.
func New(o Options, env *plugin.Env) (*plugin.Codec, error) {
	return &plugin.Codec{
		NewDecoder: func() plugin.Decoder {
			d := document.NewDecoder(o.Charset, o.Target)
			d.Original = env.ECS.Enabled()
			return d
		},
		NewEncoder: func() plugin.Encoder { return document.Encoder{} },
		Streaming:  "json_lines",
	}, nil
}
