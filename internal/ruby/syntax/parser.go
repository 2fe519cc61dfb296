package syntax

import "errors"

// parser makes the tree.
type parser struct {
	*lexer
	noDo   int  // do belongs to a loop, not to a call
	noPipe bool // | ends a default of a block's parameter
	noIn   bool // in belongs to for or case
	inDef  int
	inArgs int // a comma ends the value of an assignment
}

// maxDepth bounds how deep the pieces of a program nest.
const maxDepth = 2000

// Options are what is known of the surroundings of a source.
type Options struct {
	Locals []string // variables that exist already
	Block  bool     // the code is the body of a block or lambda
}

// Parse reads a source. An error is an [*Error].
func Parse(src string, o Options) (n Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			n, err = nil, e
		}
	}()
	s := &scope{names: make(map[string]bool), isBlock: false}
	for _, name := range o.Locals {
		s.names[name] = true
	}
	p := &parser{lexer: &lexer{src: src, scope: s, tok: token{kind: tNL}}}
	p.skipBlockComments()
	p.advance()
	n = p.statements()
	if p.tok.kind != tEOF {
		p.unexpected("end of the code")
	}
	if n == nil {
		n = &Nil{}
	}
	return n, nil
}

// IsError returns the error of Parse in err.
func IsError(err error) (*Error, bool) {
	var e *Error
	return e, errors.As(err, &e)
}

func (p *parser) enter() {
	p.depth++
	if p.depth > maxDepth {
		p.fail(p.tok.pos, "the code nests deeper than %d levels", maxDepth)
	}
}

func (p *parser) leave() { p.depth-- }

// unexpected fails at the current token.
func (p *parser) unexpected(want string) {
	got := p.tok.text
	switch p.tok.kind {
	case tEOF:
		got = "end of the code"
	case tNL:
		got = "end of the line"
	case tNode:
		got = p.src[p.tok.pos:min(p.tok.end, len(p.src), p.tok.pos+20)]
	case tOp, tKw, tIdent, tConst, tIVar, tCVar, tGVar, tLabel:
		got = p.src[p.tok.pos:max(p.tok.pos, min(p.tok.end, len(p.src)))]
	}
	if want != "" {
		p.fail(p.tok.pos, "syntax error: unexpected %q, expected %s", got, want)
	}
	p.fail(p.tok.pos, "syntax error: unexpected %q", got)
}

func (p *parser) skipNL() {
	for p.tok.kind == tNL {
		p.advance()
	}
}

func (p *parser) accept(op string) bool {
	if p.tok.is(op) {
		p.advance()
		return true
	}
	return false
}

func (p *parser) acceptKw(word string) bool {
	if p.tok.kw(word) && !p.tok.name {
		p.advance()
		return true
	}
	return false
}

func (p *parser) expect(op string) {
	if !p.accept(op) {
		p.unexpected("\"" + op + "\"")
	}
}

func (p *parser) expectKw(word string) {
	if !p.acceptKw(word) {
		p.unexpected("\"" + word + "\"")
	}
}

// fresh runs f with what only holds outside of parentheses switched off.
func (p *parser) fresh(f func()) {
	noDo, noPipe, noIn, ternary := p.noDo, p.noPipe, p.noIn, p.ternary
	p.noDo, p.noPipe, p.noIn, p.ternary = 0, false, false, 0
	f()
	p.noDo, p.noPipe, p.noIn, p.ternary = noDo, noPipe, noIn, ternary
}

// statements reads statements up to something that is none; nil if there are none.
func (p *parser) statements() Node {
	var list []Node
	pos := p.tok.pos
	for {
		p.skipNL()
		if p.endsStatements() {
			break
		}
		list = append(list, p.statement())
		if p.tok.kind != tNL && !p.endsStatements() {
			p.unexpected("")
		}
	}
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return &Seq{P(pos), list}
}

func (p *parser) endsStatements() bool {
	t := &p.tok
	switch t.kind {
	case tEOF:
		return true
	case tOp:
		return t.text == "}" || t.text == ")"
	case tKw:
		switch t.text {
		case "end", "else", "elsif", "when", "in", "rescue", "ensure":
			return true
		}
	}
	return false
}

// body is statements, nil as a node where there are none.
func (p *parser) body() Node {
	pos := p.tok.pos
	if n := p.statements(); n != nil {
		return n
	}
	return &Nil{P(pos)}
}

// statement reads an expression with its modifiers.
func (p *parser) statement() Node {
	p.enter()
	defer p.leave()
	n := p.expressionStatement()
	for {
		pos := p.tok.pos
		switch {
		case p.acceptKw("if"):
			n = &If{P(pos), p.expressionStatement(), n, nil}
		case p.acceptKw("unless"):
			n = &If{P(pos), p.expressionStatement(), nil, n}
		case p.acceptKw("while"):
			n = p.loopModifier(pos, n, false)
		case p.acceptKw("until"):
			n = p.loopModifier(pos, n, true)
		case p.acceptKw("rescue"):
			n = &Begin{P: P(pos), Body: n, Rescues: []Rescue{{Body: p.expressionStatement()}}}
		default:
			return n
		}
	}
}

func (p *parser) loopModifier(pos int, body Node, until bool) Node {
	_, do := body.(*Begin)
	return &While{P(pos), p.expressionStatement(), body, until, do}
}

// expressionStatement reads not, and, or.
func (p *parser) expressionStatement() Node {
	n := p.notExpression()
	for {
		pos := p.tok.pos
		switch {
		case p.acceptKw("and"):
			p.skipNL()
			n = &And{P(pos), n, p.notExpression()}
		case p.acceptKw("or"):
			p.skipNL()
			n = &Or{P(pos), n, p.notExpression()}
		default:
			return n
		}
	}
}

func (p *parser) notExpression() Node {
	p.enter()
	defer p.leave()
	pos := p.tok.pos
	if p.tok.kw("not") && !p.tok.name {
		p.advance()
		return &Not{P(pos), p.notExpression()}
	}
	n := p.statementExpression()
	switch {
	case p.tok.is("=>") && !p.noIn:
		p.advance()
		return &CaseIn{P: P(pos), Subject: n, Ins: []In{{Pat: p.topPattern()}}}
	case p.tok.kw("in") && !p.noIn && !p.tok.name:
		p.advance()
		return &CaseIn{P: P(pos), Subject: n, Ins: []In{{Pat: p.topPattern()}}, Test: true}
	}
	return n
}

// statementExpression reads an expression that may be a multiple assignment.
func (p *parser) statementExpression() Node {
	pos := p.tok.pos
	if p.tok.is("u*") {
		return p.multipleAssignment(pos, nil)
	}
	n := p.expression()
	if p.tok.is(",") && assignable(n) {
		return p.multipleAssignment(pos, n)
	}
	if m, ok := n.(*MLHS); ok {
		if p.tok.is(",") {
			return p.multipleAssignment(pos, n)
		}
		p.expect("=")
		return &MAsgn{P(pos), m, p.assignedValues()}
	}
	return n
}

// assignable reports whether n can stand left of a comma in a multiple assignment.
func assignable(n Node) bool {
	switch n := n.(type) {
	case *LVar, *IVar, *GVar, *CVar, *Const, *MLHS:
		return true
	case *Call:
		return n.VCall || n.Block == nil && n.Pass == nil && (n.Name == "[]" || n.Recv != nil && len(n.Args) == 0 && !n.Parens)
	}
	return false
}

// target makes n a target of an assignment and declares its variable.
func (p *parser) target(n Node) Node {
	switch n := n.(type) {
	case *Call:
		if n.VCall {
			if c := n.Name[len(n.Name)-1]; c == '?' || c == '!' {
				p.fail(n.At(), "cannot assign to %s", n.Name)
			}
			p.declare(n.Name)
			return &LVar{n.P, n.Name}
		}
		if assignable(n) {
			return n
		}
	case *LVar, *IVar, *GVar, *CVar, *MLHS:
		return n
	case *Const:
		if p.inDef > 0 {
			p.fail(n.At(), "syntax error: dynamic constant assignment")
		}
		return n
	}
	p.fail(n.At(), "syntax error: this cannot be assigned to")
	return nil
}

func (p *parser) declare(name string) { p.scope.names[name] = true }

// multipleAssignment reads the rest of a, b = … from the comma behind the first target, or from its splat.
func (p *parser) multipleAssignment(pos int, first Node) Node {
	m := p.targets(pos, first)
	if p.tok.is(")") { // (a, b), c = …
		return m
	}
	p.expect("=")
	return &MAsgn{P(pos), m, p.assignedValues()}
}

// targets reads the list of targets of a multiple assignment.
func (p *parser) targets(pos int, first Node) *MLHS {
	m := &MLHS{P: P(pos)}
	if first != nil {
		m.Items = append(m.Items, p.target(first))
		p.expect(",")
	}
	for !p.tok.is("=") && !p.tok.is(")") && !p.tok.is("|") && !(p.tok.kind == tKw && p.tok.text == "in") {
		m.Items = append(m.Items, p.targetItem())
		if !p.accept(",") {
			break
		}
	}
	return m
}

func (p *parser) targetItem() Node {
	pos := p.tok.pos
	switch {
	case p.tok.is("u*") || p.tok.is("*"):
		p.advance()
		s := &Splat{P: P(pos)}
		if !p.tok.is(",") && !p.tok.is("=") && !p.tok.is(")") && !p.tok.kw("in") {
			s.Value = p.target(p.primaryTarget())
		}
		return s
	case p.tok.is("("):
		p.advance()
		m := p.targets(pos, nil)
		p.expect(")")
		return m
	}
	return p.target(p.primaryTarget())
}

// primaryTarget reads one target: a primary with its calls.
func (p *parser) primaryTarget() Node {
	noIn := p.noIn
	p.noIn = true
	n := p.postfix(p.primary())
	p.noIn = noIn
	return n
}

// assignedValues reads what stands right of an assignment in a statement: one value, or several that make an array.
func (p *parser) assignedValues() Node {
	pos := p.tok.pos
	p.skipNL()
	first := p.splatOr(p.assignedValue)
	if !p.tok.is(",") {
		if _, ok := first.(*Splat); ok {
			return &Array{P(pos), []Node{first}}
		}
		return first
	}
	a := &Array{P(pos), []Node{first}}
	for p.accept(",") {
		p.skipNL()
		a.Elems = append(a.Elems, p.splatOr(p.expression))
	}
	return a
}

func (p *parser) splatOr(f func() Node) Node {
	pos := p.tok.pos
	if p.tok.is("u*") || p.tok.is("*") {
		p.advance()
		return &Splat{P(pos), p.expression()}
	}
	return f()
}

// assignedValue reads one value right of an assignment, with a rescue that belongs to it.
func (p *parser) assignedValue() Node {
	n := p.expression()
	pos := p.tok.pos
	if p.tok.kw("rescue") && !p.tok.name {
		p.advance()
		n = &Begin{P: P(pos), Body: n, Rescues: []Rescue{{Body: p.expression()}}}
	}
	return n
}
