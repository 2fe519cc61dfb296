package gelf

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// The limits of what the reader takes from the kernel in one go.
const (
	maxDatagram = 64 << 10
	maxRecords  = 512
	maxBytes    = 512 << 10
	chunkSize   = 4 * maxDatagram // of memory that is read into
	maxPeers    = 4096            // senders whose sources are remembered
)

func (in *input) runUDP(ctx context.Context, out plugin.Sink) error {
	var lc net.ListenConfig
	pc, err := lc.ListenPacket(ctx, "udp", net.JoinHostPort(in.o.Host, strconv.Itoa(in.portUDP)))
	if err != nil {
		return err
	}
	c := pc.(*net.UDPConn)
	defer func() { _ = c.Close() }()
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	addr := c.LocalAddr()
	in.udp.Store(&addr)
	in.env.Log.Info("listening", "address", addr.String(), "protocol", "udp")
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	r := &reader{in: in, peers: make(map[netip.Addr]*event.Source), parts: newAssembly(in.broken)}
	for ctx.Err() == nil {
		n, failed := 0, error(nil)
		err := raw.Read(func(fd uintptr) bool {
			n, failed = r.take(fd)
			return n > 0 || failed != nil
		})
		if perr := r.push(ctx, out); perr != nil {
			return perr
		}
		if err = errors.Join(err, failed); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
	}
	return r.drain(ctx, raw, out)
}

// drain takes what the kernel has received when ctx ended. Senders that go on do not keep it from ending.
func (r *reader) drain(ctx context.Context, raw syscall.RawConn, out plugin.Sink) error {
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
	defer cancel()
	for late.Err() == nil {
		n := 0
		if err := raw.Control(func(fd uintptr) { n, _ = r.take(fd) }); err != nil || n == 0 {
			return err
		}
		if err := r.push(late, out); err != nil {
			return err
		}
	}
	return nil
}

// reader takes datagrams and puts those of one sender that came in a row into one batch. It is one goroutine.
type reader struct {
	in    *input
	chunk []byte // written once; records are parts of it
	end   int
	peers map[netip.Addr]*event.Source
	parts *assembly
	full  []*event.Batch
}

// take receives datagrams until there is none or enough are taken, and returns how many.
func (r *reader) take(fd uintptr) (n int, err error) {
	for bytes := 0; n < maxRecords && bytes < maxBytes; {
		if cap(r.chunk)-r.end < maxDatagram {
			r.chunk, r.end = make([]byte, chunkSize), 0
		}
		size, from, err := syscall.Recvfrom(int(fd), r.chunk[r.end:r.end+maxDatagram], syscall.MSG_DONTWAIT)
		switch {
		case errors.Is(err, syscall.EINTR), errors.Is(err, syscall.ECONNREFUSED):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return n, nil
		case err != nil:
			return n, err
		}
		n++
		r.in.datagrams.Add(1)
		if size > 0 {
			r.add(from, unsafe.String(&r.chunk[r.end], size))
		}
		r.end += size
		bytes += size
	}
	return n, nil
}

// add puts a message into the batch of its sender: a whole one, or the one that a chunk completes.
func (r *reader) add(from syscall.Sockaddr, data string) {
	if strings.HasPrefix(data, chunkMagic) {
		var whole bool
		if data, whole = r.parts.add(data, time.Now()); !whole {
			return
		}
	}
	s := r.source(from)
	if n := len(r.full); n == 0 || r.full[n-1].Source != s {
		r.full = append(r.full, &event.Batch{Source: s, Time: time.Now()})
	}
	b := r.full[len(r.full)-1]
	b.Records = append(b.Records, event.Record{Data: data})
	b.Bytes += len(data)
}

func (r *reader) source(from syscall.Sockaddr) *event.Source {
	var addr netip.Addr
	switch a := from.(type) {
	case *syscall.SockaddrInet4:
		addr = netip.AddrFrom4(a.Addr)
	case *syscall.SockaddrInet6:
		addr = netip.AddrFrom16(a.Addr).Unmap()
	}
	if s := r.peers[addr]; s != nil {
		return s
	}
	if len(r.peers) >= maxPeers {
		clear(r.peers)
	}
	s := r.in.source(addr.String())
	r.peers[addr] = s
	return s
}

func (r *reader) push(ctx context.Context, out plugin.Sink) error {
	for _, b := range r.full {
		if err := r.in.push(ctx, out, b); err != nil {
			return err
		}
	}
	clear(r.full)
	r.full = r.full[:0]
	return nil
}
