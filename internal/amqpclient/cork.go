package amqpclient

import (
	"net"
	"sync"
)

// corkedBytes is how much is collected before it is written all the same.
const corkedBytes = 64 << 10

// corkable is a socket that collects what is written while it is corked: the library writes each message by itself.
type corkable struct {
	net.Conn

	mu    sync.Mutex // guards what follows
	corks int
	buf   []byte
}

// Write implements net.Conn.
func (c *corkable) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.corks == 0 && len(c.buf) == 0 {
		return c.Conn.Write(p)
	}
	c.buf = append(c.buf, p...)
	if c.corks == 0 || len(c.buf) >= corkedBytes {
		return len(p), c.flush()
	}
	return len(p), nil
}

func (c *corkable) flush() error {
	if len(c.buf) == 0 {
		return nil
	}
	_, err := c.Conn.Write(c.buf)
	c.buf = c.buf[:0]
	return err
}

// Cork has what is written collected, until it is much or uncork is called, which writes it. Several may cork a connection at a time: each writes
// what there is.
func (c *Conn) Cork() (uncork func() error) {
	s := c.socket
	s.mu.Lock()
	defer s.mu.Unlock()
	s.corks++
	return func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.corks--
		return s.flush()
	}
}
