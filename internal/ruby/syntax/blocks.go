package syntax

// then passes what separates a condition from its body.
func (p *parser) then() {
	p.skipNL()
	p.acceptKw("then")
}

// conditional reads if and unless from the keyword to the end.
func (p *parser) conditional() Node {
	word, at := p.tok.text, p.tok.pos
	p.advance()
	cond := p.expressionStatement()
	p.then()
	body := p.body()
	n := &If{P(at), cond, body, p.elsePart(at, word)}
	if word == "unless" {
		n.Then, n.Else = n.Else, n.Then
	}
	return n
}

// elsePart reads elsif, else and end.
func (p *parser) elsePart(at int, word string) Node {
	pos := p.tok.pos
	switch {
	case p.tok.kw("elsif"):
		p.enter()
		defer p.leave()
		p.advance()
		cond := p.expressionStatement()
		p.then()
		body := p.body()
		return &If{P(pos), cond, body, p.elsePart(at, word)}
	case p.acceptKw("else"):
		n := p.body()
		p.closing(at, word)
		return n
	}
	p.closing(at, word)
	return nil
}

// loopBody reads the body of a loop behind its head.
func (p *parser) loopBody(at int, word string) Node {
	p.skipNL()
	p.acceptKw("do")
	n := p.body()
	p.closing(at, word)
	return n
}

func (p *parser) loop() Node {
	word, at := p.tok.text, p.tok.pos
	p.advance()
	p.noDo++
	cond := p.expressionStatement()
	p.noDo--
	return &While{P(at), cond, p.loopBody(at, word), word == "until", false}
}

func (p *parser) forLoop() Node {
	at := p.tok.pos
	p.advance()
	var v Node
	first := p.targetItem()
	if p.tok.is(",") {
		p.advance()
		m := p.targets(at, nil)
		m.Items = append([]Node{first}, m.Items...)
		v = m
	} else {
		v = first
	}
	p.expectKw("in")
	p.noDo++
	iter := p.expressionStatement()
	p.noDo--
	return &For{P(at), v, iter, p.loopBody(at, "for")}
}

// bodyWithRescue reads statements with rescue, else and ensure, up to an end that it leaves.
func (p *parser) bodyWithRescue() Node {
	pos := p.tok.pos
	b := &Begin{P: P(pos), Body: p.body()}
	for p.tok.kw("rescue") {
		p.advance()
		b.Rescues = append(b.Rescues, p.rescue())
	}
	if p.tok.kw("else") && b.Rescues != nil {
		p.advance()
		b.Else = p.body()
	}
	if p.acceptKw("ensure") {
		b.Ensure = p.body()
	}
	if b.Rescues == nil && b.Ensure == nil {
		return b.Body
	}
	return b
}

func (p *parser) rescue() (r Rescue) {
	for p.tok.kind != tNL && !p.tok.kw("then") && !p.tok.is("=>") {
		noIn := p.noIn
		p.noIn = true
		r.Classes = append(r.Classes, p.splatOr(p.ternaryExpression))
		p.noIn = noIn
		if !p.accept(",") {
			break
		}
		p.skipNL()
	}
	if p.accept("=>") {
		r.Var = p.target(p.primaryTarget())
	}
	p.then()
	r.Body = p.body()
	return r
}

func (p *parser) caseExpression() Node {
	at := p.tok.pos
	p.advance()
	var subject Node
	if p.tok.kind != tNL && !p.tok.kw("when") {
		noIn := p.noIn
		p.noIn = true
		subject = p.expressionStatement()
		p.noIn = noIn
	}
	p.skipNL()
	if p.tok.kw("in") {
		return p.caseIn(at, subject)
	}
	c := &Case{P: P(at), Subject: subject}
	if !p.tok.kw("when") {
		p.unexpected("\"when\"")
	}
	for p.acceptKw("when") {
		var w When
		for {
			p.skipNL()
			w.Conds = append(w.Conds, p.splatOr(p.ternaryExpression))
			if !p.accept(",") {
				break
			}
		}
		p.then()
		w.Body = p.body()
		c.Whens = append(c.Whens, w)
	}
	if p.acceptKw("else") {
		c.Else = p.body()
	}
	p.closing(at, "case")
	return c
}

func (p *parser) caseIn(at int, subject Node) Node {
	c := &CaseIn{P: P(at), Subject: subject}
	for p.acceptKw("in") {
		var in In
		in.Pat = p.topPattern()
		pos := p.tok.pos
		if p.acceptKw("if") {
			in.Guard = p.expressionStatement()
		} else if p.acceptKw("unless") {
			in.Guard = &Not{P(pos), p.expressionStatement()}
		}
		p.then()
		in.Body = p.body()
		c.Ins = append(c.Ins, in)
	}
	if p.acceptKw("else") {
		c.Else, c.HasElse = p.body(), true
	}
	p.closing(at, "case")
	return c
}

// topPattern reads a pattern that may be a list without brackets.
func (p *parser) topPattern() Node {
	pos := p.tok.pos
	if p.tok.kind == tLabel {
		return p.hashPattern(nil, pos, "")
	}
	first := p.patternItem()
	if !p.tok.is(",") {
		if s, ok := first.(*Splat); ok {
			return &PatArray{P: P(pos), Items: []Node{s}}
		}
		return first
	}
	a := &PatArray{P: P(pos), Items: []Node{first}}
	for p.accept(",") {
		if p.tok.kind == tNL || p.tok.kw("then") {
			a.Items = append(a.Items, &Splat{P: P(pos)})
			break
		}
		a.Items = append(a.Items, p.patternItem())
	}
	return a
}

func (p *parser) patternItem() Node {
	pos := p.tok.pos
	if p.tok.is("u*") || p.tok.is("*") {
		p.advance()
		s := &Splat{P: P(pos)}
		if name := p.paramName(""); name != "" {
			s.Value = &LVar{P(pos), name}
		}
		return s
	}
	return p.pattern()
}

// pattern reads one pattern with its alternatives and its name.
func (p *parser) pattern() Node {
	p.enter()
	defer p.leave()
	n := p.simplePattern()
	for p.tok.is("|") {
		pos := p.tok.pos
		p.advance()
		p.skipNL()
		n = &PatAlt{P(pos), n, p.simplePattern()}
	}
	for p.tok.is("=>") {
		pos := p.tok.pos
		p.advance()
		if p.tok.kind != tIdent {
			p.unexpected("a name")
		}
		p.declare(p.tok.text)
		n = &PatBind{P(pos), n, p.tok.text}
		p.advance()
	}
	return n
}

func (p *parser) simplePattern() Node {
	t := p.tok
	pos := P(t.pos)
	switch {
	case t.kind == tIdent:
		p.declare(t.text)
		p.tok.local = true
		p.advance()
		return &PatVar{pos, t.text}
	case t.is("["):
		p.advance()
		return p.arrayPattern(nil, t.pos, "]")
	case t.is("{"):
		p.advance()
		return p.hashPattern(nil, t.pos, "}")
	case t.is("("):
		p.advance()
		n := p.pattern()
		p.expect(")")
		return n
	case t.is("^"):
		return p.pin()
	}
	noPipe := p.noPipe
	p.noPipe = true
	n := p.rangeExpression()
	p.noPipe = noPipe
	if c, ok := n.(*Call); ok && c.Parens && c.Recv == nil && c.Name[0] >= 'A' && c.Name[0] <= 'Z' {
		return p.callPattern(c)
	}
	return n
}

func (p *parser) pin() Node {
	pos := P(p.tok.pos)
	p.advance()
	t := p.tok
	if t.is("(") {
		p.advance()
		n := p.expressionStatement()
		p.expect(")")
		return &PatPin{pos, n}
	}
	p.advance()
	switch t.kind {
	case tIdent:
		return &PatPin{pos, &LVar{P(t.pos), t.text}}
	case tIVar, tGVar, tCVar:
		return &PatPin{pos, variable(&t, t.pos)}
	}
	p.fail(t.pos, "syntax error: expected a variable behind ^")
	return nil
}

// callPattern makes a pattern of Const(…), which reads like a call whose arguments are constants and literals.
func (p *parser) callPattern(c *Call) Node {
	k := &Const{P: c.P, Name: c.Name}
	if len(c.Args) == 1 {
		if h, ok := c.Args[0].(*Hash); ok && h.Bare {
			m := &PatHash{P: c.P, Const: k}
			for _, pair := range h.Pairs {
				s, ok := pair.Key.(*Sym)
				if !ok {
					p.fail(c.At(), "this pattern is not supported")
				}
				m.Keys = append(m.Keys, s.Name)
				m.Pats = append(m.Pats, p.asPattern(pair.Value))
			}
			return m
		}
	}
	a := &PatArray{P: c.P, Const: k}
	for _, n := range c.Args {
		a.Items = append(a.Items, p.asPattern(n))
	}
	return a
}

// asPattern makes a pattern of what was read as an expression.
func (p *parser) asPattern(n Node) Node {
	if c, ok := n.(*Call); ok && c.VCall {
		p.declare(c.Name)
		return &PatVar{c.P, c.Name}
	}
	return n
}

func (p *parser) arrayPattern(k Node, pos int, close string) Node {
	a := &PatArray{P: P(pos), Const: k}
	p.fresh(func() {
		for {
			p.skipNL()
			if p.tok.is(close) {
				break
			}
			a.Items = append(a.Items, p.patternItem())
			p.skipNL()
			if !p.accept(",") {
				break
			}
		}
		if !p.tok.is(close) {
			p.unexpected("\"" + close + "\"")
		}
	})
	p.advance()
	return a
}

// hashPattern reads key: pattern, … up to a closing token, or the end of the line.
func (p *parser) hashPattern(k Node, pos int, close string) Node {
	h := &PatHash{P: P(pos), Const: k}
	for {
		if close != "" {
			p.skipNL()
			if p.tok.is(close) {
				break
			}
		}
		switch {
		case p.tok.is("u**") || p.tok.is("**"):
			p.advance()
			if p.acceptKw("nil") {
				h.Rest = "nil"
			} else {
				h.Rest = p.paramName("*")
			}
		case p.tok.kind == tLabel:
			p.hashPatternKey(h, close)
		default:
			p.unexpected("a key")
		}
		if !p.accept(",") {
			break
		}
	}
	if close != "" {
		p.skipNL()
		p.expect(close)
	}
	return h
}

func (p *parser) hashPatternKey(h *PatHash, close string) {
	name := p.tok.text
	p.advance()
	h.Keys = append(h.Keys, name)
	if p.tok.is(",") || p.tok.kind == tNL || p.tok.kind == tEOF || p.tok.kw("then") || p.tok.kw("if") || p.tok.kw("unless") || close != "" && p.tok.is(close) {
		p.declare(name)
		h.Pats = append(h.Pats, nil)
		return
	}
	h.Pats = append(h.Pats, p.pattern())
}

// inMethod runs f in a scope that sees no variables around it.
func (p *parser) inMethod(f func()) {
	up := p.scope
	p.scope = &scope{names: make(map[string]bool)}
	f()
	p.scope = up
}

func (p *parser) def() Node {
	at := p.tok.pos
	p.advance()
	d := &Def{P: P(at)}
	t := p.tok
	switch {
	case t.kw("self") && !t.name:
		p.advance()
		p.expect(".")
		d.Singleton = &Self{P(t.pos)}
		t = p.tok
	case t.kind == tIdent && p.peek(0) == '.':
		p.advance()
		p.expect(".")
		d.Singleton = p.name(token{text: t.text, pos: t.pos})
		t = p.tok
	case t.kind == tConst && p.peek(0) == '.':
		p.advance()
		p.expect(".")
		d.Singleton = &Const{P: P(t.pos), Name: t.text}
		t = p.tok
	}
	d.Name = t.text
	p.setter(d)
	p.inMethod(func() {
		p.inDef++
		p.advance()
		d.Params = p.defParams()
		if p.tok.is("=") {
			p.advance()
			p.skipNL()
			d.Body = p.statement()
		} else {
			d.Body = p.bodyWithRescue()
			p.closing(at, "def")
		}
		p.inDef--
	})
	return d
}

// setter makes the name of a method that assigns, def x=(v), whole.
func (p *parser) setter(d *Def) {
	if p.tok.kind != tIdent && p.tok.kind != tConst {
		return
	}
	if p.peek(0) == '=' && p.peek(1) != '=' && p.peek(1) != '~' && p.peek(1) != '>' && (p.peek(1) == '(' || isIdentStart(p.peek(1))) {
		p.pos++
		d.Name += "="
	}
}

// defParams reads the parameters of a method, in parentheses or without.
func (p *parser) defParams() *Params {
	if p.tok.is("call(") || p.tok.is("(") {
		p.advance()
		ps := p.params(")")
		p.expect(")")
		return ps
	}
	if p.tok.kind == tNL || p.tok.is("=") {
		return &Params{}
	}
	return p.params("")
}

// constPath reads A::B.
func (p *parser) constPath() *Const {
	n := Node(nil)
	if p.tok.is("u::") || p.tok.is("::") {
		n = p.bracket()
	} else {
		if p.tok.kind != tConst {
			p.unexpected("the name of a class or module")
		}
		n = &Const{P: P(p.tok.pos), Name: p.tok.text}
		p.advance()
	}
	for p.tok.is("::") {
		pos := p.tok.pos
		p.advance()
		if p.tok.kind != tConst {
			p.unexpected("the name of a class or module")
		}
		n = &Const{P: P(pos), Scope: n, Name: p.tok.text}
		p.advance()
	}
	return n.(*Const)
}

func (p *parser) class() Node {
	at := p.tok.pos
	if p.inDef > 0 {
		p.fail(at, "syntax error: class definition in method body")
	}
	p.advance()
	if p.tok.is("<<") {
		p.advance()
		x := p.expression()
		var body Node
		p.inMethod(func() { body = p.body() })
		p.closing(at, "class")
		return &SClass{P(at), x, body}
	}
	c := &Class{P: P(at), Path: p.constPath()}
	if p.accept("<") {
		c.Super = p.expression()
	}
	p.inMethod(func() { c.Body = p.bodyWithRescue() })
	p.closing(at, "class")
	return c
}

func (p *parser) module() Node {
	at := p.tok.pos
	p.advance()
	m := &Module{P: P(at), Path: p.constPath()}
	p.inMethod(func() { m.Body = p.body() })
	p.closing(at, "module")
	return m
}
