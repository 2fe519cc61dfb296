package ruby

import "sort"

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// moduleMethods fills Module and Class.
func moduleMethods(c *core) {
	m := c.module
	m.def("name", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if n := self.(*Class).name; n != "" {
			return strValue(n)
		}
		return nil
	})
	m.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		k := self.(*Class)
		if k.name == "" && k.of != nil {
			return strValue("#<Class:" + k.of.name + ">")
		}
		if k.name == "" {
			return strValue(t.anyToS(self))
		}
		return strValue(k.name)
	})
	m.alias("to_s", "inspect")
	m.def("===", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.isA(a[0], self.(*Class)) })
	m.def("<", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		k := t.classArg(a[0])
		if self != Value(k) && t.inherits(self.(*Class), k) {
			return true
		}
		if t.inherits(k, self.(*Class)) {
			return false
		}
		return nil
	})
	m.def("<=", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		k := t.classArg(a[0])
		if t.inherits(self.(*Class), k) {
			return true
		}
		if t.inherits(k, self.(*Class)) {
			return false
		}
		return nil
	})
	m.def("ancestors", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := &Array{}
		for k := self.(*Class); k != nil; k = k.super {
			for _, x := range t.lineage(k) {
				out.v = append(out.v, x)
			}
		}
		return out
	})
	attributeMethods(m)
	definitionMethods(m)
	constMethods(m)
	c.class.defn("new", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.newInstance(self.(*Class), a, b) }).kw = true
	c.class.def("allocate", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*Class).alloc(t, self.(*Class)) })
	c.class.def("superclass", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if s := self.(*Class).super; s != nil {
			return s
		}
		return nil
	})
	c.class.def("inherited", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return nil })
	c.class.sdef("new", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		super := t.core.object
		if len(a) > 0 {
			super = t.classArg(a[0])
		}
		return t.classWithBody(t.newClass("", super), b)
	})
	m.sdef("new", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.classWithBody(t.newModule(""), b) })
}

// newInstance is Class#new.
func (t *Interp) newInstance(c *Class, a []Value, b *Proc) Value {
	if c.module || c.alloc == nil {
		return t.raise(t.core.noMethodError, "undefined method `new' for %s", t.describeReceiver(c))
	}
	o := c.alloc(t, c)
	m := t.findMethod(c, "initialize")
	if m.fn != nil && m.owner == t.core.basicObject {
		if len(a) > 0 && !t.emptyKw(a) {
			t.arity(len(a), 0, 0)
		}
		return o
	}
	t.invoke(m, o, a, b)
	return o
}

func (t *Interp) emptyKw(a []Value) bool {
	h, ok := a[len(a)-1].(*Hash)
	return ok && h.kw && h.live == 0 && len(a) == 1
}

// classWithBody runs a block as the body of a class.
func (t *Interp) classWithBody(c *Class, b *Proc) Value {
	if b != nil {
		p := *b
		p.self = c
		p.cref = &cref{c, b.cref}
		t.yield(&p, c)
		t.privateIn, t.moduleFnIn = nil, nil
	}
	return c
}

func attributeMethods(m *Class) {
	attr := func(name string, read, write bool) {
		m.defn(name, 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			out := &Array{}
			for _, v := range a {
				n := t.name(v)
				id := t.ivarID("@" + n)
				if read {
					t.addMethod(self.(*Class), &Method{name: n, attr: attrReader, ivar: id})
					out.v = append(out.v, t.sym(n))
				}
				if write {
					t.addMethod(self.(*Class), &Method{name: n + "=", attr: attrWriter, ivar: id})
					out.v = append(out.v, t.sym(n+"="))
				}
			}
			return out
		})
	}
	attr("attr_accessor", true, true)
	attr("attr_reader", true, false)
	attr("attr_writer", false, true)
	attr("attr", true, false)
	m.defn("private", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.visibility(self.(*Class), a, true) })
	m.defn("public", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.visibility(self.(*Class), a, false) })
	m.defn("protected", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.visibility(self.(*Class), a, false) })
	m.defn("private_class_method", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return nil })
	m.defn("public_class_method", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return nil })
	m.defn("private_constant", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return nil })
	m.defn("module_function", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		k := self.(*Class)
		if len(a) == 0 {
			t.moduleFnIn = k
		}
		for _, v := range a {
			if f := t.findMethod(k, t.name(v)); f != nil {
				c := *f
				t.addMethod(k.meta, &c)
			}
		}
		return nil
	})
}

// visibility is private and public.
func (t *Interp) visibility(c *Class, a []Value, private bool) Value {
	if len(a) == 0 {
		t.privateIn = nil
		if private {
			t.privateIn = c
		}
		return nil
	}
	names := a
	if l, ok := a[0].(*Array); ok {
		names = l.v
	}
	for _, v := range names {
		if m := t.findMethod(c, t.name(v)); m != nil {
			k := *m
			k.private = private
			t.addMethod(c, &k)
		}
	}
	return a[0]
}

func definitionMethods(m *Class) {
	m.defn("include", 1, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for _, v := range a {
			mod := t.classArg(v)
			t.include(self.(*Class), mod)
			if t.respondTo(mod, "included") {
				t.send(mod, "included", self)
			}
		}
		return self
	})
	m.alias("include", "prepend")
	m.def("included", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return nil })
	m.def("include?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return self != a[0] && t.inherits(self.(*Class), t.classArg(a[0]))
	})
	m.defn("define_method", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if len(a) > 1 {
			b = t.toProc(a[1])
		}
		if b == nil {
			return t.argError("tried to create Proc object without a block")
		}
		t.addMethod(self.(*Class), &Method{name: t.name(a[0]), proc: b})
		return t.sym(t.name(a[0]))
	})
	m.def("alias_method", 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		t.aliasMethod(self.(*Class), t.name(a[0]), t.name(a[1]))
		return t.sym(t.name(a[0]))
	})
	m.defn("remove_method", 1, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for _, v := range a {
			t.addMethod(self.(*Class), &Method{name: t.name(v)})
		}
		return self
	})
	m.alias("remove_method", "undef_method")
	m.defn("instance_methods", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if len(a) > 0 && !truthy(a[0]) {
			out := &Array{}
			for _, n := range sortedNames(self.(*Class).methods) {
				if n == "initialize" || self.(*Class).methods[n].private {
					continue
				}
				out.v = append(out.v, t.sym(n))
			}
			return out
		}
		return t.methodNames(self.(*Class))
	})
	m.alias("instance_methods", "public_instance_methods")
	m.defn("method_defined?", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.findMethod(self.(*Class), t.name(a[0])) != nil
	})
	m.alias("method_defined?", "instance_method_defined?", "public_method_defined?")
	m.defn("class_eval", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if b == nil {
			return t.raise(t.core.notImplementedError, "class_eval of a string is not supported")
		}
		return t.classWithBody(self.(*Class), b)
	})
	m.alias("class_eval", "module_eval", "class_exec")
}

func constMethods(m *Class) {
	m.defn("const_get", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v, ok := t.constPath(self.(*Class), t.name(a[0]))
		if !ok {
			return t.raise(t.core.nameError, "uninitialized constant %s", t.name(a[0]))
		}
		return v
	})
	m.def("const_set", 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		t.setConst(self.(*Class), t.name(a[0]), a[1])
		return a[1]
	})
	m.defn("const_defined?", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		_, ok := t.constPath(self.(*Class), t.name(a[0]))
		return ok
	})
	m.defn("constants", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := &Array{}
		for _, n := range sortedNames(self.(*Class).consts) {
			out.v = append(out.v, t.sym(n))
		}
		return out
	})
	m.def("class_variable_get", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for c := self.(*Class); c != nil; c = c.super {
			if v, ok := c.cvars[t.name(a[0])]; ok {
				return v
			}
		}
		return t.raise(t.core.nameError, "uninitialized class variable %s in %s", t.name(a[0]), self.(*Class).name)
	})
	m.def("class_variable_set", 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		c := self.(*Class)
		if c.core {
			t.globals[t.name(a[0])] = a[1]
			return a[1]
		}
		if c == t.self.class {
			c = t.top
		}
		if c.cvars == nil {
			c.cvars = make(map[string]Value)
		}
		c.cvars[t.name(a[0])] = a[1]
		return a[1]
	})
	m.def("class_variable_defined?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for c := self.(*Class); c != nil; c = c.super {
			if _, ok := c.cvars[t.name(a[0])]; ok {
				return true
			}
		}
		return false
	})
}

// constPath looks A::B up.
func (t *Interp) constPath(c *Class, path string) (v Value, ok bool) {
	for path != "" {
		part := path
		if i := indexOf(path, "::"); i >= 0 {
			part, path = path[:i], path[i+2:]
		} else {
			path = ""
		}
		if v, ok = t.constOf(c, part); !ok {
			if v, ok = t.constOf(t.core.object, part); !ok {
				return nil, false
			}
		}
		if path != "" {
			if c, ok = v.(*Class); !ok {
				return nil, false
			}
		}
	}
	return v, ok
}
