package ruby

import (
	"os"
	"path/filepath"
	"strings"
)

// sourceFile returns the file of Ruby that a name means: an absolute path, one from the working directory, or one from the directory of the code that asks.
func sourceFile(name string, relative bool, from string) (path string, ok bool) {
	switch {
	case relative && !filepath.IsAbs(name):
		name = filepath.Join(filepath.Dir(from), name)
	case !filepath.IsAbs(name) && !strings.HasPrefix(name, "./") && !strings.HasPrefix(name, "../"):
		return "", false
	}
	for _, path := range []string{name, name + ".rb"} {
		if s, err := os.Stat(path); err == nil && s.Mode().IsRegular() {
			return path, true
		}
	}
	return "", false
}

// require runs a file once, or each time again, in the interpreter of the code that asks for it. What the library has is always there.
func (t *Interp) require(name string, relative, again bool) Value {
	path, ok := sourceFile(name, relative, t.src.name)
	switch {
	case !ok && !knownLibrary(name):
		t.raise(t.core.loadError, "no such file to load -- %s", name)
	case !ok:
		path = name
	}
	if t.required[path] && !again {
		return false
	}
	t.required[path] = true
	if !ok {
		return true
	}
	p, err := t.Compile(path, t.readFile(path))
	if err != nil {
		c, _ := t.lookupClass("SyntaxError")
		t.raise(c, "%s: %s", path, err)
	}
	src, match, errinfo := t.src, t.match, t.errinfo
	t.enter()
	p.run()
	t.leave()
	t.src, t.match, t.errinfo = src, match, errinfo
	return true
}
