package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type goPackage struct {
	ImportPath string
	Imports    []string
	GoFiles    []string
	Dir        string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,GoFiles,Dir", "millrace/...")
	out, err := cmd.Output()
	require.NoError(t, err)
	dec := json.NewDecoder(bytes.NewReader(out))
	var all []goPackage
	for {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// kinds are the folders of plugins.
var kinds = []string{"inputs", "codecs", "filters", "outputs"}

// kindOf returns the folder of plugins that a package belongs to, and the plugin's folder in it; "" for what is no plugin.
func kindOf(path string) (kind, name string) {
	rest := strings.TrimPrefix(path, "millrace/")
	for _, k := range kinds {
		if after, ok := strings.CutPrefix(rest, k+"/"); ok {
			name, _, _ = strings.Cut(after, "/")
			return k, name
		}
	}
	return "", ""
}

// allowed lists what the packages of the core may import of the module; what is not listed here may import anything that the other
// rules let it. The layers are those of docs/ARCHITECTURE.md.
var allowed = map[string][]string{
	"millrace/pipeline/ring":   {},
	"millrace/pipeline/config": {},
	"millrace/pipeline/event":  {"millrace/internal/joda"},
	"millrace/pipeline/cond":   {"millrace/pipeline/config", "millrace/pipeline/event"},
	"millrace/pipeline/plugin": {"millrace/pipeline/config", "millrace/pipeline/event"},
	"millrace/internal/joda":   {},
	"millrace/internal/onig":   {},
}

// TestImportsPointOneWay enforces DESIGN's directions: cmd → monitor → pipeline → plugin → config, event; plugins know the contract
// and helpers, never each other nor the pipeline; the pipeline knows no plugin.
func TestImportsPointOneWay(t *testing.T) {
	for _, p := range packages(t) {
		kind, name := kindOf(p.ImportPath)
		for _, imp := range p.Imports {
			if !strings.HasPrefix(imp, "millrace/") {
				continue
			}
			if rule, ok := allowed[p.ImportPath]; ok {
				require.Contains(t, rule, imp, "%s may not import it", p.ImportPath)
			}
			otherKind, otherName := kindOf(imp)
			sharedOfKind := otherName == "internal" || strings.HasSuffix(imp, "/grok/patterns")
			switch {
			case kind != "":
				if otherKind != "" && (otherKind != kind || otherName != name) && !sharedOfKind {
					t.Errorf("%s imports %s: a plugin may not import another plugin", p.ImportPath, imp)
				}
				if imp == "millrace/pipeline" || strings.HasPrefix(imp, "millrace/pipeline/monitor") || strings.HasPrefix(imp, "millrace/cmd") {
					t.Errorf("%s imports %s: a plugin knows only its contract", p.ImportPath, imp)
				}
			case strings.HasPrefix(p.ImportPath, "millrace/pipeline") && otherKind != "":
				t.Errorf("%s imports %s: the pipeline knows no concrete plugin", p.ImportPath, imp)
			case strings.HasPrefix(p.ImportPath, "millrace/pipeline/") && !strings.HasSuffix(p.ImportPath, "/monitor") && !strings.HasSuffix(p.ImportPath, "/plugintest") && imp == "millrace/pipeline":
				t.Errorf("%s imports %s", p.ImportPath, imp)
			}
		}
	}
}

// TestNoInit: nothing registers itself, and nothing is imported for its side effects but what the standard library means so.
func TestNoInit(t *testing.T) {
	for _, p := range packages(t) {
		for _, f := range p.GoFiles {
			src := readFile(t, p.Dir, f)
			require.NotContains(t, src, "\nfunc init() {", "%s/%s", p.ImportPath, f)
			for line := range strings.SplitSeq(src, "\n") {
				if strings.HasPrefix(strings.TrimSpace(line), `_ "`) && !strings.Contains(line, `_ "embed"`) && !strings.Contains(line, `_ "time/tzdata"`) && !strings.Contains(line, `_ "unsafe"`) && !strings.Contains(line, `_ "net/http/pprof"`) {
					t.Errorf("%s/%s: blank import %s", p.ImportPath, f, strings.TrimSpace(line))
				}
			}
		}
	}
}
