// Package dots writes a dot for each event: progress that a person can see.
package dots

import (
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("dots", Options{}, New, plugin.WithAliases("jdots"), plugin.Borrowing())

// Options configures the codec: there is nothing to set.
type Options struct{}

// New returns the codec.
func New(Options, *plugin.Env) (*plugin.Codec, error) {
	return &plugin.Codec{NewEncoder: func() plugin.Encoder { return encoder{} }}, nil
}

type encoder struct{}

// AppendEncode implements plugin.Encoder.
func (encoder) AppendEncode(dst []byte, _ *event.Event) ([]byte, error) { return append(dst, '.'), nil }
