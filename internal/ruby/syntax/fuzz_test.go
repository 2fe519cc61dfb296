package syntax

import (
	"os"
	"strings"
	"testing"
)

// FuzzParse looks for code that the parser panics on or never ends with.
func FuzzParse(f *testing.F) {
	for _, src := range valid {
		f.Add(src)
	}
	if lines, err := os.ReadFile("../testdata/expressions.rb"); err == nil {
		for i, line := range strings.Split(string(lines), "\n") {
			if i%10 == 0 {
				f.Add(line)
			}
		}
	}
	f.Fuzz(func(t *testing.T, src string) {
		n, err := Parse(src, Options{Block: true})
		if e, ok := IsError(err); err != nil && (!ok || e.Offset < 0 || e.Offset > len(src) || e.Line < 1 || e.Column < 1) {
			t.Fatalf("an error without a place: %v", err)
		}
		if (n == nil) != (err != nil) {
			t.Fatal("neither a tree nor an error")
		}
	})
}
