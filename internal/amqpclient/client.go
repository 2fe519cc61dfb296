package amqpclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Client makes connections.
type Client struct {
	addresses      []address
	vhost          string
	user, password string
	tls            *tls.Config // nil: not encrypted
	timeout        time.Duration
	heartbeat      time.Duration
	name, version  string // for whoever looks at the server's list of connections
}

// Conn is a connection.
type Conn struct {
	*amqp.Connection
	Address string
	socket  *corkable
}

// Connect makes a connection to one of the servers, trying them in an order that chance decides.
func (c *Client) Connect(ctx context.Context) (*Conn, error) {
	var errs []error
	for _, i := range rand.Perm(len(c.addresses)) {
		conn, err := c.dial(ctx, c.addresses[i])
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

func (c *Client) dial(ctx context.Context, a address) (*Conn, error) {
	where := net.JoinHostPort(a.host, strconv.Itoa(a.port))
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	var d net.Dialer
	socket, err := d.DialContext(ctx, "tcp", where)
	if err != nil {
		return nil, fmt.Errorf("connecting to RabbitMQ: %w", err)
	}
	if c.tls != nil {
		conf := c.tls.Clone()
		if conf.ServerName == "" {
			conf.ServerName = a.host
		}
		encrypted := tls.Client(socket, conf)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			_ = socket.Close()
			return nil, fmt.Errorf("encrypting the connection to RabbitMQ at %s: %w", where, err)
		}
		socket = encrypted
	}
	corked := &corkable{Conn: socket}
	stop := context.AfterFunc(ctx, func() { kill(socket) })
	conn, err := amqp.Open(corked, amqp.Config{
		SASL:  []amqp.Authentication{&amqp.PlainAuth{Username: c.user, Password: c.password}},
		Vhost: c.vhost, Heartbeat: c.heartbeat, Locale: "en_US",
		Properties: amqp.Table{"product": "Millrace", "version": c.version, "connection_name": "millrace " + c.name},
	})
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		kill(socket)
		return nil, fmt.Errorf("opening the connection to RabbitMQ at %s as the user %q for the virtual host %q: %w", where, c.user, c.vhost, err)
	}
	return &Conn{Connection: conn, Address: where, socket: corked}, nil
}

// farewell is how long the server may take to answer the end of a connection.
const farewell = 2 * time.Second

// Close ends the connection in order, if the server answers in time.
func (c *Conn) Close() {
	late := time.AfterFunc(farewell, c.Kill)
	defer late.Stop()
	_ = c.Connection.Close()
}

// Kill cuts the connection off: whoever waits for it goes on with an error.
func (c *Conn) Kill() { kill(c.socket.Conn) }

// kill closes a socket without waiting for what is not sent yet.
func kill(socket net.Conn) {
	_ = socket.SetDeadline(time.Unix(1, 0)) // an encrypted one would wait for its last record to be written
	_ = socket.Close()
}

// Refused reports whether err is the server's word that what was asked for can never be done as it was asked: the arguments contradict what is
// there, or what was sent is malformed.
func Refused(err error) bool {
	var reply *amqp.Error
	return errors.As(err, &reply) && reply.Server && reply.Code == amqp.PreconditionFailed
}
