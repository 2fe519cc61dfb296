package syslog

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/plugin"
)

// A record whose end only silence tells is one while the connection goes on.
func TestIdleRecord(t *testing.T) {
	addr, out, _ := serve(t, `codec => multiline { pattern => "^ " what => previous auto_flush_interval => 1 }`, plugin.ECSDisabled, nil)
	c := send(t, "tcp", addr, message+"\n more\n")
	require.Contains(t, out.Wait(1)[0], `more`)
	_, err := c.Write([]byte(message + "\n"))
	require.NoError(t, err)
	require.NotContains(t, out.Wait(2)[1], "more")
}
