// Package null takes events and throws them away, for benchmarks.
package null

import (
	"context"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the null output.
var Plugin = plugin.DefineOutput("null", Options{}, New, plugin.WithAliases("sink"), plugin.Borrowing())

// Options configures the output: it has none of its own.
type Options struct{}

// New returns the output.
func New(_ Options, env *plugin.Env) (plugin.Output, error) { return output{env}, nil }

type output struct{ env *plugin.Env }

func (o output) NewWriter() plugin.Writer    { return &writer{stats: o.env.Stats} }
func (o output) Close(context.Context) error { return nil }

type writer struct {
	stats *plugin.Stats
	n     int64
}

func (w *writer) Append(*event.Event) error {
	w.n++
	return nil
}

func (w *writer) Flush(_ context.Context, b *event.Batch) error {
	w.stats.Delivered.Add(w.n)
	w.n = 0
	b.Settle()
	return nil
}
