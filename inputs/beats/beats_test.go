package beats

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	clientv2 "github.com/elastic/go-lumber/client/v2"
	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/internal/testenv"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// serve runs the input of a config and returns its address.
func serve(t testing.TB, def *plugin.Definition, conf string, ecs plugin.ECS, change func(*inputtest.Sink)) (string, *inputtest.Sink, func()) {
	t.Helper()
	built, diags := inputtest.Build(t, def, `host => "127.0.0.1" port => 0 `+conf, plugin.Builder{ECS: ecs})
	require.NotNil(t, built, diags.String())
	in := built.Input.(*input)
	out := inputtest.NewSink(built)
	if change != nil {
		change(out)
	}
	stop := inputtest.Run(t, in, out)
	require.Eventually(t, func() bool { return in.addr.Load() != nil }, time.Minute, time.Millisecond)
	return in.addr.Load().String(), out, stop
}

func events(n int) (all []any) {
	for i := range n {
		all = append(all, map[string]any{
			"@timestamp": "2024-01-02T03:04:05.678Z", "message": fmt.Sprint("line ", i), "n": i,
			"@metadata": map[string]any{"beat": "filebeat", "version": "8.19.0", "type": "_doc"},
		})
	}
	return all
}

// TestClientOfTheProtocolsAuthors: the client that Beats use is told of each window, compressed or not.
func TestClientOfTheProtocolsAuthors(t *testing.T) {
	for _, level := range []int{0, 3} {
		addr, out, _ := serve(t, Plugin, `type => app`, plugin.ECSDisabled, nil)
		c, err := clientv2.SyncDial(addr, clientv2.CompressionLevel(level), clientv2.Timeout(time.Minute))
		require.NoError(t, err)
		for range 3 {
			n, err := c.Send(events(1000))
			require.NoError(t, err)
			require.Equal(t, 1000, n)
		}
		require.NoError(t, c.Close())
		got := out.Wait(3000)
		require.JSONEq(t, `{"@timestamp":"2024-01-02T03:04:05.678Z","message":"line 999","n":999,"type":"app","tags":["beats_input_codec_plain_applied"],
			"@metadata":{"beat":"filebeat","version":"8.19.0","type":"_doc","ip_address":"127.0.0.1"}}`, got[2999])
	}
}

func TestVersion1(t *testing.T) {
	addr, out, _ := serve(t, Plugin, ``, plugin.ECSDisabled, nil)
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	text := func(s string) string { return string(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) + s }
	frames := "1D\x00\x00\x00\x01\x00\x00\x00\x02" + text("line") + text(`a "line"`) + text("file") + text("/var/log/x") +
		"1D\x00\x00\x00\x02\x00\x00\x00\x01" + text("line") + text("b")
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	_, err = z.Write([]byte(frames))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	_, err = c.Write([]byte("1W\x00\x00\x00\x02" + "1C" + text(packed.String())))
	require.NoError(t, err)
	ack := make([]byte, 6)
	_, err = io.ReadFull(c, ack)
	require.NoError(t, err)
	require.Equal(t, "1A\x00\x00\x00\x02", string(ack))
	require.JSONEq(t, `{"message":"a \"line\"","file":"/var/log/x","tags":["beats_input_codec_plain_applied"],"@metadata":{"ip_address":"127.0.0.1"}}`, out.Wait(2)[0])
}

func TestFields(t *testing.T) {
	f := func(ecs plugin.ECS, conf string, doc map[string]any, want ...string) {
		t.Helper()
		addr, out, stop := serve(t, Plugin, conf, ecs, nil)
		c, err := clientv2.SyncDial(addr)
		require.NoError(t, err)
		_, err = c.Send([]any{doc})
		require.NoError(t, err)
		require.NoError(t, c.Close())
		got := out.Wait(len(want))
		stop()
		require.Len(t, got, len(want))
		for i := range want {
			require.JSONEq(t, want[i], got[i])
		}
	}
	m := map[string]any{"message": "m", "a": 1}
	ip := `"@metadata":{"ip_address":"127.0.0.1"}`
	ecsIP := `"@metadata":{"input":{"beats":{"host":{"ip":"127.0.0.1"}}}}`
	f(plugin.ECSv8, ``, m, `{"message":"m","a":1,"event":{"original":"m"},"tags":["beats_input_codec_plain_applied"],`+ecsIP+`}`)
	f(plugin.ECSDisabled, `include_codec_tag => false`, m, `{"message":"m","a":1,`+ip+`}`)
	f(plugin.ECSDisabled, `enrich => none`, m, `{"message":"m","a":1}`)
	f(plugin.ECSDisabled, `enrich => source_metadata`, m, `{"message":"m","a":1,`+ip+`}`)
	f(plugin.ECSDisabled, ``, map[string]any{"a": 1}, `{"a":1,"tags":["beats_input_raw_event"],`+ip+`}`)
	f(plugin.ECSDisabled, `codec => json`, map[string]any{"message": `{"b":2}`, "a": 1}, `{"b":2,"a":1,"tags":["beats_input_codec_json_applied"],`+ip+`}`)
	f(plugin.ECSDisabled, `codec => line`, map[string]any{"message": "x\ny", "a": 1},
		`{"message":"x","a":1,"tags":["beats_input_codec_line_applied"],`+ip+`}`, `{"message":"y","a":1,"tags":["beats_input_codec_line_applied"],`+ip+`}`)
	f(plugin.ECSDisabled, `add_hostname => true`, map[string]any{"message": "m", "beat": map[string]any{"hostname": "web"}},
		`{"message":"m","host":"web","beat":{"hostname":"web"},"tags":["beats_input_codec_plain_applied"],`+ip+`}`)
}

// TestAcknowledgedWhenDelivered: the client hears of a window only when all its batches are settled.
func TestAcknowledgedWhenDelivered(t *testing.T) {
	addr, out, stop := serve(t, Plugin, ``, plugin.ECSDisabled, func(s *inputtest.Sink) { s.Hold = true })
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	_, err = c.Write([]byte("2W\x00\x00\x00\x02" + `2J` + "\x00\x00\x00\x01\x00\x00\x00\x07" + `{"a":1}` + `2J` + "\x00\x00\x00\x02\x00\x00\x00\x07" + `{"a":2}`))
	require.NoError(t, err)
	out.Wait(2)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, c.SetReadDeadline(time.Time{}))
	go stop() // the end of the input waits for what is on its way
	out.Release()
	ack := make([]byte, 6)
	_, err = bufio.NewReader(c).Read(ack)
	require.NoError(t, err)
	require.Equal(t, "2A\x00\x00\x00\x02", string(ack))
}

// TestStopForgetsNothing: a window that the pipeline did not take is not acknowledged.
func TestStopWithoutDelivery(t *testing.T) {
	entered := make(chan struct{}, 1)
	addr, out, stop := serve(t, Plugin, ``, plugin.ECSDisabled, func(s *inputtest.Sink) { s.Blocked, s.Entered = make(chan struct{}), entered })
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	_, err = c.Write([]byte("2W\x00\x00\x00\x01" + `2J` + "\x00\x00\x00\x01\x00\x00\x00\x07" + `{"a":1}`))
	require.NoError(t, err)
	<-entered
	stop()
	n, err := c.Read(make([]byte, 6))
	require.Zero(t, n)
	require.Error(t, err)
	require.Zero(t, out.Len())
}

func TestMalformedFramesEndTheConnection(t *testing.T) {
	addr, out, _ := serve(t, Plugin, ``, plugin.ECSDisabled, nil)
	for _, bad := range []string{
		"GET / HTTP/1.1\r\n\r\n", "2X\x00\x00\x00\x01", "2W\x00\x00\x00\x012W\x00\x00\x00\x01", "2W\x00\x00\x00\x011J\x00\x00\x00\x01",
		"2W\x00\x00\x00\x012J\x00\x00\x00\x01\xff\xff\xff\xff", "2W\x00\x00\x00\x012C\x00\x00\x00\x04nope", "1W\x00\x00\x00\x011D\x00\x00\x00\x01\xff\xff\xff\xff",
	} {
		c, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		_, err = c.Write([]byte(bad))
		require.NoError(t, err)
		_, err = c.Read(make([]byte, 1))
		require.Error(t, err, "%q", bad)
		require.NoError(t, c.Close())
	}
	require.Zero(t, out.Len())
}

func TestInactiveClientIsCutOff(t *testing.T) {
	addr, _, _ := serve(t, Plugin, `client_inactivity_timeout => 1`, plugin.ECSDisabled, nil)
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	_, err = c.Read(make([]byte, 1))
	require.Error(t, err)
}

func TestDocumentThatIsNone(t *testing.T) {
	built, diags := inputtest.Build(t, Plugin, `port => 1`, plugin.Builder{ECS: plugin.ECSDisabled})
	require.NotNil(t, built, diags.String())
	b := &event.Batch{Source: built.Env.NewSource(), Records: []event.Record{{Data: `[1]`}}}
	require.Equal(t, []string{`{"message":"[1]","tags":["_jsonparsefailure"]}`}, inputtest.Documents(built.Codec.NewDecoder(), b, 0))
}

func pemFile(t *testing.T, pem []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.pem")
	require.NoError(t, os.WriteFile(path, pem, 0o600))
	return path
}

func TestMutualTLS(t *testing.T) {
	ca := testenv.NewCA(t)
	server, client := ca.Issue(t, "127.0.0.1", time.Now().Add(time.Hour)), ca.Issue(t, "client", time.Now().Add(time.Hour))
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(ca.PEM))
	cert, err := tls.X509KeyPair(client.CertPEM, client.KeyPEM)
	require.NoError(t, err)
	dial := func(network, addr string) (net.Conn, error) {
		return tls.Dial(network, addr, &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{cert}})
	}
	files := fmt.Sprintf(`ssl_certificate => %q ssl_key => %q ssl_certificate_authorities => [%q] ssl_client_authentication => required enrich => all`,
		pemFile(t, server.CertPEM), pemFile(t, server.KeyPEM), pemFile(t, ca.PEM))
	for _, def := range []*plugin.Definition{Plugin, Lumberjack} {
		conf := files
		if def == Plugin {
			conf += ` ssl_enabled => true`
		}
		addr, out, _ := serve(t, def, conf, plugin.ECSDisabled, nil)
		c, err := clientv2.SyncDialWith(dial, addr)
		require.NoError(t, err)
		_, err = c.Send(events(1))
		require.NoError(t, err)
		require.NoError(t, c.Close())
		require.Contains(t, out.Wait(1)[0], `"tls_peer":{"status":"verified","subject":"`)

		plain, err := clientv2.SyncDial(addr)
		require.NoError(t, err)
		_, err = plain.Send(events(1))
		require.Error(t, err)
		_ = plain.Close()
	}
}

func TestMistakes(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		inputtest.Refused(t, Plugin, conf, want)
	}
	f(``, `option "port" is required`)
	f(`port => 70000`, "not a port")
	f(`port => 1 enrich => [some]`, "none of codec_metadata")
	f(`port => 1 enrich => [all, none]`, "stands alone")
	f(`port => 1 codec => multiline { pattern => "x" what => next }`, "join them in the beat")
	f(`port => 1 ssl_enabled => true`, "a server needs ssl_certificate")
	f(`port => 1 ssl_handshake_timeout => 0`, "at least a millisecond")
	f(`port => 1 client_inactivity_timeout => -1`, "not negative")
	inputtest.Refused(t, Lumberjack, `port => 1`, "a server needs ssl_certificate")
	built, diags := inputtest.Build(t, Plugin, `port => 1 ssl => false cipher_suites => [] ssl_verify_mode => peer ssl_peer_metadata => true`, plugin.Builder{})
	require.NotNil(t, built, diags.String())
	require.Equal(t, 5, diags.Count(config.Warning)) // four old names, one of which has no effect besides
}

func FuzzFrames(f *testing.F) {
	f.Add("2W\x00\x00\x00\x01" + `2J` + "\x00\x00\x00\x01\x00\x00\x00\x07" + `{"a":1}`)
	f.Add("1W\x00\x00\x00\x01" + `1D` + "\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x04line\x00\x00\x00\x01x")
	f.Fuzz(func(t *testing.T, data string) {
		s := &session{in: &input{windows: new(atomic.Int64)}, out: discard{}, acks: make(chan *window, 1<<10), r: bufio.NewReader(strings.NewReader(data))}
		if len(data) > 4<<10 {
			return
		}
		if err := s.read(context.Background()); err == nil {
			t.Fatal("a stream that ended gave no error")
		}
	})
}

type discard struct{}

func (discard) Push(_ context.Context, b *event.Batch) error {
	b.Expect(0)
	return nil
}
