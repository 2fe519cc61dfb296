package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/queue/vfs"
)

const dir = "queue"

// small are options with which a page holds a few entries.
func small() Options {
	return Options{
		PageCapacity: 1 << 10, MaxBytes: 1 << 20, CheckpointWrites: 1, CheckpointAcks: 1, MemoryBytes: 1 << 20,
		Logger: slog.New(slog.DiscardHandler),
	}
}

func open(t *testing.T, o Options, fsys vfs.FS) *Queue {
	t.Helper()
	q, err := Open(dir, o, fsys)
	require.NoError(t, err)
	return q
}

func records(texts ...string) (b [][]byte) {
	for _, s := range texts {
		b = append(b, []byte(s))
	}
	return b
}

func add(t *testing.T, q *Queue, texts ...string) {
	t.Helper()
	require.NoError(t, q.Append(t.Context(), []byte("head"), records(texts...)))
}

// take expects the next entry to hold the given records.
func take(t *testing.T, q *Queue, texts ...string) uint64 {
	t.Helper()
	e, err := q.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, "head", string(e.Header))
	got := []string{}
	for _, r := range e.Records {
		got = append(got, string(r))
	}
	require.Equal(t, texts, got)
	return e.ID
}

func TestRoundTrip(t *testing.T) {
	f := func(memory int64, c Compression, wantReads uint64) {
		t.Helper()
		o := small()
		o.MemoryBytes, o.Compression = memory, c
		sim := vfs.NewSim()
		q := open(t, o, sim)
		long := strings.Repeat("lorem ipsum ", 500) // more than a page
		add(t, q, "a", "", "b")
		add(t, q, long)
		require.NoError(t, q.Append(t.Context(), []byte("head"), nil))
		q.Ack(take(t, q, "a", "", "b"))
		q.Ack(take(t, q, long))
		q.Ack(take(t, q, []string{}...))
		require.NoError(t, q.Drain(t.Context()))
		s := q.Stats()
		require.Zero(t, s.Entries+s.Events+s.Unread)
		require.EqualValues(t, 3, s.AppendedEntries)
		require.Equal(t, wantReads, s.DiskReads)
		require.NoError(t, q.Close())
		names, err := sim.ReadDir(dir)
		require.NoError(t, err)
		for _, n := range names {
			require.NotContains(t, n, pageSuffix, "an acknowledged page was kept")
		}
	}
	for _, c := range []Compression{"", CompressNone, CompressSpeed, CompressBalanced, CompressSize} {
		f(1<<20, c, 0)
		f(0, c, 3)
		f(100, c, 2) // the first from memory, the others from disk
	}
}

func TestRefComesBackFromMemory(t *testing.T) {
	q := open(t, small(), vfs.NewSim())
	ref := new(int)
	require.NoError(t, q.AppendRef(t.Context(), nil, records("a"), ref))
	e, err := q.Next(t.Context())
	require.NoError(t, err)
	require.Same(t, ref, e.Ref)
	require.NoError(t, q.Close())
}

func TestAcksOutOfOrderSurviveRestart(t *testing.T) {
	sim := vfs.NewSim()
	q := open(t, small(), sim)
	ids := map[string]uint64{}
	for i := range 50 {
		add(t, q, fmt.Sprint(i), strings.Repeat("x", 100))
	}
	for i := range 40 {
		ids[fmt.Sprint(i)] = take(t, q, fmt.Sprint(i), strings.Repeat("x", 100))
	}
	left := []int{}
	for i := 39; i >= 0; i-- {
		if i%7 == 3 {
			left = append([]int{i}, left...)
		} else {
			q.Ack(ids[fmt.Sprint(i)])
		}
	}
	for i := 40; i < 50; i++ {
		left = append(left, i)
	}
	for round := range 3 { // each time one more is settled
		if round%2 == 0 {
			sim = sim.Kill()
		} else {
			require.NoError(t, q.Close())
		}
		q = open(t, small(), sim)
		require.EqualValues(t, len(left), q.Stats().Entries)
		require.EqualValues(t, 2*len(left), q.Stats().Events)
		var last uint64
		for _, i := range left {
			last = take(t, q, fmt.Sprint(i), strings.Repeat("x", 100))
		}
		q.Ack(last)
		left = left[:len(left)-1]
	}
}

func TestMaxBytesHoldsAppendBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := small()
		o.MaxBytes = o.PageCapacity
		q := open(t, o, vfs.NewSim())
		text := strings.Repeat("x", 200)
		for range 4 {
			add(t, q, text)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, q.Append(ctx, nil, records(text)), context.DeadlineExceeded)
		added := atomic.Bool{}
		go func() { add(t, q, text); added.Store(true) }()
		for i := range 4 {
			synctest.Wait()
			require.False(t, added.Load(), "space is only freed when the page is acknowledged")
			id := take(t, q, text)
			require.LessOrEqual(t, q.Stats().Bytes, o.MaxBytes)
			q.Ack(id)
			_ = i
		}
		synctest.Wait()
		require.True(t, added.Load(), "the last page was not given up although it is acknowledged")
		require.GreaterOrEqual(t, q.Stats().Blocked, time.Second)
		require.ErrorIs(t, q.Append(t.Context(), nil, records(strings.Repeat("x", 2000))), ErrTooLarge)
		require.NoError(t, q.Close())
	})
}

func TestMaxEventsHoldsAppendBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := small()
		o.MaxEvents = 3
		q := open(t, o, vfs.NewSim())
		add(t, q, "1", "2", "3", "4") // too many, but the queue is empty
		added := atomic.Bool{}
		go func() { add(t, q, "5"); added.Store(true) }()
		synctest.Wait()
		require.False(t, added.Load())
		q.Ack(take(t, q, "1", "2", "3", "4"))
		synctest.Wait()
		require.True(t, added.Load())
		require.NoError(t, q.Close())
	})
}

func TestWaitersEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := small()
		o.MaxEvents = 1
		q := open(t, o, vfs.NewSim())
		add(t, q, "x")
		take(t, q, "x")
		errs := make(chan error, 6)
		ctx, cancel := context.WithCancel(t.Context())
		for _, c := range []context.Context{ctx, t.Context()} {
			go func() { _, err := q.Next(c); errs <- err }()
			go func() { errs <- q.Append(c, nil, records("y")) }()
			go func() { errs <- q.Drain(c) }()
		}
		synctest.Wait()
		cancel()
		for range 3 {
			require.ErrorIs(t, <-errs, context.Canceled)
		}
		require.NoError(t, q.Close())
		for range 3 {
			require.ErrorIs(t, <-errs, ErrClosed)
		}
		require.NoError(t, q.Close())
		q.Ack(1) // late, and no mistake
	})
}

func TestOneWakesAnother(t *testing.T) {
	// Three wait in Next, and two entries come in the moment in which the first of the three is cancelled.
	synctest.Test(t, func(t *testing.T) {
		q := open(t, small(), vfs.NewSim())
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan error, 4)
		go func() { _, err := q.Next(ctx); got <- err }()
		synctest.Wait()
		for range 2 {
			go func() { _, err := q.Next(t.Context()); got <- err }()
		}
		synctest.Wait()
		go cancel()
		go add(t, q, "1")
		go add(t, q, "2")
		synctest.Wait()
		require.Zero(t, q.Stats().Unread, "an entry was left although somebody waits for it")
		require.NoError(t, q.Close())
		for range 3 {
			<-got
		}
	})
}

func TestSyncPolicy(t *testing.T) {
	f := func(writes int, eventsPerEntry, entries, wantSyncs int) {
		t.Helper()
		o := small()
		o.PageCapacity, o.CheckpointWrites = 1<<20, writes
		sim := vfs.NewSim()
		q := open(t, o, sim)
		for range entries {
			add(t, q, make([]string, eventsPerEntry)...)
		}
		_, syncs := sim.Counts()
		require.Equal(t, wantSyncs, syncs)
		require.EqualValues(t, wantSyncs, q.Stats().Syncs)
		require.NoError(t, q.Close())
	}
	f(1, 1, 10, 10)
	f(1, 5, 10, 10)
	f(4, 1, 10, 2)
	f(4, 3, 10, 5)
	f(0, 1, 10, 0)
}

func TestFullPageIsSynced(t *testing.T) {
	o := small()
	o.CheckpointWrites = 0
	sim := vfs.NewSim()
	q := open(t, o, sim)
	for range 3 {
		add(t, q, strings.Repeat("x", 600))
	}
	_, syncs := sim.Counts()
	require.Equal(t, 2, syncs)
	require.NoError(t, q.Close())
}

func TestIntervalSyncsWhatLies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := small()
		o.CheckpointWrites, o.CheckpointAcks, o.CheckpointInterval = 0, 0, time.Second
		sim := vfs.NewSim()
		q := open(t, o, sim)
		add(t, q, "a")
		add(t, q, "b")
		q.Ack(take(t, q, "a"))
		time.Sleep(1100 * time.Millisecond) // the bubble's clock
		synctest.Wait()
		_, syncs := sim.Counts()
		require.Equal(t, 1, syncs)
		require.EqualValues(t, 1, q.Stats().Checkpoints)
		again := open(t, o, sim.Kill())
		require.EqualValues(t, 1, again.Stats().Events)
		require.NoError(t, again.Close())
		q.Close() //nolint:errcheck // its file system is gone
	})
}

func TestGroupCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := vfs.NewSim()
		q := open(t, small(), sim)
		release := make(chan struct{})
		sim.OnSync(func() { <-release })
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { add(t, q, "x") })
		}
		synctest.Wait() // one is syncing, nine wait for the next round
		close(release)
		wg.Wait()
		writes, syncs := sim.Counts()
		require.LessOrEqual(t, syncs, 2)
		require.LessOrEqual(t, writes, 2)
		require.EqualValues(t, 10, q.Stats().Entries)
		require.NoError(t, q.Close())
	})
}

func TestDiskFull(t *testing.T) {
	for _, space := range []int64{0, 1, 30, 100, 700, 2500} {
		sim := vfs.NewSim()
		q := open(t, small(), sim)
		sim.SetSpace(space)
		var accepted []string
		var err error
		for i := 0; err == nil; i++ {
			text := fmt.Sprint(i, strings.Repeat("x", 90))
			if err = q.Append(t.Context(), []byte("head"), records(text)); err == nil {
				accepted = append(accepted, text)
			}
		}
		require.ErrorIs(t, err, ErrDiskFull)
		require.ErrorIs(t, err, syscall.ENOSPC)
		sim.SetSpace(-1)
		add(t, q, "after")
		accepted = append(accepted, "after")
		for range 2 { // as it stands, and after a restart
			for _, text := range accepted {
				take(t, q, text)
			}
			require.Zero(t, q.Stats().Unread)
			sim = sim.Kill()
			q = open(t, small(), sim)
			require.Zero(t, q.Stats().DamagedBytes, "space %d: a failed append left something behind", space)
		}
	}
}

func TestWriteFaults(t *testing.T) {
	broken := errors.New("input/output error")
	f := func(fault func(*vfs.Sim)) {
		t.Helper()
		sim := vfs.NewSim()
		q := open(t, small(), sim)
		add(t, q, "before")
		fault(sim)
		err := q.Append(t.Context(), []byte("head"), records("refused", "twice"))
		require.ErrorIs(t, err, broken)
		require.NotErrorIs(t, err, ErrDiskFull)
		var w *WriteError
		require.ErrorAs(t, err, &w)
		add(t, q, "after")
		take(t, q, "before")
		take(t, q, "after")
		require.Zero(t, q.Stats().Unread)
		require.EqualValues(t, 1, q.Stats().WriteErrors)
		q = open(t, small(), sim.Kill())
		take(t, q, "before")
		take(t, q, "after")
		require.Zero(t, q.Stats().Unread)
		require.NoError(t, q.Close())
	}
	f(func(s *vfs.Sim) { s.Fail("write", 1, broken) })
	f(func(s *vfs.Sim) { s.Fail("sync", 1, broken) })
	f(func(s *vfs.Sim) { s.Fail("write", 1, broken); s.Fail("truncate", 1, broken) })
	f(func(s *vfs.Sim) { s.Fail("sync", 1, broken); s.Fail("truncate", 1, broken) })
}

func TestCreateFaults(t *testing.T) {
	broken := errors.New("input/output error")
	for _, op := range []string{"create", "syncdir"} {
		sim := vfs.NewSim()
		q := open(t, small(), sim)
		sim.Fail(op, 1, broken)
		require.ErrorIs(t, q.Append(t.Context(), nil, records("refused")), broken)
		add(t, q, "after")
		take(t, q, "after")
		require.NoError(t, q.Close())
	}
}

func TestLock(t *testing.T) {
	sim := vfs.NewSim()
	q := open(t, small(), sim)
	_, err := Open(dir, small(), sim)
	require.ErrorIs(t, err, ErrLocked)
	_, err = Check(dir, sim)
	require.ErrorIs(t, err, ErrLocked)
	_, err = Repair(dir, sim)
	require.ErrorIs(t, err, ErrLocked)
	r, err := Inspect(dir, sim)
	require.NoError(t, err)
	require.True(t, r.InUse)
	require.NoError(t, q.Close())
	q = open(t, small(), sim)
	require.NoError(t, q.Close())
}

func TestLockOfTheOperatingSystem(t *testing.T) {
	d := filepath.Join(t.TempDir(), "q")
	q, err := Open(d, small(), vfs.OS{})
	require.NoError(t, err)
	_, err = Open(d, small(), vfs.OS{})
	require.ErrorIs(t, err, ErrLocked)
	require.NoError(t, q.Close())
	q, err = Open(d, small(), vfs.OS{})
	require.NoError(t, err)
	require.NoError(t, q.Close())
}

func TestOptions(t *testing.T) {
	f := func(want string, change func(*Options)) {
		t.Helper()
		o := DefaultOptions()
		change(&o)
		_, err := Open(dir, o, vfs.NewSim())
		require.ErrorContains(t, err, want)
	}
	f("queue.page_capacity", func(o *Options) { o.PageCapacity = 0 })
	f("queue.max_bytes", func(o *Options) { o.MaxBytes = 1 << 20 })
	f("queue.compression", func(o *Options) { o.Compression = "gzip" })
	f("negative", func(o *Options) { o.MaxEvents = -1 })
}

func TestAckTwiceIsABug(t *testing.T) {
	q := open(t, small(), vfs.NewSim())
	add(t, q, "x")
	id := take(t, q, "x")
	q.Ack(id)
	require.Panics(t, func() { q.Ack(id) })
	require.NoError(t, q.Close())
}
