package syntax

import "math/big"

// primary reads a literal, a name, or something in keywords or brackets.
func (p *parser) primary() Node {
	p.enter()
	defer p.leave()
	t := p.tok
	switch t.kind {
	case tNode:
		return p.literal()
	case tIdent:
		return p.identifier()
	case tConst:
		p.advance()
		if p.tok.is("call(") || p.tok.kind == tNode && p.tok.spaced && isString(p.tok.node) {
			return p.callRest(&Call{P: P(t.pos), Name: t.text, Place: t.pos})
		}
		return &Const{P: P(t.pos), Name: t.text}
	case tIVar, tCVar, tGVar:
		p.advance()
		return variable(&t, t.pos)
	case tKw:
		return p.keyword()
	case tOp:
		return p.bracket()
	}
	p.unexpected("")
	return nil
}

func isString(n Node) bool {
	switch n.(type) {
	case *Str, *DStr:
		return true
	}
	return false
}

// literal reads a literal, and the strings that follow it and belong to it.
func (p *parser) literal() Node {
	n := p.tok.node
	p.advance()
	for isString(n) && p.tok.kind == tNode && isString(p.tok.node) {
		n = &DStr{P(n.At()), []Node{n, p.tok.node}}
		p.advance()
	}
	return n
}

// identifier reads a variable or a call.
func (p *parser) identifier() Node {
	t := p.tok
	p.advance()
	if t.local && !p.tok.is("call(") {
		return &LVar{P(t.pos), t.text}
	}
	c := &Call{P: P(t.pos), Name: t.text, Place: t.pos}
	switch t.text {
	case "lambda", "proc":
		if p.tok.is("{blk") || p.tok.kw("do") {
			return c
		}
	case "block_given?":
		return c
	}
	p.callRest(c)
	c.VCall = !c.Parens && len(c.Args) == 0 && c.Pass == nil && t.text[len(t.text)-1] != '?' && t.text[len(t.text)-1] != '!'
	if t.text == "it" && c.VCall && p.scope.isBlock && !p.scope.params && !p.tok.is("{blk") && !p.tok.kw("do") && !p.tok.is("=") {
		p.scope.numbered = max(p.scope.numbered, 1)
		return &LVar{P(t.pos), "_1"}
	}
	return c
}

// bracket reads what begins with an operator.
func (p *parser) bracket() Node {
	t := p.tok
	switch t.text {
	case "(", "call(":
		return p.parentheses()
	case "[", "idx[":
		p.advance()
		elems, pass := p.arguments("]")
		if pass != nil {
			p.fail(t.pos, "syntax error: unexpected &")
		}
		return &Array{P(t.pos), elems}
	case "{", "{blk":
		return p.hash()
	case "->":
		return p.lambda()
	case "u::", "::":
		p.advance()
		if p.tok.kind != tConst {
			p.unexpected("a constant")
		}
		c := &Const{P: P(t.pos), Top: true, Name: p.tok.text}
		p.advance()
		return c
	case "..", "...", "u..", "u...":
		p.advance()
		return &Range{P(t.pos), nil, p.binary(0), t.text == "..." || t.text == "u..."}
	}
	p.unexpected("")
	return nil
}

// parentheses reads (statements), or the targets of a multiple assignment in parentheses.
func (p *parser) parentheses() Node {
	pos := p.tok.pos
	var n Node
	p.fresh(func() {
		inArgs := p.inArgs
		p.inArgs = 0
		p.advance()
		n = p.statements()
		p.inArgs = inArgs
		p.skipNL()
		if !p.tok.is(")") {
			p.unexpected("\")\"")
		}
	})
	p.advance()
	if m, ok := n.(*MLHS); ok {
		return m
	}
	if n == nil {
		return &Nil{P(pos)}
	}
	return &Seq{P(pos), []Node{n}}
}

// hash reads {a: 1, "b" => 2, **c}.
func (p *parser) hash() Node {
	h := &Hash{P: P(p.tok.pos)}
	p.fresh(func() {
		p.inArgs++
		p.advance()
		for {
			p.skipNL()
			if p.tok.is("}") {
				break
			}
			switch {
			case p.tok.kind == tLabel:
				h.Pairs = append(h.Pairs, p.labelPair())
			case p.tok.is("u**") || p.tok.is("**"):
				p.advance()
				h.Pairs = append(h.Pairs, Pair{nil, p.ternaryExpression()})
			default:
				key := p.argument()
				p.skipNL()
				p.expect("=>")
				p.skipNL()
				h.Pairs = append(h.Pairs, Pair{key, p.argument()})
			}
			p.skipNL()
			if !p.accept(",") {
				break
			}
		}
		p.inArgs--
		p.skipNL()
		if !p.tok.is("}") {
			p.unexpected("\"}\" or \",\"")
		}
	})
	p.advance()
	return h
}

// keyword reads what begins with a keyword.
func (p *parser) keyword() Node {
	t := p.tok
	pos := P(t.pos)
	switch t.text {
	case "nil":
		p.advance()
		return &Nil{pos}
	case "true":
		p.advance()
		return &True{pos}
	case "false":
		p.advance()
		return &False{pos}
	case "self":
		p.advance()
		return &Self{pos}
	case "__method__":
		p.advance()
		return &MethodName{pos}
	case "__FILE__", "__dir__":
		p.advance()
		return &FileName{pos, t.text == "__dir__"}
	case "__LINE__":
		p.advance()
		line, _ := Place(p.src, t.pos)
		return &Int{pos, big.NewInt(int64(line))}
	case "redo":
		p.advance()
		return &Redo{pos}
	case "retry":
		p.advance()
		return &Retry{pos}
	case "return", "break", "next":
		return p.jump()
	case "yield":
		p.advance()
		args, _ := p.jumpArguments()
		return &Yield{pos, args}
	case "super":
		return p.super()
	case "alias":
		return p.alias()
	case "undef":
		return p.undef()
	case "not":
		p.advance()
		return &Not{pos, p.expression()}
	case "defined?":
		return p.definedExpression()
	}
	return p.compound()
}

// compound reads what ends with end.
func (p *parser) compound() Node {
	var n Node
	word, at := p.tok.text, p.tok.pos
	p.fresh(func() {
		inArgs := p.inArgs
		p.inArgs = 0
		switch word {
		case "if", "unless":
			n = p.conditional()
		case "while", "until":
			n = p.loop()
		case "for":
			n = p.forLoop()
		case "case":
			n = p.caseExpression()
		case "begin":
			p.advance()
			n = p.bodyWithRescue()
			if b, ok := n.(*Begin); !ok {
				n = &Begin{P: P(at), Body: n}
			} else if b.Rescues == nil && b.Ensure == nil {
				n = &Begin{P: P(at), Body: b}
			}
			p.closing(at, word)
		case "def":
			n = p.def()
		case "class":
			n = p.class()
		case "module":
			n = p.module()
		case "BEGIN", "END":
			p.fail(at, "%s blocks are not supported", word)
		case "__ENCODING__":
			p.fail(at, "__ENCODING__ is not supported")
		default:
			p.unexpected("")
		}
		p.inArgs = inArgs
	})
	return n
}

// closing reads the end of what began at a place.
func (p *parser) closing(at int, word string) {
	if p.acceptKw("end") {
		return
	}
	if p.tok.kind == tEOF {
		line, _ := Place(p.src, at)
		p.fail(at, "syntax error: %q of line %d has no end", word, line)
	}
	p.unexpected("\"end\"")
}

// jump reads return, break and next with their value.
func (p *parser) jump() Node {
	word, pos := p.tok.text, P(p.tok.pos)
	p.advance()
	args, at := p.jumpArguments()
	var v Node
	if len(args) == 1 {
		v = args[0]
		if _, ok := v.(*Splat); ok {
			v = &Array{P(at), args}
		}
	} else if len(args) > 1 {
		v = &Array{P(at), args}
	}
	switch word {
	case "return":
		return &Return{pos, v}
	case "break":
		return &Break{pos, v}
	}
	return &Next{pos, v}
}

func (p *parser) jumpArguments() ([]Node, int) {
	pos := p.tok.pos
	if p.tok.is("call(") {
		p.advance()
		args, _ := p.arguments(")")
		return args, pos
	}
	if p.tok.is("[") || p.tok.is("{") || p.startsArgument() {
		if p.tok.is("{") {
			return []Node{p.postfix(p.hash())}, pos
		}
		args, _ := p.commandArguments()
		return args, pos
	}
	return nil, pos
}

func (p *parser) super() Node {
	s := &Super{P: P(p.tok.pos)}
	p.advance()
	switch {
	case p.tok.is("call("):
		p.advance()
		s.Args, s.Pass = p.arguments(")")
		s.Given = true
	case p.tok.spaced && p.startsArgument():
		s.Args, s.Pass = p.commandArguments()
		s.Given = true
	}
	return s
}

// methodRef reads the name of a method in alias and undef: foo or :foo.
func (p *parser) methodRef() string {
	t := p.tok
	p.tok.name = true
	switch t.kind {
	case tNode:
		if s, ok := t.node.(*Sym); ok {
			p.advance()
			return s.Name
		}
	case tIdent, tConst, tGVar, tKw, tOp:
		p.advance()
		return t.text
	}
	p.unexpected("the name of a method")
	return ""
}

func (p *parser) alias() Node {
	pos := P(p.tok.pos)
	p.tok = token{kind: tKw, text: "def", pos: p.tok.pos}
	p.advance()
	to := p.methodRef0()
	from := p.methodRef()
	return &Alias{pos, to, from}
}

// methodRef0 is methodRef for the first of two names: the second is read as a name too.
func (p *parser) methodRef0() string {
	t := p.tok
	if t.kind == tNode {
		return p.methodRef()
	}
	name := t.text
	p.tok = token{kind: tKw, text: "def", pos: t.pos}
	p.advance()
	return name
}

func (p *parser) undef() Node {
	u := &Undef{P: P(p.tok.pos)}
	p.advance()
	for {
		u.Names = append(u.Names, p.methodRef())
		if !p.accept(",") {
			return u
		}
	}
}
