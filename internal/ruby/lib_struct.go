package ruby

// structMethods fills Struct and OpenStruct. The fields of a Struct are its first instance variables.
func structMethods(c *core) {
	c.structClass = c.define("Struct", c.object)
	k := c.structClass
	k.includes = []*Class{c.enumerable}
	k.sdef("new", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if self != Value(t.core.structClass) {
			return t.newInstance(self.(*Class), a, b)
		}
		return t.newStruct(a, b)
	}).kw = true
	k.meta.def("members", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.members(self.(*Class)) })
	k.defn("initialize", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { t.fillStruct(self.(*Object), a); return nil }).kw = true
	structAccess(k)
	k.def("to_a", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return arrayOf(t.structValues(self.(*Object))) })
	k.alias("to_a", "deconstruct", "values")
	k.defn("to_h", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := newHash()
		o := self.(*Object)
		vals := t.structValues(o)
		for i, f := range structFields(o.class) {
			if b != nil {
				p := t.list(t.yield2(b, t.sym(f), vals[i]))
				h.set(t, p[0], p[1])
			} else {
				h.set(t, t.sym(f), vals[i])
			}
		}
		return h
	})
	k.defn("deconstruct_keys", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.send(self, "to_h") })
	k.def("members", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.members(self.(*Object).class) })
	k.each("each", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for _, v := range t.structValues(self.(*Object)) {
			t.yield(b, v)
		}
		return self
	})
	k.each("each_pair", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		vals := t.structValues(self.(*Object))
		for i, f := range structFields(self.(*Object).class) {
			t.yieldPair(b, t.sym(f), vals[i])
		}
		return self
	})
	k.def("==", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		x := self.(*Object)
		y, ok := a[0].(*Object)
		return ok && x.class == y.class && t.equalArrays(arrayOf(t.structValues(x)), arrayOf(t.structValues(y)))
	})
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o := self.(*Object)
		defer t.mark(o)()
		s := "#<struct"
		if n := t.className(o); n != "" {
			s += " " + n
		}
		vals := t.structValues(o)
		for i, f := range structFields(o.class) {
			if i > 0 {
				s += ","
			}
			s += " " + f + "=" + t.inspect(vals[i])
		}
		return strValue(s + ">")
	})
	k.alias("inspect", "to_s")
	k.def("size", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return integer(int64(len(structFields(self.(*Object).class))))
	})
	k.alias("size", "length")
	openStruct(c)
}

func structFields(c *Class) []string {
	for ; c != nil; c = c.super {
		if c.fields != nil {
			return c.fields
		}
	}
	return nil
}

func (t *Interp) members(c *Class) Value {
	out := &Array{}
	for _, f := range structFields(c) {
		out.v = append(out.v, t.sym(f))
	}
	return out
}

// newStruct is Struct.new: it makes a class.
func (t *Interp) newStruct(a []Value, b *Proc) Value {
	c := t.newClass("", t.core.structClass)
	if v, ok := option(a, "keyword_init"); ok {
		c.kwInit = truthy(v)
	}
	a = positional(a)
	if len(a) > 0 {
		if s, ok := a[0].(*String); ok {
			t.setConst(t.core.structClass, s.s, c)
			a = a[1:]
		}
	}
	c.fields = []string{}
	for _, v := range a {
		name := t.name(v)
		id := t.ivarID("\x00" + name)
		c.fields = append(c.fields, name)
		t.addMethod(c, &Method{name: name, attr: attrReader, ivar: id})
		t.addMethod(c, &Method{name: name + "=", attr: attrWriter, ivar: id})
	}
	return t.classWithBody(c, b)
}

func (t *Interp) fillStruct(o *Object, a []Value) {
	fields := structFields(o.class)
	if h := named(a); h != nil && (o.class.kwInit || o.class.super != nil && o.class.super.kwInit) {
		h.eachEntry(t, func(k, v Value) bool {
			found := false
			for _, f := range fields {
				found = found || f == t.name(k)
			}
			if !found {
				t.argError("unknown keywords: %s", t.name(k))
			}
			t.setIvar(o, "\x00"+t.name(k), v)
			return true
		})
		return
	}
	if h := named(a); h != nil {
		h.kw = false
	}
	if len(a) > len(fields) {
		t.argError("struct size differs")
	}
	for i, v := range a {
		t.setIvar(o, "\x00"+fields[i], v)
	}
}

func (t *Interp) structValues(o *Object) []Value {
	fields := structFields(o.class)
	out := make([]Value, len(fields))
	for i, f := range fields {
		out[i] = o.ivar(t.ivarID("\x00" + f))
	}
	return out
}

func structAccess(k *Class) {
	field := func(t *Interp, o *Object, v Value) int {
		fields := structFields(o.class)
		if i, ok := v.(int64); ok {
			if i < 0 {
				i += int64(len(fields))
			}
			if i < 0 || i >= int64(len(fields)) {
				t.raise(t.core.indexError, "offset %d too large for struct(size:%d)", v, len(fields))
			}
			return t.ivarID("\x00" + fields[i])
		}
		for _, f := range fields {
			if f == t.name(v) {
				return t.ivarID("\x00" + f)
			}
		}
		t.raise(t.core.nameError, "no member '%s' in struct", t.name(v))
		return 0
	}
	k.def("[]", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o := self.(*Object)
		return o.ivar(field(t, o, a[0]))
	})
	k.def("[]=", 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o := self.(*Object)
		t.notFrozen(o)
		o.setIvar(field(t, o, a[0]), a[1])
		return a[1]
	})
	k.defn("dig", 1, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o := self.(*Object)
		return t.dig(o.ivar(field(t, o, a[0])), a[1:])
	})
}

// openStruct fills OpenStruct.
func openStruct(c *core) {
	c.openStruct = c.define("OpenStruct", c.object)
	k := c.openStruct
	k.alloc = func(t *Interp, k *Class) Value { return &Object{class: k, data: newHash()} }
	table := func(v Value) *Hash { return v.(*Object).data.(*Hash) }
	k.defn("initialize", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if len(a) > 0 && a[0] != nil {
			t.toHash(a[0]).eachEntry(t, func(key, v Value) bool { table(self).set(t, t.sym(t.name(key)), v); return true })
		}
		return nil
	}).kw = true
	k.defn("method_missing", 1, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		name := t.name(a[0])
		if n := len(name) - 1; name[n] == '=' {
			table(self).set(t, t.sym(name[:n]), a[1])
			return a[1]
		}
		return table(self).fetch(t, t.sym(name))
	})
	k.def("[]", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return table(self).fetch(t, t.sym(t.name(a[0])))
	})
	k.def("[]=", 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		table(self).set(t, t.sym(t.name(a[0])), a[1])
		return a[1]
	})
	k.def("to_h", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return table(self).dup() })
	k.defn("dig", 1, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.dig(table(self).fetch(t, t.sym(t.name(a[0]))), a[1:])
	})
	k.def("respond_to?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return table(self).find(t, t.sym(t.name(a[0]))) >= 0 || t.findMethod(k, t.name(a[0])) != nil
	}).max = 2
	k.def("==", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o, ok := a[0].(*Object)
		return ok && o.class == self.(*Object).class && t.equal(table(self), table(o))
	})
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := "#<OpenStruct"
		sep := " "
		table(self).eachEntry(t, func(key, v Value) bool { s += sep + t.toS(key) + "=" + t.inspect(v); sep = ", "; return true })
		return strValue(s + ">")
	})
	k.alias("inspect", "to_s")
}

// Set is a Set.
type Set struct{ h *Hash }

func (t *Interp) setToArray(s *Set) *Array {
	out := make([]Value, 0, s.h.live)
	s.h.eachEntry(t, func(k, _ Value) bool { out = append(out, k); return true })
	return arrayOf(out)
}

// setMethods fills Set.
func setMethods(c *core) {
	c.set = c.define("Set", c.object)
	k := c.set
	k.includes = []*Class{c.enumerable}
	k.alloc = func(t *Interp, k *Class) Value { return &Set{newHash()} }
	k.sdef("[]", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return &Set{t.setOf(a)} })
	k.defn("initialize", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if len(a) == 0 || a[0] == nil {
			return nil
		}
		for _, v := range t.items(a[0]) {
			if b != nil {
				v = t.yield(b, v)
			}
			self.(*Set).h.set(t, v, true)
		}
		return nil
	})
	k.each("each", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		self.(*Set).h.eachEntry(t, func(v, _ Value) bool { t.yield(b, v); return true })
		return self
	})
	k.def("add", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		t.notFrozen(self)
		self.(*Set).h.set(t, a[0], true)
		return self
	})
	k.alias("add", "<<")
	k.def("add?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if self.(*Set).h.find(t, a[0]) >= 0 {
			return nil
		}
		self.(*Set).h.set(t, a[0], true)
		return self
	})
	k.def("delete", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { self.(*Set).h.remove(t, a[0]); return self })
	k.def("include?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*Set).h.find(t, a[0]) >= 0 })
	k.alias("include?", "member?", "===", "contain?")
	k.def("size", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(int64(self.(*Set).h.live)) })
	k.alias("size", "length")
	k.def("empty?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*Set).h.live == 0 })
	k.def("clear", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { self.(*Set).h.clear(); return self })
	k.def("to_a", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.setToArray(self.(*Set)) })
	k.def("to_set", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
	setAlgebra(k)
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		l := t.inspect(t.setToArray(self.(*Set)))
		return strValue("#<Set: {" + l[1:len(l)-1] + "}>")
	})
	k.alias("inspect", "to_s")
}

func setAlgebra(k *Class) {
	k.def("|", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := self.(*Set).h.dup()
		for _, v := range t.items(a[0]) {
			h.set(t, v, true)
		}
		return &Set{h}
	})
	k.alias("|", "union", "+")
	k.defn("merge", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for _, l := range a {
			for _, v := range t.items(l) {
				self.(*Set).h.set(t, v, true)
			}
		}
		return self
	})
	k.def("&", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := newHash()
		for _, v := range t.items(a[0]) {
			if self.(*Set).h.find(t, v) >= 0 {
				h.set(t, v, true)
			}
		}
		return &Set{h}
	})
	k.alias("&", "intersection")
	k.def("-", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := self.(*Set).h.dup()
		for _, v := range t.items(a[0]) {
			h.remove(t, v)
		}
		return &Set{h}
	})
	k.alias("-", "difference")
	k.def("^", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		other := t.setOf(t.items(a[0]))
		h := newHash()
		for _, v := range append(t.setToArray(&Set{other}).v, t.setToArray(self.(*Set)).v...) {
			if (other.find(t, v) >= 0) != (self.(*Set).h.find(t, v) >= 0) {
				h.set(t, v, true)
			}
		}
		return &Set{h}
	})
	within := func(t *Interp, x, y Value) bool {
		for _, v := range t.items(x) {
			if y.(*Set).h.find(t, v) < 0 {
				return false
			}
		}
		return true
	}
	set := func(t *Interp, v Value) Value {
		if _, ok := v.(*Set); !ok {
			t.argError("value must be a set")
		}
		return v
	}
	k.def("subset?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return within(t, self, set(t, a[0])) })
	k.alias("subset?", "<=")
	k.def("superset?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return within(t, set(t, a[0]), self) })
	k.alias("superset?", ">=")
	k.def("disjoint?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.send(t.send(self, "&", a[0]), "empty?")
	})
	k.def("intersect?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return !truthy(t.send(self, "disjoint?", a[0])) })
	k.def("==", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o, ok := a[0].(*Set)
		return ok && o.h.live == self.(*Set).h.live && within(t, self, o)
	})
	filter := func(name string, keep, change bool) {
		k.each(name, 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
			s := self.(*Set)
			if !change {
				s = &Set{s.h.dup()}
			}
			t.keep(s.h, func(v, _ Value) bool { return truthy(t.yield(b, v)) == keep })
			return s
		})
	}
	filter("select", true, false)
	filter("filter", true, false)
	filter("reject", false, false)
	filter("delete_if", false, true)
	filter("select!", true, true)
	filter("reject!", false, true)
	k.def("hash", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return integer(t.hashOf(t.setToArray(self.(*Set))))
	})
}
