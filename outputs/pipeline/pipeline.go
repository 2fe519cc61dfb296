// Package pipeline sends events to other pipelines of the same process.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"log/slog"

	"millrace/internal/pipebus"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the pipeline output.
var Plugin = plugin.DefineOutput("pipeline", Options{EnsureDelivery: true}, New)

// Options configures the output. The option codec has no effect: what is sent are events.
type Options struct {
	// Addresses of the pipeline inputs to send to. Each gets a copy of every event, metadata included.
	SendTo []string `opt:"send_to,required"`

	// Whether to wait if no pipeline listens on an address. If false, what is sent there is dropped and counted. A pipeline that
	// listens and is behind is waited for in any case.
	EnsureDelivery bool `opt:"ensure_delivery"`
}

// New joins the bus.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	var errs []error
	for i, a := range o.SendTo {
		if a == "" {
			errs = append(errs, plugin.OptionError("send_to", errors.New("an address has a name")))
		}
		if slices.Contains(o.SendTo[:i], a) {
			errs = append(errs, plugin.OptionError("send_to", fmt.Errorf("the address %q stands there twice", a)))
		}
	}
	if len(o.SendTo) == 0 {
		errs = append(errs, plugin.OptionError("send_to", errors.New("at least one address is needed")))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &output{
		o: o, env: env, sender: pipebus.Of(env).Sender(env.Pipeline, o.SendTo), log: throttle.New(env.Log, time.Minute),
		absent: env.Counter("pipeline_copies_dropped", "Copies of events dropped because no pipeline listened on their address."),
	}, nil
}

type output struct {
	o      Options
	env    *plugin.Env
	sender *pipebus.Sender
	log    *throttle.Logger
	absent *atomic.Int64

	inflight sync.WaitGroup // batches that a receiving pipeline has not settled
}

// NewWriter implements plugin.Output.
func (o *output) NewWriter() plugin.Writer { return &writer{o: o} }

// Close tells the receiving pipelines that nothing more comes, so that they can end, and waits until they have settled what they got.
func (o *output) Close(ctx context.Context) error {
	o.sender.Done()
	settled := make(chan struct{})
	go func() {
		defer close(settled)
		o.inflight.Wait()
	}()
	select {
	case <-settled:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for the pipelines at %s: %w", strings.Join(o.o.SendTo, ", "), ctx.Err())
	}
}

// writer is one worker's way onto the bus.
type writer struct {
	o    *output
	buf  []byte // the events of the turn; handed over with it
	ends []int
	size int // of the last turn
}

// Append implements plugin.Writer.
func (w *writer) Append(e *event.Event) error {
	if w.buf == nil {
		w.buf = make([]byte, 0, w.size+w.size/8+512)
	}
	w.buf = pipebus.AppendEvent(w.buf, e)
	w.ends = append(w.ends, len(w.buf))
	return nil
}

// Flush pushes a copy of the turn to every address. b is settled when every pipeline that took one has settled it.
func (w *writer) Flush(ctx context.Context, b *event.Batch) error {
	records := w.records()
	d := &delivery{o: w.o, b: b, n: int64(len(records))}
	d.open.Store(int32(len(w.o.o.SendTo)))
	for _, address := range w.o.o.SendTo {
		c := &event.Batch{Records: records, Time: time.Now(), Bytes: w.size, Done: d.settled}
		w.o.inflight.Add(1)
		taken, err := w.o.sender.Push(ctx, address, c, w.o.o.EnsureDelivery, func() {
			w.o.log.Warn("no pipeline listens on an address; waiting for one", slog.String("address", address))
		})
		if taken {
			continue
		}
		w.o.inflight.Done()
		if err != nil {
			return err
		}
		w.o.absent.Add(d.n)
		d.missed.Add(1)
		d.countDown()
	}
	return nil
}

// records returns what was appended and makes the writer ready for the next turn.
func (w *writer) records() []event.Record {
	records := make([]event.Record, len(w.ends))
	text := stringOf(w.buf)
	start := 0
	for i, end := range w.ends {
		records[i].Data = text[start:end]
		start = end
	}
	w.size = len(w.buf)
	w.buf, w.ends = nil, w.ends[:0]
	return records
}

// delivery is one turn on its way to several addresses.
type delivery struct {
	o      *output
	b      *event.Batch
	n      int64        // events
	open   atomic.Int32 // addresses that are not settled
	missed atomic.Int32 // addresses where nobody listened
}

func (d *delivery) settled(*event.Batch) {
	defer d.o.inflight.Done()
	d.countDown()
}

func (d *delivery) countDown() {
	if d.open.Add(-1) > 0 {
		return
	}
	if int(d.missed.Load()) == len(d.o.o.SendTo) {
		d.o.env.Stats.Dropped.Add(d.n)
	} else {
		d.o.env.Stats.Delivered.Add(d.n)
	}
	d.b.Settle()
}
