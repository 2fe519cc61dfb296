// Package patterns holds the named patterns of grok: the library that comes with the program, in its two sets, files
// and definitions of the user on top of it, and the expansion of a text with %{NAME:field} into one regular expression.
//
// The library is written here and not taken from the tables of github.com/elastic/go-grok: those are made for RE2, so
// their look-arounds and atomic groups are gone and with them what the patterns match; they lack the legacy set, and
// name fields with dots.
package patterns

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Definition is one named pattern.
type Definition struct {
	Name string
	Text string

	// Origin tells a reader where the definition stands: a group of the library, a file and line, or an option.
	Origin string
}

// Set is a collection of definitions. The last definition of a name wins. A set made by Extend sees the definitions of
// its base, so that the library is shared by all who build on it. A set is not safe for use while it is changed.
type Set struct {
	base *Set
	defs map[string]Definition
}

// Extend returns an empty set on top of s. Additions to it leave s as it is.
func (s *Set) Extend() *Set {
	return &Set{base: s, defs: make(map[string]Definition)}
}

// Add defines a name, or defines it anew.
func (s *Set) Add(d Definition) {
	s.defs[d.Name] = d
}

// Lookup finds the definition of a name.
func (s *Set) Lookup(name string) (Definition, bool) {
	for ; s != nil; s = s.base {
		if d, ok := s.defs[name]; ok {
			return d, true
		}
	}
	return Definition{}, false
}

// Names returns all defined names, sorted.
func (s *Set) Names() []string {
	seen := make(map[string]bool)
	for ; s != nil; s = s.base {
		for name := range s.defs {
			seen[name] = true
		}
	}
	names := make([]string, 0, len(seen))
	for name := range seen {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// AddFile adds the definitions of a pattern file.
func (s *Set) AddFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading grok patterns: %w", err)
	}
	defer f.Close()
	if err := s.AddReader(f, path); err != nil {
		return fmt.Errorf("reading grok patterns in %q: %w", path, err)
	}
	return nil
}

// AddReader adds the definitions of a pattern file that is open already; origin is its name. A line holds a name, white
// space and the pattern; blanks at its end belong to the pattern, "#" at its beginning makes it a comment. A line that
// has a name only defines it as the empty pattern, as it does in Logstash.
func (s *Set) AddReader(r io.Reader, origin string) error {
	br := bufio.NewReader(r)
	for number := 1; ; number++ {
		line, err := br.ReadString('\n')
		if err != nil && err != io.EOF {
			return err
		}
		if number == 1 {
			line = strings.TrimPrefix(line, "\uFEFF")
		}
		if name, text, ok := splitLine(line); ok {
			s.Add(Definition{Name: name, Text: text, Origin: fmt.Sprintf("%s:%d", origin, number)})
		}
		if err == io.EOF {
			return nil
		}
	}
}

const blanks = " \t\r\n\f\v"

func splitLine(line string) (name, text string, ok bool) {
	line = strings.TrimLeft(line, blanks)
	if line == "" || line[0] == '#' {
		return "", "", false
	}
	end := strings.IndexAny(line, blanks)
	if end < 0 {
		return "", "", false // the last line of a file, cut off behind its name
	}
	name, text = line[:end], strings.TrimLeft(line[end:], blanks)
	text = strings.TrimSuffix(text, "\n")
	return name, strings.TrimSuffix(text, "\r"), true
}
