// Package heartbeat makes an event at regular times, which shows that the pipeline lives.
package heartbeat

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the heartbeat input.
var Plugin = plugin.DefineInput("heartbeat", Options{Message: "ok", Interval: 60, Count: -1, Threads: 1}, New)

// Options configures the input.
type Options struct {
	// The message of each event. The values epoch and sequence, of old releases, choose the field clock as the option sequence does, but not
	// with ECS; with either no event has a message where there is a clock.
	Message string `opt:"message"`

	// Seconds between events.
	Interval float64 `opt:"interval"`

	// How many events to make; -1 goes on for ever, and so does 0.
	Count int64 `opt:"count"`

	// How many make events at the same times, each as many as count says.
	Threads int `opt:"threads"`

	// What the field clock, or [event][sequence] with ECS, holds beside the message: the time in seconds since 1970 (epoch), or a count
	// from 1 (sequence).
	Sequence string `opt:"sequence,enum=none|epoch|sequence"`
}

// New checks the options.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	if !(o.Interval > 0) || o.Interval > math.MaxInt64/float64(time.Second) {
		return nil, plugin.OptionError("interval", errors.New("the interval must be longer than nothing"))
	}
	if o.Count < -1 {
		return nil, plugin.OptionError("count", fmt.Errorf("%d is neither a number of events nor -1", o.Count))
	}
	clock := o.Message == "epoch" || o.Message == "sequence"
	switch {
	case clock && env.ECS.Enabled():
		env.Warn("message", "%q chooses no clock with ecs_compatibility; write sequence => %[1]s", o.Message)
	case clock && o.Sequence == "":
		env.Warn("message", "option \"message\" chooses no clock any more in new configurations; write sequence => %s", o.Message)
		o.Sequence = o.Message
	}
	if clock && (o.Sequence == "epoch" || o.Sequence == "sequence") {
		o.Message = ""
	}
	in := &input{o: o, env: env, host: event.MustPath("host"), clock: "clock"}
	if env.ECS.Enabled() {
		in.host, in.clock = event.MustPath("[host][name]"), "[event][sequence]"
	}
	return in, nil
}

type input struct {
	o     Options
	env   *plugin.Env
	host  *event.Path
	clock string // reference of the field that counts
}

// Codec returns the codec of the records. The option codec has no effect on what is no text from outside.
func (in *input) Codec() *plugin.Codec {
	return &plugin.Codec{NewDecoder: func() plugin.Decoder { return decoder{} }}
}

type decoder struct{}

// Decode implements plugin.Decoder.
func (decoder) Decode(r *event.Record, next func() *event.Event) {
	e := next()
	if r.Meta == nil || r.Data != "" {
		e.Root().Set("message", event.StringValue(r.Data))
	}
}

// Run makes events until there were enough or ctx ends. The first is made at once.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	var wg sync.WaitGroup
	errs := make([]error, max(1, in.o.Threads))
	for i := range errs {
		wg.Go(func() { errs[i] = in.beat(ctx, out) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (in *input) beat(ctx context.Context, out plugin.Sink) error {
	source := in.env.NewSource(event.SourceField{Path: in.host, Value: event.StringValue(in.env.Hostname)})
	tick := time.NewTicker(time.Duration(in.o.Interval * float64(time.Second)))
	defer tick.Stop()
	for n := int64(1); ; n++ {
		now := time.Now()
		r := event.Record{Data: in.o.Message}
		switch in.o.Sequence {
		case "epoch":
			r.Meta = []event.Field{{Key: in.clock, Val: event.IntValue(now.Unix())}}
		case "sequence":
			r.Meta = []event.Field{{Key: in.clock, Val: event.IntValue(n)}}
		}
		if err := out.Push(ctx, &event.Batch{Source: source, Records: []event.Record{r}, Time: now}); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if n == in.o.Count {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
