// Command docgen writes the pages of docs/plugins and docs/options.json from the code of the plugins: their options' types and defaults
// as the program has them, and the comments in the source as their texts. `make docs` runs it; a test fails when its output is old.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"millrace/codecs"
	"millrace/filters"
	"millrace/inputs"
	"millrace/outputs"
	"millrace/pipeline/plugin"
)

func main() {
	root := flag.String("root", "..", "folder of the module")
	flag.Parse()
	if err := run(*root); err != nil {
		fmt.Fprintln(os.Stderr, "docgen:", err)
		os.Exit(1)
	}
}

func registry() *plugin.Registry {
	return plugin.NewRegistry(inputs.All(), codecs.All(), filters.All(), outputs.All())
}

// run writes what generate returns, and removes pages of plugins that are gone.
func run(root string) error {
	files, err := generate(root, registry())
	if err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(root, "docs", "plugins", "*.md"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if files[filepath.Join("docs", "plugins", filepath.Base(name))] == nil {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if have, err := os.ReadFile(path); err == nil && slices.Equal(have, text) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
