package lumberjack

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"millrace/internal/netout"
)

// ack is what a server says: how many events it has, or why it will say no more.
type ack struct {
	n   uint32
	err error
}

// listen reads what a server says, whether anybody takes it or not: a server that could not be read would not read either. The last thing is an error, after
// which ended is closed.
func listen(c net.Conn) (said *netout.Queue[ack], ended chan struct{}) {
	said, ended = netout.NewQueue[ack](), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			n, err := readAck(c)
			said.Put(ack{n, err})
			if err != nil {
				return
			}
		}
	}()
	return said, ended
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
