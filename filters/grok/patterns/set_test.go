package patterns

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAddReader(t *testing.T) {
	f := func(text string, want map[string]string) {
		t.Helper()
		s := &Set{defs: map[string]Definition{}}
		require.NoError(t, s.AddReader(strings.NewReader(text), "file"))
		got := map[string]string{}
		for _, name := range s.Names() {
			d, _ := s.Lookup(name)
			got[name] = d.Text
		}
		require.Equal(t, want, got)
	}
	f("", map[string]string{})
	f("\n  \n# A comment\n   # another\n", map[string]string{})
	f("A a b\n", map[string]string{"A": "a b"})
	f("A a", map[string]string{"A": "a"})
	f("  A \t a \n", map[string]string{"A": "a "})
	f("A a\r\nB b \r\n", map[string]string{"A": "a", "B": "b "})
	f("A one\nA two\n", map[string]string{"A": "two"})
	f("ALONE\n", map[string]string{"ALONE": ""})
	f("A a\nALONE", map[string]string{"A": "a"})
	f("A x # no comment\n", map[string]string{"A": "x # no comment"})
	f("\uFEFFA a\n", map[string]string{"A": "a"})
}

func TestOriginNamesTheLine(t *testing.T) {
	s := Library(Legacy).Extend()
	require.NoError(t, s.AddReader(strings.NewReader("# x\nWORD w\n"), "extra"))
	d, ok := s.Lookup("WORD")
	require.True(t, ok)
	require.Equal(t, Definition{Name: "WORD", Text: "w", Origin: "extra:2"}, d)
	d, _ = Library(Legacy).Lookup("WORD")
	require.Equal(t, `\b\w+\b`, d.Text, "the library must not change")
}

func TestAddDir(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	write("dir/b.pat", "X fromb\nB b\n")
	write("dir/a.pat", "X froma\nA a\n")
	write("dir/c.pat~", "X backup\n")
	write("dir/.hidden", "X hidden\n")
	write("dir/deeper/d.pat", "X deeper\nD d\n")
	require.NoError(t, syscall.Mkfifo(filepath.Join(root, "dir", "e.pat"), 0o644)) // nobody writes into it
	f := func(path, glob, wantX string) {
		t.Helper()
		s := Library(Legacy).Extend()
		require.NoError(t, s.AddPath(filepath.Join(root, path), glob))
		d, _ := s.Lookup("X")
		require.Equal(t, wantX, d.Text)
	}
	f("dir", "*", "backup")
	f("dir", "*.pat", "fromb")
	f("dir", "{b,a}.pat", "froma")
	f("dir", "[ab].pat", "fromb")
	f("dir", "?.pat", "fromb")
	f("dir", "none*", "")
	f("dir", "**/*.pat", "deeper")
	f("dir", ".hid*", "hidden")
	f("dir/a.pat", "*", "froma")
	f("dir/*.pat", "*", "fromb")
	f("d*/{a,b}.pat", "*", "fromb")
	f("nothing/*.pat", "*", "")

	s := Library(Legacy).Extend()
	require.ErrorIs(t, s.AddPath(filepath.Join(root, "missing"), "*"), os.ErrNotExist)
	require.ErrorContains(t, s.AddPath(filepath.Join(root, "dir"), "[a"), `glob "[a"`)
}
