package stdout

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/outputtest"
	"millrace/pipeline/plugin"
)

func TestStdout(t *testing.T) {
	f := func(def *plugin.Definition, conf, want string) {
		t.Helper()
		o := outputtest.New(t, def, conf)
		var b bytes.Buffer
		o.Output.(*output).w = &b
		o.Write(t, `{"message":"a","@timestamp":"2024-05-17T08:30:15.123Z"}`)
		require.Equal(t, want, b.String())
		require.EqualValues(t, 1, o.Env.Stats.Delivered.Load())
	}
	f(Plugin, `codec => line { format => "%{message}!" }`, "a!\n")
	f(JavaPlugin, ``, `{"message":"a","@timestamp":"2024-05-17T08:30:15.123Z"}`+"\n")
	f(JavaPlugin, `codec => java_line { format => "%{message}?" }`, "a?\n")
}
