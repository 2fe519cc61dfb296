package throttle

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := New(slog.New(slog.NewTextHandler(&out, nil)), time.Minute)
		for range 5 {
			l.Warn("one")
		}
		l.Error("other")
		require.Equal(t, 2, strings.Count(out.String(), "\n"))
		time.Sleep(time.Minute) // the clock of the bubble: instant
		l.Warn("one")
		require.Contains(t, out.String(), "msg=one repeated=4")
	})
}
