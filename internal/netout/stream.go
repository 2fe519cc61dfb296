package netout

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/plugin"
)

// dialTimeout bounds how long a connection may take to be made, with its handshake.
const dialTimeout = 10 * time.Second

// Stream is a connection over TCP, which all workers share. It is made with the first turn, and again when it broke: the events that were
// not written whole go over the new one. What the kernel took before the connection broke cannot be known to have arrived.
type Stream struct {
	Addresses []string      // host:port; the next one when one fails
	TLS       *tls.Config   // nil: not encrypted
	Pause     time.Duration // before a connection is made again
	// DropUnwritten says that what a connection did not take because it broke is dropped and counted, in place of being sent again.
	DropUnwritten bool
	// MaxResends is how often in a row that is sent again before it is dropped and counted; 0 is no limit. Attempts to connect do not count.
	MaxResends int
	Env        *plugin.Env
	Log        *throttle.Logger

	mu   sync.Mutex
	next int // address of the next connection
	conn net.Conn
	dead *atomic.Bool // the peer closed conn
}

// brokenError says that a connection was there and broke.
type brokenError struct{ error }

// Send writes a turn.
func (s *Stream) Send(ctx context.Context, t *Turn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, resends := 0, 0; ; {
		n, err := s.write(ctx, t, i)
		i += n
		if n > 0 {
			resends = 0
		}
		s.Env.Stats.Delivered.Add(int64(n))
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		left := int64(t.Events() - i)
		_, broken := err.(brokenError)
		if broken && (s.DropUnwritten || s.MaxResends > 0 && resends == s.MaxResends) {
			s.Env.Stats.Dropped.Add(left)
			s.Log.Error("events could not be sent; they are dropped", slog.Any("error", err), slog.Int64("events", left))
			return nil
		}
		if broken {
			resends++
		}
		s.Env.Stats.Retried.Add(left)
		s.Log.Warn("the connection failed; trying again", slog.Any("error", err))
		if err := Pause(ctx, s.Pause); err != nil {
			return err
		}
	}
}

// errClosed says that the peer closed the connection.
var errClosed = errors.New("the peer closed the connection")

// write writes the events from first on and returns how many were written whole.
func (s *Stream) write(ctx context.Context, t *Turn, first int) (n int, err error) {
	start, _ := t.Event(first)
	if start == len(t.Data) {
		return t.Events() - first, nil
	}
	if s.conn != nil && s.dead.Load() {
		s.close()
		s.Log.Warn("the connection failed; trying again", slog.Any("error", errClosed))
	}
	if s.conn == nil {
		if err := s.connect(ctx); err != nil {
			return 0, err
		}
	}
	conn := s.conn
	stop := context.AfterFunc(ctx, func() { _ = conn.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	written, err := conn.Write(t.Data[start:])
	if err == nil {
		return t.Events() - first, nil
	}
	s.close()
	for i := first; i < t.Events(); i++ {
		if _, end := t.Event(i); end > start+written {
			break
		}
		n++
	}
	return n, brokenError{err}
}

// connect makes a connection to the next address, and has somebody notice when the peer closes it.
func (s *Stream) connect(ctx context.Context) error {
	address := s.Addresses[s.next%len(s.Addresses)]
	s.next++
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	if s.TLS != nil {
		if c, err = Secure(ctx, c, s.TLS, address); err != nil {
			return err
		}
	}
	dead := new(atomic.Bool)
	go func() {
		_, _ = io.Copy(io.Discard, c) // what a peer says is not for us; the end of it is
		dead.Store(true)
	}()
	s.conn, s.dead = c, dead
	s.Env.Log.Info("connected", "address", c.RemoteAddr().String(), "tls", s.TLS != nil)
	return nil
}

// Secure makes c, which goes to address, a TLS connection.
func Secure(ctx context.Context, c net.Conn, conf *tls.Config, address string) (net.Conn, error) {
	conf = conf.Clone()
	conf.ServerName, _, _ = net.SplitHostPort(address)
	t := tls.Client(c, conf)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return t, nil
}

func (s *Stream) close() {
	_ = s.conn.Close()
	s.conn = nil
}

// Close closes the connection; what was written has been handed to the kernel, which goes on sending.
func (s *Stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		s.close()
	}
	return nil
}
