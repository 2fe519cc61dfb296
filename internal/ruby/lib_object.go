package ruby

import (
	"strings"
)

// objectMethods fills Object: what every value has.
func objectMethods(c *core) {
	o := c.kernel
	c.basicObject.defn("initialize", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return nil })
	c.basicObject.def("!", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return !truthy(self) })
	c.basicObject.def("==", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return self == a[0] })
	c.basicObject.def("equal?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return self == a[0] })
	c.basicObject.def("!=", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return !t.equal(self, a[0]) })
	c.basicObject.def("__id__", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(t.objectID(self)) })
	o.def("object_id", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(t.objectID(self)) })
	o.def("===", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return self == a[0] || t.equal(self, a[0]) })
	o.def("=~", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return nil })
	o.def("<=>", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if self == a[0] || t.equal(self, a[0]) {
			return integer(0)
		}
		return nil
	})
	o.def("eql?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.eql(self, a[0]) })
	o.def("hash", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(t.hashOf(self)) })
	o.def("class", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.realClass(self) })
	o.def("singleton_class", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.classOf(self) })
	o.def("nil?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self == nil })
	o.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if self == Value(t.self) && t.self.class == t.core.object {
			return strValue("main")
		}
		return strValue(t.anyToS(self))
	})
	o.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(t.inspectObject(self)) })
	o.def("itself", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
	o.def("then", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.yield(b, self) })
	o.alias("then", "yield_self")
	o.def("tap", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { t.yield(b, self); return self })
	o.def("is_a?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.isA(self, t.classArg(a[0])) })
	o.alias("is_a?", "kind_of?")
	o.def("instance_of?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.realClass(self) == t.classArg(a[0]) })
	o.def("frozen?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return frozen(self) })
	o.def("freeze", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { freeze(self); return self })
	o.defn("dup", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.dup(self) })
	o.defn("clone", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.clone(self, a) })
	o.withKw("clone")
	o.defn("display", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		_, _ = t.out.Write([]byte(t.toS(self)))
		return nil
	})
	dispatchMethods(c)
	ivarMethods(o)
	o.defn("enum_for", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		name := "each"
		if len(a) > 0 {
			name, a = t.name(a[0]), a[1:]
		}
		return t.enumFor(self, name, a)
	})
	o.alias("enum_for", "to_enum")
	o.defn("instance_exec", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		p := *b
		p.self = self
		return t.callProc(&p, append([]Value(nil), a...), nil)
	})
	o.defn("instance_eval", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if b == nil {
			return t.raise(t.core.notImplementedError, "instance_eval of a string is not supported")
		}
		p := *b
		p.self = self
		return t.yield(&p, self)
	})
	o.defn("extend", 1, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for _, m := range a {
			switch o := self.(type) {
			case *Class:
				t.include(o.meta, t.classArg(m))
			case *Object:
				t.include(t.singleton(o), t.classArg(m))
			default:
				t.typeError("can't define singleton")
			}
		}
		return self
	})
}

func dispatchMethods(c *core) {
	o := c.kernel
	o.defn("send", 1, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.sendBlock(self, t.name(a[0]), append([]Value(nil), a[1:]...), b)
	})
	o.alias("send", "public_send", "__send__")
	o.withKw("send", "public_send", "__send__")
	o.defn("respond_to?", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		m := t.find(self, t.name(a[0]))
		if m != nil {
			return m.owner != t.core.kernel || !kernelFunctions[m.name]
		}
		if r := t.find(self, "respond_to_missing?"); r != nil && r.fn == nil {
			return truthy(t.invoke(r, self, []Value{a[0], false}, nil))
		}
		return false
	})
	o.defn("method", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		name := t.name(a[0])
		m := t.find(self, name)
		if m == nil {
			return t.raise(t.core.nameError, "undefined method `%s' for %s", name, t.describeReceiver(self))
		}
		return &MethodObject{recv: self, m: m}
	})
	o.alias("method", "public_method")
	o.defn("methods", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.methodNames(t.classOf(self)) })
	o.alias("methods", "public_methods", "singleton_methods")
	o.defn("define_singleton_method", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if len(a) > 1 {
			b = t.toProc(a[1])
		}
		k := t.core.object
		switch o := self.(type) {
		case *Object:
			k = t.singleton(o)
		case *Class:
			k = o.meta
		}
		t.addMethod(k, &Method{name: t.name(a[0]), proc: b})
		return a[0]
	})
}

// kernelFunctions are the private methods of Kernel, which respond_to? does not tell of.
var kernelFunctions = map[string]bool{
	"raise": true, "puts": true, "print": true, "p": true, "pp": true, "format": true, "sprintf": true, "rand": true, "sleep": true, "loop": true, "lambda": true, "proc": true,
	"require": true, "catch": true, "throw": true, "Integer": true, "Float": true, "String": true, "Array": true, "Hash": true, "fail": true, "warn": true, "exit": true, "abort": true,
	"printf": true, "gets": true, "srand": true, "binding": true, "caller": true, "load": true, "filter_matched": true, "logger": true, "putc": true,
}

func (t *Interp) methodNames(c *Class) *Array {
	seen := make(map[string]bool)
	out := &Array{}
	for ; c != nil && c != t.core.object; c = c.super {
		for _, name := range sortedNames(c.methods) {
			if !seen[name] {
				seen[name] = true
				out.v = append(out.v, t.sym(name))
			}
		}
	}
	return out
}

func ivarMethods(o *Class) {
	o.def("instance_variable_get", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if x, ok := self.(*Object); ok {
			return x.ivar(t.ivarID(t.name(a[0])))
		}
		return nil
	})
	o.def("instance_variable_set", 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		x, ok := self.(*Object)
		if !ok {
			return t.raise(t.core.frozenError, "can't modify frozen %s: %s", t.className(self), t.inspect(self))
		}
		t.notFrozen(x)
		t.setIvar(x, t.name(a[0]), a[1])
		return a[1]
	})
	o.def("instance_variable_defined?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		x, ok := self.(*Object)
		id := t.ivarID(t.name(a[0]))
		return ok && id < len(x.ivars) && x.ivars[id] != undef
	})
	o.def("instance_variables", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := &Array{}
		if x, ok := self.(*Object); ok {
			for id, v := range x.ivars {
				if v != undef && t.ivars[id][0] == '@' {
					out.v = append(out.v, t.sym(t.ivars[id]))
				}
			}
		}
		return out
	})
}

// inspectObject is Object#inspect: with the instance variables.
func (t *Interp) inspectObject(v Value) string {
	o, ok := v.(*Object)
	if !ok {
		return t.toS(v)
	}
	if t.busy[o] {
		return strings.TrimSuffix(t.anyToS(o), ">") + " ...>"
	}
	defer t.mark(o)()
	s := strings.TrimSuffix(t.anyToS(o), ">")
	sep := " "
	for id, x := range o.ivars {
		if x != undef && id < len(t.ivars) && t.ivars[id][0] == '@' && o != t.self {
			s += sep + t.ivars[id] + "=" + t.inspect(x)
			sep = ", "
		}
	}
	return s + ">"
}

func (t *Interp) classArg(v Value) *Class {
	c, ok := v.(*Class)
	if !ok {
		t.typeError("class or module required")
	}
	return c
}

// name returns the name of a method or variable that a Symbol or String tells.
func (t *Interp) name(v Value) string {
	switch v := v.(type) {
	case *Symbol:
		return v.name
	case *String:
		return v.s
	}
	t.typeError("%s is not a symbol nor a string", t.inspect(v))
	return ""
}

func freeze(v Value) {
	switch v := v.(type) {
	case *String:
		v.frozen = true
	case *Array:
		v.frozen = true
	case *Hash:
		v.frozen = true
	case *Object:
		v.frozen = true
	case *Set:
		v.h.frozen = true
	}
}

// dup is Object#dup.
func (t *Interp) dup(v Value) Value {
	switch v := v.(type) {
	case *String:
		return v.dup()
	case *Array:
		return arrayOf(append([]Value(nil), v.v...))
	case *Hash:
		return v.dup()
	case *Set:
		return &Set{v.h.dup()}
	case *Event:
		return t.cloneEvent(v)
	case *Time:
		k := *v
		return &k
	case *Object:
		o := &Object{class: v.class, ivars: append([]Value(nil), v.ivars...), data: v.data}
		if d, ok := v.data.(*exception); ok {
			k := *d
			o.data = &k
		}
		if d, ok := v.data.(*Hash); ok {
			o.data = d.dup()
		}
		if o.class.singular {
			o.class = t.realClass(v)
		}
		if t.userDefines(o.class, "initialize_copy") {
			t.send(o, "initialize_copy", v)
		}
		return o
	}
	return v
}

// clone is Object#clone, which keeps the frozen state.
func (t *Interp) clone(v Value, a []Value) Value {
	c := t.dup(v)
	if o, ok := v.(*Object); ok {
		c.(*Object).class = o.class
	}
	keep := true
	if len(a) > 0 {
		if h, ok := a[0].(*Hash); ok {
			if f, ok := h.symbol("freeze"); ok && f == Value(false) {
				keep = false
			}
		}
	}
	if keep && frozen(v) {
		freeze(c)
	}
	return c
}

// hashOf returns a number that is equal for equal values.
func (t *Interp) hashOf(v Value) int64 {
	var h uint64 = 14695981039346656037
	for _, c := range []byte(t.deepKey(v)) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return int64(h >> 2)
}

// nilMethods fills NilClass, TrueClass and FalseClass.
func nilMethods(c *core) {
	c.nilClass = c.define("NilClass", c.object)
	c.trueClass = c.define("TrueClass", c.object)
	c.falseClass = c.define("FalseClass", c.object)
	n := c.nilClass
	n.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return &String{frozen: true} })
	n.def("to_a", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return &Array{} })
	n.def("to_h", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return newHash() })
	n.def("to_i", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(0) })
	n.def("to_f", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return 0.0 })
	n.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue("nil") })
	n.def("&", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return false })
	n.def("|", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return truthy(a[0]) })
	for _, k := range []*Class{c.trueClass, c.falseClass} {
		k.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(t.toS(self)) })
		k.alias("to_s", "inspect")
		k.def("&", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(bool) && truthy(a[0]) })
		k.def("|", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(bool) || truthy(a[0]) })
		k.def("^", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(bool) != truthy(a[0]) })
	}
}

// comparableMethods fills Comparable.
func comparableMethods(c *core) {
	k := c.comparable
	op := func(name string, f func(n int) bool) {
		k.def(name, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return f(t.order(self, a[0])) })
	}
	op("<", func(n int) bool { return n < 0 })
	op("<=", func(n int) bool { return n <= 0 })
	op(">", func(n int) bool { return n > 0 })
	op(">=", func(n int) bool { return n >= 0 })
	k.def("==", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if self == a[0] {
			return true
		}
		n, ok := t.compare(self, a[0])
		return ok && n == 0
	})
	k.def("between?", 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.order(self, a[0]) >= 0 && t.order(self, a[1]) <= 0
	})
	k.defn("clamp", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		lo, hi := a[0], a[len(a)-1]
		if r, ok := a[0].(*Range); ok {
			lo, hi = r.lo, r.hi
		}
		if lo != nil && hi != nil && t.order(lo, hi) > 0 {
			return t.argError("min argument must be smaller than max argument")
		}
		if lo != nil && t.order(self, lo) < 0 {
			return lo
		}
		if hi != nil && t.order(self, hi) > 0 {
			return hi
		}
		return self
	})
}
