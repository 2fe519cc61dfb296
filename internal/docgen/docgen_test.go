package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/docs"
	"millrace/internal/logging"
	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

const root = "../.."

// TestUpToDate: the generated files are those of the code.
func TestUpToDate(t *testing.T) {
	files, err := generate(root, registry())
	require.NoError(t, err)
	for name, want := range files {
		have, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s is out of date: run make docs", name)
		}
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "plugins", "*.md"))
	require.NoError(t, err)
	for _, page := range pages {
		require.Contains(t, files, filepath.Join("docs", "plugins", filepath.Base(page)), "the page of a plugin that is gone: run make docs")
	}
}

// TestEveryOptionIsExplained: an option without a comment is one that nobody can use.
func TestEveryOptionIsExplained(t *testing.T) {
	all := texts(t)
	for _, d := range registry().All() {
		if strings.Contains(all[key(d)].About, "Millrace does not have") {
			continue // it is there for its diagnostic
		}
		own, common := d.Describe(all[key(d)].Options)
		for _, o := range append(own, common...) {
			if o.Doc == "" && o.Deprecated+o.Obsolete+o.Removed == "" {
				t.Errorf("%s %s: option %s has no comment", d.Kind, d.Name, o.Name)
			}
		}
		require.NotEmpty(t, all[key(d)].About)
	}
}

func texts(t *testing.T) map[string]docs.Plugin {
	t.Helper()
	src := &source{root: root, module: "millrace", packages: make(map[string]*goPackage)}
	all := make(map[string]docs.Plugin)
	for _, d := range registry().All() {
		p, err := describe(src, d)
		require.NoError(t, err)
		all[key(d)] = p.about
	}
	return all
}

// TestExamples: every example is accepted without a warning about its options, and one that is written for a plugin that is gone is noticed.
func TestExamples(t *testing.T) {
	reg := registry()
	written, err := loadExamples(filepath.Join(root, "internal", "docgen", "examples.txtar"))
	require.NoError(t, err)
	f := func(name, text string, recorded bool) {
		t.Helper()
		file, diags := config.Parse(name, []byte(text), config.ParseOptions{})
		require.Empty(t, diags, diags.String())
		s := pipeline.DefaultSettings()
		s.DataDir = t.TempDir()
		_, diags = pipeline.Compile([]*config.File{file}, reg, s, plugin.Builder{Log: logging.Discard()})
		require.False(t, diags.HasErrors(), diags.String())
		for _, d := range diags {
			missing := strings.Contains(d.Summary, "is not there yet") // a folder of whoever takes the example over
			require.True(t, recorded || missing, diags.String())
		}
	}
	known := make(map[string]bool)
	for _, d := range reg.All() {
		known[key(d)] = true
		text, recorded := written[key(d)], false
		if text == "" {
			text, recorded = recordedExample(root, d), true
		}
		if text != "" {
			f(key(d), text, recorded)
		}
	}
	for name := range written {
		require.True(t, known[name], "an example of %s, which does not exist", name)
	}
}

func TestTexts(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		require.Equal(t, want, unwrap(in))
	}
	f("", "")
	f("One line\nand its end.\n\nAnother.\n", "One line and its end.\n\nAnother.")
	f("Such as:\n\n\tcode\n\tmore\n", "Such as:\n\n\tcode\n\tmore")
	f("Such as:\n  - a\n  - b\n", "Such as:\n  - a\n  - b")
	require.Equal(t, "Cuts things.", about("Package cut cuts things.\n"))
	require.Equal(t, "More.", notes("Options configures the filter. The comments below are its documentation. More.\n"))
	require.Empty(t, notes("Options configures the input.\n"))
	require.Equal(t, `\[a]\[b] \<x>`, escape("[a][b] <x>"))
}

// TestStaleFilesGo: a second run changes nothing, and the page of a plugin that is gone is removed.
func TestStaleFilesGo(t *testing.T) {
	dir := t.TempDir()
	for _, link := range []string{"filters", "codecs", "inputs", "outputs", "internal", "pipeline", "conformance"} {
		abs, err := filepath.Abs(filepath.Join(root, link))
		require.NoError(t, err)
		require.NoError(t, os.Symlink(abs, filepath.Join(dir, link)))
	}
	stale := filepath.Join(dir, "docs", "plugins", "filter-gone.md")
	require.NoError(t, os.MkdirAll(filepath.Dir(stale), 0o755))
	require.NoError(t, os.WriteFile(stale, nil, 0o644))
	require.NoError(t, run(dir))
	require.NoFileExists(t, stale)
	page := filepath.Join(dir, "docs", "plugins", "filter-drop.md")
	before, err := os.Stat(page)
	require.NoError(t, err)
	require.NoError(t, run(dir))
	after, err := os.Stat(page)
	require.NoError(t, err)
	require.Equal(t, before.ModTime(), after.ModTime())
}
