package ruby

import (
	"millrace/internal/ruby/syntax"
)

// Program is code that an Interp can run.
type Program struct {
	t      *Interp
	body   node
	vars   int
	blocks bool
	jumps  bool
	params []int // slots of the parameters
	src    *source
	uses   *uses
	spare  *Event // for the next event, if code cannot keep it
}

// Compile reads code. params are the names of the variables that Run sets. An error is a [*syntax.Error].
func (t *Interp) Compile(name, code string, params ...string) (p *Program, err error) {
	tree, err := syntax.Parse(code, syntax.Options{Locals: params, Block: true})
	if err != nil {
		return nil, err
	}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *syntax.Error:
			p, err = nil, r
		case *raised:
			p, err = nil, syntax.NewError(code, 0, "%s", t.describe(r.exc))
		default:
			panic(r)
		}
	}()
	src := &source{name: name, text: code}
	s := newScope(topScope, nil)
	c := &compiler{t: t, src: src, scope: s, uses: newUses()}
	p = &Program{t: t, src: src, uses: c.uses}
	for _, param := range params {
		p.params = append(p.params, s.slot(param))
	}
	p.body = c.body(tree)
	p.vars, p.blocks, p.jumps = s.n, s.blocks, s.jumps
	return p, nil
}

// run runs the code with values for its parameters.
func (p *Program) run(args ...Value) Value {
	t := p.t
	f := t.push(p.vars)
	f.home, f.target, f.self = f, f, t.self
	for i, slot := range p.params {
		if i < len(args) {
			f.vars[slot] = args[i]
		}
	}
	t.src, t.match, t.errinfo = p.src, nil, nil
	var v Value
	if p.jumps {
		v = t.runReturning(f, p.body)
	} else {
		v = p.body.eval(f)
	}
	switch f.ctl {
	case ctlNext, ctlReturn, ctlBreak:
		v = f.ret
	}
	if !p.blocks {
		t.release(f)
	}
	return v
}

// Run runs the code. An error is an [*Error].
func (p *Program) Run(args ...Value) (Value, error) {
	return p.t.guard(func() Value { return p.run(args...) })
}
