package stream

import (
	"net"
	"time"
)

// acceptLast is how long a listener stays open after the pipeline was told to stop: more than a handshake takes that has begun. Inputs
// wait longer for their connections to fall silent.
const acceptLast = 100 * time.Millisecond

// StopAccepting makes l accept for a last moment, after which Accept returns os.ErrDeadlineExceeded. The kernel completes connections
// before they are accepted: closing the listener at once would reset those, and lose what their peers have sent. Where the kernel can do
// it no connection begins after this call, for one that began between the last Accept and Close would be reset as well: its peer begins
// again a second later and finds the port closed, or somebody else's. Multipath TCP must be off: its sockets take the filter and do not
// apply it.
func StopAccepting(l net.Listener) {
	if t, ok := l.(*net.TCPListener); ok {
		refuseNew(t)
	}
	d, ok := l.(interface{ SetDeadline(time.Time) error })
	if !ok || d.SetDeadline(time.Now().Add(acceptLast)) != nil {
		_ = l.Close()
	}
}
