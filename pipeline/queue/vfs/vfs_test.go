package vfs

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// content returns what a file holds, or "absent".
func content(t *testing.T, fsys FS, name string) string {
	t.Helper()
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "absent"
	}
	require.NoError(t, err)
	defer f.Close() //nolint:errcheck // read only
	n, err := f.Size()
	require.NoError(t, err)
	b := make([]byte, n)
	_, err = f.ReadAt(b, 0)
	require.NoError(t, err)
	return string(b)
}

func write(t *testing.T, f File, s string, off int64) {
	t.Helper()
	n, err := f.WriteAt([]byte(s), off)
	require.NoError(t, err)
	require.Equal(t, len(s), n)
}

// TestBoth holds the simulation to what the operating system does.
func TestBoth(t *testing.T) {
	f := func(fsys FS, dir string) {
		t.Helper()
		require.NoError(t, fsys.MkdirAll(dir))
		a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
		require.Equal(t, "absent", content(t, fsys, a))
		file, err := fsys.Create(a)
		require.NoError(t, err)
		_, err = fsys.Create(a)
		require.ErrorIs(t, err, fs.ErrExist)
		write(t, file, "hello", 0)
		write(t, file, "y", 7)
		require.Equal(t, "hello\x00\x00y", content(t, fsys, a))
		require.NoError(t, file.Truncate(4))
		require.NoError(t, file.Sync())
		require.NoError(t, file.Close())
		require.Equal(t, "hell", content(t, fsys, a))
		_, err = fsys.Create(b)
		require.NoError(t, err)
		names, err := fsys.ReadDir(dir)
		require.NoError(t, err)
		require.Equal(t, []string{"a", "b"}, names)
		require.NoError(t, fsys.Rename(a, b))
		require.Equal(t, "absent", content(t, fsys, a))
		require.Equal(t, "hell", content(t, fsys, b))
		require.NoError(t, fsys.SyncDir(dir))
		require.NoError(t, fsys.Remove(b))
		require.ErrorIs(t, fsys.Remove(b), fs.ErrNotExist)
		require.ErrorIs(t, fsys.Rename(b, a), fs.ErrNotExist)
		lock, err := fsys.Lock(filepath.Join(dir, ".lock"))
		require.NoError(t, err)
		_, err = fsys.Lock(filepath.Join(dir, ".lock"))
		require.ErrorIs(t, err, ErrLocked)
		require.NoError(t, lock.Close())
		lock, err = fsys.Lock(filepath.Join(dir, ".lock"))
		require.NoError(t, err)
		require.NoError(t, lock.Close())
	}
	f(OS{}, filepath.Join(t.TempDir(), "x", "y"))
	f(NewSim(), "x/y")
}

func TestCrash(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(200) {
		s := NewSim()
		kept, err := s.Create("d/kept")
		require.NoError(t, err)
		write(t, kept, strings.Repeat("1", 2*sector), 0)
		require.NoError(t, kept.Sync())
		require.NoError(t, s.SyncDir("d"))
		write(t, kept, strings.Repeat("2", 2*sector), sector)
		_, err = s.Create("d/new")
		require.NoError(t, err)
		killed := s.Kill()
		require.Len(t, content(t, killed, "d/kept"), 3*sector)
		_, err = s.Create("d/late")
		require.Error(t, err, "the old process can still write")
		c := killed.Crash(rand.New(rand.NewPCG(seed, 0)))
		got := content(t, c, "d/kept")
		require.Equal(t, strings.Repeat("1", sector), got[:sector], "what was synced is lost")
		require.GreaterOrEqual(t, len(got), 2*sector)
		seen[got[sector:sector+1]] = true
		seen[content(t, c, "d/new")] = true
	}
	require.Equal(t, map[string]bool{"1": true, "2": true, "": true, "absent": true}, seen)
}

func TestFaults(t *testing.T) {
	s := NewSim()
	f, err := s.Create("d/f")
	require.NoError(t, err)
	s.SetSpace(3)
	n, err := f.WriteAt([]byte("12345"), 0)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Equal(t, 3, n)
	_, err = s.Create("d/g")
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, f.Truncate(1))
	write(t, f, "23", 1)
	require.NoError(t, s.Remove("d/f"))
	g, err := s.Create("d/g")
	require.NoError(t, err)
	s.SetSpace(-1)
	s.Fail("write", 1, syscall.EIO)
	n, err = g.WriteAt([]byte("1234"), 0)
	require.ErrorIs(t, err, syscall.EIO)
	require.Equal(t, 2, n)
	write(t, g, "ab", 0)
	called := false
	s.OnSync(func() { called = true })
	require.NoError(t, g.Sync())
	require.True(t, called)
	writes, syncs := s.Counts()
	require.Equal(t, 4, writes)
	require.Equal(t, 1, syncs)
}
