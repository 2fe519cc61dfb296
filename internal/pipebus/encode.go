package pipebus

import (
	"strings"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// An event travels as bytes, so that the receiving pipeline can keep it on disk like anything else it reads. JSON would lose the
// difference between an instant and its text.

// AppendEvent appends e with its metadata.
func AppendEvent(dst []byte, e *event.Event) []byte { return e.AppendBinary(dst) }

// Codec returns the codec of what AppendEvent writes.
func Codec() *plugin.Codec {
	return &plugin.Codec{NewDecoder: func() plugin.Decoder { return decoder{} }}
}

// MalformedTag marks an event that was damaged on its way through a queue on disk; its message is what is left of it.
const MalformedTag = "_pipelinebusfailure"

// decoder reads events. Texts are parts of the record.
type decoder struct{}

// Decode implements plugin.Decoder.
func (decoder) Decode(r *event.Record, next func() *event.Event) {
	e := next()
	if err := e.ReadBinary(r.Data); err != nil {
		e.Reset()
		e.Root().Set("message", event.StringValue(strings.ToValidUTF8(r.Data, "\ufffd")))
		e.Tag(MalformedTag)
	}
}
