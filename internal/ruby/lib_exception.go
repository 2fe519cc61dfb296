package ruby

// exceptionClasses makes the exceptions.
func exceptionClasses(c *core) {
	d := c.define
	c.exception = d("Exception", c.object)
	c.scriptError = d("ScriptError", c.exception)
	c.loadError = d("LoadError", c.scriptError)
	c.notImplementedError = d("NotImplementedError", c.scriptError)
	d("SyntaxError", c.scriptError)
	c.securityError = d("SecurityError", c.exception)
	c.systemStackError = d("SystemStackError", c.exception)
	c.interrupt = d("Interrupt", d("SignalException", c.exception))
	d("SystemExit", c.exception)
	d("NoMemoryError", c.exception)
	s := d("StandardError", c.exception)
	c.standardError = s
	c.argumentError = d("ArgumentError", s)
	c.uncaughtThrow = d("UncaughtThrowError", c.argumentError)
	c.typeError = d("TypeError", s)
	c.nameError = d("NameError", s)
	c.noMethodError = d("NoMethodError", c.nameError)
	c.zeroDivisionError = d("ZeroDivisionError", s)
	c.rangeError = d("RangeError", s)
	c.floatDomainError = d("FloatDomainError", c.rangeError)
	c.indexError = d("IndexError", s)
	c.keyError = d("KeyError", c.indexError)
	c.stopIteration = d("StopIteration", c.indexError)
	c.runtimeError = d("RuntimeError", s)
	c.frozenError = d("FrozenError", c.runtimeError)
	c.localJumpError = d("LocalJumpError", s)
	c.ioError = d("IOError", s)
	c.eofError = d("EOFError", c.ioError)
	c.regexpError = d("RegexpError", s)
	c.threadError = d("ThreadError", s)
	d("FiberError", s)
	c.noMatchingPattern = d("NoMatchingPatternError", s)
	c.noMatchingPatternKey = d("NoMatchingPatternKeyError", c.noMatchingPattern)
	c.encodingError = d("EncodingError", s)
	d("SystemCallError", s)
	errno := c.mod(c.object, "Errno")
	call := c.object.consts["SystemCallError"].(*Class)
	c.errnoNoEnt = c.defineIn(errno, "ENOENT", call)
	for _, name := range []string{"EACCES", "ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ETIMEDOUT", "EPIPE", "EEXIST", "EISDIR", "ENOTDIR", "EINVAL"} {
		c.defineIn(errno, name, call)
	}
	exceptionMethods(c.exception)
	keyErrorMethods(c)
}

func exceptionMethods(e *Class) {
	e.sdef("exception", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.sendBlock(self, "new", a, b) })
	e.alloc = func(t *Interp, k *Class) Value { return &Object{class: k, data: &exception{place: t.where()}} }
	e.defn("initialize", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if len(a) > 0 {
			excData(self.(*Object)).msg = a[0]
		}
		return nil
	})
	e.defn("exception", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if len(a) == 0 {
			return self
		}
		o := *self.(*Object)
		d := *excData(&o)
		d.msg, o.data = a[0], &d
		return &o
	})
	e.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o := self.(*Object)
		if m := excData(o).msg; m != nil {
			return strValue(t.toS(m))
		}
		return strValue(t.realClass(o).name)
	})
	e.def("message", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(t.toS(t.send(self, "to_s"))) })
	e.alias("message", "detailed_message")
	e.defn("full_message", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(excData(self.(*Object)).place + ": " + t.message(self.(*Object)) + " (" + t.className(self) + ")")
	})
	e.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		m := t.toS(t.send(self, "to_s"))
		if m == "" {
			return strValue(t.className(self))
		}
		return strValue("#<" + t.className(self) + ": " + m + ">")
	})
	e.def("backtrace", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		d := excData(self.(*Object))
		if d.bt != nil {
			return d.bt
		}
		if d.place == "" {
			return nil
		}
		return array(strValue(d.place + ":in `filter'"))
	})
	e.def("set_backtrace", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		excData(self.(*Object)).bt, _ = a[0].(*Array)
		return a[0]
	})
	e.def("backtrace_locations", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return nil })
	e.def("cause", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return excData(self.(*Object)).cause })
	e.def("==", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o, ok := a[0].(*Object)
		return self == a[0] || ok && o.class == self.(*Object).class && t.message(o) == t.message(self.(*Object))
	})
}

func keyErrorMethods(c *core) {
	c.keyError.def("key", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return excData(self.(*Object)).key })
	c.keyError.def("receiver", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return excData(self.(*Object)).recv })
	c.stopIteration.def("result", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return excData(self.(*Object)).result })
	c.nameError.def("name", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if n := excData(self.(*Object)).name; n != "" {
			return t.sym(n)
		}
		return nil
	})
	c.nameError.def("receiver", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return excData(self.(*Object)).recv })
}

// raiseArgs is Kernel#raise.
func (t *Interp) raiseArgs(a []Value) Value {
	var cause Value = t.errinfo
	if n := len(a); n > 0 {
		if h, ok := a[n-1].(*Hash); ok && h.kw {
			if v, ok := h.symbol("cause"); ok {
				cause = v
				a = a[:n-1]
			}
		}
	}
	exc := t.exceptionOf(a)
	d := excData(exc)
	if d.cause == nil && cause != Value(exc) {
		d.cause = cause
	}
	if len(a) > 2 {
		d.bt, _ = a[2].(*Array)
	}
	panic(&raised{exc})
}

func (t *Interp) exceptionOf(a []Value) *Object {
	if len(a) == 0 {
		if o, ok := t.errinfo.(*Object); ok {
			return o
		}
		return t.newException(t.core.runtimeError, "")
	}
	var v Value
	switch x := a[0].(type) {
	case *String:
		return t.newException(t.core.runtimeError, x.s)
	case *Class:
		if !t.inherits(x, t.core.exception) {
			t.typeError("exception class/object expected")
		}
		v = t.send(x, "new", a[1:min(2, len(a))]...)
	case *Object:
		if _, ok := x.data.(*exception); ok {
			v = t.send(x, "exception", a[1:min(2, len(a))]...)
		}
	}
	o, ok := v.(*Object)
	if !ok {
		t.typeError("exception class/object expected")
	}
	return o
}
