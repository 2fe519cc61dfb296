package stream

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"millrace/internal/throttle"
)

// Accept hands each connection of l to serve, which must not wait, until ctx ends and l was told so, by StopAccepting or by being closed.
// An error says that l was closed though ctx goes on.
func Accept(ctx context.Context, l net.Listener, log *throttle.Logger, serve func(net.Conn)) error {
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			serve(c)
		case ctx.Err() != nil:
			return nil
		case !PauseAccept(ctx, err, log):
			return err
		}
	}
}

// acceptPause is how long to wait when the process has no file descriptor left for a connection.
const acceptPause = 100 * time.Millisecond

// PauseAccept logs an error of Accept and waits a moment, if it is one that passes (too many open files), and reports whether to go on.
func PauseAccept(ctx context.Context, err error, log *throttle.Logger) bool {
	if errors.Is(err, net.ErrClosed) {
		return false
	}
	log.Error("a connection could not be accepted", slog.Any("error", err))
	select {
	case <-time.After(acceptPause):
	case <-ctx.Done():
	}
	return true
}

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
