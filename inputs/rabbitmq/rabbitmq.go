// Package rabbitmq consumes queues of RabbitMQ. A message is acknowledged when what became of it is delivered, or safe in the persistent
// queue: after a crash it comes again, but none is missing.
package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/internal/amqpclient"
	"millrace/internal/throttle"
	"millrace/pipeline/plugin"
)

type input struct {
	o         Options
	env       *plugin.Env
	client    *amqpclient.Client
	arguments amqp.Table
	log       *throttle.Logger

	properties, payload bool // what events are told

	messages, again, sessions *atomic.Int64
}

// Run consumes until ctx ends.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, in.o.Threads)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			if errs[i] = in.thread(ctx, out); errs[i] != nil {
				cancel() // the pipeline runs all of them again
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// errSubscription is wrapped by errors after which subscription_retry_interval_seconds counts.
var errSubscription = errors.New("consuming the queue")

// errPush is wrapped by the error of a pipeline that takes no more.
var errPush = errors.New("handing events to the pipeline")

// thread makes one connection after the other. Its error is the pipeline's.
func (in *input) thread(ctx context.Context, out plugin.Sink) error {
	for ctx.Err() == nil {
		err := in.session(ctx, out)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errPush):
			return err
		}
		pause := in.o.ConnectRetryInterval
		if errors.Is(err, errSubscription) {
			pause = in.o.SubscriptionRetryInterval
		}
		in.log.Warn("reading from RabbitMQ failed; trying again", slog.Any("error", err))
		select {
		case <-time.After(max(pause, leastPause)):
		case <-ctx.Done():
		}
	}
	return nil
}

// leastPause is how long the input waits before it tries again where the interval for that is nothing.
const leastPause = 10 * time.Millisecond

// session consumes by one connection until ctx ends or something fails.
func (in *input) session(ctx context.Context, out plugin.Sink) error {
	conn, err := in.client.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(stopLimit, conn.Kill) }) // whatever the server is waited for then
	defer stop()
	in.sessions.Add(1)
	s := &session{in: in, out: out, conn: conn, source: in.env.NewSource(), commit: make(chan struct{}, 1), moved: make(chan struct{}, 1)}
	if err := s.declare(); err != nil {
		return err
	}
	return s.run(ctx)
}

// declare makes the queue and binds it.
func (s *session) declare() (err error) {
	o := &s.in.o
	if s.ch, err = s.conn.Channel(); err != nil {
		return fmt.Errorf("opening a channel: %w", err)
	}
	declare := s.ch.QueueDeclare
	if o.Passive {
		declare = s.ch.QueueDeclarePassive
	}
	exclusive := o.Exclusive || o.Queue == ""
	queue, err := declare(o.Queue, o.Durable, o.AutoDelete, exclusive, false, s.in.arguments)
	if err != nil {
		return fmt.Errorf("declaring the queue %q: %w", o.Queue, err)
	}
	s.queue = queue.Name
	if o.Exchange != "" {
		if o.ExchangeType != "" && !amqpclient.Predefined(o.Exchange) {
			if err := s.ch.ExchangeDeclare(o.Exchange, o.ExchangeType, o.Durable, false, false, false, nil); err != nil {
				return fmt.Errorf("declaring the exchange %q: %w", o.Exchange, err)
			}
		}
		if err := s.ch.QueueBind(s.queue, o.Key, o.Exchange, false, nil); err != nil {
			return fmt.Errorf("binding the queue %q to the exchange %q: %w", s.queue, o.Exchange, err)
		}
	}
	if err := s.ch.Qos(o.PrefetchCount, 0, false); err != nil {
		return fmt.Errorf("setting prefetch_count: %w", err)
	}
	return nil
}
