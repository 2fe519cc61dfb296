// Package fluent speaks the events of Fluentd's forward protocol: single messages, arrays of entries, and entries packed in one
// string, compressed or not. It does not answer, so a sender that asks for acknowledgement must not.
package fluent

import (
	"millrace/codecs/internal/pack"
	"millrace/internal/charset"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("fluent", Options{}, New)

// FailureTag marks what is no event of the forward protocol.
const FailureTag = "_fluentparsefailure"

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Whether times have nanoseconds, in Fluentd's form of its own (EventTime). If not, times are whole seconds in and out; an EventTime
	// that comes in is accepted all the same.
	NanosecondPrecision bool `opt:"nanosecond_precision"`

	// Field below which the record's fields are put; the top level of the event if not given.
	Target event.Path `opt:"target"`
}

// New returns the codec.
func New(o Options, _ *plugin.Env) (*plugin.Codec, error) {
	return &plugin.Codec{
		NewFramer: func() plugin.Framer { return new(pack.Framer) },
		NewDecoder: func() plugin.Decoder {
			return &decoder{o: &o, text: charset.Charset{}.NewDecoder(), scratch: event.New(nil)}
		},
		NewEncoder: func() plugin.Encoder { return &encoder{o: &o} },
	}, nil
}
