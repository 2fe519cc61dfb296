package pipe

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/childproc"
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
	}, time.Minute, time.Millisecond)
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
	}, time.Minute, 2*time.Millisecond)
}

// A command that does not read stops the pipeline; the end of the pipeline is not held up by it, and ends it.
func TestCommandThatDoesNotRead(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	o := outputtest.New(t, Plugin, `command => "sleep 600 & echo $! > `+pid+`; wait" message_format => "%{m}"`)
	require.Empty(t, o.Append(t, `{"m":"`+strings.Repeat("x", 1<<20)+`"}`))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	settled, err := o.Flush(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.False(t, settled)
	require.Zero(t, o.Env.Stats.Delivered.Load())
	started := 0
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(pid)
		started, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return strings.HasSuffix(string(text), "\n") && started > 0
	}, time.Minute, time.Millisecond)
	require.ErrorIs(t, o.Close(ctx), context.DeadlineExceeded)
	require.Eventually(t, func() bool { return childproc.Gone(started) }, time.Minute, time.Millisecond)
}

func TestCloseEndsCommands(t *testing.T) {
	o := outputtest.New(t, Plugin, `command => "cat > /dev/null; sleep 600 | cat"`)
	o.Write(t, `{}`)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, o.Close(ctx), context.DeadlineExceeded)
}

func TestCloseEndsCommandsThatDoNotObey(t *testing.T) {
	o := outputtest.New(t, Plugin, `command => "trap '' TERM; cat > /dev/null; sleep 600 | cat"`)
	o.Write(t, `{}`)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- o.Close(ctx) }()
	select {
	case err := <-ended:
		require.ErrorIs(t, err, context.DeadlineExceeded)
	case <-time.After(10 * killAfter):
		t.Fatal("the output waits for a command that does not end")
	}
}

// A command that was ended because nothing was written to it is waited for like the others: it may still work on its events.
func TestCloseWaitsForIdleCommands(t *testing.T) {
	o := outputtest.New(t, Plugin, `ttl => 0.001 command => "cat > /dev/null; sleep 600 | cat"`)
	o.Write(t, `{}`)
	out := o.Output.(*output)
	require.Eventually(t, func() bool {
		out.mu.Lock()
		defer out.mu.Unlock()
		out.sweep()
		return len(out.running) == 0
	}, time.Minute, time.Millisecond)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, o.Close(ctx), context.Canceled)
}

func TestMistakes(t *testing.T) {
	outputtest.Refused(t, Plugin, ``, `"command" is required`)
	outputtest.Refused(t, Plugin, `command => " "`, "there is no command")
}
