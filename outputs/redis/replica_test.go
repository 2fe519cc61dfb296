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

// fake is a server that answers all commands to append alike, and knows no others.
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
		var words []string
		for range n {
			size, _ := r.ReadString('\n')
			length, _ := strconv.Atoi(strings.TrimSpace(size[min(1, len(size)):]))
			word := make([]byte, length+2)
			_, _ = io.ReadFull(r, word)
			words = append(words, strings.TrimSpace(string(word)))
		}
		if err != nil {
			return
		}
		reply := "-ERR unknown command\r\n"
		if strings.EqualFold(words[0], "rpush") {
			asked.Add(1)
			reply = answer
		}
		if _, err := io.WriteString(c, reply); err != nil {
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
