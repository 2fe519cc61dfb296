package config

// This file turns parsed expressions into conditions the way Logstash's compiler does, which looks for operands anywhere
// inside a side of an operator: of a list it compares the first item only, of a method call the argument.

// truth makes a condition of a value standing alone.
func (p *parser) truth(x Expr) Cond {
	if c, ok := x.(*Call); ok {
		fields := appendOperands(nil, c, func(e Expr) bool { _, ok := e.(*FieldRef); return ok })
		if len(fields) != 1 {
			p.report(Errorf(p.place(c.Start, c.End), "method-call", "a method call is no condition").WithHint("write [field]"))
			return nil
		}
		x = fields[0]
	}
	if _, ok := x.(*FieldRef); !ok {
		r := x.Range()
		p.report(Warnf(p.place(r.Start, r.End), "constant-condition", "a constant as a condition"))
	}
	return &Truth{x.Range(), x}
}

// relation parses the right side of op and makes the condition.
func (p *parser) relation(left Expr, op operator) Cond {
	p.skip()
	var right Expr
	match := op.text == "=~" || op.text == "!~"
	if c := p.peek(); match && c != '"' && c != '\'' && c != '/' {
		p.expected("a string or /regular expression/", "after "+op.text)
		return nil
	}
	if right = p.operand(); right == nil {
		return nil
	}
	span := Span{left.Range().Start, p.pos}
	l, r := p.sides(left, op, right)
	if l == nil || r == nil {
		return nil
	}
	switch op.text {
	case "in", "not in":
		if isConstant(l) && isConstant(r) {
			p.report(Warnf(p.place(span.Start, span.End), "constant-condition", "both sides of %q are constants: it is never true", "in").
				WithHint("write \"text\" in [field]"))
		}
		return &In{span, op.text == "not in", op.Span, l, r}
	case "=~", "!~":
		return &Match{span, op.text == "!~", op.Span, l, r}
	}
	return &Compare{span, op.text, op.Span, l, r}
}

func isConstant(e Expr) bool {
	_, field := e.(*FieldRef)
	return !field
}

// sides returns the operands that Logstash takes from the two sides of an operator, or nil after reporting that there are none.
func (p *parser) sides(left Expr, op operator, right Expr) (l, r Expr) {
	var wanted func(Expr) bool
	switch op.text {
	case "in", "not in":
		wanted = func(e Expr) bool { _, call := e.(*Call); return !call }
	case "=~", "!~":
		wanted = func(e Expr) bool {
			switch e.(type) {
			case *FieldRef, *String, *Regexp:
				return true
			}
			return false
		}
	default:
		wanted = func(e Expr) bool {
			switch e.(type) {
			case *FieldRef, *String, *Number:
				return true
			}
			return false
		}
	}
	ls, rs := appendOperands(nil, left, wanted), appendOperands(nil, right, wanted)
	if len(ls) != 1 {
		s := left.Range()
		p.report(Errorf(p.place(s.Start, s.End), "operand", "the left side of %q must be one field or constant", op.text))
		return nil, nil
	}
	if len(rs) == 0 {
		s := right.Range()
		d := Errorf(p.place(s.Start, s.End), "operand", "the right side of %q must be a field or a constant", op.text)
		if _, ok := right.(*Regexp); ok {
			d = d.WithHint("compare with a regular expression by =~")
		}
		p.report(d)
		return nil, nil
	}
	if a, ok := right.(*Array); ok && rs[0] != right {
		p.report(Warnf(p.place(a.Start, a.End), "first-item", "%q looks at the first item of the list only", op.text).WithHint("write in to look at all of them"))
	}
	return ls[0], rs[0]
}

// appendOperands appends the outermost expressions inside e that are wanted, in the order of the text.
func appendOperands(dst []Expr, e Expr, wanted func(Expr) bool) []Expr {
	if wanted(e) {
		return append(dst, e)
	}
	switch e := e.(type) {
	case *Call:
		for _, a := range e.Args {
			dst = appendOperands(dst, a, wanted)
		}
	case *Array:
		for _, a := range e.Items {
			dst = appendOperands(dst, a, wanted)
		}
	case *HashLit:
		for _, h := range e.Entries {
			dst = appendOperands(dst, h.Key, wanted)
			dst = appendOperands(dst, h.Value, wanted)
		}
	case *PluginNode:
		for _, a := range e.Attributes {
			dst = appendOperands(dst, a.Value, wanted)
		}
	}
	return dst
}

// join builds the tree of operands and operators that Logstash builds. That is "and" before "or", except that Logstash
// takes only one waiting "and" when an "or" comes: a and b and c or d is to it a and ((b and c) or d). It is copied, with a warning,
// since changing which events match would be worse than the surprise.
func (p *parser) join(operands []Cond, ops []operator) Cond {
	if len(ops) == 0 {
		return operands[0]
	}
	for _, op := range ops {
		if len(ops) > 1 && (op.text == "nand" || op.text == "xor") {
			p.report(Errorf(p.place(op.Start, op.End), "mixed-operators", "%s cannot be combined with another operator", op.text).
				WithHint("put each part in parentheses"))
			return nil
		}
	}
	var out []Cond
	var waiting []operator
	surprise := false
	apply := func(op operator) {
		l, r := out[len(out)-2], out[len(out)-1]
		out = append(out[:len(out)-2], &Logical{Span{l.Range().Start, r.Range().End}, op.text, op.Span, l, r})
	}
	for i, x := range operands {
		out = append(out, x)
		if i == len(ops) {
			break
		}
		if k := len(waiting) - 1; k >= 0 && waiting[k].text == "and" && ops[i].text == "or" {
			apply(waiting[k])
			waiting = waiting[:k]
			surprise = surprise || k > 0 && waiting[k-1].text == "and"
		}
		waiting = append(waiting, ops[i])
	}
	for i := len(waiting) - 1; i >= 0; i-- {
		apply(waiting[i])
	}
	if surprise {
		s := out[0].Range()
		p.report(Warnf(p.place(s.Start, s.End), "surprising-precedence", "several \"and\" before an \"or\": Logstash reads a and b and c or d as a and ((b and c) or d)").
			WithHint("add parentheses to say what is meant"))
	}
	return out[0]
}
