package profile

import (
	"context"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// encoding is an output that encodes events and delivers them to nobody. Outputs without a codec of their own send JSON.
type encoding struct{ env *plugin.Env }

func newEncoding(_ noOptions, env *plugin.Env) (plugin.Output, error) { return encoding{env}, nil }

// NewWriter implements plugin.Output.
func (o encoding) NewWriter() plugin.Writer {
	w := &encodingWriter{stats: o.env.Stats}
	if c := o.env.Codec(); c != nil && c.NewEncoder != nil && (c.Name != "plain" || !c.Bare) {
		w.codec = c.NewEncoder()
	}
	return w
}

// Close implements plugin.Output.
func (o encoding) Close(context.Context) error { return nil }

type encodingWriter struct {
	stats *plugin.Stats
	codec plugin.Encoder // nil: JSON
	buf   []byte
}

// keepBytes bounds the buffer that is kept after a large event.
const keepBytes = 1 << 20

// Append implements plugin.Writer.
func (w *encodingWriter) Append(e *event.Event) (err error) {
	w.buf = w.buf[:0]
	if w.codec == nil {
		w.buf = e.AppendJSON(w.buf)
	} else {
		w.buf, err = w.codec.AppendEncode(w.buf, e)
	}
	w.stats.Delivered.Add(1)
	if cap(w.buf) > keepBytes {
		w.buf = nil
	}
	return err
}

// Flush implements plugin.Writer.
func (w *encodingWriter) Flush(_ context.Context, b *event.Batch) error {
	b.Settle()
	return nil
}
