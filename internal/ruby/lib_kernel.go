package ruby

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"time"

	"millrace/internal/ruby/text"
)

// kernelMethods fills Kernel: what code calls without a receiver.
func kernelMethods(c *core) {
	k := c.kernel
	k.defn("raise", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.raiseArgs(a) })
	k.alias("raise", "fail")
	k.withKw("raise", "fail")
	outputMethods(k)
	conversionMethods(k)
	k.defn("format", 1, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.format(t.text(a[0]), a[1:]) })
	k.alias("format", "sprintf")
	k.defn("rand", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.random(a) })
	k.defn("srand", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if len(a) > 0 {
			n := uint64(t.int(a[0]))
			t.rand = rand.New(rand.NewPCG(n, n))
		}
		return integer(0)
	})
	k.defn("sleep", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.sleep(a) })
	k.def("loop", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for {
			t.turn()
			t.callProc(b, nil, nil)
		}
	}).enum = true
	catchMethods(k)
	k.defn("lambda", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if b == nil {
			return t.argError("tried to create Proc object without a block")
		}
		p := *b
		p.lambda = true
		return &p
	})
	k.defn("proc", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if b == nil {
			return t.argError("tried to create Proc object without a block")
		}
		return b
	})
	k.defn("require", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.require(t.text(a[0]), false, false) })
	k.defn("require_relative", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.require(t.text(a[0]), true, false) })
	k.defn("load", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.require(t.text(a[0]), false, true) })
	k.defn("caller", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return array(strValue(t.where())) })
	k.defn("binding", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.raise(t.core.notImplementedError, "binding is not supported")
	})
	k.defn("at_exit", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return b })
	k.defn("exit", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.raise(t.core.runtimeError, "exit is not supported in a filter")
	})
	k.alias("exit", "exit!", "abort")
	k.defn("gets", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return nil })
	k.defn("warn", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for _, v := range a {
			t.log.Warn(t.toS(v))
		}
		return nil
	})
	k.defn("private_constant", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return nil })
	pluginMethods(k)
}

// pluginMethods are those of the filter that code is called on.
func pluginMethods(k *Class) {
	k.def("logger", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return &Object{class: t.core.logger} })
	k.defn("filter_matched", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return nil })
}

func outputMethods(k *Class) {
	k.defn("puts", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		var out []byte
		if len(a) == 0 {
			out = append(out, '\n')
		}
		for _, v := range a {
			out = t.appendLine(out, v)
		}
		_, _ = t.out.Write(out)
		return nil
	})
	k.defn("print", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for _, v := range a {
			_, _ = t.out.Write([]byte(t.toS(v)))
		}
		return nil
	})
	k.defn("p", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for _, v := range a {
			_, _ = t.out.Write([]byte(t.inspect(v) + "\n"))
		}
		return packed(a)
	})
	k.alias("p", "pp")
	k.defn("printf", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if len(a) > 0 {
			_, _ = t.out.Write([]byte(t.format(t.text(a[0]), a[1:]).s))
		}
		return nil
	})
	k.defn("putc", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		_, _ = t.out.Write([]byte(t.toS(a[0])[:1]))
		return a[0]
	})
}

// appendLine appends v as puts writes it.
func (t *Interp) appendLine(dst []byte, v Value) []byte {
	if a, ok := v.(*Array); ok {
		t.enter()
		defer t.leave()
		for _, x := range a.v {
			dst = t.appendLine(dst, x)
		}
		return dst
	}
	s := t.toS(v)
	dst = append(dst, s...)
	if !strings.HasSuffix(s, "\n") {
		dst = append(dst, '\n')
	}
	return dst
}

func conversionMethods(k *Class) {
	k.defn("Integer", 1, 3, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.quietly(a, t.toInteger) })
	k.defn("Float", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.quietly(a, func(a []Value) Value { return t.toFloatStrict(a[0]) })
	})
	k.defn("String", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(t.toS(a[0])) })
	k.defn("Array", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if v, ok := a[0].(*Array); ok {
			return v
		}
		return arrayOf(append([]Value(nil), t.splat(a[0])...))
	})
	k.defn("Hash", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		switch v := a[0].(type) {
		case nil:
			return newHash()
		case *Array:
			if len(v.v) == 0 {
				return newHash()
			}
		}
		return t.toHash(a[0])
	})
	k.defn("Rational", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.makeRational(a) })
	k.withKw("Integer", "Float")
}

// quietly runs f, and returns nil for what it raises if the option exception is false.
func (t *Interp) quietly(a []Value, f func([]Value) Value) Value {
	n := len(a)
	h, ok := a[n-1].(*Hash)
	if !ok || !h.kw {
		return f(a)
	}
	if v, ok := h.symbol("exception"); ok && !truthy(v) {
		v, exc := t.protect(func() Value { return f(a[:n-1]) })
		if exc != nil {
			return nil
		}
		return v
	}
	return f(a[:n-1])
}

// toInteger is Kernel#Integer.
func (t *Interp) toInteger(a []Value) Value {
	switch v := a[0].(type) {
	case nil:
		return t.typeError("can't convert nil into Integer")
	case int64, *big.Int:
		return v
	case float64:
		return t.floatToInt(v)
	case *String:
		base := 0
		if len(a) > 1 && a[1] != nil {
			base = int(t.int(a[1]))
		}
		n, err := text.StrictInteger(v.s, base)
		t.check(err)
		return intValue(n)
	}
	if t.respondTo(a[0], "to_int") {
		return t.send(a[0], "to_int")
	}
	if t.respondTo(a[0], "to_i") {
		return t.send(a[0], "to_i")
	}
	return t.typeError("can't convert %s into Integer", t.describeType(a[0]))
}

// toFloatStrict is Kernel#Float.
func (t *Interp) toFloatStrict(v Value) Value {
	switch v := v.(type) {
	case nil:
		return t.typeError("can't convert nil into Float")
	case float64:
		return v
	case *String:
		f, err := text.StrictFloat(v.s)
		t.check(err)
		return f
	case int64, *big.Int, *Rational:
		return t.float(v)
	}
	if t.respondTo(v, "to_f") {
		return t.send(v, "to_f")
	}
	return t.typeError("can't convert %s into Float", t.describeType(v))
}

// describeType words a value's type as conversions do.
func (t *Interp) describeType(v Value) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case bool:
		return fmt.Sprint(v)
	}
	return t.className(v)
}

func (t *Interp) random(a []Value) Value {
	if len(a) == 0 || a[0] == nil {
		return t.rand.Float64()
	}
	switch v := a[0].(type) {
	case float64:
		if v == 0 {
			return t.rand.Float64()
		}
		return t.rand.Float64() * v
	case *Range:
		if lo, ok := v.lo.(int64); ok {
			hi := t.int(v.hi)
			if v.excl {
				hi--
			}
			if hi < lo {
				return nil
			}
			return integer(lo + t.rand.Int64N(hi-lo+1))
		}
		lo, hi := t.float(v.lo), t.float(v.hi)
		return lo + t.rand.Float64()*(hi-lo)
	}
	n := t.int(a[0])
	if n == 0 {
		return t.rand.Float64()
	}
	return integer(t.rand.Int64N(max(n, -n)))
}

// sleep waits in steps, so that the end of the pipeline is noticed.
func (t *Interp) sleep(a []Value) Value {
	end := time.Duration(1<<63 - 1)
	if len(a) > 0 {
		s := t.float(a[0])
		if s < 0 {
			t.argError("time interval must not be negative")
		}
		end = time.Duration(s * float64(time.Second))
	}
	const step = 50 * time.Millisecond
	for left := end; left > 0; left -= step {
		time.Sleep(min(left, step))
		if t.stop.Load() {
			panic(stopped{})
		}
	}
	return integer(int64(end.Round(time.Second) / time.Second))
}

func catchMethods(k *Class) {
	k.defn("catch", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		var tag Value = &Object{class: t.core.object}
		if len(a) > 0 {
			tag = a[0]
		}
		t.catching = append(t.catching, tag)
		v, r := t.capture(func() Value { return t.yield(b, tag) })
		t.catching = t.catching[:len(t.catching)-1]
		if r == nil {
			return v
		}
		if th, ok := r.(*thrown); ok && t.sameTag(th.tag, tag) {
			return th.val
		}
		panic(r)
	})
	k.defn("throw", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for _, tag := range t.catching {
			if t.sameTag(tag, a[0]) {
				th := &thrown{tag: a[0]}
				if len(a) > 1 {
					th.val = a[1]
				}
				panic(th)
			}
		}
		return t.raise(t.core.uncaughtThrow, "uncaught throw %s", t.inspect(a[0]))
	})
}

func (t *Interp) sameTag(a, b Value) bool {
	if x, ok := a.(*String); ok {
		y, ok := b.(*String)
		return ok && x == y
	}
	return a == b
}

// format is Kernel#format.
func (t *Interp) format(format string, args []Value) *String {
	list := make([]text.Arg, len(args))
	for i, v := range args {
		list[i] = t.textArg(v)
	}
	s, err := text.Format(format, list)
	t.check(err)
	return str(s)
}

// textArg returns v as the functions of the package text take it.
func (t *Interp) textArg(v Value) text.Arg {
	switch v := v.(type) {
	case nil, bool, int64, float64, *big.Int:
		return v
	case *String:
		if v.binary() {
			return text.Bytes(v.s)
		}
		return v.s
	}
	return &formatted{t, v}
}

// fromText returns what a function of the package text returned as a Value.
func fromText(a text.Arg) Value {
	switch a := a.(type) {
	case string:
		return strValue(a)
	case text.Bytes:
		return &String{s: string(a), enc: binaryEncoding}
	case int64:
		return integer(a)
	}
	return a
}

const binaryEncoding = "ASCII-8BIT"

// formatted is a Value for the package text.
type formatted struct {
	t *Interp
	v Value
}

// ClassName returns the name of the class.
func (f *formatted) ClassName() string { return f.t.className(f.v) }

// ToS returns the value's text.
func (f *formatted) ToS() (string, error) { return f.t.toS(f.v), nil }

// Inspect returns what p writes.
func (f *formatted) Inspect() (string, error) { return f.t.inspect(f.v), nil }

// ToInteger converts as Kernel#Integer.
func (f *formatted) ToInteger() (text.Arg, error) { return f.t.toInteger([]Value{f.v}), nil }

// ToFloat converts as Kernel#Float.
func (f *formatted) ToFloat() (float64, error) { return f.t.float(f.t.toFloatStrict(f.v)), nil }

// Lookup finds the value of %<name>s.
func (f *formatted) Lookup(name string) (text.Arg, bool, error) {
	h, ok := f.v.(*Hash)
	if !ok {
		return nil, false, &text.Error{Class: "ArgumentError", Msg: "one hash required"}
	}
	v, found := h.get(f.t, f.t.sym(name))
	return f.t.textArg(v), found, nil
}
