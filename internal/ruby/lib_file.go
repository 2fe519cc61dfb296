package ruby

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// fileMethods fills File, StringIO and IO.
func fileMethods(c *core) {
	io := c.define("IO", c.object)
	io.alloc = nil
	f := c.define("File", io)
	c.file = f
	f.consts["SEPARATOR"] = &String{s: "/", frozen: true}
	pathMethods(f)
	fileTests(c, f)
	fileReads(io)
	fileReads(f)
	f.sdef("write", 2, 3, func(t *Interp, self Value, a []Value, b *Proc) Value {
		mode := os.O_TRUNC
		if v, ok := option(a, "mode"); ok && strings.HasPrefix(t.text(v), "a") {
			mode = os.O_APPEND
		}
		t.writeFile(t.text(a[0]), t.toS(a[1]), mode)
		return integer(int64(len(t.toS(a[1]))))
	}).kw = true
	f.sdef("open", 1, 3, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.openFile(a, b) }).kw = true
	f.meta.alias("open", "new")
	for _, k := range []*Class{f, c.define("StringIO", c.object)} {
		handleReads(k, c.enumerable)
		handleWrites(k)
	}
	stringIO(c.object.consts["StringIO"].(*Class))
	directoryMethods(c)
}

func pathMethods(f *Class) {
	f.sdef("basename", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := strings.TrimRight(t.text(a[0]), "/")
		if s == "" && t.text(a[0]) != "" {
			return strValue("/")
		}
		s = s[strings.LastIndexByte(s, '/')+1:]
		if len(a) > 1 {
			suffix := t.text(a[1])
			if suffix == ".*" {
				suffix = extname(s)
			}
			if s != suffix {
				s = strings.TrimSuffix(s, suffix)
			}
		}
		return strValue(s)
	})
	f.sdef("dirname", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := strings.TrimRight(t.text(a[0]), "/")
		i := strings.LastIndexByte(s, '/')
		if i < 0 {
			if s == "" && t.text(a[0]) != "" {
				return strValue("/")
			}
			return strValue(".")
		}
		if s = strings.TrimRight(s[:i], "/"); s == "" {
			s = "/"
		}
		return strValue(s)
	})
	f.sdef("extname", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := t.text(a[0])
		return strValue(extname(s[strings.LastIndexByte(s, '/')+1:]))
	})
	f.sdef("split", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return array(t.send(self, "dirname", a[0]), t.send(self, "basename", a[0]))
	})
	f.sdef("join", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := ""
		for i, v := range t.flatten(nil, arrayOf(append([]Value(nil), a...)), -1) {
			s := t.text(v)
			switch {
			case i == 0:
				out = s
			case strings.HasPrefix(s, "/"):
				out = strings.TrimRight(out, "/") + s
			default:
				out = strings.TrimSuffix(out, "/") + "/" + s
			}
		}
		return strValue(out)
	})
	f.sdef("expand_path", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := t.text(a[0])
		if !filepath.IsAbs(s) && len(a) > 1 {
			s = filepath.Join(t.text(a[1]), s)
		}
		p, err := filepath.Abs(s)
		if err != nil {
			return t.argError("%s", err)
		}
		return strValue(p)
	})
	f.meta.alias("expand_path", "absolute_path", "realpath")
	f.sdef("fnmatch", 2, 3, func(t *Interp, self Value, a []Value, b *Proc) Value {
		ok, err := filepath.Match(t.text(a[0]), t.text(a[1]))
		return ok && err == nil
	})
	f.meta.alias("fnmatch", "fnmatch?")
}

func extname(base string) string {
	i := strings.LastIndexByte(base, '.')
	if i <= 0 || i == len(base)-1 || strings.Trim(base[:i], ".") == "" {
		return ""
	}
	return base[i:]
}

func fileTests(c *core, f *Class) {
	test := func(name string, ok func(s fs.FileInfo) Value, missing Value) {
		f.sdef(name, 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			s, err := os.Stat(t.text(a[0]))
			if err != nil {
				return missing
			}
			return ok(s)
		})
	}
	test("exist?", func(fs.FileInfo) Value { return true }, false)
	f.meta.alias("exist?", "exists?", "readable?", "writable?")
	test("file?", func(s fs.FileInfo) Value { return s.Mode().IsRegular() }, false)
	test("directory?", func(s fs.FileInfo) Value { return s.IsDir() }, false)
	test("zero?", func(s fs.FileInfo) Value { return s.Size() == 0 }, false)
	f.meta.alias("zero?", "empty?")
	test("size?", func(s fs.FileInfo) Value { return integer(s.Size()) }, nil)
	of := newClass("File::Stat", c.object)
	of.alloc = nil
	f.consts["Stat"] = of
	f.sdef("stat", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s, err := os.Stat(t.text(a[0]))
		t.fileError(err, t.text(a[0]))
		return &Object{class: of, data: s}
	})
	stat := func(name string, get func(s fs.FileInfo) Value) {
		of.def(name, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return get(self.(*Object).data.(fs.FileInfo)) })
		if f.meta.methods[name] != nil {
			return
		}
		f.sdef(name, 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			s, err := os.Stat(t.text(a[0]))
			t.fileError(err, t.text(a[0]))
			return get(s)
		})
	}
	stat("file?", func(s fs.FileInfo) Value { return s.Mode().IsRegular() })
	stat("directory?", func(s fs.FileInfo) Value { return s.IsDir() })
	stat("size", func(s fs.FileInfo) Value { return integer(s.Size()) })
	for _, name := range []string{"mtime", "ctime", "atime"} {
		stat(name, func(s fs.FileInfo) Value { return &Time{t: s.ModTime()} })
	}
}

// fileError raises what a failure of the file system is in Ruby.
func (t *Interp) fileError(err error, name string) {
	if err == nil {
		return
	}
	class, msg := "Errno::EINVAL", err.Error()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		class, msg = "Errno::ENOENT", "No such file or directory @ rb_sysopen"
	case errors.Is(err, fs.ErrExist):
		class, msg = "Errno::EEXIST", "File exists @ dir_s_mkdir"
	case errors.Is(err, fs.ErrPermission):
		class, msg = "Errno::EACCES", "Permission denied @ rb_sysopen"
	}
	c, _ := t.lookupClass(class)
	t.raise(c, "%s - %s", msg, name)
}

// maxFile bounds what code may read at once.
const maxFile = 64 << 20

func (t *Interp) readFile(name string) string {
	s, err := os.Stat(name)
	t.fileError(err, name)
	if s.Size() > maxFile {
		t.raise(t.core.ioError, "the file %s is larger than %d bytes", name, maxFile)
	}
	data, err := os.ReadFile(name)
	t.fileError(err, name)
	return string(data)
}

func (t *Interp) writeFile(name, data string, mode int) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|mode, 0o644)
	t.fileError(err, name)
	_, err = f.WriteString(data)
	if e := f.Close(); err == nil {
		err = e
	}
	t.fileError(err, name)
}

func fileReads(f *Class) {
	f.sdef("read", 1, 4, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(t.readFile(t.text(a[0]))) }).kw = true
	f.sdef("binread", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return &String{s: t.readFile(t.text(a[0])), enc: binaryEncoding}
	})
	f.sdef("readlines", 1, 3, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return stringArray(t.lines(t.readFile(t.text(a[0])), keepNamed(a)))
	}).kw = true
	f.sdef("foreach", 1, 3, func(t *Interp, self Value, a []Value, b *Proc) Value {
		lines := t.lines(t.readFile(t.text(a[0])), keepNamed(a))
		if b == nil {
			return t.enumFor(stringArray(lines), "each", nil)
		}
		for _, l := range lines {
			t.yield(b, strValue(l))
		}
		return nil
	}).kw = true
}

func keepNamed(a []Value) []Value {
	if h := named(a); h != nil {
		return []Value{h}
	}
	return nil
}
