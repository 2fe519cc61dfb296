package rabbitmq

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/internal/amqpclient"
	"millrace/internal/netout"
)

// The bounds of a lane.
const (
	// maxFlying is how many messages are published and not confirmed: at 1 ms from publishing to confirmation, one lane is not held up below 4
	// million messages a second, and with 50 ms to a far server that writes to disk not below 80,000.
	maxFlying = 4096
	// maxTurns and maxBytes are for what the lane holds, so that one turn is encoded while others are on their way. The first turn is held whatever
	// its size is.
	maxTurns = 16
	maxBytes = 16 << 20
)

// lane is one worker's way to the server: a channel of the connection that all share, and the goroutine that alone uses it.
type lane struct {
	out   *output
	turns chan *turn
	once  sync.Once

	link   *link
	ch     *amqp.Channel
	closed chan *amqp.Error
	later  <-chan time.Time // nothing is published before, as the server could not take what was

	waiting []ref    // to be published, in their order
	flying  []flight // published and not confirmed, in their order
	held    int      // turns
	bytes   int      // of these

	// careful is how many of the next messages are published one at a time, since the server closed the channel over one of those that were
	// flying and does not say which.
	careful int
}

// ref is a message of a turn.
type ref struct {
	t *turn
	i int
}

// flight is a message that is published.
type flight struct {
	ref
	confirmation *amqp.DeferredConfirmation
}

func newLane(out *output) *lane { return &lane{out: out, turns: make(chan *turn)} }

// begin starts the lane with the first turn.
func (l *lane) begin() {
	l.once.Do(func() { l.out.lanes.Go(l.run) })
}

// run makes one channel after the other until the output is closed.
func (l *lane) run() {
	out := l.out
	for {
		select {
		case t := <-l.turns: // nothing is connected before there is something to send
			l.take(t)
		case <-out.ctx.Done():
			return
		}
		for len(l.waiting) > 0 {
			err := l.session()
			if out.ctx.Err() != nil {
				return
			}
			if l.requeue(err); len(l.waiting) == 0 {
				out.log.Warn("the connection to RabbitMQ was lost; it is made again for the next events", slog.Any("error", err))
				break
			}
			out.log.Error("RabbitMQ did not take events; trying again", slog.Any("error", err))
			if netout.Pause(out.ctx, l.pause()) != nil {
				return
			}
		}
	}
}

// pause is how long to wait before another attempt.
func (l *lane) pause() time.Duration { return max(l.out.o.ConnectRetryInterval, leastPause) }

// leastPause is how long the output waits before it tries again where the interval for that is nothing.
const leastPause = 10 * time.Millisecond

// take enters the messages of a turn.
func (l *lane) take(t *turn) {
	l.held++
	l.bytes += len(t.buf)
	for i := range t.marks {
		l.waiting = append(l.waiting, ref{t, i})
	}
}

// session publishes by one channel until it fails or the output is closed.
func (l *lane) session() error {
	if err := l.open(); err != nil {
		return err
	}
	for {
		blocked, changed := l.link.state()
		if !blocked && l.later == nil {
			if err := l.publish(); err != nil {
				return l.reason(err)
			}
		}
		var turns chan *turn
		if len(l.waiting) == 0 && l.held < maxTurns && l.bytes < maxBytes {
			turns = l.turns
		}
		var confirmed <-chan struct{}
		if len(l.flying) > 0 {
			confirmed = l.flying[0].confirmation.Done()
		}
		select {
		case t := <-turns:
			l.take(t)
		case <-confirmed:
			l.confirm()
		case <-changed:
		case <-l.later:
			l.later = nil
		case err := <-l.closed:
			if err != nil {
				return err
			}
			return amqp.ErrClosed
		case <-l.out.ctx.Done():
			return l.out.ctx.Err()
		}
	}
}

// open opens a channel and declares the exchange.
func (l *lane) open() (err error) {
	o := &l.out.o
	if l.link, err = l.out.connected(); err != nil {
		return err
	}
	if l.ch, err = l.link.Channel(); err != nil {
		return fmt.Errorf("opening a channel: %w", err)
	}
	l.out.channels.Add(1)
	l.closed = l.ch.NotifyClose(make(chan *amqp.Error, 1))
	if !amqpclient.Predefined(o.Exchange) {
		declare := l.ch.ExchangeDeclare
		if o.Passive {
			declare = l.ch.ExchangeDeclarePassive
		}
		if err := declare(o.Exchange, o.ExchangeType, o.Durable, false, false, false, nil); err != nil {
			return fmt.Errorf("declaring the exchange %q: %w", o.Exchange, err)
		}
	}
	if err := l.ch.Confirm(false); err != nil {
		return fmt.Errorf("asking for confirms: %w", err)
	}
	go l.out.count(l.ch.NotifyReturn(make(chan amqp.Return, 64)))
	return nil
}

// publish publishes what is waiting, as much as may be flying.
func (l *lane) publish() (err error) {
	n, uncork := 0, l.link.Cork()
	defer func() {
		if failed := uncork(); err == nil {
			err = failed
		}
		clear(l.waiting[:n])
		if l.waiting = l.waiting[n:]; len(l.waiting) == 0 {
			l.waiting = nil
		}
	}()
	for ; n < len(l.waiting); n++ {
		if len(l.flying) >= maxFlying || l.careful > 0 && len(l.flying) > 0 {
			return nil
		}
		r := l.waiting[n]
		m := &r.t.marks[r.i]
		// Mandatory: the server returns what it hands to no queue, which nobody would learn of otherwise.
		c, err := l.ch.PublishWithDeferredConfirm(l.out.o.Exchange, m.key, true, false, r.t.message(l.out, m))
		if err != nil {
			return err
		}
		if m.again {
			l.out.env.Stats.Retried.Add(1)
		}
		m.again = true
		l.flying = append(l.flying, flight{r, c})
	}
	return nil
}

// confirm settles what is confirmed at the head of what is flying; what the server could not take is published again.
func (l *lane) confirm() {
	n := 0
	for ; n < len(l.flying); n++ {
		f := &l.flying[n]
		select {
		case <-f.confirmation.Done():
		default:
			l.landed(n)
			return
		}
		switch {
		case f.confirmation.Acked():
			l.out.env.Stats.Delivered.Add(1)
			l.done(f.t)
		case l.ch.IsClosed(): // nothing is known of it
			l.landed(n)
			return
		default:
			l.out.log.Warn("the server could not take events, as with a queue that is full; they are published again")
			l.waiting = append(l.waiting, f.ref)
			if l.later == nil {
				l.later = time.After(l.pause())
			}
		}
		l.careful = max(l.careful-1, 0)
	}
	l.landed(n)
}

// landed forgets the first n messages that were flying.
func (l *lane) landed(n int) {
	clear(l.flying[:n])
	if l.flying = l.flying[n:]; len(l.flying) == 0 {
		l.flying = nil
	}
}

// done is told that a message is confirmed or given up.
func (l *lane) done(t *turn) {
	if t.left--; t.left > 0 {
		return
	}
	b := t.b
	l.held--
	l.bytes -= len(t.buf)
	t.reset()
	l.out.turns.Put(t)
	b.Settle()
	l.out.gate.Leave(1)
}

// reason returns why a channel failed: the server's word, if there is one.
func (l *lane) reason(err error) error {
	select {
	case e := <-l.closed:
		if e != nil {
			return e
		}
	case <-time.After(reasonLimit):
	}
	return err
}

// reasonLimit is how long the server's word is waited for.
const reasonLimit = 100 * time.Millisecond

// requeue makes what was flying wait again, before all others. A message over which alone the server closed the channel is given up.
func (l *lane) requeue(err error) {
	if l.ch != nil {
		l.confirm() // what was confirmed before the end
	}
	if amqpclient.Refused(err) && len(l.flying) > 0 {
		if len(l.flying) == 1 {
			f := l.flying[0]
			m := &f.t.marks[f.i]
			l.out.bury(err.Error(), f.t.letter(l.out, m), m.replayed)
			l.done(f.t)
			l.landed(1)
			l.careful = max(l.careful-1, 0)
		} else {
			l.careful = len(l.flying)
		}
	}
	again := make([]ref, 0, len(l.flying)+len(l.waiting))
	for _, f := range l.flying {
		again = append(again, f.ref)
	}
	l.waiting, l.flying = append(again, l.waiting...), nil
	l.ch, l.later = nil, nil
	if l.link != nil && !errors.As(err, new(*amqp.Error)) {
		l.link.Kill() // it is of no use, and may not know it yet
	}
}
