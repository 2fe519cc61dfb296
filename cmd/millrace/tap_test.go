package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	jsoniter "github.com/json-iterator/go"
	"github.com/stretchr/testify/require"

	"millrace/internal/testenv"
)

// background is a command line that runs in this process; its outputs may be read while it runs.
type background struct {
	out, err lockedBuffer
	code     chan int
}

func runBackground(args ...string) *background {
	p := &background{code: make(chan int, 1)}
	go func() { p.code <- execute(childRegistry(), append([]string{"millrace"}, args...), &p.out, &p.err) }()
	return p
}

func (p *background) await(t *testing.T, b *lockedBuffer, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(b.String(), text) }, patience, time.Millisecond,
		"no %q in\n%s%s", text, &p.out, &p.err)
}

func (p *background) end(t *testing.T, code int) {
	t.Helper()
	select {
	case got := <-p.code:
		require.Equal(t, code, got, "%s%s", &p.out, &p.err)
	case <-time.After(patience):
		t.Fatal("the command does not end:\n" + p.out.String() + p.err.String())
	}
}

// dial connects to an input, which may open its port a moment after its pipeline runs.
func dial(t *testing.T, port int) (c net.Conn) {
	t.Helper()
	require.Eventually(t, func() (ok bool) {
		var err error
		c, err = net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		return err == nil
	}, patience, time.Millisecond)
	return c
}

// send sends lines over TCP.
func send(t *testing.T, port int, lines ...string) {
	t.Helper()
	c := dial(t, port)
	_, err := io.WriteString(c, strings.Join(lines, "\n")+"\n")
	require.NoError(t, err)
	require.NoError(t, c.Close())
}

// awaitAPI waits until the API of a child answers.
func awaitAPI(t *testing.T, base string) {
	t.Helper()
	require.Eventually(t, func() bool {
		resp, err := http.Get(base + "/healthz")
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	}, patience, 5*time.Millisecond)
}

// TestTapEndToEnd: a line sent over TCP is seen behind a filter within a second, over a reload, and what is no condition is refused.
func TestTapEndToEnd(t *testing.T) {
	lines, api := testenv.FreePort(t), testenv.FreePort(t)
	dir := t.TempDir()
	conf := func(added string) string {
		return fmt.Sprintf(`input { tcp { port => %d codec => line } }
filter { if [message] =~ "^<" { grok { id => "g" match => { "message" => "<%%{INT:pri}>%%{GREEDYDATA:text}" } add_field => { "generation" => "%s" } } } }
output { null { } }`, lines, added)
	}
	path := writeFile(t, dir, "p.conf", conf("one"))
	c := startChild(t, "--api.enabled=true", "--api.http.port", strconv.Itoa(api), "-f", path)
	base := fmt.Sprintf("http://127.0.0.1:%d", api)
	awaitAPI(t, base)

	// The best of several tries counts: the machine that tests may be busy with other things.
	best := time.Hour
	for try := 0; try < 20 && best >= time.Second; try++ {
		tap := runBackground("tap", "--url", base, "--at", "filter:g", "--if", `[pri] == "3"`, "-n", "1")
		tap.await(t, &tap.err, "# following filter:g of pipeline main")
		require.NoError(t, dial(t, lines).Close())
		start := time.Now()
		send(t, lines, "no", "<4>not this", "<3>hello")
		tap.await(t, &tap.out, `"text":"hello"`)
		best = min(best, time.Since(start))
		tap.end(t, 0)
	}
	require.Less(t, best, time.Second)

	tap := runBackground("tap", "--url", base, "--at", "filter:g", "--if", `[pri] == "3"`, "-n", "2")
	tap.await(t, &tap.err, "# following filter:g of pipeline main")
	send(t, lines, "<3>the first")
	tap.await(t, &tap.out, `"text":"the first"`)
	writeFile(t, dir, "p.conf", conf("two"))
	require.NoError(t, c.Signal(syscall.SIGHUP))
	tap.await(t, &tap.err, "the pipeline has ended")
	require.Eventually(t, func() bool { return strings.Count(tap.err.String(), "# following") == 2 }, patience, time.Millisecond, "%s", &tap.err)
	send(t, lines, "<3>the second")
	tap.end(t, 0)
	out := strings.Split(strings.TrimSpace(tap.out.String()), "\n")
	require.Len(t, out, 2)
	require.Contains(t, out[0], `"generation":"one"`)
	require.Contains(t, out[1], `"generation":"two"`)

	refused := func(want string, args ...string) {
		t.Helper()
		r := runBackground(append([]string{"tap", "--url", base}, args...)...)
		r.end(t, 1)
		require.Contains(t, r.err.String(), want)
		require.Empty(t, r.out.String())
	}
	refused("if:1:5: error: unknown operator", "--if", "[a] && [b]")
	refused("after the end of the condition", "--if", `[a] } } output { file { path => "/etc/passwd" } }`)
	refused("at most 4096", "--if", strings.Repeat("[a] or ", 1000)+"[a]")
	refused("nested more than", "--if", strings.Repeat("(", 2000))
	refused(`did you mean "filter:g"`, "--at", "filters:g")
	refused("expected json, rubydebug or line", "--format", "xml")
	refused("no pipeline", "--pipeline", "x")
	refused("from 1 to 1000", "--limit", "100000")

	points := runBackground("tap", "--url", base, "--points")
	points.end(t, 0)
	require.Contains(t, points.out.String(), "filter:g ")
	require.Contains(t, points.out.String(), path+":2")
	top := runBackground("top", "--url", base)
	top.end(t, 0)
	require.Contains(t, top.out.String(), "filter grok")
	require.NotContains(t, top.out.String(), "\x1b", "no terminal, no control sequences")
	c.end()
}

// TestTapSlowFollower: a follower that reads nothing, and one that cannot have all, change nothing for the pipeline: all lines are
// delivered, and the second is told of every event that he did not see.
func TestTapSlowFollower(t *testing.T) {
	const lines = 20_000
	in, api := testenv.FreePort(t), testenv.FreePort(t)
	sink := newCollector()
	server := httptest.NewServer(sink)
	defer server.Close()
	c := startChild(t, "--api.enabled=true", "--api.http.port", strconv.Itoa(api), "-w", "2",
		"-e", fmt.Sprintf(`input { tcp { port => %d codec => line } } output { delivered { url => %q } }`, in, server.URL))
	base := fmt.Sprintf("http://127.0.0.1:%d", api)
	awaitAPI(t, base)
	open := func(query string) *sseReader {
		resp, err := http.Get(base + "/_millrace/tap?" + query)
		require.NoError(t, err)
		t.Cleanup(func() { _ = resp.Body.Close() })
		require.Equal(t, http.StatusOK, resp.StatusCode)
		r := newSSEReader(resp.Body)
		m, err := r.next()
		require.NoError(t, err)
		require.Equal(t, "attached", m.kind)
		return r
	}
	open("limit=1000&if=" + url.QueryEscape(`[message] =~ /./`)) // and is never read again
	follower := open("limit=50")

	conn := dial(t, in)
	w := bufio.NewWriter(conn)
	for i := range lines {
		_, err := fmt.Fprintf(w, "%06d %s\n", i, strings.Repeat("x", 300))
		require.NoError(t, err)
	}
	require.NoError(t, w.Flush())
	require.NoError(t, conn.Close())
	require.Eventually(t, func() bool { return sink.count() == lines }, time.Minute, 5*time.Millisecond)
	require.NoError(t, c.Signal(syscall.SIGTERM))
	seen, dropped, ended := 0, int64(0), false
	for {
		m, err := follower.next()
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
		switch m.kind {
		case "message":
			seen++
		case "dropped":
			var v struct{ Total int64 }
			require.NoError(t, jsoniter.Unmarshal(m.data, &v))
			dropped = v.Total
		case "end":
			ended = true
		}
	}
	require.True(t, ended)
	require.EqualValues(t, lines, int64(seen)+dropped)
	require.Positive(t, seen)
	require.Positive(t, dropped)
	c.wait()
}

// TestSecuredAPI: with the settings of api.auth and api.ssl the program's own commands go on working, and strangers see nothing.
func TestSecuredAPI(t *testing.T) {
	certs, _ := certificates(t)
	const password = "Tr0ub4dor-secret"
	port, in := testenv.FreePort(t), testenv.FreePort(t)
	dir := t.TempDir()
	writeFile(t, dir, "logstash.yml", fmt.Sprintf(`
api.http.port: %d
api.auth.type: basic
api.auth.basic.username: ann
api.auth.basic.password: "${SECRET_OF_TEST}"
api.ssl.enabled: true
api.ssl.keystore.path: %s/keystore.p12
api.ssl.keystore.password: changeit
api.ssl.supported_protocols: [TLSv1.2, TLSv1.3]
`, port, certs))
	t.Setenv("SECRET_OF_TEST", password)
	c := startChild(t, "--api.enabled=true", "--path.settings", dir, "--log.level", "debug", "-e",
		fmt.Sprintf(`input { tcp { port => %d codec => line } } output { null { } }`, in))
	health := runBackground("healthcheck", "--path.settings", dir)
	health.end(t, 0)

	tap := runBackground("tap", "--path.settings", dir, "-n", "1", "--format", "line")
	tap.await(t, &tap.err, "# following output")
	send(t, in, "for those who may")
	tap.end(t, 0)
	require.Contains(t, tap.out.String(), "for those who may")

	refuse := func(want string, args ...string) {
		t.Helper()
		p := runBackground(args...)
		p.end(t, 1)
		require.Contains(t, p.err.String(), want)
		require.NotContains(t, p.err.String()+p.out.String(), password)
	}
	base := fmt.Sprintf("https://127.0.0.1:%d", port)
	refuse("certificate signed by unknown authority", "top", "--url", base)
	refuse("asks for a name and a password", "top", "--url", base, "--insecure")
	refuse("asks for a name and a password", "top", "--url", base, "--insecure", "--user", "ann:wrong")
	top := runBackground("top", "--url", base, "--ca", certs+"/ca.pem", "--user", "ann:"+password)
	top.end(t, 0)
	require.Contains(t, top.out.String(), "pipeline main")

	out := c.end()
	require.Contains(t, out, "0.0.0.0:"+strconv.Itoa(port), "safe enough to listen everywhere")
	require.NotContains(t, out, password)
	require.NotContains(t, out, "changeit")
}

// tapServer answers /_millrace/tap with texts, one a request.
func tapServer(t *testing.T, streams ...string) string {
	t.Helper()
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n == len(streams) {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		n++
		_, _ = io.WriteString(w, streams[n-1])
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestTapFormats(t *testing.T) {
	const stream = "event: attached\ndata: {\"pipeline\":\"main\",\"at\":\"output\"}\n\n" +
		": heartbeat\n\n" +
		"data: {\"at\":\"output\",\"event\":{\"@timestamp\":\"2026-01-02T03:04:05.006Z\",\"message\":\"a\\u001b[31mb\u009bc\u202ed\\nforged line\",\"n\":1.0},\"metadata\":{\"x\":\"y\"}}\n\n" +
		"event: dropped\ndata: {\"dropped\":3,\"total\":3}\n\n" +
		"data: {\"at\":\"output\",\"truncated\":true,\"size\":99999,\"text\":\"{\\\"message\\\":\\\"zz\"}\n\n"
	f := func(want string, args ...string) {
		t.Helper()
		p := runBackground(append([]string{"tap", "-n", "2", "--url", tapServer(t, stream)}, args...)...)
		p.end(t, 0)
		require.Equal(t, want, p.out.String())
		require.Equal(t, "# following output of pipeline main\n"+
			"# 3 events passed unseen, 3 so far; --if, --sample and --limit choose which are seen\n"+
			"# an event of 99999 bytes is shown in part\n", p.err.String())
	}
	f(`{"@timestamp":"2026-01-02T03:04:05.006Z","message":"a\u001b[31mb\u009bc\u202ed\nforged line","n":1.0}` + "\n{\"message\":\"zz\n")
	f(`{"@timestamp":"2026-01-02T03:04:05.006Z","message":"a\u001b[31mb\u009bc\u202ed\nforged line","n":1.0,"@metadata":{"x":"y"}}`+"\n{\"message\":\"zz\n",
		"--metadata")
	f(`2026-01-02T03:04:05.006Z a\u001b[31mb\u009bc\u202ed\nforged line`+"\n{\"message\":\"zz\n", "--format", "line")
	p := runBackground("tap", "-n", "1", "--format", "rubydebug", "--metadata", "--url", tapServer(t, stream))
	p.end(t, 0)
	require.Contains(t, p.out.String(), `"@timestamp" => 2026-01-02T03:04:05.006Z,`)
	require.Contains(t, p.out.String(), `"n" => 1.0`)
	require.Contains(t, p.out.String(), `"x" => "y"`)
	require.NotContains(t, p.out.String(), "\x1b")
	require.NotContains(t, p.out.String(), "\u202e")
}

// TestTapComesAgain: a stream that ends is opened again, and a point that the new configuration lacks ends the command.
func TestTapComesAgain(t *testing.T) {
	const one = "event: attached\ndata: {\"pipeline\":\"main\",\"at\":\"filter:x\"}\n\ndata: {\"at\":\"filter:x\",\"event\":{\"n\":1}}\n\nevent: end\ndata: {}\n\n"
	p := runBackground("tap", "--url", tapServer(t, one, one))
	p.end(t, 1)
	require.Equal(t, "{\"n\":1}\n{\"n\":1}\n", p.out.String())
	require.Contains(t, p.err.String(), "millrace tap --points")

	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	p = runBackground("tap", "--url", gone.URL)
	p.end(t, 1)
	require.Contains(t, p.err.String(), "no answer")

	p = runBackground("tap", "--wait", "1ms", "--url", httptestThenGone(t, one))
	p.end(t, 1)
	require.Contains(t, p.err.String(), "did not come again")
}

// httptestThenGone answers one request, and closes its port.
func httptestThenGone(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { // ends with the listener
			w.Header().Set("Connection", "close")
			_ = l.Close()
			_, _ = io.WriteString(w, text)
		}))
	}()
	return "http://" + l.Addr().String()
}

func TestSSEReader(t *testing.T) {
	r := newSSEReader(strings.NewReader("retry: 500\n\n: c\n\nevent: x\nid: 7\ndata: a\ndata:b\n\nevent: lost\n\ndata: " + strings.Repeat("y", 100_000) + "\r\n\r\ndata: cut"))
	m, err := r.next()
	require.NoError(t, err)
	require.Equal(t, "x a\nb", m.kind+" "+string(m.data))
	m, err = r.next()
	require.NoError(t, err)
	require.Equal(t, "message", m.kind)
	require.Len(t, m.data, 100_000)
	_, err = r.next()
	require.ErrorIs(t, err, io.EOF)
	_, err = newSSEReader(strings.NewReader("data: " + strings.Repeat("y", maxSSELine+100_000))).next()
	require.ErrorContains(t, err, "has no end")
}

func TestAppendVisible(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		require.Equal(t, want, string(appendVisible(nil, []byte(in))))
	}
	f("plain ü 漢 \t\n", "plain ü 漢 \t\n")
	f("\x1b]0;title\x07\r\x7f\b", `\u001b]0;title\u0007\u000d\u007f\u0008`)
	f("\u009b31m\u2028\u202e\u2066", `\u009b31m\u2028\u202e\u2066`)
	f("\xff\xfe", "\uFFFD\uFFFD")
}

// TestTapStops: the command ends with its context, and when nobody reads what it prints.
func TestTapStops(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "event: attached\ndata: {\"pipeline\":\"main\",\"at\":\"output\"}\n\ndata: {\"event\":{}}\n\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer s.Close()
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	var out lockedBuffer
	p := &program{out: &out, err: io.Discard}
	cmd := p.tapCommand()
	require.NoError(t, cmd.ParseFlags([]string{"--url", s.URL}))
	cmd.SetContext(ctx)
	ended := make(chan error)
	go func() { ended <- cmd.RunE(cmd, nil) }()
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "{}") }, patience, time.Millisecond)
	cancel()
	require.NoError(t, <-ended)

	p = &program{out: closedPipe{}, err: io.Discard}
	cmd = p.tapCommand()
	require.NoError(t, cmd.ParseFlags([]string{"--url", s.URL}))
	require.NoError(t, cmd.RunE(cmd, nil))
}

// closedPipe is a standard output whose reader has gone.
type closedPipe struct{ bytes.Buffer }

func (closedPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }
