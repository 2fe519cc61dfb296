package redis

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/pipeline/plugin"
)

// Who gives certificates and does not switch encryption on is told so.
func TestIdleOptions(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		_, diags := inputtest.Build(t, Plugin, conf, plugin.Builder{})
		if want == "" {
			require.NotContains(t, diags.String(), "has no effect without")
			return
		}
		require.Contains(t, diags.String(), want)
	}
	f(`key => "k" data_type => list ssl_verification_mode => none`, `option "ssl_verification_mode" has no effect without ssl_enabled => true`)
	f(`key => "k" data_type => list ssl_enabled => false`, ``)
}
