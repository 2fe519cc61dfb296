package redis

import (
	"context"
	"crypto/tls"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"millrace/internal/stream"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// drainLimit is how long what was taken from Redis may take to be handed over at the end.
const drainLimit = 2 * time.Second

type input struct {
	o     Options
	env   *plugin.Env
	tls   *tls.Config
	names map[string]string // of commands
	log   *throttle.Logger
	pause time.Duration // before a connection is made again
	pool  sync.Pool
	taken *atomic.Int64
	lost  *atomic.Int64

	listening atomic.Bool // a subscription is confirmed, for tests
}

// Run reads until ctx ends.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	threads, once := in.o.Threads, in.list
	if in.o.DataType != "list" {
		threads, once = 1, in.listen // each subscriber would get every message
	}
	var wg sync.WaitGroup
	for range threads {
		r := &reader{in: in, out: out}
		if in.env.CutsStreams() {
			r.framer = in.env.NewFramer()
		}
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := once(ctx, r); err != nil && ctx.Err() == nil {
					in.log.Warn("reading from Redis failed; trying again", slog.Any("error", err))
					select {
					case <-time.After(in.pause):
					case <-ctx.Done():
					}
				}
			}
		})
	}
	wg.Wait()
	return nil
}

// lose counts messages that are in Redis no longer and that the pipeline did not take.
func (in *input) lose(n int, err error) {
	in.lost.Add(int64(n))
	in.env.Log.Error("messages are lost: the pipeline did not take them", "messages", n, "error", err)
}

// reader makes batches of what one thread takes.
type reader struct {
	in      *input
	out     plugin.Sink
	framer  plugin.Framer // nil: an element is a record
	sources map[string]*event.Source
}

// maxChannels bounds the channels whose sources are remembered.
const maxChannels = 4096

// source returns what the events of a channel have in common; a list has the name "".
func (r *reader) source(channel string) *event.Source {
	if s := r.sources[channel]; s != nil {
		return s
	}
	if r.sources == nil || len(r.sources) >= maxChannels {
		r.sources = make(map[string]*event.Source)
	}
	var facts []event.SourceField
	if channel != "" {
		facts = []event.SourceField{{Path: channelField, Value: event.StringValue(channel)}}
	}
	s := r.in.env.NewSource(facts...)
	r.sources[channel] = s
	return s
}

// batch returns an empty batch, which comes back when it is done.
func (r *reader) batch() *event.Batch {
	b, _ := r.in.pool.Get().(*event.Batch)
	if b == nil {
		b = new(event.Batch)
	}
	b.Time, b.Done = time.Now(), r.in.recycle
	return b
}

func (in *input) recycle(b *event.Batch) {
	clear(b.Records)
	b.Records, b.Source, b.Done, b.Bytes = b.Records[:0], nil, nil, 0
	in.pool.Put(b)
}

// add puts a message into a batch.
func (r *reader) add(b *event.Batch, data string) {
	r.in.taken.Add(1)
	b.Bytes += len(data)
	if r.framer == nil {
		b.Records = append(b.Records, event.Record{Data: data})
		return
	}
	var rest string
	b.Records, rest = r.framer.Frame(data, b.Records)
	b.Records = r.framer.Flush(rest, b.Records)
}

// push hands a batch on. What was taken is not in Redis any more: when ctx has ended it gets the time of the drain.
func (r *reader) push(ctx context.Context, b *event.Batch, channel string) error {
	if len(b.Records) == 0 {
		r.in.recycle(b)
		return nil
	}
	b.Source = r.source(channel)
	return stream.Push(ctx, r.out, b, drainLimit, nil)
}
