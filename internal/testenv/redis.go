package testenv

import (
	"net"
	"strconv"
	"strings"
	"testing"
)

// RedisServer is a real Redis server.
type RedisServer struct {
	Handle
	// Password is what WithSecurity asked for, or empty.
	Password string
}

// redisTries is how often a port may be lost to somebody else between its choice and the server's bind: Redis takes
// port 0 for "no TCP", so the port has to be chosen here.
const redisTries = 5

// Redis starts a server that ends with the test. It writes no snapshots unless settings such as appendonly=yes say so.
func Redis(t testing.TB, opts ...Option) *RedisServer {
	t.Helper()
	requireTools(t, "Redis", "redis-server")
	o := newOptions(opts)
	if o.tls != nil {
		t.Fatal("testenv.Redis: TLS is set by tls-port and its settings, not by WithTLS")
	}
	dir := o.dataDir(t)
	var err error
	for range redisTries {
		s := newRedis(o, dir)
		if s.port, err = freePort(); err != nil {
			break
		}
		if err = s.start(); err == nil {
			t.Cleanup(func() {
				p, _ := s.current()
				p.Kill()
			})
			return &RedisServer{Handle: Handle{t: t, s: s}, Password: o.password}
		}
	}
	t.Fatal(err)
	return nil
}

func newRedis(o *options, dir string) *server {
	return &server{
		name: "Redis",
		command: func(port int) []string {
			argv := []string{"redis-server", "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--save", ""}
			if o.security {
				argv = append(argv, "--requirepass", o.password)
			}
			for _, s := range o.settings {
				k, v, _ := strings.Cut(s, "=")
				argv = append(argv, "--"+k, v)
			}
			return argv
		},
		env: o.env,
		address: func(line string, port int) string {
			if !strings.Contains(line, "eady to accept connections") {
				return ""
			}
			return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		},
	}
}

// freePort returns a port that nobody listened on a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}
