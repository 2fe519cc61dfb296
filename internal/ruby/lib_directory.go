package ruby

import (
	"io"
	"os"
	"path/filepath"
)

// names returns the paths that an argument gives, which may be an array.
func (t *Interp) names(v Value) []string {
	l, ok := v.(*Array)
	if !ok {
		return []string{t.text(v)}
	}
	var out []string
	for _, x := range l.v {
		out = append(out, t.names(x)...)
	}
	return out
}

// forPaths defines a method that does something to each path it is given, and returns what the arguments are worth.
func forPaths(k *Class, name string, result func(a []Value) Value, do func(path string) error) {
	k.sdef(name, 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for _, v := range a {
			if _, ok := v.(*Hash); ok {
				continue
			}
			for _, path := range t.names(v) {
				t.fileError(do(path), path)
			}
		}
		return result(a)
	}).kw = true
}

func countOf(a []Value) Value { return integer(int64(len(a))) }

func firstOf(a []Value) Value {
	if len(a) == 0 {
		return nil
	}
	return a[0]
}

func zeroOf([]Value) Value { return int64(0) }

// directoryMethods fills Dir, FileUtils and what removes and renames files.
func directoryMethods(c *core) {
	f := c.file
	forPaths(f, "delete", countOf, os.Remove)
	f.meta.alias("delete", "unlink")
	f.sdef("rename", 2, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		t.fileError(os.Rename(t.text(a[0]), t.text(a[1])), t.text(a[0]))
		return int64(0)
	})
	d := c.define("Dir", c.object)
	d.alloc = nil
	forPaths(d, "rmdir", zeroOf, os.Remove)
	d.meta.alias("rmdir", "delete", "unlink")
	d.sdef("mkdir", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		t.fileError(os.Mkdir(t.text(a[0]), 0o755), t.text(a[0]))
		return int64(0)
	})
	d.sdef("glob", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.glob(a[:1]) }).kw = true
	d.sdef("[]", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.glob(a) })
	d.sdef("exist?", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s, err := os.Stat(t.text(a[0]))
		return err == nil && s.IsDir()
	})
	d.sdef("empty?", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		l, err := os.ReadDir(t.text(a[0]))
		return err == nil && len(l) == 0
	})
	d.sdef("pwd", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { w, _ := os.Getwd(); return strValue(w) })
	d.meta.alias("pwd", "getwd")
	for name, first := range map[string][]string{"children": nil, "entries": {".", ".."}} {
		d.sdef(name, 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			list, err := os.ReadDir(t.text(a[0]))
			t.fileError(err, t.text(a[0]))
			found := append([]string(nil), first...)
			for _, e := range list {
				found = append(found, e.Name())
			}
			return stringArray(found)
		})
	}
	fileUtils(c.mod(c.object, "FileUtils"))
}

func (t *Interp) glob(patterns []Value) Value {
	var found []string
	for _, v := range patterns {
		for _, p := range t.names(v) {
			l, err := filepath.Glob(p)
			if err != nil {
				return t.argError("%s", err)
			}
			found = append(found, l...)
		}
	}
	return stringArray(found)
}

func fileUtils(k *Class) {
	forPaths(k, "mkdir_p", firstOf, func(path string) error { return os.MkdirAll(path, 0o755) })
	k.meta.alias("mkdir_p", "makedirs", "mkpath")
	forPaths(k, "mkdir", firstOf, func(path string) error { return os.Mkdir(path, 0o755) })
	forPaths(k, "rm", firstOf, os.Remove)
	k.meta.alias("rm", "remove")
	forPaths(k, "rm_f", firstOf, func(path string) error {
		_ = os.Remove(path)
		return nil
	})
	forPaths(k, "rm_rf", firstOf, os.RemoveAll)
	k.meta.alias("rm_rf", "rm_r", "rmtree")
	forPaths(k, "touch", firstOf, func(path string) error {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		return f.Close()
	})
	pair := func(name string, do func(from, to string) error) {
		k.sdef(name, 2, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			to := t.text(a[1])
			into, err := os.Stat(to)
			for _, from := range t.names(a[0]) {
				target := to
				if err == nil && into.IsDir() {
					target = filepath.Join(to, filepath.Base(from))
				}
				t.fileError(do(from, target), from)
			}
			return nil
		}).kw = true
	}
	pair("mv", os.Rename)
	k.meta.alias("mv", "move")
	pair("cp", copyFile)
	k.meta.alias("cp", "copy")
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if e := out.Close(); err == nil {
		err = e
	}
	return err
}
