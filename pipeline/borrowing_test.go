package pipeline_test

import (
	"context"
	"log/slog"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// sink is an output that keeps nothing.
type sink struct{}

func (sink) NewWriter() plugin.Writer                         { return sink{} }
func (sink) Close(context.Context) error                      { return nil }
func (sink) Append(*event.Event) error                        { return nil }
func (sink) Flush(_ context.Context, b *event.Batch) error    { b.Settle(); return nil }
func (sink) Decode(r *event.Record, next func() *event.Event) { next() }

// TestBorrowing: memory that lines were read into comes back when nobody behind the inputs keeps texts, and only then.
func TestBorrowing(t *testing.T) {
	f := func(conf string, comesBack bool) {
		t.Helper()
		back := 0
		lender := event.Chunks{Reuse: func(*event.Chunk) { back++ }}
		run := func(ctx context.Context, env *plugin.Env, out plugin.Sink) error {
			b := &event.Batch{Source: env.NewSource(), Chunk: lender.Get(9)}
			b.Text, b.Spans = unsafe.String(&b.Chunk.Bytes[0], 9), []event.Span{{End: 4}, {Start: 5, End: 9}}
			return out.Push(ctx, b)
		}
		codec := func(none, *plugin.Env) (*plugin.Codec, error) {
			return &plugin.Codec{NewDecoder: func() plugin.Decoder { return sink{} }, NewEncoder: func() plugin.Encoder { return nil }}, nil
		}
		filter := func(none, *plugin.Env) (plugin.Filter, error) {
			return filterFunc(func(*event.Event) bool { return true }), nil
		}
		output := func(none, *plugin.Env) (plugin.Output, error) { return sink{}, nil }
		reg := plugin.NewRegistry([]*plugin.Definition{
			plugin.DefineInput("in", none{}, func(_ none, env *plugin.Env) (plugin.Input, error) {
				return inputFunc(func(ctx context.Context, out plugin.Sink) error { return run(ctx, env, out) }), nil
			}),
			plugin.DefineCodec("plain", none{}, codec, plugin.Borrowing()),
			plugin.DefineCodec("keeps", none{}, codec),
			plugin.DefineFilter("borrower", none{}, filter, plugin.Borrowing()),
			plugin.DefineFilter("keeper", none{}, filter),
			plugin.DefineOutput("out", none{}, output, plugin.Borrowing()),
			plugin.DefineOutput("keeper", none{}, output),
		})
		file, diags := config.Parse("test", []byte(conf), config.ParseOptions{})
		require.Empty(t, diags)
		p, diags := pipeline.Compile([]*config.File{file}, reg, pipeline.DefaultSettings(), plugin.Builder{Log: slog.New(slog.DiscardHandler)})
		require.NotNil(t, p, diags.String())
		require.NoError(t, p.Run(t.Context()))
		require.Equal(t, int64(2), p.Account().Received)
		require.Equal(t, comesBack, back == 1)
	}
	f(`input { in {} } filter { borrower {} } output { out {} }`, true)
	f(`input { in { codec => keeps } } filter { borrower {} } output { out {} }`, false)
	f(`input { in {} } filter { borrower {} if [a] { keeper {} } } output { out {} }`, false)
	f(`input { in {} } filter { borrower {} } output { out {} keeper {} }`, false)
	f(`input { in {} } filter { borrower {} } output { out { codec => keeps } }`, false)
}
