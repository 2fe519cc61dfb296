// Package stdout writes events to the standard output.
package stdout

import (
	"context"
	"io"
	"os"
	"sync"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the stdout output.
var Plugin = plugin.DefineOutput("stdout", Options{}, New, plugin.WithCodec("rubydebug"), plugin.Borrowing())

// Options configures the output.
type Options struct {
	Debug bool `opt:"debug,obsolete=the default codec rubydebug prints what it asked for"`
}

// New returns the output, which writes to os.Stdout.
func New(_ Options, env *plugin.Env) (plugin.Output, error) {
	return &output{env: env, w: os.Stdout}, nil
}

// JavaPlugin is the stdout output that Logstash has in Java.
var JavaPlugin = plugin.DefineOutput("java_stdout", JavaOptions{}, NewJava, plugin.WithCodec("java_line"), plugin.Borrowing())

// JavaOptions configures the output java_stdout, which has none of its own: it is stdout with the codec java_line.
type JavaOptions struct{}

// NewJava returns the output java_stdout, which writes to os.Stdout.
func NewJava(_ JavaOptions, env *plugin.Env) (plugin.Output, error) { return New(Options{}, env) }

// output is shared by all workers; mu keeps what a turn wrote together.
type output struct {
	env *plugin.Env
	mu  sync.Mutex
	w   io.Writer
}

func (o *output) NewWriter() plugin.Writer    { return &writer{o: o, enc: o.env.NewEncoder()} }
func (o *output) Close(context.Context) error { return nil }

type writer struct {
	o   *output
	enc plugin.Encoder
	buf []byte
	n   int64
}

// maxKept bounds the buffer that a worker keeps for its next turn.
const maxKept = 1 << 20

// Append encodes e. An event that the codec cannot encode is counted as dropped.
func (w *writer) Append(e *event.Event) error {
	buf, err := w.enc.AppendEncode(w.buf, e)
	if err != nil {
		w.o.env.Stats.Dropped.Add(1)
		return err
	}
	w.buf = buf
	w.n++
	return nil
}

// Flush writes the turn. A standard output that is closed or broken cannot be mended: its events count as dropped.
func (w *writer) Flush(_ context.Context, b *event.Batch) error {
	w.o.mu.Lock()
	_, err := w.o.w.Write(w.buf)
	w.o.mu.Unlock()
	if err != nil {
		w.o.env.Stats.Dropped.Add(w.n)
		w.o.env.Log.Error("writing to the standard output", "error", err, "events", w.n)
	} else {
		w.o.env.Stats.Delivered.Add(w.n)
	}
	w.n = 0
	if w.buf = w.buf[:0]; cap(w.buf) > maxKept {
		w.buf = nil
	}
	b.Settle()
	return nil
}
