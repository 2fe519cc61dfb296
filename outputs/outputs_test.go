package outputs

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/outputtest"
	"millrace/outputs/redis"
	"millrace/outputs/syslog"
	"millrace/outputs/tcp"
	"millrace/pipeline/plugin"
)

// Who gives certificates and does not switch encryption on is told so.
func TestIdleOptions(t *testing.T) {
	f := func(def *plugin.Definition, conf, want string) {
		t.Helper()
		_, diags := outputtest.Build(t, def, conf)
		if want == "" {
			require.NotContains(t, diags.String(), "has no effect without", def.Name)
			return
		}
		require.Contains(t, diags.String(), want, def.Name)
	}
	f(redis.Plugin, `key => "k" data_type => list ssl_verification_mode => none`, `option "ssl_verification_mode" has no effect without ssl_enabled => true`)
	f(redis.Plugin, `key => "k" data_type => list`, "")
	f(syslog.Plugin, `host => "h" port => 1 ssl_verify => true`, `option "ssl_verify" has no effect without protocol => "ssl-tcp"`)
	f(syslog.Plugin, `host => "h" port => 1 protocol => tcp`, "")
	f(tcp.Plugin, `host => "h" port => 1 ssl_certificate => "c.pem"`, `option "ssl_certificate" has no effect without ssl_enabled => true`)
	f(tcp.Plugin, `host => "h" port => 1`, "")
}
