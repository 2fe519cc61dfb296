package loki

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/faultproxy"
	"millrace/internal/outputtest"
	"millrace/internal/testenv"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

const path = "/loki/api/v1/push"

func open(t testing.TB, address, conf string) *outputtest.Output {
	t.Helper()
	return outputtest.New(t, Plugin, fmt.Sprintf(`url => %q `, address+path)+conf)
}

func numbered(first, n int) (docs []string) {
	for i := first; i < first+n; i++ {
		docs = append(docs, fmt.Sprintf(`{"@timestamp":"2024-01-02T03:04:05.%06dZ","message":"line %d","job":"j%d"}`, i, i, i%3))
	}
	return docs
}

func TestLines(t *testing.T) {
	f := func(conf, doc string, want ...string) {
		t.Helper()
		s := serve(t)
		o := open(t, s.URL, "batch_wait => 0 "+conf)
		o.Write(t, doc)
		require.Equal(t, want, s.lines())
		require.EqualValues(t, 1, o.Env.Stats.Delivered.Load()+o.Env.Stats.Dropped.Load())
	}
	const at = `"@timestamp":"2024-01-02T03:04:05.123456789Z"`
	const ns = "1704164645123456789"
	f(``, `{`+at+`,"message":"hello","@version":"1","agent":"filebeat","foo":5,"log":{"a":1},"up":true,"tags":["a","b"],"no":null,"f":1.5}`,
		`{"agent":"filebeat","f":"1.5","foo":"5","no":"","tags":"[\"a\", \"b\"]","up":"true"} `+ns+` hello map[]`)
	f(`include_fields => ["b", "a", "log"]`, `{`+at+`,"message":"m","a":"x","b":"y","c":"z","log":{"a":1}}`, `{"a":"x","b":"y"} `+ns+` m map[]`)
	f(`include_fields => "a" metadata_fields => ["c", "a"]`, `{`+at+`,"message":"m","a":"x","b":"y","c":"z"}`, `{"a":"x"} `+ns+` m map[a:x c:z]`)
	f(`include_fields => "a" metadata_fields => ["none"]`, `{`+at+`,"message":"m","a":"x"}`, `{"a":"x"} `+ns+` m map[]`)
	f(`message_field => "[log][text]"`, `{`+at+`,"message":"m","log":{"text":7}}`, `{"message":"m"} `+ns+` 7 map[]`)
	f(``, `{`+at+`,"a":"x","message":"\u0000 \t"}`, []string(nil)...)
	f(``, `{`+at+`,"a":"x"}`, []string(nil)...)
}

// TestHeaders: what says who pushes.
func TestHeaders(t *testing.T) {
	s := serve(t)
	o := open(t, s.URL, `batch_wait => 0 tenant_id => "team-a" username => "u" password => "p"`)
	o.Write(t, numbered(0, 1)...)
	require.Equal(t, "team-a", s.requests[0].Header.Get("X-Scope-OrgID"))
	user, password, _ := s.requests[0].BasicAuth()
	require.Equal(t, "u:p", user+":"+password)
}

// The lines of a stream are sorted by their time, and streams keep to themselves.
func TestOrder(t *testing.T) {
	s := serve(t)
	o := open(t, s.URL, `batch_wait => 0`)
	docs := numbered(0, 6)
	o.Write(t, docs[5], docs[3], docs[4], docs[0], docs[2], docs[1])
	require.Len(t, s.lines(), 6, "a server that refuses lines out of order takes them")
	require.Equal(t, 1, s.pushes())
}

func TestBatchSize(t *testing.T) {
	s := serve(t)
	o := open(t, s.URL, `batch_wait => 0 batch_size => 20`) // three lines of six bytes
	o.Write(t, numbered(0, 10)...)
	require.Len(t, s.lines(), 10)
	require.Equal(t, 4, s.pushes())
	require.Equal(t, 3, s.largest)
	o.Write(t, `{"job":"j","message":"much longer than a batch may be"}`)
	require.Equal(t, 5, s.pushes())
}

// transport is Loki without a network: each answer is a status, or 0 for none.
type transport struct {
	mu       sync.Mutex
	statuses []int
	at       []time.Duration
	start    time.Time
}

func (a *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = append(a.at, time.Since(a.start))
	status := 204
	if len(a.statuses) > 0 {
		status, a.statuses = a.statuses[0], a.statuses[1:]
	}
	if status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

// bare makes the output on a transport.
func bare(t *testing.T, a *transport, conf string) *outputtest.Output {
	o := open(t, "http://x", conf)
	o.Output.(*output).http.Transport = a
	return o
}

// A push that is not full waits for batch_wait, from its first line on, and not when the output is closed.
func TestBatchWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &transport{start: time.Now()}
		o := bare(t, a, `batch_wait => 3`)
		first := o.WriteAsync(t, numbered(0, 1)...)
		synctest.Wait() // it is handed over
		time.Sleep(2 * time.Second)
		o.Write(t, numbered(1, 1)...)
		<-first
		require.Equal(t, []time.Duration{3 * time.Second}, a.at)
		last := o.WriteAsync(t, numbered(2, 1)...)
		synctest.Wait()
		require.NoError(t, o.Close(t.Context()))
		<-last
		require.Equal(t, []time.Duration{3 * time.Second, 3 * time.Second}, a.at)
	})
}

// Pauses double from min_delay to max_delay; after as many attempts as retries says the lines are given up.
func TestRetries(t *testing.T) {
	f := func(conf string, delivered int, statuses []int, want ...time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			a := &transport{start: time.Now(), statuses: statuses}
			o := bare(t, a, "batch_wait => 0 "+conf)
			o.Write(t, numbered(0, 2)...)
			for i := range want {
				want[i] *= time.Second
			}
			require.Equal(t, want, a.at)
			require.EqualValues(t, delivered, o.Env.Stats.Delivered.Load())
			require.EqualValues(t, 2-delivered, o.Env.Stats.Dropped.Load())
			require.EqualValues(t, 2*(len(want)-1), o.Env.Stats.Retried.Load())
			require.NoError(t, o.Close(t.Context()))
		})
	}
	f(``, 2, []int{429, 503, 0, 500}, 0, 1, 3, 7, 15)
	f(`max_delay => 2`, 2, []int{401, 404, 301}, 0, 1, 3, 5)
	f(`retries => 3 min_delay => 2`, 0, []int{500, 500, 500}, 0, 2, 6)
	f(`retries => 1`, 0, []int{0}, 0)
	f(`retries => 0 max_delay => 1`, 2, []int{500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500}, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
}

// letters is a dead letter queue.
type letters struct{ docs, reasons []string }

func (l *letters) Write(d plugin.DeadLetter) error {
	l.docs, l.reasons = append(l.docs, string(d.Document)), append(l.reasons, d.Reason)
	return nil
}

// What Loki refuses of a push is found and becomes a dead letter; the rest is stored once.
func TestRefused(t *testing.T) {
	s := serve(t)
	o := open(t, s.URL, `batch_wait => 0`)
	dead := new(letters)
	o.Env.DeadLetters = dead
	docs := numbered(0, 100)
	docs[17] = `{"message":"m","bad.name":"x"}`
	docs[71] = `{"message":"too long","job":"j"}`
	o.Write(t, docs...)
	require.Len(t, s.lines(), 98)
	require.Len(t, dead.docs, 2)
	require.Contains(t, dead.docs[0], `"bad.name":"x"`)
	require.Contains(t, dead.reasons[0], `label "bad.name"`)
	require.EqualValues(t, 98, o.Env.Stats.Delivered.Load())
	require.EqualValues(t, 2, o.Env.Stats.DeadLettered.Load())
	require.LessOrEqual(t, s.pushes(), 30)
}

// Where nothing is right there is an end of looking for it.
func TestAllRefused(t *testing.T) {
	s := serve(t)
	o := open(t, s.URL, `batch_wait => 0`)
	var docs []string
	for i := range 1000 {
		docs = append(docs, fmt.Sprintf(`{"message":"m%d","bad.name":"x"}`, i))
	}
	o.Write(t, docs...)
	require.EqualValues(t, 1000, o.Env.Stats.Dropped.Load())
	require.LessOrEqual(t, s.pushes(), maxParts+2)
}

// Answers that are lost, connections that break and a server that is busy cost no line.
func TestConservation(t *testing.T) {
	s := serve(t)
	p := faultproxy.New(t, faultproxy.Config{Target: strings.TrimPrefix(s.URL, "http://"), Seed: 7})
	p.Set(faultproxy.Faults{ResetRequest: 0.1, Status: 503, StatusRate: 0.1, ResetResponse: 0.1, CutResponse: 0.1, CutAfter: 10})
	o := open(t, p.URL(), `batch_wait => 0 batch_size => 200 min_delay => 0 max_delay => 0 retries => 0`)
	var settled []<-chan struct{}
	for i := range 20 {
		settled = append(settled, o.WriteAsync(t, numbered(i*100, 100)...))
		<-settled[i]
	}
	require.Len(t, s.lines(), 2000)
	require.EqualValues(t, 2000, o.Env.Stats.Delivered.Load())
	require.Positive(t, o.Env.Stats.Retried.Load())
	require.Positive(t, p.Stats().Lost)
}

// The output waits while Loki takes nothing, and what is not delivered when the time to close is over is not settled.
func TestBackPressure(t *testing.T) {
	s := serve(t)
	p := faultproxy.New(t, faultproxy.Config{Target: strings.TrimPrefix(s.URL, "http://")})
	p.Set(faultproxy.Faults{BlackHole: true})
	o := open(t, p.URL(), ``)
	big := fmt.Sprintf(`{"message":%q,"a":"b"}`, strings.Repeat("x", maxHeld/2))
	for i := range 2 {
		require.Empty(t, o.Append(t, big))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		b := &event.Batch{Done: func(*event.Batch) { t.Error("a batch was settled that was not delivered") }}
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
	require.Zero(t, o.Env.Stats.Delivered.Load()+o.Env.Stats.Dropped.Load())
}

func file(t testing.TB, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "pem")
	require.NoError(t, os.WriteFile(name, data, 0o600))
	return name
}

func TestTLS(t *testing.T) {
	s := serve(t)
	ca := testenv.NewCA(t)
	crt := ca.Issue(t, "localhost", time.Now().Add(time.Hour))
	tc, err := crt.ServerConfig()
	require.NoError(t, err)
	p := faultproxy.New(t, faultproxy.Config{Target: strings.TrimPrefix(s.URL, "http://"), ServerTLS: tc})
	f := func(conf string, delivered int) {
		t.Helper()
		o := open(t, p.URL(), "batch_wait => 0 retries => 1 "+conf)
		o.Write(t, numbered(0, 1)...)
		require.EqualValues(t, delivered, o.Env.Stats.Delivered.Load())
	}
	f(``, 0)
	f(`insecure_skip_verify => true`, 1)
	f(fmt.Sprintf(`ca_cert => %q cert => %q key => %q`, file(t, ca.PEM), file(t, crt.CertPEM), file(t, crt.KeyPEM)), 1)
	f(fmt.Sprintf(`ca_cert => %q`, file(t, testenv.NewCA(t).PEM)), 0)
}

func TestOptions(t *testing.T) {
	const u = `url => "http://x/loki/api/v1/push" `
	refused := func(conf, want string) { t.Helper(); outputtest.Refused(t, Plugin, conf, want) }
	warned := func(conf, want string) { t.Helper(); outputtest.Warned(t, Plugin, conf, want) }
	refused(``, `option "url" is required`)
	refused(`url => "x"`, "no address of a web service")
	refused(u+`min_delay => 5 max_delay => 2`, "longer than max_delay")
	refused(u+`batch_size => 0`, "less than 1")
	refused(u+`retries => -1`, "less than 0")
	refused(u+fmt.Sprintf(`ca_cert => %q`, file(t, []byte("x"))), "no certificate in")
	warned(`url => "http://x"`, "has no path")
	warned(u+`password => "p"`, "no effect without username")
	warned(u+fmt.Sprintf(`cert => %q`, file(t, []byte("x"))), "no effect without key")
	warned(u+fmt.Sprintf(`key => %q`, file(t, []byte("x"))), "no effect without cert")
	warned(u+`include_fields => ["a.b"]`, `no label called "a.b"`)
	warned(u+`codec => json`, `option "codec" has no effect`)
}

func BenchmarkAppend(b *testing.B) {
	o := open(b, "http://x", `include_fields => ["job"]`)
	w := o.NewWriter().(*writer)
	e := outputtest.Event(b, numbered(0, 1)[0])
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Append(e); err != nil {
			b.Fatal(err)
		}
		if len(w.turn.lines) == 125 {
			w.turn.reset()
		}
	}
}
