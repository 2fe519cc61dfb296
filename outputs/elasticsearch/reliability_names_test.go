package elasticsearch

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/faultproxy"
	"millrace/internal/testenv"
	"millrace/pipeline/plugin"
)

var (
	living = netip.MustParseAddr("127.0.0.1")
	dead   = netip.MustParseAddr("127.0.0.2") // nobody listens there
	silent = netip.MustParseAddr("127.0.0.3")
	moved  = netip.MustParseAddr("127.0.0.4")
)

// TestReliabilityNames are the faults of name servers. Every fault begins with the loss of all connections, as names are asked for then.
func TestReliabilityNames(t *testing.T) {
	trial := func(name string, fault func(t *testing.T, dns *faultproxy.DNS, p *faultproxy.Proxy)) *trial {
		dns := faultproxy.NewDNS(t, faultproxy.Names{Addrs: []netip.Addr{living}})
		return &trial{
			name: name, lossy: true,
			url:   func(p *faultproxy.Proxy) string { return "http://es.example.org:" + port(p) },
			setup: func(r *rig, _ *faultproxy.Proxy) { r.client.dial.Resolver = dns.Resolver() },
			fault: func(p *faultproxy.Proxy) {
				fault(t, dns, p)
				p.Disconnect()
			},
			mend: func(p *faultproxy.Proxy) {
				require.Positive(t, dns.Queries())
				dns.Set(faultproxy.Names{Addrs: []netip.Addr{living}})
			},
		}
	}
	f := func(name string, n faultproxy.Names) {
		t.Run(name, func(t *testing.T) {
			trial(name, func(t *testing.T, dns *faultproxy.DNS, p *faultproxy.Proxy) {
				for _, a := range n.Addrs {
					if a == silent {
						sinkhole(t, port(p))
					}
				}
				dns.Set(n)
			}).run(t)
		})
	}
	f("names take 2 s", faultproxy.Names{Addrs: []netip.Addr{living}, Delay: 2 * time.Second})
	f("name server fails", faultproxy.Names{Fail: true})
	f("name server is silent", faultproxy.Names{Silent: true})
	f("name does not exist", faultproxy.Names{})
	f("dead address first", faultproxy.Names{Addrs: []netip.Addr{dead, living}})
	f("silent address first", faultproxy.Names{Addrs: []netip.Addr{silent, living}})
	t.Run("address changes", func(t *testing.T) {
		var names *faultproxy.DNS
		tr := trial("address changes", func(t *testing.T, dns *faultproxy.DNS, p *faultproxy.Proxy) {
			names = dns
			faultproxy.New(t, faultproxy.Config{Target: shared.Get(t).Addr(), Listen: net.JoinHostPort(moved.String(), port(p))})
			p.Set(faultproxy.Faults{Refuse: true})
		})
		tr.mend = func(*faultproxy.Proxy) { names.Set(faultproxy.Names{Addrs: []netip.Addr{moved}}) }
		tr.run(t)
	})
}

func port(p *faultproxy.Proxy) string { return p.Addr()[strings.LastIndexByte(p.Addr(), ':')+1:] }

// sinkhole makes the address silent take no connection and refuse none: a listener whose backlog is full.
func sinkhole(t *testing.T, port string) {
	t.Helper()
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Port: n, Addr: silent.As4()}))
	require.NoError(t, syscall.Listen(fd, 0))
	for range 8 {
		c, err := net.DialTimeout("tcp", net.JoinHostPort(silent.String(), port), 100*time.Millisecond)
		if err != nil {
			return
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Fatal("the backlog is never full")
}

// changingCert serves the certificate that was set last.
type changingCert struct {
	now atomic.Pointer[tls.Certificate]
}

func (c *changingCert) set(t *testing.T, crt *testenv.TLS) {
	t.Helper()
	pair, err := tls.X509KeyPair(crt.CertPEM, crt.KeyPEM)
	require.NoError(t, err)
	c.now.Store(&pair)
}

func (c *changingCert) config() *tls.Config {
	return &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.now.Load(), nil }}
}

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// TestReliabilityCertificate: the certificate ends while events flow. Connections that are open go on; those that are opened later
// fail until it is renewed.
func TestReliabilityCertificate(t *testing.T) {
	ca := testenv.NewCA(t)
	pem := writeFile(t, ca.PEM)
	server, log := new(changingCert), new(lockedBuffer)
	server.set(t, ca.Issue(t, "node", time.Now().Add(time.Hour)))
	var end time.Time
	var delivered *atomic.Int64
	tr := &trial{
		name: "certificate expires and is renewed", lossy: true, proxy: faultproxy.Config{ServerTLS: server.config()},
		conf: fmt.Sprintf(`ssl_certificate_authorities => [%q]`, pem),
		change: func(b *plugin.Builder) {
			b.Log = slog.New(slog.NewTextHandler(log, nil))
		},
		setup: func(r *rig, _ *faultproxy.Proxy) { // the index is there: what follows is quick
			delivered = &r.env.Stats.Delivered
			end = time.Now().Add(10 * time.Second)
			server.set(t, ca.Issue(t, "node", end))
		},
		fault: func(p *faultproxy.Proxy) {
			wait(time.Until(end.Add(time.Second)))
			before := delivered.Load()
			require.Eventually(t, func() bool { return delivered.Load() > before }, patience, tick, "open connections go on")
			p.Disconnect()
		},
		mend: func(*faultproxy.Proxy) { server.set(t, ca.Issue(t, "node", time.Now().Add(time.Hour))) },
	}
	tr.run(t)
	require.Contains(t, log.String(), "the certificate of Elasticsearch is not accepted; events are held until it is")
	require.Contains(t, log.String(), "certificate has expired")
}
