package faultproxy

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Names is what a name server answers at the moment.
type Names struct {
	// Addrs are the addresses of every name, in the order of the answer. None: the name does not exist.
	Addrs []netip.Addr

	// Delay holds every answer back.
	Delay time.Duration

	// Fail answers that the server failed.
	Fail bool

	// Silent answers nothing.
	Silent bool
}

// DNS is a name server on a port of 127.0.0.1 whose answers can be slow, wrong or missing. It ends with the test.
type DNS struct {
	conn net.PacketConn
	wg   sync.WaitGroup
	done chan struct{}

	mu      sync.Mutex
	names   Names
	queries int
}

// NewDNS starts a name server.
func NewDNS(t testing.TB, n Names) *DNS {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &DNS{conn: conn, names: n, done: make(chan struct{})}
	d.wg.Go(d.serve)
	t.Cleanup(func() {
		close(d.done)
		conn.Close()
		d.wg.Wait()
	})
	return d
}

// Set replaces what is answered to the questions that come from now on.
func (d *DNS) Set(n Names) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names = n
}

// Queries returns the number of questions so far.
func (d *DNS) Queries() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.queries
}

// Resolver returns a resolver that asks d alone.
func (d *DNS) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "udp", d.conn.LocalAddr().String())
	}}
}

func (d *DNS) serve() {
	for {
		buf := make([]byte, 1500)
		n, from, err := d.conn.ReadFrom(buf)
		if err != nil {
			return // closed
		}
		d.mu.Lock()
		names := d.names
		d.queries++
		d.mu.Unlock()
		answer, err := names.answer(buf[:n])
		if err != nil || names.Silent {
			continue
		}
		d.wg.Go(func() { d.send(answer, from, names.Delay) })
	}
}

// send is best effort, as the protocol is.
func (d *DNS) send(answer []byte, to net.Addr, delay time.Duration) {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		_, _ = d.conn.WriteTo(answer, to)
	case <-d.done:
	}
}

// answer returns the answer to a question.
func (n Names) answer(question []byte) ([]byte, error) {
	var p dnsmessage.Parser
	head, err := p.Start(question)
	if err != nil {
		return nil, err
	}
	q, err := p.Question()
	if err != nil {
		return nil, err
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: head.ID, Response: true, RecursionDesired: head.RecursionDesired, RecursionAvailable: true},
		Questions: []dnsmessage.Question{q},
	}
	switch {
	case n.Fail:
		m.RCode = dnsmessage.RCodeServerFailure
	case len(n.Addrs) == 0:
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, a := range n.Addrs {
		r := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}}
		switch {
		case n.Fail:
		case a.Is4() && q.Type == dnsmessage.TypeA:
			r.Body = &dnsmessage.AResource{A: a.As4()}
		case a.Is6() && q.Type == dnsmessage.TypeAAAA:
			r.Body = &dnsmessage.AAAAResource{AAAA: a.As16()}
		}
		if r.Body != nil {
			m.Answers = append(m.Answers, r)
		}
	}
	return m.Pack()
}
