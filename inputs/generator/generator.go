// Package generator makes events of fixed lines, for tests and benchmarks.
package generator

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the generator input.
var Plugin = plugin.DefineInput("generator", Options{Message: "Hello world!", Threads: 1}, New)

// Options configures the input.
type Options struct {
	// The line that every event has, where lines is not given. To generator, but not to java_generator, stdin stands for a line that is read
	// from the standard input at the start.
	Message string `opt:"message"`

	// Lines to give in turn, in place of message.
	Lines []string `opt:"lines"`

	// How many times to give all the lines; 0 goes on for ever.
	Count int64 `opt:"count"`

	// How many generators run side by side.
	Threads int `opt:"threads"`
}

// New returns the input.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	in := &input{o: o, env: env, sequence: "sequence", host: event.MustPath("host")}
	if len(o.Lines) == 0 {
		in.o.Lines = []string{o.Message}
		if o.Message == "stdin" {
			in.stdin = os.Stdin
		}
	}
	if env.ECS.Enabled() {
		in.sequence, in.host = "[event][sequence]", event.MustPath("[host][name]")
	}
	return in, nil
}

type input struct {
	o        Options
	env      *plugin.Env
	sequence string // reference of the field that counts
	host     *event.Path
	stdin    io.Reader     // what gives the message; nil: the options do
	thread   *event.Path   // of the field that numbers the generators; nil: there is none
	pause    time.Duration // between the events of one generator; 0: they come as fast as they are taken
}

// batchRecords is how many events one push carries.
const batchRecords = 128

// Run gives the lines until they are exhausted or ctx ends.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	if in.stdin != nil {
		if err := in.readMessage(ctx); err != nil || ctx.Err() != nil {
			return err
		}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var first error
	for thread := range max(1, in.o.Threads) {
		wg.Go(func() {
			if err := in.generate(ctx, thread, out); err != nil {
				mu.Lock()
				first = err
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return first
}

// readMessage takes the message from stdin, with its line end, as Logstash does.
func (in *input) readMessage(ctx context.Context) error {
	var line string
	var err error
	read := make(chan struct{})
	go func() { // which nothing ends but the line: the program does
		line, err = bufio.NewReader(in.stdin).ReadString('\n')
		close(read)
	}()
	select {
	case <-ctx.Done():
		return nil
	case <-read:
	}
	if err != nil && (err != io.EOF || line == "") {
		return fmt.Errorf("reading the message from the standard input: %w", err)
	}
	in.o.Lines = []string{line}
	return nil
}

// source returns what the events of one generator have in common.
func (in *input) source(thread int) *event.Source {
	fields := []event.SourceField{{Path: in.host, Value: event.StringValue(in.env.Hostname)}}
	if in.thread != nil {
		fields = append(fields, event.SourceField{Path: in.thread, Value: event.IntValue(int64(thread))})
	}
	return in.env.NewSource(fields...)
}

func (in *input) generate(ctx context.Context, thread int, out plugin.Sink) error {
	source := in.source(thread)
	size := batchRecords
	var due <-chan time.Time
	if in.pause > 0 {
		size = 1
		ticker := time.NewTicker(in.pause)
		defer ticker.Stop()
		due = ticker.C
	}
	var b *event.Batch
	push := func() error {
		if b == nil || ctx.Err() != nil {
			return nil
		}
		err := out.Push(ctx, b)
		b = nil
		if ctx.Err() != nil {
			return nil // the end that ctx asked for
		}
		return err
	}
	for n := int64(0); (in.o.Count == 0 || n < in.o.Count) && ctx.Err() == nil; n++ {
		for _, line := range in.o.Lines {
			if b == nil {
				b = &event.Batch{Source: source, Records: make([]event.Record, 0, size)}
			}
			b.Records = append(b.Records, event.Record{Data: line, Meta: []event.Field{{Key: in.sequence, Val: event.IntValue(n)}}})
			if len(b.Records) < size {
				continue
			}
			if err := push(); err != nil {
				return err
			}
			if due != nil {
				select {
				case <-due:
				case <-ctx.Done():
					return nil
				}
			}
		}
	}
	return push()
}
