package config

import "strings"

// ifNode parses a chain of branches; the condition of the first one begins at offset at.
func (p *parser) ifNode(kind string, at int) *IfNode {
	n := &IfNode{Span: Span{Start: p.pos}, File: p.file}
	if !p.enter() {
		return n
	}
	defer p.leave()
	start, name, isElse := p.pos, "if", false
	for {
		p.pos = at
		b := &Branch{Span: Span{Start: start}, Else: isElse, Close: -1}
		n.Branches = append(n.Branches, b)
		ok := true
		if !isElse {
			b.Cond, ok = p.headCondition(name)
		}
		if ok {
			b.Open, b.Body, b.Close = p.block(name, start, kind)
		}
		b.End, n.End = p.pos, p.pos
		if isElse || p.unwind >= 0 || p.broken {
			return n
		}
		p.skip()
		start = p.pos
		if at, name, isElse = p.elseAt(start); at == 0 {
			return n
		}
	}
}

// elseAt tells what continues a chain of branches at i: where its condition or body begins, and what it is. at is 0 if nothing does.
func (p *parser) elseAt(i int) (at int, name string, isElse bool) {
	w := p.word(i)
	switch w {
	case "else":
		next := p.afterSpace(i + len(w))
		if at, ok := p.branchAt(next); ok {
			save := p.pos
			p.pos = i + len(w)
			p.skip() // for the comments there
			p.pos = save
			return at, "else if", false
		}
		if p.at(next) == '{' {
			return i + len(w), "else", true
		}
		return 0, "", false
	case "elsif", "elif", "elsf":
		p.report(Errorf(p.place(i, i+len(w)), "else-if", "expected \"else if\", found %q", w).WithHint("write else if"))
		return i + len(w), "else if", false
	}
	if strings.HasPrefix(w, "elseif") {
		if at, ok := p.branchAt(i + len("else")); ok {
			return at, "else if", false
		}
	}
	return 0, "", false
}

// headCondition parses the condition of a branch, and tells whether a body follows.
func (p *parser) headCondition(name string) (Cond, bool) {
	p.skip()
	if p.peek() == '{' {
		p.report(Errorf(p.place(p.pos, p.pos+1), "missing-condition", "%s without a condition", name).WithHint("write %s [field] { … }", name))
		return nil, true
	}
	errors := p.errors
	p.inCond = true
	c := p.condition()
	p.inCond = false
	p.skip()
	if p.unwind >= 0 {
		return nil, false
	}
	if p.errors == errors && p.peek() != '{' {
		p.expected("an operator or \"{\"", "after the condition")
	}
	if p.unwind >= 0 {
		return nil, false
	}
	if p.errors > errors {
		return nil, p.peek() == '{' || p.recoverCondition()
	}
	return c, true
}

// condition parses expressions joined by and, or, xor, nand. It returns nil after an error.
func (p *parser) condition() Cond {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	var operands []Cond
	var ops []operator
	for {
		p.skip()
		x := p.expression()
		if x == nil {
			return nil
		}
		operands = append(operands, x)
		save := p.pos
		p.skip()
		op, ok := p.booleanOperator()
		if !ok {
			p.pos = save
			return p.join(operands, ops)
		}
		ops = append(ops, op)
	}
}

type operator struct {
	Span
	text string
}

// booleanOperator parses and, or, xor or nand, and takes && and the like for them, after saying so.
func (p *parser) booleanOperator() (operator, bool) {
	start := p.pos
	for _, op := range [...]string{"and", "or", "xor", "nand"} {
		if p.accept(op) {
			return operator{Span{start, p.pos}, op}, true
		}
	}
	for _, w := range [...][2]string{{"&&", "and"}, {"||", "or"}, {"AND", "and"}, {"OR", "or"}, {"And", "and"}, {"Or", "or"}, {"&", "and"}, {"|", "or"}} {
		if p.accept(w[0]) {
			p.report(Errorf(p.place(start, p.pos), "operator", "unknown operator %q", w[0]).WithHint("write %s", w[1]))
			return operator{Span{start, p.pos}, w[1]}, true
		}
	}
	return operator{}, false
}

// expression parses one operand of and/or.
func (p *parser) expression() Cond {
	start := p.pos
	switch {
	case p.accept("("):
		return p.parenthesis(start)
	case p.peek() == '!':
		return p.negation()
	case p.word(start) == "not" && p.at(p.afterSpace(start+3)) != '(', p.word(start) == "NOT":
		p.pos += len("not")
		p.report(Errorf(p.place(start, p.pos), "not", "\"not\" stands only before \"in\"").WithHint("write ![field] or !(condition)"))
		p.skip()
		return p.expression()
	}
	left := p.operand()
	if left == nil {
		return nil
	}
	save := p.pos
	p.skip()
	op := operator{Span{Start: p.pos}, ""}
	switch {
	case p.accept("in"):
		op.text = "in"
	case p.notIn():
		op.text = "not in"
	default:
		for _, s := range [...]string{"==", "!=", "<=", ">=", "=~", "!~", "<", ">"} {
			if p.accept(s) {
				op.text = s
				break
			}
		}
	}
	op.End = p.pos
	if op.text == "" && !p.wrongOperator(&op) {
		p.pos = save
		return p.truth(left)
	}
	return p.relation(left, op)
}

// notIn moves over "not in": a blank must follow "not" at once, then anything that is white space or comment.
func (p *parser) notIn() bool {
	if !p.has("not ") {
		return false
	}
	i := p.afterSpace(p.pos + len("not "))
	if !strings.HasPrefix(p.src[i:], "in") {
		return false
	}
	p.pos += len("not ")
	p.skip()
	p.pos += len("in")
	return true
}

// wrongOperator reports a single = and the like, and takes it for the operator that was meant.
func (p *parser) wrongOperator(op *operator) bool {
	for _, w := range [...][2]string{{"=>", ">="}, {"=<", "<="}, {"<>", "!="}, {"~=", "=~"}, {"~", "=~"}, {"=", "=="}} {
		if p.accept(w[0]) {
			op.text, op.End = w[1], p.pos
			p.report(Errorf(p.place(op.Start, op.End), "operator", "unknown operator %q", w[0]).WithHint("write %s", w[1]))
			return true
		}
	}
	for _, w := range [...]string{"contains", "matches", "eq", "ne", "is", "IN", "NOT", "like", "not"} {
		if p.word(p.pos) != w {
			continue
		}
		hint := map[string]string{"contains": `write "text" in [field]`, "eq": "write ==", "ne": "write !=", "is": "write ==", "IN": "write in", "NOT": "write not in",
			"not": "write not in, with one blank after not"}[w]
		if hint == "" {
			hint = "write =~ /pattern/"
		}
		p.report(Errorf(p.place(p.pos, p.pos+len(w)), "operator", "unknown operator %q", w).WithHint("%s", hint))
		return false
	}
	return false
}

func (p *parser) parenthesis(start int) Cond {
	c := p.condition()
	if c == nil {
		return nil
	}
	p.skip()
	if !p.accept(")") {
		if p.peek() == '{' || p.eof() {
			p.report(Errorf(p.place(start, start+1), "missing-parenthesis", "the parenthesis is not closed").WithHint("\")\" is missing before %s", p.found()))
		} else {
			p.expected("an operator or \")\"", "in the condition")
		}
		return nil
	}
	return c
}

// negation parses `!(…)` and `![field]`; nothing else may follow "!".
func (p *parser) negation() Cond {
	start := p.pos
	p.pos++
	p.skip()
	at := p.pos
	var x Cond
	switch {
	case p.accept("("):
		x = p.parenthesis(at)
	case p.peek() == '[':
		if f := p.fieldRef(); f != nil {
			x = &Truth{f.Span, f}
		}
	}
	if x == nil {
		if p.pos == at {
			p.expected("\"(\" or a [field]", "after \"!\"")
		}
		return nil
	}
	return &Not{Span{start, p.pos}, x}
}

// operand parses a value inside a condition.
func (p *parser) operand() Expr {
	start := p.pos
	switch c := p.peek(); {
	case c == '"' || c == '\'':
		if s, ok := p.stringLit(); ok {
			return s
		}
		return nil
	case c == '[':
		if f := p.fieldRef(); f != nil {
			return f
		}
		return orNil(p.array("the list"))
	case c == '/' && p.at(start+1) != '/' && p.at(start+1) != '*':
		return p.regexp()
	case isDigit(c) || c == '-':
		if p.numberEnd(start) > start {
			return p.number("")
		}
	case isAlpha(c):
		end := start
		for isWord(p.at(end)) {
			end++
		}
		if end > start+1 && p.at(p.afterSpace(end)) == '(' {
			return p.call(end)
		}
	}
	p.expected("a [field], a string or a number", "in the condition")
	return nil
}

// fieldRef parses `[a][b]`, or returns nil without moving. What stands between the brackets is the name to the last blank,
// so that ["x"] is the field whose name has quotes and not a list of one.
func (p *parser) fieldRef() *FieldRef {
	i := p.pos
	for p.at(i) == '[' {
		n := strings.IndexAny(p.src[i+1:], "[],")
		if n <= 0 || p.src[i+1+n] != ']' {
			break
		}
		i += n + 2
	}
	if i == p.pos {
		return nil
	}
	f := &FieldRef{Span{p.pos, i}, p.src[p.pos:i]}
	p.pos = i
	if name := strings.TrimSpace(f.Text[1 : len(f.Text)-1]); strings.HasPrefix(name, `"`) || strings.HasPrefix(name, "'") {
		p.report(Warnf(p.place(f.Start, f.End), "one-item-list", "%s is read as a field of that name, quotes included, not as a list of one item", f.Text).
			WithHint("compare with ==, or give the list a second item"))
	}
	return f
}

func (p *parser) regexp() Expr {
	start := p.pos
	end, ok := quotedEnd(p.src, start)
	if !ok {
		p.unclosedString(start, "the regular expression is not closed", "")
		return nil
	}
	p.pos = end
	p.last = Span{start, end}
	return &Regexp{p.last, p.src[start+1 : end-1]}
}

// call parses `method(a, b)`, the name of which ends at end.
func (p *parser) call(end int) Expr {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	c := &Call{Span: Span{Start: p.pos}, Name: p.src[p.pos:end]}
	p.pos = end
	p.skip()
	p.pos++
	for {
		p.skip()
		if p.accept(")") && len(c.Args) == 0 {
			break
		}
		arg := p.operand()
		if arg == nil {
			return nil
		}
		c.Args = append(c.Args, arg)
		p.skip()
		if p.accept(")") {
			break
		}
		if !p.accept(",") {
			p.expected("\",\" or \")\"", "in the call of "+c.Name)
			return nil
		}
	}
	c.End = p.pos
	p.report(Warnf(p.place(c.Start, c.End), "method-call", "the method call %s(…) has no effect, as in Logstash", c.Name))
	return c
}
