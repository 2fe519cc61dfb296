package udp

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// serve runs the input of a config and returns a connection to it.
func serve(t testing.TB, conf string, ecs plugin.ECS, change func(*inputtest.Sink)) (*net.UDPConn, *inputtest.Sink, func()) {
	t.Helper()
	built, diags := inputtest.Build(t, Plugin, `host => "127.0.0.1" port => 0 `+conf, plugin.Builder{ECS: ecs})
	require.NotNil(t, built, diags.String())
	in := built.Input.(*input)
	out := inputtest.NewSink(built)
	if change != nil {
		change(out)
	}
	stop := inputtest.Run(t, in, out)
	require.Eventually(t, func() bool { return in.addr.Load() != nil }, time.Minute, time.Millisecond)
	c, err := net.DialUDP("udp", nil, in.addr.Load())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c, out, stop
}

func send(t testing.TB, c *net.UDPConn, datagrams ...string) {
	t.Helper()
	for _, d := range datagrams {
		_, err := c.Write([]byte(d))
		require.NoError(t, err)
	}
}

func TestFields(t *testing.T) {
	f := func(ecs plugin.ECS, conf, datagram, want string) {
		t.Helper()
		c, out, stop := serve(t, conf, ecs, nil)
		send(t, c, datagram)
		require.JSONEq(t, want, out.Wait(1)[0])
		stop()
		require.Equal(t, 1, out.Len())
	}
	f(plugin.ECSDisabled, `type => "udp"`, "datagram\n", `{"message":"datagram\n","host":"127.0.0.1","type":"udp"}`)
	f(plugin.ECSv8, `type => "udp"`, "datagram\n", `{"message":"datagram\n","event":{"original":"datagram\n"},"host":{"ip":"127.0.0.1"},"type":"udp"}`)
	f(plugin.ECSDisabled, `codec => json`, `{"a":1}`, `{"a":1,"host":"127.0.0.1"}`)
	f(plugin.ECSDisabled, `codec => json`, `{"a":1,"host":"own"}`, `{"a":1,"host":"own"}`)
	f(plugin.ECSv8, `codec => json`, `{"a":1}`, `{"a":1,"event":{"original":"{\"a\":1}"},"host":{"ip":"127.0.0.1"}}`)
	f(plugin.ECSv8, `source_ip_fieldname => "[@metadata][from]"`, "x", `{"message":"x","event":{"original":"x"},"@metadata":{"from":"127.0.0.1"}}`)
	f(plugin.ECSDisabled, `buffer_size => 4`, "123456", `{"message":"1234","host":"127.0.0.1","tags":["_record_too_long"]}`)
	f(plugin.ECSDisabled, ``, "", `{"message":"","host":"127.0.0.1"}`)
}

func TestCodecThatCuts(t *testing.T) {
	c, out, _ := serve(t, `codec => line workers => 1`, plugin.ECSDisabled, nil) // several would not keep the order
	send(t, c, "a\nb", "c\n")
	require.Equal(t, []string{`{"message":"a","host":"127.0.0.1"}`, `{"message":"b","host":"127.0.0.1"}`, `{"message":"c","host":"127.0.0.1"}`}, out.Wait(3))
}

func TestSeveralSenders(t *testing.T) {
	c, out, _ := serve(t, ``, plugin.ECSDisabled, nil)
	other, err := net.DialUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)}, c.RemoteAddr().(*net.UDPAddr))
	require.NoError(t, err)
	defer func() { _ = other.Close() }()
	for i := range 50 {
		send(t, c, fmt.Sprint("one ", i))
		send(t, other, fmt.Sprint("two ", i))
	}
	got := out.Wait(100)
	slices.Sort(got)
	for i := range 50 {
		require.Contains(t, got, fmt.Sprintf(`{"message":"one %d","host":"127.0.0.1"}`, i))
		require.Contains(t, got, fmt.Sprintf(`{"message":"two %d","host":"127.0.0.2"}`, i))
	}
}

// TestStopDrains: what the kernel had received when the input was told to stop arrives, also while the pipeline was blocked.
func TestStopDrains(t *testing.T) {
	const n = 100
	blocked := make(chan struct{})
	entered := make(chan struct{}, 1)
	c, out, stop := serve(t, "workers => 1 receive_buffer_bytes => 200000", plugin.ECSDisabled, func(s *inputtest.Sink) {
		s.Blocked, s.Entered = blocked, entered
	})
	send(t, c, "first")
	<-entered
	for i := range n {
		send(t, c, fmt.Sprint("datagram ", i))
	}
	require.Zero(t, out.Len())
	close(blocked)
	stop()
	got := out.Wait(n + 1)
	require.Len(t, got, n+1)
	require.Contains(t, got[n], fmt.Sprint("datagram ", n-1))
}

func TestBackPressure(t *testing.T) {
	blocked := make(chan struct{})
	entered := make(chan struct{}, 1)
	c, out, stop := serve(t, "workers => 1", plugin.ECSDisabled, func(s *inputtest.Sink) { s.Blocked, s.Entered = blocked, entered })
	// Far more than the kernel keeps: the input may not take what it cannot hand on.
	text := strings.Repeat("x", 8000)
	for range 2000 {
		send(t, c, text)
	}
	<-entered
	close(blocked)
	stop()
	require.Less(t, out.Len(), 1900)
}

func TestMistakes(t *testing.T) {
	inputtest.Refused(t, Plugin, `host => "x"`, `option "port" is required`)
	inputtest.Refused(t, Plugin, `port => 70000`, "not a port")
	inputtest.Refused(t, Plugin, `port => 1 workers => 0`, "0 is less than 1")
	inputtest.Refused(t, Plugin, `port => 1 queue_size => 0 buffer_size => -1`, "-1 is less than 1")
	inputtest.Refused(t, Plugin, `port => 1 receive_buffer_bytes => -1`, "not negative")
}

func TestPortInUse(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	built, _ := inputtest.Build(t, Plugin, fmt.Sprintf(`host => "127.0.0.1" port => %d`, c.LocalAddr().(*net.UDPAddr).Port), plugin.Builder{})
	require.Error(t, built.Input.Run(context.Background(), inputtest.NewSink(built)))
}

type counting struct{ n chan int }

func (c counting) Push(_ context.Context, b *event.Batch) error {
	n := len(b.Records)
	b.Expect(0)
	c.n <- n
	return nil
}

func BenchmarkDatagrams(b *testing.B) {
	built, _ := inputtest.Build(b, Plugin, `host => "127.0.0.1" port => 0 receive_buffer_bytes => 4000000`, plugin.Builder{})
	in := built.Input.(*input)
	out := counting{make(chan int, 1024)}
	inputtest.Run(b, in, out)
	require.Eventually(b, func() bool { return in.addr.Load() != nil }, time.Minute, time.Millisecond)
	c, err := net.DialUDP("udp", nil, in.addr.Load())
	require.NoError(b, err)
	text := []byte(strings.Repeat("x", 160))
	b.ReportAllocs()
	got := 0
	for sent := 0; got < b.N; {
		for ; sent < b.N && sent-got < 200; sent++ {
			_, _ = c.Write(text)
		}
		got += <-out.n
	}
}
