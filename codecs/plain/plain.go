// Package plain takes whatever comes in one piece as text, and writes text without a delimiter.
package plain

import (
	"millrace/codecs/internal/message"
	"millrace/internal/charset"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("plain", Options{}, New, plugin.Borrowing())

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Text of an event on the way out, with references to fields. If not given: timestamp, host and message. No newline is added.
	Format *event.Template `opt:"format"`

	// Character set of the text that comes in. Text that claims to be UTF-8 and is not is escaped as Ruby does it: caf\xE9.
	Charset charset.Charset `opt:"charset"`
}

// New returns the codec.
func New(o Options, env *plugin.Env) (*plugin.Codec, error) { return newCodec(o, env, env.ECS), nil }

func newCodec(o Options, env *plugin.Env, ecs plugin.ECS) *plugin.Codec {
	message.WarnFormat(env, o.Format)
	return &plugin.Codec{
		NewDecoder: func() plugin.Decoder { return message.NewDecoder(o.Charset, ecs) },
		NewEncoder: func() plugin.Encoder { return message.NewEncoder(o.Format, "") },
		Streaming:  "line",
	}
}
