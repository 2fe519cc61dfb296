package relp

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/internal/testenv"
	"millrace/pipeline/plugin"
)

// Without ssl_cacert nobody is verified, which Logstash would do by default; that is told.
func TestVerifyIsToldOf(t *testing.T) {
	crt := testenv.NewCA(t).Issue(t, "server", time.Now().Add(time.Hour))
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	require.NoError(t, os.WriteFile(cert, crt.CertPEM, 0o600))
	require.NoError(t, os.WriteFile(key, crt.KeyPEM, 0o600))
	conf := `port => 1 ssl_enable => true ssl_cert => "` + cert + `" ssl_key => "` + key + `" `
	_, diags := inputtest.Build(t, Plugin, conf, plugin.Builder{})
	require.Contains(t, diags.String(), "clients are not asked for certificates")
	_, diags = inputtest.Build(t, Plugin, conf+`ssl_verify => false`, plugin.Builder{})
	require.Empty(t, diags)
}
