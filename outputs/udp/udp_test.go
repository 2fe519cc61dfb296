package udp

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/outputtest"
)

func listen(t *testing.T) (*net.UDPConn, string) {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	return c, strconv.Itoa(c.LocalAddr().(*net.UDPAddr).Port)
}

func read(t *testing.T, c *net.UDPConn) string {
	t.Helper()
	buf := make([]byte, 64<<10)
	n, err := c.Read(buf)
	require.NoError(t, err)
	return string(buf[:n])
}

func TestDatagrams(t *testing.T) {
	c, port := listen(t)
	o := outputtest.New(t, Plugin, `host => "localhost" port => `+port)
	o.Write(t, `{"a":1}`, `{"b":2}`)
	require.Equal(t, `{"a":1}`, read(t, c))
	require.Equal(t, `{"b":2}`, read(t, c))
	require.Equal(t, int64(2), o.Env.Stats.Delivered.Load())
}

func TestPortOfTheEvent(t *testing.T) {
	a, portA := listen(t)
	b, portB := listen(t)
	o := outputtest.New(t, Plugin, `host => "127.0.0.1" port => "%{[p]}" codec => plain { format => "%{m}" }`)
	require.Len(t, o.Append(t, `{"p":"bogus","m":"x"}`, `{"m":"y"}`, `{"p":0,"m":"z"}`), 3)
	o.Write(t, `{"p":`+portA+`,"m":"for a"}`, `{"p":"`+portB+`","m":"for b"}`)
	require.Equal(t, "for a", read(t, a))
	require.Equal(t, "for b", read(t, b))
	require.Equal(t, int64(3), o.Env.Stats.Dropped.Load())
	require.Equal(t, int64(2), o.Env.Stats.Delivered.Load())
}

// What is longer than a datagram can be is dropped and counted, and not tried again.
func TestLongEvent(t *testing.T) {
	c, port := listen(t)
	o := outputtest.New(t, Plugin, `host => "127.0.0.1" retry_count => 5 port => `+port)
	o.Write(t, `{"m":"`+strings.Repeat("0", 65536)+`"}`, `{"a":1}`)
	require.Equal(t, `{"a":1}`, read(t, c))
	require.Equal(t, int64(1), o.Env.Stats.Dropped.Load())
	require.Zero(t, o.Env.Stats.Retried.Load())
}

func TestRetries(t *testing.T) {
	o := outputtest.New(t, Plugin, `host => "name.invalid" port => 9 retry_count => 5 retry_backoff_ms => 1`)
	o.Write(t, `{"a":1}`)
	require.Equal(t, int64(5), o.Env.Stats.Retried.Load())
	require.Equal(t, int64(1), o.Env.Stats.Dropped.Load())
	o = outputtest.New(t, Plugin, `host => "name.invalid" port => 9`)
	o.Write(t, `{"a":1}`)
	require.Zero(t, o.Env.Stats.Retried.Load())
	require.Equal(t, int64(1), o.Env.Stats.Dropped.Load())
}

func TestMistakes(t *testing.T) {
	outputtest.Refused(t, Plugin, `host => "h"`, `"port" is required`)
	outputtest.Refused(t, Plugin, `host => "h" port => "x"`, "not a port")
	outputtest.Refused(t, Plugin, `host => "h" port => 1 retry_count => -1`, "not negative")
}
