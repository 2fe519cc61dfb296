package email

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/outputtest"
)

// A server that does not answer a greeting holds up no stop.
func TestServerThatDoesNotGreet(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	o := outputtest.New(t, Plugin, fmt.Sprintf(`address => "127.0.0.1" port => %d to => "a@example.com"`, l.Addr().(*net.TCPAddr).Port))
	require.Empty(t, o.Append(t, `{}`))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := o.Flush(ctx)
		ended <- err
	}()
	c, err := l.Accept()
	require.NoError(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "220 mail.example.com\r\n")
	require.NoError(t, err)
	hello, err := bufio.NewReader(c).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, hello, "EHLO")
	cancel()
	select {
	case err := <-ended:
		require.ErrorIs(t, err, context.Canceled)
	case <-time.After(mailTimeout / 4):
		t.Fatal("the output still waits for the server")
	}
}
