package rabbitmq

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/internal/amqpclient"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// The times at the end of a session.
const (
	// drainLimit is for batches that are on their way when the input ends: what is not settled by then is sent again to whoever consumes next.
	drainLimit = 3 * time.Second
	// stopLimit is for all that the server is waited for from then on.
	stopLimit = drainLimit + 2*time.Second
)

// session is what one connection receives. Tags of messages are valid in it alone: what is settled after its end is sent again.
//
// Messages are acknowledged in the order in which they came, up to the first batch that is not settled: one frame acknowledges many.
type session struct {
	in     *input
	out    plugin.Sink
	conn   *amqpclient.Conn
	ch     *amqp.Channel
	queue  string
	source *event.Source

	commit chan struct{} // asks for an acknowledgement
	moved  chan struct{} // told when a batch is settled

	mu     sync.Mutex // guards what follows
	open   []entry    // batches in their order, from the first that is not settled
	first  int        // number of open[0]
	flying int        // batches that were pushed and are not settled
	tag    uint64     // of the last message that may be acknowledged
}

// entry is a batch on its way.
type entry struct {
	tag     uint64 // of its last message
	settled bool
}

// maxWaiting bounds the messages that wait to be put into a batch; the library holds the others, prefetch_count at most.
const maxWaiting = 1024

// run consumes the queue until ctx ends or something fails.
func (s *session) run(ctx context.Context) error {
	closed, cancelled := s.ch.NotifyClose(make(chan *amqp.Error, 1)), s.ch.NotifyCancel(make(chan string, 1))
	name := "millrace-" + s.in.env.ID
	if len(name) > amqpclient.MaxName {
		name = name[:amqpclient.MaxName]
	}
	deliveries, err := s.ch.Consume(s.queue, name, false, false, false, false, nil)
	if err != nil {
		return fmt.Errorf("%w %q: %w", errSubscription, s.queue, err)
	}
	s.in.env.Log.Info("consuming a queue of RabbitMQ", "server", s.conn.Address, "queue", s.queue)
	var wg sync.WaitGroup
	acking, stop := context.WithCancel(context.Background())
	wg.Go(func() { s.acknowledge(acking) })
	defer func() {
		stop()
		wg.Wait()
	}()

	// What the pipeline has not taken when the connection fails comes again.
	open, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	received := make(chan *amqp.Delivery, min(s.in.o.PrefetchCount, maxWaiting))
	wg.Go(func() {
		lose(s.receive(open, deliveries, received, closed, cancelled))
	})
	err = s.consume(open, received)
	lose(nil)
	if ctx.Err() != nil {
		_ = s.ch.Cancel(name, false)
		s.drain()
		return nil
	}
	return err
}

// receive hands on what the library gives out, and returns why there is no more.
func (s *session) receive(ctx context.Context, deliveries <-chan amqp.Delivery, received chan<- *amqp.Delivery, closed <-chan *amqp.Error, cancelled <-chan string) error {
	for d := range deliveries {
		select {
		case received <- &d:
		case <-ctx.Done():
			return nil
		}
	}
	select {
	case _, ok := <-cancelled:
		if ok {
			return fmt.Errorf("%w %q: the server ended it, as it does when the queue is deleted or moves to another node", errSubscription, s.queue)
		}
	default:
	}
	select {
	case err := <-closed:
		if err != nil {
			return fmt.Errorf("the connection was lost: %w", err)
		}
		return amqp.ErrClosed
	case <-ctx.Done(): // the consumer was cancelled by this end
		return nil
	}
}

// consume pushes what is received until ctx ends, and returns why.
func (s *session) consume(ctx context.Context, received <-chan *amqp.Delivery) error {
	for {
		select {
		case d := <-received:
			if err := s.push(ctx, d, received); err != nil && ctx.Err() == nil {
				return fmt.Errorf("%w: %w", errPush, err)
			}
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// push makes a batch of a message and of those that came with it, and hands it on.
func (s *session) push(ctx context.Context, d *amqp.Delivery, received <-chan *amqp.Delivery) error {
	b, tag := s.batch(d, received)
	s.mu.Lock()
	number := s.first + len(s.open)
	s.open = append(s.open, entry{tag: tag})
	s.flying++
	s.mu.Unlock()
	if s.in.o.Ack {
		b.Done = func(*event.Batch) { s.settle(number) }
	}
	if err := s.out.Push(ctx, b); err != nil {
		s.mu.Lock()
		s.flying--
		s.mu.Unlock()
		return err
	}
	if !s.in.o.Ack {
		s.settle(number)
	}
	return nil
}

// settle is told that nothing of a batch is left to deliver.
func (s *session) settle(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying--
	s.open[number-s.first].settled = true
	n := 0
	for n < len(s.open) && s.open[n].settled {
		s.tag = s.open[n].tag
		n++
	}
	if n > 0 {
		s.open, s.first = s.open[n:], s.first+n
		tell(s.commit)
	}
	tell(s.moved)
}

func tell(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// acknowledge acknowledges what is settled, as it comes and once more at the end. Workers, which settle, do not wait for the network.
func (s *session) acknowledge(ctx context.Context) {
	done := uint64(0)
	ack := func() {
		s.mu.Lock()
		tag := s.tag
		s.mu.Unlock()
		if tag == done {
			return
		}
		done = tag
		if err := s.ch.Ack(tag, true); err != nil {
			s.in.log.Warn("messages could not be acknowledged; they will be sent again", slog.Any("error", err))
		}
	}
	for {
		select {
		case <-s.commit:
			ack()
		case <-ctx.Done():
			ack()
			return
		}
	}
}

// drain waits until nothing is on its way, for a limited time.
func (s *session) drain() {
	timer := time.NewTimer(drainLimit)
	defer timer.Stop()
	for {
		s.mu.Lock()
		flying := s.flying
		s.mu.Unlock()
		if flying == 0 {
			return
		}
		select {
		case <-s.moved:
		case <-timer.C:
			s.in.log.Warn("batches are not delivered in time to acknowledge their messages, which will be sent again", slog.Int("batches", flying))
			return
		}
	}
}
