package syslog

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// serve runs the input of a config and returns its address.
func serve(t testing.TB, conf string, ecs plugin.ECS, change func(*inputtest.Sink)) (string, *inputtest.Sink, func()) {
	t.Helper()
	clock := func() time.Time { return time.Date(2024, 11, 20, 12, 0, 0, 0, time.UTC) }
	built, diags := inputtest.Build(t, Plugin, `host => "127.0.0.1" port => 0 timezone => "UTC" `+conf, plugin.Builder{ECS: ecs, Clock: clock})
	require.NotNil(t, built, diags.String())
	in := built.Input.(*input)
	out := inputtest.NewSink(built)
	if change != nil {
		change(out)
	}
	stop := inputtest.Run(t, in, out)
	require.Eventually(t, func() bool { return in.addr.Load() != nil }, time.Minute, time.Millisecond)
	return in.addr.Load().String(), out, stop
}

func send(t testing.TB, network, addr, text string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, addr)
	require.NoError(t, err)
	_, err = c.Write([]byte(text))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

const message = "<34>Oct 11 22:14:15 mymachine su[230]: 'su root' failed on /dev/pts/8"

func TestFields(t *testing.T) {
	f := func(ecs plugin.ECS, conf, text, want string) {
		t.Helper()
		for _, network := range []string{"tcp", "udp"} {
			addr, out, stop := serve(t, conf, ecs, nil)
			c := send(t, network, addr, text)
			require.JSONEq(t, want, out.Wait(1)[0], network)
			_ = c.Close()
			stop()
		}
	}
	f(plugin.ECSDisabled, `type => sys`, message+"\n", `{"@timestamp":"2024-10-11T22:14:15.000Z","message":"'su root' failed on /dev/pts/8\n","host":"127.0.0.1","type":"sys",
		"timestamp":"Oct 11 22:14:15","logsource":"mymachine","program":"su","pid":"230","priority":34,"severity":2,"facility":4,
		"severity_label":"Critical","facility_label":"security/authorization"}`)
	f(plugin.ECSv8, ``, message+"\n", `{"@timestamp":"2024-10-11T22:14:15.000Z","message":"'su root' failed on /dev/pts/8\n","event":{"original":"`+
		`<34>Oct 11 22:14:15 mymachine su[230]: 'su root' failed on /dev/pts/8\n"},"host":{"ip":"127.0.0.1","hostname":"mymachine"},"timestamp":"Oct 11 22:14:15",
		"process":{"name":"su","pid":230},"service":{"type":"system"},
		"log":{"syslog":{"priority":34,"severity":{"code":2,"name":"Critical"},"facility":{"code":4,"name":"security/authorization"}}}}`)
	f(plugin.ECSDisabled, ``, "<13>2024-03-04T05:06:07.890Z web app: hi\n", `{"@timestamp":"2024-03-04T05:06:07.890Z","message":"hi\n","host":"127.0.0.1",
		"timestamp":"2024-03-04T05:06:07.890Z","timestamp8601":"2024-03-04T05:06:07.890Z","logsource":"web","program":"app","priority":13,"severity":5,"facility":1,
		"severity_label":"Notice","facility_label":"user-level"}`)
	f(plugin.ECSDisabled, `use_labels => false tags => [own]`, "no syslog\n", `{"message":"no syslog\n","host":"127.0.0.1","priority":13,"severity":5,"facility":1,
		"tags":["_grokparsefailure_sysloginput","own"]}`)
	f(plugin.ECSDisabled, `grok_pattern => "<%{POSINT:priority}>%{WORD:word} %{GREEDYDATA:message}" facility_labels => [zero] severity_labels => [none]`,
		"<8>hello world\n", `{"message":"world\n","word":"hello","host":"127.0.0.1","priority":8,"severity":0,"facility":1,"severity_label":"none"}`)
	f(plugin.ECSDisabled, `codec => json syslog_field => log use_labels => false`, `{"log":"<34>Oct 11 22:14:15 m su: x","a":1}`+"\n",
		`{"@timestamp":"2024-10-11T22:14:15.000Z","log":"<34>Oct 11 22:14:15 m su: x","a":1,"message":"x","host":"127.0.0.1","timestamp":"Oct 11 22:14:15",
		"logsource":"m","program":"su","priority":34,"severity":2,"facility":4}`)
}

func TestLinesOfAConnection(t *testing.T) {
	addr, out, _ := serve(t, `use_labels => false`, plugin.ECSDisabled, nil)
	c := send(t, "tcp", addr, "<1>Oct 11 22:14:15 h p: one\n<2>Oct 11 22:14:15 h p: two")
	require.NoError(t, c.Close())
	got := out.Wait(2)
	require.Contains(t, got[0], `"message":"one\n"`)
	require.Contains(t, got[1], `"message":"two"`)
}

func TestProxyProtocol(t *testing.T) {
	addr, out, _ := serve(t, `proxy_protocol => true`, plugin.ECSDisabled, nil)
	bad := send(t, "tcp", addr, message+"\n")
	_, err := bad.Read(make([]byte, 1))
	require.Error(t, err)
	send(t, "tcp", addr, "PROXY TCP4 192.0.2.7 198.51.100.1 4711 514\r\n"+message+"\n")
	require.Contains(t, out.Wait(1)[0], `"host":"192.0.2.7"`)
}

// TestStopLosesNothingThatWasRead: a batch whose push the end interrupted is handed over all the same.
func TestStopLosesNothingThatWasRead(t *testing.T) {
	for _, network := range []string{"tcp", "udp"} {
		blocked, entered := make(chan struct{}), make(chan struct{}, 1)
		addr, out, stop := serve(t, ``, plugin.ECSDisabled, func(s *inputtest.Sink) { s.Blocked, s.Entered = blocked, entered })
		send(t, network, addr, message+"\n")
		<-entered
		send(t, network, addr, message+"\n") // in the kernel, or a connection that was not accepted yet
		close(blocked)
		out.Wait(2)
		stop()
		require.Equal(t, 2, out.Len())
	}
}

func TestMistakes(t *testing.T) {
	inputtest.Refused(t, Plugin, `port => 70000`, "not a port")
	inputtest.Refused(t, Plugin, `grok_pattern => "%{NOSUCH}"`, "NOSUCH")
	inputtest.Refused(t, Plugin, `timezone => "Nowhere/Land"`, "Nowhere/Land")
}

func BenchmarkDecode(b *testing.B) {
	built, _ := inputtest.Build(b, Plugin, `port => 0`, plugin.Builder{ECS: plugin.ECSDisabled})
	benchmark(b, built)
}

func benchmark(b *testing.B, built *plugin.Built) {
	d, e := built.Codec.NewDecoder(), event.New(nil)
	next := func() *event.Event {
		e.Reset()
		return e
	}
	r := event.Record{Data: message}
	b.ReportAllocs()
	for b.Loop() {
		d.Decode(&r, next)
	}
}

// TestStopDrains: what the kernel has received when the end comes is read on.
func TestStopDrains(t *testing.T) {
	for _, network := range []string{"tcp", "udp"} {
		blocked, entered := make(chan struct{}), make(chan struct{}, 1)
		addr, out, stop := serve(t, ``, plugin.ECSDisabled, func(s *inputtest.Sink) { s.Blocked, s.Entered = blocked, entered })
		c := send(t, network, addr, message+"\n")
		<-entered
		for range 10 {
			_, err := c.Write([]byte(message + "\n"))
			require.NoError(t, err)
		}
		go close(blocked)
		stop()
		require.Equal(t, 11, out.Len(), network)
	}
}
