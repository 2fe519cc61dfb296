package syslog

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/outputtest"
)

// Who gives certificates and does not switch encryption on is told so.
func TestIdleOptions(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		_, diags := outputtest.Build(t, Plugin, conf)
		if want == "" {
			require.NotContains(t, diags.String(), "has no effect without")
			return
		}
		require.Contains(t, diags.String(), want)
	}
	f(`host => "h" port => 1 ssl_verify => true`, `option "ssl_verify" has no effect without protocol => "ssl-tcp"`)
	f(`host => "h" port => 1 protocol => tcp`, ``)
}
