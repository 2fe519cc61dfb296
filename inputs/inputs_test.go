package inputs

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/inputs/beats"
	"millrace/inputs/http"
	"millrace/inputs/redis"
	"millrace/inputs/relp"
	"millrace/inputs/tcp"
	"millrace/internal/inputtest"
	"millrace/pipeline/plugin"
)

// Who gives certificates and does not switch encryption on is told so.
func TestIdleOptions(t *testing.T) {
	f := func(def *plugin.Definition, conf, idle string) {
		t.Helper()
		_, diags := inputtest.Build(t, def, conf, plugin.Builder{})
		if idle == "" {
			require.NotContains(t, diags.String(), "has no effect without", def.Name)
			return
		}
		require.Contains(t, diags.String(), `option "`+idle+`" has no effect without ssl_enable`, def.Name)
	}
	f(beats.Plugin, `port => 1 ssl_key => "k.pem"`, "ssl_key")
	f(beats.Plugin, `port => 1 ssl_enabled => false ssl_peer_metadata => true`, "")
	f(http.Plugin, `ssl_client_authentication => required`, "ssl_client_authentication")
	f(http.Plugin, ``, "")
	f(redis.Plugin, `key => "k" data_type => list ssl_verification_mode => none`, "ssl_verification_mode")
	f(redis.Plugin, `key => "k" data_type => list ssl_enabled => false`, "")
	f(relp.Plugin, `port => 1 ssl_cert => "c.pem"`, "ssl_cert")
	f(relp.Plugin, `port => 1 ssl_enabled => false`, "")
	f(tcp.Plugin, `port => 1 ssl_certificate => "c.pem"`, "ssl_certificate")
	f(tcp.Plugin, `port => 1 ssl_enable => false`, "")
	f(tcp.Plugin, `port => 1`, "")
}
