package generator

import (
	"errors"
	"math"
	"time"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// JavaPlugin is the generator that Logstash has in Java.
var JavaPlugin = plugin.DefineInput("java_generator", JavaOptions{Options: Options{Message: "Hello world!", Threads: 1}}, NewJava, plugin.WithCodec("java_plain"))

// JavaOptions configures the input java_generator: generator with a rate, whose events have hostname, thread_number and sequence.
type JavaOptions struct {
	Options

	// How many events a second each generator makes, at most 1000; 0: as many as are taken.
	EPS float64 `opt:"eps"`
}

// NewJava returns the input java_generator.
func NewJava(o JavaOptions, env *plugin.Env) (plugin.Input, error) {
	if len(o.Lines) == 0 {
		o.Lines = []string{o.Message}
	}
	if o.Threads < 1 {
		return nil, plugin.OptionError("threads", errors.New("there must be at least one generator"))
	}
	if o.EPS > 1000 {
		return nil, plugin.OptionError("eps", errors.New("a generator makes at most 1000 events a second, or with 0 as many as are taken"))
	}
	in := &input{o: o.Options, env: env, sequence: "sequence", host: event.MustPath("hostname"), thread: event.MustPath("thread_number")}
	if o.EPS > 0 {
		in.pause = time.Duration(min(1000/o.EPS, math.MaxInt32)) * time.Millisecond // whole milliseconds, as Logstash takes them
	}
	return in, nil
}
