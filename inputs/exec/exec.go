// Package exec runs a command again and again and makes an event of what it prints.
package exec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"time"

	"millrace/internal/childproc"
	"millrace/internal/schedule"
	"millrace/internal/stream"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the exec input.
var Plugin = plugin.DefineInput("exec", Options{}, New)

// Options configures the input. Either interval or schedule is required.
type Options struct {
	// Command to run, by sh.
	Command string `opt:"command,required"`

	// How long after the beginning of one run the next begins; at once if the run took longer.
	Interval *float64 `opt:"interval"`

	// When to run the command, in cron's form: minute, hour, day of the month, month, day of the week, with the second before them if there
	// are six, and a time zone behind them if need be.
	Schedule string `opt:"schedule"`
}

// maxOutput bounds what is kept of what a command prints; the rest is cut off.
const maxOutput = stream.DefaultMaxRecord

// stopLimit is how long a command may take to end when it is told so, and what it printed to be handed over.
const stopLimit = 2 * time.Second

// New checks the options; nothing is run.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	var errs []error
	if strings.TrimSpace(o.Command) == "" {
		errs = append(errs, plugin.OptionError("command", errors.New("there is no command")))
	}
	in := &input{o: o, env: env, log: throttle.New(env.Log, time.Minute), limit: stopLimit}
	switch {
	case o.Interval == nil && o.Schedule == "":
		errs = append(errs, errors.New("interval or schedule is required"))
	case o.Interval != nil && o.Schedule != "":
		errs = append(errs, plugin.OptionError("schedule", errors.New("interval and schedule exclude each other")))
	case o.Interval != nil && *o.Interval < 0:
		errs = append(errs, plugin.OptionError("interval", fmt.Errorf("%v is no time between two runs", *o.Interval)))
	case o.Schedule != "":
		var err error
		if in.schedule, err = schedule.Cron(o.Schedule); err != nil {
			errs = append(errs, plugin.OptionError("schedule", err))
		}
	}
	if env.ECS.Enabled() {
		in.paths = paths{
			host: event.MustPath("[host][name]"), command: event.MustPath("[process][command_line]"), status: event.MustPath("[process][exit_code]"),
			elapsed: event.MustPath("[@metadata][input][exec][process][elapsed_time]"),
		}
	} else {
		in.paths = paths{
			host: event.MustPath("host"), command: event.MustPath("command"), status: event.MustPath("[@metadata][exit_status]"),
			elapsed: event.MustPath("[@metadata][duration]"),
		}
	}
	return in, errors.Join(errs...)
}

// paths are the fields that tell of a run.
type paths struct{ host, command, status, elapsed *event.Path }

type input struct {
	o        Options
	env      *plugin.Env
	log      *throttle.Logger
	schedule schedule.Schedule
	paths    paths
	limit    time.Duration // for a command that is told to end
}

// Run runs the command until ctx ends. A command that runs then is told to end, and what it printed is left out: it is not whole.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	if !in.schedule.IsZero() {
		var failed error
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		in.schedule.Run(ctx, func() {
			if failed = in.once(ctx, out); failed != nil {
				cancel()
			}
		})
		return failed
	}
	interval := time.Duration(*in.o.Interval * float64(time.Second))
	for ctx.Err() == nil {
		began := time.Now()
		if err := in.once(ctx, out); err != nil {
			return err
		}
		left := interval - time.Since(began)
		if left <= 0 {
			if interval > 0 {
				in.log.Warn("the command took longer than interval", slog.String("command", in.o.Command))
			}
			continue
		}
		select {
		case <-time.After(left):
		case <-ctx.Done():
		}
	}
	return nil
}

// limited keeps the beginning of what is written to it.
type limited struct {
	bytes.Buffer
	max int
	cut bool
}

func (l *limited) Write(p []byte) (int, error) {
	if n := l.max - l.Len(); len(p) > n {
		l.cut = true
		l.Buffer.Write(p[:n])
		return len(p), nil
	}
	return l.Buffer.Write(p)
}

// maxComplaint bounds what is logged of what a command says on its standard error.
const maxComplaint = 1 << 10

// once runs the command and hands on what it printed. Its error is that of the pipeline: one of the command is logged.
func (in *input) once(ctx context.Context, out plugin.Sink) error {
	cmd, release := childproc.Shell(ctx, in.o.Command, in.limit)
	defer release()
	text, complaint := &limited{max: maxOutput}, &limited{max: maxComplaint}
	cmd.Stdout, cmd.Stderr = text, complaint
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	if ctx.Err() != nil {
		return nil
	}
	var status *exec.ExitError
	switch {
	case err == nil || errors.As(err, &status):
	case errors.Is(err, exec.ErrWaitDelay):
		in.log.Warn("the command has ended, and what it started goes on printing; that is left out", slog.String("command", in.o.Command))
	default:
		in.log.Error("the command cannot be run", slog.String("command", in.o.Command), slog.Any("error", err))
		return nil
	}
	if complaint.Len() > 0 {
		in.log.Warn("the command complains", slog.String("command", in.o.Command), slog.String("says", complaint.String()))
	}
	return in.push(ctx, out, in.batch(text, cmd.ProcessState.ExitCode(), took))
}

// batch makes records of what a run printed.
func (in *input) batch(text *limited, status int, took time.Duration) *event.Batch {
	elapsed := event.FloatValue(took.Seconds())
	if in.env.ECS.Enabled() {
		elapsed = event.IntValue(took.Nanoseconds())
	}
	b := &event.Batch{Time: time.Now(), Bytes: text.Len(), Source: in.env.NewSource(
		event.SourceField{Path: in.paths.host, Value: event.StringValue(in.env.Hostname)},
		event.SourceField{Path: in.paths.command, Value: event.StringValue(in.o.Command)},
		event.SourceField{Path: in.paths.status, Value: event.IntValue(int64(status))},
		event.SourceField{Path: in.paths.elapsed, Value: elapsed})}
	data := text.String()
	if in.env.CutsStreams() {
		f := in.env.NewFramer()
		var rest string
		b.Records, rest = f.Frame(data, nil)
		b.Records = f.Flush(rest, b.Records)
	} else {
		b.Records = []event.Record{{Data: data}}
	}
	if n := len(b.Records); text.cut && n > 0 {
		b.Records[n-1].Tag = stream.CutTag
	}
	return b
}

// push hands b over; when ctx has ended, within the time of the stop.
func (in *input) push(ctx context.Context, out plugin.Sink, b *event.Batch) error {
	if len(b.Records) == 0 {
		return nil
	}
	return stream.Push(ctx, out, b, stopLimit, in.env.Log)
}
