package rest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
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
	switch {
	case strings.HasPrefix(r.URL.Path, "/json"):
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		fmt.Fprintf(w, `{"verb":%q,"path":%q,"query":%q,"body":%q,"type":%q,"x":%q}`, r.Method, r.URL.Path, r.URL.RawQuery, body, r.Header.Get("Content-Type"), r.Header.Get("X-Test"))
	case strings.HasPrefix(r.URL.Path, "/nothing"):
		fmt.Fprint(w, `{}`)
	case strings.HasPrefix(r.URL.Path, "/bad"):
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"a":`)
	case strings.HasPrefix(r.URL.Path, "/status/"):
		w.WriteHeader(404)
	case strings.HasPrefix(r.URL.Path, "/login"):
		user, password, _ := r.BasicAuth()
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(w, "%s %s", user, password)
	default:
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, " Bom dia \n")
	}
}

func TestFilter(t *testing.T) {
	url := serve(t, echo)
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want+" +", filtertest.New(t, Plugin, strings.ReplaceAll(options, "URL", url)+` target => "rest"`).Run(in), options)
	}
	echoed := func(verb, path, query, body, kind, x string) string {
		return `"rest":{"verb":"` + verb + `","path":"` + path + `","query":"` + query + `","body":"` + body + `","type":"` + kind + `","x":"` + x + `"}}`
	}
	const kind = "application/json"
	f(`request => "URL/json/%{m}"`, `{"m":"a"}`, `{"m":"a",`+echoed("GET", "/json/a", "", "", kind, ""))
	f(`request => { url => "URL/json" params => { "userId" => "%{m}" "n" => 7 } headers => { "X-Test" => "%{m}" } }`, `{"m":"a"}`,
		`{"m":"a",`+echoed("GET", "/json", "n=7&userId=a", "", kind, "a"))
	f(`request => { url => "URL/json" method => "post" params => { "title" => "%{m}" "list" => ["%{m}", 1] } headers => { "Content-Type" => "x/y" } }`, `{"m":"a"}`,
		`{"m":"a",`+echoed("POST", "/json", "", `{\"title\":\"a\",\"list\":[\"a\",1]}`, "x/y", ""))
	f(`request => { url => "URL/json" method => "PUT" body => { "a" => "%{m}" } }`, `{"m":"b"}`, `{"m":"b",`+echoed("PUT", "/json", "", `{\"a\":\"b\"}`, kind, ""))
	f(`request => { url => "URL/login" auth => { user => "u" password => "p" } } json => false`, `{}`, `{"rest":"u p"}`)
	f(`url => "URL/json" method => "post" header => { "X-Test" => "%{m}" } params => { "a" => "%{m}" } sprintf => true`, `{"m":"b"}`,
		`{"m":"b",`+echoed("POST", "/json", "", `{\"a\":\"b\"}`, kind, "b"))
	f(`request => { url => "URL/text" } json => false sprintf => true`, `{}`, `{"rest":"Bom dia"}`)
	f(`request => { url => "URL/text" }`, `{}`, `{"tags":["_jsonparsefailure"]}`)
	f(`request => { url => "URL/bad" }`, `{}`, `{"tags":["_jsonparsefailure"]}`)
	f(`request => { url => "URL/bad" } fallback => { "a" => "x" "b" => "%{m}" }`, `{"m":"y"}`, `{"m":"y","rest":{"a":"x","b":"y"}}`)
	f(`request => { url => "URL/status/404" }`, `{}`, `{"tags":["_restfailure"]}`)
	f(`request => { url => "URL/status/404" } tag_on_rest_failure => ["a","b"]`, `{}`, `{"tags":["a","b"]}`)
	f(`request => { url => "URL/status/404" } fallback => { "a" => "x" }`, `{}`, `{"rest":{"a":"x"}}`)
	f(`request => { url => "URL/nothing" }`, `{}`, `{"tags":["_restfailure"]}`)
	f(`request => { url => "http://127.0.0.1:1/" }`, `{}`, `{"tags":["_restfailure"]}`)
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(`target => "t"`, `option "request": it needs a url`)
	f(`response_key => "t" url => "http://x"`, `option "url" is obsolete`)
	f(`response_key => "t" url => "http://x"`, `is now called "target"`)
	f(`request => "http://x"`, `option "target" is required`)
	f(`target => "t" request => { method => "get" }`, `it needs a url`)
	f(`target => "t" request => { url => "http://x" method => "brew" }`, `the method "brew" is none of`)
	f(`target => "t" request => { url => "http://x" auth => { user => "u" } }`, `auth needs user and password`)
	f(`target => "t" request => { url => "http://x" headers => ["a"] }`, `headers must be a hash`)
	f(`target => "t" request => { url => "http://x" parms => { } }`, `"parms" has no effect`)
	f(`target => "t" request => ["http://x"]`, `must be an address or a hash`)
	f(`target => "t" request => "http://%{[x}"`, `every event will fail`)
}

// net/http allocates for each request; it is the round trip that counts.
func BenchmarkFilter(b *testing.B) {
	filtertest.Bench(b, Plugin, `target => "t" request => { url => "`+serve(b, echo)+`/json" }`, `{"m":1}`)
}

func TestStop(t *testing.T) {
	filtertest.EndsWithContext(t, Plugin, func(address string) string { return `target => "t" request => "http://` + address + `/"` }, `{"tags":["_restfailure"]} +`)
}
