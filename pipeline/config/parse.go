package config

import (
	"strconv"
	"strings"
)

// ParseOptions are the settings that change how text is read.
type ParseOptions struct {
	// SupportEscapes is config.support_escapes: \n, \t and the like in quoted strings stand for characters.
	SupportEscapes bool
}

// maxErrors bounds what is said about one file; text that is no configuration at all would not end.
const maxErrors = 50

// maxDepth bounds how deep values, conditions and branches may nest, so that no text exhausts the stack.
const maxDepth = 500

// Parse reads one configuration file. It always returns a File, holding what could be understood, and reports every mistake it finds.
func Parse(name string, src []byte, o ParseOptions) (*File, Diagnostics) {
	f, ds := decodeText(name, src)
	p := &parser{file: f, src: f.Text, escapes: o.SupportEscapes, diags: ds, unwind: -1, blamed: -1}
	p.parseFile()
	p.diags.Sort()
	return f, p.diags
}

// parser is a recursive descent parser that works on bytes: what a character means depends on where it stands
// (`[a b]` is a field in a condition and an array elsewhere), so that there are no tokens to cut beforehand.
type parser struct {
	file    *File
	src     string
	pos     int
	escapes bool
	diags   Diagnostics
	errors  int
	depth   int

	open    []opener // blocks that are not closed yet
	suspect opener   // the first block of this section whose closing brace seems to be another's; see closeBlock
	missing bool     // a missing brace was reported for this section
	closed  bool     // the innermost plugin counts as closed although its brace is missing
	unwind  int      // blocks to leave open after an unclosed string, or -1; see blameString
	last    Span     // the string parsed last
	inCond  bool     // the cursor is in a condition
	blamed  int      // start of the last string blamed for an error
	stray   bool     // a closing brace too many is to come, and was announced
	broken  bool     // the text is beyond repair: nothing more is read
}

// opener is an open block: the offset of its brace and of the line's first word, which names it.
type opener struct {
	brace, start int
	name         string
}

func (p *parser) place(start, end int) Place { return Place{p.file, Span{start, end}} }

// report adds a diagnostic, and gives up when there are too many.
func (p *parser) report(d Diagnostic) {
	if p.broken {
		return
	}
	p.diags = append(p.diags, d)
	if d.Severity != Error {
		return
	}
	if p.errors++; p.errors >= maxErrors {
		p.diags = append(p.diags, At(p.place(p.pos, p.pos), Error, "too-many-errors", "too many errors: the rest of the file was not read"))
		p.giveUp()
	}
}

func (p *parser) giveUp() { p.broken, p.pos = true, len(p.src) }

// enter counts a level of nesting; leave must follow when it returned true.
func (p *parser) enter() bool {
	if p.depth++; p.depth <= maxDepth {
		return true
	}
	p.report(Errorf(p.place(p.pos, p.pos+1), "too-deep", "nested more than %d levels deep", maxDepth))
	p.giveUp()
	p.depth--
	return false
}

func (p *parser) leave() { p.depth-- }

// peek returns the byte at the cursor, or 0 at the end.
func (p *parser) peek() byte { return p.at(p.pos) }

func (p *parser) at(i int) byte {
	if i < len(p.src) {
		return p.src[i]
	}
	return 0
}

func (p *parser) eof() bool { return p.pos >= len(p.src) }

func (p *parser) has(s string) bool { return strings.HasPrefix(p.src[p.pos:], s) }

// accept moves over s if it stands at the cursor.
func (p *parser) accept(s string) bool {
	if !p.has(s) {
		return false
	}
	p.pos += len(s)
	return true
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }
func isWord(c byte) bool  { return isAlpha(c) || isDigit(c) }

// isName tells what a plugin or option name may hold; a dash is allowed there but not in a bareword.
func isName(c byte) bool { return isWord(c) || c == '-' }

// skip moves over white space and comments and tells whether it began with white space.
func (p *parser) skip() bool {
	start := p.pos
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case isSpace(c):
			p.pos++
		case c == '#':
			p.comment()
		default:
			return p.pos > start && isSpace(p.src[start])
		}
	}
	return p.pos > start && isSpace(p.src[start])
}

// comment moves over a comment, to its line break. It is recorded once, although the cursor may come by again.
func (p *parser) comment() {
	start := p.pos
	n := strings.IndexByte(p.src[start:], '\n')
	if n < 0 {
		n = len(p.src) - start
	}
	p.pos = start + n
	end := p.pos
	if end > start && p.src[end-1] == '\r' {
		end--
	}
	if k := len(p.file.Comments); k > 0 && p.file.Comments[k-1].Start >= start {
		return
	}
	p.file.Comments = append(p.file.Comments, Comment{Span{start, end}})
	if i := strings.IndexByte(p.src[start:end], '\r'); i >= 0 {
		p.report(Errorf(p.place(start+i, start+i+1), "lone-carriage-return", "a carriage return without a line feed inside a comment").
			WithHint("end lines with a line feed"))
	}
}

// afterSpace returns where the next thing that is neither white space nor comment begins, without moving.
func (p *parser) afterSpace(i int) int {
	save := p.pos
	p.pos = i
	for p.pos < len(p.src) {
		if c := p.src[p.pos]; isSpace(c) {
			p.pos++
		} else if c == '#' {
			if n := strings.IndexByte(p.src[p.pos:], '\n'); n >= 0 {
				p.pos += n
			} else {
				p.pos = len(p.src)
			}
		} else {
			break
		}
	}
	i, p.pos = p.pos, save
	return i
}

// word returns the run of name characters at i.
func (p *parser) word(i int) string {
	end := i
	for end < len(p.src) && isName(p.src[end]) {
		end++
	}
	return p.src[i:end]
}

func (p *parser) parseFile() {
	for {
		p.skip()
		p.unwind = -1
		if p.eof() {
			return
		}
		start := p.pos
		if kind := p.sectionKind(start); kind != "" {
			p.section(kind)
			continue
		}
		p.sectionExpected()
		if p.pos == start {
			p.pos++
		}
	}
}

// sectionKind returns the kind of the section that begins at i, or "".
func (p *parser) sectionKind(i int) string {
	for _, kind := range [...]string{KindInput, KindFilter, KindOutput} {
		if strings.HasPrefix(p.src[i:], kind) && p.at(p.afterSpace(i+len(kind))) == '{' {
			return kind
		}
	}
	return ""
}

func (p *parser) section(kind string) {
	s := &Section{Span: Span{Start: p.pos}, Kind: kind}
	p.file.Sections = append(p.file.Sections, s)
	p.suspect, p.missing, p.stray = opener{}, false, false
	p.pos += len(kind)
	s.Open, s.Body, s.Close = p.block(kind, s.Start, kind)
	s.End = p.pos
}

// block parses `{ statements }` after white space; the brace is known to be there or is reported as missing.
func (p *parser) block(name string, start int, kind string) (open int, body []Statement, closing int) {
	p.skip()
	open = p.pos
	if !p.accept("{") {
		p.expected("{", "the opening brace of "+name)
		return open, nil, -1
	}
	if !p.enter() {
		return open, nil, -1
	}
	defer p.leave()
	p.open = append(p.open, opener{open, start, name})
	body = p.statements(kind)
	return open, body, p.closeBlock()
}

// closeBlock ends the innermost open block at its closing brace, or reports that it is missing. It returns the offset of the brace or -1.
func (p *parser) closeBlock() int {
	o := p.open[len(p.open)-1]
	p.open = p.open[:len(p.open)-1]
	at := p.pos
	if p.unwind >= 0 || p.closed {
		p.closed = false
		return -1
	}
	if !p.accept("}") {
		p.missingBrace(o)
		return -1
	}
	// A brace that stands alone, left of the line it closes, tells that the closed block misses its own.
	if p.suspect.name == "" && p.file.firstOnLine(at) && p.file.indent(at) < p.file.indent(o.start) {
		p.suspect = o
	}
	return at
}

// missingBrace reports that block o is not closed, or the block inside it whose closing brace was taken for o's. It is said once a section.
func (p *parser) missingBrace(o opener) {
	if p.missing {
		return
	}
	p.missing = true
	if p.suspect.name != "" {
		o = p.suspect
	}
	where := "the file ends"
	if !p.eof() {
		where = "line " + strconv.Itoa(p.file.Position(p.pos).Line) + " goes on with " + p.found()
	}
	p.report(Errorf(p.place(o.brace, o.brace+1), "missing-brace", "the closing brace of %s is missing", o.name).WithHint("opened here; %s", where))
}

// statements parses plugins and branches up to the closing brace of their block, which stays.
func (p *parser) statements(kind string) []Statement {
	var body []Statement
	for {
		p.skip()
		if p.unwind >= 0 {
			if len(p.open) > p.unwind {
				return body
			}
			p.unwind = -1
			continue
		}
		if p.eof() || p.peek() == '}' || p.sectionBegins() {
			return body
		}
		start := p.pos
		if s := p.statement(kind); s != nil {
			body = append(body, s)
		}
		if p.closed {
			return body
		}
		if p.pos == start && p.unwind < 0 {
			p.pos++
		}
	}
}

// sectionBegins tells whether a section begins at the cursor although blocks are open: it stands at the start of its line,
// no further right than the section around it.
func (p *parser) sectionBegins() bool {
	return p.sectionKind(p.pos) != "" && p.file.firstOnLine(p.pos) && p.file.indent(p.pos) <= p.file.indent(p.open[0].start)
}

func (p *parser) statement(kind string) Statement {
	c := p.peek()
	if isName(c) {
		if at, ok := p.branchAt(p.pos); ok {
			return p.ifNode(kind, at)
		}
		if p.strayElse() {
			return nil
		}
		if k := p.sectionKind(p.pos); k != "" {
			p.report(Errorf(p.place(p.pos, p.pos+len(k)), "nested-section", "section %s inside section %s", k, p.open[0].name).
				WithHint("is a closing brace missing before it?"))
			start := p.pos
			p.pos += len(k)
			p.block(k, start, k)
			return nil
		}
	}
	if isName(c) || c == '"' || c == '\'' {
		if n := p.plugin(kind); n != nil {
			return n
		}
		return nil
	}
	p.expected("a plugin or \"if\"", "")
	p.recoverStatement()
	return nil
}

// branchAt tells whether an if begins at i, and where its condition begins. The grammar asks for no blank after "if",
// so that `if[a]` and `if5 == 5` are branches while `ifconfig { }` is a plugin.
func (p *parser) branchAt(i int) (condition int, ok bool) {
	w := p.word(i)
	rest, ok := strings.CutPrefix(w, "if")
	if !ok {
		return 0, false
	}
	next := p.at(p.afterSpace(i + len(w)))
	switch {
	case rest == "":
		ok = !strings.HasPrefix(p.src[p.afterSpace(i+len(w)):], "=>")
	case strings.Trim(strings.TrimPrefix(rest, "-"), "0123456789") == "" && rest != "-":
	default:
		ok = next == '('
	}
	return i + len("if"), ok
}

// plugin parses `name { attributes }`, as a statement or as a value.
func (p *parser) plugin(kind string) *PluginNode {
	n := &PluginNode{Span: Span{Start: p.pos}, File: p.file, Kind: kind, Close: -1}
	if c := p.peek(); c == '"' || c == '\'' {
		s, ok := p.stringLit()
		if !ok {
			return nil
		}
		n.Name, n.NameSpan = s.Raw, s.Span
		p.report(Errorf(p.place(s.Start, s.End), "quoted-plugin-name", "a plugin name takes no quotes").WithHint("write %s", s.Raw))
	} else {
		n.Name = p.word(p.pos)
		n.NameSpan = Span{p.pos, p.pos + len(n.Name)}
		p.pos += len(n.Name)
	}
	p.skip()
	n.Open = p.pos
	if p.peek() != '{' {
		p.noPluginBrace(n)
		return nil
	}
	p.pos++
	if !p.enter() {
		return nil
	}
	defer p.leave()
	p.open = append(p.open, opener{n.Open, n.Start, n.Name})
	p.attributes(n)
	n.Close = p.closeBlock()
	n.End = p.pos
	return n
}

// attributes parses the options of a plugin up to its closing brace, which stays.
func (p *parser) attributes(n *PluginNode) {
	first := true
	for {
		before := p.pos
		spaced := p.skip()
		if p.unwind >= 0 {
			if len(p.open) > p.unwind {
				return
			}
			p.unwind, first = -1, true
			continue
		}
		if p.eof() || p.peek() == '}' || p.sectionBegins() {
			return
		}
		start := p.pos
		if p.accept(",") {
			p.report(Errorf(p.place(start, p.pos), "comma", "a comma between options").WithHint("options are separated by white space only"))
			continue
		}
		c := p.peek()
		if !isName(c) && c != '"' && c != '\'' {
			p.expected("an option name or \"}\"", "")
			p.recoverAttribute()
			if p.pos == start && p.unwind < 0 && !p.eof() && p.peek() != '}' {
				p.pos++
			}
			continue
		}
		if !first && !spaced && !p.blameString() {
			p.report(Errorf(p.place(start, start+1), "missing-space", "white space is missing between two options").
				WithHint("put a blank or a line break after the value%s", map[bool]string{true: ", before the comment"}[before < start]))
		}
		first = false
		if p.unwind >= 0 {
			continue
		}
		if p.pluginInside(n) {
			return
		}
		if a := p.attribute(); a != nil {
			n.Attributes = append(n.Attributes, a)
		}
	}
}

// pluginInside tells whether what follows is no option but the next plugin, branch or else because the brace of n is missing.
func (p *parser) pluginInside(n *PluginNode) bool {
	w := p.word(p.pos)
	next := p.afterSpace(p.pos + len(w))
	if w == "" || !p.file.firstOnLine(p.pos) || p.file.indent(p.pos) > p.file.indent(n.Start) || strings.HasPrefix(p.src[next:], "=>") {
		return false
	}
	if p.at(next) == '{' || w == "if" {
		p.missingBrace(p.open[len(p.open)-1])
		p.missing, p.suspect = false, opener{} // the blocks around n still have theirs to find
		p.closed = true
		return true
	}
	return false
}

func (p *parser) attribute() *Attribute {
	a := &Attribute{Span: Span{Start: p.pos}}
	if c := p.peek(); c == '"' || c == '\'' {
		s, ok := p.stringLit()
		if !ok {
			return nil
		}
		a.Name, a.NameSpan = s.Raw, s.Span
	} else {
		a.Name = p.word(p.pos)
		a.NameSpan = Span{p.pos, p.pos + len(a.Name)}
		p.pos += len(a.Name)
	}
	var ok bool
	if a.Arrow, ok = p.arrow("option " + a.Name); !ok {
		p.recoverAttribute()
		return nil
	}
	p.skip()
	if a.Value = p.value("option " + a.Name); a.Value == nil {
		p.recoverAttribute()
		return nil
	}
	a.End = a.Value.Range().End
	return a
}

// arrow parses "=>" and takes what people write in its place for it, after saying so.
func (p *parser) arrow(after string) (Span, bool) {
	p.skip()
	start := p.pos
	if p.accept("=>") {
		return Span{start, p.pos}, true
	}
	for _, wrong := range [...]string{":=", "->", "==", "=:", "=", ":", ">"} {
		if p.accept(wrong) {
			p.report(Errorf(p.place(start, p.pos), "expected-arrow", "expected \"=>\" after %s, found %q", after, wrong).WithHint("write =>"))
			return Span{start, p.pos}, true
		}
	}
	p.expected("\"=>\"", "after "+after)
	return Span{}, false
}
