package monitor

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/logging"
)

// request asks h as a peer would; change may alter the request.
func request(h http.Handler, method, path, peer string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:9600"+path, strings.NewReader(""))
	r.RemoteAddr = peer
	if change != nil {
		change(r)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

const (
	local  = "127.0.0.1:50000"
	remote = "192.0.2.7:50000"
)

func TestAuthentication(t *testing.T) {
	var log bytes.Buffer
	w := newWorld()
	p, reg := w.compile(t, `input { tcp { } } output { stdout { } }`, nil)
	s := New(Options{
		Pipelines: []Pipeline{p}, Registry: reg, Credentials: NewCredentials("ann", "Tr0ub4dor"),
		Levels: NewLevels(slog.LevelInfo), Log: slog.New(logging.NewHandler(&log, logging.LevelTrace, true)),
	})
	s.Mount("/ui/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	as := func(name, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(name, password) }
	}
	f := func(method, path string, change func(*http.Request), want int) *httptest.ResponseRecorder {
		t.Helper()
		rec := request(s.Handler(), method, path, remote, change)
		require.Equal(t, want, rec.Code, rec.Body.String())
		return rec
	}
	for _, path := range []string{"/", "/_node/stats", "/metrics", "/_node/logging", "/_millrace/tap", "/_millrace/tap/points", "/_millrace/overview", "/ui/", "/nowhere"} {
		rec := f("GET", path, nil, 401)
		require.Equal(t, `Basic realm="logstash-api", charset="UTF-8"`, rec.Header().Get("WWW-Authenticate"))
		require.NotContains(t, rec.Body.String(), "main")
	}
	f("GET", "/", as("ann", "Tr0ub4do"), 401)
	f("GET", "/", as("ann", ""), 401)
	f("GET", "/", as("", "Tr0ub4dor"), 401)
	f("GET", "/", as("ann", "Tr0ub4dor"), 200)
	f("GET", "/ui/", as("ann", "Tr0ub4dor"), 418)
	f("PUT", "/_node/logging/reset", as("ann", "Tr0ub4dor"), 200)
	f("PUT", "/_node/logging/reset", nil, 401)
	f("PUT", "/livez", nil, 401)
	f("GET", "/livez", nil, 200)
	require.Equal(t, "{\n  \"status\" : \"unready\"\n}", f("GET", "/healthz", nil, 503).Body.String(), "no reasons for strangers")
	require.Contains(t, f("GET", "/healthz", as("ann", "Tr0ub4dor"), 503).Body.String(), "pipeline main")
	require.Contains(t, log.String(), "wrong credentials")
	require.NotContains(t, log.String(), "Tr0ub4do", "neither a password nor an attempt at one is logged")

	// A site that the user visits cannot use his browser's credentials to write.
	f("PUT", "/_node/logging/reset", func(r *http.Request) {
		r.SetBasicAuth("ann", "Tr0ub4dor")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
	}, 403)
}

func TestWritesWithoutAuthentication(t *testing.T) {
	s := New(Options{Levels: NewLevels(slog.LevelInfo)})
	f := func(peer string, want int, change func(*http.Request)) {
		t.Helper()
		require.Equal(t, want, request(s.Handler(), http.MethodPut, "/_node/logging/reset", peer, change).Code)
	}
	f(local, 200, nil)
	f("[::1]:80", 200, nil)
	f("[::ffff:127.0.0.1]:80", 200, nil)
	f(remote, 403, nil)
	f("nonsense", 403, nil)
	f(local, 403, func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.7") })
	f(local, 403, func(r *http.Request) { r.Host = "evil.example" })
	f(local, 200, func(r *http.Request) { r.Host = "localhost:9600" })
	f(local, 200, func(r *http.Request) { r.Host = "[::1]:9600" })
}

func TestAccessToEvents(t *testing.T) {
	f := func(o Options, peer string, want bool) {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, "http://localhost:9600/", nil)
		r.RemoteAddr = peer
		got, why := New(o).MaySeeEvents(r)
		require.Equal(t, want, got)
		require.Equal(t, want, why == "")
	}
	f(Options{}, local, true)
	f(Options{}, remote, false)
	f(Options{Events: AccessAuto}, remote, false)
	f(Options{Events: AccessAll}, remote, true)
	f(Options{Events: AccessNone}, local, false)
	f(Options{Credentials: NewCredentials("a", "b")}, remote, true)
	f(Options{Credentials: NewCredentials("a", "b"), Events: AccessNone}, remote, false)

	require.Equal(t, 403, request(New(Options{}).Handler(), http.MethodGet, "/_millrace/tap", remote, nil).Code)
}

// startTLS serves s with a certificate for example.com, and returns it as an authority to trust.
func startTLS(t *testing.T, o Options, minVersion uint16, change func(*Server)) (s *Server, roots *x509.CertPool) {
	t.Helper()
	certs := httptest.NewUnstartedServer(nil)
	certs.StartTLS()
	certificate := certs.TLS.Certificates[0]
	certs.Close()
	o.Port, o.TLS = "0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: minVersion}
	s = New(o)
	if change != nil {
		change(s)
	}
	require.NoError(t, s.Listen())
	ended := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	require.NoError(t, err)
	roots = x509.NewCertPool()
	roots.AddCert(leaf)
	return s, roots
}

func TestTLS(t *testing.T) {
	s, roots := startTLS(t, Options{Credentials: NewCredentials("a", "b")}, tls.VersionTLS13, nil)
	ask := func(c *tls.Config) (int, error) {
		client := http.Client{Transport: &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true}, Timeout: 10 * time.Second}
		defer client.CloseIdleConnections()
		resp, err := client.Get("https://" + s.address() + "/livez")
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
	code, err := ask(&tls.Config{RootCAs: roots, ServerName: "example.com"})
	require.NoError(t, err)
	require.Equal(t, 200, code)
	_, err = ask(&tls.Config{RootCAs: roots, ServerName: "example.com", MaxVersion: tls.VersionTLS12})
	require.ErrorContains(t, err, "protocol version")
}

// TestTapLastsOverHTTP2: a stream outlives the patience with a client that does not read, which HTTP/2 counts from its last deadline.
func TestTapLastsOverHTTP2(t *testing.T) {
	w := newWorld()
	p, reg := w.compile(t, tapConfig, nil)
	run(t, p)
	s, roots := startTLS(t, Options{Pipelines: []Pipeline{p}, Registry: reg}, tls.VersionTLS12, func(s *Server) {
		s.tapTimes = tapTimes{heartbeat: time.Second, patience: 700 * time.Millisecond} // which a busy machine takes for no write
	})
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "example.com"}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	resp, err := client.Get("https://" + s.address() + "/_millrace/tap")
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Equal(t, 2, resp.ProtoMajor)
	r := bufio.NewReader(resp.Body)
	for beats := 0; beats < 3; {
		line, err := r.ReadString('\n')
		require.NoError(t, err)
		if line == ": heartbeat\n" {
			beats++
		}
	}
}
