package httppoller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// echo answers with what it was asked; the path chooses the form.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header()["Date"] = nil
	w.Header().Set("Content-Type", "text/plain")
	switch r.URL.Path {
	case "/payload":
		w.WriteHeader(202)
		fmt.Fprint(w, `{"a":2,"hello":["a","b","c"]}`)
	case "/list":
		fmt.Fprint(w, `[{"n":1},{"n":2}]`)
	case "/lines":
		fmt.Fprint(w, "one\ntwo\n\nthree\n\x00")
	case "/bad":
		fmt.Fprint(w, "{")
	case "/empty":
	case "/gone":
		panic(http.ErrAbortHandler)
	case "/slow":
		<-r.Context().Done()
	case "/own":
		fmt.Fprint(w, `{"m":{"name":"mine"},"@metadata":{"x":1}}`)
	default:
		user, password, _ := r.BasicAuth()
		fmt.Fprintf(w, `{"verb":%q,"query":%q,"body":%q,"type":%q,"x":%q,"host":%q,"login":%q}`, r.Method, r.URL.RawQuery, body, r.Header.Get("Content-Type"),
			strings.Join(r.Header["X-Test"], ","), strings.Split(r.Host, ":")[0], user+":"+password)
	}
}

// pollOnce runs the input of a config, in which URL stands for the server, until there are n events.
func pollOnce(t *testing.T, ecs plugin.ECS, conf string, n int) []string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(echo))
	defer s.Close()
	built, diags := inputtest.Build(t, Plugin, strings.ReplaceAll(conf+` schedule => { every => "1h" }`, "URL", s.URL), plugin.Builder{ECS: ecs})
	require.NotNil(t, built, diags.String())
	out := inputtest.NewSink(built)
	stop := inputtest.Run(t, built.Input, out)
	got := out.Wait(n)
	stop()
	for i := range got {
		got[i] = strings.ReplaceAll(got[i], s.URL, "URL")
	}
	return got
}

func TestRequests(t *testing.T) {
	f := func(spec, want string) {
		t.Helper()
		got := pollOnce(t, plugin.ECSDisabled, `urls => { "a" => `+spec+` } metadata_target => "m"`, 1)
		var e map[string]any
		require.NoError(t, json.Unmarshal([]byte(got[0]), &e))
		delete(e, "m")
		text, err := json.Marshal(e)
		require.NoError(t, err)
		require.JSONEq(t, want, string(text))
	}
	f(`"URL/"`, `{"verb":"GET","query":"","body":"","type":"","x":"","host":"127.0.0.1","login":":"}`)
	f(`{ url => "URL/?a=1" method => "POST" headers => { "X-Test" => ["a", "b"] Host => "other" } body => "hi" user => "u" password => 5 query => { "b" => ["x y", 2] } }`,
		`{"verb":"POST","query":"a=1&b=x+y&b=2","body":"hi","type":"text/plain; charset=utf-8","x":"a,b","host":"other","login":"u:5"}`)
	f(`{ url => "URL/" auth => { user => "u" password => "p" } params => { "k" => "v" } }`,
		`{"verb":"GET","query":"k=v","body":"","type":"","x":"","host":"127.0.0.1","login":"u:p"}`)
	f(`{ url => "URL/" method => put params => { "k" => "ü" } }`,
		`{"verb":"PUT","query":"","body":"k=%C3%BC","type":"application/x-www-form-urlencoded","x":"","host":"127.0.0.1","login":":"}`)
	f(`{ url => "URL/" method => post headers => { "content-type" => "application/json" } body => "{}" }`,
		`{"verb":"POST","query":"","body":"{}","type":"application/json","x":"","host":"127.0.0.1","login":":"}`)
	f(`{ url => "URL/payload" }`, `{"a":2,"hello":["a","b","c"]}`)
}

// number replaces what depends on time.
func number(t *testing.T, doc string, path ...string) map[string]any {
	t.Helper()
	var e map[string]any
	require.NoError(t, json.Unmarshal([]byte(doc), &e))
	at := e
	for _, k := range path[:len(path)-1] {
		at = at[k].(map[string]any)
	}
	last := path[len(path)-1]
	require.Positive(t, at[last])
	at[last] = "number"
	return e
}

func same(t *testing.T, want string, got map[string]any) {
	t.Helper()
	text, err := json.Marshal(got)
	require.NoError(t, err)
	require.JSONEq(t, want, string(text))
}

func TestMetadata(t *testing.T) {
	got := pollOnce(t, plugin.ECSDisabled, `urls => { "url1 " => { url => "URL/payload" headers => { "X" => "y" } auth => { user => "u" password => "secret" } } } metadata_target => "_m" type => "t"`, 1)
	same(t, `{"a":2,"hello":["a","b","c"],"type":"t","_m":{"name":"url1 ","host":"host1","code":202,"response_message":"Accepted","times_retried":0,"runtime_seconds":"number",
		"response_headers":{"content-length":"29","content-type":"text/plain"},"request":{"method":"get","url":"URL/payload","headers":{"X":"y"},"auth":{"user":"u"}}}}`,
		number(t, got[0], "_m", "runtime_seconds"))
	got = pollOnce(t, plugin.ECSv8, `urls => { "a" => "URL/empty" } target => "[x][y]"`, 1)
	same(t, `{"@metadata":{"input":{"http_poller":{"request":{"name":"a","host":{"hostname":"host1"},"original":{"method":"get","url":"URL/empty"},"retry_count":0},
		"response":{"status_code":200,"status_message":"OK","headers":{"content-length":"0","content-type":"text/plain"},"elapsed_time_ns":"number"}}}}}`,
		number(t, got[0], "@metadata", "input", "http_poller", "response", "elapsed_time_ns"))
	got = pollOnce(t, plugin.ECSDisabled, `urls => { "a" => "URL/own" } metadata_target => "m"`, 1)
	require.Contains(t, got[0], `"name":"a"`) // what is told of the request wins
}

func TestBodies(t *testing.T) {
	f := func(conf string, want ...string) {
		t.Helper()
		got := pollOnce(t, plugin.ECSDisabled, conf+` metadata_target => "[m]"`, len(want))
		for i := range got {
			var e map[string]any
			require.NoError(t, json.Unmarshal([]byte(got[i]), &e))
			delete(e, "m")
			same(t, want[i], e)
		}
	}
	f(`urls => { "a" => "URL/list" }`, `{"n":1}`, `{"n":2}`)
	f(`urls => { "a" => "URL/list" } target => "[t][u]"`, `{"t":{"u":{"n":1}}}`, `{"t":{"u":{"n":2}}}`)
	f(`urls => { "a" => "URL/lines" } codec => line`, `{"message":"one"}`, `{"message":"two"}`, `{"message":""}`, `{"message":"three"}`, `{"message":"\u0000"}`)
	f(`urls => { "a" => "URL/bad" }`, `{"message":"{","tags":["_jsonparsefailure"]}`)
	f(`urls => { "a" => "URL/payload" } codec => plain`, `{"message":"{\"a\":2,\"hello\":[\"a\",\"b\",\"c\"]}"}`)
	f(`urls => { "a" => "URL/empty" } tags => "x"`, `{"tags":["x"]}`)
}

func TestFailure(t *testing.T) {
	const conf = `automatic_retries => 0 type => "t" tags => "x" `
	got := pollOnce(t, plugin.ECSDisabled, conf+`urls => { "a" => "URL/gone" }`, 1)
	e := number(t, got[0], "http_request_failure", "runtime_seconds")
	require.Positive(t, e["@metadata"].(map[string]any)["runtime_seconds"])
	delete(e["@metadata"].(map[string]any), "runtime_seconds")
	same(t, `{"tags":["_http_request_failure"],"@metadata":{"name":"a","host":"host1","request":{"method":"get","url":"URL/gone"}},
		"http_request_failure":{"name":"a","request":{"method":"get","url":"URL/gone"},"runtime_seconds":"number","error":"Get URL/gone: EOF"}}`, e)

	got = pollOnce(t, plugin.ECSv1, conf+`urls => { "a" => "http://127.0.0.1:65536/" }`, 1)
	e = number(t, got[0], "event", "duration")
	require.Contains(t, e["error"].(map[string]any)["message"], "invalid port")
	delete(e, "error")
	delete(e, "@metadata")
	same(t, `{"tags":["_http_request_failure"],"event":{"duration":"number"},"url":{"full":"http://127.0.0.1:65536/"},"http":{"request":{"method":"get"}},"host":{"hostname":"host1"}}`, e)

	got = pollOnce(t, plugin.ECSv1, conf+`urls => { "a" => { url => "URL/slow" request_timeout => 0.01 } }`, 1)
	require.Contains(t, got[0], "deadline exceeded")
}

// counter is a service without a network.
type counter struct{ at []time.Duration }

var midnight = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.at = append(c.at, time.Since(midnight))
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(`{}`)), Request: r}, nil
}

func TestSchedule(t *testing.T) {
	f := func(conf string, limit time.Duration, want ...time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			built, diags := inputtest.Build(t, Plugin, `urls => { "a" => "http://x/" } `+conf, plugin.Builder{})
			require.NotNil(t, built, diags.String())
			c := new(counter)
			built.Input.(*input).http.HTTP.Transport = c
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			require.NoError(t, built.Input.Run(ctx, inputtest.NewSink(built)))
			require.Equal(t, want, c.at)
		})
	}
	f(`schedule => { cron => "* * * * * UTC" }`, 150*time.Second, time.Minute, 2*time.Minute)
	f(`schedule => { at => "2000-01-01 00:05:00 +0000" }`, time.Hour, 5*time.Minute)
	f(`schedule => { every => "2s" }`, 5*time.Second, 0, 2*time.Second, 4*time.Second)
	f(`schedule => { in => "2s" }`, time.Hour, 2*time.Second)
	f(`interval => 30`, 40*time.Second, 0, 30*time.Second)
}

// fullSink takes nothing any more.
type fullSink struct{}

var errFull = errors.New("the queue is broken")

func (fullSink) Push(context.Context, *event.Batch) error { return errFull }

func TestQueueThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		built, _ := inputtest.Build(t, Plugin, `urls => { "a" => "http://x/" } schedule => { every => "1s" }`, plugin.Builder{})
		built.Input.(*input).http.HTTP.Transport = new(counter)
		require.ErrorIs(t, built.Input.Run(t.Context(), fullSink{}), errFull)
	})
}

// sizes keeps how many records each push has.
type sizes []int

func (s *sizes) Push(_ context.Context, b *event.Batch) error {
	*s = append(*s, len(b.Records))
	return nil
}

func TestBigAnswerIsCut(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x\n", 2*batchRecords+1)) }))
	defer s.Close()
	built, diags := inputtest.Build(t, Plugin, `urls => { "a" => "`+s.URL+`" } schedule => { every => "1s" } codec => line`, plugin.Builder{})
	require.NotNil(t, built, diags.String())
	in, got := built.Input.(*input), new(sizes)
	require.NoError(t, in.ask(t.Context(), in.polls[0], got))
	require.Equal(t, sizes{batchRecords, batchRecords, 1}, *got)
}

func TestMistakes(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		_, diags := inputtest.Build(t, Plugin, conf, plugin.Builder{})
		require.Contains(t, diags.String(), want)
	}
	const every = ` schedule => { every => "1h" }`
	f(every, `option "urls" is required`)
	f(`urls => { "a" => "http://x" }`, `option "schedule" is required`)
	f(`urls => { }`+every, `there is nothing to ask`)
	f(`urls => { "a" => "http://x" } schedule => { never => "1h" }`, `unknown key "never"`)
	f(`urls => { "a" => "http://x" } interval => 5`+every, `one of interval and schedule`)
	f(`urls => { "a" => "http://x" } interval => 5`, `option "interval" is obsolete`)
	f(`urls => { ab => "x" }`+every, `ab: "x" is no address`)
	f(`urls => { ab => 5 }`+every, `ab: expected an address or a hash, got 5`)
	f(`urls => { ab => { method => get } }`+every, `"" is no address`)
	f(`urls => { ab => { url => "http://x" method => fetch } }`+every, `the method "fetch" is none of`)
	f(`urls => { ab => { url => "http://x" user => foo } }`+every, `user and password belong together`)
	f(`urls => { ab => { url => "http://x" auth => { password => foo } } }`+every, `user and password belong together`)
	f(`urls => { ab => { url => "http://x" headers => "a" } }`+every, `headers must be a hash, got a string`)
	f(`urls => { ab => { url => "http://x" request_timeout => "a" } }`+every, `which are no seconds`)
	f(`urls => { ab => { url => "http://x" proxy => "http://y" } }`+every, `"proxy" has no effect here`)
	f(`urls => { ab => { url => "http://x" params => { "k" => "v" } query => { "k" => "v" } } }`+every, `query and params are the same here`)
	f(`urls => { ab => { url => "http://x" method => post params => { "k" => "v" } body => "b" } }`+every, `one of params and body`)
	f(`urls => { ab => "http://x" } cacert => "/nonexistent.pem"`+every, `is now called "ssl_certificate_authorities"`)
}
