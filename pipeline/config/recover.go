package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// expected reports that something else stands at the cursor. Where the mistake is a known one it is named instead.
func (p *parser) expected(what, where string) {
	if p.blameString() {
		return
	}
	start := p.pos
	end := start + p.foundLen()
	if where != "" {
		where = " " + where
	}
	d := Errorf(p.place(start, end), "syntax", "expected %s%s, found %s", what, where, p.found())
	d.Hint = p.syntaxHint(what)
	p.report(d)
}

// foundLen returns the length of the thing at the cursor.
func (p *parser) foundLen() int {
	if p.eof() {
		return 0
	}
	if w := p.word(p.pos); w != "" {
		return len(w)
	}
	_, size := utf8.DecodeRuneInString(p.src[p.pos:])
	return size
}

// found describes the thing at the cursor.
func (p *parser) found() string {
	if p.eof() {
		return "the end of the file"
	}
	if w := p.word(p.pos); w != "" {
		if len(w) > 40 {
			w = w[:40] + "…"
		}
		return fmt.Sprintf("%q", w)
	}
	r, _ := utf8.DecodeRuneInString(p.src[p.pos:])
	switch r {
	case '"', '\'', '/':
		return "`" + string(r) + "`"
	case '\u00a0':
		return "a no-break space (U+00A0)"
	case '\f':
		return "a form feed (U+000C)"
	case '\v':
		return "a vertical tab (U+000B)"
	case '\ufeff':
		return "a byte order mark (U+FEFF)"
	}
	if unicode.IsPrint(r) {
		return fmt.Sprintf("%q", string(r))
	}
	return fmt.Sprintf("the character %U", r)
}

// syntaxHint guesses what the author of the text at the cursor had in mind.
func (p *parser) syntaxHint(what string) string {
	rest := p.src[p.pos:]
	r, _ := utf8.DecodeRuneInString(rest)
	w := p.word(p.pos)
	switch {
	case rest == "":
		return ""
	case strings.ContainsRune("“”„‟«»″", r):
		return `typographic quotes: write "`
	case strings.ContainsRune("‘’‚‛′`", r):
		return "typographic quotes: write '"
	case r == '\f' || r == '\v' || r == '\ufeff' || unicode.IsSpace(r) && r > 0x7f || r == '\u200b':
		return "not white space here: replace it by a blank"
	case strings.HasPrefix(rest, "//"), strings.HasPrefix(rest, "/*"), strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "*/"):
		return "comments begin with #"
	case rest[0] == ';':
		return "white space is the only separator"
	case rest[0] == ':' && !p.inCond:
		return looksLikeYAML
	case strings.HasPrefix(rest, "<%"), strings.HasPrefix(rest, "{{"), strings.HasPrefix(rest, "{%"), strings.HasPrefix(rest, "@@"),
		strings.HasPrefix(rest, "<<"):
		return "a placeholder of a template: was the file rendered?"
	}
	if p.inCond {
		return p.conditionHint(what, w, rest)
	}
	switch {
	case rest[0] == '+' && len(rest) > 1 && isDigit(rest[1]):
		return "a number has no plus sign"
	case rest[0] == '/' && strings.HasPrefix(what, "a value"):
		return "a regular expression is written as a string here"
	case strings.HasPrefix(what, "a value") && strings.IndexByte("%$@<*.~", rest[0]) >= 0:
		return "put the value in quotes"
	case strings.HasPrefix(what, "a value") && (rest[0] == '}' || rest[0] == ']'):
		return "a value is missing"
	case p.word(p.pos) != "" && p.at(p.pos+len(w)) == ':' && !strings.HasPrefix(what, "a value"):
		return looksLikeYAML
	}
	return ""
}

const looksLikeYAML = "this looks like YAML; here it is input { beats { port => 5044 } }"

func (p *parser) conditionHint(what, w, rest string) string {
	if strings.HasPrefix(what, "an operator") && (w == "in" || strings.IndexByte("=!<>", rest[0]) >= 0 || strings.HasPrefix(rest, "not ")) {
		return "what is negated or in a row needs parentheses: write !([a] == [b])"
	}
	switch w {
	case "null", "nil", "none", "None", "NULL":
		return "to ask whether a field is missing write ![field]"
	case "true", "false":
		return "there are no booleans here: write if [field], or compare with \"" + w + "\" if the field holds text"
	case "and", "or", "not", "in":
		return ""
	}
	switch {
	case w != "" && isAlpha(w[0]):
		name := w
		for i := p.pos + len(w); p.at(i) == '.' && p.word(i+1) != ""; i += 1 + len(p.word(i+1)) {
			name += "][" + p.word(i+1)
		}
		return "a field is written in brackets: [" + name + "]"
	case rest[0] == '"' || rest[0] == '\'':
		return `write !("text" in [field])`
	case rest[0] == '@':
		return "a field is written in brackets: [@" + p.word(p.pos+1) + "]"
	case rest[0] == '%' || rest[0] == '$':
		return "a field is written in brackets: [name]"
	case rest[0] == '!':
		return "write !( … )"
	case rest[0] == '=':
		return "write =="
	}
	return ""
}

// noPluginBrace reports a name that is not followed by "{" where a plugin is expected.
func (p *parser) noPluginBrace(n *PluginNode) {
	at := p.place(n.NameSpan.Start, n.NameSpan.End)
	switch {
	case p.has("=>"):
		p.report(Errorf(at, "option-outside-plugin", "option %q stands outside of a plugin", n.Name).WithHint("is there a closing brace too many before it?"))
		p.pos += len("=>")
		p.skip()
		if p.value("option "+n.Name) == nil && p.unwind < 0 {
			p.recoverStatement()
		}
		return
	}
	p.expected("\"{\"", "after plugin name "+n.Name)
	p.recoverStatement()
}

// strayElse handles an else, elsif or elseif that does not follow an if, and tells whether there was one.
func (p *parser) strayElse() bool {
	w := p.word(p.pos)
	if w != "else" && w != "elsif" && w != "elif" && w != "elseif" || strings.HasPrefix(p.src[p.afterSpace(p.pos+len(w)):], "=>") {
		return false
	}
	if k := len(p.open) - 1; p.suspect.name != "" && strings.HasSuffix(p.open[k].name, "if") {
		// The brace that closed a plugin was meant for the branch around it.
		p.missingBrace(p.open[k])
		p.missing, p.suspect, p.closed = false, opener{}, true
		return true
	}
	p.report(Errorf(p.place(p.pos, p.pos+len(w)), "else-without-if", "%s without an if before it", w).WithHint("an if chain ends with its first else"))
	p.pos += len(w)
	p.skip()
	if p.peek() == '{' || p.recoverCondition() {
		p.skipBlock()
	}
	return true
}

// skipBlock parses a block at the cursor and forgets it, so that mistakes in it are still found.
func (p *parser) skipBlock() {
	if p.peek() == '{' {
		p.block("the block", p.pos, "")
	}
}

// sectionExpected reports what stands outside of any section and moves to where one may begin.
func (p *parser) sectionExpected() {
	start := p.pos
	w := p.word(start)
	next := p.afterSpace(start + len(w))
	d := Errorf(p.place(start, start+p.foundLen()), "section", "expected input, filter or output, found %s", p.found())
	switch {
	case p.peek() == '}':
		p.pos++
		if p.stray = !p.stray; p.stray { // else it was announced by what stood outside
			p.report(Errorf(p.place(start, start+1), "extra-brace", "a closing brace too many"))
			p.stray = false
		}
		return
	case p.sectionWord(w):
		d = Errorf(p.place(start, start+len(w)), "section", "expected \"{\" after %s", w)
	case w == "codec" || w == "codecs":
		d.Hint = "a codec is an option of an input or output: codec => json { }"
	case w != "" && p.at(next) == '{' || w == "if" || w == "else":
		if d.Hint = DidYouMean(w, []string{KindInput, KindFilter, KindOutput}); d.Hint == "" {
			d.Hint = p.outsideHint(w)
		}
	case p.peek() == '{' && p.at(p.afterSpace(start+1)) == '"':
		d.Hint = "this looks like JSON; here it is input { beats { port => 5044 } }"
	case yamlLine.MatchString(p.src[start:]):
		d.Hint = looksLikeYAML
	default:
		d.Hint = p.syntaxHint("")
	}
	p.report(d)
	if p.pos = start + len(w); w == "if" || w == "else" {
		p.recoverCondition()
		next = p.pos
	}
	if w != "" && p.at(next) == '{' {
		// The content is read all the same: a misspelt section may hold other mistakes.
		p.suspect, p.missing = opener{}, false
		p.block(w, start, "")
		return
	}
	if !p.skipBlockComment() {
		p.toSection()
	}
}

// yamlLine matches the beginning of a YAML file.
var yamlLine = regexp.MustCompile(`^(---|[\w.-]+:[ \t\r]*\n|[\w.-]+: |- )`)

// outsideHint explains a plugin or branch outside of a section: the section before may have been closed too early.
func (p *parser) outsideHint(w string) string {
	if k := len(p.file.Sections); k > 0 && p.file.Sections[k-1].Close >= 0 {
		if s := p.file.Sections[k-1]; s.Kind == KindFilter || w != "if" && w != "else" {
			p.stray = true
			return fmt.Sprintf("section %s ends on line %d: is there a brace too many?", s.Kind, p.file.Position(s.Close).Line)
		}
	}
	return "plugins and conditions stand inside a section: filter { " + w + " … }"
}

// skipBlockComment moves over a comment of C, which was reported, and tells whether there is one.
func (p *parser) skipBlockComment() bool {
	if !p.has("/*") {
		return false
	}
	n := strings.Index(p.src[p.pos:], "*/")
	if n < 0 {
		return false
	}
	p.pos += n + 2
	return true
}

func (p *parser) sectionWord(w string) bool {
	return w == KindInput || w == KindFilter || w == KindOutput
}

// toSection moves to the next line that begins with a section, or to the end.
func (p *parser) toSection() {
	for !p.eof() {
		n := strings.IndexByte(p.src[p.pos:], '\n')
		if n < 0 {
			p.pos = len(p.src)
			return
		}
		p.pos += n + 1
		i := p.pos
		for p.at(i) == ' ' || p.at(i) == '\t' {
			i++
		}
		if p.sectionKind(i) != "" {
			p.pos = i
			return
		}
	}
}

// hop moves over one thing: a string that ends on its line, a comment, or one byte.
func (p *parser) hop() {
	switch c := p.peek(); c {
	case '#':
		p.comment()
		return
	case '"', '\'':
		line, _, _ := strings.Cut(p.src[p.pos:], "\n")
		if end, ok := quotedEnd(line, 0); ok {
			p.pos += end
			return
		}
	}
	p.pos++
}

// recoverAttribute moves to the next option or entry, or to the brace that closes the block.
func (p *parser) recoverAttribute() {
	if p.unwind >= 0 {
		return
	}
	for depth := 0; !p.eof(); {
		switch c := p.peek(); {
		case c == '{' || c == '[':
			depth++
		case c == ']':
			depth = max(0, depth-1)
		case c == '}':
			if depth == 0 {
				return
			}
			depth--
		case depth == 0 && isSpace(c):
			i := p.afterSpace(p.pos)
			w := p.word(i)
			if w != "" && strings.HasPrefix(p.src[p.afterSpace(i+len(w)):], "=>") {
				return
			}
			if end := i; p.at(i) == '"' || p.at(i) == '\'' {
				if end, ok := quotedEnd(p.src, end); ok && strings.HasPrefix(p.src[p.afterSpace(end):], "=>") {
					return
				}
			}
		}
		p.hop()
	}
}

// recoverItem moves to the comma or bracket after a bad item of an array, at least one byte from start.
func (p *parser) recoverItem(start int) {
	for depth := 0; !p.eof(); {
		switch c := p.peek(); {
		case c == '[' || c == '{':
			depth++
		case c == ']' && depth > 0 || c == '}' && depth > 0:
			depth--
		case c == ']' || c == '}' || c == ',' && depth == 0 && p.pos > start || c == '\n' && depth == 0 && p.pos > start:
			return
		}
		p.hop()
	}
}

// recoverStatement moves to the next line or the closing brace, over blocks that begin before.
func (p *parser) recoverStatement() {
	if p.unwind >= 0 || p.skipBlockComment() {
		return
	}
	for depth := 0; !p.eof(); {
		switch c := p.peek(); {
		case c == '{':
			depth++
		case c == '}' && depth == 0, c == '\n' && depth == 0:
			return
		case c == '}':
			depth--
		}
		p.hop()
	}
}

// recoverCondition moves to the brace that begins the body and tells whether there is one.
func (p *parser) recoverCondition() bool {
	for !p.eof() && p.peek() != '}' {
		if p.peek() == '{' {
			return true
		}
		p.hop()
	}
	return false
}

// unclosedString reports a string or regular expression without its end and goes on after it as well as can be guessed.
func (p *parser) unclosedString(start int, summary, hint string) {
	quote := p.src[start : start+1]
	if hint == "" {
		hint = "the closing " + quote + " is missing"
		if i := strings.IndexByte(p.src[start:], '\n'); i > 0 && strings.Contains(p.src[start:start+i], `\`+quote) {
			hint = "a backslash before " + quote + " keeps it from closing: no string can end in a backslash"
		}
	}
	end := min(start+1, len(p.src))
	p.report(Errorf(p.place(start, end), "unclosed-string", "%s", summary).WithHint("%s", hint))
	p.afterString(start, strings.HasPrefix(hint, "a backslash"))
}

// blameString looks for the reason of an error at the cursor in a string that ends right there and spans several lines:
// then its closing quote is missing, and it ended at the opening quote of another one. It reports that and tells whether it is so.
func (p *parser) blameString() bool {
	s := p.last
	if p.unwind >= 0 {
		return true
	}
	if s.End != p.pos || s.Start <= p.blamed || p.eof() || s.End == 0 {
		return false
	}
	if c := p.peek(); strings.IndexByte(",]})={:;", c) >= 0 || isSpace(c) {
		return false
	}
	quote := p.src[s.Start : s.Start+1]
	if i := strings.Index(p.src[s.Start+1:s.End-1], `\`+quote); i >= 0 && !strings.Contains(p.src[s.Start:s.End], "\n") {
		p.blamed = s.Start
		p.report(Errorf(p.place(s.Start, s.Start+i+3), "unclosed-string", "the string does not end here: a backslash before %s keeps it from closing", quote).
			WithHint("no string can end in a backslash; use another character, or [\\\\] in a regular expression"))
		p.afterString(s.Start, true)
		return true
	}
	if !strings.Contains(p.src[s.Start:s.End], "\n") {
		return false
	}
	p.blamed = s.Start
	ends := p.file.Position(s.End - 1)
	p.report(Errorf(p.place(s.Start, s.Start+1), "unclosed-string", "the string that begins here ends on line %d, before %s", ends.Line, p.found()).
		WithHint("is the closing %s missing, or does a %s inside need a backslash?", quote, quote))
	p.afterString(s.Start, false)
	return true
}

// afterString goes on after a string at start whose end is not known, as if it had ended on its line: blocks that were opened
// on that line count as closed there. In a block that was opened before, the next closing brace that stands no further right than it closes it; if the string surely ended on
// its line the block goes on with the next one.
func (p *parser) afterString(start int, sure bool) {
	line := p.file.lineIndex(start)
	if p.inCond {
		end := len(p.src)
		if line+1 < len(p.file.lines) {
			end = p.file.lines[line+1]
		}
		if text := strings.TrimRight(p.src[start:end], " \t\r\n"); strings.HasSuffix(text, "{") {
			p.pos = start + len(text) - 1
			return
		}
	}
	keep := len(p.open)
	for keep > 0 && p.file.lineIndex(p.open[keep-1].brace) == line {
		keep--
	}
	p.unwind = keep
	if line+1 >= len(p.file.lines) || keep == 0 {
		p.giveUp()
		return
	}
	p.pos = p.file.lines[line+1]
	if keep == len(p.open) && !p.inCond && !sure {
		for i := line + 1; i < len(p.file.lines); i++ {
			at := p.file.lines[i] + p.file.indent(p.file.lines[i])
			if p.at(at) == '}' && p.file.indent(at) <= p.file.indent(p.open[keep-1].start) {
				p.pos = at
				return
			}
		}
		p.giveUp()
	}
}
