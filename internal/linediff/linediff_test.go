package linediff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUnified(t *testing.T) {
	f := func(old, new, want string) {
		t.Helper()
		require.Equal(t, want, Unified("a", "b", old, new))
	}
	f("x\n", "x\n", "")
	f("", "x\n", "--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n")
	f("x\n", "", "--- a\n+++ b\n@@ -1 +0,0 @@\n-x\n")
	f("x", "x\n", "--- a\n+++ b\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+x\n")
	f("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n", "--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n")

	var long []string
	for i := range 30 {
		long = append(long, fmt.Sprint(i))
	}
	old := strings.Join(long, "\n") + "\n"
	two := Unified("a", "b", old, strings.Replace(strings.Replace(old, "\n3\n", "\nthree\n", 1), "\n25\n", "\n", 1))
	require.Equal(t, 2, strings.Count(two, "@@ -"))
	require.Contains(t, two, "@@ -1,7 +1,7 @@\n 0\n 1\n 2\n-3\n+three\n 4\n")
	require.Contains(t, two, "@@ -23,7 +23,6 @@\n 22\n 23\n 24\n-25\n 26\n")
	near := Unified("a", "b", old, strings.Replace(strings.Replace(old, "\n3\n", "\nthree\n", 1), "\n9\n", "\n", 1))
	require.Equal(t, 1, strings.Count(near, "@@ -"), "changes close to one another are one hunk")
}

// FuzzUnified: what is kept and removed is the old text, what is kept and added is the new one.
func FuzzUnified(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nc\nd")
	f.Fuzz(func(t *testing.T, old, new string) {
		var o, n strings.Builder
		for _, op := range compare(split(old), split(new)) {
			if op.kind != '+' {
				o.WriteString(op.line)
			}
			if op.kind != '-' {
				n.WriteString(op.line)
			}
		}
		require.Equal(t, old, o.String())
		require.Equal(t, new, n.String())
		require.Equal(t, old == new, Unified("", "", old, new) == "")
	})
}
