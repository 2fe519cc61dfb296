package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFileMappings(t *testing.T) {
	const maps = `00400000-00fd0000 r-xp 00000000 fe:01 1234                               /usr/bin/millrace
00fd0000-01cc2000 r--p 00bd0000 fe:01 1234                               /usr/bin/millrace
01cc2000-01e39000 rw-p 018c2000 fe:01 1234                               /usr/bin/millrace
01e39000-03e84000 rw-p 00000000 00:00 0
7f0000000000-7f0000001000 r--p 00000000 fe:01 99                         /usr/lib/locale
7f0000002000-7f0000003000 r--s 00000000 fe:01 1234                       /usr/bin/millrace
7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]
`
	require.Equal(t, []mapping{{0x400000, 0xfd0000}, {0xfd0000, 0x1cc2000}}, fileMappings([]byte(maps), "/usr/bin/millrace"))
	require.Empty(t, fileMappings([]byte(maps), "/usr/bin/other"))
}

// TestForgetStart: the program goes on with pages that it must read again, and its own mappings are among those found.
func TestForgetStart(t *testing.T) {
	maps, err := os.ReadFile("/proc/self/maps")
	require.NoError(t, err)
	exe, err := os.Executable()
	require.NoError(t, err)
	require.NotEmpty(t, fileMappings(maps, exe))
	require.NoError(t, forgetStart())
	require.Equal(t, "still here", string([]byte("still here")))
}
