package tcp

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"millrace/internal/stream"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// The end of a connection when the pipeline stops: what the kernel has received is read on until the peer is quiet, within a limit.
// A peer that sees its connection half closed and stops loses nothing.
const (
	drainQuiet = 150 * time.Millisecond
	drainLimit = 2 * time.Second
)

// peer is where a connection comes from. With the PROXY protocol it is the proxy's client, and the proxy is told apart.
type peer struct {
	ip        string
	port      int
	proxyIP   string
	proxyPort int
	subject   string // of the client's certificate
}

// serve reads one connection until its end or that of ctx.
func (in *input) serve(ctx context.Context, c net.Conn, out plugin.Sink) {
	defer func() { _ = c.Close() }()
	in.connections.Add(1)
	if t, ok := c.(*net.TCPConn); ok && in.o.KeepAlive {
		_ = t.SetKeepAlive(true)
	}
	p := peerOf(c.RemoteAddr())
	r, err := in.open(ctx, c, &p)
	if err != nil {
		if ctx.Err() == nil {
			in.cut.Add(1)
			in.log.Warn("a connection could not be opened", slog.String("peer", p.ip), slog.Any("error", err))
		}
		return
	}
	s := &session{in: in, c: c, out: out, peer: p,
		r: stream.NewReader(r, in.env.NewFramer(), stream.Limits{MaxRecord: int(in.o.MaxRecord)}).WithPool(&in.pool)}
	if err := s.run(ctx); err != nil && !errors.Is(err, io.EOF) {
		in.cut.Add(1)
		in.log.Warn("a connection ended with an error", slog.String("peer", p.ip), slog.Any("error", err))
	}
}

// open reads the PROXY header and shakes hands, and returns what the records come from.
func (in *input) open(ctx context.Context, c net.Conn, p *peer) (io.Reader, error) {
	late := func() { _ = c.SetReadDeadline(time.Now().Add(drainQuiet)) } // what has arrived can be read still
	stop := context.AfterFunc(ctx, late)
	defer stop()
	var r io.Reader = c
	if in.o.ProxyProtocol {
		br := bufio.NewReaderSize(c, 4<<10)
		if err := readProxyHeader(br, p); err != nil {
			return nil, err
		}
		r = br
		c = bufferedConn{c, br}
	}
	if in.tls == nil {
		return r, nil
	}
	t, err := in.secure(ctx, c)
	if err != nil {
		return nil, err
	}
	if certs := t.ConnectionState().PeerCertificates; len(certs) > 0 {
		p.subject = certs[0].Subject.String()
	}
	return t, nil
}

// bufferedConn is a connection whose first bytes are in a buffer already.
type bufferedConn struct {
	net.Conn
	r *bufio.Reader
}

func (c bufferedConn) Read(p []byte) (int, error) { return c.r.Read(p) }

func peerOf(a net.Addr) peer {
	if t, ok := a.(*net.TCPAddr); ok {
		return peer{ip: t.AddrPort().Addr().Unmap().String(), port: t.Port}
	}
	return peer{ip: a.String()}
}

// session is one connection being read.
type session struct {
	in     *input
	c      net.Conn
	r      *stream.Reader
	out    plugin.Sink
	peer   peer
	source *event.Source
	named  bool // source has the peer's name, or there is none to wait for
}

// run reads and pushes. When ctx ends it drains the connection.
func (s *session) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for {
		s.r.SetIdleDeadline(ctx, s.c)
		b, err := s.r.Next()
		if b != nil {
			if perr := s.push(ctx, b); perr != nil {
				return s.pushRest(ctx, b)
			}
		}
		switch {
		case ctx.Err() != nil:
			return s.drain(ctx)
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			if err := s.idle(ctx); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// idle makes a record of what is pending for too long.
func (s *session) idle(ctx context.Context) error {
	if b := s.r.Flush(); b != nil {
		return s.push(ctx, b)
	}
	return nil
}

// push hands b over with the facts about the connection.
func (s *session) push(ctx context.Context, b *event.Batch) error {
	if !s.named {
		s.setSource()
	}
	b.Source = s.source
	return s.out.Push(ctx, b)
}

// setSource makes the source of what follows: with the peer's name as soon as it is known.
func (s *session) setSource() {
	name := ""
	s.named = true
	if s.in.o.ReverseLookup {
		name, s.named = s.in.names.Name(s.peer.ip)
	}
	if s.source == nil || name != "" {
		s.source = s.in.env.NewSource(s.in.facts(s.peer, name)...)
	}
}

// pushRest hands over b, whose push ctx interrupted, and then drains.
func (s *session) pushRest(ctx context.Context, b *event.Batch) error {
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
	defer cancel()
	if err := s.push(late, b); err != nil {
		return err
	}
	return s.drain(ctx)
}

// drain reads what has arrived until the peer is quiet.
func (s *session) drain(ctx context.Context) error {
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
	defer cancel()
	if t, ok := s.c.(*net.TCPConn); ok && s.in.tls == nil {
		_ = t.CloseWrite()
	}
	for late.Err() == nil {
		_ = s.c.SetReadDeadline(time.Now().Add(drainQuiet))
		b, err := s.r.Next()
		if b != nil {
			if perr := s.push(late, b); perr != nil {
				return perr
			}
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			return err
		}
	}
	if b := s.r.Flush(); b != nil {
		return s.push(late, b)
	}
	return nil
}
