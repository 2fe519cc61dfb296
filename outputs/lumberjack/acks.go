package lumberjack

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
)

// reader reads what a server says, whether anybody listens or not: a server that could not be read would not read either.
type reader struct {
	heard chan struct{} // that there is something to take
	ended chan struct{}

	mu   sync.Mutex // guards what follows
	acks []uint32
	err  error
}

// startReader reads a connection until it ends.
func startReader(c net.Conn) *reader {
	r := &reader{heard: make(chan struct{}, 1), ended: make(chan struct{})}
	go r.run(c)
	return r
}

func (r *reader) run(c net.Conn) {
	defer close(r.ended)
	for {
		n, err := readAck(c)
		r.mu.Lock()
		if err == nil {
			r.acks = append(r.acks, n)
		}
		r.err = err
		r.mu.Unlock()
		select {
		case r.heard <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// take returns the acknowledgements since the last time, and why there are no more.
func (r *reader) take() ([]uint32, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	acks := r.acks
	r.acks = nil
	return acks, r.err
}

// readAck reads an acknowledgement. Its version is that of the protocol's newer part when Logstash gives a sign of life.
func readAck(r io.Reader) (uint32, error) {
	var b [6]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return 0, err
	}
	if b[0] != '1' && b[0] != '2' || b[1] != 'A' {
		return 0, fmt.Errorf("expected an acknowledgement, and got a frame that begins with %q", b[:2])
	}
	return binary.BigEndian.Uint32(b[2:]), nil
}
