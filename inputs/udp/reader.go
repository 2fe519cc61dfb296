package udp

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"millrace/internal/stream"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// The limits of what a reader takes from the kernel in one go.
const (
	maxRecords = 512
	maxBytes   = 512 << 10
	maxPeers   = 4096 // senders whose sources are remembered
)

// drainLimit is how long the end may take to hand over what the kernel had received.
const drainLimit = 2 * time.Second

// reader takes datagrams from the socket: it waits for the first, and takes what else is there without waiting. Each sender's go into a
// batch of their own. It is one goroutine.
type reader struct {
	in     *input
	raw    syscall.RawConn
	out    plugin.Sink
	framer plugin.Framer // nil: a datagram is a record
	limit  int           // datagrams in one go
	size   int           // of a chunk
	pool   sync.Pool

	chunk   []byte // written once; records are parts of it
	end     int
	peers   map[netip.Addr]*peer
	touched []*peer // with datagrams of this go
}

// peer is a sender.
type peer struct {
	source *event.Source
	batch  *event.Batch // being filled
}

func newReader(in *input, raw syscall.RawConn, out plugin.Sink) *reader {
	r := &reader{
		in: in, raw: raw, out: out, limit: max(1, min(maxRecords, in.o.QueueSize/in.o.Workers)), size: max(4*in.o.BufferSize, 32<<10),
		peers: make(map[netip.Addr]*peer),
	}
	if in.env.CutsStreams() {
		r.framer = in.env.NewFramer()
	}
	return r
}

// run reads until ctx ends.
func (r *reader) run(ctx context.Context) error {
	for ctx.Err() == nil {
		var failed error
		err := r.raw.Read(func(fd uintptr) (done bool) {
			var n int
			n, failed = r.take(fd)
			return n > 0 || failed != nil
		})
		if perr := r.push(ctx); perr != nil {
			return perr
		}
		if err == nil {
			err = failed
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
	}
	return r.drain(ctx)
}

// drain takes what the kernel has received when ctx ended.
func (r *reader) drain(ctx context.Context) error {
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
	defer cancel()
	for late.Err() == nil {
		n := 0
		if err := r.raw.Control(func(fd uintptr) { n, _ = r.take(fd) }); err != nil || n == 0 {
			return err
		}
		if err := r.push(late); err != nil {
			return err
		}
	}
	return nil
}

// take receives datagrams until there is none or enough are taken, and returns how many.
func (r *reader) take(fd uintptr) (n int, err error) {
	bytes := 0
	for n < r.limit && bytes < maxBytes {
		if cap(r.chunk)-r.end < r.in.o.BufferSize {
			r.chunk, r.end = make([]byte, r.size), 0
		}
		buf := r.chunk[r.end : r.end+r.in.o.BufferSize]
		size, from, err := syscall.Recvfrom(int(fd), buf, syscall.MSG_DONTWAIT|syscall.MSG_TRUNC)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return n, nil
		case errors.Is(err, syscall.ECONNREFUSED): // an ICMP message, which is no datagram
			continue
		case err != nil:
			return n, err
		}
		n++
		tag := ""
		if size > len(buf) {
			size, tag = len(buf), stream.CutTag
			r.in.cut.Add(1)
		}
		bytes += size
		r.add(r.peer(from), unsafe.String(unsafe.SliceData(buf), size), tag)
		r.end += size
	}
	return n, nil
}

// add puts a datagram into the batch of its sender.
func (r *reader) add(p *peer, data, tag string) {
	if p.batch == nil {
		p.batch = r.batch()
		r.touched = append(r.touched, p)
	}
	b := p.batch
	b.Bytes += len(data)
	r.in.datagrams.Add(1)
	first := len(b.Records)
	if r.framer == nil {
		b.Records = append(b.Records, event.Record{Data: data, Tag: tag})
		return
	}
	var rest string
	b.Records, rest = r.framer.Frame(data, b.Records)
	b.Records = r.framer.Flush(rest, b.Records)
	if tag != "" && len(b.Records) > first {
		b.Records[len(b.Records)-1].Tag = tag
	}
}

// batch returns an empty batch, which comes back when it is done.
func (r *reader) batch() *event.Batch {
	b, _ := r.pool.Get().(*event.Batch)
	if b == nil {
		b = new(event.Batch)
	}
	b.Time = time.Now()
	b.Done = r.recycle
	return b
}

func (r *reader) recycle(b *event.Batch) {
	clear(b.Records)
	b.Records, b.Source, b.Done, b.Bytes = b.Records[:0], nil, nil, 0
	r.pool.Put(b)
}

// peer returns the sender at an address.
func (r *reader) peer(from syscall.Sockaddr) *peer {
	var addr netip.Addr
	switch a := from.(type) {
	case *syscall.SockaddrInet4:
		addr = netip.AddrFrom4(a.Addr)
	case *syscall.SockaddrInet6:
		addr = netip.AddrFrom16(a.Addr).Unmap()
	}
	if p := r.peers[addr]; p != nil {
		return p
	}
	if len(r.peers) >= maxPeers {
		clear(r.peers) // those with datagrams of this go are in touched
	}
	p := &peer{source: r.in.env.NewSource(event.SourceField{Path: r.in.field, Value: event.StringValue(addr.String())})}
	r.peers[addr] = p
	return p
}

// push hands the batches on. Once ctx has ended what is left gets the time of the drain.
func (r *reader) push(ctx context.Context) error {
	defer func() { r.touched = slices.Delete(r.touched, 0, len(r.touched)) }()
	for _, p := range r.touched {
		b := p.batch
		p.batch, b.Source = nil, p.source
		if err := stream.Push(ctx, r.out, b, drainLimit, r.in.env.Log); err != nil {
			return err
		}
	}
	return nil
}

// receiveBuffer returns the size of the kernel's buffer that a socket has for data; 0 if it cannot be told.
func receiveBuffer(c syscall.Conn) (size int) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		size, _ = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF)
	})
	return size / 2 // Linux doubles what it is asked for, to cover its own cost
}
