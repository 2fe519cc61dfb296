package jdbcstatic

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"millrace/pipeline/config"
	"millrace/pipeline/event"
)

// sqlError is what is wrong with a query, with the byte where it is.
type sqlError struct {
	Offset int
	msg    string
	hint   string
}

func (e *sqlError) Error() string { return e.msg }

// What can be done in place of what is not evaluated here.
const (
	inLoader = "let the query of a loader do that, where the database does it"
	noJoin   = "join in the query of a loader, or look up twice: a second lookup may take [target][0][column] of the first for a parameter"
)

// elsewhere are words of SQL that the evaluation of local tables does not know, and what to do instead.
var elsewhere = map[string]string{
	"JOIN": noJoin, "INNER": noJoin, "LEFT": noJoin, "RIGHT": noJoin, "CROSS": noJoin, "NATURAL": noJoin, "FULL": noJoin,
	"GROUP": inLoader, "HAVING": inLoader, "UNION": inLoader, "INTERSECT": inLoader, "EXCEPT": inLoader, "WITH": inLoader, "CASE": inLoader,
	"EXISTS": inLoader, "DISTINCT": inLoader, "COUNT": inLoader, "MAX": inLoader, "MIN": inLoader, "SUM": inLoader, "AVG": inLoader, "CAST": inLoader,
	"COALESCE": inLoader, "VALUES": inLoader, "INSERT": inLoader, "UPDATE": inLoader, "DELETE": inLoader,
}

// tokenKind is what a token is.
type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokName
	tokQuoted // a name in double quotes
	tokText
	tokNumber
	tokParam // :name or ?
	tokSign
)

type token struct {
	kind tokenKind
	text string // of a name as written, of a sign itself
	at   int
}

// parser reads a query:
//
//	SELECT * | item, ... FROM table [alias] [WHERE condition] [ORDER BY column [DESC], ...] [OFFSET n ROWS] [FETCH FIRST n ROWS ONLY] [LIMIT n]
type parser struct {
	sql    string
	pos    int // behind tok
	tok    token
	tables map[string]*table // by their names in upper case
	params []string          // names of parameters; for question marks their numbers
	marks  int               // question marks so far, -1 if there may be none
	table  *table
	alias  string
}

// parse compiles a query.
func parse(sql string, tables map[string]*table, params []string, positional bool) (q *query, err error) {
	p := &parser{sql: strings.TrimRight(sql, "; \t\r\n"), tables: tables, params: params, marks: -1}
	if positional {
		p.marks = 0
	}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*sqlError)
			if !ok {
				panic(r)
			}
			q, err = nil, e
		}
	}()
	p.next()
	q = p.query()
	if p.tok.kind != tokEnd {
		p.unexpected("the end")
	}
	if positional && p.marks != len(params) {
		p.fail(0, "", "there are %d values for the %d question marks of the query", len(params), p.marks)
	}
	return q, nil
}

func (p *parser) fail(at int, hint, format string, args ...any) {
	panic(&sqlError{at, fmt.Sprintf(format, args...), hint})
}

// unexpected refuses the token.
func (p *parser) unexpected(want string) {
	if hint := elsewhere[strings.ToUpper(p.tok.text)]; p.tok.kind == tokName && hint != "" {
		p.fail(p.tok.at, hint, "%s is not evaluated for local tables", strings.ToUpper(p.tok.text))
	}
	got := "the end"
	if p.tok.kind != tokEnd {
		got = strconv.Quote(p.tok.text)
	}
	p.fail(p.tok.at, "local tables are asked by SELECT columns FROM table WHERE column = :parameter AND ...; for more, "+inLoader,
		"expected %s, got %s", want, got)
}

// next reads the next token.
func (p *parser) next() {
	s := p.sql
	for p.pos < len(s) && strings.IndexByte(" \t\r\n", s[p.pos]) >= 0 {
		p.pos++
	}
	at := p.pos
	if at == len(s) {
		p.tok = token{at: at}
		return
	}
	end, kind := at+1, tokSign
	switch c := s[at]; {
	case c == '\'' || c == '"':
		text, n := p.quoted(at)
		p.tok, p.pos = token{tokText, text, at}, n
		if c == '"' {
			p.tok.kind = tokQuoted
		}
		return
	case strings.HasPrefix(s[at:], "--"):
		if n := strings.IndexByte(s[at:], '\n'); n >= 0 {
			p.pos = at + n + 1
		} else {
			p.pos = len(s)
		}
		p.next()
		return
	case letter(c):
		kind = tokName
		for end < len(s) && (letter(s[end]) || digit(s[end])) {
			end++
		}
	case digit(c) || c == '.' && at+1 < len(s) && digit(s[at+1]), c == '-' && at+1 < len(s) && digit(s[at+1]):
		kind = tokNumber
		for end < len(s) && (digit(s[end]) || s[end] == '.' || s[end]|0x20 == 'e') {
			end++
		}
	case c == ':' || c == '?':
		kind = tokParam
		for c == ':' && end < len(s) && (letter(s[end]) || digit(s[end])) {
			end++
		}
	case at+1 < len(s) && slices.Contains([]string{"<=", ">=", "<>", "!=", "||"}, s[at:at+2]):
		end++
	}
	p.tok, p.pos = token{kind, s[at:end], at}, end
}

func letter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

// quoted reads what stands in quotes from at on, two of which are one.
func (p *parser) quoted(at int) (text string, end int) {
	var b strings.Builder
	for i := at + 1; i < len(p.sql); i++ {
		if p.sql[i] == p.sql[at] {
			if i+1 == len(p.sql) || p.sql[i+1] != p.sql[at] {
				return b.String(), i + 1
			}
			i++
		}
		b.WriteByte(p.sql[i])
	}
	p.fail(at, "", "the quote is not closed")
	return "", 0
}

// word reports whether the token is one of these words, and goes on if so.
func (p *parser) word(words ...string) bool {
	if p.tok.kind == tokName && slices.Contains(words, strings.ToUpper(p.tok.text)) {
		p.next()
		return true
	}
	return false
}

func (p *parser) sign(s string) bool {
	if p.tok.kind == tokSign && p.tok.text == s {
		p.next()
		return true
	}
	return false
}

func (p *parser) want(words ...string) {
	if !p.word(words...) {
		p.unexpected(words[0])
	}
}

// reserved are the words that are no names.
var reserved = strings.Fields("SELECT FROM WHERE AND OR NOT ORDER BY AS IN IS NULL LIKE BETWEEN FETCH OFFSET LIMIT ASC DESC ON")

// name reads a name.
func (p *parser) name(what string) token {
	t := p.tok
	up := strings.ToUpper(t.text)
	if t.kind != tokQuoted && (t.kind != tokName || slices.Contains(reserved, up) || elsewhere[up] != "") {
		p.unexpected(what)
	}
	p.next()
	return t
}

// query reads a query. The table comes behind the columns, which are therefore read a second time.
func (p *parser) query() *query {
	p.want("SELECT")
	p.word("ALL")
	start := *p
	p.skipItems()
	p.from()
	behind := *p
	start.table, start.alias = p.table, p.alias
	*p = start
	q := &query{table: p.table}
	q.items = p.items()
	marks := p.marks
	*p = behind
	if p.marks >= 0 {
		p.marks = marks
	}
	if p.word("WHERE") {
		q.where = p.or()
	}
	p.order(q)
	p.limits(q)
	q.plan()
	return q
}

// skipItems goes to FROM.
func (p *parser) skipItems() {
	for depth := 0; !(depth == 0 && p.tok.kind == tokName && strings.EqualFold(p.tok.text, "FROM")); p.next() {
		switch {
		case p.tok.kind == tokEnd:
			p.unexpected("FROM")
		case p.tok.kind == tokName && elsewhere[strings.ToUpper(p.tok.text)] != "":
			p.unexpected("a column")
		case p.tok.text == "(" && p.tok.kind == tokSign:
			depth++
		case p.tok.text == ")" && p.tok.kind == tokSign:
			depth--
		}
	}
}

// from reads FROM and the table.
func (p *parser) from() {
	p.want("FROM")
	if p.tok.text == "(" {
		p.fail(p.tok.at, inLoader, "a query inside another is not evaluated for local tables")
	}
	t := p.name("a table")
	if p.table = p.tables[strings.ToUpper(t.text)]; p.table == nil {
		var names []string
		for _, known := range p.tables {
			names = append(names, known.name)
		}
		slices.Sort(names)
		p.fail(t.at, config.DidYouMean(strings.ToLower(t.text), names), "there is no table %q among local_db_objects", t.text)
	}
	p.alias = p.table.name
	if p.word("AS") || p.tok.kind == tokQuoted || p.tok.kind == tokName && !slices.Contains(reserved, strings.ToUpper(p.tok.text)) && elsewhere[strings.ToUpper(p.tok.text)] == "" {
		p.alias = p.name("another name of the table").text
	}
	if p.tok.text == "," && p.tok.kind == tokSign {
		p.fail(p.tok.at, noJoin, "local tables are not joined")
	}
}

// items reads what is selected.
func (p *parser) items() (items []item) {
	for {
		if p.sign("*") {
			for i := range p.table.columns {
				items = append(items, item{p.table.columns[i].name, column(i)})
			}
		} else {
			start := p.tok
			x := p.operand()
			it := item{strings.ToLower(p.label(x, start.text)), x}
			if p.word("AS") || p.tok.kind == tokQuoted || p.tok.kind == tokName && !slices.Contains(reserved, strings.ToUpper(p.tok.text)) {
				it.name = strings.ToLower(p.name("a name").text)
			}
			items = append(items, it)
		}
		if !p.sign(",") {
			if !p.word("FROM") {
				p.unexpected("FROM")
			}
			return items
		}
	}
}

// label is the name of an item that is given none.
func (p *parser) label(x operand, text string) string {
	if c, ok := x.(column); ok {
		return p.table.columns[c].name
	}
	return text
}

// order reads ORDER BY.
func (p *parser) order(q *query) {
	if !p.word("ORDER") {
		return
	}
	p.want("BY")
	for {
		o := ordering{x: p.operand()}
		if p.word("DESC") {
			o.desc = true
		} else {
			p.word("ASC")
		}
		q.order = append(q.order, o)
		if !p.sign(",") {
			return
		}
	}
}

// limits reads how many rows are wanted.
func (p *parser) limits(q *query) {
	q.most = -1
	for {
		switch {
		case p.word("OFFSET"):
			q.offset = p.count()
			p.word("ROW", "ROWS")
		case p.word("LIMIT"):
			q.most = p.count()
		case p.word("FETCH"):
			p.want("FIRST", "NEXT")
			q.most = 1
			if p.tok.kind == tokNumber {
				q.most = p.count()
			}
			p.want("ROWS", "ROW")
			p.want("ONLY")
		default:
			return
		}
	}
}

func (p *parser) count() int {
	n, err := strconv.Atoi(p.tok.text)
	if p.tok.kind != tokNumber || err != nil || n < 0 {
		p.unexpected("a number of rows")
	}
	p.next()
	return n
}

func (p *parser) or() condition {
	list := []condition{p.and()}
	for p.word("OR") {
		list = append(list, p.and())
	}
	if len(list) == 1 {
		return list[0]
	}
	return anyOf(list)
}

func (p *parser) and() condition {
	list := []condition{p.not()}
	for p.word("AND") {
		list = append(list, p.not())
	}
	if len(list) == 1 {
		return list[0]
	}
	return allOf(list)
}

func (p *parser) not() condition {
	if p.word("NOT") {
		return negation{p.not()}
	}
	if p.sign("(") {
		if p.tok.kind == tokName && strings.EqualFold(p.tok.text, "SELECT") {
			p.fail(p.tok.at, inLoader, "a query inside another is not evaluated for local tables")
		}
		c := p.or()
		if !p.sign(")") {
			p.unexpected(")")
		}
		return c
	}
	return p.comparison()
}

// comparison reads operand = operand and the like.
func (p *parser) comparison() condition {
	a := p.operand()
	if p.word("IS") {
		not := p.word("NOT")
		p.want("NULL")
		return wrap(isNull{a}, not)
	}
	if p.tok.kind == tokSign {
		if op, ok := operators[p.tok.text]; ok {
			p.next()
			return comparing{op, a, p.operand()}
		}
	}
	not := p.word("NOT")
	switch {
	case p.word("LIKE"):
		l := like{a: a, pattern: p.operand()}
		if p.word("ESCAPE") {
			if p.tok.kind != tokText || len(p.tok.text) != 1 {
				p.unexpected("one character in quotes")
			}
			l.escape = p.tok.text[0]
			p.next()
		}
		return wrap(l, not)
	case p.word("BETWEEN"):
		lo := p.operand()
		p.want("AND")
		return wrap(allOf{comparing{opGE, a, lo}, comparing{opLE, a, p.operand()}}, not)
	case p.word("IN"):
		if !p.sign("(") {
			p.unexpected("(")
		}
		var list anyOf
		for {
			list = append(list, comparing{opEQ, a, p.operand()})
			if p.sign(")") {
				return wrap(list, not)
			}
			if !p.sign(",") {
				p.unexpected(", or )")
			}
		}
	}
	p.unexpected("a comparison")
	return nil
}

func wrap(c condition, not bool) condition {
	if not {
		return negation{c}
	}
	return c
}

// operand reads a value.
func (p *parser) operand() operand {
	t := p.tok
	switch t.kind {
	case tokText:
		p.next()
		return constant{event.StringValue(t.text)}
	case tokNumber:
		p.next()
		if n, err := strconv.ParseInt(t.text, 10, 64); err == nil {
			return constant{event.IntValue(n)}
		}
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			p.fail(t.at, "", "%q is no number", t.text)
		}
		return constant{event.FloatValue(f)}
	case tokParam:
		p.next()
		return p.parameter(t)
	}
	if p.tok.kind == tokName {
		switch strings.ToUpper(t.text) {
		case "NULL":
			p.next()
			return constant{}
		case "TRUE", "FALSE":
			p.next()
			return constant{event.BoolValue(strings.EqualFold(t.text, "true"))}
		}
	}
	n := p.name("a column")
	if p.sign("(") {
		return p.function(n)
	}
	if p.sign(".") {
		if !strings.EqualFold(n.text, p.alias) {
			p.fail(n.at, "", "%q is not the table of the query", n.text)
		}
		n = p.name("a column")
	}
	i := p.table.column(n.text)
	if i < 0 {
		var names []string
		for _, c := range p.table.columns {
			names = append(names, c.name)
		}
		p.fail(n.at, config.DidYouMean(strings.ToLower(n.text), names), "the table %s has no column %q", p.table.name, n.text)
	}
	return column(i)
}

func (p *parser) function(n token) operand {
	f, ok := functions[strings.ToUpper(n.text)]
	if !ok {
		p.fail(n.at, "there are UPPER, LOWER, UCASE, LCASE and TRIM; "+inLoader, "the function %s is not evaluated for local tables", n.text)
	}
	x := p.operand()
	if !p.sign(")") {
		p.unexpected(")")
	}
	return call{f, x}
}

func (p *parser) parameter(t token) operand {
	if t.text == "?" {
		if p.marks < 0 {
			p.fail(t.at, "", "a question mark stands for one of prepared_parameters, which is not given")
		}
		p.marks++
		return parameter(min(p.marks, len(p.params)) - 1)
	}
	i := slices.Index(p.params, t.text[1:])
	if i < 0 || p.marks >= 0 {
		p.fail(t.at, config.DidYouMean(t.text[1:], p.params), "there is no parameter %q", t.text)
	}
	return parameter(i)
}
