package redis

import (
	"context"
	"errors"
	"time"

	"millrace/internal/redisclient"
	"millrace/pipeline/event"
)

// maxMessages bounds the messages that wait to be put into a batch.
const maxMessages = 1024

// listen takes messages until ctx ends or the connection fails.
func (in *input) listen(ctx context.Context, r *reader) error {
	c := in.client()
	defer func() { _ = c.Close() }()
	subscribe := c.Subscribe
	if in.o.DataType == "pattern_channel" {
		subscribe = c.PSubscribe
	}
	s := subscribe(ctx, in.o.Key)
	defer func() { _ = s.Close() }()
	if _, err := s.ReceiveTimeout(ctx, in.o.Timeout); err != nil {
		return err
	}
	in.env.Log.Info("subscribed", "channel", in.o.Key)
	in.listening.Store(true)
	defer in.listening.Store(false)
	messages, failed := make(chan *redisclient.Message, maxMessages), make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer close(messages)
		failed <- receive(ctx, s, messages)
	}()
	for m := range messages {
		if n, err := in.collect(ctx, r, m, messages); err != nil {
			cancel()
			for range messages { // until the receiver has ended
				n++
			}
			in.lose(n, err)
			return err
		}
	}
	return <-failed
}

// idle is how long a subscription may be silent before the server is asked whether it is there.
const idle = 30 * time.Second

// receive hands on what is published until ctx ends or the connection fails.
func receive(ctx context.Context, s *redisclient.PubSub, messages chan<- *redisclient.Message) error {
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	asked := false
	for {
		got, err := s.ReceiveTimeout(ctx, idle)
		var late interface{ Timeout() bool }
		switch {
		case err == nil:
			asked = false
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &late) && late.Timeout() && !asked:
			asked = true
			if err := s.Ping(ctx); err != nil {
				return err
			}
		default:
			return err
		}
		if m, ok := got.(*redisclient.Message); ok {
			select {
			case messages <- m:
			case <-ctx.Done():
				messages <- m // it was received; the other side reads to the end
				return nil
			}
		}
	}
}

// collect pushes a message and what came with it, a batch for each run of messages from one channel. With an error it returns how many messages
// were not taken.
func (in *input) collect(ctx context.Context, r *reader, m *redisclient.Message, messages <-chan *redisclient.Message) (lost int, err error) {
	var b *event.Batch
	channel, n := "", 0
	for m != nil {
		if b != nil && m.Channel != channel {
			if err := r.push(ctx, b, channel); err != nil {
				return n + 1, err
			}
			b = nil
		}
		if b == nil {
			b, channel, n = r.batch(), m.Channel, 0
		}
		r.add(b, m.Payload)
		n++
		m = nil
		if len(b.Records) < maxMessages {
			select {
			case m = <-messages:
			default:
			}
		}
	}
	return n, r.push(ctx, b, channel)
}
