package netout

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/logging"
	"millrace/internal/throttle"
	"millrace/pipeline/plugin"
)

// TestResends: what connections break over again and again is given up after as many attempts as are allowed.
func TestResends(t *testing.T) {
	f := func(most int, drop bool, connections int64) {
		t.Helper()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { _ = l.Close() }()
		var accepted atomic.Int64
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				accepted.Add(1)
				_, _ = c.Read(make([]byte, 1))
				_ = c.(*net.TCPConn).SetLinger(0) // a reset
				_ = c.Close()
			}
		}()
		env := &plugin.Env{Log: logging.Discard(), Stats: new(plugin.Stats)}
		s := &Stream{Addresses: []string{l.Addr().String()}, Pause: time.Millisecond, MaxResends: most, DropUnwritten: drop, Env: env, Log: throttle.New(env.Log, time.Minute)}
		turn := &Turn{Data: make([]byte, 64<<20), events: []int{1}} // more than sockets hold
		turn.EndRecord()
		require.NoError(t, s.Send(t.Context(), turn))
		require.Equal(t, connections, accepted.Load())
		require.EqualValues(t, 1, env.Stats.Dropped.Load())
		require.Zero(t, env.Stats.Delivered.Load())
		require.Equal(t, connections-1, env.Stats.Retried.Load())
	}
	f(2, false, 3)
	f(0, true, 1)
	f(2, true, 1)
}
