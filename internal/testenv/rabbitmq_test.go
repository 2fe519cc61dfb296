package testenv

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRabbit(t *testing.T) {
	crt := NewCA(t).Issue(t, "rabbit.test", time.Now().Add(time.Hour))
	r := Rabbit(t, WithSecurity("writer", "pw"), WithTLS(crt), WithSetting("default_vhost", "logs"))
	greeting := func() byte {
		c, err := net.Dial("tcp", r.Addr())
		require.NoError(t, err)
		defer c.Close()
		_, err = c.Write([]byte("AMQP\x00\x00\x09\x01"))
		require.NoError(t, err)
		frame := make([]byte, 1)
		_, err = c.Read(frame)
		require.NoError(t, err)
		return frame[0]
	}
	require.Equal(t, byte(1), greeting(), "a method frame: connection.start")
	require.NotZero(t, r.TLSPort)
}
