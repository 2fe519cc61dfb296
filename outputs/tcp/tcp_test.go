package tcp

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/outputtest"
	"millrace/internal/testenv"
)

// listen returns a listener and its port.
func listen(t *testing.T) (net.Listener, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return l, port
}

func accept(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	c, err := l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	return c
}

func lines(t *testing.T, c io.Reader, n int) (got []string) {
	t.Helper()
	r := bufio.NewReader(c)
	for range n {
		line, err := r.ReadString('\n')
		require.NoError(t, err)
		got = append(got, strings.TrimSuffix(line, "\n"))
	}
	return got
}

func TestClient(t *testing.T) {
	l, port := listen(t)
	o := outputtest.New(t, Plugin, `host => "127.0.0.1" port => `+port)
	o.Write(t, `{"a":1}`, `{"b":2}`)
	o.Write(t, `{"c":3}`)
	require.NoError(t, o.Close(context.Background()))
	got, err := io.ReadAll(accept(t, l))
	require.NoError(t, err)
	require.Equal(t, `{"a":1}{"b":2}{"c":3}`, string(got))
	require.Equal(t, int64(3), o.Env.Stats.Delivered.Load())
}

// A peer that closes its connection gets what follows over the next one.
func TestClientConnectsAgain(t *testing.T) {
	l, port := listen(t)
	o := outputtest.New(t, Plugin, `host => "127.0.0.1" codec => json_lines reconnect_interval => 0.01 port => `+port)
	o.Write(t, `{"a":1}`)
	c := accept(t, l)
	require.Equal(t, []string{`{"a":1}`}, lines(t, c, 1))
	require.NoError(t, c.Close())
	require.Eventually(t, func() bool { // as soon as the end of the connection is known
		o.Write(t, `{"b":2}`)
		_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(5 * time.Millisecond))
		c, err := l.Accept()
		if err != nil {
			return false
		}
		defer func() { _ = c.Close() }()
		return lines(t, c, 1)[0] == `{"b":2}`
	}, time.Minute, time.Millisecond)
}

// Events that could not be written wait for the peer.
func TestClientWaitsForItsPeer(t *testing.T) {
	port := strconv.Itoa(testenv.FreePort(t))
	o := outputtest.New(t, Plugin, `host => "127.0.0.1" codec => json_lines reconnect_interval => 0.01 port => `+port)
	settled := o.WriteAsync(t, `{"a":1}`, `{"b":2}`)
	require.Eventually(t, func() bool { return o.Env.Stats.Retried.Load() > 0 }, time.Minute, time.Millisecond)
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	require.Equal(t, []string{`{"a":1}`, `{"b":2}`}, lines(t, accept(t, l), 2))
	<-settled
}

// A peer that stops reading stops the pipeline, and the end of the pipeline is not held up by it.
func TestClientIsHeldBack(t *testing.T) {
	l, port := listen(t)
	o := outputtest.New(t, Plugin, `host => "127.0.0.1" codec => line { format => "%{m}" } port => `+port)
	require.Empty(t, o.Append(t, `{"m":"`+strings.Repeat("x", 32<<20)+`"}`))
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, _ = io.ReadFull(c, make([]byte, 10))
			cancel()
		}
	}()
	settled, err := o.Flush(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, settled)
	require.Zero(t, o.Env.Stats.Delivered.Load())
}

// serve starts an output in server mode.
func serve(t *testing.T, conf string) (*outputtest.Output, *server, string) {
	t.Helper()
	o := outputtest.New(t, Plugin, `mode => server host => "127.0.0.1" port => 0 codec => json_lines `+conf)
	s := o.Output.(*server)
	require.NoError(t, s.Start(context.Background()))
	return o, s, s.listener.Addr().String()
}

func TestServer(t *testing.T) {
	o, s, addr := serve(t, "")
	o.Write(t, `{"nobody":1}`)
	require.Equal(t, int64(1), o.Env.Stats.Dropped.Load())
	var peers []net.Conn
	for range 2 {
		c, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		peers = append(peers, c)
	}
	require.Eventually(t, func() bool { return s.open.Load() == 2 }, time.Minute, time.Millisecond)
	o.Write(t, `{"a":1}`)
	for _, c := range peers {
		require.Equal(t, []string{`{"a":1}`}, lines(t, c, 1))
	}
	require.NoError(t, peers[0].Close())
	require.Eventually(t, func() bool { return s.open.Load() == 1 }, time.Minute, time.Millisecond)
	o.Write(t, `{"b":2}`)
	require.Equal(t, []string{`{"b":2}`}, lines(t, peers[1], 1))
	require.Equal(t, int64(2), o.Env.Stats.Delivered.Load())
	require.NoError(t, o.Close(context.Background()))
	_, err := peers[1].Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

// A peer that was accepted and is welcomed only after the output has ended is not kept.
func TestPeerThatComesTooLate(t *testing.T) {
	o, s, _ := serve(t, "")
	require.NoError(t, o.Close(context.Background()))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	near, far := net.Pipe()
	go s.welcome(ctx, near)
	require.NoError(t, far.SetDeadline(time.Now().Add(time.Minute)))
	_, err := far.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	require.Empty(t, s.peers)
}

func files(t *testing.T) (ca *testenv.CA, authority, cert, key string) {
	t.Helper()
	ca = testenv.NewCA(t)
	crt := ca.Issue(t, "peer", time.Now().Add(time.Hour))
	dir := t.TempDir()
	f := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path
	}
	return ca, f("ca.pem", ca.PEM), f("cert.pem", crt.CertPEM), f("key.pem", crt.KeyPEM)
}

func TestTLS(t *testing.T) {
	ca, authority, cert, key := files(t)
	o, s, addr := serve(t, fmt.Sprintf(`ssl_enabled => true ssl_certificate => %q ssl_key => %q ssl_client_authentication => required
		ssl_certificate_authorities => %q`, cert, key, authority))
	pair, err := tls.LoadX509KeyPair(cert, key)
	require.NoError(t, err)
	conf := ca.Issue(t, "x", time.Now().Add(time.Hour)).ClientConfig()
	anonymous, err := tls.Dial("tcp", addr, conf)
	if err == nil { // with TLS 1.3 the refusal comes with the first read
		_, err = anonymous.Read(make([]byte, 1))
	}
	require.Error(t, err)
	conf.Certificates = []tls.Certificate{pair}
	c, err := tls.Dial("tcp", addr, conf)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return s.open.Load() == 1 }, time.Minute, time.Millisecond)
	o.Write(t, `{"a":1}`)
	require.Equal(t, []string{`{"a":1}`}, lines(t, c, 1))

	l, port := listen(t)
	tl := tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}})
	f := func(conf string) *outputtest.Output {
		return outputtest.New(t, Plugin, fmt.Sprintf(`host => "localhost" port => %s reconnect_interval => 0.01 codec => json_lines ssl_enabled => true %s`, port, conf))
	}
	for _, conf := range []string{fmt.Sprintf("ssl_certificate_authorities => %q", authority), "ssl_verification_mode => none", "ssl_verify => false"} {
		settled := f(conf).WriteAsync(t, `{"a":1}`)
		require.Equal(t, []string{`{"a":1}`}, lines(t, accept(t, tl), 1), conf)
		<-settled
	}
	stranger := f("")
	require.Empty(t, stranger.Append(t, `{"a":1}`))
	go func() {
		for {
			c, err := tl.Accept()
			if err != nil {
				return
			}
			_ = c.(*tls.Conn).Handshake()
		}
	}()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := stranger.Flush(ctx)
		ended <- err
	}()
	require.Eventually(t, func() bool { return stranger.Env.Stats.Retried.Load() > 1 }, time.Minute, time.Millisecond)
	cancel()
	require.Error(t, <-ended)
	require.Zero(t, stranger.Env.Stats.Delivered.Load())
}

func TestMistakes(t *testing.T) {
	_, authority, cert, key := files(t)
	f := func(conf, want string) {
		t.Helper()
		outputtest.Refused(t, Plugin, `host => "h" `+conf, want)
	}
	f(``, `"port" is required`)
	f(`port => 99999`, "not a port")
	f(`port => 1 ssl_enabled => true mode => server`, "needs ssl_certificate")
	f(fmt.Sprintf(`port => 1 ssl_enabled => true ssl_certificate => %q`, cert), "needs ssl_key")
	f(fmt.Sprintf(`port => 1 ssl_enabled => true ssl_key => %q`, key), "needs ssl_certificate")
	f(fmt.Sprintf(`port => 1 ssl_enabled => true mode => server ssl_certificate => %q ssl_key => %q ssl_client_authentication => required`, cert, key),
		"needs ssl_certificate_authorities")
	f(fmt.Sprintf(`port => 1 ssl_enabled => true mode => server ssl_certificate => %q ssl_key => %q ssl_verification_mode => full`, cert, key),
		"it is for mode client")
	f(`port => 1 ssl_enabled => true ssl_client_authentication => required`, "it is for mode server")
	for _, conf := range []string{`ssl_enable => true ssl_verify => false`, fmt.Sprintf("ssl_cert => %q ssl_cacert => %q ssl_key => %q", cert, authority, key), `message_format => "x"`} {
		outputtest.Warned(t, Plugin, `host => "h" port => 1 `+conf, "obsolete")
	}
}
