package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/config"
)

func record(t *testing.T, asJSON bool, f func(*slog.Logger)) string {
	t.Helper()
	var out bytes.Buffer
	f(slog.New(NewHandler(&out, slog.LevelInfo, asJSON)))
	return out.String()
}

func TestPlain(t *testing.T) {
	got := record(t, false, func(l *slog.Logger) {
		l.Debug("not shown")
		l.With(LoggerKey, "agent").Warn("Pipelines running", "count", 1, "error", errors.New("a b"), "secret", config.Password("x"))
	})
	require.Regexp(t, `^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d{3}\]\[WARN \]\[agent {20}\] Pipelines running \{count=1, error="a b", secret="<password>"\}\n$`, got)
}

func TestJSON(t *testing.T) {
	got := record(t, true, func(l *slog.Logger) { l.Error("bad\n", "n", 1, "after", time.Second, "ok", true) })
	var doc struct {
		Level, LoggerName string
		TimeMillis        int64
		LogEvent          map[string]any
	}
	require.NoError(t, json.Unmarshal([]byte(got), &doc))
	require.Equal(t, "ERROR", doc.Level)
	require.Equal(t, map[string]any{"message": "bad\n", "n": 1.0, "after": 1.0, "ok": true}, doc.LogEvent)
}
