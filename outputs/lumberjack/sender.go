package lumberjack

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/klauspost/compress/zlib"

	"millrace/internal/netout"
)

// The times of a connection.
const (
	dialTimeout = 10 * time.Second
	// silence is how long a server may say nothing while windows wait for it. Those of Logstash and ours give a sign of life every 5 seconds.
	silence = time.Minute
	// leastPause and longestPause are the first and the longest pause before a failed connection is made again; it doubles in between.
	leastPause   = 500 * time.Millisecond
	longestPause = 10 * time.Second
)

// sender is the one goroutine that speaks to a server.
type sender struct {
	out     *output
	waiting []ref // to be sent, in their order

	// window is what was sent and waits for the server, of which it has acknowledged the first acked. There is one at a time: the servers of old
	// Logstash garble a window that comes while they read another.
	window []ref
	acked  int
	useful bool // the present connection got an acknowledgement

	packed bytes.Buffer // the last window
	zip    *zlib.Writer
}

// ref is an event of a turn.
type ref struct {
	t *turn
	i int
}

// run makes one connection after the other until the output is closed.
func (s *sender) run() {
	out := s.out
	pause := leastPause
	for {
		if len(s.waiting) == 0 {
			select {
			case <-out.box.Ready: // nothing is connected before there is something to send
				s.take()
			case <-out.box.Ctx.Done():
				return
			}
			continue
		}
		s.useful = false
		err := s.session()
		if out.box.Ctx.Err() != nil {
			return
		}
		if s.requeue(); len(s.waiting) == 0 {
			if !errors.Is(err, io.EOF) {
				out.log.Warn("the connection was lost; it is made again for the next events", slog.Any("error", err))
			}
			continue
		}
		out.log.Error("events were not acknowledged; sending them again", slog.Any("error", err))
		if s.useful { // another may be so at once
			pause = leastPause
			continue
		}
		if netout.Pause(out.box.Ctx, pause) != nil {
			return
		}
		pause = min(2*pause, longestPause)
	}
}

// take enters the events that were handed over.
func (s *sender) take() {
	for _, t := range s.out.box.Take() {
		for i := range t.ends {
			s.waiting = append(s.waiting, ref{t, i})
		}
	}
}

// requeue has what was not acknowledged sent again.
func (s *sender) requeue() {
	if again := s.window[s.acked:]; len(again) > 0 {
		s.out.env.Stats.Retried.Add(int64(len(again)))
		s.waiting = slices.Concat(again, s.waiting)
	}
	s.window, s.acked = nil, 0
}

// session sends by one connection until it fails or the output is closed.
func (s *sender) session() error {
	c, err := s.connect()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(s.out.box.Ctx, func() { _ = c.Close() })
	said, ended := listen(c)
	defer func() {
		stop()
		_ = c.Close()
		<-ended
	}()
	quiet := time.NewTimer(silence)
	defer quiet.Stop()
	for {
		if len(s.waiting) > 0 && len(s.window) == 0 {
			quiet.Reset(silence)
			if err := s.send(c); err != nil {
				return err
			}
		}
		select {
		case <-s.out.box.Ready:
			s.take()
		case <-said.Ready:
			quiet.Reset(silence)
			for _, a := range said.Take() {
				if a.err != nil {
					return a.err
				}
				if err := s.acknowledged(a.n); err != nil {
					return err
				}
			}
		case <-quiet.C:
			if len(s.window) > 0 {
				return fmt.Errorf("the server has said nothing for %v", silence)
			}
		case <-s.out.box.Ctx.Done():
			return s.out.box.Ctx.Err()
		}
	}
}

// connect makes a connection to one of the addresses that the hosts have.
func (s *sender) connect() (net.Conn, error) {
	o := &s.out.o
	var addresses []string
	var errs []error
	for _, h := range o.Hosts {
		found, err := net.DefaultResolver.LookupHost(s.out.box.Ctx, h)
		if err != nil {
			errs = append(errs, err)
		}
		addresses = append(addresses, found...)
	}
	slices.Sort(addresses)
	addresses = slices.Compact(addresses)
	rand.Shuffle(len(addresses), func(i, j int) { addresses[i], addresses[j] = addresses[j], addresses[i] })
	for _, a := range addresses {
		c, err := s.dial(net.JoinHostPort(a, strconv.Itoa(o.Port)))
		if err == nil {
			s.out.connections.Add(1)
			s.out.env.Log.Info("connected", "address", c.RemoteAddr().String())
			return c, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func (s *sender) dial(address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(s.out.box.Ctx, dialTimeout)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return netout.Secure(ctx, c, s.out.tls, address)
}

// send sends the next window: its size, and its frames packed into one.
func (s *sender) send(c net.Conn) error {
	n, size := 0, 0
	for n < len(s.waiting) && n < s.out.o.FlushSize {
		length := len(s.waiting[n].t.frame(s.waiting[n].i))
		if n > 0 && size+length > maxWindow {
			break
		}
		n, size = n+1, size+length
	}
	events := s.waiting[:n:n]
	s.waiting = s.waiting[n:]
	s.window, s.acked = events, 0
	if err := s.pack(events); err != nil {
		panic("BUG: a buffer takes everything: " + err.Error())
	}
	_ = c.SetWriteDeadline(time.Now().Add(silence)) // a connection that is closed says so by the next line
	_, err := c.Write(s.packed.Bytes())
	if s.packed.Cap() > 4*maxWindow {
		s.packed = bytes.Buffer{}
	}
	return err
}

// frameHeads is how long the frames of a window's size and the beginning of a packed frame are together.
const frameHeads = 12

// pack writes a window.
func (s *sender) pack(events []ref) error {
	s.packed.Reset()
	s.packed.Write(make([]byte, frameHeads))
	if s.zip == nil {
		z, err := zlib.NewWriterLevel(&s.packed, zlib.BestSpeed)
		if err != nil {
			return err
		}
		s.zip = z
	}
	s.zip.Reset(&s.packed)
	for i, r := range events {
		f := r.t.frame(r.i)
		binary.BigEndian.PutUint32(f[sequenceAt:], uint32(i+1))
		if _, err := s.zip.Write(f); err != nil {
			return err
		}
	}
	if err := s.zip.Close(); err != nil {
		return err
	}
	heads := append(s.packed.Bytes()[:0], "1W"...)
	heads = binary.BigEndian.AppendUint32(heads, uint32(len(events)))
	heads = append(heads, "1C"...)
	binary.BigEndian.AppendUint32(heads, uint32(s.packed.Len()-frameHeads))
	return nil
}

// acknowledged is told that the server has the first n events of the window; 0 is a sign of life.
func (s *sender) acknowledged(n uint32) error {
	if n == 0 {
		return nil
	}
	if int64(n) > int64(len(s.window)) {
		return fmt.Errorf("the server acknowledged event %d of a window of %d", n, len(s.window))
	}
	s.useful = true
	for ; s.acked < int(n); s.acked++ {
		s.delivered(s.window[s.acked].t)
	}
	if s.acked == len(s.window) {
		s.window, s.acked = nil, 0
	}
	return nil
}

// delivered counts an event of a turn.
func (s *sender) delivered(t *turn) {
	out := s.out
	out.env.Stats.Delivered.Add(1)
	if t.left--; t.left > 0 {
		return
	}
	b, size := t.b, len(t.buf)
	t.reset()
	out.box.Done(t, b, size)
}
