package ruby

import (
	"os"
	"runtime"
	"strings"
	"time"
)

// knownLibrary reports whether code may require a library of this name; what it has is always there.
func knownLibrary(name string) bool {
	switch name {
	case "json", "time", "date", "csv", "set", "digest", "digest/md5", "digest/sha1", "digest/sha2", "digest/sha256", "openssl", "base64", "securerandom", "ipaddr", "resolv", "socket", "uri", "net/http", "net/https", "net/protocol", "lru_redux", "lru_reredux",
		"cgi", "cgi/util", "cgi/escape", "yaml", "psych", "zlib", "stringio", "erb", "ostruct", "shellwords", "logger", "thread", "monitor", "timeout", "pp", "enumerator", "rational", "benchmark", "fileutils", "strscan", "singleton", "java",
		"logstash/event", "logstash/timestamp", "logstash/json", "logstash/util", "logstash/namespace", "logstash/environment", "logstash/logging", "logstash/filters/base", "unicode_normalize/normalize":
		return true
	}
	return false
}

// systemMethods fills ENV, Process, Thread, Mutex, $stdout and what code asks of the program itself.
func systemMethods(c *core) {
	envMethods(c)
	c.object.consts["RUBY_VERSION"] = &String{s: "3.1.4", frozen: true}
	c.object.consts["RUBY_PLATFORM"] = &String{s: "java", frozen: true}
	c.object.consts["RUBY_ENGINE"] = &String{s: "jruby", frozen: true}
	c.object.consts["JRUBY_VERSION"] = &String{s: "9.4.9.0", frozen: true}
	c.object.consts["LOGSTASH_VERSION"] = &String{s: "8.19.0", frozen: true}
	c.object.consts["ARGV"] = &Array{frozen: true}
	p := c.mod(c.object, "Process")
	p.consts["CLOCK_MONOTONIC"], p.consts["CLOCK_REALTIME"], p.consts["CLOCK_PROCESS_CPUTIME_ID"] = int64(1), int64(0), int64(2)
	p.sdef("pid", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(int64(os.Getpid())) })
	p.sdef("clock_gettime", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.clock(a) })
	gc := c.mod(c.object, "GC")
	gc.sdef("start", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return nil })
	gc.sdef("stat", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return newHash() })
	threadMethods(c)
	streamMethods(c)
	to := c.mod(c.object, "Timeout")
	c.timeoutError = c.defineIn(to, "Error", c.runtimeError)
	to.sdef("timeout", 1, 3, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.yield(b, a[0]) })
	bench := c.mod(c.object, "Benchmark")
	bench.sdef("realtime", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		start := time.Now()
		t.callProc(b, nil, nil)
		return time.Since(start).Seconds()
	})
	singletonMethods(c.mod(c.object, "Singleton"))
}

// singletonMethods fills Singleton, which gives the classes that include it their one instance.
func singletonMethods(m *Class) {
	m.sdef("instance", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.raise(t.core.noMethodError, "undefined method `instance' for Singleton:Module")
	})
	m.sdef("included", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		var only Value
		a[0].(*Class).sdef("instance", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
			if only == nil {
				only = t.send(self, "new")
			}
			return only
		})
		return nil
	})
}

var clockStart = time.Now()

func (t *Interp) clock(a []Value) Value {
	d := time.Since(clockStart)
	if t.int(a[0]) == 0 {
		d = time.Duration(t.now().UnixNano())
	}
	unit := "float_second"
	if len(a) > 1 {
		unit = t.name(a[1])
	}
	switch unit {
	case "millisecond":
		return integer(d.Milliseconds())
	case "microsecond":
		return integer(d.Microseconds())
	case "nanosecond":
		return integer(d.Nanoseconds())
	case "second":
		return integer(int64(d / time.Second))
	case "float_millisecond":
		return float64(d) / 1e6
	case "float_microsecond":
		return float64(d) / 1e3
	}
	return float64(d) / 1e9
}

func envMethods(c *core) {
	k := newClass("Object", c.object)
	k.core = true
	k.meta = newClass("", c.class)
	env := &Object{class: k, frozen: true}
	c.object.consts["ENV"] = env
	c.object.consts["\x00ENV"] = k
	get := func(t *Interp, v Value) Value {
		if s, ok := os.LookupEnv(t.text(v)); ok {
			return &String{s: s, frozen: true}
		}
		return nil
	}
	k.def("[]", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return get(t, a[0]) })
	k.defn("fetch", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if v := get(t, a[0]); v != nil {
			return v
		}
		return t.fetchMissing(self, a, b)
	})
	k.def("key?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return get(t, a[0]) != nil })
	k.alias("key?", "has_key?", "include?", "member?")
	k.def("[]=", 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.raise(t.core.notImplementedError, "setting ENV is not supported")
	})
	k.def("to_h", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := newHash()
		for _, kv := range os.Environ() {
			name, v, _ := strings.Cut(kv, "=")
			h.set(t, strValue(name), strValue(v))
		}
		return h
	})
	k.alias("to_h", "to_hash")
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(t.inspect(t.send(self, "to_h")))
	})
}

// threadMethods fills Thread and Mutex: code is run by one goroutine, so that a Mutex has nothing to wait for.
func threadMethods(c *core) {
	c.mutex = c.define("Mutex", c.object)
	m := c.mutex
	c.thread = c.define("Thread", c.object)
	k := c.thread
	k.consts["Mutex"] = m
	c.object.consts["Monitor"] = m
	m.defn("synchronize", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.callProc(b, nil, nil) })
	m.alias("synchronize", "mon_synchronize")
	for _, name := range []string{"lock", "unlock", "enter", "exit"} {
		m.def(name, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
	}
	m.def("try_lock", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return true })
	m.def("locked?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return false })
	m.def("owned?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return false })
	k.alloc = nil
	current := func(t *Interp, self Value, a []Value, b *Proc) Value {
		if t.globals["\x00thread"] == nil {
			t.globals["\x00thread"] = &Object{class: k, data: newHash()}
		}
		return t.globals["\x00thread"]
	}
	k.sdef("current", 0, 0, current)
	k.meta.alias("current", "main")
	k.sdef("new", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.raise(t.core.notImplementedError, "threads are not supported")
	})
	k.meta.alias("new", "start", "fork")
	k.sdef("pass", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { runtime.Gosched(); return nil })
	k.def("[]", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return self.(*Object).data.(*Hash).fetch(t, t.sym(t.name(a[0])))
	})
	k.def("[]=", 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		self.(*Object).data.(*Hash).set(t, t.sym(t.name(a[0])), a[1])
		return a[1]
	})
	k.def("name", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue("main") })
	k.def("alive?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return true })
}

// streamMethods fills what $stdout and STDERR are.
func streamMethods(c *core) {
	c.stream = newClass("IO", c.object)
	k := c.stream
	k.core = true
	k.meta = newClass("", c.class)
	for _, name := range []string{"puts", "print", "p", "printf"} {
		m := *c.kernel.methods[name]
		k.methods[name] = &m
	}
	k.defn("write", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		n := 0
		for _, v := range a {
			s := t.toS(v)
			_, _ = t.out.Write([]byte(s))
			n += len(s)
		}
		return integer(int64(n))
	})
	k.def("<<", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		_, _ = t.out.Write([]byte(t.toS(a[0])))
		return self
	})
	for _, name := range []string{"flush", "fsync"} {
		k.def(name, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
	}
	k.def("sync=", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return a[0] })
	k.def("sync", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return true })
	k.def("tty?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return false })
	stream := &Object{class: k, frozen: true}
	c.object.consts["STDOUT"], c.object.consts["STDERR"] = stream, stream
	c.object.consts["\x00IO"] = k
}

// stream returns what $stdout is.
func (t *Interp) stream(string) Value { return t.core.object.consts["STDOUT"] }
