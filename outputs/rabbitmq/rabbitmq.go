// Package rabbitmq publishes events to exchanges of RabbitMQ. A batch is settled when the server has confirmed all of it.
package rabbitmq

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"

	"millrace/internal/amqpclient"
	"millrace/internal/netout"
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
	mu         sync.Mutex // guards link
	link       *link

	gate *netout.Gate // of the turns that are not settled, of which lanes take only so many
}

func (out *output) start() {
	out.turns.New = func() any { return new(turn) }
	out.ctx, out.cancel = context.WithCancel(context.Background())
	out.gate = netout.NewGate(math.MaxInt64)
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
	left := out.gate.Drain(ctx)
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
	if err := w.out.gate.Enter(ctx, 1); err != nil {
		t.reset()
		return err
	}
	select {
	case w.lane.turns <- t:
		w.turn = w.out.turns.Get().(*turn)
		return nil
	case <-ctx.Done():
		w.out.gate.Leave(1)
		t.reset()
		return ctx.Err()
	}
}

// bury writes a dead letter, or counts the event as dropped.
func (out *output) bury(reason string, document []byte, replayed bool) {
	if !out.env.Bury(reason, document, replayed) {
		out.log.Warn("events that cannot be written are dropped", slog.String("reason", reason))
	}
}
