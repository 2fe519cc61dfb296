package http

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/pipeline/plugin"
)

// begin sends the beginning of a request.
func begin(t *testing.T, url string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	_, err = io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
	require.NoError(t, err)
	return c
}

// Clients that never finish their requests take the place of nobody.
func TestRequestsThatDoNotCome(t *testing.T) {
	url, out, _ := serve(t, `threads => 1 max_pending_requests => 1`, plugin.ECSDisabled, nil)
	for range 5 {
		begin(t, url)
	}
	require.Eventually(t, func() bool {
		status, _, _ := send(t, url, "probe")
		require.Equal(t, http.StatusOK, status)
		return out.Len() > 20 // by then the others have been read
	}, time.Minute, time.Millisecond)
}

// A client is not waited for without end.
func TestBodyThatDoesNotCome(t *testing.T) {
	built, diags := inputtest.Build(t, Plugin, `host => "127.0.0.1" port => 0`, plugin.Builder{})
	require.NotNil(t, built, diags.String())
	in := built.Input.(*input)
	in.bodyTimeout = 10 * time.Millisecond
	inputtest.Run(t, in, inputtest.NewSink(built))
	require.Eventually(t, func() bool { return in.addr.Load() != nil }, time.Minute, time.Millisecond)
	c := begin(t, in.addr.Load().String())
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	answer, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Contains(t, string(answer), fmt.Sprint("HTTP/1.1 ", http.StatusRequestTimeout))
}
