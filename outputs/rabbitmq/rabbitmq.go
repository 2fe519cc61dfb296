// Package rabbitmq publishes events to exchanges of RabbitMQ. A batch is settled when the server has confirmed all of it.
package rabbitmq

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"millrace/internal/amqpclient"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// output is shared by all workers.
type output struct {
	o      Options
	env    *plugin.Env
	client *amqpclient.Client
	props  *properties
	log    *throttle.Logger

	// The document of a dead letter is the event as JSON. It is kept beside the message, unless the codec writes just that.
	keep, same bool

	channels, unroutable *atomic.Int64

	turns  sync.Pool
	ctx    context.Context // of the lanes
	cancel context.CancelFunc
	lanes  sync.WaitGroup

	connecting sync.Mutex // held while a connection is made: one at a time
	mu         sync.Mutex // guards what follows
	link       *link
	held       int           // turns that are not settled
	settled    chan struct{} // closed and replaced when one is
}

func (out *output) start() {
	out.turns.New = func() any { return new(turn) }
	out.ctx, out.cancel = context.WithCancel(context.Background())
	out.settled = make(chan struct{})
}

// NewWriter implements plugin.Output.
func (out *output) NewWriter() plugin.Writer {
	return &writer{out: out, enc: out.env.NewEncoder(), turn: out.turns.Get().(*turn), lane: newLane(out)}
}

// Close implements plugin.Output.
func (out *output) Close(ctx context.Context) error {
	if out.ctx.Err() != nil {
		return nil
	}
	left := out.drain(ctx)
	out.cancel()
	out.mu.Lock()
	link := out.link
	out.mu.Unlock()
	if left > 0 {
		out.env.Log.Warn("events could not be delivered in time", "batches", left)
		if link != nil {
			link.Kill() // whoever writes to it goes on
		}
	}
	out.lanes.Wait()
	if link != nil {
		link.Close()
	}
	return nil
}

// drain waits until all turns are settled or ctx ends, and returns how many are left.
func (out *output) drain(ctx context.Context) int {
	for {
		out.mu.Lock()
		held, settled := out.held, out.settled
		out.mu.Unlock()
		if held == 0 {
			return 0
		}
		select {
		case <-settled:
		case <-ctx.Done():
			return held
		}
	}
}

func (out *output) hold(n int) {
	out.mu.Lock()
	defer out.mu.Unlock()
	out.held += n
	if n < 0 {
		close(out.settled)
		out.settled = make(chan struct{})
	}
}

// writer encodes the events of one worker.
type writer struct {
	out  *output
	enc  plugin.Encoder
	turn *turn
	lane *lane
}

var errKey = errors.New("the routing key is longer than 255 bytes")

// Append implements plugin.Writer.
func (w *writer) Append(e *event.Event) error {
	err := w.turn.add(w.out, w.enc, e)
	if err != nil {
		w.out.bury(err.Error(), e.AppendJSON(nil), plugin.Replayed(e))
	}
	return err
}

// Flush implements plugin.Writer.
func (w *writer) Flush(ctx context.Context, b *event.Batch) error {
	t := w.turn
	if len(t.marks) == 0 {
		b.Settle()
		return nil
	}
	w.lane.begin()
	t.b, t.left = b, len(t.marks)
	w.out.hold(1)
	select {
	case w.lane.turns <- t:
		w.turn = w.out.turns.Get().(*turn)
		return nil
	case <-ctx.Done():
		w.out.hold(-1)
		t.reset()
		return ctx.Err()
	}
}

// bury writes a dead letter, or counts the event as dropped.
func (out *output) bury(reason string, document []byte, replayed bool) {
	if d := out.env.DeadLetters; d != nil {
		err := d.Write(plugin.DeadLetter{
			Time: time.Now(), PluginType: out.env.Name, PluginID: out.env.ID, Reason: reason, Document: document, Replayed: replayed,
		})
		if err == nil {
			out.env.Stats.DeadLettered.Add(1)
			return
		}
	}
	out.env.Stats.Dropped.Add(1)
	out.log.Warn("events that cannot be written are dropped", slog.String("reason", reason))
}

// holding returns how many turns are not settled.
func (out *output) holding() int {
	out.mu.Lock()
	defer out.mu.Unlock()
	return out.held
}
