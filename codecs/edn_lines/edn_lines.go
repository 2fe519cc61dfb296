// Package ednlines reads and writes events in the extensible data notation of Clojure, one a line.
package ednlines

import (
	"millrace/codecs/internal/edn"
	"millrace/internal/lines"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("edn_lines", Options{}, New)

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Field below which the map's fields are put; the top level of the event if not given.
	Target event.Path `opt:"target"`
}

// New returns the codec.
func New(o Options, _ *plugin.Env) (*plugin.Codec, error) {
	return &plugin.Codec{
		NewFramer:  func() plugin.Framer { return lines.New("\n", lines.DefaultLimit, "_linetoolong") },
		NewDecoder: func() plugin.Decoder { return edn.NewDecoder(o.Target) },
		NewEncoder: func() plugin.Encoder { return edn.Encoder{End: "\n"} },
	}, nil
}
