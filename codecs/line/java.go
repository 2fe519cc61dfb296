package line

import (
	"millrace/codecs/internal/document"
	"millrace/codecs/internal/message"
	"millrace/internal/charset"
	"millrace/internal/lines"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// JavaPlugin defines the codec that Logstash has in Java.
var JavaPlugin = plugin.DefineCodec("java_line", JavaOptions{Delimiter: "\n"}, NewJava, plugin.Borrowing())

// JavaOptions configures the codec java_line: line, but that an event without a format is written as JSON, and that no text is kept in
// [event][original].
type JavaOptions struct {
	// Text of an event on the way out, with references to fields. If not given: the event as JSON.
	Format *event.Template `opt:"format"`

	// Character set of the lines that come in. Lines that go out are UTF-8, which a warning tells where another one is asked for.
	Charset charset.Charset `opt:"charset"`

	// What ends a line.
	Delimiter string `opt:"delimiter"`
}

// NewJava returns the codec java_line.
func NewJava(o JavaOptions, env *plugin.Env) (*plugin.Codec, error) {
	message.WarnFormat(env, o.Format)
	message.WarnCharset(env, o.Charset)
	own := Options{Delimiter: o.Delimiter, DecodeSizeLimitBytes: lines.DefaultLimit}
	return &plugin.Codec{
		NewDecoder: func() plugin.Decoder { return message.NewDecoder(o.Charset, plugin.ECSDisabled) },
		NewEncoder: func() plugin.Encoder {
			if o.Format == nil {
				return document.Encoder{Delimiter: o.Delimiter}
			}
			return message.NewEncoder(o.Format, o.Delimiter)
		},
		NewFramer: own.framer(),
	}, nil
}
