package config

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Format returns the configuration in the usual style: two blanks for each level, one option on a line, arrows of neighbouring
// lines under one another. Comments, the text of strings and the order of everything stay; a block that stands on one line stays there
// unless it is a section or branch. What has syntax errors is not formatted: the error is that of Parse.
func Format(src []byte) ([]byte, error) {
	f, ds := Parse("", src, ParseOptions{})
	if err := ds.Err(); err != nil {
		return nil, err
	}
	p := &printer{f: f, comments: f.Comments}
	for _, s := range f.Sections {
		p.leading(s.Start)
		p.text(s.Kind + " ")
		p.block(s.Open, s.Body, s.Close)
		p.end(s.End, len(f.Text))
	}
	p.leading(len(f.Text))
	return p.out.Bytes(), nil
}

// printer writes the syntax tree line by line. Comments are written where the next thing after them begins.
type printer struct {
	f        *File
	out      bytes.Buffer
	comments []Comment // those not yet written
	level    int
	line     int  // lines written
	last     int  // offset in the text of the end of what was written last
	begun    bool // the current line has text
	fresh    bool // nothing but an opening brace stands before the line: no blank line may
}

func (p *printer) text(s string) {
	if !p.begun {
		for range p.level {
			p.out.WriteString("  ")
		}
		p.begun = true
	}
	p.fresh = false
	p.out.WriteString(s)
	p.line += strings.Count(s, "\n")
}

func (p *printer) newline() {
	if p.begun {
		p.out.WriteByte('\n')
		p.line++
		p.begun = false
	}
}

// gap writes a blank line if the text has one between what was written last and offset next.
func (p *printer) gap(next int) {
	if p.fresh || p.out.Len() == 0 || next <= p.last {
		return
	}
	if strings.Count(p.f.Text[p.last:next], "\n") > 1 && strings.TrimSpace(p.f.Text[p.last:next]) == "" {
		p.out.WriteByte('\n')
		p.line++
	}
}

// leading writes the comments before offset next, each on its line, and the blank lines around them.
func (p *printer) leading(next int) {
	for len(p.comments) > 0 && p.comments[0].Start < next {
		p.newline()
		p.gap(p.comments[0].Start)
		p.comment()
		p.newline()
	}
	if next < len(p.f.Text) && !p.begun {
		p.gap(next)
	}
}

func (p *printer) comment() {
	c := p.comments[0]
	p.comments = p.comments[1:]
	p.text(strings.TrimRight(p.f.Text[c.Start:c.End], " \t"))
	p.last = c.End
}

// end ends the line after the thing that ends at offset end, with the comment that stands behind it on its line and before limit.
func (p *printer) end(end, limit int) {
	p.last = end
	p.trailing(end, limit)
	p.newline()
}

func (p *printer) trailing(end, limit int) {
	if len(p.comments) == 0 {
		return
	}
	c := p.comments[0]
	if c.Start < end || c.Start > limit || strings.IndexByte(p.f.Text[end:c.Start], '\n') >= 0 {
		return
	}
	p.text(" ")
	p.comment()
	p.newline()
}

// commented tells whether a comment begins between two offsets.
func (p *printer) commented(from, to int) bool {
	for _, c := range p.comments {
		if c.Start >= to {
			return false
		}
		if c.Start >= from {
			return true
		}
	}
	return false
}

// opening writes the brace or bracket that stands at offset open and begins an indented block.
func (p *printer) opening(s string, open, limit int) {
	p.text(s)
	p.last = open + 1
	p.trailing(open+1, limit)
	p.newline()
	p.level++
	p.fresh = true
}

// closing ends the indented block that closes at offset at.
func (p *printer) closing(s string, at int) {
	p.newline()
	p.leadingInside(at)
	p.level--
	p.text(s)
	p.last = at + 1
}

// leadingInside writes the comments before the end of a block, without a blank line at the end.
func (p *printer) leadingInside(at int) {
	for len(p.comments) > 0 && p.comments[0].Start < at {
		p.gap(p.comments[0].Start)
		p.comment()
		p.newline()
	}
}

func (p *printer) block(open int, body []Statement, closing int) {
	if len(body) == 0 && !p.commented(open, closing) {
		p.text("{ }")
		p.last = closing + 1
		return
	}
	p.opening("{", open, first(body, closing))
	for i, s := range body {
		p.leading(s.Range().Start)
		limit := closing
		if i+1 < len(body) {
			limit = body[i+1].Range().Start
		}
		switch s := s.(type) {
		case *PluginNode:
			p.plugin(s)
		case *IfNode:
			p.branches(s)
		}
		p.end(s.Range().End, limit)
	}
	p.closing("}", closing)
}

func first(body []Statement, otherwise int) int {
	if len(body) > 0 {
		return body[0].Range().Start
	}
	return otherwise
}

func (p *printer) branches(n *IfNode) {
	for i, b := range n.Branches {
		if i > 0 {
			if p.commented(p.last, b.Open) {
				// A comment between the branches, or in the condition, stands before the line of the branch.
				p.trailing(p.last, b.Start)
				p.newline()
				p.leadingInside(b.Open)
			} else {
				p.text(" ")
			}
			p.text("else")
			if !b.Else {
				p.text(" ")
			}
		} else {
			p.leadingInside(b.Open)
		}
		if !b.Else {
			p.text("if ")
			p.condition(conditionStart(p.f.Text, b), b.Open)
		}
		p.text(" ")
		p.block(b.Open, b.Body, b.Close)
	}
}

// conditionStart returns where the text of a branch's condition begins: after its "if".
func conditionStart(text string, b *Branch) int {
	p := &parser{src: text, pos: b.Start}
	if strings.HasPrefix(text[b.Start:], "else") {
		p.pos = p.afterSpace(b.Start + len("else"))
	}
	return p.pos + len("if")
}

// condition writes the condition between two offsets, with one blank between its parts. Line breaks in it stay, and what follows one is indented by two levels.
func (p *printer) condition(from, to int) {
	l := &parser{src: p.f.Text, pos: from, file: p.f}
	p.level += 2
	defer func() { p.level -= 2 }()
	prev, prevEnd := "", from
	for {
		l.pos = l.afterSpace(l.pos)
		if l.pos >= to {
			return
		}
		start := l.pos
		tok := l.conditionToken()
		switch {
		case prev == "":
		case strings.Contains(stripComments(p.f.Text[prevEnd:start]), "\n") && prev != "!":
			p.newline()
		case joined(prev, tok):
		default:
			p.text(" ")
		}
		p.text(tok)
		prev, prevEnd = tok, l.pos
	}
}

// stripComments leaves the white space of a text that holds nothing else but comments. A comment takes its line break with it: it is
// written elsewhere.
func stripComments(s string) string {
	for {
		i := strings.IndexByte(s, '#')
		if i < 0 {
			return s
		}
		n := strings.IndexByte(s[i:], '\n')
		if n < 0 {
			return s[:i]
		}
		s = s[:i] + s[i+n+1:]
	}
}

// joined tells whether two parts of a condition have no blank between them.
func joined(prev, tok string) bool {
	switch {
	case prev == "(" || prev == "[" || prev == "!" || tok == ")" || tok == "]" || tok == ",":
		return true
	case tok == "(":
		// The parenthesis of a method call; those of expressions follow an operator.
		return isAlpha(prev[0]) && prev != "and" && prev != "or" && prev != "xor" && prev != "nand"
	}
	return false
}

// conditionToken cuts the next part of a condition that is known to be correct.
func (p *parser) conditionToken() string {
	start := p.pos
	switch c := p.peek(); {
	case c == '"' || c == '\'' || c == '/':
		p.pos, _ = quotedEnd(p.src, start)
	case c == '[':
		if f := p.fieldRef(); f == nil {
			p.pos++
		}
	case isDigit(c) || c == '-':
		p.pos = max(p.numberEnd(start), start+1)
	case p.notIn():
		return "not in"
	case isAlpha(c):
		for _, op := range [...]string{"nand", "and", "xor", "or", "in"} {
			// Operators need no blank after them: `[a] and5 == [b]`.
			if w := p.word(start); strings.HasPrefix(w, op) && (len(w) == len(op) || isDigit(w[len(op)]) || w[len(op)] == '-') {
				p.pos += len(op)
				return op
			}
		}
		for isWord(p.peek()) {
			p.pos++
		}
	default:
		for _, op := range [...]string{"==", "!=", "<=", ">=", "=~", "!~", "=>"} {
			if p.accept(op) {
				return op
			}
		}
		p.pos++
	}
	return p.src[start:p.pos]
}

func (p *printer) plugin(n *PluginNode) {
	p.leadingInside(n.Open)
	p.text(n.Name + " ")
	if !p.broken(n) {
		p.text(p.inline(n)[len(n.Name)+1:])
		return
	}
	limit := n.Close
	if len(n.Attributes) > 0 {
		limit = n.Attributes[0].Start
	}
	p.opening("{", n.Open, limit)
	items := make([]pair, len(n.Attributes))
	for i, a := range n.Attributes {
		items[i] = pair{a.Span, p.f.Text[a.NameSpan.Start:a.NameSpan.End], a.Value}
	}
	p.pairs(items, n.Close)
	p.closing("}", n.Close)
}

// pair is an attribute of a plugin or an entry of a hash.
type pair struct {
	Span
	key   string
	value Expr
}

// pairs writes `key => value` lines. The arrows of lines that follow each other are aligned, unless a value takes several lines.
func (p *printer) pairs(items []pair, closing int) {
	rows := make([]row, 0, len(items))
	for i, it := range items {
		p.leadingInside(head(it.value)) // with what stands inside the pair
		p.gap(it.Start)
		p.text(it.key)
		r := row{at: p.out.Len(), width: utf8.RuneCountInString(it.key), line: p.line}
		p.text(" => ")
		p.value(it.value)
		r.single = r.line == p.line && !strings.Contains(it.key, "\n")
		rows = append(rows, r)
		limit := closing
		if i+1 < len(items) {
			limit = items[i+1].Start
		}
		p.end(it.End, limit)
	}
	p.align(rows)
}

// head returns where the part of a value that is always on its first line ends, roughly: comments before it go to lines of their own.
func head(e Expr) int {
	if n, ok := e.(*PluginNode); ok {
		return n.Open
	}
	return e.Range().Start
}

// row is one written pair: where blanks go before its arrow, and its line in the output. Alignment looks at the output alone,
// so that formatting again finds the same lines.
type row struct {
	at, width, line int
	single          bool
}

// align inserts the blanks that put the arrows of neighbouring single lines under one another.
func (p *printer) align(rows []row) {
	if len(rows) < 2 {
		return
	}
	from := rows[0].at
	text := append([]byte(nil), p.out.Bytes()[from:]...)
	p.out.Truncate(from)
	done := 0
	for i := 0; i < len(rows); {
		n, width := 0, 0
		for i+n < len(rows) && rows[i+n].single && rows[i+n].line == rows[i].line+n {
			width = max(width, rows[i+n].width)
			n++
		}
		for _, r := range rows[i : i+n] {
			p.out.Write(text[done : r.at-from])
			p.out.WriteString(strings.Repeat(" ", width-r.width))
			done = r.at - from
		}
		i += max(n, 1)
	}
	p.out.Write(text[done:])
}

// broken tells whether a value is written on several lines: because it holds comments, or stood on several lines.
func (p *printer) broken(e Expr) bool {
	var open, end int
	var parts []Node
	switch e := e.(type) {
	case *PluginNode:
		open, end = e.Open, e.Close
		for _, a := range e.Attributes {
			if p.broken(a.Value) || p.commented(a.Start, a.End) {
				return true
			}
			parts = append(parts, a)
		}
	case *HashLit:
		open, end = e.Start, e.End-1
		for _, h := range e.Entries {
			if p.broken(h.Value) {
				return true
			}
			parts = append(parts, h)
		}
	case *Array:
		open, end = e.Start, e.End-1
		for _, item := range e.Items {
			if p.broken(item) {
				return true
			}
			parts = append(parts, item)
		}
	default:
		return false
	}
	if len(parts) == 0 {
		return p.commented(open, end)
	}
	at := open + 1
	for _, part := range parts {
		if strings.Contains(p.f.Text[at:part.Range().Start], "\n") {
			return true
		}
		at = part.Range().End
	}
	return strings.Contains(p.f.Text[at:end], "\n") || p.commented(open, end)
}

// inline returns a value on one line.
func (p *printer) inline(e Expr) string {
	var b strings.Builder
	switch e := e.(type) {
	case *PluginNode:
		b.WriteString(e.Name + " { ")
		for _, a := range e.Attributes {
			b.WriteString(p.f.Text[a.NameSpan.Start:a.NameSpan.End] + " => " + p.inline(a.Value) + " ")
		}
		b.WriteString("}")
	case *HashLit:
		b.WriteString("{ ")
		for _, h := range e.Entries {
			r := h.Key.Range()
			b.WriteString(p.f.Text[r.Start:r.End] + " => " + p.inline(h.Value) + " ")
		}
		b.WriteString("}")
	case *Array:
		b.WriteByte('[')
		for i, item := range e.Items {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(p.inline(item))
		}
		b.WriteByte(']')
	default:
		r := e.Range()
		return p.f.Text[r.Start:r.End]
	}
	return b.String()
}

// value writes a value at the cursor, on one line or several.
func (p *printer) value(e Expr) {
	if !p.broken(e) {
		p.text(p.inline(e))
		p.last = e.Range().End
		return
	}
	switch e := e.(type) {
	case *PluginNode:
		p.plugin(e)
	case *HashLit:
		limit := e.End - 1
		items := make([]pair, len(e.Entries))
		for i, h := range e.Entries {
			r := h.Key.Range()
			items[i] = pair{h.Span, p.f.Text[r.Start:r.End], h.Value}
			limit = min(limit, h.Start)
		}
		p.opening("{", e.Start, limit)
		p.pairs(items, e.End-1)
		p.closing("}", e.End-1)
	case *Array:
		p.array(e)
	}
}

// array writes an array on several lines; items that shared a line go on doing so.
func (p *printer) array(a *Array) {
	limit := a.End - 1
	if len(a.Items) > 0 {
		limit = a.Items[0].Range().Start
	}
	p.opening("[", a.Start, limit)
	for i, item := range a.Items {
		r := item.Range()
		if i > 0 {
			between := p.f.Text[a.Items[i-1].Range().End:r.Start]
			if p.begun && (strings.Contains(between, "\n") || p.commented(a.Items[i-1].Range().End, r.Start)) {
				p.trailing(p.last, r.Start)
				p.newline()
			}
			if p.begun {
				p.text(" ")
			}
		}
		p.leading(head(item))
		p.value(item)
		p.last = r.End
		if i+1 < len(a.Items) {
			p.text(",")
			p.last = r.End + strings.IndexByte(stripToComma(p.f.Text[r.End:a.End]), ',') + 1
		} else {
			p.trailing(r.End, a.End-1)
		}
	}
	p.closing("]", a.End-1)
}

// stripToComma returns s with the comments before its first comma blanked out.
func stripToComma(s string) string {
	b := []byte(s)
	for i := 0; i < len(b) && b[i] != ','; i++ {
		if b[i] == '#' {
			for ; i < len(b) && b[i] != '\n'; i++ {
				b[i] = ' '
			}
		}
	}
	return string(b)
}
