// Package kafka writes events to topics of Kafka. A batch is settled when the brokers have acknowledged all of it, as the option acks says.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"millrace/internal/netout"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the kafka output.
var Plugin = plugin.DefineOutput("kafka", defaults(), New)

// output is shared by all workers.
type output struct {
	o    Options
	env  *plugin.Env
	log  *throttle.Logger
	opts []kgo.Opt

	// The document of a dead letter is the event as JSON. It is kept beside the record, unless the codec writes just that.
	keep, same bool

	cl     *kgo.Client // set by Start, before any writer is used
	ctx    context.Context
	cancel context.CancelFunc
	gate   *netout.Gate
	turns  sync.Pool
	again  again
	closed atomic.Bool // what fails from now on is left
}

// New checks the options; nothing is connected to.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	out := &output{o: o, env: env, log: throttle.New(env.Log, 30*time.Second), gate: netout.NewGate(int64(o.BufferMemory))}
	opts, err := o.producer(env)
	var errs []error
	if err != nil {
		errs = append(errs, err)
	}
	if o.MessageKey != nil && o.MessageKey.Err() != nil {
		errs = append(errs, plugin.OptionError("message_key", o.MessageKey.Err()))
	}
	for i := range o.MessageHeaders {
		if h := &o.MessageHeaders[i]; h.Value.Err() != nil {
			errs = append(errs, plugin.EntryError("message_headers", h.Key, h.Value.Err()))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	out.opts = opts
	codec := env.Codec()
	out.same = codec.Name == "json" && codec.Bare
	out.keep = env.DeadLetters != nil && !out.same
	out.turns.New = func() any { return newTurn(out) }
	out.ctx, out.cancel = context.WithCancel(context.Background())
	out.again.init()
	return out, nil
}

// Start makes the client, which connects when it has something to send.
func (out *output) Start(context.Context) error {
	cl, err := kgo.NewClient(out.opts...)
	if err != nil {
		return fmt.Errorf("making a client of Kafka: %w", err)
	}
	out.cl = cl
	go out.repeat()
	return nil
}

// NewWriter implements plugin.Output.
func (out *output) NewWriter() plugin.Writer {
	return &writer{out: out, enc: out.env.NewEncoder(), topics: make(map[string]string), turn: out.turns.Get().(*turn)}
}

// Close implements plugin.Output.
func (out *output) Close(ctx context.Context) error {
	if out.cl == nil {
		return nil
	}
	_ = out.cl.Flush(ctx) // does not wait for linger_ms; its error is that of ctx
	left := out.gate.Drain(ctx)
	out.closed.Store(true)
	out.cancel()
	<-out.again.ended
	out.cl.Close()
	if left > 0 {
		out.env.Log.Warn("events could not be delivered in time", "bytes", left)
	}
	return nil
}

// writer encodes the events of one worker.
type writer struct {
	out     *output
	enc     plugin.Encoder
	turn    *turn
	topics  map[string]string // names that events had before
	scratch []byte
}

// maxTopics bounds the names that a writer remembers.
const maxTopics = 1024

// topic returns the topic of e.
func (w *writer) topic(e *event.Event) (string, error) {
	t := &w.out.o.TopicID
	if t.Static() {
		return t.String(), nil
	}
	var err error
	if w.scratch, err = t.Append(w.scratch[:0], e); err != nil {
		return "", err
	}
	if name, ok := w.topics[string(w.scratch)]; ok {
		return name, nil
	}
	name := string(w.scratch)
	if !validTopic(name) {
		return "", fmt.Errorf("no topic can be called %q", name)
	}
	if len(w.topics) == maxTopics {
		clear(w.topics)
	}
	w.topics[name] = name
	return name, nil
}

// Append implements plugin.Writer.
func (w *writer) Append(e *event.Event) error {
	topic, err := w.topic(e)
	if err == nil {
		err = w.turn.add(w.enc, topic, e)
	}
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
	if err := w.out.gate.Enter(ctx, int64(len(t.buf))); err != nil {
		t.reset()
		return err
	}
	w.turn = w.out.turns.Get().(*turn)
	t.send(b)
	return nil
}

// bury writes a dead letter, or counts the event as dropped.
func (out *output) bury(reason string, document []byte, replayed bool) {
	if !out.env.Bury(reason, document, replayed) {
		out.log.Warn("events that cannot be written are dropped", slog.String("reason", reason))
	}
}
