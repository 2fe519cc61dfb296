package config

import (
	"path/filepath"
	"testing"
)

// FuzzParse checks that no text makes the parser panic or hang, and that all places lie inside the file, and that a text
// that has no mistakes keeps its meaning when it is formatted.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("../../conformance/*/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for i, path := range files {
		if text := fuzzSeed(f, path); text != "" && i%3 == 0 {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, ds := Parse("fuzz.conf", []byte(text), ParseOptions{SupportEscapes: len(text)%2 == 0})
		inside := func(s Span) {
			if s.Start < 0 || s.End < s.Start || s.End > len(file.Text) {
				t.Fatalf("span %v outside of %d bytes", s, len(file.Text))
			}
		}
		for _, d := range ds {
			inside(Span{d.Pos.Offset, d.End.Offset})
			if d.Summary == "" || d.Code == "" || d.String() == "" {
				t.Fatalf("empty diagnostic %#v", d)
			}
		}
		for _, s := range file.Sections {
			if s.End == 0 {
				t.Fatal("section without end")
			}
			inside(s.Span)
			Walk(s.Body, func(n *PluginNode) {
				inside(n.Span)
				for _, a := range n.Attributes {
					inside(a.Span)
					inside(a.Value.Range())
				}
			})
		}
		last := 0
		for _, c := range file.Comments {
			inside(c.Span)
			if c.Start < last || file.Text[c.Start] != '#' {
				t.Fatalf("comments out of order or not comments at %v", c.Span)
			}
			last = c.End
		}
		checkFormat(t, text)
	})
}
