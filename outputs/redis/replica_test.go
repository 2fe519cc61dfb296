package redis

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/outputtest"
)

// fake is a server that answers all commands alike.
func fake(t *testing.T, answer string) (address string, asked *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	asked = new(atomic.Int64)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c, answer, asked)
		}
	}()
	return l.Addr().String(), asked
}

func serve(c net.Conn, answer string, asked *atomic.Int64) {
	defer func() { _ = c.Close() }()
	r := bufio.NewReader(c)
	for {
		head, err := r.ReadString('\n')
		n, _ := strconv.Atoi(strings.TrimSpace(head[min(1, len(head)):]))
		for range n {
			size, _ := r.ReadString('\n')
			length, _ := strconv.Atoi(strings.TrimSpace(size[min(1, len(size)):]))
			_, _ = io.CopyN(io.Discard, r, int64(length+2))
		}
		if err != nil {
			return
		}
		asked.Add(1)
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
	}
}

// A host that has become a replica takes nothing: the next one does.
func TestReplica(t *testing.T) {
	replica, refused := fake(t, "-READONLY You can't write against a read only replica.\r\n")
	primary, taken := fake(t, ":1\r\n")
	o := outputtest.New(t, Plugin, fmt.Sprintf(`host => [%q, %q] shuffle_hosts => false reconnect_interval => 0 data_type => list key => "k"`, replica, primary))
	o.Write(t, `{"a":1}`)
	require.Equal(t, int64(1), refused.Load())
	require.Equal(t, int64(1), taken.Load())
	require.Equal(t, int64(1), o.Env.Stats.Delivered.Load())
}
