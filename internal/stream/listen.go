package stream

import (
	"net"
	"time"
)

// acceptLast is how long a listener stays open after the pipeline was told to stop.
const acceptLast = 20 * time.Millisecond

// StopAccepting makes l accept for a last moment, after which Accept returns os.ErrDeadlineExceeded. The kernel completes connections
// before they are accepted: closing the listener at once would reset those, and lose what their peers have sent.
func StopAccepting(l net.Listener) {
	d, ok := l.(interface{ SetDeadline(time.Time) error })
	if !ok || d.SetDeadline(time.Now().Add(acceptLast)) != nil {
		_ = l.Close()
	}
}
