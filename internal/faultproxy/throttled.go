package faultproxy

import (
	"net"
	"time"
)

// throttled is a connection whose reads and writes keep to BytesPerSecond, as it is at the moment of each.
type throttled struct {
	net.Conn
	p *Proxy
}

// ticksPerSecond is into how many pieces a second's bytes are cut.
const ticksPerSecond = 20

// piece is how many bytes may pass at once and how long they take.
func (c *throttled) piece(n int) (int, time.Duration) {
	rate := c.p.state.Load().BytesPerSecond
	if rate <= 0 {
		return n, 0
	}
	n = min(n, max(1, rate/ticksPerSecond))
	return n, time.Duration(n) * time.Second / time.Duration(rate)
}

func (c *throttled) Read(b []byte) (int, error) {
	n, _ := c.piece(len(b))
	n, err := c.Conn.Read(b[:n])
	// The time is that of the bytes that came, at the rate that is in force now.
	if _, d := c.piece(n); d > 0 {
		c.p.wait(d)
	}
	return n, err
}

func (c *throttled) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		n, d := c.piece(len(b) - done)
		if d > 0 {
			c.p.wait(d)
		}
		n, err := c.Conn.Write(b[done : done+n])
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}
