package pipe

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/childproc"
	"millrace/internal/inputtest"
	"millrace/pipeline/plugin"
)

func run(t *testing.T, conf string, ecs plugin.ECS) (*inputtest.Sink, func()) {
	t.Helper()
	built, diags := inputtest.Build(t, Plugin, conf, plugin.Builder{ECS: ecs})
	require.NotNil(t, built, diags.String())
	built.Input.(*input).pause = time.Millisecond
	out := inputtest.NewSink(built)
	return out, inputtest.Run(t, built.Input, out)
}

func TestFields(t *testing.T) {
	out, _ := run(t, `command => "echo piped" type => pipe`, plugin.ECSDisabled)
	got := out.Wait(2) // it is run again
	require.JSONEq(t, `{"message":"piped","host":"host1","command":"echo piped","type":"pipe"}`, got[0])
	require.Equal(t, got[0], got[1])
	out, _ = run(t, `command => "echo piped"`, plugin.ECSv8)
	require.JSONEq(t, `{"message":"piped","event":{"original":"piped"},"host":{"name":"host1"},"process":{"command_line":"echo piped"}}`, out.Wait(1)[0])
}

// TestStop: a command that never ends is ended, with what it started.
func TestStop(t *testing.T) {
	out, stop := run(t, `command => "printf 'a\r\nb\n'; sleep 1000 & echo $!; wait"`, plugin.ECSDisabled)
	docs := out.Wait(3)
	require.Contains(t, docs[0], `"message":"a"`)
	var last struct {
		Message int `json:",string"`
	}
	require.NoError(t, json.Unmarshal([]byte(docs[2]), &last))
	require.False(t, childproc.Gone(last.Message))
	stop()
	require.Eventually(t, func() bool { return childproc.Gone(last.Message) }, time.Minute, time.Millisecond)
}

func TestMistakes(t *testing.T) {
	inputtest.Refused(t, Plugin, ``, `option "command" is required`)
	inputtest.Refused(t, Plugin, `command => " "`, "there is no command")
}
