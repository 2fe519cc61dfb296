package fileglob

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGlob(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.log", "b.txt", ".hidden.log", "x/a.log", "x/y/a.log", "x/y/b.log", ".h/a.log"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	f := func(pattern string, want ...string) {
		t.Helper()
		g, err := New(filepath.Join(dir, pattern))
		require.NoError(t, err)
		var got []string
		g.Walk(func(path string, _ fs.FileInfo) { got = append(got, strings.TrimPrefix(path, dir+"/")) })
		slices.Sort(got)
		require.Equal(t, want, got)
	}
	f("a.log", "a.log")
	f("*", "a.log", "b.txt")
	f("*.log", "a.log")
	f(".*.log", ".hidden.log")
	f("**/*.log", "a.log", "x/a.log", "x/y/a.log", "x/y/b.log")
	f("x/**/a.log", "x/a.log", "x/y/a.log")
	f("{a,b}.{log,txt}", "a.log", "b.txt")
	f("x/{y/{a,b},a}.log", "x/a.log", "x/y/a.log", "x/y/b.log")
	f("[!a].txt", "b.txt")
	f("?.log", "a.log")
	f("*/a.log", "x/a.log")
	f("nothing/*")
}

func TestBraces(t *testing.T) {
	f := func(pattern string, want ...string) {
		t.Helper()
		got, err := Braces(pattern)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	f("a", "a")
	f("{a,b}.{x,y}", "a.x", "a.y", "b.x", "b.y")
	f("a{b,{c,d}e,}f", "abf", "acef", "adef", "af")
	f(`a\{b,c}`, `a\{b,c}`)
	f("{a,b", "{a,b")
	f("a}b{c}", "a}bc")
	_, err := Braces(strings.Repeat("{a,b}", 14))
	require.ErrorContains(t, err, "more than 10000 paths")
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"c/b.conf", "c/a.conf", "c/.a.conf.swp", "c/sub/z.conf", "odd[1].conf"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, nil, 0o600))
	}
	f := func(pattern string, want ...string) {
		t.Helper()
		got, err := Files(pattern)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	f("c", "c/a.conf", "c/b.conf")
	f("c/*", "c/a.conf", "c/b.conf")
	f("./c/{b,a}.*", "c/a.conf", "c/b.conf")
	f("c/{a,?}.conf", "c/a.conf", "c/b.conf")
	f("**/*.conf", "c/a.conf", "c/b.conf", "c/sub/z.conf", "odd[1].conf")
	f("c/../c/sub/*", "c/sub/z.conf")
	f("odd[1].conf", "odd[1].conf")
	f(filepath.Join(dir, "c"), filepath.Join(dir, "c/a.conf"), filepath.Join(dir, "c/b.conf"))
	f("nothing*")
	_, err := Files("c/[")
	require.ErrorContains(t, err, "malformed pattern")
}
