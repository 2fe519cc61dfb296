package gelf

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// start runs the input of a config.
func start(t testing.TB, conf string) (*input, *inputtest.Sink, func()) {
	t.Helper()
	built, diags := inputtest.Build(t, Plugin, `host => "127.0.0.1" port => 0 `+conf, plugin.Builder{ECS: plugin.ECSDisabled})
	require.NotNil(t, built, diags.String())
	in := built.Input.(*input)
	out := inputtest.NewSink(built)
	stop := inputtest.Run(t, in, out)
	require.Eventually(t, func() bool {
		return (!in.o.UseUDP || in.udp.Load() != nil) && (!in.o.UseTCP || in.tcp.Load() != nil)
	}, time.Minute, time.Millisecond)
	return in, out, stop
}

func dial(t testing.TB, addr *net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial((*addr).Network(), (*addr).String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func send(t testing.TB, c net.Conn, data string) {
	t.Helper()
	_, err := c.Write([]byte(data))
	require.NoError(t, err)
}

func compressed(t testing.TB, text string, w io.WriteCloser, b *bytes.Buffer) string {
	t.Helper()
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func gz(t testing.TB, text string) string {
	var b bytes.Buffer
	return compressed(t, text, gzip.NewWriter(&b), &b)
}

func zl(t testing.TB, text string) string {
	var b bytes.Buffer
	return compressed(t, text, zlib.NewWriter(&b), &b)
}

// chunks cuts a message.
func chunks(id, data string, size int) (list []string) {
	count := (len(data) + size - 1) / size
	for i := range count {
		list = append(list, chunkMagic+id+string([]byte{byte(i), byte(count)})+data[i*size:min((i+1)*size, len(data))])
	}
	return list
}

func TestDatagrams(t *testing.T) {
	in, out, stop := start(t, "")
	c := dial(t, in.udp.Load())
	n := 0
	f := func(data, want string) {
		t.Helper()
		send(t, c, data)
		n++
		require.Equal(t, want, out.Wait(n)[n-1])
	}
	f(`{"short_message":"plain"}`, `{"message":"plain","source_host":"127.0.0.1"}`)
	f(gz(t, `{"short_message":"gzip"}`), `{"message":"gzip","source_host":"127.0.0.1"}`)
	f(gz(t, `{"short_message":"again"}`), `{"message":"again","source_host":"127.0.0.1"}`)
	f(zl(t, `{"short_message":"zlib"}`), `{"message":"zlib","source_host":"127.0.0.1"}`)
	f("\x1f\x3c"+`{"short_message":"header"}`, `{"message":"header","source_host":"127.0.0.1"}`)
	long := strings.Repeat("We survived gelf! ", 500)
	parts := chunks("identity", gz(t, `{"short_message":"`+long+`"}`), 30)
	require.Greater(t, len(parts), 2)
	for i := len(parts) - 1; i > 0; i-- { // the last comes first
		send(t, c, parts[i])
	}
	f(parts[0], `{"message":"`+long+`","source_host":"127.0.0.1"}`)
	send(t, c, gz(t, "text")[:12])
	send(t, c, chunkMagic+"short")
	f(`no JSON`, `{"message":"no JSON","tags":["_jsonparsefailure","_fromjsonparser"],"source_host":"127.0.0.1"}`)
	f(`[1]`, `{"message":"[1]","tags":["_jsonparsefailure","_fromjsonparser"],"source_host":"127.0.0.1"}`)
	stop()
	require.Equal(t, int64(2), in.broken.Load())
}

func TestFields(t *testing.T) {
	f := func(conf, doc, want string) {
		t.Helper()
		built, diags := inputtest.Build(t, Plugin, conf, plugin.Builder{ECS: plugin.ECSDisabled})
		require.NotNil(t, built, diags.String())
		in := built.Input.(*input)
		b := &event.Batch{Source: in.source("192.0.2.1"), Records: []event.Record{{Data: doc}}, Time: time.Unix(1, 0)}
		require.Equal(t, []string{want}, inputtest.Documents(in.Codec().NewDecoder(), b, 0))
	}
	f("", `{"full_message":"long","short_message":"l","host":"h"}`, `{"short_message":"l","host":"h","message":"long","source_host":"192.0.2.1"}`)
	f("", `{"full_message":"same","short_message":"same"}`, `{"message":"same","source_host":"192.0.2.1"}`)
	f("", `{"full_message":"","short_message":"s"}`, `{"full_message":"","message":"s","source_host":"192.0.2.1"}`)
	f("remap => false", `{"full_message":"long","short_message":"l"}`, `{"full_message":"long","short_message":"l","source_host":"192.0.2.1"}`)
	f("", `{"_container_name":"web","_n":5}`, `{"container_name":"web","n":5,"source_host":"192.0.2.1"}`)
	f("strip_leading_underscore => false", `{"_a":1}`, `{"_a":1,"source_host":"192.0.2.1"}`)
	f("", `{"_@timestamp":"x","_":2}`, `{"_@timestamp":"x","_":2,"tags":["_gelf_move_field_failure"],"source_host":"192.0.2.1"}`)
	f("", `{"timestamp":946702800}`, `{"@timestamp":"2000-01-01T05:00:00.000Z","source_host":"192.0.2.1"}`)
	f("", `{"timestamp":946702800.1}`, `{"@timestamp":"2000-01-01T05:00:00.100Z","source_host":"192.0.2.1"}`)
	f("", `{"timestamp":946702800.123456}`, `{"@timestamp":"2000-01-01T05:00:00.123456Z","source_host":"192.0.2.1"}`)
	f("", `{"timestamp":"now"}`, `{"timestamp":"now","source_host":"192.0.2.1"}`)
	f("", `{"source_host":"forged"}`, `{"source_host":"192.0.2.1"}`)
	f(`type => "gelf" add_field => {"a" => "b"}`, `{}`, `{"source_host":"192.0.2.1","type":"gelf","a":"b"}`)
}

func TestConnections(t *testing.T) {
	in, out, stop := start(t, "use_tcp => true port_tcp => 0")
	c := dial(t, in.tcp.Load())
	send(t, c, `{"short_message":"one"}`+"\x00"+`{"short_message":`)
	require.Equal(t, []string{`{"message":"one","source_host":"127.0.0.1"}`}, out.Wait(1))
	send(t, c, `"two"}`+"\x00\n"+`{"short_message":"three"}`)
	require.NoError(t, c.Close())
	require.Equal(t, `{"message":"three","source_host":"127.0.0.1"}`, out.Wait(3)[2])
	send(t, dial(t, in.udp.Load()), `{"short_message":"four"}`)
	out.Wait(4)
	last := dial(t, in.tcp.Load())
	send(t, last, `{"short_message":"five"}`)
	stop()
	require.Len(t, out.Wait(5), 5)
}

func TestStopReadsWhatHasArrived(t *testing.T) {
	in, out, stop := start(t, "")
	c := dial(t, in.udp.Load())
	for i := range 100 {
		send(t, c, fmt.Sprintf(`{"short_message":"%d"}`, i))
	}
	stop()
	require.Equal(t, 100, out.Len())
}

func TestAssembly(t *testing.T) {
	var broken atomic.Int64
	a := newAssembly(&broken)
	now := time.Unix(0, 0)
	parts := chunks("identity", "a message in parts", 5)
	require.Len(t, parts, 4)
	for _, i := range []int{2, 0, 0, 3} {
		_, whole := a.add(parts[i], now)
		require.False(t, whole)
	}
	got, whole := a.add(parts[1], now)
	require.True(t, whole)
	require.Equal(t, "a message in parts", got)
	require.Zero(t, a.bytes)

	a.add(parts[0], now)
	_, whole = a.add(parts[1], now.Add(chunkLife))
	require.False(t, whole)
	require.Equal(t, int64(1), broken.Load()) // the first chunk waited too long
	for _, wrong := range []string{chunkMagic, chunkMagic + "identity\x05\x05", chunkMagic + "identity\x00\x00x", chunkMagic + "identity\x00\xffx",
		chunkMagic + "identity\x00\x09x"} {
		before := broken.Load()
		_, whole := a.add(wrong, now)
		require.False(t, whole)
		require.Equal(t, before+1, broken.Load(), "%q", wrong)
	}
	for i := range 2 * maxWaiting {
		a.add(chunkMagic+fmt.Sprintf("%08d", i)+"\x00\x02x", now)
	}
	require.LessOrEqual(t, a.oldest.Len(), maxWaiting)
	require.Len(t, a.byID, a.oldest.Len())
}

func FuzzAssembly(f *testing.F) {
	f.Add("identity\x00\x02ab")
	f.Fuzz(func(t *testing.T, data string) {
		a := newAssembly(new(atomic.Int64))
		for i := range 3 {
			a.add(chunkMagic+data, time.Unix(int64(i), 0))
		}
	})
}

func TestMistakes(t *testing.T) {
	inputtest.Refused(t, Plugin, `port => 70000`, "not a port")
	inputtest.Refused(t, Plugin, `use_tcp => true port_tcp => -1`, "not a port")
	inputtest.Refused(t, Plugin, `use_udp => false`, "use_tcp or use_udp")
}

func BenchmarkDecode(b *testing.B) {
	built, _ := inputtest.Build(b, Plugin, "", plugin.Builder{ECS: plugin.ECSDisabled})
	d := built.Input.(*input).Codec().NewDecoder()
	e := event.New(nil)
	r := event.Record{Data: gz(b, `{"version":"1.1","host":"web","short_message":"GET / HTTP/1.1","timestamp":946702800.123,"level":6,"_container_name":"web","_tag":"x"}`)}
	b.ReportAllocs()
	for b.Loop() {
		e.Reset()
		d.Decode(&r, func() *event.Event { return e })
	}
}

// echo has a sender send again whatever arrives from it.
type echo struct {
	*inputtest.Sink
	c atomic.Pointer[net.Conn]
}

func (e *echo) Push(ctx context.Context, b *event.Batch) error {
	_, err := (*e.c.Load()).Write([]byte("{\"short_message\":\"again\"}\x00"))
	return errors.Join(err, e.Sink.Push(ctx, b))
}

// Senders that go on do not keep the input from ending.
func TestStopWhileSendersGoOn(t *testing.T) {
	for _, conf := range []string{"", "use_udp => false use_tcp => true"} {
		built, diags := inputtest.Build(t, Plugin, `host => "127.0.0.1" port => 0 `+conf, plugin.Builder{})
		require.NotNil(t, built, diags.String())
		in, addr := built.Input.(*input), (*net.Addr)(nil)
		out := &echo{Sink: inputtest.NewSink(built)}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- in.Run(ctx, out) }()
		require.Eventually(t, func() bool {
			if addr = in.udp.Load(); addr == nil {
				addr = in.tcp.Load()
			}
			return addr != nil
		}, time.Minute, time.Millisecond)
		c := dial(t, addr)
		out.c.Store(&c)
		send(t, c, "{\"short_message\":\"one\"}\x00")
		out.Wait(2)
		cancel()
		select {
		case err := <-ended:
			require.NoError(t, err)
		case <-time.After(5 * drainLimit):
			t.Fatal("the input goes on, as long as somebody sends")
		}
	}
}
