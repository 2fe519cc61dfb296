package http

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

func serve(t testing.TB, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// echo answers with what it was asked, as JSON or as text by the path.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header()["Date"] = nil
	switch {
	case strings.HasPrefix(r.URL.Path, "/json"):
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		fmt.Fprintf(w, `{"verb":%q,"path":%q,"query":%q,"body":%q,"type":%q,"x":%q}`, r.Method, r.URL.Path, r.URL.RawQuery, body, r.Header.Get("Content-Type"), r.Header.Get("X-Test"))
	case strings.HasPrefix(r.URL.Path, "/none"):
		w.WriteHeader(204)
	case strings.HasPrefix(r.URL.Path, "/empty"):
		w.Header().Set("Content-Type", "text/plain")
	case strings.HasPrefix(r.URL.Path, "/types"):
		w.Header()["Content-Type"] = []string{"application/xml", "application/json"}
		fmt.Fprint(w, `{"id":10}`)
	case strings.HasPrefix(r.URL.Path, "/bad"):
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"a":`)
	case strings.HasPrefix(r.URL.Path, "/status/"):
		w.WriteHeader(404)
	case strings.HasPrefix(r.URL.Path, "/login"):
		user, password, _ := r.BasicAuth()
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(w, "%s %s", user, password)
	case strings.HasPrefix(r.URL.Path, "/redirect"):
		http.Redirect(w, r, "/text", http.StatusFound)
	default:
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Add("X-Two", "a")
		w.Header().Add("X-Two", "b")
		fmt.Fprint(w, " Bom dia \n")
	}
}

func TestAnswers(t *testing.T) {
	url := serve(t, echo)
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, strings.ReplaceAll(options, "URL", url)).Run(in), options)
	}
	f(`url => "URL/json/%{m}" target_headers => "[@metadata][h]" remove_field => "m"`, `{"m":"x"}`,
		`{"m":"x","body":{"verb":"GET","path":"/json/x","query":"","body":"","type":"text/plain","x":""}} @metadata={"h":{"content-length":"79","content-type":"application/json; charset=utf-8"}} +`)
	f(`url => "URL/text" target_body => "gw" ecs_compatibility => v8`, `{}`,
		`{"gw":"Bom dia"} @metadata={"filter":{"http":{"response":{"headers":{"content-length":"10","content-type":"text/plain","x-two":["a","b"]}}}}} +`)
	const quiet = ` target_headers => "[@metadata][x]" `
	body := func(options, in, want string) {
		t.Helper()
		got := filtertest.New(t, Plugin, strings.ReplaceAll(options+quiet+`target_body => "[a][b]"`, "URL", url)).Run(in)
		got, _, _ = strings.Cut(got, " @metadata")
		require.Equal(t, want, got, options)
	}
	body(`url => "URL/json?a=1" query => { "%{k}" => "%{v} w" } headers => { "X-Test" => "%{v}" }`, `{"k":"b","v":"c"}`,
		`{"k":"b","v":"c","a":{"b":{"verb":"GET","path":"/json","query":"a=1&b=c+w","body":"","type":"text/plain","x":"c"}}}`)
	body(`url => "URL/json" verb => "POST" body => "hello %{k}"`, `{"k":"b"}`, `{"k":"b","a":{"b":{"verb":"POST","path":"/json","query":"","body":"hello b","type":"text/plain","x":""}}}`)
	body(`url => "URL/json" verb => "PUT" body_format => "json" body => { "%{k}" => ["%{k}", 5, { "n" => "o-%{k}" }] }`, `{"k":"b"}`,
		`{"k":"b","a":{"b":{"verb":"PUT","path":"/json","query":"","body":"{\"b\":[\"b\",5,{\"n\":\"o-b\"}]}","type":"application/json","x":""}}}`)
	body(`url => "URL/json" verb => "POST" body_format => "json" body => "%{k}"`, `{"k":"b"}`, `{"k":"b","a":{"b":{"verb":"POST","path":"/json","query":"","body":"b","type":"application/json","x":""}}}`)
	body(`url => "URL/text" verb => "HEAD"`, `{}`, `{}`)
	body(`url => "URL/none"`, `{}`, `{}`)
	body(`url => "URL/empty"`, `{}`, `{"a":{"b":""}}`)
	body(`url => "URL/types"`, `{}`, `{"a":{"b":{"id":10}}}`)
	body(`url => "URL/login" user => "u" password => "p"`, `{}`, `{"a":{"b":"u p"}}`)
	body(`url => "URL/redirect"`, `{}`, `{"a":{"b":"Bom dia"}}`)
	body(`url => "URL/redirect" follow_redirects => false`, `{}`, `{"tags":["_httprequestfailure"]}`)
	body(`url => "URL/status/404"`, `{}`, `{"tags":["_httprequestfailure"]}`)
	body(`url => "URL/status/404" tag_on_request_failure => ["a","b"]`, `{}`, `{"tags":["a","b"]}`)
	body(`url => "URL/bad"`, `{}`, `{"tags":["_jsonparsefailure"]}`)
	body(`url => "%{none}"`, `{}`, `{"tags":["_httprequestfailure"]}`)
	body(`url => "URL/text"`, `{"a":"text"}`, `{"a":"text","tags":["_httprequestfailure"]}`)
	body(`url => "http://127.0.0.1:1/" connect_timeout => 1`, `{}`, `{"tags":["_httprequestfailure"]}`)
}

func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	url := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	r := filtertest.New(t, Plugin, `url => "`+url+`" request_timeout => 0.05 automatic_retries => 0`)
	require.Equal(t, `{"tags":["_httprequestfailure"]}`, r.Run(`{}`))
}

func TestRetries(t *testing.T) {
	var asked atomic.Int32
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1)%2 == 1 {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.Copy(w, r.Body)
	})
	options := `target_headers => "[@metadata][h]" keepalive => false url => "` + url + `" `
	f := func(more, want string) {
		t.Helper()
		asked.Store(0)
		got, _, _ := strings.Cut(filtertest.New(t, Plugin, options+more).Run(`{}`), " @metadata")
		require.Equal(t, want, got)
	}
	f(`verb => "PUT" body => "x"`, `{"body":"x"}`)
	f(`verb => "POST" body => "x"`, `{"tags":["_httprequestfailure"]}`)
	f(`verb => "POST" body => "x" retry_non_idempotent => true`, `{"body":"x"}`)
	f(`verb => "PUT" body => "x" automatic_retries => 0`, `{"tags":["_httprequestfailure"]}`)
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(``, `option "url" is required`)
	f(`request => { url => "http://x" }`, `it is the rest filter's`)
	f(`url => "http://x" ecs_compatibility => v1`, `option "target_body" is required`)
	f(`url => "example.com/x"`, `no address of a web service`)
	f(`url => "http://x" verb => "something else"`, `must be one of "GET"`)
	f(`url => "http://x" user => "u"`, `user needs password`)
	f(`url => "http://x" ssl_certificate_authorities => ["/nonexistent.pem"]`, `ssl_certificate_authorities`)
	f(`url => "http://%{[x}"`, `every event will fail`)
	f(`url => "http://x" cacert => ["/nonexistent.pem"]`, `is now called "ssl_certificate_authorities"`)
}

// net/http allocates for each request; it is the round trip that counts.
func BenchmarkFilter(b *testing.B) {
	url := serve(b, echo)
	filtertest.Bench(b, Plugin, `url => "`+url+`/json"`, `{"m":1}`)
}

func TestStop(t *testing.T) {
	filtertest.EndsWithContext(t, Plugin, func(address string) string { return `url => "http://` + address + `/"` }, `{"tags":["_httprequestfailure"]}`)
}
