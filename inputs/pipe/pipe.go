// Package pipe reads the lines that a command prints, and runs it again when it has ended.
package pipe

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"millrace/internal/childproc"
	"millrace/internal/lines"
	"millrace/internal/stream"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the pipe input.
var Plugin = plugin.DefineInput("pipe", Options{}, New)

// Options configures the input.
type Options struct {
	// Command to run, by sh.
	Command string `opt:"command,required"`
}

// restartPause is how long after its end the command is run again.
const restartPause = 10 * time.Second

// drainLimit is how long what was read may take to be handed over at the end.
const drainLimit = 2 * time.Second

// New checks the options; nothing is run.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	if strings.TrimSpace(o.Command) == "" {
		return nil, plugin.OptionError("command", errors.New("there is no command"))
	}
	host, command := "host", "command"
	if env.ECS.Enabled() {
		host, command = "[host][name]", "[process][command_line]"
	}
	return &input{o: o, env: env, pause: restartPause, source: env.NewSource(
		event.SourceField{Path: event.MustPath(host), Value: event.StringValue(env.Hostname)},
		event.SourceField{Path: event.MustPath(command), Value: event.StringValue(o.Command)})}, nil
}

type input struct {
	o      Options
	env    *plugin.Env
	pause  time.Duration
	source *event.Source
}

// Run runs the command again and again until ctx ends; then it is told to end, with all that it started.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	for ctx.Err() == nil {
		if err := in.once(ctx, out); err != nil && ctx.Err() == nil {
			in.env.Log.Warn("the command ended with an error; it is run again", "command", in.o.Command, "error", err)
		}
		select {
		case <-time.After(in.pause):
		case <-ctx.Done():
		}
	}
	return nil
}

// once runs the command and hands on what it prints.
func (in *input) once(ctx context.Context, out plugin.Sink) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd, release := childproc.Shell(ctx, in.o.Command, drainLimit)
	defer release()
	r, w := io.Pipe()
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		_ = w.Close() // it never fails
		ended <- err
	}()
	err := in.read(ctx, r, out)
	_ = r.Close() // a command that still prints is told so
	if err != nil {
		cancel()
	}
	return errors.Join(err, <-ended)
}

func (in *input) read(ctx context.Context, r io.Reader, out plugin.Sink) error {
	var framer plugin.Framer = &lines.Ends{Cut: bare}
	if in.env.CutsStreams() {
		framer = in.env.NewFramer()
	}
	reader := stream.NewReader(r, framer, stream.Limits{})
	for {
		b, err := reader.Next()
		if b != nil {
			if perr := in.push(ctx, out, b); perr != nil {
				return perr
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// push hands b over; when ctx has ended, within the time of the drain.
func (in *input) push(ctx context.Context, out plugin.Sink, b *event.Batch) error {
	b.Source = in.source
	return stream.Push(ctx, out, b, drainLimit, in.env.Log)
}

// bare returns a line without its newline, and a carriage return before one.
func bare(line string) string {
	if line, ok := strings.CutSuffix(line, "\n"); ok {
		return strings.TrimSuffix(line, "\r")
	}
	return line
}
