package ruby

import "millrace/internal/ruby/syntax"

// matcher reports whether a value matches a pattern, and sets the pattern's variables.
type matcher func(f *frame, v Value) bool

type caseInNode struct {
	subject node
	ins     []inCode
	other   node
	hasElse bool
	test    bool
}

type inCode struct {
	match matcher
	guard node
	body  node
}

func (n *caseInNode) eval(f *frame) Value {
	v := n.subject.eval(f)
	for i := range n.ins {
		in := &n.ins[i]
		if !in.match(f, v) || in.guard != nil && !truthy(in.guard.eval(f)) {
			continue
		}
		if n.test {
			return true
		}
		if in.body == nil {
			return nil
		}
		return in.body.eval(f)
	}
	if n.test {
		return false
	}
	if n.hasElse {
		if n.other == nil {
			return nil
		}
		return n.other.eval(f)
	}
	return f.t.raise(f.t.core.noMatchingPattern, "%s", f.t.inspect(v))
}

func (c *compiler) caseIn(n *syntax.CaseIn, stmt bool) node {
	k := &caseInNode{subject: c.expr(n.Subject), hasElse: n.HasElse, test: n.Test}
	for _, in := range n.Ins {
		code := inCode{match: c.pattern(in.Pat)}
		code.guard = c.optional(in.Guard, false)
		code.body = c.optional(in.Body, stmt)
		k.ins = append(k.ins, code)
	}
	k.other = c.optional(n.Else, stmt)
	return k
}

// pattern compiles a pattern.
func (c *compiler) pattern(n syntax.Node) matcher {
	switch n := n.(type) {
	case *syntax.PatVar:
		v := c.variable(n.Name).(target)
		return func(f *frame, x Value) bool { v.assign(f, x); return true }
	case *syntax.PatBind:
		m, v := c.pattern(n.Pat), c.variable(n.Name).(target)
		return func(f *frame, x Value) bool {
			if !m(f, x) {
				return false
			}
			v.assign(f, x)
			return true
		}
	case *syntax.PatAlt:
		a, b := c.pattern(n.X), c.pattern(n.Y)
		return func(f *frame, x Value) bool { return a(f, x) || b(f, x) }
	case *syntax.PatPin:
		k := c.expr(n.X)
		return func(f *frame, x Value) bool { return f.t.caseEq(k.eval(f), x) }
	case *syntax.PatArray:
		return c.arrayPattern(n)
	case *syntax.PatHash:
		return c.hashPattern(n)
	}
	k := c.expr(n)
	return func(f *frame, x Value) bool { return f.t.caseEq(k.eval(f), x) }
}

// ofClass compiles the constant in front of a pattern.
func (c *compiler) ofClass(n syntax.Node) matcher {
	if n == nil {
		return func(*frame, Value) bool { return true }
	}
	k := c.expr(n)
	return func(f *frame, x Value) bool { return f.t.caseEq(k.eval(f), x) }
}

func (c *compiler) arrayPattern(n *syntax.PatArray) matcher {
	class := c.ofClass(n.Const)
	var pre, post []matcher
	var rest target
	splat := false
	for _, item := range n.Items {
		if s, ok := item.(*syntax.Splat); ok {
			if splat {
				c.fail(n, "the find pattern [*, x, *] is not supported")
			}
			splat = true
			if s.Value != nil {
				rest = c.target(s.Value)
			}
			continue
		}
		if splat {
			post = append(post, c.pattern(item))
		} else {
			pre = append(pre, c.pattern(item))
		}
	}
	return func(f *frame, x Value) bool {
		if !class(f, x) {
			return false
		}
		a, ok := x.(*Array)
		if !ok && !isScalar(x) && f.t.respondTo(x, "deconstruct") {
			a, ok = f.t.send(x, "deconstruct").(*Array)
		}
		if !ok || len(a.v) < len(pre)+len(post) || !splat && len(a.v) > len(pre) {
			return false
		}
		for i, m := range pre {
			if !m(f, a.v[i]) {
				return false
			}
		}
		end := len(a.v) - len(post)
		for i, m := range post {
			if !m(f, a.v[end+i]) {
				return false
			}
		}
		if rest != nil {
			rest.assign(f, arrayOf(append([]Value(nil), a.v[len(pre):end]...)))
		}
		return true
	}
}

func (c *compiler) hashPattern(n *syntax.PatHash) matcher {
	class := c.ofClass(n.Const)
	keys := make([]*Symbol, len(n.Keys))
	pats := make([]matcher, len(n.Keys))
	for i, k := range n.Keys {
		keys[i] = c.t.sym(k)
		if n.Pats[i] != nil {
			pats[i] = c.pattern(n.Pats[i])
			continue
		}
		v := c.variable(k).(target)
		pats[i] = func(f *frame, x Value) bool { v.assign(f, x); return true }
	}
	var rest target
	if n.Rest != "" && n.Rest != "*" && n.Rest != "nil" {
		rest = c.variable(n.Rest).(target)
	}
	return func(f *frame, x Value) bool {
		if !class(f, x) {
			return false
		}
		h, ok := x.(*Hash)
		if !ok && !isScalar(x) && f.t.respondTo(x, "deconstruct_keys") {
			h, ok = f.t.send(x, "deconstruct_keys", nil).(*Hash)
		}
		if !ok || n.Rest == "nil" && h.live > len(keys) || len(keys) == 0 && n.Rest == "" && h.live > 0 {
			return false
		}
		for i, k := range keys {
			v, ok := h.get(f.t, k)
			if !ok || !pats[i](f, v) {
				return false
			}
		}
		if rest != nil {
			left := h.dup()
			for _, k := range keys {
				left.remove(f.t, k)
			}
			rest.assign(f, left)
		}
		return true
	}
}
