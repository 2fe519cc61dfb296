package slack

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/faultproxy"
	"millrace/internal/outputtest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// hook is a webhook that keeps what it is posted.
type hook struct {
	*httptest.Server
	mu       sync.Mutex
	payloads []string
	paths    []string
}

func serve(t testing.TB) *hook {
	t.Helper()
	h := new(hook)
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

// ServeHTTP implements http.Handler.
func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	form, err := url.ParseQuery(string(body))
	switch {
	case err != nil || len(form) != 1 || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.Method != http.MethodPost:
		http.Error(w, "invalid_payload", http.StatusBadRequest)
	case strings.Contains(form.Get("payload"), "forbidden"):
		http.Error(w, "action_prohibited", http.StatusForbidden)
	default:
		h.payloads, h.paths = append(h.payloads, form.Get("payload")), append(h.paths, r.URL.Path)
		_, _ = io.WriteString(w, "ok")
	}
}

func (h *hook) got() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.payloads...)
}

func TestMessages(t *testing.T) {
	f := func(conf, doc, want string) {
		t.Helper()
		h := serve(t)
		o := outputtest.New(t, Plugin, fmt.Sprintf("url => %q ", h.URL+"/services/x")+conf)
		o.Write(t, doc)
		require.Len(t, h.got(), 1)
		require.JSONEq(t, want, h.got()[0])
		require.EqualValues(t, 1, o.Env.Stats.Delivered.Load())
	}
	f(``, `{"message":"a & b = ü+\""}`, `{"text":"a & b = ü+\""}`)
	f(``, `{}`, `{"text":"%{message}"}`)
	f(`format => "%{a}!" channel => "#%{c}" username => "u-%{a}" icon_emoji => ":%{a}:" icon_url => "http://i/x.png"`, `{"a":"x","c":"ops"}`,
		`{"text":"x!","channel":"#ops","username":"u-x","icon_emoji":":x:","icon_url":"http://i/x.png"}`)
	const list = `attachments => [{ "title" => "T %{a}" "fields" => [{ "short" => 1 "v" => 1.5 }] }]`
	f(list, `{"message":"m","a":"x"}`, `{"text":"m","attachments":[{"title":"T x","fields":[{"short":1,"v":1.5}]}]}`)
	f(`attachments => { "title" => "T" }`, `{"message":"m"}`, `{"text":"m","attachments":[{"title":"T"}]}`)
	f(`attachments => []`, `{"message":"m"}`, `{"text":"m"}`)
	f(list, `{"message":"m","attachments":[{"image_url":"u"}]}`, `{"text":"m","attachments":[{"image_url":"u"}]}`)
	f(list, `{"message":"m","attachments":[]}`, `{"text":"m"}`)
	f(list, `{"message":"m","a":"x","attachments":"text"}`, `{"text":"m","attachments":[{"title":"T x","fields":[{"short":1,"v":1.5}]}]}`)
}

func TestAddressOfTheEvent(t *testing.T) {
	h := serve(t)
	o := outputtest.New(t, Plugin, fmt.Sprintf("url => %q", h.URL+"/%{hook}"))
	o.Write(t, `{"hook":"a"}`, `{"hook":"b"}`)
	require.Equal(t, []string{"/a", "/b"}, h.paths)
	o = outputtest.New(t, Plugin, `url => "%{hook}"`)
	require.Len(t, o.Append(t, `{"hook":"no address"}`), 1)
	require.EqualValues(t, 1, o.Env.Stats.Dropped.Load())
}

// letters is a dead letter queue.
type letters struct{ docs, reasons []string }

func (l *letters) Write(d plugin.DeadLetter) error {
	l.docs, l.reasons = append(l.docs, string(d.Document)), append(l.reasons, d.Reason)
	return nil
}

// What the service refuses becomes a dead letter, and the rest is posted.
func TestRefused(t *testing.T) {
	h := serve(t)
	o := outputtest.New(t, Plugin, fmt.Sprintf("url => %q", h.URL+"/secret"))
	dead := new(letters)
	o.Env.DeadLetters = dead
	o.Write(t, `{"message":"a"}`, `{"message":"forbidden"}`, `{"message":"b"}`)
	require.Equal(t, []string{`{"text":"a"}`, `{"text":"b"}`}, h.got())
	require.Equal(t, []string{`{"message":"forbidden"}`}, dead.docs)
	require.Equal(t, "the answer is 403 Forbidden: action_prohibited", dead.reasons[0])
	o.Env.DeadLetters = nil
	o.Write(t, `{"message":"forbidden"}`)
	require.EqualValues(t, 1, o.Env.Stats.Dropped.Load())
}

// answers is a service without a network: each answer is a status, or 0 for none.
type answers struct {
	statuses []int
	header   http.Header
	at       []time.Duration
	start    time.Time
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.at = append(a.at, time.Since(a.start))
	status := 200
	if len(a.statuses) > 0 {
		status, a.statuses = a.statuses[0], a.statuses[1:]
	}
	if status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{StatusCode: status, Header: a.header, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

func TestRetries(t *testing.T) {
	f := func(header http.Header, statuses []int, want ...time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			o := outputtest.New(t, Plugin, `url => "http://x/"`)
			a := &answers{statuses: statuses, header: header, start: time.Now()}
			o.Output.(*output).http.Transport = a
			o.Write(t, `{"message":"m"}`)
			for i := range want {
				want[i] *= time.Second
			}
			require.Equal(t, want, a.at)
			require.EqualValues(t, 1, o.Env.Stats.Delivered.Load())
			require.EqualValues(t, len(statuses), o.Env.Stats.Retried.Load())
			require.NoError(t, o.Close(t.Context()))
		})
	}
	f(nil, []int{429, 503, 0, 408, 500, 500, 500, 500}, 0, 1, 3, 7, 15, 31, 63, 123, 183)
	f(http.Header{"Retry-After": {"30"}}, []int{429, 429}, 0, 30, 60)
}

// Connections that break cost no message.
func TestConservation(t *testing.T) {
	h := serve(t)
	p := faultproxy.New(t, faultproxy.Config{Target: strings.TrimPrefix(h.URL, "http://"), Seed: 3})
	p.Set(faultproxy.Faults{ResetRequest: 1, Times: 1})
	o := outputtest.New(t, Plugin, fmt.Sprintf("url => %q", p.URL()))
	o.Write(t, `{"message":"a"}`, `{"message":"b"}`)
	require.Equal(t, []string{`{"text":"a"}`, `{"text":"b"}`}, h.got())
	require.EqualValues(t, 2, o.Env.Stats.Delivered.Load())
	require.EqualValues(t, 1, o.Env.Stats.Retried.Load())
}

// What is not posted when the time to close is over is not settled, and the address is in no error.
func TestClose(t *testing.T) {
	o := outputtest.New(t, Plugin, `url => "http://127.0.0.1:1/secret"`)
	_, _, err := o.Output.(*output).post("http://127.0.0.1:1/secret", nil)
	require.ErrorContains(t, err, "refused")
	require.NotContains(t, err.Error(), "secret")
	require.Empty(t, o.Append(t, `{"message":"a"}`))
	b := &event.Batch{Done: func(*event.Batch) { t.Error("a batch was settled that was not delivered") }}
	b.Expect(1)
	require.NoError(t, o.FlushBatch(t.Context(), b))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.NoError(t, o.Close(ctx))
	require.Zero(t, o.Env.Stats.Delivered.Load()+o.Env.Stats.Dropped.Load())
}

func TestOptions(t *testing.T) {
	refused := func(conf, want string) { t.Helper(); outputtest.Refused(t, Plugin, conf, want) }
	refused(``, `option "url" is required`)
	refused(`url => "hooks.slack.com/x"`, "no address of a web service")
	refused(`url => "http://x/%{[a}"`, `output slack`)
	refused(`url => "http://x/" format => "%{[a}"`, `output slack`)
	refused(`url => "http://x/" attachments => "a"`, "must be an array")
	refused(`url => "http://x/" attachments => ["a"]`, "an attachment is a hash")
	outputtest.Warned(t, Plugin, `url => "http://x/" codec => json`, `option "codec" has no effect`)
}
