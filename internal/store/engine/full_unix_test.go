//go:build unix

package engine

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/store/query"
)

// limitFiles makes writes beyond a length of a file fail, as they do on a full disk.
func limitFiles(t *testing.T, n uint64) {
	t.Helper()
	var l syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l))
	l.Cur = min(n, l.Max)
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l))
}

const noLimit = ^uint64(0)

const fullChild = "MILLRACE_ENGINE_FULL_CHILD"

// TestFull fills the store until the log has no room. It runs as a process of its own, because the limit is one of the process.
func TestFull(t *testing.T) {
	if os.Getenv(fullChild) == "" {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestFull$")
		cmd.Env = append(os.Environ(), fullChild+"=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	fillUp(t, t.TempDir(), 1<<30, func() { limitFiles(t, 512<<10) }, func() { limitFiles(t, noLimit) })
}

// fillUp writes until the store is full, and checks that nothing is lost, that searches go on, and that writes do when there is room.
func fillUp(t *testing.T, dir string, flush int, fill, free func()) {
	o := Options{Dir: dir, MaxAge: -1, FlushBytes: flush, flushPause: time.Nanosecond}
	e, err := Open(o)
	require.NoError(t, err)
	require.NoError(t, e.CreateIndex("logs", nil))
	a := newApache()
	taken := 0
	put := func(n int) error {
		_, err := e.Apply(context.Background(), a.bulk(n))
		if err == nil {
			taken += n
		}
		return err
	}
	check := func() {
		t.Helper()
		res, err := e.Search(context.Background(), &query.Search{Targets: []query.Target{{Index: "logs", Query: query.All{}}}, TrackTotal: -1, Size: 3})
		require.NoError(t, err)
		require.Equal(t, int64(taken), res.Total)
	}
	require.NoError(t, put(100))
	fill()
	for err = nil; err == nil; check() {
		err = put(100)
		require.Less(t, taken, 1_000_000, "it is never full")
	}
	require.ErrorIs(t, err, query.ErrFull)
	if err := put(2000); err != nil { // a flush that was under way may have made room
		require.ErrorIs(t, err, query.ErrFull)
	}
	check()
	require.Positive(t, e.Stats().Refused)
	require.NoError(t, e.Close(), "what cannot be flushed is in the log")
	e, err = Open(o)
	require.NoError(t, err)
	check()
	free()
	for range 20 {
		if err = put(1000); err == nil {
			break
		}
		require.ErrorIs(t, err, query.ErrFull) // until the next flush has found the room
		e.tryFlush()
	}
	require.NoError(t, err)
	check()
	require.NoError(t, e.Close())
	e, err = Open(o)
	require.NoError(t, err)
	check()
	require.NoError(t, e.Close())
}
