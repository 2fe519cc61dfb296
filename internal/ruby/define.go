package ruby

import (
	"millrace/internal/ruby/syntax"
)

// method compiles a body with parameters in a scope of its own.
func (c *compiler) method(name string, params *syntax.Params, body syntax.Node) *methodCode {
	outer := c.scope
	s := newScope(methodScope, nil)
	c.scope = s
	code := &methodCode{name: name, src: c.src}
	code.params, _ = c.params(params)
	code.body = c.body(body)
	code.vars, code.blocks, code.jumps = s.n, s.blocks, s.jumps
	c.scope = outer
	return code
}

// definition compiles what defines methods, classes and modules.
func (c *compiler) definition(n syntax.Node) node {
	switch n := n.(type) {
	case *syntax.Def:
		c.uses.defines(n.Name)
		d := &defNode{name: n.Name, code: c.method(n.Name, n.Params, n.Body)}
		if n.Singleton != nil {
			d.singleton = c.expr(n.Singleton)
		}
		return d
	case *syntax.Class:
		c.uses.state = true
		c.uses.defines(n.Path.Name)
		d := &classNode{name: n.Path.Name, super: c.optional(n.Super, false), pos: n.At()}
		if n.Path.Scope != nil {
			d.scope = c.expr(n.Path.Scope)
		}
		d.body, d.vars, d.blocks = c.classBody(n.Body)
		return d
	case *syntax.Module:
		c.uses.state = true
		c.uses.defines(n.Path.Name)
		d := &classNode{name: n.Path.Name, module: true, pos: n.At()}
		if n.Path.Scope != nil {
			d.scope = c.expr(n.Path.Scope)
		}
		d.body, d.vars, d.blocks = c.classBody(n.Body)
		return d
	case *syntax.SClass:
		c.uses.state = true
		d := &classNode{singleton: c.expr(n.X), pos: n.At()}
		d.body, d.vars, d.blocks = c.classBody(n.Body)
		return d
	case *syntax.Alias:
		c.uses.state = true
		c.uses.defines(n.New)
		return &definedNode{func(f *frame) Value { f.t.aliasMethod(definee(f), n.New, n.Old); return nil }}
	case *syntax.Undef:
		c.uses.state = true
		return &definedNode{func(f *frame) Value {
			for _, name := range n.Names {
				f.t.addMethod(definee(f), &Method{name: name})
			}
			return nil
		}}
	}
	return &definedNode{func(f *frame) Value {
		if f.home.method == nil {
			return nil
		}
		return f.t.sym(f.home.method.name)
	}}
}

func (c *compiler) classBody(n syntax.Node) (body node, vars int, blocks bool) {
	outer := c.scope
	s := newScope(classScope, nil)
	c.scope = s
	body = c.body(n)
	c.scope = outer
	return body, s.n, s.blocks
}

type (
	defNode struct {
		name      string
		singleton node
		code      *methodCode
	}
	classNode struct {
		name      string
		scope     node
		super     node
		singleton node
		module    bool
		body      node
		vars      int
		blocks    bool
		pos       int
	}
)

// definee returns the class that def adds to.
func definee(f *frame) *Class {
	if f.cref != nil {
		return f.cref.class
	}
	return f.t.self.class
}

func (n *defNode) eval(f *frame) Value {
	t := f.t
	code := *n.code
	code.cref = f.cref
	m := &Method{name: n.name, user: &code}
	if n.singleton != nil {
		v := n.singleton.eval(f)
		switch v := v.(type) {
		case *Class:
			t.addMethod(v.meta, m)
		case *Object:
			t.addMethod(t.singleton(v), m)
		default:
			t.typeError("can't define singleton")
		}
		return t.sym(n.name)
	}
	c := definee(f)
	if mod, ok := f.self.(*Class); ok {
		m.private = mod == c && t.privateIn == mod
		if t.moduleFnIn == mod {
			copied := *m
			t.addMethod(mod.meta, &copied)
		}
	}
	t.addMethod(c, m)
	return t.sym(n.name)
}

// singleton returns the class of one object alone.
func (t *Interp) singleton(o *Object) *Class {
	t.notFrozen(o) // what all interpreters share is frozen
	if o.class.singular {
		return o.class
	}
	c := newClass(o.class.name, o.class)
	c.singular, c.of, c.alloc, c.meta = true, nil, o.class.alloc, o.class.meta
	c.fields, c.kwInit = o.class.fields, o.class.kwInit
	o.class = c
	return c
}

func (n *classNode) eval(f *frame) Value {
	t := f.t
	t.pos = n.pos
	c := n.class(f)
	b := t.push(n.vars)
	b.home, b.target, b.self = b, b, c
	if n.singleton != nil {
		b.self = n.singleton.eval(f)
	}
	b.cref = &cref{c, f.cref}
	t.enter()
	v := n.body.eval(b)
	t.leave()
	t.privateIn, t.moduleFnIn = nil, nil
	return v
}

// class returns the class that a body belongs to, which it makes if it is new.
func (n *classNode) class(f *frame) *Class {
	t := f.t
	if n.singleton != nil {
		switch v := n.singleton.eval(f).(type) {
		case *Class:
			return v.meta
		case *Object:
			return t.singleton(v)
		}
		t.typeError("can't define singleton")
	}
	outer := t.core.object
	if n.scope != nil {
		outer, _ = n.scope.eval(f).(*Class)
		if outer == nil {
			t.typeError("not a class/module")
		}
	} else if f.cref != nil {
		outer = f.cref.class
	}
	var super *Class
	if n.super != nil {
		super, _ = n.super.eval(f).(*Class)
		if super == nil {
			t.typeError("superclass must be a Class")
		}
	}
	old, ok := t.constIn(outer, n.name)
	if !ok && outer != t.core.object && n.scope == nil && f.cref == nil {
		old, ok = t.constOf(outer, n.name)
	}
	if ok {
		c, isClass := old.(*Class)
		switch {
		case !isClass || c.module != n.module:
			t.typeError("%s is not a %s", n.name, map[bool]string{true: "module", false: "class"}[n.module])
		case super != nil && c.super != super:
			t.typeError("superclass mismatch for class %s", n.name)
		}
		return c
	}
	return n.create(t, outer, super)
}

func (n *classNode) create(t *Interp, outer, super *Class) *Class {
	name := n.name
	if outer != t.core.object {
		name = outer.name + "::" + name
	}
	var c *Class
	if n.module {
		c = t.newModule(name)
	} else {
		if super == nil {
			super = t.core.object
		}
		c = t.newClass(name, super)
	}
	c.outer = outer
	t.setConst(outer, n.name, c)
	if super != nil && t.find(super, "inherited") != nil {
		t.send(super, "inherited", c)
	}
	return c
}

func (t *Interp) aliasMethod(c *Class, to, from string) {
	m := t.findMethod(c, from)
	if m == nil && c.module {
		m = t.findMethod(t.core.object, from)
	}
	if m == nil {
		t.raise(t.core.nameError, "undefined method `%s' for class `%s'", from, c.name)
	}
	k := *m
	k.name = to
	t.addMethod(c, &k)
}
