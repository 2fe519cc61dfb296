package ruby

// callNode is a call of a method.
type callNode struct {
	recv  node // nil: self
	name  string
	args  []node
	block *blockCode
	pass  node
	pos   int
	safe  bool
	splat bool
	kw    bool // the last argument is a hash without braces
	vcall bool

	class  *Class // of the receiver the last time
	method *Method
	epoch  int
	fixed  []Value // arguments that are literals, as they are given to methods that do not keep them
}

func (n *callNode) eval(f *frame) Value {
	recv := f.self
	if n.recv != nil {
		recv = n.recv.eval(f)
		if recv == nil && n.safe {
			return nil
		}
	}
	t := f.t
	if n.block != nil {
		p := &Proc{code: n.block, up: f, self: f.self, cref: f.cref, lambda: n.block.lambda}
		if !n.block.breaks {
			return n.dispatch(f, recv, p)
		}
		p.tag = new(breakTag)
		return t.breakable(p.tag, func() Value { return n.dispatch(f, recv, p) })
	}
	if n.pass != nil {
		return n.dispatchPass(f, recv)
	}
	return n.dispatch(f, recv, nil)
}

// dispatchPass calls with &x as the block.
func (n *callNode) dispatchPass(f *frame, recv Value) Value {
	v := n.pass.eval(f)
	p := f.t.toProc(v)
	return n.dispatch(f, recv, p)
}

// lookup returns the method for recv.
func (n *callNode) lookup(t *Interp, recv Value) *Method {
	c := t.classOf(recv)
	if c == n.class && n.epoch == t.epoch {
		return n.method
	}
	n.class, n.epoch = c, t.epoch
	n.method = t.findMethod(c, n.name)
	return n.method
}

// dispatch evaluates the arguments and calls the method.
func (n *callNode) dispatch(f *frame, recv Value, b *Proc) Value {
	t := f.t
	m := n.lookup(t, recv)
	if n.splat {
		args := evalSplat(f, nil, n.args)
		t.pos = n.pos
		return n.apply(t, m, recv, args, b)
	}
	if len(n.args) == 0 {
		t.pos = n.pos
		return n.apply(t, m, recv, nil, b)
	}
	args := t.room(len(n.args))
	for i, a := range n.args {
		if n.fixed != nil && n.fixed[i] != nil && m != nil && m.fn != nil && lends[m.name] {
			args[i] = n.fixed[i]
			continue
		}
		args[i] = a.eval(f)
	}
	t.pos = n.pos
	v := n.apply(t, m, recv, args, b)
	t.free(args)
	return v
}

func (n *callNode) apply(t *Interp, m *Method, recv Value, args []Value, b *Proc) Value {
	if m == nil || m.private && n.recv != nil && m.fn == nil && recv != Value(nil) && !n.selfRecv() {
		return n.failed(t, m, recv, args, b)
	}
	if n.kw && m.fn != nil && !m.kw {
		if h, ok := args[len(args)-1].(*Hash); ok {
			if h.live == 0 && m.max >= 0 && len(args) > m.max {
				args = args[:len(args)-1]
			} else {
				h.kw = false
			}
		}
	}
	if m.fn != nil {
		if len(args) < m.min || m.max >= 0 && len(args) > m.max {
			t.arity(len(args), m.min, m.max)
		}
		if b == nil && m.enum {
			return t.enumFor(recv, m.name, args)
		}
		return m.fn(t, recv, args, b)
	}
	return t.invoke(m, recv, args, b)
}

func (n *callNode) selfRecv() bool {
	_, ok := n.recv.(*selfNode)
	return ok
}

func (n *callNode) failed(t *Interp, m *Method, recv Value, args []Value, b *Proc) Value {
	if m != nil {
		return t.raise(t.core.noMethodError, "private method `%s' called for %s", n.name, t.describeReceiver(recv))
	}
	return t.missing(recv, n.name, append([]Value(nil), args...), b, n.vcall)
}

// lends are the methods of the library that neither keep nor change a String they get, nor give it back.
var lends = map[string]bool{
	"get": true, "remove": true, "include?": true, "tag": true, "split": true, "start_with?": true, "end_with?": true, "==": true, "[]": true, "key?": true,
	"has_key?": true, "dig": true, "index": true, "rindex": true, "join": true, "gsub": true, "sub": true, "match?": true, "+": true, "strftime": true, "tr": true, "delete": true,
	"count": true, "squeeze": true, "scan": true, "delete_prefix": true, "delete_suffix": true, "is_a?": true, "set": true, "eql?": true, "!=": true, "casecmp": true, "casecmp?": true,
	"strptime": true, "unpack": true, "unpack1": true, "pack": true, "partition": true, "rpartition": true, "respond_to?": true, "=~": true, "member?": true, "chomp": true, "ljust": true, "rjust": true,
}

// superNode calls the method of the superclass.
type superNode struct {
	given bool
	args  []node
	block *blockCode
	pass  node
	pos   int
}

func (n *superNode) eval(f *frame) Value {
	t := f.t
	h := f.home
	if h.method == nil {
		return t.raise(t.core.runtimeError, "super called outside of method")
	}
	var args []Value
	if n.given {
		args = evalSplat(f, nil, n.args)
	} else {
		args = append(args, h.args...)
		if c := h.method.user; c != nil {
			args = currentArgs(h, c.params, args)
		}
	}
	b := h.block
	if n.pass != nil {
		b = t.toProc(n.pass.eval(f))
	}
	var tag *breakTag
	if n.block != nil {
		tag = new(breakTag)
		b = &Proc{code: n.block, up: f, self: f.self, cref: f.cref, tag: tag}
	}
	t.pos = n.pos
	m := t.superMethod(h.self, h.method)
	if m == nil {
		return t.raise(t.core.noMethodError, "super: no superclass method `%s' for %s", h.method.name, t.describeReceiver(h.self))
	}
	if tag != nil {
		return t.breakable(tag, func() Value { return t.invoke(m, h.self, args, b) })
	}
	return t.invoke(m, h.self, args, b)
}

// currentArgs returns the arguments of a method with the values that its parameters have now.
func currentArgs(h *frame, p *paramCode, args []Value) []Value {
	if p == nil {
		return args
	}
	var out []Value
	required := func(slots []paramSlot, from int) {
		for i := range slots {
			if slots[i].pattern == nil {
				out = append(out, h.vars[slots[i].slot])
			} else if from+i < len(args) {
				out = append(out, args[from+i])
			}
		}
	}
	required(p.req, 0)
	for i := range p.opt {
		out = append(out, h.vars[p.opt[i].slot])
	}
	switch {
	case p.rest >= 0:
		if a, ok := h.vars[p.rest].(*Array); ok {
			out = append(out, a.v...)
		}
	case p.rest == -2 && len(args) > len(out):
		out = append(out, args[len(out):]...)
	}
	required(p.post, len(args)-len(p.post))
	if len(p.kw) > 0 || p.kwRest >= 0 {
		kw := &Hash{kw: true}
		for i := range p.kw {
			kw.set(h.t, h.t.sym(p.kw[i].name), h.vars[p.kw[i].slot])
		}
		if p.kwRest >= 0 {
			h.t.merge(kw, []Value{h.vars[p.kwRest]}, nil)
		}
		out = append(out, kw)
	}
	return out
}

// superMethod returns the method behind m among those of self.
func (t *Interp) superMethod(self Value, m *Method) *Method {
	found := false
	for c := t.classOf(self); c != nil; c = c.super {
		for _, k := range t.lineage(c) {
			if found {
				if x := t.ownMethod(k, m.name); x != nil {
					return x
				}
			}
			if k == m.owner {
				found = true
			}
		}
	}
	return nil
}

// lineage returns c and its modules in the order in which methods are looked up.
func (t *Interp) lineage(c *Class) []*Class {
	out := []*Class{c}
	for i := len(c.includes) - 1; i >= 0; i-- {
		out = append(out, t.lineage(c.includes[i])...)
	}
	return out
}

func (t *Interp) ownMethod(c *Class, name string) *Method {
	if t.ext != nil {
		if o := t.ext[c]; o != nil && o.methods[name] != nil {
			return o.methods[name]
		}
	}
	return c.methods[name]
}

// procNode is -> { }.
type procNode struct{ block *blockCode }

func (n *procNode) eval(f *frame) Value {
	return &Proc{code: n.block, up: f, self: f.self, cref: f.cref, lambda: true}
}
