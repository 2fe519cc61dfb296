package exec

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/pipeline/plugin"
)

// start runs the input of a config.
func start(t *testing.T, conf string, ecs plugin.ECS) (*inputtest.Sink, func()) {
	t.Helper()
	built, diags := inputtest.Build(t, Plugin, conf, plugin.Builder{ECS: ecs})
	require.NotNil(t, built, diags.String())
	out := inputtest.NewSink(built)
	return out, inputtest.Run(t, built.Input, out)
}

// before cuts off the field that every run has another value of.
func before(doc string) string {
	for _, name := range []string{`,"duration":`, `,"input":{"exec"`} {
		if head, _, ok := strings.Cut(doc, name); ok {
			return head
		}
	}
	return doc
}

func TestRuns(t *testing.T) {
	out, stop := start(t, `command => "echo one; echo two; exit 3" interval => 0`, plugin.ECSDisabled)
	for _, doc := range out.Wait(3) {
		require.Equal(t, `{"message":"one\ntwo\n","host":"host1","command":"echo one; echo two; exit 3","@metadata":{"exit_status":3`, before(doc))
		require.Contains(t, doc, `"duration":`)
	}
	stop()
	out, stop = start(t, `command => "printf x" interval => 1000 type => "t"`, plugin.ECSv8)
	require.Equal(t, `{"message":"x","event":{"original":"x"},"host":{"name":"host1"},"process":{"command_line":"printf x","exit_code":0},"type":"t","@metadata":{"input":{"exec":{"process":{"elapsed_time":`,
		strings.TrimRight(out.Wait(1)[0], "0123456789}"))
	stop()
	require.Equal(t, 1, out.Len())
}

func TestSchedule(t *testing.T) {
	out, stop := start(t, `command => "echo x" schedule => "* * * * * * UTC"`, plugin.ECSDisabled)
	out.Wait(1)
	stop()
}

func TestCodecThatCutsStreams(t *testing.T) {
	out, _ := start(t, `command => "echo one; echo two" interval => 1000 codec => line`, plugin.ECSDisabled)
	docs := out.Wait(2)
	require.True(t, strings.HasPrefix(docs[0], `{"message":"one"`), docs[0])
	require.True(t, strings.HasPrefix(docs[1], `{"message":"two"`), docs[1])
}

// A command that runs when the input is stopped ends with all that it started, and leaves no event.
func TestStopEndsTheCommand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "begun")
	built, _ := inputtest.Build(t, Plugin, `command => "echo x | tee `+path+`; sleep 600 | cat" interval => 0`, plugin.Builder{})
	out := inputtest.NewSink(built)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- built.Input.Run(ctx, out) }()
	require.Eventually(t, func() bool { _, err := os.Stat(path); return err == nil }, time.Minute, time.Millisecond)
	cancel()
	require.NoError(t, <-ended)
	require.Zero(t, out.Len())
}

// What a command printed counts, though something that it started in the background holds on to its output.
func TestCommandThatLeavesSomethingBehind(t *testing.T) {
	built, _ := inputtest.Build(t, Plugin, `command => "echo printed; sleep 20 &" interval => 1000`, plugin.Builder{})
	built.Input.(*input).limit = time.Millisecond
	out := inputtest.NewSink(built)
	began := time.Now()
	inputtest.Run(t, built.Input, out)
	require.Contains(t, out.Wait(1)[0], `"message":"printed\n"`)
	require.Less(t, time.Since(began), 10*time.Second)
}

func TestLimited(t *testing.T) {
	l := &limited{max: 5}
	for _, s := range []string{"abc", "defg", "h"} {
		n, err := l.Write([]byte(s))
		require.NoError(t, err)
		require.Equal(t, len(s), n)
	}
	require.Equal(t, "abcde", l.String())
	require.True(t, l.cut)
}

func TestMistakes(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		inputtest.Refused(t, Plugin, conf, want)
	}
	f(`command => "ls"`, "interval or schedule is required")
	f(`command => "ls" interval => 1 schedule => "* * * * *"`, "exclude each other")
	f(`command => " " interval => 1`, "there is no command")
	f(`command => "ls" interval => -1`, "no time")
	f(`command => "ls" schedule => "every day"`, "schedule")
}
