package filters

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

func TestSorted(t *testing.T) {
	require.True(t, slices.IsSortedFunc(All(), func(a, b *plugin.Definition) int { return strings.Compare(a.Name, b.Name) }))
}

// A filter that Logstash has or had is there, or whoever asks for it is told what to do without it.
func TestEveryKnownFilter(t *testing.T) {
	registry := plugin.NewRegistry(All())
	for name := range strings.FieldsSeq(`advisor age aggregate alter anonymize bytes checksum cidr cipher clone cloudfoundry collate csv date de_dot
		dissect dns drop elapsed elastic_integration elasticsearch environment extractnumbers fingerprint gelfify geoip grep grok grokdiscovery http i18n
		java_uuid jdbc_static jdbc_streaming json json_encode kubernetes_metadata kv logfmt lookup math memcached metaevent metricize metrics
		multiline mutate noop opnsensefilter oui prune punct railsparallelrequest range rest ruby schema_check script sleep split syslog_pri throttle
		tld translate truncate unique urldecode useragent uuid virustotal wurfl_device_detection xml yaml zeromq`) {
		if registry.Lookup(plugin.FilterKind, name) != nil {
			continue
		}
		f, diags := config.Parse("test.conf", []byte("filter { "+name+" { } }"), config.ParseOptions{})
		require.False(t, diags.HasErrors())
		_, diags = registry.Build(f.Sections[0].Body[0].(*config.PluginNode), plugin.Builder{Log: slog.New(slog.DiscardHandler)})
		require.Contains(t, diags.String(), `unknown filter "`+name+`"`)
		require.NotContains(t, diags.String(), "millrace plugins lists", name)
		require.NotContains(t, diags.String(), "did you mean", name)
	}
	f, _ := config.Parse("test.conf", []byte("filter { mutat { } }"), config.ParseOptions{})
	_, diags := registry.Build(f.Sections[0].Body[0].(*config.PluginNode), plugin.Builder{Log: slog.New(slog.DiscardHandler)})
	require.Contains(t, diags.String(), `did you mean "mutate"?`)
}
