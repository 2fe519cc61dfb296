package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

// source finds the comments of types in the module's Go files.
type source struct {
	root     string // folder of the module
	module   string
	packages map[string]*goPackage // by import path
}

// goPackage are the comments of one package.
type goPackage struct {
	doc    string
	types  map[string]string            // comments of types
	fields map[string]map[string]string // comments of the fields that are options, by type and option
}

func (s *source) load(path string) (*goPackage, error) {
	if p := s.packages[path]; p != nil {
		return p, nil
	}
	dir := filepath.Join(s.root, filepath.FromSlash(strings.TrimPrefix(strings.TrimPrefix(path, s.module), "/")))
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	p := &goPackage{types: make(map[string]string), fields: make(map[string]map[string]string)}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		p.add(fset, f)
	}
	if p.doc == "" {
		return nil, fmt.Errorf("package %s has no comment in %s", path, dir)
	}
	s.packages[path] = p
	return p, nil
}

func (p *goPackage) add(fset *token.FileSet, f *ast.File) {
	if text := f.Doc.Text(); text != "" && p.doc == "" {
		p.doc = text
	}
	for _, decl := range f.Decls {
		g, ok := decl.(*ast.GenDecl)
		if !ok || g.Tok != token.TYPE {
			continue
		}
		for _, spec := range g.Specs {
			t := spec.(*ast.TypeSpec)
			st, ok := t.Type.(*ast.StructType)
			if !ok {
				continue
			}
			doc := t.Doc
			if doc == nil {
				doc = g.Doc
			}
			p.types[t.Name.Name] = doc.Text()
			p.fields[t.Name.Name] = fieldTexts(fset, st)
		}
	}
}

// fieldTexts returns the comments of the fields that are options. A field without one that follows on the next line shares the comment of
// the field before it.
func fieldTexts(fset *token.FileSet, st *ast.StructType) map[string]string {
	texts := make(map[string]string)
	last, lastLine := "", -1
	for _, field := range st.Fields.List {
		text, name := unwrap(field.Doc.Text()), optionOf(field.Tag)
		if text == "" && fset.Position(field.Pos()).Line == lastLine+1 {
			text = last
		}
		last, lastLine = text, fset.Position(field.End()).Line
		if name != "" {
			texts[name] = text
		}
	}
	return texts
}

// optionOf returns the name of the option that a tag makes of a field, "" if it makes none.
func optionOf(tag *ast.BasicLit) string {
	if tag == nil {
		return ""
	}
	text, err := strconv.Unquote(tag.Value)
	if err != nil {
		return ""
	}
	name, _, _ := strings.Cut(reflect.StructTag(text).Get("opt"), ",")
	return name
}

// options adds the texts of the options of a struct, those of embedded structs included, to texts.
func (s *source) options(t reflect.Type, texts map[string]string) error {
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("opt") == "" && f.Anonymous && f.Type.Kind() == reflect.Struct {
			if err := s.options(f.Type, texts); err != nil {
				return err
			}
		}
	}
	if t.Name() == "" {
		return nil
	}
	// The name of a generic type has its arguments behind a bracket.
	name, _, _ := strings.Cut(t.Name(), "[")
	return s.named(t.PkgPath(), name, texts)
}

// named adds the texts of the options of one struct, without those of embedded ones.
func (s *source) named(path, name string, texts map[string]string) error {
	p, err := s.load(path)
	if err != nil {
		return err
	}
	for option, text := range p.fields[name] {
		texts[option] = text
	}
	return nil
}

// unwrap joins the lines of each paragraph. Indented lines and lists stay as they are.
func unwrap(text string) string {
	var b strings.Builder
	begun := false // a paragraph has text
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "":
			b.WriteString("\n\n")
			begun = false
			continue
		case strings.HasPrefix(line, "\t") || strings.HasPrefix(line, "  "):
			if begun {
				b.WriteByte('\n')
			}
		case begun:
			b.WriteByte(' ')
		}
		b.WriteString(line)
		begun = true
	}
	return strings.TrimSpace(b.String())
}
