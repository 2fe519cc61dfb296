package queue

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/queue/vfs"
)

func letters(t *testing.T, fsys vfs.FS, change func(*DeadLetterOptions)) *DeadLetters {
	t.Helper()
	o := DefaultDeadLetterOptions()
	o.Logger = slog.New(slog.DiscardHandler)
	if change != nil {
		change(&o)
	}
	d, err := OpenDeadLetters(dir, o, fsys)
	require.NoError(t, err)
	return d
}

func letter(n int) DeadLetter {
	return DeadLetter{
		EntryTime: time.Unix(int64(n), 0).UTC(), PluginType: "elasticsearch", PluginID: "out", Pipeline: "main",
		Reason: fmt.Sprintf("failed to parse field [status] in document with id 'x%d'", n),
		Event:  fmt.Appendf(nil, `{"n":%d}`, n),
	}
}

func put(t *testing.T, d *DeadLetters, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		stored, err := d.Write(letter(n))
		require.NoError(t, err)
		require.Equal(t, 1, stored)
	}
}

// numbers returns the records in the queue by the number that letter gave them.
func numbers(t *testing.T, fsys vfs.FS) (list []int) {
	t.Helper()
	require.NoError(t, EachDeadLetter(dir, fsys, func(_ Position, l DeadLetter) bool {
		n := int(l.EntryTime.Unix())
		require.Equal(t, letter(n), l)
		list = append(list, n)
		return true
	}))
	return list
}

func span(from, to int) (list []int) {
	for n := from; n < to; n++ {
		list = append(list, n)
	}
	return list
}

func TestDeadLettersComeBack(t *testing.T) {
	sim := vfs.NewSim()
	d := letters(t, sim, func(o *DeadLetterOptions) { o.MaxBytes = 16 << 10 })
	put(t, d, 0, 30)
	stored, err := d.Write(letter(30), letter(31), letter(32))
	require.NoError(t, err)
	require.Equal(t, 3, stored)
	require.Equal(t, span(0, 33), numbers(t, sim))
	require.EqualValues(t, 33, d.Stats().Written)
	_, err = OpenDeadLetters(dir, d.o, sim)
	require.ErrorIs(t, err, ErrLocked)
	sim = sim.Kill()
	d = letters(t, sim, nil)
	put(t, d, 33, 35)
	require.NoError(t, d.Close())
	require.NoError(t, d.Close())
	_, err = d.Write(letter(1))
	require.ErrorIs(t, err, ErrClosed)
	require.Equal(t, span(0, 35), numbers(t, sim))
}

func TestDeadLetterPolicies(t *testing.T) {
	f := func(p StoragePolicy) {
		t.Helper()
		sim := vfs.NewSim()
		d := letters(t, sim, func(o *DeadLetterOptions) { o.MaxBytes, o.Policy = 4<<10, p })
		stored := 0
		for n := range 100 {
			k, err := d.Write(letter(n))
			require.NoError(t, err)
			stored += k
			require.LessOrEqual(t, d.Stats().Bytes, int64(4<<10))
		}
		s := d.Stats()
		kept := numbers(t, sim)
		require.NotZero(t, s.Dropped)
		require.EqualValues(t, 100-len(kept), s.Dropped)
		require.EqualValues(t, stored, s.Written)
		if p == DropNewer {
			require.Equal(t, span(0, stored), kept)
		} else {
			require.Equal(t, 100, stored)
			require.Equal(t, span(100-len(kept), 100), kept)
			require.Greater(t, len(kept), 15, "more than an eighth was dropped at once")
		}
		big := letter(1)
		big.Event = make([]byte, 5<<10)
		n, err := d.Write(big, big)
		require.NoError(t, err)
		require.Zero(t, n)
		require.Equal(t, s.Dropped+2, d.Stats().Dropped)
	}
	f(DropNewer)
	f(DropOlder)
}

func TestDeadLettersExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := vfs.NewSim()
		change := func(o *DeadLetterOptions) { o.RetainAge = time.Hour }
		d := letters(t, sim, change)
		now := int(time.Now().Unix())
		put(t, d, now, now+5)
		time.Sleep(59 * time.Minute)
		require.Len(t, numbers(t, sim), 5)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.Empty(t, numbers(t, sim))
		require.EqualValues(t, 5, d.Stats().Expired)
		require.Zero(t, d.Stats().Bytes)
		now = int(time.Now().Unix())
		put(t, d, now, now+5)
		require.NoError(t, d.Close())
		time.Sleep(2 * time.Hour)
		d = letters(t, sim, change) // those of an earlier process, too
		require.Empty(t, numbers(t, sim))
		require.EqualValues(t, 5, d.Stats().Expired)
		require.NoError(t, d.Close())
	})
}

func TestDeadLetterFaults(t *testing.T) {
	broken := errors.New("input/output error")
	f := func(fault func(*vfs.Sim)) {
		t.Helper()
		sim := vfs.NewSim()
		d := letters(t, sim, func(o *DeadLetterOptions) { o.FlushInterval = 0 })
		put(t, d, 0, 3)
		fault(sim)
		_, err := d.Write(letter(99))
		var w *WriteError
		require.ErrorAs(t, err, &w)
		require.NotEmpty(t, d.Stats().LastError)
		sim.SetSpace(-1)
		put(t, d, 3, 6)
		got := numbers(t, sim)
		require.Equal(t, span(0, 6), got[:len(got)-boolInt(len(got) == 7)])
		require.NoError(t, d.Close())
	}
	f(func(s *vfs.Sim) { s.Fail("write", 1, broken) })
	f(func(s *vfs.Sim) { s.Fail("sync", 1, broken) })
	f(func(s *vfs.Sim) { s.SetSpace(20) })
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestDeadLettersSurvivePowerLoss(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		sim := vfs.NewSim()
		d := letters(t, sim, func(o *DeadLetterOptions) { o.MaxBytes = 16 << 10 })
		put(t, d, 0, 20)
		require.NoError(t, d.Sync())
		put(t, d, 20, 40)
		sim = sim.Crash(random)
		d = letters(t, sim, nil)
		put(t, d, 40, 45)
		got := numbers(t, sim)
		require.Equal(t, span(0, 20), got[:20])
		require.Equal(t, span(40, 45), got[len(got)-5:])
		require.NoError(t, d.Close())
	}
}

func TestReaderFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := vfs.NewSim()
		ctx, cancel := context.WithCancel(t.Context())
		r := OpenDeadLetterReader(dir, Position{}, time.Time{}, sim)
		var mu sync.Mutex
		var got []int
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				l, _, err := r.Next(ctx, time.Second)
				if err != nil {
					return
				}
				mu.Lock()
				got = append(got, int(l.EntryTime.Unix()))
				mu.Unlock()
			}
		})
		want := func(n int) {
			t.Helper()
			time.Sleep(2 * time.Second)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			require.Equal(t, span(0, n), got)
		}
		want(0)
		change := func(o *DeadLetterOptions) { o.MaxBytes = 8 << 10 } // segments of 1 KiB: about 7 records
		d := letters(t, sim, change)
		put(t, d, 0, 1)
		want(1)
		put(t, d, 1, 30)
		want(30)
		require.NoError(t, d.Close())
		d = letters(t, sim, change)
		want(30)
		put(t, d, 30, 31)
		want(31)
		cancel()
		wg.Wait()
		require.Zero(t, r.DamagedBytes)
		require.NoError(t, r.Close())
		require.NoError(t, d.Close())
	})
}

func TestReaderResumes(t *testing.T) {
	sim := vfs.NewSim()
	d := letters(t, sim, func(o *DeadLetterOptions) { o.MaxBytes = 8 << 10 })
	put(t, d, 0, 30)
	read := func(from Position, since time.Time, n int) (list []int, at Position) {
		r := OpenDeadLetterReader(dir, from, since, sim)
		defer r.Close() //nolint:errcheck // read only
		for len(list) < n {
			l, ok, err := r.TryNext()
			require.NoError(t, err)
			if !ok {
				break
			}
			list = append(list, int(l.EntryTime.Unix()))
		}
		return list, r.Position()
	}
	name := dir + "/sincedb"
	p, err := LoadPosition(sim, name)
	require.NoError(t, err)
	for i := range 10 { // three at a time, as a process that is restarted
		var got []int
		got, p = read(p, time.Time{}, 3)
		require.Equal(t, span(3*i, 3*i+3), got)
		require.NoError(t, SavePosition(sim, name, p))
		p, err = LoadPosition(sim, name)
		require.NoError(t, err)
	}
	got, _ := read(p, time.Time{}, 3)
	require.Empty(t, got)
	got, _ = read(Position{}, time.Unix(25, 0), 100)
	require.Equal(t, span(25, 30), got)

	removed, err := RemoveConsumed(dir, sim, p)
	require.NoError(t, err)
	require.NotZero(t, removed)
	got, _ = read(Position{}, time.Time{}, 100) // from the first segment that is left
	require.NotEmpty(t, got)
	require.Equal(t, span(30-len(got), 30), got)
	put(t, d, 30, 60) // the writer knows that there is room again
	require.Zero(t, d.Stats().Dropped)
	require.NoError(t, d.Close())
	f, err := sim.Create(dir + "/bad")
	require.NoError(t, err)
	_, err = f.WriteAt([]byte("what"), 0)
	require.NoError(t, err)
	_, err = LoadPosition(sim, dir+"/bad")
	require.ErrorContains(t, err, "reading position in dead letter queue")
}

func TestPurge(t *testing.T) {
	f := func(open bool) {
		t.Helper()
		sim := vfs.NewSim()
		d := letters(t, sim, func(o *DeadLetterOptions) { o.MaxBytes = 8 << 10 })
		put(t, d, 0, 30)
		if !open {
			require.NoError(t, d.Close())
		}
		n, err := PurgeDeadLetters(dir, sim, func(_ Position, l DeadLetter) bool { return l.EntryTime.Unix()%2 == 0 })
		require.NoError(t, err)
		require.Equal(t, 15, n)
		odd := []int{}
		for i := 1; i < 30; i += 2 {
			odd = append(odd, i)
		}
		require.Equal(t, odd, numbers(t, sim))
		n, err = PurgeDeadLetters(dir, sim, nil)
		require.NoError(t, err)
		require.Equal(t, 15, n)
		if open {
			put(t, d, 30, 33)
			require.Equal(t, span(30, 33), numbers(t, sim), "the segment that is being written was deleted")
			require.NoError(t, d.Close())
			return
		}
		left, err := listSegments(sim, dir)
		require.NoError(t, err)
		require.Empty(t, left)
	}
	f(true)
	f(false)
}

func TestGroups(t *testing.T) {
	sim := vfs.NewSim()
	d := letters(t, sim, nil)
	put(t, d, 0, 5)
	other := letter(7)
	other.Reason = "index [logs-2024.03.14] is closed"
	_, err := d.Write(other)
	require.NoError(t, err)
	groups, err := GroupDeadLetters(dir, sim)
	require.NoError(t, err)
	require.Len(t, groups, 2)
	require.Equal(t, 5, groups[0].Count)
	require.Equal(t, "failed to parse field [status] in document with id '…'", groups[0].Reason)
	require.Equal(t, time.Unix(4, 0).UTC(), groups[0].Last)
	require.Equal(t, "index [logs-N] is closed", groups[1].Reason)
	require.NoError(t, d.Close())
}

func TestReasonKey(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		require.Equal(t, want, ReasonKey(in))
	}
	f("", "")
	f("Preview of field's value: 'foo bar'", "Preview of field's value: '…'")
	f("limit of total fields [1000] has been exceeded", "limit of total fields [N] has been exceeded")
	f("status 400, took 1.5s.", "status N, took N.")
	f("field [http2_code] 'unclosed", "field [http2_code] 'unclosed")
}

func TestConcurrentWriters(t *testing.T) {
	sim := vfs.NewSim()
	d := letters(t, sim, func(o *DeadLetterOptions) { o.MaxBytes = 1 << 20 })
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() { put(t, d, w*100, w*100+100) })
	}
	wg.Wait()
	require.ElementsMatch(t, span(0, 400), numbers(t, sim))
	require.NoError(t, d.Close())
}

func TestDeadLetterOptions(t *testing.T) {
	f := func(want string, change func(*DeadLetterOptions)) {
		t.Helper()
		o := DefaultDeadLetterOptions()
		change(&o)
		_, err := OpenDeadLetters(dir, o, vfs.NewSim())
		require.ErrorContains(t, err, want)
	}
	f("max_bytes", func(o *DeadLetterOptions) { o.MaxBytes = 0 })
	f("storage_policy", func(o *DeadLetterOptions) { o.Policy = "drop" })
	f("negative", func(o *DeadLetterOptions) { o.RetainAge = -1 })
}

func BenchmarkDeadLetters(b *testing.B) {
	o := DefaultDeadLetterOptions()
	o.Policy = DropOlder
	d, err := OpenDeadLetters(b.TempDir(), o, vfs.OS{})
	require.NoError(b, err)
	l := letter(1)
	l.Event = []byte(strings.Repeat("x", 500))
	batch := make([]DeadLetter, 100)
	for i := range batch {
		batch[i] = l
	}
	b.ReportAllocs()
	b.SetBytes(100 * 500)
	for b.Loop() {
		if _, err := d.Write(batch...); err != nil {
			b.Fatal(err)
		}
	}
	require.NoError(b, d.Close())
}

// TestPositionOutlivesSegments: a reader that remembers a segment which was deleted gets what is written afterwards.
func TestPositionOutlivesSegments(t *testing.T) {
	for _, keep := range []int{-1, 0} { // the letter that purging leaves
		synctest.Test(t, func(t *testing.T) {
			sim := vfs.NewSim()
			for n := range 3 {
				d := letters(t, sim, nil)
				put(t, d, 10*n, 10*n+10)
				require.NoError(t, d.Close())
			}
			r := OpenDeadLetterReader(dir, Position{}, time.Time{}, sim)
			for range 30 {
				_, ok, err := r.TryNext()
				require.NoError(t, err)
				require.True(t, ok)
			}
			at := r.Position()
			require.NoError(t, r.Close())
			_, err := PurgeDeadLetters(dir, sim, func(_ Position, l DeadLetter) bool { return int(l.EntryTime.Unix()) != keep })
			require.NoError(t, err)
			time.Sleep(5 * time.Second)
			d := letters(t, sim, nil)
			put(t, d, 100, 103)
			require.NoError(t, d.Close())
			r = OpenDeadLetterReader(dir, at, time.Time{}, sim)
			for n := range 3 {
				l, ok, err := r.TryNext()
				require.NoError(t, err)
				require.True(t, ok, "letter %d after purging all but %d", n, keep)
				require.Equal(t, letter(100+n), l)
			}
			require.NoError(t, r.Close())
		})
	}
}

// fewFiles is a file system that opens a file once.
type fewFiles struct {
	*vfs.Sim
	opened map[string]bool
}

func (f fewFiles) Open(name string) (vfs.File, error) {
	if f.opened[name] {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EMFILE}
	}
	f.opened[name] = true
	return f.Sim.Open(name)
}

// TestSegmentThatCannotBeOpenedIsKept: it is not known to be too old.
func TestSegmentThatCannotBeOpenedIsKept(t *testing.T) {
	sim := vfs.NewSim()
	d := letters(t, sim, nil)
	l := letter(1)
	l.EntryTime = time.Now()
	_, err := d.Write(l)
	require.NoError(t, err)
	require.NoError(t, d.Close())
	o := DefaultDeadLetterOptions()
	o.Logger, o.RetainAge = slog.New(slog.DiscardHandler), time.Hour
	d, err = OpenDeadLetters(dir, o, fewFiles{sim, map[string]bool{}})
	require.NoError(t, err)
	require.NoError(t, d.Close())
	n := 0
	require.NoError(t, EachDeadLetter(dir, sim, func(Position, DeadLetter) bool { n++; return true }))
	require.Equal(t, 1, n)
}
