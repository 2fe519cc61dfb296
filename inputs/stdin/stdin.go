// Package stdin reads the standard input until its end.
package stdin

import (
	"context"
	"errors"
	"io"
	"os"

	"millrace/internal/stream"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the stdin input.
var Plugin = plugin.DefineInput("stdin", Options{}, New, plugin.WithCodec("line"), plugin.Streaming())

// Options configures the input: it has none of its own.
type Options struct{}

// New returns the input, which reads os.Stdin.
func New(_ Options, env *plugin.Env) (plugin.Input, error) {
	host := event.MustPath("host")
	if env.ECS.Enabled() {
		host = event.MustPath("[host][hostname]")
	}
	return &input{env: env, in: os.Stdin, host: host}, nil
}

// JavaPlugin is the stdin input that Logstash has in Java.
var JavaPlugin = plugin.DefineInput("java_stdin", JavaOptions{}, NewJava, plugin.WithCodec("java_line"), plugin.Streaming())

// JavaOptions configures the input java_stdin, which has none of its own: it is stdin with the codec java_line, and puts the name of this machine
// into the field hostname.
type JavaOptions struct{}

// NewJava returns the input java_stdin, which reads os.Stdin.
func NewJava(_ JavaOptions, env *plugin.Env) (plugin.Input, error) {
	return &input{env: env, in: os.Stdin, host: event.MustPath("hostname")}, nil
}

type input struct {
	env  *plugin.Env
	in   *os.File
	host *event.Path // where the name of this machine goes
}

// Run pushes what comes until the end of the input, where the pipeline ends too if it has no other input, or until ctx ends.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	source := in.env.NewSource(event.SourceField{Path: in.host, Value: event.StringValue(in.env.Hostname)})
	r := stream.NewReader(in.in, in.env.NewFramer(), stream.Limits{}).WithPool(new(stream.Pool))
	// A read of a terminal or a file cannot be interrupted: it is left behind, which loses what the process was not given yet.
	type result struct {
		b   *event.Batch
		err error
	}
	results := make(chan result)
	go func() {
		for {
			b, err := r.Next()
			select {
			case results <- result{b, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case res := <-results:
			if res.b != nil {
				res.b.Source = source
				if err := out.Push(ctx, res.b); err != nil {
					return err
				}
			}
			if errors.Is(res.err, io.EOF) {
				return nil
			}
			if res.err != nil {
				return res.err
			}
		}
	}
}
