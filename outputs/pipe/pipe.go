// Package pipe writes events to the standard input of commands, which it starts and keeps running.
package pipe

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the pipe output.
var Plugin = plugin.DefineOutput("pipe", Options{TTL: 10 * time.Second}, New)

// Options configures the output. The option codec has no effect.
type Options struct {
	// Text of an event; a newline is added. If not given: the event as JSON.
	MessageFormat *event.Template `opt:"message_format"`

	// Command to run, by sh. References to fields make it the event's own, and each command that this gives is a process: whoever writes the
	// field can run commands.
	Command event.Template `opt:"command,required"`

	// How long a command that nothing is written to goes on; 0 and -1 are for ever.
	TTL time.Duration `opt:"ttl,unit=s"`
}

// New checks the options; nothing is run.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	var errs []error
	if err := o.Command.Err(); err != nil {
		errs = append(errs, plugin.OptionError("command", err))
	} else if strings.TrimSpace(o.Command.String()) == "" {
		errs = append(errs, plugin.OptionError("command", errors.New("there is no command")))
	}
	if o.MessageFormat != nil && o.MessageFormat.Err() != nil {
		errs = append(errs, plugin.OptionError("message_format", o.MessageFormat.Err()))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &output{o: o, env: env, pause: time.Second, log: throttle.New(env.Log, time.Minute), running: make(map[string]*process)}, nil
}

type output struct {
	o     Options
	env   *plugin.Env
	log   *throttle.Logger
	pause time.Duration // before a command that failed is run again

	mu      sync.Mutex // guards what follows, and is held while a command is written to
	running map[string]*process
	ending  []*process // have their events and no input any more, and may still work on them
	swept   time.Time
}

// process is a command that runs.
type process struct {
	cmd   *exec.Cmd
	in    *os.File
	used  time.Time
	ended chan error // gets what came of it
}

// start runs a command.
func start(text string) (*process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // the command has its own
	cmd := exec.Command("sh", "-c", text)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stdin = r
	if err := cmd.Start(); err != nil {
		_ = w.Close()
		return nil, err
	}
	p := &process{cmd: cmd, in: w, ended: make(chan error, 1)}
	go func() { p.ended <- cmd.Wait() }()
	return p, nil
}

// NewWriter implements plugin.Output.
func (o *output) NewWriter() plugin.Writer { return &writer{o: o, parts: make(map[string]*part)} }

// part is what a turn has for one command.
type part struct {
	command string
	buf     []byte
	ends    []int // of events
}

type writer struct {
	o     *output
	parts map[string]*part
	order []*part
}

// Append implements plugin.Writer.
func (w *writer) Append(e *event.Event) error {
	command, err := w.o.o.Command.Text(e)
	if err != nil {
		w.o.env.Stats.Dropped.Add(1)
		return err
	}
	p := w.parts[command]
	if p == nil {
		p = &part{command: strings.Clone(command)}
		w.parts[p.command] = p
	}
	if len(p.ends) == 0 {
		w.order = append(w.order, p)
	}
	buf := p.buf
	if f := w.o.o.MessageFormat; f == nil {
		buf = e.AppendJSON(buf)
	} else if buf, err = f.Append(buf, e); err != nil {
		w.o.env.Stats.Dropped.Add(1)
		return err
	}
	p.buf = append(buf, '\n')
	p.ends = append(p.ends, len(p.buf))
	return nil
}

// maxParts bounds the commands that a writer remembers, maxKept the buffer of each.
const (
	maxParts = 256
	maxKept  = 256 << 10
)

// Flush writes the turn. A command that ended is run again for what it did not take, until ctx ends.
func (w *writer) Flush(ctx context.Context, b *event.Batch) error {
	for _, p := range w.order {
		for first := 0; first < len(p.ends); {
			n, err := w.o.write(ctx, p, first)
			first += n
			w.o.env.Stats.Delivered.Add(int64(n))
			if err == nil {
				continue
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			w.o.env.Stats.Retried.Add(int64(len(p.ends) - first))
			w.o.log.Error("a command takes no events; it is run again", slog.String("command", p.command), slog.Any("error", err))
			select {
			case <-time.After(w.o.pause):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if p.buf, p.ends = p.buf[:0], p.ends[:0]; cap(p.buf) > maxKept {
			p.buf = nil
		}
	}
	w.order = w.order[:0]
	if len(w.parts) > maxParts {
		clear(w.parts)
	}
	b.Settle()
	return nil
}

// write writes the events of a part from first on to its command and returns how many it took.
func (o *output) write(ctx context.Context, p *part, first int) (n int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sweep()
	run := o.running[p.command]
	if run == nil {
		if run, err = start(p.command); err != nil {
			return 0, err
		}
		o.env.Log.Info("started a command", "command", p.command)
		o.running[p.command] = run
	}
	run.used = time.Now()
	begin := 0
	if first > 0 {
		begin = p.ends[first-1]
	}
	stop := context.AfterFunc(ctx, func() { _ = run.in.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	written, err := run.in.Write(p.buf[begin:])
	if err == nil {
		return len(p.ends) - first, nil
	}
	if ctx.Err() == nil {
		o.dismiss(p.command, run)
	} // else Close ends it
	for _, end := range p.ends[first:] {
		if end > begin+written {
			break
		}
		n++
	}
	return n, err
}

// sweep ends the commands that nothing was written to for a while.
func (o *output) sweep() {
	now := time.Now()
	if o.o.TTL <= 0 || now.Sub(o.swept) < o.o.TTL {
		return
	}
	o.swept = now
	for command, run := range o.running {
		if now.Sub(run.used) >= o.o.TTL {
			o.dismiss(command, run)
		}
	}
	o.ending = slices.DeleteFunc(o.ending, func(p *process) bool {
		select {
		case <-p.ended:
			return true
		default:
			return false
		}
	})
}

// dismiss ends the input of a command, which ends when it has read that.
func (o *output) dismiss(command string, run *process) {
	_ = run.in.Close() // where a write failed before, its error is the one to tell
	delete(o.running, command)
	o.ending = append(o.ending, run)
}

// killAfter is how long a command may take to end when it is told so.
const killAfter = time.Second

// end tells a command to end, and kills it if it does not.
func (p *process) end() error {
	err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	kill := time.AfterFunc(killAfter, func() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) })
	defer kill.Stop()
	<-p.ended
	return err
}

// Close ends the input of all commands and waits until they have ended, those too that nothing was written to for long: what was delivered
// to them is not lost with the process. What is left of them when ctx ends is told to.
func (o *output) Close(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for command, run := range o.running {
		o.dismiss(command, run)
	}
	var errs []error
	for _, run := range o.ending {
		select {
		case <-run.ended:
		case <-ctx.Done():
			errs = append(errs, run.end(), ctx.Err())
		}
	}
	o.ending = nil
	return errors.Join(errs...)
}
