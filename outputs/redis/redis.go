package redis

import (
	"context"
	"crypto/tls"
	"log/slog"
	"sync"
	"time"

	"millrace/internal/netout"
	"millrace/internal/redisclient"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

type output struct {
	o         Options
	env       *plugin.Env
	tls       *tls.Config
	addresses []address
	log       *throttle.Logger

	mu      sync.Mutex // guards what follows
	client  *redisclient.Client
	next    int                  // address of the next client
	checked map[string]time.Time // when a list was last short enough
}

// connected returns the client that workers share. failed is one that a worker found broken: the next address takes its place.
func (o *output) connected(failed *redisclient.Client) *redisclient.Client {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.client != nil && o.client == failed {
		_ = o.client.Close()
		o.client = nil
	}
	if o.client == nil {
		a := o.addresses[o.next%len(o.addresses)]
		o.next++
		o.client = redisclient.New(redisclient.Options{
			Host: a.host, Port: a.port, DB: o.o.DB, Password: o.o.Password.Reveal(), TLS: o.tls, Timeout: o.o.Timeout, Conns: max(o.env.Workers, 1),
		})
	}
	return o.client
}

// NewWriter implements plugin.Output.
func (o *output) NewWriter() plugin.Writer { return &writer{o: o, enc: o.env.NewEncoder()} }

// Close implements plugin.Output.
func (o *output) Close(context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.client == nil {
		return nil
	}
	return o.client.Close()
}

// item is an event of the turn: text[start:end] for a key.
type item struct {
	key        string
	start, end int
}

type writer struct {
	o     *output
	enc   plugin.Encoder
	text  []byte
	items []item
}

// Append encodes e for its key.
func (w *writer) Append(e *event.Event) error {
	key, err := w.o.o.Key.Text(e)
	if err == nil {
		start := len(w.text)
		var text []byte
		if text, err = w.enc.AppendEncode(w.text, e); err == nil {
			if n := len(w.items); n > 0 && w.items[n-1].key == key {
				key = w.items[n-1].key // one text serves for all
			}
			w.text = text
			w.items = append(w.items, item{key, start, len(text)})
			return nil
		}
	}
	w.o.env.Stats.Dropped.Add(1)
	return err
}

// maxKept bounds the buffer that a worker keeps for its next turn.
const maxKept = 1 << 20

// Flush sends the turn. What the server does not take is tried again until ctx ends.
func (w *writer) Flush(ctx context.Context, b *event.Batch) error {
	cmds := w.commands()
	var failed *redisclient.Client
	for len(cmds) > 0 {
		c := w.o.connected(failed)
		left, err := w.send(ctx, c, cmds)
		if cmds = left; err == nil {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if failed = nil; !redisclient.IsReply(err) || len(w.o.addresses) > 1 && redisclient.Unable(err) {
			failed = c
		}
		for _, c := range cmds {
			w.o.env.Stats.Retried.Add(int64(len(c.items)))
		}
		w.o.log.Error("Redis did not take events; trying again", slog.Any("error", err))
		if err := netout.Pause(ctx, max(w.o.o.ReconnectInterval, leastPause)); err != nil {
			return err
		}
	}
	w.items = w.items[:0]
	if w.text = w.text[:0]; cap(w.text) > maxKept {
		w.text = nil
	}
	b.Settle()
	return nil
}

// command appends or publishes items of one key.
type command struct {
	key   string
	items []item
}

// commands makes commands of the turn in its order.
func (w *writer) commands() []command {
	var cmds []command
	most := 1
	if w.o.o.Batch {
		most = w.o.o.BatchEvents
	}
	open := make(map[string]int) // the command of a key that has room
	for i := range w.items {
		it := w.items[i]
		if at, ok := open[it.key]; ok && len(cmds[at].items) < most {
			cmds[at].items = append(cmds[at].items, it)
			continue
		}
		if most > 1 {
			open[it.key] = len(cmds)
		}
		cmds = append(cmds, command{it.key, []item{it}})
	}
	return cmds
}

// maxPipelined bounds the commands that are sent before their replies are read.
const maxPipelined = 512

// send sends commands and returns those that have to be sent again, with the first error.
func (w *writer) send(ctx context.Context, c *redisclient.Client, cmds []command) (left []command, err error) {
	for len(cmds) > 0 && err == nil {
		part := cmds[:min(len(cmds), maxPipelined)]
		if err := w.o.waitForRoom(ctx, c, part); err != nil {
			return cmds, err
		}
		cmds = cmds[len(part):]
		p := c.Pipeline()
		for _, cmd := range part {
			w.add(ctx, p, cmd)
		}
		replies, _ := p.Exec(ctx) // each reply has its own error
		for i, r := range replies {
			if r.Err() == nil {
				w.o.env.Stats.Delivered.Add(int64(len(part[i].items)))
				continue
			}
			left = append(left, part[i])
			if err == nil {
				err = r.Err()
			}
		}
	}
	return append(left, cmds...), err
}

func (w *writer) add(ctx context.Context, p redisclient.Pipeliner, cmd command) {
	if w.o.o.DataType == "channel" {
		it := cmd.items[0]
		p.Publish(ctx, cmd.key, w.text[it.start:it.end])
		return
	}
	values := make([]any, len(cmd.items))
	for i, it := range cmd.items {
		values[i] = w.text[it.start:it.end]
	}
	p.RPush(ctx, cmd.key, values...)
}

// maxChecked bounds the lists of which is known when they were looked at.
const maxChecked = 4096

// leastPause is how long the output waits for a list that is too long, or before it tries again, where the interval for that is nothing.
const leastPause = 10 * time.Millisecond

// waitForRoom waits until no list that commands append to is longer than congestion_threshold.
func (o *output) waitForRoom(ctx context.Context, c *redisclient.Client, cmds []command) error {
	if o.o.CongestionThreshold == 0 {
		return nil
	}
	last := ""
	for i, cmd := range cmds {
		if i > 0 && cmd.key == last {
			continue
		}
		last = cmd.key
		if !o.due(cmd.key) {
			continue
		}
		for {
			n, err := c.LLen(ctx, cmd.key).Result()
			if err != nil {
				return err
			}
			if n <= o.o.CongestionThreshold {
				break
			}
			o.log.Warn("a list is longer than congestion_threshold; waiting until somebody takes from it", slog.String("key", cmd.key),
				slog.Int64("length", n))
			if err := netout.Pause(ctx, max(o.o.CongestionInterval, leastPause)); err != nil {
				return err
			}
		}
		o.mark(cmd.key)
	}
	return nil
}

// due reports whether the length of a list has to be looked at.
func (o *output) due(key string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	at, ok := o.checked[key]
	return !ok || time.Since(at) >= o.o.CongestionInterval
}

// mark remembers that a list was short enough.
func (o *output) mark(key string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.checked) >= maxChecked {
		clear(o.checked)
	}
	o.checked[key] = time.Now()
}
