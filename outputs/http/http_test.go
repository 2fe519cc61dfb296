package http

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/codecs"
	"millrace/internal/logging"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

func build(t testing.TB, conf string) (*plugin.Built, config.Diagnostics) {
	t.Helper()
	f, diags := config.Parse("test", []byte("output { http { "+conf+" } }"), config.ParseOptions{})
	require.Empty(t, diags)
	reg := plugin.NewRegistry([]*plugin.Definition{Plugin}, codecs.All())
	return reg.Build(f.Sections[0].Body[0].(*config.PluginNode), plugin.Builder{Log: logging.Discard()})
}

// open makes the output of a config, in which URL stands for the address of a server.
func open(t testing.TB, url, conf string) (*output, *plugin.Env) {
	t.Helper()
	built, diags := build(t, strings.ReplaceAll(conf, "URL", url))
	require.NotNil(t, built, diags.String())
	return built.Output.(*output), built.Env
}

func parse(t testing.TB, doc string) *event.Event {
	t.Helper()
	e := event.New(nil)
	v, _, _, err := e.ParseJSON(doc)
	require.NoError(t, err)
	e.SetRoot(v.Object())
	return e
}

// flush hands over a batch of events; settled is closed when it is settled.
func flush(t testing.TB, w plugin.Writer, docs ...string) (settled chan struct{}) {
	t.Helper()
	for _, doc := range docs {
		require.NoError(t, w.Append(parse(t, doc)))
	}
	settled = make(chan struct{})
	b := &event.Batch{Done: func(*event.Batch) { close(settled) }}
	b.Expect(1)
	require.NoError(t, w.Flush(t.Context(), b))
	return settled
}

// service is a web service that keeps what it is sent and answers /status/N by that status.
type service struct {
	*httptest.Server
	mu  sync.Mutex
	got []string // method path type body
}

func serve(t testing.TB) *service {
	s := new(service)
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(in)
		if err != nil {
			w.WriteHeader(http.StatusUnsupportedMediaType)
			return
		}
		in = z
	}
	body, _ := io.ReadAll(in)
	s.mu.Lock()
	s.got = append(s.got, fmt.Sprintf("%s %s %s %s%s", r.Method, r.URL, r.Header.Get("Content-Type"), r.Header.Get("X-Test"), body))
	s.mu.Unlock()
	var status int
	if _, err := fmt.Sscanf(r.URL.Path, "/status/%d", &status); err == nil {
		w.WriteHeader(status)
	}
	if r.URL.Path == "/away" {
		http.Redirect(w, r, "/good", http.StatusFound)
	}
}

func (s *service) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.got
	s.got = nil
	slices.Sort(got)
	return got
}

func TestBodies(t *testing.T) {
	s := serve(t)
	f := func(conf string, docs []string, want ...string) {
		t.Helper()
		for _, more := range []string{"", " http_compression => true"} {
			o, env := open(t, s.URL, conf+more)
			<-flush(t, o.NewWriter(), docs...)
			require.NoError(t, o.Close(t.Context()))
			require.Equal(t, want, s.requests())
			require.EqualValues(t, len(docs), env.Stats.Delivered.Load())
		}
	}
	one := []string{`{"foo":"bar","baz":"bot","user":"McBest"}`}
	for _, verb := range methods {
		if verb == "head" {
			continue
		}
		f(`url => "URL/good" http_method => `+verb, one, strings.ToUpper(verb)+` /good application/json {"foo":"bar","baz":"bot","user":"McBest"}`)
	}
	f(`url => "URL/good" http_method => head`, one, `HEAD /good application/json `)
	f(`url => "URL/%{foo}" http_method => post content_type => "text/x" headers => { "X-Test" => "%{baz}:" }`, one, `POST /bar text/x bot:{"foo":"bar","baz":"bot","user":"McBest"}`)
	f(`url => "URL/" http_method => post`, []string{`{"n":1}`, `{"n":2}`}, `POST / application/json {"n":1}`, `POST / application/json {"n":2}`)
	f(`url => "URL/" http_method => post format => json_batch headers => ["X-Test", "a"]`, []string{`{"n":1}`, `{"n":2}`}, `POST / application/json a[{"n":1},{"n":2}]`)
	f(`url => "URL/" http_method => post format => json_batch mapping => { "m" => "%{n}" }`, []string{`{"n":1}`, `{"n":2}`}, `POST / application/json [{"m":"1"},{"m":"2"}]`)
	f(`url => "URL/" http_method => post format => form`, []string{`{"a b":"ä&~*","n":1.5,"h":{"k":[null,true]}}`},
		`POST / application/x-www-form-urlencoded a+b=%C3%A4%26~%2A&n=1.5&h=%7B%22k%22%3D%3E%5Bnil%2C+true%5D%7D`)
	f(`url => "URL/" http_method => post format => form mapping => { "a" => "%{n}" }`, []string{`{"n":"x y"}`}, `POST / application/x-www-form-urlencoded a=x+y`)
	f(`url => "URL/" http_method => post format => message message => "%{foo} AND %{baz}"`, one, `POST / text/plain bar AND bot`)
	f(`url => "URL/" http_method => post mapping => { "%{foo}" => ["X %{foo}", { "u" => "Y %{[user]}" }, 5] }`, one, `POST / application/json {"%{foo}":["X bar",{"u":"Y McBest"},"5"]}`)
	f(`url => "URL/" verb => "POST"  mapping => ["a", "%{foo}"]`, one, `POST / application/json {"a":"bar"}`)
	f(`url => "URL/status/404" http_method => post ignorable_codes => [404]`, []string{`{}`}, `POST /status/404 application/json {}`)
}

func TestRefused(t *testing.T) {
	s := serve(t)
	f := func(conf string, docs, want int) {
		t.Helper()
		o, env := open(t, s.URL, "http_method => post "+conf)
		<-flush(t, o.NewWriter(), slices.Repeat([]string{`{"n":1}`}, docs)...)
		require.NoError(t, o.Close(t.Context()))
		require.Len(t, s.requests(), want)
		require.EqualValues(t, docs, env.Stats.Dropped.Load())
		require.Zero(t, env.Stats.Delivered.Load())
	}
	f(`url => "URL/status/400"`, 1, 1)
	f(`url => "URL/status/400" format => json_batch`, 2, 1)
	f(`url => "URL/status/500" retry_failed => false`, 2, 2)
	f(`url => "URL/status/503" retryable_codes => [500]`, 1, 1)
	f(`url => "URL/away"`, 1, 1) // its event would be lost on the way
	f(`url => "%{n}"`, 1, 0)
	f(`url => "http://%{none}/"`, 1, 0)
}

// answers is a service without a network: each answer is a status, or 0 for none.
type answers struct {
	mu       sync.Mutex
	statuses []int
	at       []time.Duration
	start    time.Time
	header   http.Header
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = append(a.at, time.Since(a.start))
	status := 200
	if len(a.statuses) > 0 {
		status, a.statuses = a.statuses[0], a.statuses[1:]
	}
	if status == 0 {
		return nil, errors.New("connection reset by peer")
	}
	return &http.Response{StatusCode: status, Header: a.header, Body: io.NopCloser(strings.NewReader("Will succeed")), Request: r}, nil
}

func TestRetries(t *testing.T) {
	f := func(conf string, header http.Header, least time.Duration, statuses ...int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			o, env := open(t, "http://x", `url => "URL/" http_method => post `+conf)
			a := &answers{statuses: statuses, start: time.Now(), header: header}
			o.http.HTTP.Transport = a
			<-flush(t, o.NewWriter(), `{"n":1}`)
			require.NoError(t, o.Close(t.Context()))
			require.Len(t, a.at, len(statuses)+1)
			require.EqualValues(t, 1, env.Stats.Delivered.Load())
			require.EqualValues(t, len(statuses), env.Stats.Retried.Load())
			took := a.at[len(a.at)-1]
			require.GreaterOrEqual(t, took, least)
			require.LessOrEqual(t, took, 2*least)
		})
	}
	f(``, nil, 2500*time.Millisecond, 429, 429)
	f(`format => json_batch`, nil, 2500*time.Millisecond, 503, 0)
	f(``, nil, (1+4+9+16+25+36+49+60+60)*time.Second/2, 500, 500, 500, 500, 500, 500, 500, 500, 500)
	f(`retryable_codes => 418`, nil, 500*time.Millisecond, 418)
	f(``, http.Header{"Retry-After": {"7"}}, 7*time.Second, 503)
}

// TestBackPressure: while pool_max requests are not answered, Flush waits; and what is not delivered when the time to close is over is not
// settled.
func TestBackPressure(t *testing.T) {
	for _, conf := range []string{`url => "URL/" pool_max => 2`, `url => "URL/" pool_max_per_route => 2`, `url => "URL/%{n}" pool_max => 2 pool_max_per_route => 1`} {
		testBackPressure(t, conf)
	}
}

func testBackPressure(t *testing.T, conf string) {
	synctest.Test(t, func(t *testing.T) {
		o, env := open(t, "http://x", `http_method => post `+conf)
		o.http.HTTP.Transport = &answers{statuses: slices.Repeat([]int{503}, 1000)}
		w := o.NewWriter()
		first := flush(t, w, `{"n":1}`, `{"n":2}`)
		require.NoError(t, w.Append(parse(t, `{"n":3}`)))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		b := new(event.Batch)
		b.Expect(1)
		require.ErrorIs(t, w.Flush(ctx, b), context.DeadlineExceeded)
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, o.Close(ctx))
		require.Zero(t, env.Stats.Delivered.Load()+env.Stats.Dropped.Load())
		select {
		case <-first:
			t.Fatal("a batch was settled that was not delivered")
		default:
		}
	})
}

func TestEmptyBatch(t *testing.T) {
	for _, conf := range []string{"", "format => json_batch"} {
		o, _ := open(t, "http://x", `url => "URL/" http_method => post `+conf)
		<-flush(t, o.NewWriter())
		require.NoError(t, o.Close(t.Context()))
	}
}

// TestBadTemplate: an event for which a template fails is dropped and counted, and the others of its batch are sent.
func TestBadTemplate(t *testing.T) {
	s := serve(t)
	for _, conf := range []string{`mapping => { "a" => "%{[x}" }`, `headers => { "X-Test" => "%{[x}" }`} {
		o, env := open(t, s.URL, `url => "URL/" http_method => post `+conf)
		w := o.NewWriter()
		require.Error(t, w.Append(parse(t, `{}`)))
		<-flush(t, w)
		require.NoError(t, o.Close(t.Context()))
		require.EqualValues(t, 1, env.Stats.Dropped.Load())
	}
	require.Empty(t, s.requests())
}

func TestDiagnostics(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		_, diags := build(t, conf)
		require.Contains(t, diags.String(), want)
	}
	f(`http_method => post`, `option "url" is required`)
	f(`url => "http://x"`, `option "http_method" is required`)
	f(`url => "http://x" http_method => options`, `must be one of`)
	f(`url => "http://x" verb => options`, `the method "options" is none of`)
	f(`url => "http://x" verb => get http_method => get`, `are the same`)
	f(`url => "x" http_method => get`, `no address of a web service`)
	f(`url => "http://%{[x}" http_method => get`, `every event will be dropped`)
	f(`url => "http://x" http_method => get format => message`, `needs the option message`)
	f(`url => "http://x" http_method => get format => message message => "" mapping => { "a" => "b" }`, `mapping has no effect`)
	f(`url => "http://x" http_method => get message => "a"`, `message has no effect`)
	f(`url => "http://x/%{a}" http_method => get format => json_batch`, `no address of a web service`)
	f(`url => "http://x/?a=%{a}" http_method => get format => json_batch`, `one request for many events`)
	f(`url => "http://x/" http_method => get format => json_batch headers => { "A" => "%{a}" }`, `one request for many events`)
	f(`url => "http://x/" http_method => get headers => { "content-type" => "text/plain" }`, `set content_type`)
	f(`url => "http://x/" http_method => get user => "a"`, `user needs password`)
	f(`url => "http://x/" http_method => get pool_max => 0`, `less than 1`)
	f(`url => "http://x/" http_method => get verify_ssl => false`, `option "verify_ssl" is obsolete`)
	f(`url => "http://x/" http_method => get ssl_certificate_validation => false`, `option "ssl_certificate_validation" is obsolete`)
}

func BenchmarkWriter(b *testing.B) {
	o, _ := open(b, "http://x", `url => "URL/" http_method => post format => json_batch`)
	o.http.HTTP.Transport = new(answers)
	w, e := o.NewWriter(), parse(b, `{"message":"hello","n":1,"host":{"name":"web1"}}`)
	b.ReportAllocs()
	for b.Loop() {
		for range 125 {
			if err := w.Append(e); err != nil {
				b.Fatal(err)
			}
		}
		batch := new(event.Batch)
		batch.Expect(1)
		if err := w.Flush(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	require.NoError(b, o.Close(b.Context()))
}
