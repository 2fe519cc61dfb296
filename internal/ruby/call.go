package ruby

// methodCode is the compiled body of a def.
type methodCode struct {
	name   string
	params *paramCode
	body   node
	vars   int
	blocks bool // it has blocks, which may keep its frame
	jumps  bool // a return may come as a panic
	cref   *cref
	src    *source
}

// blockCode is a compiled block.
type blockCode struct {
	params  *paramCode
	body    node
	vars    int
	blocks  bool
	jumps   bool // a next may come as a panic
	breaks  bool
	returns bool // a return in a block of it may come as a panic
	lambda  bool
	simple  int // how many plain parameters it has and nothing else; -1 if it has more
}

// Proc is a Proc or a block.
type Proc struct {
	code   *blockCode
	up     *frame
	self   Value
	cref   *cref
	fn     func(t *Interp, args []Value, b *Proc) Value // of a Proc made in Go
	arity  int
	lambda bool
	tag    *breakTag
	method *Method // of define_method
	meth   *MethodObject
	sym    string
}

// find looks a method up; nil if there is none.
func (t *Interp) find(v Value, name string) *Method {
	return t.findMethod(t.classOf(v), name)
}

// send calls a method by its name.
func (t *Interp) send(recv Value, name string, args ...Value) Value {
	return t.sendBlock(recv, name, args, nil)
}

// sendBlock is send with a block.
func (t *Interp) sendBlock(recv Value, name string, args []Value, b *Proc) Value {
	m := t.find(recv, name)
	if m == nil {
		return t.missing(recv, name, args, b, false)
	}
	return t.invoke(m, recv, args, b)
}

// missing calls method_missing or raises.
func (t *Interp) missing(recv Value, name string, args []Value, b *Proc, vcall bool) Value {
	if m := t.find(recv, "method_missing"); m != nil {
		return t.invoke(m, recv, append([]Value{t.sym(name)}, args...), b)
	}
	c, what := t.core.noMethodError, "method"
	if vcall {
		c, what = t.core.nameError, "local variable or method"
	}
	exc := t.newException(c, "undefined "+what+" `"+name+"' for "+t.describeReceiver(recv))
	d := excData(exc)
	d.name, d.recv = name, recv
	panic(&raised{exc})
}

// describeReceiver words a receiver as NoMethodError does.
func (t *Interp) describeReceiver(v Value) string {
	switch v := v.(type) {
	case nil:
		return "nil:NilClass"
	case bool:
		if v {
			return "true:TrueClass"
		}
		return "false:FalseClass"
	case *Class:
		if v.module {
			return v.name + ":Module"
		}
		return v.name + ":Class"
	case *Object:
		if v == t.self && v.class == t.core.object {
			return "main:Object"
		}
		return t.anyToS(v)
	}
	s := t.inspect(v)
	if len(s) > 65 {
		s = t.anyToS(v)
	}
	if s != "" && s[0] == '#' {
		return s
	}
	return s + ":" + t.className(v)
}

// invoke calls a method.
func (t *Interp) invoke(m *Method, recv Value, args []Value, b *Proc) Value {
	if m.fn != nil {
		if len(args) < m.min || m.max >= 0 && len(args) > m.max {
			t.arity(len(args), m.min, m.max)
		}
		if b == nil && m.enum {
			return t.enumFor(recv, m.name, args)
		}
		return m.fn(t, recv, args, b)
	}
	if m.user != nil {
		return t.invokeUser(m, recv, args, b)
	}
	return t.invokeOther(m, recv, args, b)
}

// invokeOther calls a method that is neither Go nor def.
func (t *Interp) invokeOther(m *Method, recv Value, args []Value, b *Proc) Value {
	switch {
	case m.proc != nil:
		p := *m.proc
		p.self, p.lambda, p.method = recv, true, m
		return t.callProc(&p, args, b)
	case m.attr == attrReader:
		t.want(args, 0, 0)
		if o, ok := recv.(*Object); ok {
			return o.ivar(m.ivar)
		}
		return nil
	case m.attr == attrWriter:
		t.want(args, 1, 1)
		o, ok := recv.(*Object)
		if !ok {
			return t.raise(t.core.frozenError, "can't modify frozen %s: %s", t.className(recv), t.inspect(recv))
		}
		t.notFrozen(o)
		o.setIvar(m.ivar, args[0])
		return args[0]
	}
	return t.raise(t.core.noMethodError, "undefined method `%s'", m.name)
}

// want raises unless there are min to max arguments.
func (t *Interp) want(args []Value, min, max int) {
	if len(args) < min || max >= 0 && len(args) > max {
		t.arity(len(args), min, max)
	}
}

func (t *Interp) arity(given, min, max int) {
	switch {
	case max < 0:
		t.argError("wrong number of arguments (given %d, expected %d+)", given, min)
	case min == max:
		t.argError("wrong number of arguments (given %d, expected %d)", given, min)
	}
	t.argError("wrong number of arguments (given %d, expected %d..%d)", given, min, max)
}

// invokeUser calls a method that code defined.
func (t *Interp) invokeUser(m *Method, recv Value, args []Value, b *Proc) Value {
	t.enter()
	t.turn()
	c := m.user
	f := t.push(c.vars)
	f.home, f.target, f.self, f.block, f.method, f.cref = f, f, recv, b, m, c.cref
	f.args = args
	c.params.bind(f, args, true)
	match, src := t.match, t.src
	t.match, t.src = nil, c.src
	var v Value
	if c.jumps {
		v = t.runReturning(f, c.body)
	} else {
		v = c.body.eval(f)
	}
	t.match, t.src = match, src
	if f.ctl == ctlReturn {
		v = f.ret
	}
	if !c.blocks {
		t.release(f)
	}
	t.leave()
	return v
}

// runReturning runs a body whose return may come as a panic.
func (t *Interp) runReturning(f *frame, body node) Value {
	return t.jumpTo(func() Value { return body.eval(f) }, func(j *jump) bool { return j.kind == ctlReturn && j.frame == f })
}

// blockFrame makes the frame of a block.
func (t *Interp) blockFrame(p *Proc) *frame {
	f := t.push(p.code.vars)
	up := p.up
	f.up, f.home, f.self, f.proc, f.cref = up, up.home, p.self, p, p.cref
	f.target = up.target
	if p.lambda {
		f.target = f
	}
	return f
}

// runBlock runs a block whose parameters are set.
func (t *Interp) runBlock(f *frame, p *Proc) Value {
	t.enter()
	t.turn()
	c := p.code
	var v Value
again:
	if c.jumps || c.returns && p.lambda {
		v = t.runJumping(f, c)
	} else {
		v = c.body.eval(f)
	}
	if f.ctl != ctlNone {
		why := f.ctl
		f.ctl = ctlNone
		v = f.ret
		switch {
		case why == ctlRedo:
			goto again
		case why == ctlBreak && !p.lambda:
			t.depth--
			panic(&jump{kind: ctlBreak, tag: p.tag, val: v})
		case why == ctlReturn && !p.lambda:
			t.depth--
			panic(&jump{kind: ctlReturn, frame: f.target, val: v})
		}
	}
	t.leave()
	if !c.blocks {
		t.release(f)
	}
	return v
}

// runJumping runs the body of a block that panics may leave: a next inside of an expression, a return of a lambda.
func (t *Interp) runJumping(f *frame, c *blockCode) Value {
	return t.jumpTo(func() Value { return c.body.eval(f) }, func(j *jump) bool { return j.frame == f })
}

// yield calls a block with one value; a block with several parameters takes an Array apart.
func (t *Interp) yield(p *Proc, v Value) Value {
	c := p.code
	if c == nil {
		return p.fn(t, []Value{v}, nil)
	}
	if c.simple < 0 || p.lambda {
		return t.callProc(p, []Value{v}, nil)
	}
	f := t.blockFrame(p)
	switch c.simple {
	case 0:
	case 1:
		f.vars[0] = v
	default:
		if a, ok := v.(*Array); ok {
			copy(f.vars[:c.simple], a.v)
		} else {
			f.vars[0] = v
		}
	}
	return t.runBlock(f, p)
}

// yield2 calls a block with two values.
func (t *Interp) yield2(p *Proc, v, w Value) Value {
	c := p.code
	if c == nil {
		return p.fn(t, []Value{v, w}, nil)
	}
	if c.simple < 0 || p.lambda {
		return t.callProc(p, []Value{v, w}, nil)
	}
	f := t.blockFrame(p)
	if c.simple > 0 {
		f.vars[0] = v
	}
	if c.simple > 1 {
		f.vars[1] = w
	}
	return t.runBlock(f, p)
}

// yieldPair calls a block with one Array of two values.
func (t *Interp) yieldPair(p *Proc, v, w Value) Value {
	if c := p.code; c != nil && c.simple > 1 && !p.lambda {
		return t.yield2(p, v, w)
	}
	if p.lambda && (p.code == nil || p.code.params.required() == 2) && p.meth == nil && p.sym == "" {
		return t.callProc(p, []Value{v, w}, nil)
	}
	return t.yield(p, array(v, w))
}

// call calls a Proc as Proc#call does.
func (t *Interp) call(p *Proc, args ...Value) Value { return t.callProc(p, args, nil) }

// callProc calls a Proc with a block.
func (t *Interp) callProc(p *Proc, args []Value, b *Proc) Value {
	if p.code == nil {
		return p.fn(t, args, b)
	}
	f := t.blockFrame(p)
	if b != nil || p.method != nil {
		f.home = f
		f.block, f.method, f.args = b, p.method, args
	}
	p.code.params.bind(f, args, p.lambda)
	return t.runBlock(f, p)
}

// breakable runs a call whose block may break.
func (t *Interp) breakable(tag *breakTag, f func() Value) Value {
	return t.jumpTo(f, func(j *jump) bool { return j.kind == ctlBreak && j.tag == tag })
}

// respondTo reports whether v has a method.
func (t *Interp) respondTo(v Value, name string) bool { return t.find(v, name) != nil }
