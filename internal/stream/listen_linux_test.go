package stream

import (
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestStopAccepting: what was connected before is accepted with all that it sends, and nothing is connected after.
func TestStopAccepting(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::]:0"} {
		var lc net.ListenConfig
		lc.SetMultipathTCP(false)
		l, err := lc.Listen(t.Context(), "tcp", address)
		if err != nil {
			t.Logf("no %s here: %v", address, err)
			continue
		}
		defer func() { _ = l.Close() }()
		early, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		StopAccepting(l)
		_, err = io.WriteString(early, "a line\n")
		require.NoError(t, err)
		require.NoError(t, early.Close())

		c, err := l.Accept()
		require.NoError(t, err)
		got, err := io.ReadAll(c)
		require.NoError(t, err)
		require.NoError(t, c.Close())
		require.Equal(t, "a line\n", string(got))

		_, err = l.Accept()
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		_, err = net.DialTimeout("tcp", l.Addr().String(), 100*time.Millisecond)
		var failed net.Error
		require.ErrorAs(t, err, &failed, "this connection would be reset when the listener is closed")
		require.True(t, failed.Timeout(), err)
		require.NoError(t, l.Close())
		_, err = net.DialTimeout("tcp", l.Addr().String(), 5*time.Second)
		require.Error(t, err)
	}
}
