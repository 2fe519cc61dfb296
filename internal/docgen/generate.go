package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/tools/txtar"

	"millrace/docs"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// page is what the generator knows of one plugin.
type page struct {
	def         *plugin.Definition
	about       docs.Plugin
	own, common []config.OptionInfo
}

// generate returns the files by their paths below the module's folder.
func generate(root string, reg *plugin.Registry) (map[string][]byte, error) {
	src := &source{root: root, module: "millrace", packages: make(map[string]*goPackage)}
	examples, err := loadExamples(filepath.Join(root, "internal", "docgen", "examples.txtar"))
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	texts := make(map[string]docs.Plugin)
	var pages []*page
	for _, d := range reg.All() {
		p, err := describe(src, d)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", d.Kind, d.Name, err)
		}
		if p.about.Example = examples[key(d)]; p.about.Example == "" {
			p.about.Example = recordedExample(root, d)
		}
		pages = append(pages, p)
		texts[key(d)] = p.about
		files[filepath.Join("docs", "plugins", fileName(d))] = p.markdown()
	}
	files[filepath.Join("docs", "plugins", "README.md")] = index(pages)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(texts); err != nil {
		return nil, err
	}
	files[filepath.Join("docs", "options.json")] = b.Bytes()
	return files, nil
}

func key(d *plugin.Definition) string { return string(d.Kind) + "/" + d.Name }

func fileName(d *plugin.Definition) string { return string(d.Kind) + "-" + d.Name + ".md" }

func describe(src *source, d *plugin.Definition) (*page, error) {
	t := reflect.TypeOf(d.Options()).Elem()
	p := &page{def: d, about: docs.Plugin{Options: make(map[string]string)}}
	const contract = "millrace/pipeline/plugin"
	common := []string{"anyOptions", "ecsOptions"}
	switch d.Kind {
	case plugin.FilterKind:
		common = append(common, "filterOptions")
	case plugin.InputKind:
		common = append(common, "inputOptions")
	case plugin.OutputKind:
		common = append(common, "outputOptions")
	}
	for _, name := range common {
		if err := src.named(contract, name, p.about.Options); err != nil {
			return nil, err
		}
	}
	if err := src.options(t, p.about.Options); err != nil {
		return nil, err
	}
	pkg, err := src.load(t.PkgPath())
	if err != nil {
		return nil, err
	}
	p.about.About = about(pkg.doc)
	p.about.Notes = notes(pkg.types[t.Name()])
	p.own, p.common = d.Describe(p.about.Options)
	return p, nil
}

// about makes a text of a package's comment, whose first words are "Package name".
func about(doc string) string {
	words := strings.SplitN(doc, " ", 3)
	if len(words) == 3 && words[0] == "Package" {
		doc = words[2]
	}
	return unwrap(capitalize(doc))
}

func capitalize(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}

// boilerplate are the sentences of the comments of Options structs that say nothing about the plugin.
var boilerplate = regexp.MustCompile(`^([A-Z]*Options (configures|configure|are|is|of|holds)\b[^.]*\.|The comments below are (its|their) documentation\.)\s*`)

// notes returns what the comment of an Options struct says beyond the usual.
func notes(doc string) string {
	doc = unwrap(doc)
	for {
		rest := boilerplate.ReplaceAllString(doc, "")
		if rest == doc {
			return doc
		}
		doc = rest
	}
}

// loadExamples reads the examples by kind/name.
func loadExamples(path string) (map[string]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	examples := make(map[string]string)
	for _, f := range txtar.Parse(data).Files {
		text, err := config.Format(f.Data)
		if err != nil {
			return nil, fmt.Errorf("the example of %s: %w", f.Name, err)
		}
		examples[f.Name] = string(text)
	}
	return examples, nil
}

// recordedExample returns the shortest configuration among the recorded cases of a filter that stands for itself; "" if there is none.
func recordedExample(root string, d *plugin.Definition) string {
	if d.Kind != plugin.FilterKind {
		return ""
	}
	paths, err := filepath.Glob(filepath.Join(root, "conformance", d.Name, "*.txtar"))
	if err != nil {
		return ""
	}
	best := ""
	for _, path := range paths {
		text := recordedConfig(path)
		f, diags := config.Parse(path, []byte(text), config.ParseOptions{})
		if text == "" || len(diags) > 0 || len(f.Sections) != 1 || len(f.Sections[0].Body) != 1 {
			continue
		}
		n, ok := f.Sections[0].Body[0].(*config.PluginNode)
		if ok && n.Name == d.Name && len(n.Attributes) > 0 && (best == "" || len(text) < len(best)) {
			best = text
		}
	}
	formatted, err := config.Format([]byte(best))
	if best == "" || err != nil {
		return ""
	}
	return string(formatted)
}

// recordedConfig returns the configuration of a case as a filter section, "" if the case is about a mistake or needs files.
func recordedConfig(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	text := ""
	for _, f := range txtar.Parse(data).Files {
		switch f.Name {
		case "err", "env":
			return ""
		case "pipeline.conf":
			text = string(f.Data)
		}
	}
	if strings.Contains(text, "${") || text == "" {
		return ""
	}
	if !strings.HasPrefix(strings.TrimSpace(text), "filter") {
		text = "filter {\n" + text + "\n}\n"
	}
	return text
}
