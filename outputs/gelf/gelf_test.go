package gelf

import (
	"bytes"
	"compress/zlib"
	"io"
	"math/rand/v2"
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

// read reads a message, which may be in chunks.
func read(t *testing.T, c *net.UDPConn) (text string, datagrams int) {
	t.Helper()
	var data []byte
	buf := make([]byte, 64<<10)
	for left := 1; left > 0; left-- {
		n, err := c.Read(buf)
		require.NoError(t, err)
		if part := buf[:n]; part[0] != 0x1e {
			data = append(data, part...)
		} else {
			if datagrams == 0 {
				left = int(part[11])
			}
			require.Equal(t, datagrams, int(part[10]))
			data = append(data, part[12:]...)
		}
		datagrams++
	}
	r, err := zlib.NewReader(bytes.NewReader(data))
	require.NoError(t, err)
	all, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(all), datagrams
}

// TestTimestamp: the time is a number as GELF's own libraries write it.
func TestTimestamp(t *testing.T) {
	f := func(at, want string) {
		t.Helper()
		c, port := listen(t)
		outputtest.New(t, Plugin, `ship_metadata => false sender => "x" host => "localhost" port => `+port).Write(t, `{"message":"m","@timestamp":"`+at+`"}`)
		got, _ := read(t, c)
		require.Contains(t, got, `"timestamp":`+want+`}`)
	}
	f("2024-03-05T01:02:03.456Z", "1709600523.456")
	f("2024-03-05T01:02:03Z", "1709600523.0")
}

func TestMessages(t *testing.T) {
	f := func(conf, doc, want string) {
		t.Helper()
		c, port := listen(t)
		outputtest.New(t, Plugin, `host => "localhost" port => `+port+` `+conf).Write(t, doc)
		got, _ := read(t, c)
		require.JSONEq(t, want, got)
	}
	f("", `{"@timestamp":"2000-01-01T05:00:00.123Z","@version":"1","host":"web","message":"text","n":5,"_x":1.5,"id":7,"none":null}`,
		`{"short_message":"text","full_message":"text","host":"web","_n":5,"_x":1.5,"__id":7,"level":6,"timestamp":946702800.123,"version":"1.1"}`)
	f("ship_metadata => false", `{"host":"web","message":"text","short_message":["brief"],"n":5,"tags":["a","b"]}`,
		`{"short_message":"brief","full_message":"text","host":"web","_tags":"a, b","level":6,"version":"1.1"}`)
	f(`short_message => "[s][t]" ship_tags => false sender => "%{app}" full_message => "<%{message}>"`,
		`{"app":"a","message":"text","s":{"t":"brief","u":{"v":1}},"list":[1,"x",null]}`,
		`{"short_message":"brief","full_message":"<text>","host":"a","_app":"a","_s_t":"brief","_s_u":{"v":1},"_list":"1, x, ","level":6,"version":"1.1"}`)
	f(`custom_fields => {"env" => "prod" "id" => "no" "n" => "mine"} ignore_metadata => ["m"]`, `{"message":"text","m":1,"n":2,"host":"h"}`,
		`{"short_message":"text","full_message":"text","host":"h","_host":"h","_env":"prod","_n":"mine","level":6,"version":"1.1"}`)
	for level, want := range map[string]string{`"warning"`: "4", `"ERROR"`: "3", `2`: "2", `"e"`: "0", `"unknown"`: "0", `"5x"`: "5"} {
		f(`ship_metadata => false sender => "x"`, `{"message":"m","severity":`+level+`}`,
			`{"short_message":"m","full_message":"m","host":"x","level":`+want+`,"version":"1.1"}`)
	}
	f(`ship_metadata => false sender => "x" level => "%{l}"`, `{"message":"m","l":"alert"}`,
		`{"short_message":"m","full_message":"m","host":"x","level":1,"version":"1.1"}`)
}

func TestChunks(t *testing.T) {
	c, port := listen(t)
	o := outputtest.New(t, Plugin, `host => "127.0.0.1" chunksize => 100 port => `+port)
	random := rand.New(rand.NewPCG(1, 2))
	var noise strings.Builder
	for range 800 {
		noise.WriteByte(byte('a' + random.IntN(26)))
	}
	o.Write(t, `{"message":"`+noise.String()+`"}`)
	got, datagrams := read(t, c)
	require.Greater(t, datagrams, 4)
	require.Contains(t, got, noise.String())
	for range 50_000 {
		noise.WriteByte(byte('a' + random.IntN(26)))
	}
	require.Len(t, o.Append(t, `{"message":"`+noise.String()+`"}`, `{"none":1}`), 2)
	require.Equal(t, int64(2), o.Env.Stats.Dropped.Load())
}

func TestTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	o := outputtest.New(t, Plugin, `host => "127.0.0.1" protocol => TCP ship_metadata => false sender => "x" port => `+port)
	o.Write(t, `{"message":"a"}`, `{"message":"b"}`)
	require.NoError(t, o.Close(t.Context()))
	c, err := l.Accept()
	require.NoError(t, err)
	got, err := io.ReadAll(c)
	require.NoError(t, err)
	list := strings.Split(string(got), "\x00")
	require.Len(t, list, 3)
	require.JSONEq(t, `{"short_message":"b","full_message":"b","host":"x","level":6,"version":"1.1"}`, list[1])
}

func TestMistakes(t *testing.T) {
	outputtest.Refused(t, Plugin, `port => 1`, `"host" is required`)
	outputtest.Refused(t, Plugin, `host => "h" port => 0`, "not a port")
	outputtest.Refused(t, Plugin, `host => "h" chunksize => 0`, "no part of a datagram")
	outputtest.Refused(t, Plugin, `host => "h" protocol => SCTP`, "protocol")
	outputtest.Warned(t, Plugin, `host => "h" contenttype => "x"`, "obsolete")
}
