package graphite

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/outputtest"
)

// sent returns the lines that the output of a config sends for an event.
func sent(t *testing.T, conf, doc string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	to := `host => "127.0.0.1" port => `
	addr := strings.TrimPrefix(l.Addr().String(), "127.0.0.1:")
	if strings.Contains(conf, "hosts") {
		to, addr = "", ""
		conf = strings.ReplaceAll(conf, "ADDR", l.Addr().String())
	}
	o := outputtest.New(t, Plugin, to+addr+" "+conf)
	o.Write(t, doc, `{"@timestamp":"1970-01-01T00:00:01Z","last":1,"foo":0}`)
	require.NoError(t, o.Close(t.Context()))
	if n := o.Env.Stats.Delivered.Load(); n != 2 {
		t.Errorf("%d events delivered", n)
	}
	// Where nothing was sent nobody connected, and this is the first connection.
	last, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer func() { _ = last.Close() }()
	c, err := l.Accept()
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	if c.RemoteAddr().String() == last.LocalAddr().String() {
		return ""
	}
	got, err := io.ReadAll(c)
	require.NoError(t, err)
	return string(got)
}

func TestMetrics(t *testing.T) {
	f := func(conf, doc, want string) {
		t.Helper()
		lines := strings.SplitAfter(sent(t, conf, `{"@timestamp":"2024-01-02T03:04:05.678Z",`+doc[1:]), "\n")
		var got []string
		for _, l := range lines {
			if l != "" && !strings.HasSuffix(l, " 1\n") { // those of the second event
				got = append(got, strings.TrimSuffix(strings.TrimSuffix(l, "\n"), " 1704164645"))
			}
		}
		require.Equal(t, want, strings.Join(got, ", "))
	}
	f(`metrics => [ "hurray.%{foo}", "%{bar}" ]`, `{"foo":"fancy","bar":42}`, "hurray.fancy 42.0")
	f(`metrics => { "foo" => "%{n}" "%{gone}" => "1" "foo.x" => "text" }`, `{"n":"1.5 s"}`, "foo.x 0.0, foo 1.5") // in the order of Logstash's hash
	f(`fields_are_metrics => true include_metrics => ["foo"] metrics_format => "foo.bar.sys.data.*"`, `{"foo":"123"}`, "foo.bar.sys.data.foo 123.0")
	f(`fields_are_metrics => true metrics_format => "foo.bar.sys.data.*"`, `{"foo":"123","bar":"42"}`,
		"foo.bar.sys.data.foo 123.0, foo.bar.sys.data.bar 42.0")
	f(`fields_are_metrics => true include_metrics => ["notmatchinganything"]`, `{"foo":"123"}`, "")
	f(`fields_are_metrics => true include_metrics => ["foo"] metrics_format => "invalidformat"`, `{"foo":"123"}`, "foo 123.0")
	f(`fields_are_metrics => true include_metrics => ["foo"] metrics_format => "foo.%{app}.*"`, `{"foo":"123","app":"baz"}`, "foo.baz.foo 123.0")
	f(`include_metrics => ["foo"] metrics => [ "custom.foo", "%{foo}" ]`, `{"foo":"123"}`, "custom.foo 123.0")
	f(`fields_are_metrics => true exclude_metrics => ["^b"]`, `{"a":1,"b":2,"c":[1],"d":"%{a}0"}`, "a 1.0, c 0.0, d 10.0")
	f(`metrics => {"m" => "1"}`, `{"m":{"a":1,"b":{"c":2.5},"l":[1]}}`, "m.a 1, m.b.c 2.5")
	f(`metrics => {"m" => "1"} nested_object_separator => "_" metrics_format => "x.*"`, `{"m":{"a":{"b":3}}}`, "x.m_a_b 3")
	f(`metrics => {"foo" => "1"} timestamp_field => "at"`, `{"at":1700000000}`, "foo 1.0 1700000000, foo 1.0 0")
	f(`metrics => {"foo" => "1"} timestamp_field => "at"`, `{"at":"1700000001"}`, "foo 1.0 1700000001, foo 1.0 0")
	f(`metrics => {"foo" => "%{a}"} hosts => ["ADDR"]`, `{"a":-2}`, "foo -2.0")
}

func TestNumber(t *testing.T) {
	f := func(text string, want float64) {
		t.Helper()
		require.Equal(t, want, number(text))
	}
	f("", 0)
	f("  12", 12)
	f("-1.5e3x", -1500)
	f("1e", 1)
	f("1.", 1)
	f(".5", 0)
	f("1_000", 1000)
	f("5 5", 5)
	f("--5", 0)
	f("1.2.3", 1.2)
}

func TestMistakes(t *testing.T) {
	outputtest.Refused(t, Plugin, `port => 0`, "not a port")
	outputtest.Refused(t, Plugin, `resend_attempts => 0 resend_on_failure => true`, "no number of attempts")
	outputtest.Warned(t, Plugin, `metrics => {"a" => "1"} resend_attempts => 2`, "no effect without resend_on_failure")
	outputtest.Refused(t, Plugin, `hosts => ["a:b"]`, "not a port")
	outputtest.Refused(t, Plugin, `include_metrics => ["("]`, "include_metrics")
	outputtest.Warned(t, Plugin, ``, "nothing is sent")
	outputtest.Warned(t, Plugin, `metrics => {"a" => "1"} metrics_format => "x"`, "there is no *")
	outputtest.Warned(t, Plugin, `metrics => {"a" => "1"} fields_are_metrics => true`, "takes its place")
	outputtest.Warned(t, Plugin, `metrics => {"a" => "1"} debug => true`, "obsolete")
}
