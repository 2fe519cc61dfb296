package testenv

import (
	"net"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFreePort: a port is nobody else's until its test has ended, and no client's.
func TestFreePort(t *testing.T) {
	seen := map[int]bool{}
	for range 200 {
		port := FreePort(t)
		require.False(t, seen[port])
		seen[port] = true
		require.True(t, port >= lowestPort && port < highestPort)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		require.NoError(t, err)
		require.NoError(t, l.Close())
	}
	if runtime.GOOS != "linux" {
		return
	}
	for port := range seen {
		require.Nil(t, claim(port))
	}
	var port int
	t.Run("", func(t *testing.T) { port = FreePort(t) })
	release := claim(port)
	require.NotNil(t, release, "the test that had it has ended")
	release()
}
