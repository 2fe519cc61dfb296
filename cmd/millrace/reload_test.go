package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/logging"
	"millrace/internal/settings"
	"millrace/pipeline"
)

// TestReloadOfAFileBeingWritten: a configuration that is looked at while somebody writes it counts when it is whole.
func TestReloadOfAFileBeingWritten(t *testing.T) {
	const input, output = `input { generator { id => "g" } }`, ` output { null { id => "n" } }`
	path := filepath.Join(t.TempDir(), "p.conf")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	l := &loaded{settings: settings.New()}
	for name, value := range map[string]string{"path.config": path, "path.data": t.TempDir()} {
		_, err := l.settings.Set(name, value)
		require.NoError(t, err)
	}
	l.pipelines = []*settings.Settings{l.settings}
	synctest.Test(t, func(t *testing.T) {
		write(input + output)
		a := &agent{p: &program{reg: childRegistry(), out: io.Discard, err: io.Discard}, log: logging.Discard(), loaded: l, began: time.Now()}
		a.seen = a.fingerprint()
		hangup := make(chan os.Signal)
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan []*pipeline.Pipeline, 1)
		go func() { got <- a.awaitChange(ctx, hangup) }()

		for _, text := range []string{"", input, input + output} { // in the end it is what it was
			write(text)
			if text == "" {
				hangup <- nil
			}
			synctest.Wait()
			require.Empty(t, got)
			time.Sleep(writePause * 3 / 5)
		}
		time.Sleep(time.Hour)
		require.Empty(t, got)

		for _, text := range []string{"", input, input + ` filter { mutate { id => "m" } }`, input + ` filter { mutate { id => "m" } }` + output} {
			write(text)
			if text == "" {
				hangup <- nil
			}
			synctest.Wait()
			require.Empty(t, got)
			time.Sleep(writePause * 3 / 5)
		}
		pipelines := <-got
		require.Len(t, pipelines, 1)
		var ids []string
		for _, p := range pipelines[0].TapPoints() {
			ids = append(ids, p.ID)
		}
		require.Subset(t, ids, []string{"filter:m", "output:n"})
		cancel()
	})
}
