package netout

import (
	"context"
	"crypto/tls"
	"net"
	"strconv"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/plugin"
)

// Peer is whom an output sends to.
type Peer interface {
	// Send sends the records of a turn. An error says that ctx ended.
	Send(ctx context.Context, t *Turn) error

	// Close ends what connects to the peer.
	Close() error
}

// reconnectPause is how long an output that has no option for it waits before a failed connection is made again.
const reconnectPause = time.Second

// NewPeer returns the peer that takes a stream that is not encrypted, or datagrams, at host and port.
func NewPeer(stream bool, host string, port int, env *plugin.Env) Peer {
	if stream {
		return NewStreamPeer(host, port, nil, reconnectPause, env)
	}
	return NewDatagramPeer(host, port, env)
}

// NewDatagramPeer returns the peer that takes datagrams at host and port, each of them sent once.
func NewDatagramPeer(host string, port int, env *plugin.Env) Peer {
	return &Datagrams{Host: host, Port: port, Tries: 1, Env: env, Log: throttle.New(env.Log, time.Minute)}
}

// NewStreamPeer returns the peer that takes a stream at host and port, over TLS unless secure is nil. A connection that failed is made
// again after pause.
func NewStreamPeer(host string, port int, secure *tls.Config, pause time.Duration, env *plugin.Env) Peer {
	return &Stream{
		Addresses: []string{net.JoinHostPort(host, strconv.Itoa(port))}, TLS: secure, Pause: pause, Env: env, Log: throttle.New(env.Log, time.Minute),
	}
}
