package statsd

import (
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/outputtest"
)

func listen(t *testing.T) (*net.UDPConn, string) {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	return c, strconv.Itoa(c.LocalAddr().(*net.UDPAddr).Port)
}

func TestDatagrams(t *testing.T) {
	f := func(conf, doc string, want ...string) {
		t.Helper()
		c, port := listen(t)
		outputtest.New(t, Plugin, `port => `+port+` `+conf).Write(t, doc)
		buf := make([]byte, 1<<10)
		for _, w := range want {
			n, err := c.Read(buf)
			require.NoError(t, err)
			require.Equal(t, w, string(buf[:n]))
		}
	}
	f(`sender => "spec" count => ["foo.bar", "0.1"]`, `{}`, "logstash.spec.foo.bar:0.1|c")
	f(`count => {"http.bytes" => "%{bytes}"}`, `{"host":"hal9000","bytes":123}`, "logstash.hal9000.http.bytes:123|c")
	f(`increment => ["a.%{x}", "b"] decrement => "c" timing => {"t" => "%{ms}"} set => {"s" => "%{user}"} gauge => {"g" => "5"}`,
		`{"host":"www.example.org","x":"a:b|c@d","ms":3,"user":"me"}`,
		"logstash.www_example_org.a.a_b_c_d:1|c", "logstash.www_example_org.b:1|c", "logstash.www_example_org.c:-1|c",
		"logstash.www_example_org.t:3|ms", "logstash.www_example_org.s:me|s", "logstash.www_example_org.g:5|g")
	f(`namespace => "" sender => "A::B" increment => "C::D"`, `{}`, "A_B.C.D:1|c")
}

func TestSampleRate(t *testing.T) {
	c, port := listen(t)
	o := outputtest.New(t, Plugin, `sender => "h" sample_rate => 0.5 increment => "n" port => `+port)
	docs := make([]string, 100)
	for i := range docs {
		docs[i] = "{}"
	}
	o.Write(t, docs...)
	buf := make([]byte, 100)
	n, err := c.Read(buf)
	require.NoError(t, err)
	require.Equal(t, "logstash.h.n:1|c|@0.5", string(buf[:n]))
	require.Equal(t, int64(100), o.Env.Stats.Delivered.Load())
}

func TestConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	o := outputtest.New(t, Plugin, `host => "127.0.0.1" protocol => tcp sender => "spec" count => ["foo.bar", "0.1"] increment => "n" port => `+port)
	o.Write(t, `{}`, `{}`)
	require.NoError(t, o.Close(t.Context()))
	c, err := l.Accept()
	require.NoError(t, err)
	got, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("logstash.spec.n:1|c\nlogstash.spec.foo.bar:0.1|c\n", 2), string(got))
}

func TestMistakes(t *testing.T) {
	outputtest.Refused(t, Plugin, `port => 0`, "not a port")
	outputtest.Refused(t, Plugin, `sample_rate => 2`, "not between")
	outputtest.Refused(t, Plugin, `protocol => sctp`, "protocol")
	outputtest.Warned(t, Plugin, ``, "nothing is sent")
}
