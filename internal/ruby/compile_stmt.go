package ruby

import (
	"millrace/internal/ruby/syntax"
)

// isMain reports whether n is __FILE__ == $0, which is never true of a filter.
func isMain(n syntax.Node) bool {
	c, ok := n.(*syntax.Call)
	if !ok || c.Name != "==" || len(c.Args) != 1 {
		return false
	}
	x, y := c.Recv, c.Args[0]
	if _, turned := y.(*syntax.FileName); turned {
		x, y = y, x
	}
	_, file := x.(*syntax.FileName)
	v, variable := y.(*syntax.GVar)
	return file && variable && (v.Name == "$0" || v.Name == "$PROGRAM_NAME")
}

// target compiles what can be assigned to.
func (c *compiler) target(n syntax.Node) target {
	switch n := n.(type) {
	case *syntax.LVar:
		return c.variable(n.Name).(target)
	case *syntax.IVar:
		return c.plain(n).(target)
	case *syntax.GVar, *syntax.CVar:
		return c.plain(n).(target)
	case *syntax.Const:
		c.uses.state = true
		c.uses.defines(n.Name)
		k := &constNode{name: n.Name, top: n.Top, pos: n.At()}
		if n.Scope != nil {
			k.scope = c.expr(n.Scope)
		}
		return k
	case *syntax.MLHS:
		return c.mlhs(n)
	case *syntax.Call:
		if n.Name == "[]" && n.Parens {
			c.uses.name(n.Place, "[]=")
			return &indexTarget{c.expr(n.Recv), c.exprs(n.Args), n.Place}
		}
		c.uses.name(n.Place, n.Name+"=")
		return &attrTarget{c.expr(n.Recv), n.Name, n.Safe, n.Place}
	}
	c.fail(n, "syntax error: this cannot be assigned to")
	return nil
}

func (c *compiler) mlhs(m *syntax.MLHS) *mlhsNode {
	n := &mlhsNode{}
	for _, item := range m.Items {
		if s, ok := item.(*syntax.Splat); ok {
			n.splat = true
			if s.Value != nil {
				n.rest = c.target(s.Value)
			}
			continue
		}
		if n.splat {
			n.post = append(n.post, c.target(item))
		} else {
			n.pre = append(n.pre, c.target(item))
		}
	}
	return n
}

func (c *compiler) assign(n *syntax.Asgn) node {
	if a, ok := n.Target.(*syntax.MLHS); ok {
		m := c.mlhs(a)
		return &masgnNode{m, c.expr(n.Value)}
	}
	if k, ok := n.Target.(*syntax.Const); ok {
		to := c.target(k)
		return &asgnNode{to, c.expr(n.Value)}
	}
	to := c.target(n.Target)
	x := c.expr(n.Value)
	if l, ok := to.(*lvarNode); ok {
		return &lasgnNode{l.slot, x}
	}
	return &asgnNode{to, x}
}

func (c *compiler) opAssign(n *syntax.OpAsgn) node {
	if call, ok := n.Target.(*syntax.Call); ok {
		c.uses.name(call.Place, call.Name)
		if call.Name == "[]" && call.Parens {
			return &opIndexNode{c.expr(call.Recv), c.exprs(call.Args), n.Op, c.expr(n.Value), call.Place}
		}
		return &opAttrNode{c.expr(call.Recv), call.Name, n.Op, c.expr(n.Value), call.Safe, call.Place}
	}
	to := c.target(n.Target)
	get := to.(node)
	x := c.expr(n.Value)
	if n.Op != "||" && n.Op != "&&" {
		return &opAsgnNode{get, to, &opNode{op: fastOps[n.Op], call: callNode{name: n.Op, pos: n.At()}}, x}
	}
	l := &logicAsgnNode{get: get, to: to, x: x, and: n.Op == "&&"}
	switch k := to.(type) {
	case *constNode:
		l.defined = func(f *frame) bool { _, ok := f.t.lexicalConst(f.cref, k.name, k.top); return ok }
	case *cvarNode:
		l.defined = func(f *frame) bool { _, ok := f.t.globals[k.name]; return ok || k.holder(f) != nil }
	}
	return l
}

func (c *compiler) caseWhen(n *syntax.Case, stmt bool) node {
	k := &caseNode{subject: c.optional(n.Subject, false), other: c.optional(n.Else, stmt)}
	for _, w := range n.Whens {
		k.whens = append(k.whens, whenCode{c.exprs(w.Conds), c.compile(w.Body, stmt)})
	}
	return k
}

func (c *compiler) begin(n *syntax.Begin, stmt bool) node {
	if n.Rescues == nil && n.Ensure == nil && n.Else == nil {
		return c.compile(n.Body, stmt)
	}
	b := &beginNode{body: c.compile(n.Body, stmt), other: c.optional(n.Else, stmt), ensure: c.optional(n.Ensure, stmt)}
	for _, r := range n.Rescues {
		k := rescueCode{classes: c.exprs(r.Classes)}
		if r.Var != nil {
			k.v = c.target(r.Var)
		}
		k.body = c.compile(r.Body, true)
		if !stmt && jumpsOut(k.body) {
			k.body = c.compile(r.Body, false)
		}
		b.rescues = append(b.rescues, k)
	}
	return b
}

// jumpsOut reports whether n is a jump other than retry.
func jumpsOut(n node) bool {
	switch n := n.(type) {
	case *jumpNode:
		return n.kind != ctlRetry
	case *seqNode:
		for _, x := range n.list {
			if jumpsOut(x) {
				return true
			}
		}
	case *ifNode:
		return jumpsOut(n.then) || jumpsOut(n.other)
	case *andNode:
		return jumpsOut(n.y)
	case *orNode:
		return jumpsOut(n.y)
	case *caseNode:
		for i := range n.whens {
			if jumpsOut(n.whens[i].body) {
				return true
			}
		}
		return jumpsOut(n.other)
	case *beginNode:
		for i := range n.rescues {
			if jumpsOut(n.rescues[i].body) {
				return true
			}
		}
		return jumpsOut(n.body) || jumpsOut(n.other) || jumpsOut(n.ensure)
	}
	return false
}

func (c *compiler) while(n *syntax.While) node {
	w := &whileNode{until: n.Until, do: n.DoWhile}
	s := c.scope
	s.loops = append(s.loops, w)
	w.cond = c.cond(n.Cond)
	w.body = c.body(n.Body)
	s.loops = s.loops[:len(s.loops)-1]
	return w
}

func (c *compiler) forLoop(n *syntax.For) node {
	k := &forNode{v: c.target(n.Var), iter: c.expr(n.Iter)}
	s := c.scope
	w := &whileNode{}
	s.loops = append(s.loops, w)
	k.body = c.body(n.Body)
	s.loops = s.loops[:len(s.loops)-1]
	if w.jumps {
		c.fail(n, "break or next inside of an expression of a for loop is not supported")
	}
	return k
}

func (c *compiler) super(n *syntax.Super) node {
	k := &superNode{given: n.Given, args: c.exprs(n.Args), pos: n.At(), pass: c.optional(n.Pass, false)}
	if n.Block != nil {
		k.block = c.block(n.Block, blockScope)
	}
	return k
}

// matchNames compiles /(?<name>…)/ =~ x, which sets variables.
func (c *compiler) matchNames(n *syntax.Call) node {
	re := c.expr(n.Recv)
	x := c.expr(n.Args[0])
	var names []string
	var to []target
	for _, a := range n.Args[1:] {
		v := a.(*syntax.LVar)
		names = append(names, v.Name)
		to = append(to, c.variable(v.Name).(target))
	}
	return &definedNode{func(f *frame) Value {
		t := f.t
		v := t.send(re.eval(f), "=~", x.eval(f))
		for i, name := range names {
			var g Value
			if t.match != nil && v != nil {
				g, _ = t.match.named(name)
			}
			to[i].assign(f, g)
		}
		return v
	}}
}

// constant compiles a constant, whose absence is an error of the code if nothing can define it.
func (c *compiler) constant(n *syntax.Const) node {
	k := &constNode{name: n.Name, top: n.Top, pos: n.At()}
	if n.Scope != nil {
		k.scope = c.expr(n.Scope)
	}
	c.uses.constant(n)
	return k
}

// defined compiles defined?(x).
func (c *compiler) defined(n *syntax.Defined) node {
	text := func(s string) node { return &stringNode{s: s} }
	x := n.X
	if s, ok := x.(*syntax.Seq); ok && len(s.List) == 1 {
		x = s.List[0]
	}
	switch x := x.(type) {
	case *syntax.LVar:
		return text("local-variable")
	case *syntax.IVar:
		id := c.t.ivarID(x.Name)
		return &definedNode{func(f *frame) Value {
			if o, ok := f.self.(*Object); ok && id < len(o.ivars) && o.ivars[id] != undef {
				return strValue("instance-variable")
			}
			return nil
		}}
	case *syntax.GVar:
		return &definedNode{func(f *frame) Value {
			if _, ok := f.t.globals[x.Name]; ok {
				return strValue("global-variable")
			}
			return nil
		}}
	case *syntax.Const:
		c.uses.quiet++
		k := c.expr(x)
		c.uses.quiet--
		return tested(k, "constant")
	case *syntax.Call:
		return c.definedCall(x)
	case *syntax.Self:
		return text("self")
	case *syntax.Nil:
		return text("expression")
	case *syntax.Yield:
		return &definedNode{func(f *frame) Value {
			if f.home.block != nil {
				return strValue("yield")
			}
			return nil
		}}
	case *syntax.Asgn, *syntax.OpAsgn, *syntax.MAsgn:
		return text("assignment")
	}
	return tested(c.expr(x), "expression")
}

// tested is a word if x can be evaluated.
func tested(x node, word string) node {
	return &definedNode{func(f *frame) Value {
		if _, exc := f.t.protect(func() Value { return x.eval(f) }); exc != nil {
			return nil
		}
		return strValue(word)
	}}
}

func (c *compiler) definedCall(x *syntax.Call) node {
	if x.Recv == nil {
		return &definedNode{func(f *frame) Value {
			if f.t.respondTo(f.self, x.Name) {
				return strValue("method")
			}
			return nil
		}}
	}
	recv := c.expr(x.Recv)
	return &definedNode{func(f *frame) Value {
		v, exc := f.t.protect(func() Value { return recv.eval(f) })
		if exc == nil && f.t.respondTo(v, x.Name) {
			return strValue("method")
		}
		return nil
	}}
}
