package lumberjack

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	serverv1 "github.com/elastic/go-lumber/server/v1"
	"github.com/stretchr/testify/require"

	"millrace/inputs/beats"
	"millrace/internal/faultproxy"
	"millrace/internal/inputtest"
	"millrace/internal/outputtest"
	"millrace/internal/testenv"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

func pemFile(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pem")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

// conf is the config of an output that sends to address, whose certificate is signed by ca.
func conf(t testing.TB, address string, ca []byte, more string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	return fmt.Sprintf(`hosts => "127.0.0.1" port => %s ssl_certificate => %q `, port, pemFile(t, ca)) + more
}

func numbered(first, n int) (docs []string) {
	for i := range n {
		docs = append(docs, fmt.Sprintf(`{"n":%d,"message":"line %d"}`, first+i, first+i))
	}
	return docs
}

// input runs the lumberjack input and returns its address and its authority.
func input(t *testing.T, hold bool) (string, []byte, *inputtest.Sink) {
	t.Helper()
	crt := testenv.NewCA(t).Issue(t, "elsewhere", time.Now().Add(time.Hour))
	port := testenv.FreePort(t)
	built, diags := inputtest.Build(t, beats.Lumberjack, fmt.Sprintf(`host => "127.0.0.1" port => %d ssl_certificate => %q ssl_key => %q enrich => none
		codec => json`, port, pemFile(t, crt.CertPEM), pemFile(t, crt.KeyPEM)), plugin.Builder{ECS: plugin.ECSDisabled})
	require.NotNil(t, built, diags.String())
	sink := inputtest.NewSink(built)
	sink.Hold = hold
	inputtest.Run(t, built.Input, sink)
	return fmt.Sprintf("127.0.0.1:%d", port), crt.CA.PEM, sink
}

func TestToOurInput(t *testing.T) {
	for _, more := range []string{"", "flush_size => 7", "window_size => 1"} {
		address, ca, sink := input(t, false)
		o := outputtest.New(t, Plugin, conf(t, address, ca, "codec => json "+more))
		o.Write(t, numbered(0, 100)...)
		o.Write(t, numbered(100, 50)...)
		got := sink.Wait(150)
		require.Len(t, got, 150)
		for i, doc := range got {
			require.JSONEq(t, numbered(i, 1)[0], doc)
		}
		require.EqualValues(t, 150, o.Env.Stats.Delivered.Load())
		require.Zero(t, o.Env.Stats.Retried.Load())
	}
}

// The server of the protocol's authors gets what the codec writes as the field line.
func TestToGoLumber(t *testing.T) {
	crt := testenv.NewCA(t).Issue(t, "localhost", time.Now().Add(time.Hour))
	tc, err := crt.ServerConfig()
	require.NoError(t, err)
	l, err := tls.Listen("tcp", "127.0.0.1:0", tc)
	require.NoError(t, err)
	s, err := serverv1.NewWithListener(l, serverv1.Timeout(time.Minute))
	require.NoError(t, err)
	defer s.Close()
	// The certificate itself, in place of its authority's, is enough.
	o := outputtest.New(t, Plugin, conf(t, l.Addr().String(), crt.CertPEM, `codec => line { format => "%{message}" } flush_size => 3`))
	settled := o.WriteAsync(t, numbered(0, 7)...)
	var lines []string
	for _, want := range []int{3, 3, 1} {
		b := s.Receive()
		require.Len(t, b.Events, want)
		for _, e := range b.Events {
			lines = append(lines, e.(map[string]string)["line"])
		}
		require.EqualValues(t, len(lines)-want, o.Env.Stats.Delivered.Load(), "nothing counts before it is acknowledged")
		b.ACK()
		require.Eventually(t, func() bool { return o.Env.Stats.Delivered.Load() == int64(len(lines)) }, time.Minute, time.Millisecond)
	}
	<-settled
	require.Equal(t, "line 0\nline 6\n", lines[0]+lines[6])
}

// What is not acknowledged is not settled.
func TestHeldByTheServer(t *testing.T) {
	address, ca, sink := input(t, true)
	o := outputtest.New(t, Plugin, conf(t, address, ca, "codec => json"))
	settled := o.WriteAsync(t, numbered(0, 10)...)
	sink.Wait(10)
	select {
	case <-settled:
		t.Fatal("a batch was settled that was not acknowledged")
	default:
	}
	sink.Release()
	<-settled
}

// Connections that break in the middle cost no event; what comes twice was not acknowledged.
func TestConservation(t *testing.T) {
	address, ca, sink := input(t, false)
	p := faultproxy.New(t, faultproxy.Config{Target: address, Raw: true})
	o := outputtest.New(t, Plugin, conf(t, p.Addr(), ca, "codec => json flush_size => 20"))
	p.Set(faultproxy.Faults{BytesPerSecond: 200_000})
	const turns, size = 30, 200
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for last := 0; ; {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			if n := sink.Len(); n > last+300 { // in the middle of something
				last = n
				p.Disconnect()
			}
		}
	}()
	var settled []<-chan struct{}
	for i := range turns {
		require.Empty(t, o.Append(t, numbered(i*size, size)...))
		c := make(chan struct{})
		b := &event.Batch{Done: func(*event.Batch) { close(c) }}
		b.Expect(1)
		require.NoError(t, o.FlushBatch(t.Context(), b))
		settled = append(settled, c)
	}
	for _, c := range settled {
		<-c
	}
	close(stop)
	<-done
	require.Greater(t, p.Stats().Connections, 3)
	require.EqualValues(t, turns*size, o.Env.Stats.Delivered.Load())
	seen := make(map[string]int)
	for _, doc := range sink.Wait(turns * size) {
		seen[doc]++
	}
	require.Len(t, seen, turns*size)
	require.LessOrEqual(t, int64(sink.Len()-turns*size), o.Env.Stats.Retried.Load())
}

// A server that is away is waited for, and one that closes a quiet connection is no fault.
func TestServerThatGoesAway(t *testing.T) {
	address, ca, sink := input(t, false)
	p := faultproxy.New(t, faultproxy.Config{Target: address, Raw: true})
	o := outputtest.New(t, Plugin, conf(t, p.Addr(), ca, "codec => json"))
	p.Set(faultproxy.Faults{Refuse: true})
	settled := o.WriteAsync(t, numbered(0, 5)...)
	require.Never(t, func() bool { return sink.Len() > 0 }, 20*time.Millisecond, 5*time.Millisecond)
	p.Clear()
	<-settled
	p.Disconnect()
	o.Write(t, numbered(5, 5)...)
	require.GreaterOrEqual(t, sink.Len(), 10)
}

// acks is a server whose acknowledgements the test writes.
func acks(t *testing.T, serve func(r *bufio.Reader, w io.Writer)) (string, []byte) {
	t.Helper()
	crt := testenv.NewCA(t).Issue(t, "localhost", time.Now().Add(time.Hour))
	tc, err := crt.ServerConfig()
	require.NoError(t, err)
	l, err := tls.Listen("tcp", "127.0.0.1:0", tc)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(bufio.NewReader(c), c)
			}()
		}
	}()
	return l.Addr().String(), crt.CA.PEM
}

// window reads a window and returns how many events it has, 0 at the end.
func window(r *bufio.Reader) int {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0
	}
	if string(head[:2]) != "1W" || string(head[6:8]) != "1C" {
		panic(fmt.Sprintf("a window that begins with %q", head))
	}
	if _, err := r.Discard(int(binary.BigEndian.Uint32(head[8:]))); err != nil {
		return 0
	}
	return int(binary.BigEndian.Uint32(head[2:]))
}

// What a server acknowledged before the connection broke is not sent again; signs of life and nonsense are told from acknowledgements.
func TestPartialAcknowledgement(t *testing.T) {
	var sizes [3]atomic.Int64
	var n atomic.Int64
	address, ca := acks(t, func(r *bufio.Reader, w io.Writer) {
		i := n.Add(1) - 1
		sizes[i].Store(int64(window(r)))
		switch i {
		case 0:
			_, _ = io.WriteString(w, "2A\x00\x00\x00\x00"+"1A\x00\x00\x00\x03"+"1A\x00\x00\x00\x04")
		case 1:
			_, _ = io.WriteString(w, "1A\x00\x00\x00\x63") // more than there are
			_ = window(r)
		default:
			_, _ = io.WriteString(w, "1A\x00\x00\x00\x06")
			_ = window(r)
		}
	})
	o := outputtest.New(t, Plugin, conf(t, address, ca, ""))
	o.Write(t, numbered(0, 10)...)
	require.EqualValues(t, []int64{10, 6, 6}, []int64{sizes[0].Load(), sizes[1].Load(), sizes[2].Load()})
	require.EqualValues(t, 10, o.Env.Stats.Delivered.Load())
	require.EqualValues(t, 12, o.Env.Stats.Retried.Load())
}

// The output waits while a server takes nothing, and what is not delivered when the time to close is over is not settled.
func TestBackPressure(t *testing.T) {
	address, ca := acks(t, func(r *bufio.Reader, _ io.Writer) {
		for window(r) > 0 {
		}
	})
	o := outputtest.New(t, Plugin, conf(t, address, ca, ""))
	big := fmt.Sprintf(`{"message":%q}`, strings.Repeat("x", maxHeld/2))
	for i := range 3 {
		require.Empty(t, o.Append(t, big))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		b := &event.Batch{Done: func(*event.Batch) { t.Error("a batch was settled that was not acknowledged") }}
		b.Expect(1)
		err := o.FlushBatch(ctx, b)
		cancel()
		if i == 0 {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.NoError(t, o.Close(ctx))
	require.Zero(t, o.Env.Stats.Delivered.Load())
}

// Who cannot show the certificate gets nothing.
func TestWrongCertificate(t *testing.T) {
	address, _, sink := input(t, false)
	other := testenv.NewCA(t)
	o := outputtest.New(t, Plugin, conf(t, address, other.PEM, ""))
	require.Empty(t, o.Append(t, numbered(0, 1)...))
	b := &event.Batch{Done: func(*event.Batch) { t.Error("a batch was settled that was not acknowledged") }}
	b.Expect(1)
	require.NoError(t, o.FlushBatch(t.Context(), b))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.NoError(t, o.Close(ctx))
	require.Zero(t, sink.Len())
}

func TestEmptyTurn(t *testing.T) {
	o := outputtest.New(t, Plugin, conf(t, "127.0.0.1:1", testenv.NewCA(t).PEM, ""))
	settled, err := o.Flush(t.Context())
	require.NoError(t, err)
	require.True(t, settled)
}

func TestOptions(t *testing.T) {
	ca := fmt.Sprintf("ssl_certificate => %q ", pemFile(t, testenv.NewCA(t).PEM))
	refused := func(conf, want string) { t.Helper(); outputtest.Refused(t, Plugin, conf, want) }
	refused(``, `option "hosts" is required`)
	refused(``, `option "port" is required`)
	refused(``, `option "ssl_certificate" is required`)
	refused(ca+`hosts => [] port => 1`, "at least one host")
	refused(ca+`hosts => "a:5044" port => 1`, "the port is the option of that name")
	refused(ca+`hosts => "a" port => 0`, "0 is not a port")
	refused(ca+`hosts => "a" port => 1 flush_size => 0`, "less than 1")
	refused(ca+`hosts => "a" port => 1 window_size => 0`, "less than 1")
	refused(`hosts => "a" port => 1 ssl_certificate => "none.pem"`, "none.pem")
	refused(fmt.Sprintf(`hosts => "a" port => 1 ssl_certificate => %q`, pemFile(t, []byte("x"))), "there is no certificate in")
	outputtest.Warned(t, Plugin, ca+`hosts => "a" port => 1 idle_flush_time => 5`, "it has no effect")
	outputtest.Warned(t, Plugin, ca+`hosts => "a" port => 1 window_size => 5`, "write flush_size")
}
