package plugin

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/config"
)

// Whoever asks for a plugin that is not there is told once where, and what to use.
func TestSubstitutes(t *testing.T) {
	f := func(kind Kind, name, hint string) {
		t.Helper()
		text := fmt.Sprintf("%s {\n  %s { no_such_option => 1 codec => none { } }\n}", kind, name)
		file, diags := config.Parse("test.conf", []byte(text), config.ParseOptions{})
		require.Empty(t, diags)
		built, diags := NewRegistry().Build(file.Sections[0].Body[0].(*config.PluginNode), Builder{Log: slog.New(slog.DiscardHandler)})
		require.Nil(t, built)
		require.Len(t, diags, 1, diags.String())
		require.Contains(t, diags.String(), fmt.Sprintf("test.conf:2:3: error: unknown %s %q", kind, name))
		require.Contains(t, diags.String(), hint)
	}
	f(FilterKind, "elastic_integration", "the elasticsearch output's option pipeline")
	f(FilterKind, "schema_check", "use conditions")
	f(FilterKind, "virustotal", "use the http filter")
	f(FilterKind, "opnsensefilter", "use the grok or csv filter")
	f(InputKind, "orasql", "use the exec input")
	f(InputKind, "jms", "a broker that speaks Kafka")
	f(InputKind, "irc", "use the pipe input")
	f(OutputKind, "clickhouse", "use the http output")
}
