// Package faultproxy is a proxy between a client under test and a real server that does what networks and overloaded
// servers do: it refuses, resets, swallows, slows down, cuts off and answers errors. Faults are switched at run time,
// drawn from a seed, and counted, above all the answers that were lost after the server had done its work.
package faultproxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/internal/testenv"
)

// Config describes a proxy. Only Target is required.
type Config struct {
	// Target is the server's host:port.
	Target string
	// Listen is the address to listen on; empty is a free port of 127.0.0.1.
	Listen string
	// Seed decides which requests are struck.
	Seed uint64
	// ServerTLS, if set, is how the proxy serves its clients; TargetTLS how it reaches the server.
	ServerTLS, TargetTLS *tls.Config
	// Raw forwards bytes without reading them as HTTP: for other protocols and for TLS from end to end. Only Refuse,
	// BlackHole, AcceptDelay and BytesPerSecond work then.
	Raw bool
}

// Proxy is a running proxy.
type Proxy struct {
	t         testing.TB
	cfg       Config
	addr      string
	transport *http.Transport
	ctx       context.Context // ends with the proxy
	cancel    context.CancelFunc
	wg        sync.WaitGroup
	requests  atomic.Uint64 // numbers the requests for decide

	state atomic.Pointer[state]

	mu       sync.Mutex // guards what follows
	listener net.Listener
	conns    map[net.Conn]struct{}
	stats    Stats
}

// state is one set of faults; changed is closed when the next one replaces it.
type state struct {
	Faults
	struck  atomic.Int64 // requests that Times counts
	changed chan struct{}
}

// New starts a proxy on a port of 127.0.0.1 that it keeps through all refusals. It ends with the test.
func New(t testing.TB, cfg Config) *Proxy {
	t.Helper()
	p := &Proxy{
		t: t, cfg: cfg, conns: map[net.Conn]struct{}{},
		transport: &http.Transport{TLSClientConfig: cfg.TargetTLS, DisableCompression: true, MaxIdleConnsPerHost: 64},
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.state.Store(&state{changed: make(chan struct{})})
	if cfg.Listen == "" {
		cfg.Listen = net.JoinHostPort("127.0.0.1", strconv.Itoa(testenv.FreePort(t))) // nobody takes it during a refusal
	}
	if err := p.listen(cfg.Listen); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

// Addr is the host:port to dial instead of the server's.
func (p *Proxy) Addr() string { return p.addr }

// URL is Addr with the scheme that the proxy serves.
func (p *Proxy) URL() string {
	if p.cfg.ServerTLS != nil || p.cfg.Raw && p.cfg.TargetTLS != nil {
		return "https://" + p.addr
	}
	return "http://" + p.addr
}

// Stats returns the counts so far.
func (p *Proxy) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

func (p *Proxy) count(f func(s *Stats)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.stats)
}

// Clear ends all faults.
func (p *Proxy) Clear() {
	p.t.Helper()
	p.Set(Faults{})
}

// Disconnect resets every connection, and goes on with the faults that are set.
func (p *Proxy) Disconnect() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		reset(c)
	}
}

// SetFor sets faults for a while and then clears them, unless they were replaced meanwhile.
func (p *Proxy) SetFor(d time.Duration, f Faults) {
	p.t.Helper()
	s := p.set(f)
	p.wg.Go(func() {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			p.Clear()
		case <-s.changed:
		case <-p.ctx.Done():
		}
	})
}

// Set replaces the faults. Requests on their way finish under the faults that they met, apart from those held by
// BlackHole and DropResponse, which are reset.
func (p *Proxy) Set(f Faults) {
	p.t.Helper()
	p.set(f)
}

func (p *Proxy) set(f Faults) *state {
	p.t.Helper()
	if p.cfg.Raw && f.perRequest() {
		panic("BUG: a raw proxy knows no requests, and this fault is one of a request")
	}
	next := &state{Faults: f, changed: make(chan struct{})}
	old := p.state.Swap(next)
	close(old.changed)
	switch {
	case f.Refuse && !old.Refuse:
		p.refuse()
	case !f.Refuse && old.Refuse:
		if err := p.listenAgain(); err != nil {
			p.t.Errorf("faultproxy: listening on %s again: %v", p.addr, err)
		}
	}
	return next
}

func (p *Proxy) refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		p.t.Errorf("faultproxy: closing the listener: %v", err)
	}
	for c := range p.conns {
		reset(c)
	}
}

// listenAgain takes the port back. A client may hold it for a moment as the local port of a connection of its own.
func (p *Proxy) listenAgain() error {
	deadline := time.Now().Add(10 * time.Second)
	for {
		err := p.listen(p.addr)
		if err == nil || p.ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (p *Proxy) listen(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.listener = l
	if p.addr == "" { // it stays, and is read without the lock
		p.addr = l.Addr().String()
	}
	p.mu.Unlock()
	p.wg.Go(func() { p.accept(l) })
	return nil
}

func (p *Proxy) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return // closed: by Refuse or by the end
		}
		if !p.register(c) {
			reset(c)
			continue
		}
		p.wg.Go(func() {
			defer p.forget(c)
			p.serve(c)
		})
	}
}

// register takes a new connection in, unless it was accepted while the listener was being closed.
func (p *Proxy) register(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil || p.state.Load().Refuse {
		return false
	}
	p.stats.Connections++
	p.conns[c] = struct{}{}
	return true
}

func (p *Proxy) forget(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	c.Close()
}

func (p *Proxy) serve(c net.Conn) {
	s := p.state.Load()
	if s.AcceptDelay > 0 && !p.wait(s.AcceptDelay) {
		return
	}
	slow := &throttled{Conn: c, p: p}
	if p.cfg.Raw {
		p.serveRaw(slow)
		return
	}
	var client net.Conn = slow
	if p.cfg.ServerTLS != nil {
		client = tls.Server(slow, p.cfg.ServerTLS)
	}
	p.serveHTTP(client, c)
}

// wait sleeps unless the proxy ends.
func (p *Proxy) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.ctx.Done():
		return false
	}
}

// hold keeps a connection silent until the faults change, and resets it.
func (p *Proxy) hold(s *state, c net.Conn) {
	select {
	case <-s.changed:
	case <-p.ctx.Done():
	}
	reset(c)
}

func (p *Proxy) close() {
	p.cancel()
	p.mu.Lock()
	p.listener.Close()
	for c := range p.conns {
		reset(c)
	}
	p.mu.Unlock()
	p.wg.Wait()
	p.transport.CloseIdleConnections()
}

// reset closes a connection by RST instead of FIN: what the peer has not read yet is gone.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		// An error means that the connection is closed already.
		_ = tcp.SetLinger(0)
	}
	c.Close()
}
