package faultproxy

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// answerBody is long enough to be cut, reset and slowed down.
var answerBody = strings.Repeat("0123456789", 100)

// rig is a proxy before a server that counts the requests it has answered.
type rig struct {
	*Proxy
	t      *testing.T
	served atomic.Int64
	client *http.Client
}

func newRig(t *testing.T, seed uint64) *rig {
	r := &rig{t: t}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if _, err := io.Copy(io.Discard, req.Body); err == nil {
			r.served.Add(1)
		}
		_, _ = io.WriteString(w, answerBody)
	}))
	t.Cleanup(srv.Close)
	r.Proxy = New(t, Config{Target: srv.Listener.Addr().String(), Seed: seed})
	r.client = &http.Client{Transport: &http.Transport{}}
	t.Cleanup(r.client.CloseIdleConnections)
	return r
}

// post sends a body of size bytes and returns status and answer, or what went wrong.
func (r *rig) post(path string, size int) (int, string, error) {
	resp, err := r.client.Post(r.URL()+path, "text/plain", bytes.NewReader(make([]byte, size)))
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data), err
}

func (r *rig) mustPost() {
	r.t.Helper()
	status, body, err := r.post("/", 10)
	require.NoError(r.t, err)
	require.Equal(r.t, 200, status)
	require.Equal(r.t, answerBody, body)
}

func TestForwards(t *testing.T) {
	r := newRig(t, 1)
	for range 3 {
		r.mustPost()
	}
	resp, err := r.client.Head(r.URL())
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.EqualValues(t, len(answerBody), resp.ContentLength)
	require.Equal(t, Stats{Connections: 1, Requests: 4, Forwarded: 4, Delivered: 4}, r.Stats())
}

func TestRefuseKeepsThePort(t *testing.T) {
	r := newRig(t, 1)
	r.mustPost()
	addr := r.Addr()
	r.Set(Faults{Refuse: true})
	_, err := net.Dial("tcp", addr)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	r.Clear()
	require.Equal(t, addr, r.Addr())
	r.mustPost()
}

func TestResetInTheMiddleOfTheRequest(t *testing.T) {
	r := newRig(t, 1)
	r.Set(Faults{ResetRequest: 1})
	c, err := net.Dial("tcp", r.Addr())
	require.NoError(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n0123456789")
	require.NoError(t, err)
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.Zero(t, r.served.Load(), "the server never saw it")
	require.Equal(t, 1, r.Stats().RequestsReset)
	require.Zero(t, r.Stats().Lost)
}

func TestResetInTheMiddleOfTheResponse(t *testing.T) {
	r := newRig(t, 1)
	r.Set(Faults{ResetResponse: 1})
	_, _, err := r.post("/", 10)
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.EqualValues(t, 1, r.served.Load(), "the server did its work")
	require.Equal(t, Stats{Connections: 1, Requests: 1, Forwarded: 1, Lost: 1, ResponsesReset: 1}, r.Stats())
}

func TestCutResponse(t *testing.T) {
	r := newRig(t, 1)
	f := func(after int, wantStatus int, want error) {
		t.Helper()
		r.Set(Faults{CutResponse: 1, CutAfter: after})
		status, _, err := r.post("/", 10)
		require.ErrorIs(t, err, want)
		require.Equal(t, wantStatus, status)
	}
	f(0, 0, io.EOF)
	f(len("HTTP/1.1 200 OK\r\n"), 0, io.ErrUnexpectedEOF)
	f(500, 200, io.ErrUnexpectedEOF)
	f(1<<20, 200, io.ErrUnexpectedEOF)
	require.Equal(t, 4, r.Stats().Lost)
	require.Equal(t, 4, r.Stats().ResponsesCut)
}

func TestStatusForSomeRequestsOfOnePath(t *testing.T) {
	r := newRig(t, 1)
	r.Set(Faults{Path: "/_bulk", Status: 429, StatusRate: 1, RetryAfter: "2", Times: 2})
	r.mustPost()
	resp, err := r.client.Post(r.URL()+"/_bulk", "text/plain", strings.NewReader("x"))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 429, resp.StatusCode)
	require.Equal(t, "2", resp.Header.Get("Retry-After"))
	f := func(want int) {
		t.Helper()
		status, _, err := r.post("/_bulk", 10)
		require.NoError(t, err)
		require.Equal(t, want, status)
	}
	f(429)
	f(200)
	require.Equal(t, 2, r.Stats().StatusAnswers)
	require.EqualValues(t, 2, r.served.Load())
}

func TestTooLarge(t *testing.T) {
	r := newRig(t, 1)
	r.Set(Faults{MaxBody: 100})
	status, _, err := r.post("/", 101)
	require.NoError(t, err)
	require.Equal(t, 413, status)
	status, _, err = r.post("/", 100)
	require.NoError(t, err)
	require.Equal(t, 200, status)
	require.Equal(t, 1, r.Stats().TooLarge)
}

// holdsUntilCleared checks that a request gets no answer before the fault ends and a reset then.
func holdsUntilCleared(t *testing.T, r *rig, f Faults, struck func(Stats) int) {
	t.Helper()
	r.Set(f)
	done := make(chan error, 1)
	go func() { _, _, err := r.post("/", 10); done <- err }()
	require.Eventually(t, func() bool { return struck(r.Stats()) == 1 }, time.Minute, time.Millisecond)
	select {
	case err := <-done:
		t.Fatalf("answered in a black hole: %v", err)
	default:
	}
	r.Clear()
	require.ErrorIs(t, <-done, syscall.ECONNRESET)
	r.mustPost()
}

func TestBlackHole(t *testing.T) {
	r := newRig(t, 1)
	holdsUntilCleared(t, r, Faults{BlackHole: true}, func(s Stats) int { return s.BlackHoled })
	require.EqualValues(t, 1, r.served.Load(), "what fell into the hole never reached the server")
}

func TestDropResponse(t *testing.T) {
	r := newRig(t, 1)
	holdsUntilCleared(t, r, Faults{DropResponse: 1}, func(s Stats) int { return s.ResponsesDropped })
	require.EqualValues(t, 2, r.served.Load())
	require.Equal(t, 1, r.Stats().Lost)
}

func TestRateLimitAndDelays(t *testing.T) {
	r := newRig(t, 1)
	f := func(faults Faults, atLeast time.Duration) {
		t.Helper()
		r.client.CloseIdleConnections()
		r.Set(faults)
		start := time.Now()
		status, body, err := r.post("/", 500)
		require.NoError(t, err)
		require.Equal(t, 200, status)
		require.Equal(t, answerBody, body)
		require.GreaterOrEqual(t, time.Since(start), atLeast)
	}
	// 500 bytes of body and 1,000 of answer, with their headers, at 10 KB/s.
	f(Faults{BytesPerSecond: 10000}, 150*time.Millisecond)
	f(Faults{AcceptDelay: 50 * time.Millisecond}, 50*time.Millisecond)
	f(Faults{Delay: 50 * time.Millisecond}, 50*time.Millisecond)
}

func TestSetForEnds(t *testing.T) {
	r := newRig(t, 1)
	r.SetFor(time.Hour, Faults{Status: 503, StatusRate: 1})
	status, _, err := r.post("/", 10)
	require.NoError(t, err)
	require.Equal(t, 503, status)
	r.SetFor(30*time.Millisecond, Faults{Status: 503, StatusRate: 1})
	require.Eventually(t, func() bool {
		status, _, err := r.post("/", 10)
		return err == nil && status == 200
	}, time.Minute, 5*time.Millisecond)
}

func TestServerGone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := New(t, Config{Target: l.Addr().String()}) // first, lest it gets the port of the server for its own
	require.NoError(t, l.Close())
	_, err = http.Post(p.URL(), "text/plain", strings.NewReader("x"))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.Equal(t, 1, p.Stats().Unknown)
}

func TestSeedDecides(t *testing.T) {
	sequence := func(seed uint64) []int {
		r := newRig(t, seed)
		r.Set(Faults{Status: 500, StatusRate: 0.3})
		var got []int
		for range 100 {
			status, _, err := r.post("/", 1)
			require.NoError(t, err)
			got = append(got, status)
		}
		return got
	}
	a := sequence(1)
	require.Equal(t, a, sequence(1))
	require.NotEqual(t, a, sequence(2))
}

func TestDrawIsUniform(t *testing.T) {
	const n = 100000
	var below [4]int
	for i := range uint64(n) {
		d := draw(42, i, 0)
		require.True(t, d >= 0 && d < 1)
		below[int(d*4)]++
	}
	for _, b := range below {
		require.InDelta(t, n/4, b, n/100)
	}
}

func TestRaw(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	t.Cleanup(srv.Close)
	p := New(t, Config{Target: srv.Listener.Addr().String(), Raw: true, TargetTLS: &tls.Config{}})
	get := func() error {
		resp, err := srv.Client().Get(p.URL())
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.ReadAll(resp.Body)
		return err
	}
	p.Set(Faults{BlackHole: true})
	done := make(chan error, 1)
	go func() { done <- get() }()
	require.Eventually(t, func() bool { return p.Stats().BlackHoled > 0 }, time.Minute, time.Millisecond)
	p.Clear()
	require.Error(t, <-done)
	require.NoError(t, get())
	require.Panics(t, func() { p.Set(Faults{StatusRate: 1, Status: 500}) })
}

func TestTLSOnBothSides(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	t.Cleanup(srv.Close)
	trust := srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	trust.ServerName = "example.com" // as the test certificate says
	p := New(t, Config{Target: srv.Listener.Addr().String(), ServerTLS: &tls.Config{Certificates: srv.TLS.Certificates}, TargetTLS: trust})
	p.Set(Faults{ResetResponse: 1, Times: 1})
	_, err := srv.Client().Get(p.URL())
	require.Error(t, err)
	resp, err := srv.Client().Get(p.URL())
	require.NoError(t, err)
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, "ok", string(data))
}
