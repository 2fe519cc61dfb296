// Package fileglob finds files by the patterns of Ruby's Dir.glob, which Logstash takes for its configurations and in options: * ? [..] {a,b},
// and ** for any number of folders. Wild cards do not match a leading dot, so that editors' swap files are not found.
package fileglob

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Glob is a pattern.
type Glob struct {
	root         string
	alternatives [][]string // each by its segments
}

// maxAlternatives bounds what the braces of a pattern may multiply to.
const maxAlternatives = 10_000

// New reads a pattern; a relative one is looked for from the current folder.
func New(pattern string) (Glob, error) {
	g := Glob{root: "."}
	if filepath.IsAbs(pattern) {
		g.root = "/"
	}
	alternatives, err := Braces(pattern)
	if err != nil {
		return Glob{}, err
	}
	for _, p := range alternatives {
		segments := slices.DeleteFunc(strings.Split(p, "/"), func(s string) bool { return s == "" })
		for _, s := range segments {
			if !Valid(s) {
				return Glob{}, fmt.Errorf("malformed pattern %q", s)
			}
		}
		g.alternatives = append(g.alternatives, segments)
	}
	return g, nil
}

// Files returns the regular files that a pattern matches, sorted by their paths. A folder stands for the files that are in it.
func Files(pattern string) ([]string, error) {
	if info, err := os.Stat(pattern); err == nil {
		if !info.IsDir() {
			return []string{pattern}, nil // its name may hold brackets
		}
		return inFolder(pattern)
	}
	g, err := New(pattern)
	if err != nil {
		return nil, err
	}
	var files []string
	g.Walk(func(path string, _ fs.FileInfo) { files = append(files, path) })
	slices.Sort(files)
	return slices.Compact(files), nil
}

func inFolder(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		p := filepath.Join(dir, e.Name())
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() && Match("*", e.Name()) {
			files = append(files, p)
		}
	}
	return files, nil
}

// Braces returns the patterns that one with {a,b} stands for, in their order.
func Braces(pattern string) ([]string, error) {
	all := expandBraces(pattern)
	if len(all) > maxAlternatives {
		return nil, fmt.Errorf("the braces of %q stand for more than %d paths", pattern, maxAlternatives)
	}
	return all, nil
}

// expandBraces gives up where it has more than maxAlternatives.
func expandBraces(p string) []string {
	open, depth := -1, 0
	var commas []int
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '\\':
			i++
		case '{':
			if depth == 0 {
				open, commas = i, nil
			}
			depth++
		case ',':
			if depth == 1 {
				commas = append(commas, i)
			}
		case '}':
			if depth--; depth < 0 {
				depth = 0
				continue
			}
			if depth > 0 {
				continue
			}
			return expandAt(p, open, append(commas, i))
		}
	}
	return []string{p}
}

// expandAt expands the braces that open at a place; ends holds where their parts end.
func expandAt(p string, open int, ends []int) (all []string) {
	after := p[ends[len(ends)-1]+1:]
	start := open + 1
	for _, end := range ends {
		all = append(all, expandBraces(p[:open]+p[start:end]+after)...)
		if len(all) > maxAlternatives {
			break
		}
		start = end + 1
	}
	return all
}

// forMatch turns a pattern of Ruby's into one of package path.
func forMatch(pattern string) string { return strings.ReplaceAll(pattern, "[!", "[^") }

// Valid reports whether a pattern of one name is well formed.
func Valid(pattern string) bool {
	_, err := path.Match(forMatch(pattern), "x")
	return err == nil
}

// Match matches a name. Wild cards do not match a leading dot.
func Match(pattern, name string) bool {
	if strings.HasPrefix(name, ".") && !strings.HasPrefix(pattern, ".") && !strings.HasPrefix(pattern, `\.`) {
		return false
	}
	ok, _ := path.Match(forMatch(pattern), name)
	return ok
}

// Walk calls found for the paths that match and are regular files, or links to such; twice for one that two alternatives match.
func (g *Glob) Walk(found func(path string, info fs.FileInfo)) {
	for _, segments := range g.alternatives {
		walk(g.root, segments, found)
	}
}

func walk(dir string, segments []string, found func(string, fs.FileInfo)) {
	if len(segments) == 0 {
		return
	}
	s, last := segments[0], len(segments) == 1
	if s == "**" && !last {
		walk(dir, segments[1:], found)
		for _, e := range readDir(dir) {
			if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
				walk(filepath.Join(dir, e.Name()), segments, found)
			}
		}
		return
	}
	if !strings.ContainsAny(s, `*?[\`) {
		descend(filepath.Join(dir, s), segments, found)
		return
	}
	for _, e := range readDir(dir) {
		if Match(s, e.Name()) {
			descend(filepath.Join(dir, e.Name()), segments, found)
		}
	}
}

// descend goes on at a path that the first segment matched.
func descend(p string, segments []string, found func(string, fs.FileInfo)) {
	if len(segments) > 1 {
		walk(p, segments[1:], found)
		return
	}
	if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
		found(p, info)
	}
}

// readDir returns what a folder holds; nothing if it cannot be read, as with Ruby.
func readDir(dir string) []fs.DirEntry {
	entries, _ := os.ReadDir(dir)
	return entries
}
