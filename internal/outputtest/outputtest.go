// Package outputtest gives an output events in a test as a worker would.
package outputtest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/codecs"
	"millrace/internal/logging"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Hostname is the name of the machine that outputs are told.
const Hostname = "host1"

// Output is an output with the writer of one worker.
type Output struct {
	plugin.Output
	Env    *plugin.Env
	Diags  config.Diagnostics
	writer plugin.Writer
}

// Build makes the output that the text between the braces of an output section asks for; nil if the diagnostics have errors.
func Build(t testing.TB, def *plugin.Definition, conf string) (*plugin.Built, config.Diagnostics) {
	t.Helper()
	f, diags := config.Parse("test", []byte("output { "+def.Name+" { "+conf+" } }"), config.ParseOptions{})
	require.Empty(t, diags)
	reg := plugin.NewRegistry([]*plugin.Definition{def}, codecs.All())
	return reg.Build(f.Sections[0].Body[0].(*config.PluginNode), plugin.Builder{
		Log: logging.Discard(), ECS: plugin.ECSDisabled, DataDir: t.TempDir(), Hostname: Hostname, Workers: 1,
	})
}

// New makes the output of a config, which is closed with the test.
func New(t testing.TB, def *plugin.Definition, conf string) *Output {
	t.Helper()
	built, diags := Build(t, def, conf)
	require.NotNil(t, built, diags.String())
	o := &Output{Output: built.Output, Env: built.Env, Diags: diags, writer: built.Output.NewWriter()}
	t.Cleanup(func() { _ = o.Close(context.Background()) })
	return o
}

// Refused asserts that a config is refused with a text.
func Refused(t testing.TB, def *plugin.Definition, conf, want string) {
	t.Helper()
	built, diags := Build(t, def, conf)
	require.Nil(t, built)
	require.Contains(t, diags.String(), want)
}

// Warned asserts that a config is accepted with a warning.
func Warned(t testing.TB, def *plugin.Definition, conf, want string) {
	t.Helper()
	built, diags := Build(t, def, conf)
	require.NotNil(t, built, diags.String())
	require.Contains(t, diags.String(), want)
}

// Event makes an event of JSON.
func Event(t testing.TB, doc string) *event.Event {
	t.Helper()
	e := event.New(nil)
	v, _, _, err := e.ParseJSON(doc)
	require.NoError(t, err)
	at, dated := v.Object().Delete(event.TimestampField)
	require.NoError(t, e.SetFields(v.Object()))
	if dated {
		when, err := time.Parse(time.RFC3339, at.Text())
		require.NoError(t, err)
		e.SetTimestamp(when)
	}
	return e
}

// Append appends events to the turn and returns the errors of those that could not be.
func (o *Output) Append(t testing.TB, docs ...string) (errs []error) {
	t.Helper()
	for _, doc := range docs {
		if err := o.writer.Append(Event(t, doc)); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// Flush ends the turn and reports whether it was settled.
func (o *Output) Flush(ctx context.Context) (settled bool, err error) {
	done := make(chan struct{})
	b := &event.Batch{Done: func(*event.Batch) { close(done) }}
	b.Expect(1)
	if err := o.writer.Flush(ctx, b); err != nil {
		return false, err
	}
	<-done
	return true, nil
}

// FlushBatch ends the turn with a batch of the test's own.
func (o *Output) FlushBatch(ctx context.Context, b *event.Batch) error { return o.writer.Flush(ctx, b) }

// Write gives the output one turn and waits until it is settled.
func (o *Output) Write(t testing.TB, docs ...string) {
	t.Helper()
	require.Empty(t, o.Append(t, docs...))
	settled, err := o.Flush(context.Background())
	require.NoError(t, err)
	require.True(t, settled)
}

// WriteAsync is Write that does not wait: what it returns is closed when the turn is settled.
func (o *Output) WriteAsync(t testing.TB, docs ...string) <-chan struct{} {
	t.Helper()
	require.Empty(t, o.Append(t, docs...))
	settled := make(chan struct{})
	go func() {
		if ok, err := o.Flush(context.Background()); !ok {
			t.Errorf("the turn was not settled: %v", err)
		}
		close(settled)
	}()
	return settled
}
