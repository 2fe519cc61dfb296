package ruby

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// httpExpressions are run by a real Ruby too; PORT is that of a server that tells what it was asked.
const httpExpressions = `require "net/http"; require "json"; Net::HTTP.get(URI("http://127.0.0.1:PORT/a?b=1"))
Net::HTTP.get(URI.parse("http://127.0.0.1:PORT/a"), "X-Key" => "v")
Net::HTTP.get("127.0.0.1", "/x", PORT)
Net::HTTP.get_response(URI("http://127.0.0.1:PORT/a")).then { |r| [r.code, r.message, r.class, r.is_a?(Net::HTTPSuccess), r["x-answer"], r.content_type, r.key?("nope"), r.fetch("nope", 1)] }
Net::HTTP.get_response(URI("http://127.0.0.1:PORT/status/404")).then { |r| [r.code, r.class, Net::HTTPClientError === r, (r.value rescue $!.message)] }
case Net::HTTP.get_response(URI("http://127.0.0.1:PORT/status/302")) when Net::HTTPRedirection then "moved" end
Net::HTTP.get_response(URI("http://127.0.0.1:PORT/status/503")).class
Net::HTTP.post(URI("http://127.0.0.1:PORT/p"), {"a"=>1}.to_json, "Content-Type" => "application/json").body
Net::HTTP.post_form(URI("http://127.0.0.1:PORT/p"), "a" => "1 2", "b" => "x").body
http = Net::HTTP.new("127.0.0.1", PORT); http.open_timeout = 1; http.read_timeout = 1; http.use_ssl = false; [http.get("/g", "X-Key" => "1").body, http.post("/p", "data").body, http.address, http.use_ssl?]
uri = URI("http://127.0.0.1:PORT/r?q=1"); req = Net::HTTP::Get.new(uri); req["X-Key"] = "2"; req.basic_auth("u", "p"); Net::HTTP.start(uri.hostname, uri.port, use_ssl: uri.scheme == "https") { |h| h.request(req).body }
req = Net::HTTP::Post.new("/r", "Content-Type" => "text/plain"); req.body = "hello"; [req.method, req.path, req.body, req["content-type"], Net::HTTP.new("127.0.0.1", PORT).request(req).body]
req = Net::HTTP::Put.new(URI("http://127.0.0.1:PORT/put")); req.set_form_data("k" => "v"); Net::HTTP.start("127.0.0.1", PORT) { |h| h.request(req) }.body
Net::HTTP.start("127.0.0.1", PORT) { |h| [h.get("/1").body, h.delete("/2").body, h.head("/3").code, h.started?] }
begin; http = Net::HTTP.new("127.0.0.1", PORT); http.read_timeout = 0.05; http.max_retries = 0; http.get("/slow"); rescue Net::ReadTimeout => e; e.class; end
begin; Net::HTTP.get(URI("http://127.0.0.1:1/")); rescue Errno::ECONNREFUSED => e; e.class; end
begin; Net::HTTP.get(URI("http://127.0.0.1:1/")); rescue => e; e.is_a?(SystemCallError); end
Net::HTTP.new("127.0.0.1", PORT).request("x") rescue $!.class.ancestors.include?(StandardError)
[Net::OpenTimeout.superclass, Net::ReadTimeout.superclass, Net::HTTPNotFound.superclass, OpenSSL::SSL::VERIFY_NONE]`

func asked(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Answer", "yes")
	var code int
	if n, _ := fmt.Sscanf(r.URL.Path, "/status/%d", &code); n == 1 {
		w.WriteHeader(code)
	}
	if r.URL.Path == "/slow" {
		select {
		case <-r.Context().Done():
		case <-time.After(2 * time.Second):
		}
		return
	}
	fmt.Fprintf(w, "%s %s [%s] key=%q type=%q auth=%q agent=%q", r.Method, r.URL, body, r.Header.Get("X-Key"), r.Header.Get("Content-Type"), r.Header.Get("Authorization"), r.UserAgent())
}

func TestHTTPAgainstRuby(t *testing.T) {
	ruby, err := exec.LookPath("ruby")
	if err != nil {
		t.Skip("comparison with Ruby skipped: no ruby")
	}
	server := httptest.NewServer(http.HandlerFunc(asked))
	defer server.Close()
	port := server.URL[strings.LastIndexByte(server.URL, ':')+1:]
	lines := strings.Split(strings.ReplaceAll(httpExpressions, "PORT", port), "\n")
	file := filepath.Join(t.TempDir(), "http.rb")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600))
	cmd := exec.Command(ruby, "-W0", "-ropenssl", "testdata/oracle.rb", file)
	cmd.Env = append(os.Environ(), "LANG=C.UTF-8", "no_proxy=*", "http_proxy=")
	out, err := cmd.Output()
	require.NoError(t, err)
	t.Setenv("no_proxy", "*")
	want := strings.Split(string(out), "== ")
	for i, line := range lines {
		require.Equal(t, after(want[i+1]), printed(t, line), line)
	}
}

// printed returns what p prints of the value of code, or the exception.
func printed(t *testing.T, code string) string {
	t.Helper()
	var out bytes.Buffer
	in := New(Config{Out: &out})
	p, err := in.Compile("(eval)", code)
	require.NoError(t, err, code)
	v, err := p.Run()
	if err == nil {
		_, err = in.guard(func() Value { return in.send(in.self, "p", v) })
	}
	if e, ok := err.(*Error); ok {
		fmt.Fprintf(&out, "%s: %s\n", e.Class, e.Message)
	}
	return out.String()
}

// A request ends with the pipeline.
func TestHTTPStops(t *testing.T) {
	begun := make(chan bool)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	}))
	defer server.Close()
	in := New(Config{})
	p, err := in.Compile("(eval)", `begin; Net::HTTP.get(URI("`+server.URL+`")); rescue Exception; 1; end`)
	require.NoError(t, err)
	go func() { <-begun; in.Stop() }()
	_, err = p.Run()
	require.Error(t, err)
}
