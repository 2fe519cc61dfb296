package generator

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// run gives the documents of a generator that ends by itself, sorted.
func run(t *testing.T, def *plugin.Definition, conf string) []string {
	t.Helper()
	built, diags := inputtest.Build(t, def, conf, plugin.Builder{})
	require.NotNil(t, built, diags.String())
	sink := inputtest.NewSink(built)
	require.NoError(t, built.Input.Run(t.Context(), sink))
	docs := sink.Wait(sink.Len())
	slices.Sort(docs)
	return docs
}

func TestGenerator(t *testing.T) {
	f := func(def *plugin.Definition, conf string, want ...string) {
		t.Helper()
		require.Equal(t, want, run(t, def, conf))
	}
	f(Plugin, `count => 2 message => "m"`,
		`{"message":"m","event":{"original":"m","sequence":0},"host":{"name":"host1"}}`,
		`{"message":"m","event":{"original":"m","sequence":1},"host":{"name":"host1"}}`)
	f(JavaPlugin, `count => 1 threads => 2 lines => ["a", "b"]`,
		`{"message":"a","hostname":"host1","thread_number":0,"sequence":0}`,
		`{"message":"a","hostname":"host1","thread_number":1,"sequence":0}`,
		`{"message":"b","hostname":"host1","thread_number":0,"sequence":0}`,
		`{"message":"b","hostname":"host1","thread_number":1,"sequence":0}`)
	f(JavaPlugin, `count => 1`, `{"message":"Hello world!","hostname":"host1","thread_number":0,"sequence":0}`)
	inputtest.Refused(t, JavaPlugin, `threads => 0`, "at least one generator")
	inputtest.Refused(t, JavaPlugin, `eps => 1001`, "at most 1000 events a second")
}

func TestMessageFromStdin(t *testing.T) {
	built, diags := inputtest.Build(t, Plugin, `count => 2 threads => 2 message => "stdin"`, plugin.Builder{})
	require.NotNil(t, built, diags.String())
	built.Input.(*input).stdin = strings.NewReader("bar\nbaz\n")
	sink := inputtest.NewSink(built)
	require.NoError(t, built.Input.Run(t.Context(), sink))
	docs := sink.Wait(4)
	require.Len(t, docs, 4)
	for _, d := range docs {
		require.Contains(t, d, `"message":"bar\n"`)
	}
	built.Input.(*input).stdin = strings.NewReader("")
	require.ErrorContains(t, built.Input.Run(t.Context(), sink), "reading the message from the standard input")
	nothing, w := io.Pipe()
	defer func() { _ = w.Close() }()
	built.Input.(*input).stdin = nothing
	inputtest.Run(t, built.Input, sink)()
	require.Equal(t, 4, sink.Len())
}

// times notes when events come.
type times []time.Duration

func (s *times) Push(_ context.Context, b *event.Batch) error {
	for range b.Records {
		*s = append(*s, time.Since(inception))
	}
	b.Expect(0)
	return nil
}

// inception is when a synctest bubble begins.
var inception = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func TestRate(t *testing.T) {
	built, _ := inputtest.Build(t, JavaPlugin, `count => 4 eps => 3`, plugin.Builder{})
	synctest.Test(t, func(t *testing.T) {
		var got times
		require.NoError(t, built.Input.Run(t.Context(), &got))
		const step = 333 * time.Millisecond
		require.Equal(t, times{0, step, 2 * step, 3 * step}, got)
	})
}
