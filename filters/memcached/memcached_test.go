package memcached

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
)

// server speaks as much of memcached's text protocol as the client uses.
type server struct {
	addr string

	mu    sync.Mutex
	items map[string]memcache.Item
}

func newServer(t testing.TB) *server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	s := &server{addr: l.Addr().String(), items: make(map[string]memcache.Item)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
	return s
}

func (s *server) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		f := strings.Fields(line)
		s.mu.Lock()
		switch f[0] {
		case "set":
			var n int
			var it memcache.Item
			_, _ = fmt.Sscan(strings.Join(f[2:5], " "), &it.Flags, &it.Expiration, &n)
			it.Value = make([]byte, n+2)
			_, _ = io.ReadFull(r, it.Value)
			it.Value = it.Value[:n]
			s.items[f[1]] = it
			fmt.Fprint(c, "STORED\r\n")
		case "gets", "get":
			for _, key := range f[1:] {
				if it, ok := s.items[key]; ok {
					fmt.Fprintf(c, "VALUE %s %d %d 1\r\n%s\r\n", key, it.Flags, len(it.Value), it.Value)
				}
			}
			fmt.Fprint(c, "END\r\n")
		}
		s.mu.Unlock()
	}
}

func TestGet(t *testing.T) {
	s := newServer(t)
	s.items["ns:host:a"] = memcache.Item{Value: []byte("plain äöü")}
	s.items["ns:hash"] = memcache.Item{Value: []byte("\x04\b{\aI\"\x06a\x06:\x06ETi\x02\x90\x01I\"\x06b\x06;\x00T[\tTF0f\b1.5"), Flags: flagMarshal}
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, `hosts => ["`+s.addr+`"] namespace => "ns" `+options).Run(in))
	}
	f(`get => { "host:%{h}" => "[t][host]" "hash" => "x" "none" => "y" }`, `{"h":"a"}`, `{"h":"a","x":{"a":400,"b":[true,false,null,1.5]},"t":{"host":"plain äöü"}} +`)
	f(`get => { "none" => "y" }`, `{"h":"a"}`, `{"h":"a"}`)
	f(`get => { "host:a" => "[h][x]" }`, `{"h":"a"}`, `{"h":"a","tags":["_memcached_failure"]}`)
	f(`get => { "with blank" => "x" }`, `{"h":"a"}`, `{"h":"a","tags":["_memcached_failure"]}`)
	f(``, `{"h":"a"}`, `{"h":"a"}`)
}

func TestSet(t *testing.T) {
	s := newServer(t)
	r := filtertest.New(t, Plugin, `hosts => ["`+s.addr+`"] ttl => 60 set => { "[a][b]" => "k:%{id}" "l" => "list" "none" => "none" }`)
	require.Equal(t, `{"a":{"b":7},"l":[1,"x"],"id":"i"} +`, r.Run(`{"a":{"b":7},"l":[1,"x"],"id":"i"}`))
	require.Equal(t, "7", string(s.items["k:i"].Value))
	require.Equal(t, int32(60), s.items["k:i"].Expiration)
	require.Equal(t, `[1,"x"]`, string(s.items["list"].Value))
	require.Len(t, s.items, 2)
	require.Equal(t, `{"x":1}`, r.Run(`{"x":1}`))
}

func TestDown(t *testing.T) {
	r := filtertest.New(t, Plugin, `hosts => ["127.0.0.1:1"] get => { "a" => "b" } tag_on_failure => "down"`)
	require.Equal(t, `{"tags":["down"]}`, r.Run(`{}`))
	require.NotZero(t, r.Filter.(*filter).down.Load())
	require.Equal(t, `{"tags":["down"]}`, r.Run(`{}`))
}

func TestRing(t *testing.T) {
	r := newRing([]string{"a:11211", "b:11211", "c:11211"})
	counts := make([]int, 3)
	for i := range 3000 {
		counts[r.server(fmt.Sprint("key", i))]++
	}
	for _, n := range counts {
		require.InDelta(t, 1000, n, 400)
	}
	without := newRing([]string{"a:11211", "c:11211"})
	moved := 0
	for i := range 3000 {
		key := fmt.Sprint("key", i)
		if s := r.server(key); s != 1 && r.servers[s] != without.servers[without.server(key)] {
			moved++
		}
	}
	require.Zero(t, moved, "only the keys of the server that went move")
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(`ttl => -1`, `must not be negative`)
	f(`hosts => []`, `must not be empty`)
	f(`hosts => ["a b"]`, `"a b" is no host`)
	f(`get => { "%{[a}" => "b" }`, `every event will fail`)
	f(`set => { "[a" => "b" }`, `every event will fail`)
	for in, want := range map[string]string{"::1": "[::1]:11211", "[::1]": "[::1]:11211", "[::1]:5": "[::1]:5", "h": "h:11211", "h:5": "h:5"} {
		got, err := withPort(in)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func FuzzMarshal(f *testing.F) {
	f.Add([]byte("\x04\b{\aI\"\x06a\x06:\x06ETi\x02\x90\x01I\"\x06b\x06;\x00T[\tTF0f\b1.5"))
	f.Add([]byte("\x04\bl+\t\x00\x00\x00\x00\x00\x00\x00\x80"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e := event.New(nil)
		v, err := decode(e, &memcache.Item{Value: data, Flags: flagMarshal})
		if err == nil {
			_ = v.AppendJSON(nil)
		}
	})
}

// The client allocates for keys and answers; it is the round trip that counts.
func BenchmarkFilter(b *testing.B) {
	s := newServer(b)
	s.items["host:a"] = memcache.Item{Value: []byte("plain")}
	filtertest.Bench(b, Plugin, `hosts => ["`+s.addr+`"] get => { "host:%{h}" => "[t][host]" }`, `{"h":"a"}`)
}
