package lint

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func readFile(t *testing.T, elem ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	require.NoError(t, err)
	return string(data)
}

// unfinished is what no reader should meet in the sources.
var unfinished = regexp.MustCompile(`\b(TODO|FIXME|XXX)\b|\bnot (yet )?implemented\b|\bunimplemented\b`)

// TestNothingUnfinished: work is finished, or said openly in the documentation, not in a comment.
func TestNothingUnfinished(t *testing.T) {
	out, err := exec.Command("git", "-C", "../..", "ls-files", "*.go", "*.sh", "Makefile").Output()
	require.NoError(t, err)
	for _, name := range strings.Fields(string(out)) {
		if strings.HasPrefix(name, "internal/lint/") || strings.HasPrefix(name, "conformance/") {
			continue
		}
		path := filepath.Join("..", "..", name)
		if _, err := os.Stat(path); err != nil {
			continue // deleted and not committed
		}
		for i, line := range strings.Split(readFile(t, path), "\n") {
			if unfinished.MatchString(line) {
				t.Errorf("%s:%d: %s", name, i+1, strings.TrimSpace(line))
			}
		}
	}
}

// TestDependenciesAreExplained: every direct dependency has a sentence in docs/DEPENDENCIES.md.
func TestDependenciesAreExplained(t *testing.T) {
	doc := readFile(t, "../../docs/DEPENDENCIES.md")
	out, err := exec.Command("go", "list", "-m", "-f", "{{if not (or .Indirect .Main)}}{{.Path}}{{end}}", "all").Output()
	require.NoError(t, err)
	for _, module := range strings.Fields(string(out)) {
		require.Contains(t, doc, "`"+module+"`")
	}
}
