package stdin

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/pipeline/plugin"
)

func TestStdin(t *testing.T) {
	f := func(def *plugin.Definition, conf string, want ...string) {
		t.Helper()
		built, diags := inputtest.Build(t, def, conf, plugin.Builder{})
		require.NotNil(t, built, diags.String())
		r, w, err := os.Pipe()
		require.NoError(t, err)
		_, err = w.WriteString("a\nb")
		require.NoError(t, err)
		require.NoError(t, w.Close())
		built.Input.(*input).in = r
		sink := inputtest.NewSink(built)
		require.NoError(t, built.Input.Run(t.Context(), sink))
		require.Equal(t, want, sink.Wait(sink.Len()))
	}
	f(Plugin, ``, `{"message":"a","event":{"original":"a"},"host":{"hostname":"host1"}}`, `{"message":"b","event":{"original":"b"},"host":{"hostname":"host1"}}`)
	f(JavaPlugin, ``, `{"message":"a","hostname":"host1"}`, `{"message":"b","hostname":"host1"}`)
	f(JavaPlugin, `codec => java_plain`, `{"message":"a\nb","hostname":"host1"}`)
}
