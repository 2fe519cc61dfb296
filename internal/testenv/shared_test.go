package testenv

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCopiesEqualTheirSource compares what this repository copied with the folder it was copied from, where a checkout
// has that folder next to it. The recorded cases and the servers' launchers are facts: a change here would be a lie.
func TestCopiesEqualTheirSource(t *testing.T) {
	source := filepath.Join("..", "..", "..", "shared")
	if _, err := os.Stat(source); err != nil {
		t.Skip("the folder that the copies were made from is not next to this checkout")
	}
	f := func(original, copied string) {
		t.Helper()
		want, got := readTree(t, original), readTree(t, copied)
		require.NotEmpty(t, want, original)
		for name, data := range want {
			have, ok := got[name]
			switch {
			case !ok:
				t.Errorf("%s: missing from %s", name, copied)
			case !bytes.Equal(have, data):
				t.Errorf("%s: %s differs from its source", name, copied)
			}
		}
		for name := range got {
			if _, ok := want[name]; !ok && !strings.HasSuffix(name, ".go") {
				t.Errorf("%s: only in %s", name, copied)
			}
		}
	}
	f(filepath.Join(source, "elasticsearch"), "elasticsearch")
	f(filepath.Join(source, "kafka"), "kafka")
	f(filepath.Join(source, "conformance"), filepath.Join("..", "..", "conformance"))
}

func readTree(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[name], err = os.ReadFile(filepath.Join(dir, name))
		return err
	})
	require.NoError(t, err)
	return files
}
