package syslog

import (
	"bufio"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProxied(t *testing.T) {
	f := func(header, want string) {
		t.Helper()
		r := bufio.NewReader(strings.NewReader(header + "<13>x\n"))
		got, err := proxied(r, "192.0.2.9")
		if want == "" {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.Equal(t, want, got)
		rest, err := r.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "<13>x\n", rest)
	}
	f("PROXY TCP4 192.0.2.1 192.0.2.2 1234 514\r\n", "192.0.2.1")
	f("PROXY TCP6 2001:db8::1 2001:db8::2 1234 514\r\n", "2001:db8::1")
	f("PROXY UNKNOWN\r\n", "192.0.2.9")
	f("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "192.0.2.9")
	f("PROXY TCP4\r\n", "")
	f("GET / HTTP/1.1\r\n", "")
}
