package pipe

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/outputtest"
)

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

func TestEvents(t *testing.T) {
	dir := t.TempDir()
	o := outputtest.New(t, Plugin, `command => "cat > `+dir+`/all"`)
	o.Write(t, `{"message":"one"}`, `{"message":"two"}`)
	o.Write(t, `{"message":"three"}`)
	require.NoError(t, o.Close(context.Background()))
	require.Equal(t, "{\"message\":\"one\"}\n{\"message\":\"two\"}\n{\"message\":\"three\"}\n", content(t, dir+"/all"))
	require.Equal(t, int64(3), o.Env.Stats.Delivered.Load())
}

func TestCommandOfTheEvent(t *testing.T) {
	dir := t.TempDir()
	o := outputtest.New(t, Plugin, `command => "cat >> `+dir+`/%{app}" message_format => "%{n}!"`)
	o.Write(t, `{"app":"a","n":1}`, `{"app":"b","n":2}`, `{"app":"a","n":3}`)
	require.NoError(t, o.Close(context.Background()))
	require.Equal(t, "1!\n3!\n", content(t, dir+"/a"))
	require.Equal(t, "2!\n", content(t, dir+"/b"))
}

// A command that ended is run again for what follows.
func TestCommandThatEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	o := outputtest.New(t, Plugin, `command => "head -n 1 >> `+path+`" message_format => "%{n}"`)
	o.Output.(*output).pause = time.Millisecond
	require.Eventually(t, func() bool { // as soon as the end of the command is known
		o.Write(t, `{"n":1}`)
		data, _ := os.ReadFile(path)
		return strings.Count(string(data), "1\n") > 1
	}, 10*time.Second, time.Millisecond)
	require.Positive(t, o.Env.Stats.Retried.Load())
}

func TestIdleCommandEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ended")
	o := outputtest.New(t, Plugin, `ttl => 0.001 command => "cat > /dev/null; echo x > `+path+`.%{app}"`)
	o.Write(t, `{"app":"a"}`)
	require.Eventually(t, func() bool {
		o.Write(t, `{"app":"b"}`)
		_, err := os.Stat(path + ".a")
		return err == nil
	}, 10*time.Second, 2*time.Millisecond)
}

// A command that does not read stops the pipeline; the end of the pipeline is not held up by it.
func TestCommandThatDoesNotRead(t *testing.T) {
	o := outputtest.New(t, Plugin, `command => "sleep 600 | cat" message_format => "%{m}"`)
	require.Empty(t, o.Append(t, `{"m":"`+strings.Repeat("x", 1<<20)+`"}`))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	settled, err := o.Flush(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.False(t, settled)
	require.Zero(t, o.Env.Stats.Delivered.Load())
}

func TestCloseEndsCommands(t *testing.T) {
	o := outputtest.New(t, Plugin, `command => "cat > /dev/null; sleep 600 | cat"`)
	o.Write(t, `{}`)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, o.Close(ctx), context.DeadlineExceeded)
}

func TestMistakes(t *testing.T) {
	outputtest.Refused(t, Plugin, ``, `"command" is required`)
	outputtest.Refused(t, Plugin, `command => " "`, "there is no command")
}
