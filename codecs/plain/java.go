package plain

import (
	"millrace/codecs/internal/message"
	"millrace/pipeline/plugin"
)

// JavaPlugin defines the codec that Logstash has in Java.
var JavaPlugin = plugin.DefineCodec("java_plain", JavaOptions{}, NewJava, plugin.Borrowing())

// JavaOptions configures the codec java_plain: plain, but that no text is kept in [event][original], and that an input which reads a stream
// makes one event of each read, not of each line.
type JavaOptions struct{ Options }

// NewJava returns the codec java_plain.
func NewJava(o JavaOptions, env *plugin.Env) (*plugin.Codec, error) {
	message.WarnCharset(env, o.Charset)
	c := newCodec(o.Options, env, plugin.ECSDisabled)
	c.Streaming = ""
	return c, nil
}
