package dns

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
)

// server is a name server. Questions for names that begin with "silent" have no answer.
type server struct {
	addr    string
	records map[string]dnsmessage.ResourceBody
	asked   atomic.Int32
	hold    atomic.Pointer[chan struct{}] // closed when questions may be answered; nil: at once
}

func newServer(t testing.TB) *server {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	s := &server{addr: conn.LocalAddr().String(), records: map[string]dnsmessage.ResourceBody{
		"A www.example.com.":          &dnsmessage.AResource{A: [4]byte{192, 0, 2, 7}},
		"AAAA www.example.com.":       &dnsmessage.AAAAResource{AAAA: [16]byte{0x20, 1, 0x0d, 0xb8, 15: 1}},
		"AAAA six.example.com.":       &dnsmessage.AAAAResource{AAAA: [16]byte{0x20, 1, 0x0d, 0xb8, 15: 1}},
		"PTR 7.2.0.192.in-addr.arpa.": &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName("www.example.com.")},
		"A db.internal.example.":      &dnsmessage.AResource{A: [4]byte{10, 0, 0, 9}},
		"PTR 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.": &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName("six.example.com.")},
	}}
	go s.run(conn)
	return s
}

func (s *server) run(conn net.PacketConn) {
	buf := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		s.asked.Add(1)
		q := m.Questions[0]
		name := strings.ToLower(q.Name.String())
		if strings.HasPrefix(name, "silent") {
			continue
		}
		if hold := s.hold.Load(); hold != nil {
			<-*hold
		}
		reply := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
		if body := s.records[strings.TrimPrefix(q.Type.String(), "Type")+" "+name]; body != nil {
			reply.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}, Body: body}}
		} else if !strings.Contains(name, "example") && !strings.Contains(name, "arpa") || strings.HasPrefix(name, "none") {
			reply.RCode = dnsmessage.RCodeNameError
		}
		if out, err := reply.Pack(); err == nil {
			_, _ = conn.WriteTo(out, from)
		}
	}
}

// settled returns how many questions were asked when all that were sent have been read; its own does not count.
func (s *server) settled(t *testing.T) int32 {
	t.Helper()
	c, err := net.Dial("udp", s.addr)
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	m := dnsmessage.Message{Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName("www.example.com."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	data, err := m.Pack()
	require.NoError(t, err)
	_, err = c.Write(data)
	require.NoError(t, err)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	_, err = c.Read(make([]byte, 1500))
	require.NoError(t, err)
	return s.asked.Add(-1)
}

func TestLookups(t *testing.T) {
	s := newServer(t)
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, `nameserver => "`+s.addr+`" timeout => 60 `+options).Run(in), options)
	}
	f(`resolve => "m" action => replace`, `{"m":"www.example.com"}`, `{"m":"192.0.2.7"} +`)
	f(`resolve => "m"`, `{"m":"www.example.com"}`, `{"m":["www.example.com","192.0.2.7"]} +`)
	f(`resolve => "m" action => replace`, `{"m":["www.example.com"]}`, `{"m":["192.0.2.7"]} +`)
	f(`resolve => "m"`, `{"m":["six.example.com"]}`, `{"m":["six.example.com","2001:db8::1"]} +`)
	f(`resolve => "m"`, `{"m":["a","b"]}`, `{"m":["a","b"]}`)
	f(`resolve => "m"`, `{"n":1}`, `{"n":1} +`)
	f(`resolve => "m"`, `{"m":5}`, `{"m":5}`)
	f(`resolve => "m"`, `{"m":"none.example.com"}`, `{"m":"none.example.com"}`)
	f(`reverse => "m" action => replace`, `{"m":"192.0.2.7"}`, `{"m":"www.example.com"} +`)
	f(`reverse => ["[a][b]"]`, `{"a":{"b":"2001:db8::1"}}`, `{"a":{"b":["2001:db8::1","six.example.com"]}} +`)
	f(`reverse => "m"`, `{"m":"192.0.2.8"}`, `{"m":"192.0.2.8"}`)
	f(`reverse => "m"`, `{"m":"no address"}`, `{"m":"no address"}`)
	f(`resolve => "m" reverse => "n" action => replace`, `{"m":"www.example.com","n":"192.0.2.7"}`, `{"m":"192.0.2.7","n":"www.example.com"} +`)
	f(`resolve => ["a","b"] action => replace`, `{"a":"www.example.com","b":"none.example.com"}`, `{"a":"192.0.2.7","b":"none.example.com"}`)
	f(`resolve => ["a","b"] action => replace`, `{"a":"www.example.com","b":"www.example.com"}`, `{"a":"192.0.2.7","b":"192.0.2.7"} +`)
	f(`resolve => ["h"] reverse => ["i","j"] action => replace`, `{"h":"www.example.com","i":"192.0.2.7","j":"192.0.2.8"}`, `{"h":"192.0.2.7","i":"www.example.com","j":"192.0.2.8"}`)
	f(`resolve => "m" action => replace`, `{"m":["www.example.com","b"]}`, `{"m":["www.example.com","b"]}`)
	f(`resolve => "m"`, `{"m":"`+strings.Repeat("0", 64)+`.com"}`, `{"m":"`+strings.Repeat("0", 64)+`.com"}`) // a label that is too long
	f(`resolve => "m"`, `{"m":"nonexistent###.net"}`, `{"m":"nonexistent###.net"}`)
	f(`reverse => "m"`, `{"n":1}`, `{"n":1} +`)
	search := `nameserver => { address => ["` + s.addr + `"] search => ["internal.example"] ndots => 1 } action => replace timeout => 60 `
	require.Equal(t, `{"m":"10.0.0.9"} +`, filtertest.New(t, Plugin, search+`resolve => "m"`).Run(`{"m":"db"}`))
	require.Equal(t, `{"m":"192.0.2.7"} +`, filtertest.New(t, Plugin, search+`resolve => "m"`).Run(`{"m":"www.example.com"}`))
}

func TestHostsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hosts")
	require.NoError(t, os.WriteFile(path, []byte("# comment\n192.0.2.1 one.example One # x\n192.0.2.1 second\nfe80::1 six\n\nbad\n"), 0o600))
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, `action => replace hostsfile => ["`+path+`"] `+options).Run(in))
	}
	f(`resolve => "m"`, `{"m":"ONE"}`, `{"m":"192.0.2.1"} +`)
	f(`resolve => "m"`, `{"m":"second"}`, `{"m":"192.0.2.1"} +`)
	f(`reverse => "m"`, `{"m":"192.0.2.1"}`, `{"m":"one.example"} +`)
	f(`resolve => "m"`, `{"m":"other.example"}`, `{"m":"other.example"}`)
	s := newServer(t)
	f(`resolve => "m" timeout => 60 nameserver => "`+s.addr+`"`, `{"m":"www.example.com"}`, `{"m":"192.0.2.7"} +`)
}

func TestCaches(t *testing.T) {
	s := newServer(t)
	count := func(options, name string, times int) int {
		r := filtertest.New(t, Plugin, `nameserver => "`+s.addr+`" timeout => 60 resolve => "m" `+options)
		s.asked.Store(0)
		for range times {
			r.Run(`{"m":"` + name + `"}`)
		}
		return int(s.asked.Load())
	}
	require.Equal(t, 6, count(``, "www.example.com", 3), "two questions each, for both kinds of addresses")
	require.Equal(t, 2, count(`hit_cache_size => 2`, "www.example.com", 3))
	require.Equal(t, 2, count(`failed_cache_size => 2`, "none.example.com", 3))
	require.Equal(t, 6, count(`hit_cache_size => 2`, "none.example.com", 3))
}

func TestCache(t *testing.T) {
	c := newCache(2, time.Minute)
	now := time.Now()
	for _, name := range []string{"a", "b", "a", "c"} {
		c.put(question{name, false}, name, now)
	}
	f := func(name string, at time.Time, want bool) {
		t.Helper()
		_, ok := c.get(question{name, false}, at)
		require.Equal(t, want, ok)
	}
	f("a", now, false)
	f("b", now, true)
	f("c", now.Add(59*time.Second), true)
	f("c", now.Add(time.Minute), false)
	require.Len(t, c.entries, 2)
}

func TestTimeout(t *testing.T) {
	s := newServer(t)
	r := filtertest.New(t, Plugin, `nameserver => "`+s.addr+`" timeout => 0.2 max_retries => 1 resolve => "m" tag_on_timeout => ["slow","x"]`)
	require.Equal(t, `{"m":"silent.example","tags":["slow","x"]}`, r.Run(`{"m":"silent.example"}`))
	asked := s.settled(t)
	require.GreaterOrEqual(t, asked, int32(2))
	require.Equal(t, `{"m":"silent.example","tags":["slow","x"]}`, r.Run(`{"m":"silent.example"}`))
	require.Equal(t, asked, s.settled(t), "a question that took too long is not asked again at once")
}

// Servers that do not answer are asked one question at a time; the first answer opens the way again.
func TestServersDown(t *testing.T) {
	s := newServer(t)
	f := filtertest.New(t, Plugin, `nameserver => "`+s.addr+`" timeout => 60 max_retries => 0 resolve => "m" action => replace`)
	names := f.Filter.(*filter).names
	names.timeouts.Store(downAfter)
	hold := make(chan struct{})
	s.hold.Store(&hold)
	first := make(chan string)
	go func() {
		e := event.New(nil)
		e.Root().Set("m", event.StringValue("www.example.com"))
		f.Filter.Filter(e)
		v, _ := e.Root().Get("m")
		first <- v.Text()
	}()
	require.Eventually(t, func() bool { return names.probes.Load() == 1 }, time.Minute, time.Millisecond)
	require.Equal(t, `{"m":"six.example.com","tags":["_dnstimeout"]}`, f.Run(`{"m":"six.example.com"}`))
	close(hold)
	require.Equal(t, "192.0.2.7", <-first)
	require.Equal(t, `{"m":"2001:db8::1"} +`, f.Run(`{"m":"six.example.com"}`))
}

// Workers that have the same question at the same time share one.
func TestShared(t *testing.T) {
	s := newServer(t)
	hold := make(chan struct{})
	s.hold.Store(&hold)
	f := filtertest.New(t, Plugin, `nameserver => "`+s.addr+`" timeout => 60 reverse => "m" action => replace`)
	var wg sync.WaitGroup
	var begun atomic.Int32
	for range 8 {
		wg.Go(func() {
			begun.Add(1)
			e := event.New(nil)
			e.Root().Set("m", event.StringValue("192.0.2.7"))
			f.Filter.Filter(e)
		})
	}
	require.Eventually(t, func() bool { return s.asked.Load() > 0 && begun.Load() == 8 }, time.Minute, time.Millisecond)
	close(hold)
	wg.Wait()
	require.Less(t, s.asked.Load(), int32(8))
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(`resolve => "m" nameserver => "x"`, `"x" is no address`)
	f(`resolve => "m" nameserver => { search => ["x"] }`, `needs an address`)
	f(`resolve => "m" nameserver => { adress => ["x"] }`, `unknown key "adress"`)
	f(`resolve => "m" nameserver => { address => "::1" ndots => 99 }`, `ndots must be`)
	f(`resolve => "m" timeout => 0`, `greater than 0`)
	f(`resolve => "m" max_retries => -1`, `must not be negative`)
	f(`resolve => "m" hostsfile => ["/nonexistent/hosts"]`, `reading a hosts file`)
	f(`resolve => ["[m"]`, `FieldReference`)
	f(``, `does nothing`)
	for _, server := range []string{`"8.8.8.8"`, `["8.8.8.8","8.8.4.4"]`, `{ "address" => "8.8.8.8" }`, `{ "address" => ["8.8.8.8","8.8.4.4"] }`,
		`{ "address" => ["127.0.0.1"] "search" => "internal.net" }`, `{ "address" => ["127.0.0.1"] "search" => ["internal.net","internal1.com"] }`} {
		require.Empty(t, filtertest.Diagnose(Plugin, `resolve => "m" nameserver => `+server))
	}
}

func BenchmarkFilter(b *testing.B) {
	s := newServer(b)
	b.Run("cached", func(b *testing.B) {
		filtertest.Bench(b, Plugin, `nameserver => "`+s.addr+`" timeout => 60 hit_cache_size => 100 reverse => "m" action => replace`, `{"m":"192.0.2.7"}`)
	})
}
