package plugintest

import (
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"millrace/pipeline/plugin"
)

// Check runs c and compares what it gives with what was recorded.
func Check(t *testing.T, c *Case, lists ...[]*plugin.Definition) {
	t.Helper()
	r := c.Run(t, lists...)
	if c.HasErr {
		if !r.Diagnostics.HasErrors() {
			t.Fatalf("accepted a config that Logstash refuses: %s\n%s", c.Err, c.Config)
		}
		for _, d := range r.Diagnostics {
			if d.Pos.Line == 0 && d.Code != "ordered-workers" {
				t.Errorf("a diagnostic without a place: %s", d.Summary)
			}
		}
		return
	}
	if r.Diagnostics.HasErrors() {
		t.Fatalf("refused a config that Logstash accepts:\n%s\n%s", r.Diagnostics, c.Config)
	}
	if c.HasOut {
		compareEvents(t, c, r)
	}
	if c.HasOutRaw && r.Raw != c.OutRaw {
		t.Errorf("%s\nwant bytes %q\n got bytes %q", c.Config, c.OutRaw, r.Raw)
	}
}

func compareEvents(t *testing.T, c *Case, r Result) {
	t.Helper()
	want := make([]string, len(c.Out))
	for i, doc := range c.Out {
		want[i] = canonical(t, doc)
	}
	for i := range max(len(want), len(r.Events)) {
		var w, g string
		if i < len(want) {
			w = want[i]
		}
		if i < len(r.Events) {
			g = r.Events[i]
		}
		if w != g {
			in := ""
			if i < len(c.In) {
				in = c.In[i]
			}
			t.Errorf("%s\nevent %d %s\nwant %s\n got %s", c.Config, i, in, w, g)
		}
	}
}

// Group runs all cases of folder, its *.txtar files, as sub-tests, but those of which the folder replaced ("" is none) has a file of
// the same name. A case that names a plugin which is not in the lists is skipped and counted; the counts are logged at the end.
func Group(t *testing.T, folder, replaced string, lists ...[]*plugin.Definition) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.txtar"))
	must(t, err)
	if len(paths) == 0 {
		t.Fatalf("no cases in %s", folder)
	}
	skipped := make(map[string]int)
	for _, path := range paths {
		if _, err := os.Stat(filepath.Join(replaced, filepath.Base(path))); replaced != "" && err == nil {
			continue
		}
		c, err := Load(path)
		must(t, err)
		t.Run(c.Name, func(t *testing.T) {
			if missing := c.missing(lists); missing != "" {
				skipped[missing]++
				t.Skipf("plugin %s is not in this program", missing)
			}
			Check(t, c, lists...)
		})
	}
	names := make([]string, 0, len(skipped))
	for name := range skipped {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		t.Logf("skipped %d cases: no %s", skipped[name], strings.ReplaceAll(name, "/", " "))
	}
}
