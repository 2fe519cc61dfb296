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

// Redis starts a server that ends with the test. It writes no snapshots unless settings such as appendonly=yes say so.
func Redis(t testing.TB, opts ...Option) *RedisServer {
	t.Helper()
	requireTools(t, "Redis", "redis-server")
	o := newOptions(opts)
	if o.tls != nil {
		t.Fatal("testenv.Redis: TLS is set by tls-port and its settings, not by WithTLS")
	}
	return &RedisServer{Handle: run(t, newRedis(o, o.dataDir(t))), Password: o.password}
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
