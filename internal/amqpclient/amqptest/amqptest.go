// Package amqptest looks at a RabbitMQ server and writes to it in tests.
package amqptest

import (
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"millrace/internal/testenv"
)

// patience is how long the server may take to come to a state that a test waits for.
const patience = 2 * time.Minute

// Admin is a connection of the test's own. Several tests may use it at a time.
type Admin struct {
	t     testing.TB
	s     *testenv.RabbitServer
	vhost string

	mu   sync.Mutex // guards what follows
	conn *amqp.Connection
}

// New connects to a server.
func New(t testing.TB, s *testenv.RabbitServer, vhost string) *Admin {
	t.Helper()
	a := &Admin{t: t, s: s, vhost: vhost}
	a.Connect()
	t.Cleanup(func() { _ = a.connection().Close() })
	return a
}

// Connect connects once more, after the server was restarted.
func (a *Admin) Connect() {
	a.t.Helper()
	conn, err := amqp.DialConfig("amqp://"+a.s.Addr(), amqp.Config{
		SASL: []amqp.Authentication{&amqp.PlainAuth{Username: a.s.User, Password: a.s.Password}}, Vhost: a.vhost,
	})
	require.NoError(a.t, err)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conn = conn
}

func (a *Admin) connection() *amqp.Connection {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.conn
}

// do gives f a channel of its own, as an error ends the channel.
func (a *Admin) do(f func(ch *amqp.Channel) error) error {
	ch, err := a.connection().Channel()
	if err != nil {
		return err
	}
	defer func() { _ = ch.Close() }()
	return f(ch)
}

func (a *Admin) must(f func(ch *amqp.Channel) error) {
	a.t.Helper()
	require.NoError(a.t, a.do(f))
}

// Queue declares a queue.
func (a *Admin) Queue(name string, durable bool) {
	a.t.Helper()
	a.must(func(ch *amqp.Channel) error {
		_, err := ch.QueueDeclare(name, durable, false, false, false, nil)
		return err
	})
}

// QueueWith declares a queue with arguments.
func (a *Admin) QueueWith(name string, args amqp.Table) {
	a.t.Helper()
	a.must(func(ch *amqp.Channel) error {
		_, err := ch.QueueDeclare(name, false, false, false, false, args)
		return err
	})
}

// Drain takes all messages of a queue that wait for a consumer.
func (a *Admin) Drain(queue string) (docs []string) {
	a.t.Helper()
	a.must(func(ch *amqp.Channel) error {
		for {
			d, ok, err := ch.Get(queue, true)
			if err != nil || !ok {
				return err
			}
			docs = append(docs, string(d.Body))
		}
	})
	return docs
}

// Delete deletes a queue.
func (a *Admin) Delete(queue string) {
	a.t.Helper()
	a.must(func(ch *amqp.Channel) error {
		_, err := ch.QueueDelete(queue, false, false, false)
		return err
	})
}

// Exchange declares an exchange that does not survive a restart.
func (a *Admin) Exchange(name, kind string) {
	a.t.Helper()
	a.DeclareExchange(name, kind, false)
}

// DeclareExchange declares an exchange.
func (a *Admin) DeclareExchange(name, kind string, durable bool) {
	a.t.Helper()
	a.must(func(ch *amqp.Channel) error { return ch.ExchangeDeclare(name, kind, durable, false, false, false, nil) })
}

// DeleteExchange deletes an exchange.
func (a *Admin) DeleteExchange(name string) {
	a.t.Helper()
	a.must(func(ch *amqp.Channel) error { return ch.ExchangeDelete(name, false, false) })
}

// Bind binds a queue to an exchange.
func (a *Admin) Bind(queue, key, exchange string, args amqp.Table) {
	a.t.Helper()
	a.must(func(ch *amqp.Channel) error { return ch.QueueBind(queue, key, exchange, false, args) })
}

// Publish publishes a message and waits until the server has it.
func (a *Admin) Publish(exchange, key string, p amqp.Publishing) {
	a.t.Helper()
	a.publish(exchange, key, []amqp.Publishing{p})
}

// PublishAll publishes persistent messages and waits until the server has them.
func (a *Admin) PublishAll(exchange, key string, docs []string) {
	a.t.Helper()
	list := make([]amqp.Publishing, len(docs))
	for i, doc := range docs {
		list[i] = amqp.Publishing{Body: []byte(doc), DeliveryMode: amqp.Persistent}
	}
	a.publish(exchange, key, list)
}

func (a *Admin) publish(exchange, key string, list []amqp.Publishing) {
	a.t.Helper()
	a.must(func(ch *amqp.Channel) error {
		if err := ch.Confirm(false); err != nil {
			return err
		}
		var open []*amqp.DeferredConfirmation
		for _, p := range list {
			dc, err := ch.PublishWithDeferredConfirm(exchange, key, false, false, p)
			if err != nil {
				return err
			}
			open = append(open, dc)
		}
		for _, dc := range open {
			require.True(a.t, dc.Wait())
		}
		return nil
	})
}

// inspect returns what the server tells of a queue.
func (a *Admin) inspect(queue string) (q amqp.Queue, err error) {
	err = a.do(func(ch *amqp.Channel) error {
		q, err = ch.QueueDeclarePassive(queue, false, false, false, false, nil)
		return err
	})
	return q, err
}

// Exists reports whether there is a queue.
func (a *Admin) Exists(queue string) bool {
	_, err := a.inspect(queue)
	return err == nil
}

// ExchangeExists reports whether there is an exchange.
func (a *Admin) ExchangeExists(name string) bool {
	return a.do(func(ch *amqp.Channel) error {
		return ch.ExchangeDeclarePassive(name, "direct", false, false, false, false, nil)
	}) == nil
}

// Depth returns how many messages of a queue wait for a consumer.
func (a *Admin) Depth(queue string) int {
	a.t.Helper()
	q, err := a.inspect(queue)
	require.NoError(a.t, err)
	return q.Messages
}

// WaitDepth waits until n messages of a queue wait for a consumer.
func (a *Admin) WaitDepth(queue string, n int) {
	a.t.Helper()
	require.Eventually(a.t, func() bool {
		q, err := a.inspect(queue)
		return err == nil && q.Messages == n
	}, patience, 5*time.Millisecond, "%d messages in the queue %q", n, queue)
}

// WaitConsumer waits until somebody consumes a queue.
func (a *Admin) WaitConsumer(queue string) {
	a.t.Helper()
	require.Eventually(a.t, func() bool {
		q, err := a.inspect(queue)
		return err == nil && q.Consumers > 0
	}, patience, 5*time.Millisecond, "a consumer of the queue %q", queue)
}

// WaitRouted publishes a message to an exchange until one of them reaches a queue.
func (a *Admin) WaitRouted(exchange, doc string) {
	a.t.Helper()
	a.must(func(ch *amqp.Channel) error {
		returns := ch.NotifyReturn(make(chan amqp.Return, 1))
		if err := ch.Confirm(false); err != nil {
			return err
		}
		for {
			dc, err := ch.PublishWithDeferredConfirm(exchange, "", true, false, amqp.Publishing{Body: []byte(doc)})
			if err != nil {
				return err
			}
			require.True(a.t, dc.Wait()) // a message that is returned comes back before it is confirmed
			select {
			case <-returns:
			default:
				return nil
			}
		}
	})
}

// Take takes n messages from a queue, which it waits for.
func (a *Admin) Take(queue string, n int) (list []amqp.Delivery) {
	a.t.Helper()
	a.must(func(ch *amqp.Channel) error {
		if err := ch.Qos(min(n, 1000), 0, false); err != nil {
			return err
		}
		deliveries, err := ch.Consume(queue, "", false, false, false, false, nil) // what is not acknowledged stays
		if err != nil {
			return err
		}
		late := time.NewTimer(patience)
		defer late.Stop()
		for len(list) < n {
			select {
			case d := <-deliveries:
				if list = append(list, d); len(list)%500 == 0 {
					if err := ch.Ack(d.DeliveryTag, true); err != nil {
						return err
					}
				}
			case <-late.C:
				require.Fail(a.t, "messages are missing", "%d in place of %d in the queue %q", len(list), n, queue)
			}
		}
		if n%500 == 0 {
			return nil
		}
		return ch.Ack(list[len(list)-1].DeliveryTag, true)
	})
	return list
}

// Bodies returns the texts of messages.
func Bodies(list []amqp.Delivery) (docs []string) {
	for _, d := range list {
		docs = append(docs, string(d.Body))
	}
	return docs
}
