package kv

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"millrace/internal/onig"
	"millrace/pipeline/plugin"
)

// grammar is what a pair looks like: as a regular expression, and, where the separators are sets of ASCII characters, as tables for the
// scanner, which gives the same answers in a tenth of the time.
type grammar struct {
	pair     *onig.Regexp // group 1 is the key, the one that took part behind it the value
	splitter *onig.Regexp // what stands between key and value

	plain   bool
	lenient bool
	class   [256]uint8 // of bytes: isField, isValue and isEscape
	closer  [256]byte  // of bytes that open a quoted value, a blank of one that does not belong to the value, 0 of others

	separator uint64 // the byte that separates pairs, eight times, if there is only one; 0 otherwise
}

const (
	isField   = 1 << iota // separates pairs
	isValue               // separates key and value
	isEscape              // the backslash
	isBracket             // what makes a key a field reference
	isSplit   = isField | isValue
)

func newGrammar(o *Options) (*grammar, error) {
	var errs []error
	if o.ValueSplit == "" {
		errs = append(errs, plugin.OptionError("value_split", errors.New("must not be empty")))
	}
	for name, pattern := range map[string]*string{"field_split_pattern": o.FieldSplitPattern, "value_split_pattern": o.ValueSplitPattern} {
		if pattern != nil && *pattern == "" {
			errs = append(errs, plugin.OptionError(name, errors.New("must not be empty")))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	g := &grammar{lenient: o.Whitespace == "lenient"}
	field, err := part("field_split", o.FieldSplit, o.FieldSplitPattern)
	errs = append(errs, err)
	value, err := part("value_split", o.ValueSplit, o.ValueSplitPattern)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	option := "value_split"
	if o.FieldSplitPattern != nil {
		option = "field_split_pattern"
	} else if o.ValueSplitPattern != nil {
		option = "value_split_pattern"
	}
	if g.lenient {
		value = "(?: *" + value + " *)"
	}
	if g.splitter, err = compile(option, value); err != nil {
		return nil, err
	}
	if g.pair, err = compile(option, pairPattern(o, field, value)); err != nil {
		return nil, err
	}
	if o.FieldSplitPattern == nil && o.ValueSplitPattern == nil {
		g.plain = g.tables(o)
	}
	return g, nil
}

// part returns the expression for one kind of separator, after checking it by itself.
func part(option, class string, pattern *string) (string, error) {
	expr := "[" + class + "]"
	if pattern != nil {
		option += "_pattern"
		expr = "(?:" + *pattern + ")"
	}
	_, err := compile(option, expr)
	return expr, err
}

// pairPattern is the expression for one pair with its groups. A key ends where a separator may begin, unless a backslash stands before it;
// what quotes or brackets hold counts only if a separator or the end of a line follows them.
func pairPattern(o *Options, field, value string) string {
	key := `((?:\\.|[^` + o.ValueSplit + o.FieldSplit + `])+)`
	if o.FieldSplitPattern != nil || o.ValueSplitPattern != nil {
		key = `((?:(?!` + value + `|` + field + `)(?:\\.|.))+)`
	}
	text := `((?:\\.|[^` + o.FieldSplit + `])+)`
	if o.FieldSplitPattern != nil {
		text = `((?:(?!` + field + `)(?:\\.|.))+)`
	}
	values := []string{`"((?:\\.|[^"])+)?"`, `'((?:\\.|[^'])+)?'`}
	if o.IncludeBrackets {
		values = append(values, `\(((?:\\.|[^)])+)?\)`, `\[((?:\\.|[^\]])+)?\]`, `<((?:\\.|[^>])+)?>`)
	}
	return key + value + "(?:" + strings.Join(append(values, text), "|") + ")?(?:" + field + "|$)"
}

// tables fills the tables of the scanner; false if the separators are not what it can work with.
func (g *grammar) tables(o *Options) bool {
	field, ok1 := newSet(o.FieldSplit)
	value, ok2 := newSet(o.ValueSplit)
	both, ok3 := newSet(o.ValueSplit + o.FieldSplit)
	if !ok1 || !ok2 || !ok3 || field['\\'] || value['\\'] {
		return false
	}
	separators := 0
	for c := range both {
		if both[c] != (field[c] || value[c]) {
			return false // the two options make a range between them
		}
		if field[c] {
			g.class[c] |= isField
			g.separator = uint64(c) * lows
			separators++
		}
		if value[c] {
			g.class[c] |= isValue
		}
	}
	if separators > 1 {
		g.separator = 0
	}
	if g.lenient {
		g.closer[' '] = ' '
	}
	g.class['\\'] |= isEscape
	g.class['['] |= isBracket
	g.class[']'] |= isBracket
	g.closer['"'], g.closer['\''] = '"', '\''
	if o.IncludeBrackets {
		g.closer['('], g.closer['['], g.closer['<'] = ')', ']', '>'
	}
	return true
}

// set is a character class of ASCII characters.
type set [256]bool

// newSet asks the engine which characters a class holds. It reports false for classes that may hold others than ASCII.
func newSet(class string) (*set, bool) {
	for i := 0; i < len(class); i++ {
		switch c := class[i]; {
		case c >= utf8.RuneSelf, c == '[', c == '&', c == '^' && i == 0:
			return nil, false
		case c == '\\':
			i++
			if i < len(class) && isLetterOrDigit(class[i]) && !strings.ContainsRune("ntrfvaeswdh", rune(class[i])) {
				return nil, false
			}
		}
	}
	re, err := onig.Compile("[" + class + "]")
	if err != nil {
		return nil, false
	}
	s := new(set)
	for c := range utf8.RuneSelf {
		s[c] = re.MatchString(string(rune(c)))
	}
	return s, true
}

func isLetterOrDigit(c byte) bool { return c-'0' <= 9 || c|0x20-'a' <= 'z'-'a' }

// scanner finds the pairs of a text one after the other. It is one worker's.
type scanner struct {
	*grammar
	state
	m, has   *onig.Matcher
	timeout  time.Duration
	timedOut bool

	learns    bool // whether run may find pairs, which is asked before next then
	skipEmpty bool
	layout    layout
}

type state struct {
	text  string
	pos   int
	until time.Time // when the text has taken too long; set if the text is left to the regular expression

	odd bool // the key of the last pair may be more than a plain name

	learning bool
	last     uint8 // the number of the last key that had one
	slash    int   // where the next backslash stands, or did
}

// begin sets the text. It reports whether there can be any pairs in it.
func (s *scanner) begin(text string) bool {
	s.state = state{text: text}
	s.timedOut = false
	if s.plain {
		if s.learns && s.layout.begin() {
			s.learning = true
			s.findSlash()
		}
		return true
	}
	s.arm()
	if s.has.MatchAt(text, 0) {
		return true
	}
	s.timedOut = s.has.TimedOut()
	return false
}

func (s *scanner) arm() {
	if s.until.IsZero() && s.timeout < 1<<62 {
		s.until = time.Now().Add(s.timeout)
	}
	s.has.SetTimeout(s.timeout)
}

// next returns the next pair; false if there is none, or timedOut is set. Where keys may be learned, run is asked before it.
func (s *scanner) next() (key, value string, ok bool) {
	if !s.plain {
		return s.match(s.pos)
	}
	if s.learning && s.slash < s.pos {
		s.findSlash()
	}
	text := s.text
	for p := s.pos; p < len(text); {
		if s.class[text[p]]&isSplit != 0 {
			p++
			continue
		}
		s.odd = false
		end, escaped := s.keyEnd(p)
		if at := s.splitEnd(end); at >= 0 {
			if key, value, ok = s.value(p, end, at); s.learning {
				s.note(key, value, text[end])
			}
			return key, value, ok
		}
		if escaped { // a backslash may have to count as itself
			if key, value, ok = s.match(p); s.learning && ok {
				s.note(key, value, 0)
			}
			return key, value, ok
		}
		p = end
	}
	s.pos = len(text)
	return "", "", false
}

// note tells the layout that the text has brought a pair, and learns its key if it is plain and the byte behind it is what separates it from
// its value.
func (s *scanner) note(key, value string, behind byte) {
	s.layout.others++
	var i uint8
	if s.odd || s.class[behind]&isValue == 0 || s.lenient && behind == ' ' {
		i = s.layout.number(key)
	} else if i = s.layout.learn(s.last, key, behind); i != 0 {
		s.last = i
	}
	if value != "" || !s.skipEmpty {
		s.layout.names[i].turn = s.layout.turn
	}
}

// findSlash sets slash to the next backslash.
func (s *scanner) findSlash() {
	s.slash = len(s.text)
	if s.pos < len(s.text) {
		if n := strings.IndexByte(s.text[s.pos:], '\\'); n >= 0 {
			s.slash = s.pos + n
		}
	}
}

// keyEnd returns where the key that begins at p ends, and whether a backslash hid a character.
func (s *scanner) keyEnd(p int) (end int, escaped bool) {
	for {
		p = s.skipTo(p, isSplit|isEscape|isBracket)
		if !s.hides(p) {
			if p < len(s.text) && s.class[s.text[p]]&isSplit == 0 { // a backslash that hides nothing, or a bracket
				s.odd = true
				p++
				continue
			}
			return p, escaped
		}
		s.odd = true
		p += 2
		escaped = true
	}
}

// skipTo returns where the next character of the classes stands, at or behind p.
func (s *scanner) skipTo(p int, classes uint8) int {
	text, class := s.text, &s.class
	for p < len(text) && class[text[p]]&classes == 0 {
		p++
	}
	return p
}

// hides reports whether a backslash stands at p that makes the next character count as itself.
func (s *scanner) hides(p int) bool {
	return p+1 < len(s.text) && s.text[p] == '\\' && s.text[p+1] != '\n'
}

// splitEnd returns where what separates key and value ends, but for the blanks behind it, if it begins at p; -1 if it does not.
func (s *scanner) splitEnd(p int) int {
	text, start := s.text, p
	if s.lenient {
		for p < len(text) && text[p] == ' ' {
			p++
		}
	}
	switch {
	case p < len(text) && s.class[text[p]]&isValue != 0:
		return p + 1
	case p > start && s.class[' ']&isValue != 0:
		return p
	}
	return -1
}

// value reads the value of the key that stands between start and end; what separates them ends at p.
func (s *scanner) value(start, end, p int) (key, value string, ok bool) {
	text := s.text
	if s.lenient {
		for p < len(text) && text[p] == ' ' {
			p++
		}
	}
	if p < len(text) && s.closer[text[p]] != 0 {
		close, escaped := s.quoteEnd(p+1, s.closer[text[p]])
		if close >= 0 {
			switch after := close + 1; {
			case after == len(text) || text[after] == '\n' && s.class['\n']&isField == 0:
				s.pos = after
				return text[start:end], text[p+1 : close], true
			case s.class[text[after]]&isField != 0:
				s.pos = after + 1
				return text[start:end], text[p+1 : close], true
			}
		}
		if escaped {
			return s.match(start)
		}
	}
	q := p
	for {
		q = s.skipTo(q, isField|isEscape)
		if s.hides(q) {
			q += 2
		} else if q < len(text) && s.class[text[q]]&isField == 0 { // a backslash that hides nothing
			q++
		} else {
			break
		}
	}
	s.pos = q + 1
	return text[start:end], text[p:q], true
}

// quoteEnd returns where the next close stands that no backslash hides, -1 if there is none.
func (s *scanner) quoteEnd(p int, close byte) (at int, escaped bool) {
	text := s.text
	n := strings.IndexByte(text[p:], close)
	inside := text[p:]
	if n >= 0 {
		inside = inside[:n]
	}
	if strings.IndexByte(inside, '\\') < 0 {
		if n < 0 {
			return -1, false
		}
		return p + n, false
	}
	for p < len(text) {
		switch c := text[p]; {
		case c == '\\' && p+1 < len(text) && text[p+1] != '\n':
			p += 2
			escaped = true
		case c == close:
			return p, escaped
		default:
			p++
		}
	}
	return -1, escaped
}

// match looks for the next pair at or behind p by the regular expression.
func (s *scanner) match(p int) (key, value string, ok bool) {
	s.odd = true
	s.arm()
	if s.until.IsZero() {
		s.m.SetTimeout(s.timeout)
	} else {
		left := time.Until(s.until)
		if left <= 0 {
			s.timedOut = true
			return "", "", false
		}
		s.m.SetTimeout(left)
	}
	if p > len(s.text) || !s.m.MatchAt(s.text, p) {
		s.timedOut = s.m.TimedOut()
		s.pos = len(s.text) + 1
		return "", "", false
	}
	from, to := s.m.Group(0)
	s.pos = to
	if to == from {
		s.pos++ // an empty match, as only a pattern of the config can make one
	}
	from, to = s.m.Group(1)
	key = s.text[max(from, 0):max(to, 0)]
	for i := 2; i <= s.pair.NumCaptures(); i++ {
		if from, to = s.m.Group(i); from >= 0 {
			return key, s.text[from:to], true
		}
	}
	return key, "", true
}
