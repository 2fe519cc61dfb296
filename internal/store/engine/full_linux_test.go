package engine

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFullFileSystem does the same on a file system of 24 MB that another file fills.
func TestFullFileSystem(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Skip("mounting a small file system is not permitted here:", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	ballast := filepath.Join(dir, "ballast")
	fill := func() { require.NoError(t, os.WriteFile(ballast, make([]byte, 16<<20), 0o600)) }
	fillUp(t, dir, 1<<20, fill, func() { require.NoError(t, os.Remove(ballast)) })
}
