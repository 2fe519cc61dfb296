package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNodeID(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	first, err := nodeID(dir)
	require.NoError(t, err)
	require.Regexp(t, uuidForm, first)
	again, err := nodeID(dir)
	require.NoError(t, err)
	require.Equal(t, first, again)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "uuid"), []byte("damaged"), 0o644))
	other, err := nodeID(dir)
	require.NoError(t, err)
	require.Regexp(t, uuidForm, other)
	require.NotEqual(t, first, other)

	id, err := nodeID(filepath.Join(dir, "uuid", "below a file"))
	require.Error(t, err)
	require.Regexp(t, uuidForm, id)
}
