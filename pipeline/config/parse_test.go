package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// conformanceCase returns the sections of a recorded case; of the txtar format only plain sections occur here.
func conformanceCase(t testing.TB, path string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	sections := map[string]string{}
	name := ""
	for line := range strings.SplitAfterSeq(string(data), "\n") {
		if s, ok := strings.CutPrefix(line, "-- "); ok && strings.HasSuffix(strings.TrimSpace(s), " --") {
			name = strings.TrimSuffix(strings.TrimSpace(s), " --")
			continue
		}
		if name != "" {
			sections[name] += line
		}
	}
	return sections
}

// whole wraps bare filters into a section, as the recorder did.
func whole(text string) string {
	for _, w := range []string{"input", "filter", "output", "#", "//"} {
		if strings.HasPrefix(strings.TrimSpace(text), w) {
			return text
		}
	}
	return "filter {\n" + text + "}\n"
}

// notSyntax are recorded cases whose error needs the plugins' options: the parser accepts them.
var notSyntax = map[string]bool{"plugin-id-duplicate": true, "array-given-for-hash-odd": true}

// TestConformance holds every recorded configuration against the parser: it accepts what Logstash accepts and refuses what it refuses.
func TestConformance(t *testing.T) {
	files, err := filepath.Glob("../../conformance/*/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		c := conformanceCase(t, path)
		text, ok := c["pipeline.conf"]
		if !ok {
			continue
		}
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		dir := filepath.Base(filepath.Dir(path))
		_, refused := c["err"]
		grammar := dir == "syntax" || dir == "syntax-errors" || dir == "conditionals"
		wantError := refused && grammar && !notSyntax[name]
		escapes := strings.Contains(c["settings.yml"], "support_escapes: true")
		_, ds := Parse("pipeline.conf", []byte(whole(text)), ParseOptions{SupportEscapes: escapes})
		if testing.Verbose() && (wantError || len(ds) > 0) {
			t.Logf("%s/%s\n%s", dir, name, ds)
		}
		if grammar || !refused {
			require.Equal(t, wantError, ds.HasErrors(), "%s/%s:\n%s", dir, name, ds)
		}
	}
}

func fuzzSeed(f *testing.F, path string) string {
	return whole(conformanceCase(f, path)["pipeline.conf"])
}
