package exec

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/outputtest"
)

func TestCommands(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	for _, quiet := range []string{"", "quiet => true"} {
		require.NoError(t, os.RemoveAll(path))
		o := outputtest.New(t, Plugin, `command => "echo %{n} %{[a][b]} | tee -a `+path+`; exit 1" `+quiet)
		o.Write(t, `{"n":1,"a":{"b":"x"}}`, `{"n":2,"a":{"b":"y"}}`)
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, "1 x\n2 y\n", string(got))
		require.Equal(t, int64(2), o.Env.Stats.Delivered.Load())
	}
}

// The end of the pipeline ends the command that runs.
func TestEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	o := outputtest.New(t, Plugin, `command => "echo x > `+path+`; sleep 600 | cat"`)
	require.Empty(t, o.Append(t, `{}`))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := o.Flush(ctx)
		ended <- err
	}()
	require.Eventually(t, func() bool { _, err := os.Stat(path); return err == nil }, time.Minute, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.Zero(t, o.Env.Stats.Delivered.Load())
}

func TestMistakes(t *testing.T) {
	outputtest.Refused(t, Plugin, ``, `"command" is required`)
	outputtest.Refused(t, Plugin, `command => " "`, "there is no command")
}
