package ruby

// MethodObject is a Method: a method and what it is called on.
type MethodObject struct {
	recv Value
	m    *Method
}

// Enumerator is an Enumerator: a method that would be called with a block.
type Enumerator struct {
	recv Value
	name string
	args []Value
	gen  *Proc // of Enumerator.new
	buf  []Value
	at   int
}

// enumFor returns an Enumerator for a method that was called without a block.
func (t *Interp) enumFor(recv Value, name string, args []Value) Value {
	return &Enumerator{recv: recv, name: name, args: append([]Value(nil), args...)}
}

// run calls the method with a block.
func (e *Enumerator) run(t *Interp, b *Proc) Value {
	if e.gen != nil {
		y := &Object{class: t.core.enumerator.consts["Yielder"].(*Class), data: b}
		return t.yield(e.gen, y)
	}
	return t.sendBlock(e.recv, e.name, e.args, b)
}

// toProc converts what stands behind & in a call.
func (t *Interp) toProc(v Value) *Proc {
	switch v := v.(type) {
	case nil:
		return nil
	case *Proc:
		return v
	case *Symbol:
		name := v.name
		return &Proc{lambda: true, arity: -2, sym: name, fn: func(t *Interp, a []Value, b *Proc) Value {
			if len(a) == 0 {
				return t.argError("no receiver given")
			}
			m := t.find(a[0], name)
			if m == nil {
				return t.missing(a[0], name, a[1:], b, false)
			}
			return t.invoke(m, a[0], a[1:], b)
		}}
	case *MethodObject:
		return &Proc{lambda: true, arity: v.arity(), meth: v, fn: func(t *Interp, a []Value, b *Proc) Value { return t.invoke(v.m, v.recv, a, b) }}
	}
	if t.respondTo(v, "to_proc") {
		if p, ok := t.send(v, "to_proc").(*Proc); ok {
			return p
		}
	}
	t.typeError("wrong argument type %s (expected Proc)", t.className(v))
	return nil
}

func (m *MethodObject) arity() int {
	switch {
	case m.m.user != nil:
		return m.m.user.params.arity(true)
	case m.m.attr == attrReader:
		return 0
	case m.m.attr == attrWriter:
		return 1
	case m.m.max == m.m.min:
		return m.m.min
	}
	return -m.m.min - 1
}

// procMethods fills Proc and Method.
func procMethods(c *core) {
	c.proc = c.define("Proc", c.object)
	k := c.proc
	k.alloc = nil
	k.sdef("new", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if b == nil {
			return t.argError("tried to create Proc object without a block")
		}
		return b
	})
	k.defn("call", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.callProc(self.(*Proc), append([]Value(nil), a...), b)
	})
	k.alias("call", "()", "yield", "===", "[]")
	k.withKw("call", "[]", "yield")
	k.def("to_proc", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
	k.def("lambda?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*Proc).lambda })
	k.def("arity", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		p := self.(*Proc)
		if p.code == nil {
			return integer(int64(p.arity))
		}
		return integer(int64(p.code.params.arity(p.lambda)))
	})
	k.defn("curry", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		p := self.(*Proc)
		n := 0
		if p.code != nil {
			n = p.code.params.required()
		}
		if len(a) > 0 {
			n = int(t.int(a[0]))
		}
		return t.curry(p, n, nil)
	})
	compose := func(k *Class) {
		k.def(">>", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			g := a[0]
			return &Proc{lambda: true, arity: -1, fn: func(t *Interp, a []Value, b *Proc) Value { return t.send(g, "call", t.send(self, "call", a...)) }}
		})
		k.def("<<", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			g := a[0]
			return &Proc{lambda: true, arity: -1, fn: func(t *Interp, a []Value, b *Proc) Value { return t.send(self, "call", t.send(g, "call", a...)) }}
		})
	}
	compose(k)
	c.method = c.define("Method", c.object)
	m := c.method
	m.alloc = nil
	compose(m)
	m.defn("call", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o := self.(*MethodObject)
		return t.invoke(o.m, o.recv, append([]Value(nil), a...), b)
	})
	m.alias("call", "()", "===", "[]")
	m.def("to_proc", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.toProc(self) })
	m.def("arity", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return integer(int64(self.(*MethodObject).arity()))
	})
	m.def("name", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.sym(self.(*MethodObject).m.name) })
	m.def("receiver", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*MethodObject).recv })
	m.def("owner", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*MethodObject).m.owner })
	m.def("unbind", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
}

func (t *Interp) curry(p *Proc, n int, have []Value) Value {
	return &Proc{lambda: true, arity: -1, fn: func(t *Interp, a []Value, b *Proc) Value {
		all := append(append([]Value(nil), have...), a...)
		if len(all) >= n {
			return t.callProc(p, all, b)
		}
		return t.curry(p, n, all)
	}}
}

// enumeratorMethods fills Enumerator.
func enumeratorMethods(c *core) {
	c.enumerator = c.define("Enumerator", c.object)
	k := c.enumerator
	k.includes = []*Class{c.enumerable}
	k.alloc = nil
	y := c.defineIn(k, "Yielder", c.object)
	y.defn("<<", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		t.yield(self.(*Object).data.(*Proc), a[0])
		return self
	})
	y.defn("yield", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.callProc(self.(*Object).data.(*Proc), append([]Value(nil), a...), nil)
	})
	y.alias("yield", "call")
	k.sdef("new", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return &Enumerator{gen: b} })
	k.defn("each", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if b == nil {
			return self
		}
		return self.(*Enumerator).run(t, b)
	})
	withIndex := func(t *Interp, self Value, from int64, b *Proc) Value {
		i := from - 1
		return self.(*Enumerator).run(t, &Proc{arity: -1, fn: func(t *Interp, a []Value, _ *Proc) Value {
			i++
			return t.yield2(b, packed(a), integer(i))
		}})
	}
	k.each("with_index", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		from := int64(0)
		if len(a) > 0 && a[0] != nil {
			from = t.int(a[0])
		}
		return withIndex(t, self, from, b)
	})
	k.each("each_with_index", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return withIndex(t, self, 0, b) })
	k.each("with_object", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		memo := a[0]
		self.(*Enumerator).run(t, &Proc{arity: -1, fn: func(t *Interp, a []Value, _ *Proc) Value { return t.yield2(b, packed(a), memo) }})
		return memo
	})
	k.alias("with_object", "each_with_object")
	k.def("next", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		e := self.(*Enumerator)
		v := e.peek(t)
		e.at++
		return v
	})
	k.def("peek", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*Enumerator).peek(t) })
	k.def("rewind", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { self.(*Enumerator).at = 0; return self })
	k.def("size", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if self.(*Enumerator).gen != nil {
			return nil
		}
		return integer(int64(len(t.items(self))))
	})
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		e := self.(*Enumerator)
		if e.gen != nil {
			return strValue("#<Enumerator: #<Enumerator::Generator:0x0000000000000000>:each>")
		}
		args := ""
		if len(e.args) > 0 {
			l := t.inspect(arrayOf(e.args))
			args = "(" + l[1:len(l)-1] + ")"
		}
		return strValue("#<Enumerator: " + t.inspect(e.recv) + ":" + e.name + args + ">")
	})
	k.alias("inspect", "to_s")
}

// packed returns what a block with one parameter gets, and what p returns.
func packed(a []Value) Value {
	switch len(a) {
	case 0:
		return nil
	case 1:
		return a[0]
	}
	return arrayOf(append([]Value(nil), a...))
}

// peek returns the next value. One that never ends is read as far as is asked for, up to a limit.
func (e *Enumerator) peek(t *Interp) Value {
	const ahead = 1000
	if e.at >= len(e.buf) {
		want := e.at + ahead
		e.buf = e.buf[:0]
		t.iterate(e, func(v Value) bool {
			e.buf = append(e.buf, v)
			return len(e.buf) < want
		})
	}
	if e.at >= len(e.buf) {
		return t.raise(t.core.stopIteration, "iteration reached an end")
	}
	return e.buf[e.at]
}
