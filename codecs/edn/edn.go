// Package edn reads and writes events in the extensible data notation of Clojure.
package edn

import (
	"millrace/codecs/internal/edn"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("edn", Options{}, New)

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Field below which the map's fields are put; the top level of the event if not given.
	Target event.Path `opt:"target"`
}

// New returns the codec.
func New(o Options, _ *plugin.Env) (*plugin.Codec, error) {
	return &plugin.Codec{
		NewDecoder: func() plugin.Decoder { return edn.NewDecoder(o.Target) },
		NewEncoder: func() plugin.Encoder { return edn.Encoder{} },
		Streaming:  "edn_lines",
	}, nil
}
