package load

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Options describes one run of the sender.
type Options struct {
	// Address is the shipper's host:port.
	Address string
	// Workload names the lines.
	Workload string
	// Events to send in all, numbered from 0.
	Events uint64
	// Conns is how many connections carry them.
	Conns int
	// Rate is events a second over all connections; 0 is as fast as they are taken.
	Rate float64
}

// Result is what a run sent and when.
type Result struct {
	Events, Bytes uint64
	// StartNanos and EndNanos are Unix times: before the first and after the last write.
	StartNanos, EndNanos int64
}

const (
	// chunkLines is how many lines one write carries at full speed: about 64 KB.
	chunkLines = 256
	// tick is how often a sender with a rate looks at what is due.
	tick = time.Millisecond
	// dialers bounds the connections being opened at once, below any listen backlog.
	dialers = 64
)

// Run opens the connections, sends the lines, and closes.
func Run(ctx context.Context, o Options) (Result, error) {
	pool, err := NewPool(o.Workload)
	if err != nil {
		return Result{}, err
	}
	conns, err := dial(ctx, o.Address, o.Conns)
	defer closeAll(conns)
	if err != nil {
		return Result{}, err
	}
	s := &sender{pool: pool, opts: o, conns: conns}
	start := time.Now()
	if o.Rate > 0 {
		err = s.paced(ctx, start)
	} else {
		err = s.flatOut(ctx)
	}
	res := Result{Events: s.sent.Load(), Bytes: s.bytes.Load(), StartNanos: start.UnixNano(), EndNanos: time.Now().UnixNano()}
	return res, err
}

func dial(ctx context.Context, address string, n int) ([]net.Conn, error) {
	conns := make([]net.Conn, n)
	errs := make([]error, dialers)
	var wg sync.WaitGroup
	var next atomic.Int64
	for d := range min(dialers, n) {
		wg.Go(func() {
			var dialer net.Dialer
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if conns[i], errs[d] = dialer.DialContext(ctx, "tcp", address); errs[d] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return conns, fmt.Errorf("opening %d connections: %w", n, err)
		}
	}
	return conns, nil
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		if c != nil {
			c.Close()
		}
	}
}

type sender struct {
	pool  *Pool
	opts  Options
	conns []net.Conn

	next        atomic.Uint64 // first number not yet taken
	sent, bytes atomic.Uint64
}

// take reserves up to n numbers.
func (s *sender) take(n uint64) (first, count uint64) {
	first = s.next.Add(n) - n
	if first >= s.opts.Events {
		return first, 0
	}
	return first, min(n, s.opts.Events-first)
}

// write sends count lines from first on, all due at the same time.
func (s *sender) write(c net.Conn, buf []byte, first, count uint64, due time.Time) ([]byte, error) {
	buf = buf[:0]
	micros := due.UnixMicro()
	for i := range count {
		buf = s.pool.Append(buf, first+i, micros)
	}
	if _, err := c.Write(buf); err != nil {
		return buf, fmt.Errorf("sending lines: %w", err)
	}
	s.sent.Add(count)
	s.bytes.Add(uint64(len(buf)))
	return buf, nil
}

// flatOut gives every connection a goroutine that writes until the numbers are used up.
func (s *sender) flatOut(ctx context.Context) error {
	return s.parallel(len(s.conns), func(i int) error {
		var buf []byte
		var err error
		for ctx.Err() == nil {
			first, count := s.take(chunkLines)
			if count == 0 {
				return nil
			}
			if buf, err = s.write(s.conns[i], buf, first, count, time.Now()); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// paced sends what is due at each tick, line by line over the connections in turn where there are more of them than
// lines. Lines carry the time they were due, not the time the write came to them, so a shipper that blocks the sender
// does not hide its latency.
func (s *sender) paced(ctx context.Context, start time.Time) error {
	const senders = 2
	n := min(senders, len(s.conns))
	return s.parallel(n, func(i int) error {
		var mine []net.Conn
		for c := i; c < len(s.conns); c += n {
			mine = append(mine, s.conns[c])
		}
		return s.pacedSender(ctx, start, mine, s.opts.Rate*float64(len(mine))/float64(len(s.conns)))
	})
}

func (s *sender) pacedSender(ctx context.Context, start time.Time, conns []net.Conn, rate float64) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var buf []byte
	var err error
	turn := 0
	for done := uint64(0); ; {
		due := uint64(time.Since(start).Seconds() * rate)
		for done < due {
			n := min(due-done, chunkLines)
			if perConn := uint64(float64(tick) / float64(time.Second) * rate / float64(len(conns))); n > perConn {
				n = max(perConn, 1)
			}
			first, count := s.take(n)
			if count == 0 {
				return nil
			}
			dueAt := start.Add(time.Duration(float64(done) / rate * float64(time.Second)))
			if buf, err = s.write(conns[turn], buf, first, count, dueAt); err != nil {
				return err
			}
			done += n
			turn = (turn + 1) % len(conns)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// parallel runs f for 0 to n-1 at once and returns the first error.
func (s *sender) parallel(n int, f func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
