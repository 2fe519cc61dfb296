package amqpclient

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

func TestAddresses(t *testing.T) {
	f := func(want []address, hosts ...string) {
		t.Helper()
		o := Defaults()
		o.Host = hosts
		got, err := o.addresses()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	f([]address{{"a", 5672}, {"b", 4444}}, "a", "b:4444")
	f([]address{{"::1", 5672}, {"::1", 5672}, {"::1", 7}}, "::1", "[::1]", "[::1]:7")
	for _, host := range []string{"a:b", ":5672", "a:70000"} {
		o := Defaults()
		o.Host = []string{host}
		_, err := o.Client(&plugin.Env{})
		require.Error(t, err, host)
	}
}

func TestTable(t *testing.T) {
	str := config.StringValue
	got, err := Table(config.Hash{
		{Key: "n", Value: config.Value{Type: config.TypeInt, Int: 5}}, {Key: "f", Value: config.Value{Type: config.TypeFloat, Float: 1.5}},
		{Key: "yes", Value: str("true")}, {Key: "no", Value: str("False")}, {Key: "text", Value: str("5")},
		{Key: "deep", Value: config.Value{Type: config.TypeHash, Hash: config.Hash{{Key: "list", Value: config.Value{Type: config.TypeArray, Items: []config.Value{str("x")}}}}}},
	})
	require.NoError(t, err)
	require.Equal(t, amqp.Table{"n": int64(5), "f": 1.5, "yes": true, "no": false, "text": "5", "deep": amqp.Table{"list": []any{"x"}}}, got)
	require.NoError(t, got.Validate())
	_, err = Table(config.Hash{{Key: "a", Value: config.Value{Type: config.TypeHash, Hash: config.Hash{{Key: strings.Repeat("n", 256)}}}}})
	require.ErrorContains(t, err, "longer than 255")
}

func TestCork(t *testing.T) {
	client, server := net.Pipe()
	defer func() { _, _ = client.Close(), server.Close() }()
	c := &Conn{socket: &corkable{Conn: client}}
	read := make(chan string)
	go func() {
		defer close(read)
		buf := make([]byte, 2*corkedBytes)
		for {
			n, err := server.Read(buf)
			if err != nil {
				return
			}
			read <- string(buf[:n])
		}
	}()
	written := make(chan error, 1)
	put := func(s string) {
		t.Helper()
		_, err := io.WriteString(c.socket, s)
		written <- err
	}
	go put("at once")
	require.Equal(t, "at once", <-read)
	require.NoError(t, <-written)

	uncork, other := c.Cork(), c.Cork()
	put("one ") // nobody has to read for it to return
	require.NoError(t, <-written)
	put("two")
	require.NoError(t, <-written)
	go func() { written <- other() }()
	require.Equal(t, "one two", <-read)
	require.NoError(t, <-written)
	large := strings.Repeat("x", corkedBytes)
	go put(large)
	require.Equal(t, large, <-read)
	require.NoError(t, <-written)
	require.NoError(t, uncork(), "there is nothing to write")

	uncork = c.Cork()
	put("late")
	require.NoError(t, <-written)
	c.Kill()
	require.Error(t, uncork())
}

// A server that says nothing is given up after connection_timeout.
func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	o := Defaults()
	o.Host, o.ConnectionTimeout, o.Password = []string{l.Addr().String()}, 20*time.Millisecond, "hidden"
	c, err := o.Client(&plugin.Env{})
	require.NoError(t, err)
	_, err = c.Connect(t.Context())
	require.ErrorContains(t, err, "deadline exceeded")
	require.NotContains(t, err.Error(), "hidden")
}
