package statefile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSave(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a", "state")
	for _, text := range []string{"one", "two", "two", ""} {
		require.NoError(t, Save(name, []byte(text)))
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, text, string(data))
	}
	entries, err := os.ReadDir(filepath.Dir(name))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing but the file stays")
	require.NoError(t, Save(os.DevNull, []byte("x")))
	require.False(t, Keeps(os.DevNull))
	require.True(t, Keeps(name))
	require.True(t, Keeps(name+"2"))
	require.Error(t, Save(filepath.Join(name, "below a file"), nil))
}
