package tcp

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/codecs"
	"millrace/internal/logging"
	"millrace/internal/testenv"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// collector is a sink that decodes nothing and keeps what it gets. While blocked is not nil, Push waits for it.
type collector struct {
	mu      sync.Mutex
	cond    *sync.Cond
	records []string
	tags    []string
	sources []*event.Source
	blocked chan struct{}
}

func newCollector() *collector {
	c := new(collector)
	c.cond = sync.NewCond(&c.mu)
	return c
}

func (c *collector) Push(ctx context.Context, b *event.Batch) error {
	if c.blocked != nil {
		select {
		case <-c.blocked:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range b.Len() {
		r := b.Record(i)
		c.records = append(c.records, strings.Clone(r.Data))
		c.tags = append(c.tags, r.Tag)
		c.sources = append(c.sources, b.Source)
	}
	c.cond.Broadcast()
	if b.Done != nil {
		b.Done(b)
	}
	return nil
}

// wait returns the records once there are n, and panics when they do not come: a lost record must not hang the tests.
func (c *collector) wait(n int) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	late := time.AfterFunc(time.Minute, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		panic(fmt.Sprintf("%d records in place of %d after a minute", len(c.records), n))
	})
	defer late.Stop()
	for len(c.records) < n {
		c.cond.Wait()
	}
	return append([]string(nil), c.records...)
}

// build makes the input of a config.
func build(t *testing.T, conf string, ecs plugin.ECS) (*input, config.Diagnostics) {
	t.Helper()
	f, diags := config.Parse("test", []byte("input { tcp { "+conf+" } }"), config.ParseOptions{})
	require.Empty(t, diags)
	reg := plugin.NewRegistry([]*plugin.Definition{Plugin}, codecs.All())
	built, diags := reg.Build(f.Sections[0].Body[0].(*config.PluginNode), plugin.Builder{Log: logging.Discard(), ECS: ecs})
	if built == nil {
		return nil, diags
	}
	return built.Input.(*input), diags
}

// serve runs the input of a config and returns its address; stop ends it and waits.
func serve(t *testing.T, conf string, ecs plugin.ECS, out plugin.Sink) (addr string, stop func()) {
	t.Helper()
	in, diags := build(t, `host => "127.0.0.1" port => 0 dns_reverse_lookup_enabled => false `+conf, ecs)
	require.NotNil(t, in, diags.String())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- in.Run(ctx, out) }()
	require.Eventually(t, func() bool { return in.addr.Load() != nil }, time.Minute, time.Millisecond)
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(t, <-done)
		})
	}
	t.Cleanup(stop)
	return in.addr.Load().String(), stop
}

func send(t *testing.T, addr, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	_, err = c.Write([]byte(text))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestLines(t *testing.T) {
	out := newCollector()
	addr, _ := serve(t, "", plugin.ECSv8, out)
	c := send(t, addr, "one\ntwo\r\nthree without an end")
	require.NoError(t, c.Close())
	require.Equal(t, []string{"one", "two\r", "three without an end"}, out.wait(3))
}

func TestStreamingFormOfACodec(t *testing.T) {
	out := newCollector()
	addr, _ := serve(t, "codec => json", plugin.ECSv8, out)
	send(t, addr, "{\"a\":1}\n{\"b\":2}\n")
	require.Len(t, out.wait(2), 2)
}

func fields(t *testing.T, s *event.Source) map[string]string {
	t.Helper()
	m := make(map[string]string)
	for _, f := range s.Fields {
		m[f.Path.String()] = f.Value.Text()
	}
	return m
}

func TestFactsOfTheSource(t *testing.T) {
	for _, ecs := range []plugin.ECS{plugin.ECSDisabled, plugin.ECSv8} {
		out := newCollector()
		addr, _ := serve(t, `type => "app" proxy_protocol => true`, ecs, out)
		send(t, addr, "PROXY TCP4 192.0.2.7 198.51.100.1 4711 9000\r\nline\n")
		out.wait(1)
		want := map[string]string{
			"host": "192.0.2.7", "port": "4711", "[@metadata][ip_address]": "192.0.2.7", "proxy_host": "198.51.100.1", "proxy_port": "9000",
		}
		if ecs.Enabled() {
			want = map[string]string{
				"[@metadata][input][tcp][source][name]": "192.0.2.7", "[@metadata][input][tcp][source][ip]": "192.0.2.7",
				"[@metadata][input][tcp][source][port]": "4711", "[@metadata][input][tcp][proxy][ip]": "198.51.100.1",
				"[@metadata][input][tcp][proxy][port]": "9000",
			}
		}
		require.Equal(t, want, fields(t, out.sources[0]))
		require.Equal(t, "app", out.sources[0].Type)
		for _, f := range out.sources[0].Fields {
			require.Equal(t, event.String, f.Value.Kind(), f.Path.String())
		}
	}
}

func TestProxyVersion2(t *testing.T) {
	out := newCollector()
	addr, _ := serve(t, `proxy_protocol => true`, plugin.ECSDisabled, out)
	head := v2Signature + "\x21\x11\x00\x0c" + "\xc0\x00\x02\x07" + "\xc6\x33\x64\x01" + "\x12\x67" + "\x23\x28"
	send(t, addr, head+"line\n")
	require.Equal(t, []string{"line"}, out.wait(1))
	require.Equal(t, "192.0.2.7", fields(t, out.sources[0])["host"])
	require.Equal(t, "4711", fields(t, out.sources[0])["port"])
	require.Equal(t, "198.51.100.1", fields(t, out.sources[0])["proxy_host"])
	require.Equal(t, "9000", fields(t, out.sources[0])["proxy_port"])
}

func TestNoProxyHeaderEndsTheConnection(t *testing.T) {
	out := newCollector()
	addr, _ := serve(t, `proxy_protocol => true`, plugin.ECSDisabled, out)
	c := send(t, addr, "no header\n")
	_, err := c.Read(make([]byte, 1))
	require.Error(t, err)
	require.Empty(t, out.records)
}

func TestLongRecordIsCut(t *testing.T) {
	out := newCollector()
	addr, _ := serve(t, "max_record_bytes => 1000", plugin.ECSv8, out)
	c := send(t, addr, strings.Repeat("x", 1<<20)+"\nshort\n")
	require.NoError(t, c.Close())
	require.Eventually(t, func() bool {
		out.mu.Lock()
		defer out.mu.Unlock()
		return len(out.records) > 0 && out.records[len(out.records)-1] == "short"
	}, time.Minute, time.Millisecond)
	require.Equal(t, 1<<20, len(strings.Join(out.records[:len(out.records)-1], "")))
	require.Equal(t, "_record_too_long", out.tags[0])
}

// TestStopDrains: what a peer had sent when the input was told to stop arrives, also while the pipeline was blocked.
func TestStopDrains(t *testing.T) {
	out := newCollector()
	out.blocked = make(chan struct{})
	addr, stop := serve(t, "", plugin.ECSv8, out)
	var text strings.Builder
	const n = 20_000
	for i := range n {
		fmt.Fprintf(&text, "line %d\n", i)
	}
	send(t, addr, text.String())
	go func() {
		close(out.blocked)
		stop()
	}()
	got := out.wait(n)
	require.Equal(t, "line 0", got[0])
	require.Equal(t, fmt.Sprintf("line %d", n-1), got[n-1])
}

// TestStopAcceptsWhatIsConnected: a peer whose connection the kernel completed just before the stop, with nobody having accepted it
// yet, is read like the others.
func TestStopAcceptsWhatIsConnected(t *testing.T) {
	out := newCollector()
	addr, stop := serve(t, "", plugin.ECSv8, out)
	const n = 100
	for range n {
		send(t, addr, "line\n")
	}
	stop()
	require.Len(t, out.records, n)
}

func TestMaxConnections(t *testing.T) {
	out := newCollector()
	addr, _ := serve(t, "max_connections => 1", plugin.ECSv8, out)
	first := send(t, addr, "first\n")
	out.wait(1)
	send(t, addr, "second\n")
	require.NoError(t, first.Close())
	require.Equal(t, []string{"first", "second"}, out.wait(2))
}

func TestClientMode(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	in, diags := build(t, `mode => client host => "127.0.0.1" port => `+port, plugin.ECSv8)
	require.NotNil(t, in, diags.String())
	out := newCollector()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- in.Run(ctx, out) }()
	c, err := l.Accept()
	require.NoError(t, err)
	_, err = c.Write([]byte("from the server\n"))
	require.NoError(t, err)
	require.Equal(t, []string{"from the server"}, out.wait(1))
	require.NoError(t, c.Close())
	cancel()
	require.NoError(t, <-done)
}

// pemFile writes a PEM block to a file of the test's own.
func pemFile(t *testing.T, pem []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.pem")
	require.NoError(t, os.WriteFile(path, pem, 0o600))
	return path
}

func TestTLS(t *testing.T) {
	ca := testenv.NewCA(t)
	server := ca.Issue(t, "127.0.0.1", time.Now().Add(time.Hour))
	client := ca.Issue(t, "client", time.Now().Add(time.Hour))
	out := newCollector()
	addr, _ := serve(t, fmt.Sprintf(`ssl_enabled => true ssl_certificate => %q ssl_key => %q ssl_certificate_authorities => [%q]`,
		pemFile(t, server.CertPEM), pemFile(t, server.KeyPEM), pemFile(t, ca.PEM)), plugin.ECSv8, out)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(ca.PEM))

	// Without a certificate of its own the client is refused.
	c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: pool})
	if err == nil {
		_, err = c.Read(make([]byte, 1))
	}
	require.Error(t, err)

	cert, err := tls.X509KeyPair(client.CertPEM, client.KeyPEM)
	require.NoError(t, err)
	c, err = tls.Dial("tcp", addr, &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{cert}})
	require.NoError(t, err)
	_, err = c.Write([]byte("secret\n"))
	require.NoError(t, err)
	require.Equal(t, []string{"secret"}, out.wait(1))
	require.Contains(t, fields(t, out.sources[0])["[@metadata][input][tcp][tls][client][subject]"], "client")
	require.NoError(t, c.Close())
}

func TestConfigMistakes(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		in, diags := build(t, conf, plugin.ECSv8)
		require.Nil(t, in)
		require.Contains(t, diags.String(), want)
	}
	missing := filepath.Join(t.TempDir(), "nothing.pem")
	f(`host => "x"`, `option "port" is required`)
	f(`port => 99999`, "not a port")
	f(`port => 1 ssl_enabled => true`, "a server needs ssl_certificate and ssl_key")
	f(`port => 1 ssl_certificate => "`+missing+`"`, "ssl_certificate")
	f(`port => 1 mode => both`, "mode")
	f(`port => 1 ssl_enabled => true ssl_cipher_suites => ["nope"]`, "unknown cipher suite")
	f(`port => 1 ssl_enabled => true mode => client ssl_client_authentication => none`, "a client has ssl_verification_mode")
	f(`port => 1 ssl_enabled => true ssl_verification_mode => none`, "a server has ssl_client_authentication")
	server := testenv.NewCA(t).Issue(t, "127.0.0.1", time.Now().Add(time.Hour))
	files := fmt.Sprintf(`port => 1 ssl_enabled => true ssl_certificate => %q ssl_key => %q `, pemFile(t, server.CertPEM), pemFile(t, server.KeyPEM))
	for _, authentication := range []string{"required", "optional"} {
		f(files+`ssl_client_authentication => `+authentication, "needs ssl_certificate_authorities")
	}
	in, diags := build(t, files, plugin.ECSv8) // the default demands nothing
	require.NotNil(t, in, diags.String())
	require.Equal(t, tls.NoClientCert, in.tls.ClientAuth)
}

func TestObsoleteOptions(t *testing.T) {
	ca := testenv.NewCA(t)
	server := ca.Issue(t, "127.0.0.1", time.Now().Add(time.Hour))
	in, diags := build(t, fmt.Sprintf(`port => 1 ssl_enable => true ssl_cert => %q ssl_key => %q ssl_verify => false`, pemFile(t, server.CertPEM), pemFile(t, server.KeyPEM)), plugin.ECSv8)
	require.NotNil(t, in, diags.String())
	require.Equal(t, 3, diags.Count(config.Warning))
	require.NotNil(t, in.tls)
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	in, _ := build(t, `host => "127.0.0.1" port => `+port, plugin.ECSv8)
	err = in.Run(context.Background(), newCollector())
	var op *net.OpError
	require.True(t, errors.As(err, &op))
}

func FuzzProxyHeader(f *testing.F) {
	f.Add("PROXY TCP4 192.0.2.7 198.51.100.1 4711 9000\r\nrest")
	f.Add(v2Signature + "\x21\x11\x00\x0c" + "\xc0\x00\x02\x07" + "\xc6\x33\x64\x01" + "\x12\x67" + "\x23\x28")
	f.Fuzz(func(t *testing.T, head string) {
		p := peer{ip: "127.0.0.1", port: 1}
		if err := readProxyHeader(bufio.NewReader(strings.NewReader(head)), &p); err == nil && p.ip != "127.0.0.1" && net.ParseIP(p.ip) == nil {
			t.Fatalf("%q gave the address %q", head, p.ip)
		}
	})
}
