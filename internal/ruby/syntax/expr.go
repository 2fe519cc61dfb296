package syntax

// assignOps are the operators of x op= y.
var assignOps = map[string]string{
	"+=": "+", "-=": "-", "*=": "*", "/=": "/", "%=": "%", "**=": "**", "||=": "||", "&&=": "&&", "|=": "|", "&=": "&", "^=": "^", "<<=": "<<", ">>=": ">>",
}

// expression reads an assignment or anything that binds tighter.
func (p *parser) expression() Node {
	p.enter()
	defer p.leave()
	pos := p.tok.pos
	if p.tok.kw("not") && !p.tok.name {
		p.advance()
		return &Not{P(pos), p.expression()}
	}
	left := p.ternaryExpression()
	if p.tok.kind != tOp {
		return left
	}
	if p.tok.text == "=" {
		if m, ok := left.(*MLHS); ok {
			p.advance()
			return &MAsgn{P(pos), m, p.assignedValues()}
		}
		if !assignable(left) {
			return left
		}
		t := p.target(left)
		p.advance()
		p.skipNL()
		return &Asgn{P(pos), t, p.assignment()}
	}
	if op, ok := assignOps[p.tok.text]; ok && assignable(left) {
		t := p.target(left)
		at := p.tok.pos
		p.advance()
		p.skipNL()
		return &OpAsgn{P(at), t, op, p.assignedValue()}
	}
	return left
}

// assignment reads the right of x = …: a list makes an array where only one target is.
func (p *parser) assignment() Node {
	if p.ternary > 0 || p.noPipe || p.inArgs > 0 {
		return p.assignedValue()
	}
	return p.assignedValues()
}

func (p *parser) ternaryExpression() Node {
	cond := p.rangeExpression()
	if !p.tok.is("?") {
		return cond
	}
	pos := p.tok.pos
	p.ternary++
	p.advance()
	p.skipNL()
	then := p.branch()
	p.skipNL()
	p.ternary--
	if p.tok.kind == tLabel && p.tok.text == "" {
		p.unexpected(":")
	}
	if !p.tok.is(":") {
		p.unexpected("\":\"")
	}
	p.advance()
	p.skipNL()
	return &If{P(pos), cond, then, p.branch()}
}

// branch reads a branch of ?:, which may assign.
func (p *parser) branch() Node {
	p.inArgs++
	n := p.expression()
	p.inArgs--
	return n
}

func (p *parser) rangeExpression() Node {
	pos := p.tok.pos
	if p.tok.is("u..") || p.tok.is("u...") {
		excl := p.tok.text == "u..."
		p.advance()
		return &Range{P(pos), nil, p.binary(0), excl}
	}
	lo := p.binary(0)
	if !p.tok.is("..") && !p.tok.is("...") {
		return lo
	}
	excl := p.tok.text == "..."
	p.advance()
	if !p.startsValue() {
		return &Range{P(pos), lo, nil, excl}
	}
	return &Range{P(pos), lo, p.binary(0), excl}
}

// startsValue reports whether the current token can begin a value.
func (p *parser) startsValue() bool {
	t := &p.tok
	switch t.kind {
	case tNode, tIdent, tConst, tIVar, tCVar, tGVar:
		return true
	case tKw:
		switch t.text {
		case "nil", "true", "false", "self", "defined?", "not", "__method__", "__FILE__", "__LINE__", "__dir__", "super", "yield", "case", "begin", "def":
			return true
		}
	case tOp:
		switch t.text {
		case "(", "[", "u-", "u+", "!", "~", "u::", "->", "u*", "u&", "u**", "u..", "u...":
			return true
		}
	}
	return false
}

// levels are the binary operators, those that bind weakest first.
var levels = []map[string]bool{
	{"||": true},
	{"&&": true},
	{"<=>": true, "==": true, "===": true, "!=": true, "=~": true, "!~": true},
	{"<": true, "<=": true, ">": true, ">=": true},
	{"|": true, "^": true},
	{"&": true},
	{"<<": true, ">>": true},
	{"+": true, "-": true},
	{"*": true, "/": true, "%": true},
}

var levelOf = func() map[string]int {
	m := make(map[string]int)
	for i, ops := range levels {
		for op := range ops {
			m[op] = i + 1
		}
	}
	return m
}()

// binary reads operators that bind tighter than level.
func (p *parser) binary(level int) Node {
	p.enter()
	defer p.leave()
	left := p.unary()
	for {
		t := p.tok
		l := 0
		if t.kind == tOp {
			l = levelOf[t.text]
		}
		if l <= level || p.noPipe && t.text == "|" {
			return left
		}
		p.advance()
		p.skipNL()
		left = p.combine(t, left, p.operand(l))
	}
}

// operand reads what stands right of an operator of a level; behind && and || a not, an assignment or a jump may stand too.
func (p *parser) operand(level int) Node {
	if level <= 2 {
		if t := &p.tok; t.kind == tKw && !t.name {
			switch t.text {
			case "not", "return", "next", "break", "raise":
				return p.expression()
			}
		}
	}
	n := p.binary(level)
	if level <= 2 && p.tok.kind == tOp && assignable(n) {
		if _, op := assignOps[p.tok.text]; op || p.tok.text == "=" {
			return p.assignTo(n)
		}
	}
	return n
}

// assignTo reads an assignment whose target is read already: x && y = z.
func (p *parser) assignTo(n Node) Node {
	pos := p.tok.pos
	t := p.target(n)
	op := assignOps[p.tok.text]
	p.advance()
	p.skipNL()
	if op == "" {
		return &Asgn{P(pos), t, p.assignedValue()}
	}
	return &OpAsgn{P(pos), t, op, p.assignedValue()}
}

func (p *parser) combine(t token, x, y Node) Node {
	pos := P(t.pos)
	switch t.text {
	case "&&":
		return &And{pos, x, y}
	case "||":
		return &Or{pos, x, y}
	case "!=":
		return &Not{pos, &Call{P: pos, Recv: x, Name: "==", Args: []Node{y}, Place: t.pos}}
	case "!~":
		return &Not{pos, &Call{P: pos, Recv: x, Name: "=~", Args: []Node{y}, Place: t.pos}}
	case "=~":
		if r, ok := x.(*Regex); ok {
			return p.matchAssign(r, pos, y)
		}
	}
	return &Call{P: pos, Recv: x, Name: t.text, Args: []Node{y}, Place: t.pos}
}

// matchAssign declares the named groups of a literal left of =~, which become variables.
func (p *parser) matchAssign(r *Regex, pos P, y Node) Node {
	call := &Call{P: pos, Recv: r, Name: "=~", Args: []Node{y}, Place: int(pos)}
	if len(r.Parts) != 1 {
		return call
	}
	s, ok := r.Parts[0].(*Str)
	if !ok {
		return call
	}
	for _, name := range groupNames(s.Val) {
		p.declare(name)
		call.Args = append(call.Args, &LVar{pos, name})
	}
	if len(call.Args) > 1 {
		call.Name = "=~names"
	}
	return call
}

// groupNames returns the names of the groups of a pattern that can be variables.
func groupNames(pattern string) (names []string) {
	for i := 0; i+3 < len(pattern); i++ {
		if pattern[i] == '\\' {
			i++
			continue
		}
		if pattern[i] != '(' || pattern[i+1] != '?' || pattern[i+2] != '<' {
			continue
		}
		j := i + 3
		for j < len(pattern) && isIdent(pattern[j]) {
			j++
		}
		if j > i+3 && j < len(pattern) && pattern[j] == '>' && (pattern[i+3] >= 'a' && pattern[i+3] <= 'z' || pattern[i+3] == '_') && !keywords[pattern[i+3:j]] {
			names = append(names, pattern[i+3:j])
		}
	}
	return names
}

// unary reads !, -, +, ~, & and what binds tighter.
func (p *parser) unary() Node {
	p.enter()
	defer p.leave()
	pos := p.tok.pos
	if p.tok.kind == tOp {
		switch op := p.tok.text; op {
		case "!":
			p.advance()
			return &Not{P(pos), p.unary()}
		case "u-", "u+", "~":
			p.advance()
			name := map[string]string{"u-": "-@", "u+": "+@", "~": "~"}[op]
			return &Call{P: P(pos), Recv: p.unary(), Name: name, Place: pos}
		}
	}
	if p.tok.kw("defined?") && !p.tok.name {
		return p.definedExpression()
	}
	return p.power()
}

func (p *parser) definedExpression() Node {
	pos := p.tok.pos
	p.advance()
	if p.tok.is("call(") || p.tok.is("(") {
		p.advance()
		p.skipNL()
		n := p.expressionStatement()
		p.skipNL()
		p.expect(")")
		return p.postfix(&Defined{P(pos), n})
	}
	return &Defined{P(pos), p.unary()}
}

// power reads x ** y, which binds tighter than the minus of a number before it.
func (p *parser) power() Node {
	first := p.tok
	n := p.postfix(p.primary())
	if !p.tok.is("**") {
		return n
	}
	pos := p.tok.pos
	p.advance()
	p.skipNL()
	y := p.unary()
	if first.minus && n == first.node {
		switch v := n.(type) {
		case *Int:
			v.Val.Neg(v.Val)
		case *Float:
			v.Val = -v.Val
		}
		return &Call{P: P(pos), Recv: &Call{P: P(pos), Recv: n, Name: "**", Args: []Node{y}, Place: pos}, Name: "-@", Place: pos}
	}
	return &Call{P: P(pos), Recv: n, Name: "**", Args: []Node{y}, Place: pos}
}
