package relp

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/internal/testenv"
	"millrace/pipeline/plugin"
)

// start runs the input of a config.
func start(t testing.TB, conf string) (*input, *inputtest.Sink, func()) {
	t.Helper()
	built, diags := inputtest.Build(t, Plugin, `host => "127.0.0.1" port => 0 `+conf, plugin.Builder{ECS: plugin.ECSDisabled})
	require.NotNil(t, built, diags.String())
	in := built.Input.(*input)
	out := inputtest.NewSink(built)
	stop := inputtest.Run(t, in, out)
	require.Eventually(t, func() bool { return in.addr.Load() != nil }, time.Minute, time.Millisecond)
	return in, out, stop
}

// client is a sender.
type client struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
	n int
}

func dial(t testing.TB, in *input) *client {
	t.Helper()
	c, err := net.Dial("tcp", (*in.addr.Load()).String())
	require.NoError(t, err)
	return wrap(t, c)
}

func wrap(t testing.TB, c net.Conn) *client {
	t.Helper()
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	return &client{t: t, Conn: c, r: bufio.NewReader(c)}
}

func (c *client) say(command, data string) {
	c.t.Helper()
	c.n++
	text := fmt.Sprintf("%d %s %d", c.n, command, len(data))
	if data != "" {
		text += " " + data
	}
	_, err := io.WriteString(c, text+"\n")
	require.NoError(c.t, err)
}

// hear reads the frames of the server up to one that has a text in it.
func (c *client) hear(text string) {
	c.t.Helper()
	for {
		line, err := c.r.ReadString('\n')
		require.NoError(c.t, err, text)
		if strings.Contains(line, text) {
			return
		}
	}
}

const open = "relp_version=0\nrelp_software=test\ncommands=syslog"

func (c *client) begin() *client {
	c.t.Helper()
	c.say("open", open)
	c.hear("1 rsp ")
	c.hear("commands=syslog")
	return c
}

func TestMessages(t *testing.T) {
	in, out, _ := start(t, `type => "blah"`)
	a, b := dial(t, in).begin(), dial(t, in).begin()
	for i := range 10 {
		a.say("syslog", fmt.Sprintf("Hello\n%d", i))
		b.say("syslog", "Hello from client 2")
	}
	docs := out.Wait(20)
	host := a.LocalAddr().String()
	var got []string
	for _, doc := range docs {
		if strings.Contains(doc, host) {
			got = append(got, doc)
		}
	}
	for i := range 10 {
		require.Equal(t, fmt.Sprintf(`{"message":"Hello\n%d","host":%q,"type":"blah"}`, i, host), got[i])
	}
	for i := range 10 {
		a.hear(fmt.Sprintf("%d rsp 6 200 OK", i+2))
	}
	a.say("close", "")
	a.hear("12 rsp 0")
	a.hear("0 serverclose 0")
	_, err := a.r.ReadByte()
	require.ErrorIs(t, err, io.EOF)
}

// A message is answered when it is delivered, not before.
func TestAnswersComeWithDelivery(t *testing.T) {
	built, _ := inputtest.Build(t, Plugin, `host => "127.0.0.1" port => 0`, plugin.Builder{ECS: plugin.ECSDisabled})
	in, out := built.Input.(*input), inputtest.NewSink(built)
	out.Hold = true
	inputtest.Run(t, in, out)
	require.Eventually(t, func() bool { return in.addr.Load() != nil }, time.Minute, time.Millisecond)
	c := dial(t, in).begin()
	c.say("syslog", "one")
	out.Wait(1)
	require.Zero(t, c.r.Buffered())
	require.NoError(t, c.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
	_, err := c.r.ReadByte()
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	out.Release()
	c.hear("2 rsp 6 200 OK")
}

// A stop answers what was read, says goodbye and loses nothing that was answered.
func TestStop(t *testing.T) {
	in, out, stop := start(t, "")
	c := dial(t, in).begin()
	c.say("syslog", "one")
	out.Wait(1)
	stop()
	c.hear("2 rsp 6 200 OK")
	c.hear("0 serverclose 0")
}

func TestWrongFrames(t *testing.T) {
	in, out, _ := start(t, "")
	f := func(text, want string) {
		t.Helper()
		c := dial(t, in)
		_, err := io.WriteString(c, text)
		require.NoError(t, err)
		if want != "" {
			c.hear(want)
		}
		_, err = io.Copy(io.Discard, c.r)
		require.NoError(t, err)
	}
	f("GET / HTTP/1.1\n", "0 serverclose 0")
	f("1 syslog 1 x\n", "0 serverclose 0")
	f("1 open 5 hello\n", "500 relp_version is missing")
	f("1 open 30 relp_version=0\ncommands=other,\n", "500 Required command")
	begun := fmt.Sprintf("1 open %d %s\n", len(open), open)
	f(begun+"2 starttls 0\n", "0 serverclose 0")
	f(begun+"2 syslog 999999999 x\n", "0 serverclose 0")
	f(begun+"2 syslog 1 xx\n", "0 serverclose 0")
	f(begun+"x syslog 1 x\n", "0 serverclose 0")
	require.Zero(t, out.Len())
}

func TestTLS(t *testing.T) {
	ca := testenv.NewCA(t)
	crt := ca.Issue(t, "sender", time.Now().Add(time.Hour))
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path
	}
	cert, key, authority := file("c.pem", crt.CertPEM), file("k.pem", crt.KeyPEM), file("ca.pem", ca.PEM)
	in, out, _ := start(t, fmt.Sprintf("ssl_enable => true ssl_cert => %q ssl_key => %q ssl_cacert => %q", cert, key, authority))
	pair, err := tls.LoadX509KeyPair(cert, key)
	require.NoError(t, err)
	conf := crt.ClientConfig()
	conf.Certificates = []tls.Certificate{pair}
	c, err := tls.Dial("tcp", (*in.addr.Load()).String(), conf)
	require.NoError(t, err)
	s := wrap(t, c).begin()
	s.say("syslog", "secret")
	require.Contains(t, out.Wait(1)[0], `"message":"secret","host":"127.0.0.1:`)
	require.Contains(t, out.Wait(1)[0], `"sslsubject":"CN=sender"`)
	s.hear("2 rsp 6 200 OK")

	inputtest.Refused(t, Plugin, `port => 1 ssl_enable => true`, "needs ssl_certificate")
	inputtest.Refused(t, Plugin, fmt.Sprintf(`port => 1 ssl_enable => true ssl_cert => %q ssl_key => %q ssl_verify => true`, cert, key), "needs ssl_cacert")
}

func TestMistakes(t *testing.T) {
	inputtest.Refused(t, Plugin, ``, `"port" is required`)
	inputtest.Refused(t, Plugin, `port => 99999`, "not a port")
}

func FuzzFrames(f *testing.F) {
	f.Add("1 open 5 hello\n2 syslog 0\n3 close 0\n")
	f.Fuzz(func(_ *testing.T, data string) {
		s := &session{r: bufio.NewReader(strings.NewReader(data))}
		for {
			if _, err := s.read(); err != nil {
				return
			}
		}
	})
}

// A sender that does not listen to its answers holds up nobody who delivers, and no stop.
func TestSenderThatDoesNotListen(t *testing.T) {
	built, _ := inputtest.Build(t, Plugin, `port => 0`, plugin.Builder{ECS: plugin.ECSDisabled})
	in, out := built.Input.(*input), inputtest.NewSink(built)
	out.Hold = true
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		s := newSession(in, near, out, in.env.NewSource())
		ctx, cancel := context.WithCancel(context.Background())
		defer context.AfterFunc(ctx, s.stop)()
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = s.run(ctx)
			s.end()
		})
		c := &client{t: t, Conn: far, r: bufio.NewReader(far)}
		c.begin()
		c.say("syslog", "one")
		synctest.Wait()
		began := time.Now()
		out.Release()
		require.Zero(t, time.Since(began), "the one who delivers waited")
		cancel()
		wg.Wait()
		require.LessOrEqual(t, time.Since(began), drainLimit, "the stop waited")
	})
}

// Batches are bounded by their bytes too, whatever has arrived.
func TestBatchBytes(t *testing.T) {
	message := strings.Repeat("x", batchBytes/2)
	frame := fmt.Sprintf("2 syslog %d %s\n", len(message), message)
	s := &session{r: bufio.NewReader(strings.NewReader(strings.Repeat(frame, 8)))}
	for range 4 {
		b, numbers, _, err := s.messages()
		require.NoError(t, err)
		require.Len(t, numbers, 2)
		require.Equal(t, batchBytes, b.Bytes)
	}
}
