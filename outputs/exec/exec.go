// Package exec runs a command for each event.
package exec

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os/exec"
	"strings"
	"time"

	"millrace/internal/childproc"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the exec output.
var Plugin = plugin.DefineOutput("exec", Options{}, New)

// Options configures the output. The option codec has no effect. The commands of one worker run one after the other, and the pipeline waits for
// them; an ampersand at the end of a command has it run by itself.
type Options struct {
	// Command to run, by sh. What references to fields give is a part of the command as it stands: whoever writes the field can run commands.
	Command event.Template `opt:"command,required"`

	// Whether not to log what the command prints.
	Quiet bool `opt:"quiet"`
}

// New checks the options; nothing is run.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	if err := o.Command.Err(); err != nil {
		return nil, plugin.OptionError("command", err)
	}
	if strings.TrimSpace(o.Command.String()) == "" {
		return nil, plugin.OptionError("command", errors.New("there is no command"))
	}
	return &output{o: o, env: env, log: throttle.New(env.Log, time.Minute)}, nil
}

type output struct {
	o   Options
	env *plugin.Env
	log *throttle.Logger
}

// NewWriter implements plugin.Output.
func (o *output) NewWriter() plugin.Writer { return &writer{o: o} }

// Close implements plugin.Output.
func (o *output) Close(context.Context) error { return nil }

type writer struct {
	o        *output
	commands []string
}

// Append implements plugin.Writer.
func (w *writer) Append(e *event.Event) error {
	text, err := w.o.o.Command.Text(e)
	if err != nil {
		w.o.env.Stats.Dropped.Add(1)
		return err
	}
	w.commands = append(w.commands, strings.Clone(text))
	return nil
}

// Flush runs the commands of the turn. One that ran is delivered, whatever it says; one that cannot be run is dropped.
func (w *writer) Flush(ctx context.Context, b *event.Batch) error {
	for _, text := range w.commands {
		err := w.o.run(ctx, text)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			w.o.env.Stats.Dropped.Add(1)
			w.o.log.Error("a command cannot be run; its event is dropped", slog.Any("error", err))
			continue
		}
		w.o.env.Stats.Delivered.Add(1)
	}
	clear(w.commands)
	w.commands = w.commands[:0]
	b.Settle()
	return nil
}

// maxLogged bounds what is kept of what a command prints.
const maxLogged = 64 << 10

// stopLimit is how long a command may take to end when it is told so, and one that ended what it started in the background to let go of its
// output.
const stopLimit = time.Second

// limited keeps the beginning of what is written to it.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	l.Buffer.Write(p[:min(len(p), maxLogged-l.Len())])
	return len(p), nil
}

func (o *output) run(ctx context.Context, text string) error {
	cmd, release := childproc.Shell(ctx, text, stopLimit)
	defer release()
	var out, complaint limited
	if !o.o.Quiet || o.env.Log.Enabled(ctx, slog.LevelDebug) {
		cmd.Stdout, cmd.Stderr = &out, &complaint
	}
	err := cmd.Run()
	var status *exec.ExitError
	switch {
	case errors.As(err, &status):
		o.log.Warn("a command ended with an error", slog.Any("error", err), slog.String("says", strings.TrimSpace(complaint.String())))
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return err
	}
	level := slog.LevelInfo
	if o.o.Quiet {
		level = slog.LevelDebug
	}
	if o.env.Log.Enabled(ctx, level) && (out.Len() > 0 || complaint.Len() > 0) {
		o.env.Log.Log(ctx, level, "a command printed", "text", strings.TrimSuffix(out.String(), "\n"))
	}
	return nil
}
