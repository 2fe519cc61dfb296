package ruby

type (
	whileNode struct {
		cond, body node
		until, do  bool
		jumps      bool // a break or next in it may come as a panic
	}
	loopNode struct { // loop { … }
		block *blockCode
		pos   int
	}
	forNode struct {
		v          target
		iter, body node
	}
	caseNode struct {
		subject node
		whens   []whenCode
		other   node
	}
	whenCode struct {
		conds []node
		body  node
	}
	beginNode struct {
		body    node
		rescues []rescueCode
		other   node
		ensure  node
	}
	rescueCode struct {
		classes []node
		v       target
		body    node
	}
	jumpNode struct { // where a statement stands
		kind ctl
		x    node
	}
	panicJump struct { // elsewhere
		kind ctl
		x    node
		loop *whileNode
	}
	yieldNode struct {
		args  []node
		splat bool
	}
	definedNode struct{ f func(f *frame) Value }
)

func (n *jumpNode) eval(f *frame) Value {
	var v Value
	if n.x != nil {
		v = n.x.eval(f)
	}
	f.ctl, f.ret = n.kind, v
	return v
}

func (n *panicJump) eval(f *frame) Value {
	var v Value
	if n.x != nil {
		v = n.x.eval(f)
	}
	j := &jump{kind: n.kind, frame: f, val: v, loop: n.loop}
	switch {
	case n.loop != nil:
	case n.kind == ctlReturn:
		j.frame = f.target
	case n.kind == ctlBreak && f.proc != nil && !f.proc.lambda:
		j.tag, j.frame = f.proc.tag, nil
	}
	panic(j)
}

func (n *whileNode) eval(f *frame) Value {
	first := n.do
	for {
		if !first && truthy(n.cond.eval(f)) == n.until {
			return nil
		}
		first = false
		f.t.turn()
	again:
		if n.jumps {
			if v, out := n.guarded(f); out {
				return v
			}
		} else {
			n.body.eval(f)
		}
		switch f.ctl {
		case ctlNone:
		case ctlNext:
			f.ctl = ctlNone
		case ctlBreak:
			f.ctl = ctlNone
			return f.ret
		case ctlRedo:
			f.ctl = ctlNone
			goto again
		default:
			return nil
		}
	}
}

// guarded runs the body once; out tells that a break came as a panic.
func (n *whileNode) guarded(f *frame) (v Value, out bool) {
	v = f.t.jumpTo(func() Value { return n.body.eval(f) }, func(j *jump) bool {
		out = j.kind == ctlBreak
		return j.loop == n && j.frame == f
	})
	return v, out
}

// eval runs the block again and again without a call each time. A StopIteration ends it.
func (n *loopNode) eval(f *frame) Value {
	t := f.t
	tag := new(breakTag)
	p := &Proc{code: n.block, up: f, self: f.self, cref: f.cref, tag: tag}
	v, exc := t.protect(func() Value {
		run := func() Value {
			for {
				b := t.blockFrame(p)
				t.turn()
				if n.block.jumps {
					t.runJumping(b, n.block)
				} else {
					n.block.body.eval(b)
				}
				switch b.ctl {
				case ctlBreak:
					return b.ret
				case ctlReturn:
					panic(&jump{kind: ctlReturn, frame: b.target, val: b.ret})
				}
				if !n.block.blocks {
					t.release(b)
				}
			}
		}
		if n.block.breaks {
			return t.breakable(tag, run)
		}
		return run()
	})
	if exc != nil {
		if t.inherits(exc.class, t.core.stopIteration) {
			return excData(exc).result
		}
		panic(&raised{exc})
	}
	return v
}

func (n *forNode) eval(f *frame) Value {
	t := f.t
	iter := n.iter.eval(f)
	stopped := false
	var result Value = iter
	t.iterate(iter, func(v Value) bool {
		t.turn()
		n.v.assign(f, v)
		n.body.eval(f)
		switch f.ctl {
		case ctlNone:
		case ctlNext:
			f.ctl = ctlNone
		case ctlBreak:
			f.ctl = ctlNone
			result, stopped = f.ret, true
		default:
			stopped = true
		}
		return !stopped
	})
	return result
}

func (n *caseNode) eval(f *frame) Value {
	t := f.t
	var v Value
	if n.subject != nil {
		v = n.subject.eval(f)
	}
	for i := range n.whens {
		w := &n.whens[i]
		for _, c := range w.conds {
			if s, ok := c.(*splatNode); ok {
				for _, x := range t.splat(s.x.eval(f)) {
					if n.subject == nil && truthy(x) || n.subject != nil && t.caseEq(x, v) {
						return w.body.eval(f)
					}
				}
				continue
			}
			x := c.eval(f)
			if n.subject == nil && truthy(x) || n.subject != nil && t.caseEq(x, v) {
				return w.body.eval(f)
			}
		}
	}
	if n.other == nil {
		return nil
	}
	return n.other.eval(f)
}

func (n *beginNode) eval(f *frame) (v Value) {
	if n.ensure == nil {
		return n.rescued(f)
	}
	v, r := f.t.capture(func() Value { return n.rescued(f) })
	if r != nil {
		// The code of ensure runs, and the panic goes on unless that jumps itself. At the end of the pipeline nothing more runs.
		if _, ok := r.(stopped); ok {
			panic(r)
		}
		n.ensure.eval(f)
		if f.ctl == ctlNone {
			panic(r)
		}
		return f.ret
	}
	why, ret := f.ctl, f.ret
	f.ctl = ctlNone
	n.ensure.eval(f)
	if f.ctl == ctlNone {
		f.ctl, f.ret = why, ret
	}
	return v
}

// rescued runs the body with its rescues.
func (n *beginNode) rescued(f *frame) Value {
	if n.rescues == nil {
		return n.body.eval(f)
	}
	t := f.t
	for {
		v, exc := t.protect(func() Value { return n.body.eval(f) })
		if exc == nil {
			if n.other != nil && f.ctl == ctlNone {
				return n.other.eval(f)
			}
			return v
		}
		r := n.match(f, exc)
		if r == nil {
			panic(&raised{exc})
		}
		if r.v != nil {
			r.v.assign(f, exc)
		}
		outer := t.errinfo
		t.errinfo = exc
		v = r.body.eval(f)
		t.errinfo = outer
		if f.ctl != ctlRetry {
			return v
		}
		f.ctl = ctlNone
		t.turn()
	}
}

// match returns the rescue that takes an exception.
func (n *beginNode) match(f *frame, exc *Object) *rescueCode {
	t := f.t
	for i := range n.rescues {
		r := &n.rescues[i]
		if len(r.classes) == 0 {
			if t.inherits(exc.class, t.core.standardError) {
				return r
			}
			continue
		}
		for _, c := range evalSplat(f, nil, r.classes) {
			k, ok := c.(*Class)
			if !ok {
				if t.truthyCaseEq(c, exc) {
					return r
				}
				continue
			}
			if t.inherits(exc.class, k) {
				return r
			}
		}
	}
	return nil
}

func (t *Interp) truthyCaseEq(c Value, exc *Object) bool {
	if !t.respondTo(c, "===") || isScalar(c) {
		t.typeError("class or module required for rescue clause")
	}
	return t.caseEq(c, exc)
}

func (n *yieldNode) eval(f *frame) Value {
	t := f.t
	b := f.home.block
	if b == nil {
		return t.raise(t.core.localJumpError, "no block given (yield)")
	}
	if n.splat {
		return t.callProc(b, evalSplat(f, nil, n.args), nil)
	}
	switch len(n.args) {
	case 0:
		return t.callProc(b, nil, nil)
	case 1:
		v := n.args[0].eval(f)
		if h, ok := v.(*Hash); ok && h.kw {
			return t.callProc(b, []Value{v}, nil)
		}
		return t.yield(b, v)
	case 2:
		v := n.args[0].eval(f)
		return t.yield2(b, v, n.args[1].eval(f))
	}
	return t.callProc(b, evalAll(f, n.args), nil)
}

func (n *definedNode) eval(f *frame) Value { return n.f(f) }
