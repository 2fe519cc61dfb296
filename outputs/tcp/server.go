package tcp

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"millrace/internal/netout"
	"millrace/internal/stream"
	"millrace/internal/throttle"
	"millrace/pipeline/plugin"
)

// server writes to all who are connected.
type server struct {
	address string
	tls     *tls.Config
	env     *plugin.Env
	log     *throttle.Logger

	listener net.Listener
	mu       sync.Mutex // guards peers, and is held while one turn is written
	peers    map[net.Conn]struct{}
	stop     context.CancelFunc
	open     atomic.Int64 // peers, for tests
}

// Start listens. It implements plugin.Starter.
func (s *server) Start(ctx context.Context) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.address)
	if err != nil {
		return err
	}
	s.env.Log.Info("listening", "address", l.Addr().String(), "tls", s.tls != nil)
	s.listener, s.peers = l, make(map[net.Conn]struct{})
	ctx, s.stop = context.WithCancel(ctx)
	go func() {
		if err := stream.Accept(ctx, l, s.log, func(c net.Conn) { go s.welcome(ctx, c) }); err != nil && ctx.Err() == nil {
			s.log.Error("no more connections are accepted", slog.Any("error", err))
		}
	}()
	return nil
}

// handshakeTimeout bounds how long a peer may take to agree on a key.
const handshakeTimeout = 10 * time.Second

// welcome makes a connection one of those that are written to, until the peer closes it.
func (s *server) welcome(ctx context.Context, c net.Conn) {
	if s.tls != nil {
		t := tls.Server(c, s.tls)
		hctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
		err := t.HandshakeContext(hctx)
		cancel()
		if err != nil {
			s.log.Warn("a connection could not be opened", slog.String("peer", c.RemoteAddr().String()), slog.Any("error", err))
			_ = c.Close()
			return
		}
		c = t
	}
	s.mu.Lock()
	if ctx.Err() != nil { // Close has closed those that were there before
		s.mu.Unlock()
		_ = c.Close()
		return
	}
	s.peers[c] = struct{}{}
	s.mu.Unlock()
	s.open.Add(1)
	_, _ = io.Copy(io.Discard, c) // what a peer says is not for us; the end of it is
	s.mu.Lock()
	s.leave(c)
	s.mu.Unlock()
}

// leave forgets a peer. The caller holds mu.
func (s *server) leave(c net.Conn) {
	if _, ok := s.peers[c]; ok {
		delete(s.peers, c)
		s.open.Add(-1)
	}
	_ = c.Close()
}

// NewWriter implements plugin.Output.
func (s *server) NewWriter() plugin.Writer { return netout.NewWriter(s.env, s.send) }

// send writes a turn to all peers. One that fails is left; the events are delivered if any peer got them.
func (s *server) send(ctx context.Context, t *netout.Turn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	took := 0
	for c := range s.peers {
		stop := context.AfterFunc(ctx, func() { _ = c.SetWriteDeadline(time.Unix(1, 0)) })
		_, err := c.Write(t.Data)
		stop()
		switch {
		case err == nil:
			took++
		case ctx.Err() != nil:
			return ctx.Err()
		default:
			s.log.Warn("a peer is left: writing to it failed", slog.String("peer", c.RemoteAddr().String()), slog.Any("error", err))
			s.leave(c)
		}
	}
	if took > 0 {
		s.env.Stats.Delivered.Add(int64(t.Events()))
		return nil
	}
	s.env.Stats.Dropped.Add(int64(t.Events()))
	s.log.Warn("nobody is connected; events are dropped", slog.Int("events", t.Events()))
	return nil
}

// Close implements plugin.Output.
func (s *server) Close(context.Context) error {
	if s.listener == nil {
		return nil
	}
	s.stop()
	err := s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.peers {
		s.leave(c)
	}
	return err
}
