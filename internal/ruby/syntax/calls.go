package syntax

// postfix reads the calls, indices and scopes behind a primary.
func (p *parser) postfix(n Node) Node {
	for {
		pos := p.tok.pos
		switch {
		case p.tok.is("."):
			p.advance()
			n = p.methodCall(n, false)
		case p.tok.is("&."):
			p.advance()
			n = p.methodCall(n, true)
		case p.tok.is("::"):
			p.advance()
			n = p.scoped(n, pos)
		case p.tok.is("idx["):
			p.advance()
			args, pass := p.arguments("]")
			if pass != nil {
				p.fail(pos, "syntax error: a block cannot be passed to []")
			}
			n = &Call{P: P(pos), Recv: n, Name: "[]", Args: args, Parens: true, Place: pos}
		case p.tok.is("{blk") && takesBlock(n):
			attachBlock(n, p.braceBlock())
		case p.tok.kw("do") && !p.tok.name && p.noDo == 0 && takesBlock(n):
			attachBlock(n, p.doBlock())
		default:
			return n
		}
	}
}

// takesBlock reports whether a block behind n belongs to it.
func takesBlock(n Node) bool {
	switch n := n.(type) {
	case *Call:
		return n.Block == nil && n.Pass == nil && !(n.Name == "[]" && n.Parens && n.Recv != nil) && n.Name != "-@" && n.Name != "+@"
	case *Super:
		return n.Block == nil && n.Pass == nil
	}
	return false
}

func attachBlock(n Node, b *Block) {
	switch n := n.(type) {
	case *Call:
		n.Block, n.VCall = b, false
	case *Super:
		n.Block = b
	}
}

// scoped reads what is behind ::.
func (p *parser) scoped(n Node, pos int) Node {
	if p.tok.kind == tConst {
		name, at := p.tok.text, p.tok.pos
		p.advance()
		if p.tok.is("call(") && !p.tok.spaced {
			return p.callRest(&Call{P: P(at), Recv: n, Name: name, Place: at})
		}
		return &Const{P: P(pos), Scope: n, Name: name}
	}
	if p.tok.kind == tIdent {
		p.tok.name, p.tok.local = true, false
		return p.methodCall(n, false)
	}
	p.unexpected("a name")
	return nil
}

// methodCall reads the name of a method and its arguments.
func (p *parser) methodCall(recv Node, safe bool) Node {
	c := &Call{P: P(p.tok.pos), Recv: recv, Safe: safe, Place: p.tok.pos}
	if p.tok.is("call(") {
		c.Name = "call"
		return p.callRest(c)
	}
	c.Name = p.tok.text
	p.advance()
	return p.callRest(c)
}

// callRest reads the arguments of c, with parentheses or without; the current token is behind its name.
func (p *parser) callRest(c *Call) Node {
	switch {
	case p.tok.is("call("):
		p.advance()
		c.Args, c.Pass = p.arguments(")")
		c.Parens = true
	case (p.tok.spaced || p.gluedArgument(c.Name)) && p.startsArgument():
		c.Args, c.Pass = p.commandArguments()
	}
	return c
}

// gluedArgument reports whether the current token can only be an argument although no space is before it: puts"x", list.include?x.
func (p *parser) gluedArgument(method string) bool {
	switch p.tok.kind {
	case tNode:
		return !p.tok.minus
	case tIVar, tCVar, tGVar:
		return true
	case tIdent, tConst:
		last := method[len(method)-1]
		return last == '?' || last == '!'
	}
	return false
}

// startsArgument reports whether the current token begins an argument of a call without parentheses.
func (p *parser) startsArgument() bool {
	t := &p.tok
	switch t.kind {
	case tLabel:
		return true
	case tOp:
		return t.text != "u.." && t.text != "u..." && p.startsValue()
	case tKw:
		return p.startsValue() && !(t.text == "not")
	}
	return p.startsValue()
}

// arguments reads arguments up to a closing token, which it passes.
func (p *parser) arguments(close string) (args []Node, pass Node) {
	p.fresh(func() {
		p.inArgs++
		args, pass = p.argumentList(close)
		p.inArgs--
		p.skipNL()
		if !p.tok.is(close) {
			p.unexpected("\"" + close + "\" or \",\"")
		}
	})
	p.advance()
	return args, pass
}

// commandArguments reads the arguments of a call without parentheses.
func (p *parser) commandArguments() (args []Node, pass Node) {
	p.inArgs++
	args, pass = p.argumentList("")
	p.inArgs--
	return args, pass
}

// argumentList reads arguments separated by commas. Named ones make a hash at the end.
func (p *parser) argumentList(close string) (args []Node, pass Node) {
	var named *Hash
	for {
		if close != "" {
			p.skipNL()
			if p.tok.is(close) {
				break
			}
		}
		pos := p.tok.pos
		switch {
		case p.tok.is("u&") || p.tok.is("&"):
			p.advance()
			pass = p.ternaryExpression()
		case p.tok.is("u*") || p.tok.is("*"):
			p.advance()
			args = append(args, &Splat{P(pos), p.ternaryExpression()})
		case p.tok.is("u**") || p.tok.is("**"):
			p.advance()
			named = bare(named, pos)
			named.Pairs = append(named.Pairs, Pair{nil, p.ternaryExpression()})
		case p.tok.kind == tLabel:
			named = bare(named, pos)
			named.Pairs = append(named.Pairs, p.labelPair())
		default:
			n := p.argument()
			if p.tok.is("=>") {
				p.advance()
				p.skipNL()
				named = bare(named, pos)
				named.Pairs = append(named.Pairs, Pair{n, p.argument()})
			} else {
				args = append(args, n)
			}
		}
		if !p.tok.is(",") {
			break
		}
		p.advance()
		p.skipNL()
	}
	if named != nil {
		args = append(args, named)
	}
	return args, pass
}

// argument reads one argument.
func (p *parser) argument() Node {
	noIn := p.noIn
	p.noIn = true
	n := p.expression()
	p.noIn = noIn
	return n
}

func bare(h *Hash, pos int) *Hash {
	if h == nil {
		return &Hash{P: P(pos), Bare: true}
	}
	return h
}

// labelPair reads name: value, where the value may be left out.
func (p *parser) labelPair() Pair {
	t := p.tok
	p.advance()
	var key Node = &Sym{P(t.pos), t.text}
	if d, ok := t.node.(*DStr); ok {
		key = &DSym{d.P, d.Parts}
	}
	if p.tok.is(",") || p.tok.is("}") || p.tok.is(")") || p.tok.is("]") || p.tok.kind == tEOF || p.tok.kind == tNL {
		if !isIdentStart(p.src[t.pos]) {
			p.unexpected("a value")
		}
		return Pair{key, p.name(t)}
	}
	p.skipNL()
	return Pair{key, p.argument()}
}

// name makes a node of a bare name.
func (p *parser) name(t token) Node {
	if p.scope.has(t.text) {
		return &LVar{P(t.pos), t.text}
	}
	if c := t.text[0]; c >= 'A' && c <= 'Z' {
		return &Const{P: P(t.pos), Name: t.text}
	}
	return &Call{P: P(t.pos), Name: t.text, VCall: true, Place: t.pos}
}

// inBlock runs f in a scope of its own, which sees the variables around it.
func (p *parser) inBlock(f func()) *scope {
	s := &scope{names: make(map[string]bool), up: p.scope, isBlock: true}
	p.scope = s
	p.fresh(func() {
		inArgs := p.inArgs
		p.inArgs = 0
		f()
		p.inArgs = inArgs
	})
	p.scope = s.up
	return s
}

func (p *parser) braceBlock() *Block {
	b := &Block{P: P(p.tok.pos)}
	s := p.inBlock(func() {
		p.advance()
		p.blockParams(b)
		b.Body = p.body()
	})
	b.Numbered = s.numbered
	if !p.tok.is("}") {
		p.unexpected("\"}\"")
	}
	p.advance()
	return b
}

func (p *parser) doBlock() *Block {
	b := &Block{P: P(p.tok.pos)}
	s := p.inBlock(func() {
		p.advance()
		p.skipNL()
		p.blockParams(b)
		b.Body = p.bodyWithRescue()
	})
	b.Numbered = s.numbered
	p.expectKw("end")
	return b
}

// blockParams reads |a, b|.
func (p *parser) blockParams(b *Block) {
	switch {
	case p.tok.is("||"):
		p.advance()
		b.Params = &Params{}
		p.scope.params = true
	case p.tok.is("|"):
		p.scope.params = true
		p.advance()
		b.Params = p.params("|")
		p.expect("|")
	}
}

// lambda reads ->(x) { }.
func (p *parser) lambda() Node {
	pos := p.tok.pos
	b := &Block{P: P(pos), Lambda: true}
	s := p.inBlock(func() {
		p.advance()
		if p.tok.is("(") || p.tok.is("call(") {
			p.scope.params = true
			p.advance()
			b.Params = p.params(")")
			p.expect(")")
		} else if p.tok.kind == tIdent || p.tok.is("u*") || p.tok.is("u&") {
			p.scope.params = true
			b.Params = p.params("")
		}
		switch {
		case p.tok.is("{") || p.tok.is("{blk"):
			p.advance()
			b.Body = p.body()
			if !p.tok.is("}") {
				p.unexpected("\"}\"")
			}
		case p.tok.kw("do"):
			p.advance()
			b.Body = p.bodyWithRescue()
			if !p.tok.kw("end") {
				p.unexpected("\"end\"")
			}
		default:
			p.unexpected("\"{\" or \"do\"")
		}
	})
	p.advance()
	b.Numbered = s.numbered
	return &Lambda{P(pos), b}
}

// params reads parameters up to a closing token, which it leaves.
func (p *parser) params(close string) *Params {
	ps := &Params{}
	noPipe := p.noPipe
	p.noPipe = close == "|"
	p.inArgs++
	for {
		if close != "" {
			p.skipParamNL(ps, close)
			if p.tok.is(close) {
				break
			}
		}
		p.param(ps, close)
		if p.tok.kind == tNL && p.tok.text == ";" && close != "" {
			continue
		}
		if !p.accept(",") {
			break
		}
		ps.Comma = p.tok.is(close)
	}
	if close != "" {
		p.skipParamNL(ps, close)
	}
	p.inArgs--
	p.noPipe = noPipe
	return ps
}

// skipParamNL passes the ends of lines between parameters, and the variables of a block's own behind a semicolon.
func (p *parser) skipParamNL(ps *Params, close string) {
	for p.tok.kind == tNL {
		semicolon := p.tok.text == ";"
		p.advance()
		for semicolon && close == "|" && p.tok.kind == tIdent {
			ps.Locals = append(ps.Locals, p.tok.text)
			p.declare(p.tok.text)
			p.advance()
			p.accept(",")
		}
	}
}

// param reads one parameter.
func (p *parser) param(ps *Params, close string) {
	t := p.tok
	switch {
	case t.is("u*") || t.is("*"):
		p.advance()
		ps.Rest = p.paramName("*")
	case t.is("u**") || t.is("**"):
		p.advance()
		if p.acceptKw("nil") {
			ps.NoKw = true
			return
		}
		ps.KwRest = p.paramName("**")
	case t.is("u&") || t.is("&"):
		p.advance()
		ps.Block = p.paramName("&")
	case t.is("("):
		p.advance()
		m := p.patternParam(t.pos)
		if ps.Rest != "" || len(ps.Opt) > 0 {
			ps.Post = append(ps.Post, Param{Pattern: m})
		} else {
			ps.Req = append(ps.Req, Param{Pattern: m})
		}
	case t.kind == tLabel:
		p.keywordParam(ps, close)
	case t.kind == tIdent:
		p.plainParam(ps)
	default:
		p.unexpected("a parameter")
	}
}

func (p *parser) plainParam(ps *Params) {
	name := p.tok.text
	p.declare(name)
	p.tok.local = true
	p.advance()
	switch {
	case p.tok.is("="):
		p.advance()
		ps.Opt = append(ps.Opt, OptParam{name, p.ternaryExpression()})
	case ps.Rest != "" || len(ps.Opt) > 0:
		ps.Post = append(ps.Post, Param{Name: name})
	default:
		ps.Req = append(ps.Req, Param{Name: name})
	}
}

func (p *parser) keywordParam(ps *Params, close string) {
	name := p.tok.text
	p.declare(name)
	p.advance()
	o := OptParam{Name: name}
	if !p.tok.is(",") && !p.tok.is(close) && p.tok.kind != tNL {
		o.Default = p.ternaryExpression()
	}
	ps.Kw = append(ps.Kw, o)
}

// paramName reads the name behind * ** or &, which may be missing.
func (p *parser) paramName(none string) string {
	if p.tok.kind != tIdent {
		return none
	}
	name := p.tok.text
	p.declare(name)
	p.tok.local = true
	p.advance()
	return name
}

// patternParam reads a parameter in parentheses that takes an array apart.
func (p *parser) patternParam(pos int) *MLHS {
	m := &MLHS{P: P(pos)}
	for !p.tok.is(")") {
		t := p.tok
		switch {
		case t.is("(") || t.is("call("):
			p.advance()
			m.Items = append(m.Items, p.patternParam(t.pos))
		case t.is("u*") || t.is("*"):
			p.advance()
			s := &Splat{P: P(t.pos)}
			if name := p.paramName(""); name != "" {
				s.Value = &LVar{P(t.pos), name}
			}
			m.Items = append(m.Items, s)
		case t.kind == tIdent:
			p.declare(t.text)
			p.tok.local = true
			p.advance()
			m.Items = append(m.Items, &LVar{P(t.pos), t.text})
		default:
			p.unexpected("a parameter")
		}
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	return m
}
