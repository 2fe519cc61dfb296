package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/settings"
)

func TestSources(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"1.conf", "2.conf", "2.conf~", ".2.conf.swp", "notes.txt", "more/3.conf"} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte("# "+name), 0o600))
	}
	f := func(path string, want ...string) {
		t.Helper()
		s := settings.New()
		_, err := s.Set("path.config", path)
		require.NoError(t, err)
		names, texts, err := sources(s)
		require.NoError(t, err)
		var got []string
		for i, name := range names {
			rel, err := filepath.Rel(dir, name)
			require.NoError(t, err)
			require.Equal(t, "# "+rel, string(texts[i]))
			got = append(got, rel)
		}
		require.Equal(t, want, got)
	}
	f(dir, "1.conf", "2.conf", "notes.txt")
	f(dir+"/", "1.conf", "2.conf", "notes.txt")
	f(dir+"/*", "1.conf", "2.conf", "notes.txt")
	f(dir+"/{2,1}.conf", "1.conf", "2.conf")
	f(dir+"/**/*.conf", "1.conf", "2.conf", "more/3.conf")
	f("file://"+dir+"/[!1].conf", "2.conf")
}
