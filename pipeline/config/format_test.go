package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// dump writes a tree without its places, so that two texts with the same meaning give the same.
func dump(f *File) string {
	var b strings.Builder
	for _, s := range f.Sections {
		b.WriteString(s.Kind + " ")
		dumpBody(&b, s.Body)
	}
	for _, c := range f.Comments {
		b.WriteString(strings.TrimRight(f.Text[c.Start:c.End], " \t") + "\n")
	}
	return b.String()
}

func dumpBody(b *strings.Builder, body []Statement) {
	b.WriteString("{\n")
	for _, s := range body {
		switch s := s.(type) {
		case *PluginNode:
			dumpExpr(b, s)
		case *IfNode:
			for _, br := range s.Branches {
				b.WriteString("if ")
				dumpCond(b, br.Cond)
				dumpBody(b, br.Body)
			}
		}
	}
	b.WriteString("}\n")
}

func dumpCond(b *strings.Builder, c Cond) {
	switch c := c.(type) {
	case nil:
		b.WriteString("else ")
	case *Logical:
		b.WriteString("(")
		dumpCond(b, c.Left)
		b.WriteString(" " + c.Op + " ")
		dumpCond(b, c.Right)
		b.WriteString(")")
	case *Not:
		b.WriteString("!")
		dumpCond(b, c.X)
	case *Compare:
		dumpExpr(b, c.Left)
		b.WriteString(c.Op)
		dumpExpr(b, c.Right)
	case *In:
		dumpExpr(b, c.Left)
		fmt.Fprintf(b, " in(negate %t) ", c.Negate)
		dumpExpr(b, c.Right)
	case *Match:
		dumpExpr(b, c.Left)
		fmt.Fprintf(b, " match(negate %t) ", c.Negate)
		dumpExpr(b, c.Pattern)
	case *Truth:
		dumpExpr(b, c.X)
	}
}

func dumpExpr(b *strings.Builder, e Expr) {
	switch e := e.(type) {
	case *String:
		fmt.Fprintf(b, "%q ", e.Raw)
	case *Number:
		b.WriteString(e.Text + " ")
	case *Bareword:
		b.WriteString(e.Text + " ")
	case *FieldRef:
		b.WriteString(e.Text + " ")
	case *Regexp:
		b.WriteString("/" + e.Text + "/ ")
	case *Array:
		b.WriteString("[")
		for _, i := range e.Items {
			dumpExpr(b, i)
		}
		b.WriteString("]")
	case *HashLit:
		b.WriteString("{")
		for _, h := range e.Entries {
			dumpExpr(b, h.Key)
			b.WriteString("=>")
			dumpExpr(b, h.Value)
		}
		b.WriteString("}")
	case *PluginNode:
		fmt.Fprintf(b, "%s %s{", e.Kind, e.Name)
		for _, a := range e.Attributes {
			b.WriteString(a.Name + "=>")
			dumpExpr(b, a.Value)
		}
		b.WriteString("}\n")
	case *Call:
		b.WriteString(e.Name + "(")
		for _, a := range e.Args {
			dumpExpr(b, a)
		}
		b.WriteString(")")
	}
}

// checkFormat formats a text and checks that the meaning and the comments stay and that a second time changes nothing.
func checkFormat(t testing.TB, text string) string {
	t.Helper()
	before, ds := Parse("", []byte(text), ParseOptions{})
	if ds.HasErrors() {
		return ""
	}
	once, err := Format([]byte(text))
	require.NoError(t, err)
	after, ds := Parse("", once, ParseOptions{})
	require.False(t, ds.HasErrors(), "%s\nformatted:\n%s\n%s", text, once, ds)
	require.Equal(t, dump(before), dump(after), "%s\nformatted:\n%s", text, once)
	require.Equal(t, comments(before), comments(after), "%s\nformatted:\n%s", text, once)
	twice, err := Format(once)
	require.NoError(t, err)
	require.Equal(t, string(once), string(twice))
	return string(once)
}

// comments returns the comments of a file in the order of their texts: where two stand between others they may change places.
func comments(f *File) []string {
	out := []string{}
	for _, c := range f.Comments {
		out = append(out, strings.TrimRight(f.Text[c.Start:c.End], " \t\r"))
	}
	slices.Sort(out)
	return out
}

// TestFormatKeepsComments puts a comment into every gap of a configuration.
func TestFormatKeepsComments(t *testing.T) {
	gaps := strings.Split(`input { stdin { id => xyz add_field => { "a" => "b" "c" => 1 } tags => [ "x" , "y" ] codec => json { } } } `+
		`filter { if [a] == "b" and ( [c] in [ "x" , "y" ] ) { } else if ! ( [d] =~ /x#/ ) { drop { } } else { mutate { } } } output { }`, " ")
	var text strings.Builder
	for i, part := range gaps {
		fmt.Fprintf(&text, "%s # %03d\n", part, i)
	}
	got := checkFormat(t, text.String())
	require.NotEmpty(t, got)
	for i := range gaps {
		require.Contains(t, got, fmt.Sprintf("# %03d\n", i))
	}
}

// TestFormatConformance formats every recorded configuration.
func TestFormatConformance(t *testing.T) {
	files, err := filepath.Glob("../../conformance/*/*.txtar")
	require.NoError(t, err)
	n := 0
	for _, path := range files {
		if checkFormat(t, whole(conformanceCase(t, path)["pipeline.conf"])) != "" {
			n++
		}
	}
	require.Greater(t, n, 500)
}

func TestFormat(t *testing.T) {
	files, err := filepath.Glob("testdata/format/*.conf")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		if strings.HasSuffix(path, ".want.conf") {
			continue
		}
		golden(t, "format/"+strings.TrimSuffix(filepath.Base(path), ".conf")+".want.conf", checkFormat(t, readFile(t, path)))
	}
	_, err = Format([]byte("filter { x }"))
	require.ErrorContains(t, err, "expected")
}
