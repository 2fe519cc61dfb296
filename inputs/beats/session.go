package beats

import (
	"bufio"
	"compress/zlib"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"millrace/internal/stream"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// The limits of one connection. What it may hold in memory is bounded by them and by the pipeline's bytes in flight.
const (
	maxUnsettled = 64       // windows that wait for delivery
	maxDocument  = 64 << 20 // bytes of one event
	maxPairs     = 64 << 10 // fields of one event of version 1
	batchRecords = 256
	batchBytes   = 512 << 10
	chunkBytes   = 64 << 10
)

// The times of one connection.
const (
	keepAlive    = 5 * time.Second // between signs of life while a window waits for delivery
	drainLimit   = 2 * time.Second // for windows that are on their way when the input ends
	writeTimeout = 30 * time.Second
)

// session is one connection. One goroutine reads windows; another tells the client of those that are delivered, in their order.
type session struct {
	in     *input
	c      net.Conn
	out    plugin.Sink
	source *event.Source
	acks   chan *window
	acked  chan struct{} // closed when the client is told of no more windows
	open   atomic.Int32  // windows that wait for delivery

	r     *bufio.Reader
	chunk []byte // documents are parts of it; written once
	batch *event.Batch
	win   *window
}

// window is some events that the client wants to be told of together.
type window struct {
	version byte
	last    uint32       // sequence number of the last event
	left    atomic.Int32 // batches that are not settled, and one for the window itself until it is complete
	settled chan struct{}
}

func (w *window) done() {
	if w.left.Add(-1) == 0 {
		close(w.settled)
	}
}

// secure makes the connection one of TLS.
func (s *session) secure(ctx context.Context) error {
	t := tls.Server(s.c, s.in.tls)
	ctx, cancel := context.WithTimeout(ctx, s.in.o.Timeout())
	defer cancel()
	s.c = t
	return t.HandshakeContext(ctx)
}

// run reads windows until the client ends or ctx does.
func (s *session) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	broken := make(chan error, 1)
	go func() {
		defer close(s.acked)
		if err := s.acknowledge(ctx); err != nil {
			broken <- err
			_ = s.c.Close() // so that the reader ends too
		}
	}()
	s.r = bufio.NewReaderSize(deadlineReader{s, ctx}, 16<<10)
	err := s.read(ctx)
	close(s.acks)
	<-s.acked
	select {
	case err = <-broken:
	default:
	}
	if errors.Is(err, io.EOF) || errors.Is(err, errIdle) {
		return nil
	}
	return err
}

var errIdle = errors.New("the client sent nothing for too long")

// deadlineReader reads the connection until the client is idle for too long.
type deadlineReader struct {
	s   *session
	ctx context.Context
}

// Read implements io.Reader.
func (d deadlineReader) Read(p []byte) (int, error) {
	timeout := time.Duration(d.s.in.o.ClientInactivityTimeout) * time.Second
	for {
		if timeout > 0 {
			_ = d.s.c.SetReadDeadline(time.Now().Add(timeout))
		}
		if d.ctx.Err() != nil { // its deadline may have been overwritten
			_ = d.s.c.SetReadDeadline(time.Unix(1, 0))
		}
		n, err := d.s.c.Read(p)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if d.ctx.Err() != nil {
			return 0, d.ctx.Err()
		}
		if d.s.open.Load() == 0 {
			return 0, errIdle
		}
	}
}

// read reads windows.
func (s *session) read(ctx context.Context) error {
	for {
		version, kind, err := header(s.r)
		if err != nil {
			return err
		}
		n, err := number(s.r)
		if err != nil {
			return unexpected(err)
		}
		if kind != 'W' {
			return fmt.Errorf("expected a window, and got a frame of type %q", kind)
		}
		if n == 0 {
			continue
		}
		s.in.windows.Add(1)
		s.win = &window{version: version, settled: make(chan struct{})}
		s.win.left.Store(1)
		if _, err := s.frames(ctx, s.r, int(n), false); err != nil {
			return unexpected(err)
		}
		if err := s.push(ctx); err != nil {
			return err
		}
		s.open.Add(1)
		s.win.done()
		if err := s.hand(ctx, s.win); err != nil {
			return err
		}
	}
}

// hand has the client told of a window when it is delivered. At the end of ctx a window that can be handed on is: the client would send it
// again.
func (s *session) hand(ctx context.Context, w *window) error {
	select {
	case s.acks <- w:
		return nil
	default:
	}
	select {
	case s.acks <- w:
		return nil
	case <-s.acked:
		return net.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// frames reads frames with n events, fewer if they are packed and end before, and returns how many.
func (s *session) frames(ctx context.Context, r *bufio.Reader, n int, packed bool) (got int, err error) {
	for got < n {
		version, kind, err := header(r)
		if packed && errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		if version != s.win.version {
			return got, fmt.Errorf("a frame of version %q in a window of version %q", version, s.win.version)
		}
		switch {
		case kind == 'J' || kind == 'D':
			if err := s.data(r, kind); err != nil {
				return got, err
			}
			got++
			if len(s.batch.Records) == batchRecords || s.batch.Bytes >= batchBytes {
				if err := s.push(ctx); err != nil {
					return got, err
				}
			}
		case kind == 'C' && !packed:
			more, err := s.packed(ctx, r, n-got)
			if err != nil {
				return got, err
			}
			if more == 0 {
				return got, errors.New("a compressed frame without events")
			}
			got += more
		default:
			return got, fmt.Errorf("unexpected frame of type %q", kind)
		}
	}
	return got, nil
}

// packed reads a compressed frame, which holds frames with at most n events, and returns how many.
func (s *session) packed(ctx context.Context, r *bufio.Reader, n int) (got int, err error) {
	size, err := number(r)
	if err != nil {
		return 0, err
	}
	body := io.LimitReader(r, int64(size))
	z, err := zlib.NewReader(body)
	if err != nil {
		return 0, err
	}
	defer func() { _ = z.Close() }()
	if got, err = s.frames(ctx, bufio.NewReaderSize(z, 16<<10), n, true); err != nil {
		return got, err
	}
	_, err = io.Copy(io.Discard, body) // the checksum and what follows it
	return got, err
}

// data reads one event into the batch.
func (s *session) data(r *bufio.Reader, kind byte) error {
	seq, err := number(r)
	if err != nil {
		return err
	}
	s.win.last = seq
	if s.batch == nil {
		s.batch = &event.Batch{Source: s.source, Time: time.Now()}
	}
	doc := ""
	if kind == 'J' {
		doc, err = s.text(r, maxDocument)
	} else {
		doc, err = pairs(r)
	}
	s.batch.Records = append(s.batch.Records, event.Record{Data: doc})
	s.batch.Bytes += len(doc)
	return err
}

// text reads a length and as many bytes.
func (s *session) text(r *bufio.Reader, limit uint32) (string, error) {
	n, err := number(r)
	switch {
	case err != nil || n == 0:
		return "", err
	case n > limit:
		return "", fmt.Errorf("an event of %d bytes, more than %d", n, limit)
	case n > chunkBytes/4:
		return stream.ReadString(r, int(n))
	}
	if cap(s.chunk)-len(s.chunk) < int(n) {
		s.chunk = make([]byte, 0, chunkBytes)
	}
	at := len(s.chunk)
	s.chunk = s.chunk[:at+int(n)]
	if _, err := io.ReadFull(r, s.chunk[at:]); err != nil {
		return "", err
	}
	return unsafe.String(&s.chunk[at], n), nil
}

// pairs reads an event of version 1, keys and values, as a JSON document. What that version calls line is the message.
func pairs(r *bufio.Reader) (string, error) {
	n, err := number(r)
	if err != nil {
		return "", err
	}
	if n > maxPairs {
		return "", fmt.Errorf("an event of %d fields, more than %d", n, maxPairs)
	}
	doc := []byte{'{'}
	for i := range n {
		var kv [2]string
		for j := range kv {
			size, err := number(r)
			if err != nil {
				return "", err
			}
			if size > maxDocument || len(doc) > maxDocument {
				return "", fmt.Errorf("an event of more than %d bytes", maxDocument)
			}
			if size == 0 {
				continue
			}
			if kv[j], err = stream.ReadString(r, int(size)); err != nil {
				return "", err
			}
		}
		if kv[0] == "line" {
			kv[0] = "message"
		}
		if i > 0 {
			doc = append(doc, ',')
		}
		doc = append(event.AppendJSONString(doc, kv[0]), ':')
		doc = event.AppendJSONString(doc, kv[1])
	}
	doc = append(doc, '}')
	return unsafe.String(&doc[0], len(doc)), nil
}

// push hands the batch on.
func (s *session) push(ctx context.Context) error {
	b, w := s.batch, s.win
	s.batch = nil
	if b == nil {
		return nil
	}
	w.left.Add(1)
	b.Done = func(*event.Batch) { w.done() }
	return s.out.Push(ctx, b) // what is not taken is not acknowledged, so the client sends it again
}

// acknowledge tells the client of windows as they are delivered. Clients give up on a server that says nothing for long, so it hears of a
// window that takes its time that the connection lives.
func (s *session) acknowledge(ctx context.Context) error {
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	limit := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(drainLimit, func() { close(limit) }) })
	defer stop()
	for w := range s.acks {
		for waiting := true; waiting; {
			select {
			case <-w.settled:
				waiting = false
			case <-limit:
				return nil
			case <-tick.C:
				if w.version == '2' {
					if err := s.ack(w.version, 0); err != nil {
						return err
					}
				}
			}
		}
		s.open.Add(-1)
		if err := s.ack(w.version, w.last); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) ack(version byte, n uint32) error {
	_ = s.c.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := s.c.Write(binary.BigEndian.AppendUint32([]byte{version, 'A'}, n))
	return err
}

func header(r *bufio.Reader) (version, kind byte, err error) {
	if version, err = r.ReadByte(); err != nil {
		return 0, 0, err
	}
	if version != '1' && version != '2' {
		return 0, 0, fmt.Errorf("no Lumberjack frame: it begins with %q", version)
	}
	kind, err = r.ReadByte()
	return version, kind, unexpected(err)
}

func number(r *bufio.Reader) (uint32, error) {
	var b [4]byte
	_, err := io.ReadFull(r, b[:])
	return binary.BigEndian.Uint32(b[:]), unexpected(err)
}

// unexpected says that the end of the stream is none that a client makes.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
