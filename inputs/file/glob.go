package file

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// glob finds files by a pattern of Ruby's Dir.glob.
type glob struct{ alternatives [][]string } // each by its segments

// maxAlternatives bounds what the braces of a pattern may multiply to.
const maxAlternatives = 10_000

func newGlob(pattern string) (glob, error) {
	if !filepath.IsAbs(pattern) {
		return glob{}, fmt.Errorf("file paths must be absolute, and %q is relative", pattern)
	}
	var g glob
	for _, p := range expandBraces(pattern) {
		segments := slices.DeleteFunc(strings.Split(p, "/"), func(s string) bool { return s == "" })
		for _, s := range segments {
			if !validPattern(s) {
				return glob{}, fmt.Errorf("malformed pattern %q", s)
			}
		}
		g.alternatives = append(g.alternatives, segments)
	}
	if len(g.alternatives) > maxAlternatives {
		return glob{}, fmt.Errorf("the braces of %q stand for more than %d paths", pattern, maxAlternatives)
	}
	return g, nil
}

// expandBraces returns the patterns that {a,b} stands for.
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

func validPattern(pattern string) bool {
	_, err := path.Match(forMatch(pattern), "x")
	return err == nil
}

// match matches a name. Wild cards do not match a leading dot.
func match(pattern, name string) bool {
	if strings.HasPrefix(name, ".") && !strings.HasPrefix(pattern, ".") && !strings.HasPrefix(pattern, `\.`) {
		return false
	}
	ok, _ := path.Match(forMatch(pattern), name)
	return ok
}

// files calls found for the paths that match and are regular files, or links to such.
func (g *glob) files(found func(path string, info fs.FileInfo)) {
	for _, segments := range g.alternatives {
		walk("/", segments, found)
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
		if match(s, e.Name()) {
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
