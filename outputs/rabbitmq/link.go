package rabbitmq

import (
	"log/slog"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/internal/amqpclient"
)

// link is the connection that the lanes share.
type link struct {
	*amqpclient.Conn

	mu      sync.Mutex    // guards what follows
	blocked bool          // the server takes nothing for the moment, and says so
	changed chan struct{} // closed and replaced with blocked
}

// state tells whether the server takes nothing, and what is closed when that changes.
func (l *link) state() (blocked bool, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.blocked, l.changed
}

func (l *link) set(blocked bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.blocked = blocked
	close(l.changed)
	l.changed = make(chan struct{})
}

// connected returns the connection, made anew if there is none.
func (out *output) connected() (*link, error) {
	out.connecting.Lock()
	defer out.connecting.Unlock()
	out.mu.Lock()
	l := out.link
	out.mu.Unlock()
	if l != nil && !l.IsClosed() {
		return l, nil
	}
	if l != nil {
		l.Kill()
	}
	conn, err := out.client.Connect(out.ctx)
	if err != nil {
		return nil, err
	}
	l = &link{Conn: conn, changed: make(chan struct{})}
	out.mu.Lock()
	out.link = l
	out.mu.Unlock()
	if out.ctx.Err() != nil { // the end may not have seen it
		l.Kill()
		return nil, out.ctx.Err()
	}
	out.env.Log.Info("connected to RabbitMQ", "server", conn.Address)
	go out.watch(l, conn.NotifyBlocked(make(chan amqp.Blocking, 16)))
	return l, nil
}

// watch follows whether the server takes messages until the connection ends.
func (out *output) watch(l *link, changes <-chan amqp.Blocking) {
	for b := range changes {
		l.set(b.Active)
		if b.Active {
			out.env.Log.Warn("RabbitMQ takes no messages for the moment", "server", l.Address, "reason", b.Reason)
		} else {
			out.env.Log.Info("RabbitMQ takes messages again", "server", l.Address)
		}
	}
}

// count counts what the server returns until the channel is closed.
func (out *output) count(returns <-chan amqp.Return) {
	for r := range returns {
		out.unroutable.Add(1)
		out.log.Warn("messages reach no queue: the exchange has no binding for their routing keys",
			slog.String("exchange", r.Exchange), slog.String("routing_key", r.RoutingKey))
	}
}
