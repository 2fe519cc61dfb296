package web

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/config"
)

func TestProxy(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		file, diags := config.Parse("test.conf", []byte("filter { x { proxy => "+text+" } }"), config.ParseOptions{})
		require.False(t, diags.HasErrors())
		attrs, diags := config.Evaluate(file.Sections[0].Body[0].(*config.PluginNode), func(string) (string, bool) { return "", false })
		require.False(t, diags.HasErrors())
		var o struct {
			Proxy Proxy `opt:"proxy"`
		}
		if diags := config.Decode(attrs, &o); diags.HasErrors() {
			require.Contains(t, diags.String(), want)
			return
		}
		require.Equal(t, want, o.Proxy.URL().String())
	}
	f(`"http://proxy.example:1234"`, "http://proxy.example:1234")
	f(`{ host => "proxy.example" port => 80 scheme => 'http' user => 'u@h' password => 'p' }`, "http://u%40h:p@proxy.example:80")
	f(`{ url => 'https://proxy.example:1234' user => 'u' password => 'p' }`, "https://u:p@proxy.example:1234")
	f(`{ host => "::1" }`, "http://[::1]")
	f(`{ port => 80 }`, "needs url or host")
	f(`{ url => "http://[" }`, "the url is no address")
	f(`{ hots => "x" }`, `unknown key "hots"`)
	f(`["a"]`, "must be an address")
}
