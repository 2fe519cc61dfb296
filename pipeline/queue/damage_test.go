package queue

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/queue/vfs"
)

// filled returns a file system with a closed queue of n entries in several pages, and the size of the first page.
func filled(t *testing.T, n int) *vfs.Sim {
	t.Helper()
	sim := vfs.NewSim()
	q := open(t, small(), sim)
	for i := range n {
		add(t, q, fmt.Sprint(i), strings.Repeat("x", 60))
	}
	require.NoError(t, q.Close())
	return sim
}

func pageFile(t *testing.T, sim *vfs.Sim, i int) vfs.File {
	t.Helper()
	pages, err := listPages(sim, dir)
	require.NoError(t, err)
	f, err := sim.Open(pages[i].path)
	require.NoError(t, err)
	return f
}

// left returns the entries that come out, and acknowledges them.
func left(t *testing.T, q *Queue) (list []int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		_ = q.Drain(ctx) // ends also when the rest turns out to be lost
	}()
	for {
		e, err := q.Next(ctx)
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
			return list
		}
		var n int
		_, err = fmt.Sscan(string(e.Records[0]), &n)
		require.NoError(t, err)
		list = append(list, n)
		q.Ack(e.ID)
	}
}

func TestDamageCostsWhatItTouches(t *testing.T) {
	const entry = frameHead + 4 + 8 + 1 + 60 // of the first ten
	f := func(name string, want []int, damage func(f vfs.File)) {
		t.Helper()
		for _, scan := range []bool{true, false} { // found by the scan at the start, or when the page is read
			sim := filled(t, 20)
			damage(pageFile(t, sim, 0))
			if scan {
				_ = sim.Remove(dir + "/checkpoint.0") // the one that is not there needs no removal
				_ = sim.Remove(dir + "/checkpoint.1")
			}
			r, err := Check(dir, sim)
			require.NoError(t, err)
			require.NotEmpty(t, r.Problems, name)
			require.NotEmpty(t, r.Problems[0].String())
			q := open(t, small(), sim)
			require.Equal(t, want, left(t, q), "%s, scan %v", name, scan)
			s := q.Stats()
			require.NotZero(t, s.DamagedBytes)
			require.Zero(t, s.Entries)
			if !scan && name != "cut" { // a page of another size is not trusted
				require.EqualValues(t, 20-len(want), s.LostEntries)
				require.EqualValues(t, 2*(20-len(want)), s.LostEvents)
			}
			require.NoError(t, q.Drain(t.Context()))
			require.NoError(t, q.Close())
		}
	}
	write := func(off int64, b ...byte) func(vfs.File) {
		return func(f vfs.File) { f.WriteAt(b, off) } //nolint:errcheck // in memory
	}
	without := func(list ...int) []int {
		return slices.DeleteFunc(span(0, 20), func(n int) bool { return slices.Contains(list, n) })
	}
	f("payload", without(2), write(2*entry+frameHead+20, 'y'))
	f("head", without(2), write(2*entry+8, 0xff))
	f("magic", without(0), write(0, 0))
	f("length", without(3), write(3*entry+16, 0xff, 0xff, 0xff, 0x7f))
	f("across two", without(3, 4), write(4*entry-5, make([]byte, 10)...))
	f("cut", without(8), func(f vfs.File) {
		size, _ := f.Size()
		_ = f.Truncate(min(size, 9*entry-1))
		_, _ = f.WriteAt([]byte{0, 0, 0}, 9*entry-4)
	})
}

func TestTornTailIsCutOffOnce(t *testing.T) {
	sim := filled(t, 3)
	f := pageFile(t, sim, 0)
	size, err := f.Size()
	require.NoError(t, err)
	_, err = f.WriteAt([]byte("\x1eMR\x01 and no more"), size)
	require.NoError(t, err)
	q := open(t, small(), sim)
	require.EqualValues(t, 16, q.Stats().DamagedBytes)
	sim = sim.Kill()
	q = open(t, small(), sim)
	require.Zero(t, q.Stats().DamagedBytes)
	require.Equal(t, span(0, 3), left(t, q))
}

func TestRecordThatLooksLikeAFrameIsNone(t *testing.T) {
	// A record holds an intact frame as another queue writes it; then the head of the entry around it is damaged.
	b := appendHead(nil, 4, 4, 0, 1, 0)
	b = append(b, 0, 0, 0, 0)
	stamp(b, 2, 12345)
	sim := vfs.NewSim()
	q := open(t, small(), sim)
	add(t, q, "0", string(b))
	require.NoError(t, q.Close())
	_, err := pageFile(t, sim, 0).WriteAt([]byte{0}, 0)
	require.NoError(t, err)
	q = open(t, small(), sim)
	require.Empty(t, left(t, q))
	require.NoError(t, q.Close())
}

func TestDamagedCheckpointRepeats(t *testing.T) {
	sim := vfs.NewSim()
	q := open(t, small(), sim)
	for i := range 3 {
		add(t, q, fmt.Sprint(i))
	}
	q.Ack(take(t, q, "0"))
	require.NoError(t, q.Close())
	for _, n := range []string{"checkpoint.0", "checkpoint.1"} {
		f, err := sim.Open(dir + "/" + n)
		require.NoError(t, err)
		_, err = f.WriteAt([]byte{0xff}, 20)
		require.NoError(t, err)
	}
	r, err := Inspect(dir, sim)
	require.NoError(t, err)
	require.Len(t, r.Problems, 1)
	q = open(t, small(), sim)
	require.EqualValues(t, 2, q.Stats().DamagedCheckpoints)
	require.Equal(t, span(0, 3), left(t, q))
	require.NoError(t, q.Close())
}

func TestRepair(t *testing.T) {
	sim := filled(t, 20)
	_, err := pageFile(t, sim, 0).WriteAt([]byte("garbage"), 300)
	require.NoError(t, err)
	before, err := Repair(dir, sim)
	require.NoError(t, err)
	require.NotEmpty(t, before.Problems)
	after, err := Check(dir, sim)
	require.NoError(t, err)
	require.Empty(t, after.Problems)
	require.Equal(t, before.Entries, after.Entries)
	require.False(t, after.InUse)
	names, err := sim.ReadDir(dir)
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, ".damaged") }))
	require.False(t, slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, ".tmp") }))
	q := open(t, small(), sim)
	require.Len(t, left(t, q), int(after.Entries))
	require.Zero(t, q.Stats().DamagedBytes)
	require.NoError(t, q.Close())
}

func TestRepairSurvivesACrash(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 0))
		sim := filled(t, 20)
		page := pageFile(t, sim, 0)
		_, err := page.WriteAt([]byte("garbage"), 300)
		require.NoError(t, err)
		require.NoError(t, page.Sync())
		want, err := Check(dir, sim)
		require.NoError(t, err)
		sim.Fail([]string{"write", "create", "sync", "rename"}[seed%4], int(1+seed%2), errPayload)
		_, _ = Repair(dir, sim)
		sim = sim.Crash(random)
		got, err := Check(dir, sim)
		require.NoError(t, err)
		require.Equal(t, want.Entries, got.Entries)
	}
}

func TestInspectCounts(t *testing.T) {
	sim := vfs.NewSim()
	o := small()
	o.Compression = CompressSpeed
	q := open(t, o, sim)
	for i := range 10 {
		add(t, q, fmt.Sprint(i), strings.Repeat("x", 300))
	}
	q.Ack(take(t, q, "0", strings.Repeat("x", 300)))
	r, err := Inspect(dir, sim)
	require.NoError(t, err)
	require.True(t, r.InUse)
	require.EqualValues(t, 9, r.Entries)
	require.EqualValues(t, 18, r.Events)
	require.EqualValues(t, q.Stats().Bytes, r.Bytes)
	require.EqualValues(t, 10, r.Pages[0].Compressed)
	require.Empty(t, r.Problems)
	require.NoError(t, q.Close())
}

// FuzzPage reads a page of any bytes: no panic, no allocation beyond the file, every byte accounted for.
func FuzzPage(f *testing.F) {
	const salt = 7
	var good []byte
	for i := range 3 {
		begin := len(good)
		p := appendPayload(nil, []byte("head"), records("one", "", strings.Repeat("x", i*50)))
		good = appendHead(good, len(p), len(p), 4, 3, 0)
		good = append(good, p...)
		stamp(good[begin:], uint64(i+1), salt)
	}
	f.Add(good, uint16(0), byte(0))
	f.Add(good, uint16(50), byte(1))
	f.Add(good[:100], uint16(8), byte(255))
	f.Add([]byte{}, uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, b []byte, at uint16, flip byte) {
		b = slices.Clone(b)
		if len(b) > 0 {
			b[int(at)%len(b)] ^= flip
		}
		sim := vfs.NewSim()
		file, err := sim.Create("f")
		require.NoError(t, err)
		_, err = file.WriteAt(b, 0)
		require.NoError(t, err)
		s := newScanner(file, salt, 0, int64(len(b)))
		sum := int64(0)
		for {
			fr, ok, err := s.next()
			require.NoError(t, err)
			if !ok {
				break
			}
			sum += fr.end() - fr.start
			_, _, _ = fr.decode()
			_, _ = parseLetter(&fr)
		}
		require.EqualValues(t, len(b), sum+s.damaged())
	})
}

// FuzzCheckpoint parses any bytes behind a right checksum.
func FuzzCheckpoint(f *testing.F) {
	c := checkpoint{generation: 3, next: 9, read: 7, unacked: []uint64{2, 5}, sealed: []pageCount{{1, 2, 3, 4, 5}}}
	f.Add(c.append(nil)[16:])
	f.Add([]byte{1, 2, 3, 4, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, body []byte) {
		b := binary.LittleEndian.AppendUint32([]byte(checkpointMagic), uint32(len(body)))
		b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(body, castagnoli))
		b = append(b, body...)
		got, err := parseCheckpoint(b)
		if err != nil {
			return
		}
		again, err := parseCheckpoint(got.append(nil))
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}

func FuzzDecompress(f *testing.F) {
	q := &Queue{}
	q.packs.New = func() any { return new([]byte) }
	var err error
	q.encoder, err = newEncoder(CompressSpeed)
	require.NoError(f, err)
	var b []byte
	n := q.pack(&b, []byte("head"), records(strings.Repeat("x", 200)))
	f.Add(b[:n], 208)
	f.Add(b[:n/2], 208)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		if size < 0 || size > 1<<20 {
			return
		}
		out, err := decompress(b, size)
		if err == nil {
			require.Len(t, out, size)
		}
	})
}

// barred is a file system that refuses to open some files: too many are open, or they belong to somebody else.
type barred struct {
	*vfs.Sim
	part string
}

func (b barred) Open(name string) (vfs.File, error) {
	if strings.Contains(name, b.part) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EMFILE}
	}
	return b.Sim.Open(name)
}

// TestFilesThatCannotBeOpened: a page is not taken for a damaged one, and a checkpoint not for none.
func TestFilesThatCannotBeOpened(t *testing.T) {
	for _, part := range []string{pageSuffix, "checkpoint."} {
		sim := vfs.NewSim()
		q := open(t, small(), sim)
		add(t, q, "a")
		add(t, q, "b")
		q.Ack(take(t, q, "a"))
		require.NoError(t, q.Close())
		q, err := Open(dir, small(), barred{sim, part})
		if err == nil {
			_ = q.Close()
		}
		require.ErrorIs(t, err, syscall.EMFILE, part)
		q = open(t, small(), sim)
		take(t, q, "b")
		require.Zero(t, q.Stats().UnreadableFiles)
		require.NoError(t, q.Close())
	}
}

// TestOldCheckpointDoesNotReturn: what is appended while the checkpoints cannot be opened is not taken for something older.
func TestOldCheckpointDoesNotReturn(t *testing.T) {
	sim := vfs.NewSim()
	q := open(t, small(), sim)
	for range 20 {
		add(t, q, "old")
		q.Ack(take(t, q, "old"))
	}
	require.NoError(t, q.Close())
	if q, err := Open(dir, small(), barred{sim, "checkpoint."}); err == nil {
		add(t, q, "new")
		_ = q.Close()
	} else {
		q := open(t, small(), sim)
		add(t, q, "new")
		require.NoError(t, q.Close())
	}
	q = open(t, small(), sim)
	require.EqualValues(t, 1, q.Stats().Entries)
	take(t, q, "new")
	require.NoError(t, q.Close())
}
