package ruby

import "strings"

type (
	lvarNode  struct{ slot int } // of this frame
	outerNode struct{ depth, slot int }
	ivarNode  struct {
		id   int
		name string
	}
	gvarNode  struct{ name string }
	cvarNode  struct{ name string }
	constNode struct {
		scope node
		top   bool
		name  string
		pos   int
		epoch int
		cref  *cref
		v     Value
	}
	asgnNode struct {
		to target
		x  node
	}
	lasgnNode struct { // to a variable of this frame
		slot int
		x    node
	}
	masgnNode struct {
		to *mlhsNode
		x  node
	}
	mlhsNode struct {
		pre   []target
		rest  target // nil: nobody
		splat bool
		post  []target
	}
	indexTarget struct {
		recv node
		args []node
		pos  int
	}
	attrTarget struct {
		recv node
		name string
		safe bool
		pos  int
	}
	opAsgnNode struct {
		get node
		to  target
		op  *opNode // its operands are set when it runs
		x   node
	}
	logicAsgnNode struct {
		get     node
		to      target
		x       node
		and     bool
		defined func(f *frame) bool
	}
	opIndexNode struct {
		recv node
		args []node
		op   string
		x    node
		pos  int
	}
	opAttrNode struct {
		recv node
		name string
		op   string
		x    node
		safe bool
		pos  int
	}
)

func (n *lvarNode) eval(f *frame) Value      { return f.vars[n.slot] }
func (n *lvarNode) assign(f *frame, v Value) { f.vars[n.slot] = v }

func (n *outerNode) frame(f *frame) *frame {
	for d := n.depth; d > 0; d-- {
		f = f.up
	}
	return f
}

func (n *outerNode) eval(f *frame) Value      { return n.frame(f).vars[n.slot] }
func (n *outerNode) assign(f *frame, v Value) { n.frame(f).vars[n.slot] = v }

func (n *ivarNode) eval(f *frame) Value {
	switch o := f.self.(type) {
	case *Object:
		return o.ivar(n.id)
	case *Class:
		if n.id < len(o.ivars) && o.ivars[n.id] != undef {
			return o.ivars[n.id]
		}
	}
	return nil
}

func (n *ivarNode) assign(f *frame, v Value) {
	switch o := f.self.(type) {
	case *Object:
		f.t.notFrozen(o)
		o.setIvar(n.id, v)
	case *Class:
		if o.core {
			f.t.raise(f.t.core.runtimeError, "instance variables of %s are not supported", o.name)
		}
		for len(o.ivars) <= n.id {
			o.ivars = append(o.ivars, undef)
		}
		o.ivars[n.id] = v
	default:
		f.t.raise(f.t.core.frozenError, "can't modify frozen %s: %s", f.t.className(f.self), f.t.inspect(f.self))
	}
}

func (n *gvarNode) eval(f *frame) Value {
	t := f.t
	switch n.name {
	case "$~":
		if t.match == nil {
			return nil
		}
		return t.match
	case "$!":
		return t.errinfo
	case "$stdout", "$stderr", "$stdin":
		return t.stream(n.name)
	case "$0", "$PROGRAM_NAME":
		return strValue("millrace")
	}
	if c := n.name[1]; c >= '1' && c <= '9' || len(n.name) == 2 && strings.IndexByte("&`'+", c) >= 0 {
		return t.match.special(n.name[1:])
	}
	return t.globals[n.name]
}

func (n *gvarNode) assign(f *frame, v Value) {
	if n.name == "$~" {
		f.t.match, _ = v.(*MatchData)
		return
	}
	f.t.globals[n.name] = v
}

// cvarClass returns the class whose class variables code in f sees.
func cvarClass(f *frame) *Class {
	switch {
	case f.cref == nil:
		return f.t.top
	case f.cref.class.singular:
		return f.cref.class.of
	}
	return f.cref.class
}

func (n *cvarNode) holder(f *frame) *Class {
	for c := cvarClass(f); c != nil; c = c.super {
		if _, ok := c.cvars[n.name]; ok {
			return c
		}
	}
	return nil
}

func (n *cvarNode) eval(f *frame) Value {
	if v, ok := f.t.globals[n.name]; ok { // of code at the top
		return v
	}
	if c := n.holder(f); c != nil {
		return c.cvars[n.name]
	}
	return f.t.raise(f.t.core.nameError, "uninitialized class variable %s in %s", n.name, cvarClass(f).name)
}

func (n *cvarNode) assign(f *frame, v Value) {
	c := n.holder(f)
	if c == nil {
		c = cvarClass(f)
	}
	if c.core {
		f.t.globals[n.name] = v
		return
	}
	if c.cvars == nil {
		c.cvars = make(map[string]Value)
	}
	c.cvars[n.name] = v
}

func (n *constNode) eval(f *frame) Value {
	t := f.t
	if n.epoch == t.epoch+1 && n.cref == f.cref && n.scope == nil {
		return n.v
	}
	v := n.look(f)
	n.v, n.epoch, n.cref = v, t.epoch+1, f.cref
	return v
}

func (n *constNode) look(f *frame) Value {
	t := f.t
	t.pos = n.pos
	if n.scope != nil {
		s := n.scope.eval(f)
		c, ok := s.(*Class)
		if !ok {
			return t.typeError("%s is not a class/module", t.inspect(s))
		}
		if v, ok := t.constOf(c, n.name); ok {
			return v
		}
		return t.raise(t.core.nameError, "uninitialized constant %s::%s", c.name, n.name)
	}
	if v, ok := t.lexicalConst(f.cref, n.name, n.top); ok {
		return v
	}
	exc := t.newException(t.core.nameError, "uninitialized constant "+n.name)
	excData(exc).name = n.name
	panic(&raised{exc})
}

// lexicalConst looks a constant up in the classes around, then in what the innermost inherits from.
func (t *Interp) lexicalConst(c *cref, name string, top bool) (Value, bool) {
	if !top {
		for k := c; k != nil; k = k.up {
			if v, ok := t.constIn(k.class, name); ok {
				return v, true
			}
		}
		if c != nil {
			if v, ok := t.constOf(c.class, name); ok {
				return v, true
			}
			if c.class.of != nil {
				if v, ok := t.constOf(c.class.of, name); ok {
					return v, true
				}
			}
		}
	}
	return t.constOf(t.core.object, name)
}

func (n *constNode) assign(f *frame, v Value) {
	t := f.t
	c := t.core.object
	if n.scope != nil {
		k, ok := n.scope.eval(f).(*Class)
		if !ok {
			t.typeError("%s is not a class/module", t.inspect(v))
		}
		c = k
	} else if f.cref != nil && !n.top {
		c = f.cref.class
	}
	t.setConst(c, n.name, v)
}

func (n *lasgnNode) eval(f *frame) Value {
	v := n.x.eval(f)
	f.vars[n.slot] = v
	return v
}

func (n *asgnNode) eval(f *frame) Value {
	v := n.x.eval(f)
	n.to.assign(f, v)
	return v
}

func (n *masgnNode) eval(f *frame) Value {
	v := n.x.eval(f)
	n.to.assign(f, v)
	return v
}

// assign takes v apart.
func (n *mlhsNode) assign(f *frame, v Value) {
	var vals []Value
	switch v := v.(type) {
	case *Array:
		vals = v.v
	case nil, *Hash:
		vals = []Value{v}
	default:
		vals = []Value{v}
		if t := f.t; !isScalar(v) && t.respondTo(v, "to_ary") {
			if a, ok := t.send(v, "to_ary").(*Array); ok {
				vals = a.v
			}
		}
	}
	n.spread(f, vals)
}

func (n *mlhsNode) spread(f *frame, vals []Value) {
	at := func(i int) Value {
		if i < len(vals) {
			return vals[i]
		}
		return nil
	}
	for i, to := range n.pre {
		to.assign(f, at(i))
	}
	if !n.splat {
		return
	}
	rest := max(0, len(vals)-len(n.pre)-len(n.post))
	if n.rest != nil {
		var some []Value
		if rest > 0 {
			some = append(some, vals[len(n.pre):len(n.pre)+rest]...)
		}
		n.rest.assign(f, arrayOf(some))
	}
	for i, to := range n.post {
		to.assign(f, at(len(n.pre)+rest+i))
	}
}

func (n *indexTarget) assign(f *frame, v Value) {
	t := f.t
	recv := n.recv.eval(f)
	args := evalSplat(f, nil, n.args)
	t.pos = n.pos
	if h, ok := recv.(*Hash); ok && len(args) == 1 && !h.frozen {
		t.hashSet(h, args[0], v)
		return
	}
	t.send(recv, "[]=", append(args, v)...)
}

func (n *attrTarget) assign(f *frame, v Value) {
	recv := n.recv.eval(f)
	if n.safe && recv == nil {
		return
	}
	f.t.pos = n.pos
	f.t.send(recv, n.name+"=", v)
}

func (n *opAsgnNode) eval(f *frame) Value {
	old := n.get.eval(f)
	v := n.op.apply(f, old, n.x.eval(f))
	n.to.assign(f, v)
	return v
}

func (n *logicAsgnNode) eval(f *frame) Value {
	var old Value
	if n.defined == nil || n.defined(f) {
		old = n.get.eval(f)
	}
	if truthy(old) != n.and {
		return old
	}
	v := n.x.eval(f)
	n.to.assign(f, v)
	return v
}

// operate computes old op x for the assignments to an index or attribute; done tells that there is nothing to assign.
func operate(f *frame, op string, old Value, x node) (v Value, done bool) {
	switch op {
	case "||":
		if truthy(old) {
			return old, true
		}
		return x.eval(f), false
	case "&&":
		if !truthy(old) {
			return old, true
		}
		return x.eval(f), false
	}
	return f.t.binaryOp(op, old, x.eval(f)), false
}

func (n *opIndexNode) eval(f *frame) Value {
	t := f.t
	recv := n.recv.eval(f)
	args := evalSplat(f, nil, n.args)
	t.pos = n.pos
	v, done := operate(f, n.op, t.send(recv, "[]", args...), n.x)
	if !done {
		t.pos = n.pos
		t.send(recv, "[]=", append(args, v)...)
	}
	return v
}

func (n *opAttrNode) eval(f *frame) Value {
	t := f.t
	recv := n.recv.eval(f)
	if recv == nil && n.safe {
		return nil
	}
	t.pos = n.pos
	v, done := operate(f, n.op, t.send(recv, n.name), n.x)
	if !done {
		t.pos = n.pos
		t.send(recv, n.name+"=", v)
	}
	return v
}
