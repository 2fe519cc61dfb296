// Package line reads and writes lines of text.
package line

import (
	"fmt"

	"millrace/codecs/internal/message"
	"millrace/internal/charset"
	"millrace/internal/lines"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("line", Options{Delimiter: "\n", DecodeSizeLimitBytes: lines.DefaultLimit}, New, plugin.Borrowing())

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Text of an event on the way out, with references to fields. If not given: timestamp, host and message.
	Format *event.Template `opt:"format"`

	// Character set of the lines that come in. A line that claims to be UTF-8 and is not is escaped as Ruby does it: caf\xE9.
	Charset charset.Charset `opt:"charset"`

	// What ends a line. A carriage return before a newline stays part of the line. An empty delimiter makes one event of each read.
	Delimiter string `opt:"delimiter"`

	// Length from which a line is cut into several events, each tagged _linetoolong. It bounds what one connection can hold in memory.
	DecodeSizeLimitBytes config.Bytes `opt:"decode_size_limit_bytes"`
}

// TooLongTag marks the parts of a line that exceeded decode_size_limit_bytes.
const TooLongTag = "_linetoolong"

// New returns the codec.
func New(o Options, env *plugin.Env) (*plugin.Codec, error) {
	if o.DecodeSizeLimitBytes < 1 {
		return nil, plugin.OptionError("decode_size_limit_bytes", fmt.Errorf("must be at least 1, not %d", o.DecodeSizeLimitBytes))
	}
	message.WarnFormat(env, o.Format)
	c := &plugin.Codec{
		NewDecoder: func() plugin.Decoder { return message.NewDecoder(o.Charset, env.ECS) },
		NewEncoder: func() plugin.Encoder { return message.NewEncoder(o.Format, o.Delimiter) },
	}
	c.NewFramer = o.framer()
	return c, nil
}

// framer returns what makes framers, nil if there is no delimiter.
func (o *Options) framer() func() plugin.Framer {
	if o.Delimiter == "" {
		return nil
	}
	return func() plugin.Framer { return lines.New(o.Delimiter, int(o.DecodeSizeLimitBytes), TooLongTag) }
}
