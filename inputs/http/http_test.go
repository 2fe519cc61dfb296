package http

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/internal/testenv"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// serve runs the input of a config and returns its URL.
func serve(t testing.TB, conf string, ecs plugin.ECS, change func(*inputtest.Sink)) (string, *inputtest.Sink, func()) {
	t.Helper()
	built, diags := inputtest.Build(t, Plugin, `host => "127.0.0.1" port => 0 `+conf, plugin.Builder{ECS: ecs})
	require.NotNil(t, built, diags.String())
	in := built.Input.(*input)
	out := inputtest.NewSink(built)
	if change != nil {
		change(out)
	}
	stop := inputtest.Run(t, in, out)
	require.Eventually(t, func() bool { return in.addr.Load() != nil }, time.Minute, time.Millisecond)
	return "http://" + in.addr.Load().String(), out, stop
}

// send posts a body; headers are names and values in turn.
func send(t testing.TB, url, body string, headers ...string) (status int, answer string, h http.Header) {
	t.Helper()
	req, err := http.NewRequest("POST", url, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(text), res.Header
}

// raw sends a request as the recorded one was.
func raw(t *testing.T, addr, contentType, body string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	_, err = fmt.Fprintf(c, "POST /some/path?q=1 HTTP/1.1\r\nAccept-Encoding: identity\r\nContent-Length: %d\r\nHost: 127.0.0.1:5405\r\n"+
		"User-Agent: Python-urllib/3.11\r\nContent-Type: %s\r\nX-Test: v\r\nConnection: close\r\n\r\n%s", len(body), contentType, body)
	require.NoError(t, err)
	answer, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Contains(t, string(answer), "200 OK")
}

func TestFields(t *testing.T) {
	headers := func(contentType string, n int) string {
		return fmt.Sprintf(`{"http_accept":null,"content_type":%q,"accept_encoding":"identity","http_version":"HTTP/1.1","request_path":"/some/path?q=1",
			"connection":"close","request_method":"POST","http_host":"127.0.0.1:5405","content_length":"%d","x_test":"v","http_user_agent":"Python-urllib/3.11"}`, contentType, n)
	}
	ecs := func(contentType string, n int) string {
		return fmt.Sprintf(`"@metadata":{"input":{"http":{"request":{"headers":%s}}}},"host":{"ip":"127.0.0.1"},"type":"http",
			"http":{"request":{"mime_type":%q,"body":{"bytes":"%d"}},"method":"POST","version":"HTTP/1.1"},
			"user_agent":{"original":"Python-urllib/3.11"},"url":{"path":"/some/path?q=1","port":5405,"domain":"127.0.0.1"}`, headers(contentType, n), contentType, n)
	}
	f := func(mode plugin.ECS, contentType, body string, want ...string) {
		t.Helper()
		url, out, stop := serve(t, `type => http`, mode, nil)
		raw(t, strings.TrimPrefix(url, "http://"), contentType, body)
		got := out.Wait(len(want))
		stop()
		require.Len(t, got, len(want))
		for i := range want {
			require.JSONEq(t, want[i], got[i])
		}
	}
	legacy := func(contentType string, n int) string {
		return `"headers":` + headers(contentType, n) + `,"host":"127.0.0.1","type":"http"`
	}
	f(plugin.ECSDisabled, "text/plain", "hello http", `{"message":"hello http",`+legacy("text/plain", 10)+`}`)
	f(plugin.ECSDisabled, "application/json", `{"a":1}`, `{"a":1,`+legacy("application/json", 7)+`}`)
	f(plugin.ECSDisabled, "application/json", `[{"a":1},{"a":2}]`, `{"a":1,`+legacy("application/json", 17)+`}`, `{"a":2,`+legacy("application/json", 17)+`}`)
	f(plugin.ECSDisabled, "application/json", `{"host":"its own"}`, `{`+legacy("application/json", 18)+`}`)
	f(plugin.ECSv8, "text/plain", "hello http", `{"message":"hello http","event":{"original":"hello http"},`+ecs("text/plain", 10)+`}`)
	f(plugin.ECSv8, "application/json", `{"a":1}`, `{"a":1,"event":{"original":"{\"a\":1}"},`+ecs("application/json", 7)+`}`)
	f(plugin.ECSv8, "application/json", `[{"a":1},{"a":2}]`, `{"a":1,`+ecs("application/json", 17)+`}`, `{"a":2,`+ecs("application/json", 17)+`}`)
}

func TestCodecs(t *testing.T) {
	url, out, _ := serve(t, `codec => line additional_codecs => { "application/x-ndjson" => json_lines } request_headers_target_field => "[@metadata][h]" remote_host_target_field => from`, plugin.ECSDisabled, nil)
	status, answer, h := send(t, url, "a\nb")
	require.Equal(t, 200, status)
	require.Equal(t, "ok", answer)
	require.Equal(t, "text/plain", h.Get("Content-Type"))
	send(t, url, "{\"a\":1}\n{\"a\":2}\n", "Content-Type", "application/x-ndjson; charset=utf-8")
	send(t, url, `{"a":3}`, "Content-Type", "application/json")
	got := out.Wait(5)
	require.Contains(t, got[0], `{"message":"a","from":"127.0.0.1"`)
	require.Contains(t, got[1], `{"message":"b"`)
	require.Contains(t, got[2], `{"a":1,"from"`)
	require.Contains(t, got[3], `{"a":2,"from"`)
	require.Contains(t, got[4], `"message":"{\"a\":3}"`)
}

// What a framer tells of its records beside their text reaches the decoder.
func TestFramedFacts(t *testing.T) {
	const from = ` request_headers_target_field => "[@metadata][h]" remote_host_target_field => "[@metadata][from]"`
	url, out, stop := serve(t, `codec => csv { autodetect_column_names => true } additional_codecs => {}`+from, plugin.ECSDisabled, nil)
	send(t, url, "size,kind\nbig,bird\n", "Content-Type", "text/csv")
	got := out.Wait(1)
	stop()
	require.Len(t, got, 1)
	require.Contains(t, got[0], `"size":"big","kind":"bird"`)
}

func TestAnswers(t *testing.T) {
	url, out, _ := serve(t, `user => me password => secret response_code => 204 max_content_length => 20 response_headers => { "X-A" => "b" }`, plugin.ECSDisabled, nil)
	status, _, h := send(t, url, "x")
	require.Equal(t, 401, status)
	require.Contains(t, h.Get("WWW-Authenticate"), "Basic")
	status, _, h = send(t, url, "x", "Authorization", "Basic meh")
	require.Equal(t, 401, status)
	require.Empty(t, h.Values("WWW-Authenticate"))
	auth := strings.Replace(url, "http://", "http://me:secret@", 1)
	status, answer, h := send(t, auth, "taken")
	require.Equal(t, 204, status)
	require.Empty(t, answer)
	require.Equal(t, "b", h.Get("X-A"))
	require.Empty(t, h.Values("Content-Type"))
	status, _, _ = send(t, auth, strings.Repeat("x", 21))
	require.Equal(t, 413, status)
	status, _, _ = send(t, auth, string(packed(t, strings.Repeat("x", 1000))), "Content-Encoding", "gzip")
	require.Equal(t, 413, status)
	status, _, _ = send(t, auth, "x", "Content-Encoding", "gzip")
	require.Equal(t, 400, status)
	status, _, _ = send(t, auth, "x", "Content-Encoding", "br")
	require.Equal(t, 415, status)
	require.Equal(t, 1, out.Len())
}

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

func TestGzip(t *testing.T) {
	url, out, _ := serve(t, ``, plugin.ECSDisabled, nil)
	send(t, url, string(packed(t, strings.Repeat("long ", 10_000))), "Content-Encoding", "gzip")
	require.Contains(t, out.Wait(1)[0], strings.Repeat("long ", 10_000))
}

// TestAnsweredWhenDelivered: the client hears of success only when the batch is settled.
func TestAnsweredWhenDelivered(t *testing.T) {
	url, out, _ := serve(t, ``, plugin.ECSDisabled, func(s *inputtest.Sink) { s.Hold = true })
	answered := make(chan int, 1)
	go func() {
		res, err := http.Post(url, "text/plain", strings.NewReader("x"))
		if err != nil {
			answered <- 0
			return
		}
		_ = res.Body.Close()
		answered <- res.StatusCode
	}()
	out.Wait(1)
	select {
	case <-answered:
		t.Fatal("answered before the batch was settled")
	default:
	}
	out.Release()
	require.Equal(t, 200, <-answered)
}

// TestTooManyRequests: while the pipeline takes nothing, only so many requests wait.
func TestTooManyRequests(t *testing.T) {
	blocked, entered := make(chan struct{}), make(chan struct{}, 10)
	url, _, _ := serve(t, `threads => 1 max_pending_requests => 1`, plugin.ECSDisabled, func(s *inputtest.Sink) { s.Blocked, s.Entered = blocked, entered })
	statuses := make(chan int, 2)
	for range 2 {
		go func() {
			res, err := http.Post(url, "text/plain", strings.NewReader("x"))
			if err != nil {
				statuses <- 0
				return
			}
			_ = res.Body.Close()
			statuses <- res.StatusCode
		}()
		<-entered
	}
	status, _, _ := send(t, url, "one too many")
	require.Equal(t, 429, status)
	close(blocked)
	require.Equal(t, 200, <-statuses)
	require.Equal(t, 200, <-statuses)
}

// TestTooManyBytes: bodies that wait for the pipeline are bounded together, and one that is alone is not.
func TestTooManyBytes(t *testing.T) {
	blocked, entered := make(chan struct{}), make(chan struct{}, 10)
	url, out, _ := serve(t, `max_pending_bytes => 20000`, plugin.ECSDisabled, func(s *inputtest.Sink) { s.Blocked, s.Entered = blocked, entered })
	post := func(size int, chunked bool) int {
		var body io.Reader = strings.NewReader(strings.Repeat("x", size))
		if chunked {
			body = io.MultiReader(body) // its length is not known
		}
		res, err := http.Post(url, "text/plain", body)
		if err != nil {
			t.Error(err)
			return 0
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	statuses := make(chan int, 1)
	go func() { statuses <- post(15000, false) }()
	<-entered
	require.Equal(t, 429, post(15000, false))
	require.Equal(t, 429, post(15000, true))
	require.Zero(t, out.Len())
	close(blocked)
	require.Equal(t, 200, <-statuses)
	require.Equal(t, 200, post(50000, false), "alone, it may be larger")
	require.Equal(t, 200, post(50000, true))
	require.Equal(t, 200, post(15000, false))
}

func TestStopFinishesRequests(t *testing.T) {
	blocked, entered := make(chan struct{}), make(chan struct{}, 1)
	url, out, stop := serve(t, ``, plugin.ECSDisabled, func(s *inputtest.Sink) { s.Blocked, s.Entered = blocked, entered })
	status := make(chan int, 1)
	go func() {
		res, err := http.Post(url, "text/plain", strings.NewReader("x"))
		if err != nil {
			status <- 0
			return
		}
		_ = res.Body.Close()
		status <- res.StatusCode
	}()
	<-entered
	go close(blocked)
	stop()
	require.Equal(t, 200, <-status)
	require.Equal(t, 1, out.Len())
}

func pemFile(t *testing.T, pem []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.pem")
	require.NoError(t, os.WriteFile(path, pem, 0o600))
	return path
}

func TestTLS(t *testing.T) {
	ca := testenv.NewCA(t)
	server, client := ca.Issue(t, "127.0.0.1", time.Now().Add(time.Hour)), ca.Issue(t, "client", time.Now().Add(time.Hour))
	url, out, _ := serve(t, fmt.Sprintf(`ssl_enabled => true ssl_certificate => %q ssl_key => %q ssl_certificate_authorities => [%q] ssl_client_authentication => required`,
		pemFile(t, server.CertPEM), pemFile(t, server.KeyPEM), pemFile(t, ca.PEM)), plugin.ECSDisabled, nil)
	url = strings.Replace(url, "http:", "https:", 1)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(ca.PEM))
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	_, err := c.Post(url, "text/plain", strings.NewReader("x"))
	require.Error(t, err)
	cert, err := tls.X509KeyPair(client.CertPEM, client.KeyPEM)
	require.NoError(t, err)
	c = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{cert}}}}
	res, err := c.Post(url, "text/plain", strings.NewReader("secret"))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Contains(t, out.Wait(1)[0], `"message":"secret"`)
	c.CloseIdleConnections()
}

func TestMistakes(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		inputtest.Refused(t, Plugin, conf, want)
	}
	f(`port => 70000`, "not a port")
	f(`response_code => 500`, "none of 200")
	f(`user => xx`, "belong together")
	f(`additional_codecs => { "a/b" => nope }`, `unknown codec "nope"`)
	f(`additional_codecs => { "a/b" => rubydebug }`, "cannot decode")
	f(`ssl_enabled => true`, "a server needs ssl_certificate")
	ca := testenv.NewCA(t)
	server := ca.Issue(t, "127.0.0.1", time.Now().Add(time.Hour))
	files := fmt.Sprintf(`ssl_enabled => true ssl_certificate => %q ssl_key => %q ssl_certificate_authorities => [%q] `, pemFile(t, server.CertPEM),
		pemFile(t, server.KeyPEM), pemFile(t, ca.PEM))
	f(files, "set ssl_client_authentication to optional or required")
	f(files+`ssl_client_authentication => required ssl_verify_mode => none`, "say something else")
	f(files+`ssl_verify_mode => peer verify_mode => force_peer`, "say something else")
	f(`max_content_length => 0`, "less than 1")
	f(`threads => -1`, "less than 1")
	f(`max_pending_requests => -1`, "less than 0")
	f(`max_pending_bytes => 0`, "less than 1")
}

func TestObsoleteOptions(t *testing.T) {
	ca := testenv.NewCA(t)
	server := ca.Issue(t, "127.0.0.1", time.Now().Add(time.Hour))
	built, diags := inputtest.Build(t, Plugin, fmt.Sprintf(`ssl => true ssl_certificate => %q ssl_key => %q verify_mode => none tls_min_version => "1.2" tls_max_version => "1.2"`,
		pemFile(t, server.CertPEM), pemFile(t, server.KeyPEM)), plugin.Builder{})
	require.NotNil(t, built, diags.String())
	require.Equal(t, 4, diags.Count(config.Warning))
	c := built.Input.(*input).tls
	require.EqualValues(t, tls.VersionTLS12, c.MinVersion)
	require.EqualValues(t, tls.VersionTLS12, c.MaxVersion)
}
