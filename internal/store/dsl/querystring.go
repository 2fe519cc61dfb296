package dsl

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"millrace/internal/store/mapping"
	"millrace/internal/store/query"
)

// StringOptions are the parameters of a query in the query string syntax.
type StringOptions struct {
	DefaultField string
	Fields       any // a list of names; nil for the default ones
	And          bool
	Lenient      *bool
	MinShould    string
	PhraseSlop   int
	Tie          float64
	Zone         string
	NoLeading    bool // a wildcard at the beginning of a term is refused
	Phrase       bool // type: phrase
	Most         bool // type: most_fields
}

func (c *Context) queryString(p params) (query.Query, error) {
	var o StringOptions
	text, boost := p.text("query", ""), p.float("boost", 1)
	if _, ok := p.m["query"]; !ok {
		p.fail(parsing("[query_string] must be provided with a [query]"))
	}
	o.DefaultField = p.text("default_field", "")
	o.Fields, _ = p.take("fields")
	o.And = strings.EqualFold(p.text("default_operator", "or"), "and")
	if _, ok := p.m["lenient"]; ok {
		l := p.flag("lenient", false)
		o.Lenient = &l
	}
	o.MinShould, o.Zone = p.text("minimum_should_match", ""), p.text("time_zone", "")
	o.PhraseSlop, o.Tie = int(p.float("phrase_slop", 0)), p.float("tie_breaker", 0)
	o.NoLeading = !p.flag("allow_leading_wildcard", true)
	switch t := p.text("type", "best_fields"); t {
	case "best_fields":
	case "phrase":
		o.Phrase = true
	case "most_fields":
		o.Most = true
	default:
		p.fail(unsupported("the type [%s] of query_string", t))
	}
	if p.flag("escape", false) {
		text = escapeSyntax(text)
	}
	p.refuse("analyzer", "standard", "default")
	p.refuse("quote_analyzer", "standard", "default")
	p.refuse("analyze_wildcard", "false")
	p.refuse("quote_field_suffix")
	p.refuse("fuzziness", "AUTO")
	p.ignore("fuzzy_max_expansions", "fuzzy_prefix_length", "fuzzy_transpositions", "fuzzy_rewrite", "rewrite", "max_determinized_states",
		"enable_position_increments", "auto_generate_synonyms_phrase_query", "phrase_slop")
	if err := p.end(); err != nil {
		return nil, err
	}
	q, err := c.QueryString(text, &o)
	return boosted(q, boost), err
}

// escapeSyntax makes an expression that stands for its own characters.
func escapeSyntax(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(`\+-!():^[]"{}~*?|&/`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// QueryString turns an expression such as status:>=500 AND NOT path:/health* into a query.
func (c *Context) QueryString(text string, o *StringOptions) (query.Query, error) {
	s := &syntax{c: c, o: o, text: text}
	fields := o.Fields
	if o.DefaultField != "" {
		if fields != nil {
			return nil, illegal("addition of fields is not supported with [default_field]")
		}
		fields = o.DefaultField
	}
	list, all, err := c.fieldList(fields)
	if err != nil {
		return nil, err
	}
	s.defaults, s.all = list, all
	s.m = matching{and: o.And, lenient: all, zone: o.Zone}
	if o.Lenient != nil {
		s.m.lenient = *o.Lenient
	}
	if strings.TrimSpace(text) == "" {
		return query.None{}, nil
	}
	if strings.TrimSpace(text) == "*" && all {
		return query.All{}, nil
	}
	if s.tokens, err = scan(text); err != nil {
		return nil, s.wrap(err)
	}
	q, err := s.query("", 0)
	if err == nil && s.peek(0).kind != tokEnd {
		err = s.unexpected()
	}
	if err != nil {
		return nil, s.wrap(err)
	}
	if q == nil {
		return query.None{}, nil
	}
	if b, ok := q.(query.Bool); ok && o.MinShould != "" && len(b.Should) > 0 {
		return finishBool(b, o.MinShould, true), nil
	}
	return q, nil
}

// tokKind is the kind of a token of the syntax.
type tokKind uint8

const (
	tokEnd tokKind = iota
	tokAnd
	tokOr
	tokNot
	tokPlus
	tokMinus
	tokBare // an operator with a blank after it: a term
	tokOpen
	tokClose
	tokColon
	tokStar
	tokBoost // ^2
	tokQuoted
	tokTerm
	tokFuzzy // ~ or ~2
	tokPrefix
	tokWild
	tokRegexp
	tokRange
)

type token struct {
	kind tokKind
	text string // without its delimiters, escapes untouched
	at   int

	lo, hi       string // of a range
	qlo, qhi     bool   // quoted
	incLo, incHi bool
}

type syntaxError struct {
	at  int
	msg string
}

func (e *syntaxError) Error() string { return e.msg }

func isBlank(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == 0x3000 }

func startsTerm(r rune) bool { return !isBlank(r) && !strings.ContainsRune(`+-!():^[]"{}~*?\/`, r) }

// scan cuts an expression into tokens as Lucene's classic query parser does.
func scan(s string) ([]token, error) {
	var out []token
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if isBlank(r) {
			i += n
			continue
		}
		t, next, err := scanToken(s, i, r)
		if err != nil {
			return nil, err
		}
		t.at = i
		out = append(out, t)
		i = next
	}
	return append(out, token{kind: tokEnd, at: len(s)}), nil
}

func scanToken(s string, i int, r rune) (token, int, error) {
	single := map[rune]tokKind{'(': tokOpen, ')': tokClose, ':': tokColon}
	switch r {
	case '(', ')', ':':
		return token{kind: single[r]}, i + 1, nil
	case '+', '-', '!':
		if next, _ := utf8.DecodeRuneInString(s[i+1:]); i+1 < len(s) && isBlank(next) {
			return token{kind: tokBare, text: s[i : i+1]}, i + 1, nil
		}
		return token{kind: map[rune]tokKind{'+': tokPlus, '-': tokMinus, '!': tokNot}[r]}, i + 1, nil
	case '"':
		for j := i + 1; j < len(s); j++ {
			if s[j] == '\\' {
				j++
			} else if s[j] == '"' {
				return token{kind: tokQuoted, text: s[i+1 : j]}, j + 1, nil
			}
		}
		return token{}, 0, &syntaxError{i, "a quoted text does not end"}
	case '/':
		for j := i + 1; j < len(s); j++ {
			if s[j] == '\\' && j+1 < len(s) && s[j+1] == '/' {
				j++
			} else if s[j] == '/' {
				return token{kind: tokRegexp, text: strings.ReplaceAll(s[i+1:j], `\/`, "/")}, j + 1, nil
			}
		}
		return token{}, 0, &syntaxError{i, "a regular expression does not end"}
	case '^', '~':
		j := i + 1
		for j < len(s) && (s[j] >= '0' && s[j] <= '9' || s[j] == '.' && j > i+1) {
			j++
		}
		if r == '^' && j == i+1 {
			return token{}, 0, &syntaxError{i, "a boost needs a number"}
		}
		kind := tokBoost
		if r == '~' {
			kind = tokFuzzy
		}
		return token{kind: kind, text: s[i+1 : j]}, j, nil
	case '[', '{':
		return scanRange(s, i)
	case ']', '}':
		return token{}, 0, &syntaxError{i, "a range ends that did not begin"}
	}
	return scanTerm(s, i)
}

// scanTerm reads a term with the wildcards in it.
func scanTerm(s string, i int) (token, int, error) {
	j, wild, stars := i, 0, 0
	for j < len(s) {
		r, n := utf8.DecodeRuneInString(s[j:])
		switch {
		case r == '\\':
			if j+1 >= len(s) {
				return token{}, 0, &syntaxError{j, "Term can not end with escape character."}
			}
			_, m := utf8.DecodeRuneInString(s[j+1:])
			n = 1 + m
		case r == '*' || r == '?':
			wild++
			if r == '*' {
				stars++
			}
		case !startsTerm(r) && (j == i || r != '+' && r != '-'):
			n = 0
		}
		if n == 0 {
			break
		}
		j += n
	}
	t := token{kind: tokTerm, text: s[i:j]}
	switch {
	case t.text == "AND" || t.text == "&&":
		t.kind = tokAnd
	case t.text == "OR" || t.text == "||":
		t.kind = tokOr
	case t.text == "NOT":
		t.kind = tokNot
	case t.text == "*":
		t.kind = tokStar
	case wild == 1 && stars == 1 && strings.HasSuffix(t.text, "*"):
		t.kind = tokPrefix
	case wild > 0:
		t.kind = tokWild
	}
	return t, j, nil
}

// scanRange reads [a TO b] and {a TO b}, mixed as well.
func scanRange(s string, i int) (token, int, error) {
	t := token{kind: tokRange, incLo: s[i] == '['}
	j := i + 1
	bad := func() (token, int, error) { return token{}, 0, &syntaxError{i, "a range has the form [a TO b]"} }
	end := func() (string, bool, bool) {
		for j < len(s) && isBlank(rune(s[j])) {
			j++
		}
		from := j
		if j < len(s) && s[j] == '"' {
			for j++; j < len(s) && s[j] != '"'; j++ {
				if s[j] == '\\' {
					j++
				}
			}
			if j >= len(s) {
				return "", false, false
			}
			j++
			return s[from+1 : j-1], true, true
		}
		for j < len(s) && s[j] != ' ' && s[j] != ']' && s[j] != '}' {
			j++
		}
		return s[from:j], false, j > from
	}
	var ok bool
	if t.lo, t.qlo, ok = end(); !ok {
		return bad()
	}
	to, quoted, ok := end()
	if !ok {
		return bad()
	}
	if t.hi, t.qhi = to, quoted; to == "TO" && !quoted {
		if t.hi, t.qhi, ok = end(); !ok {
			return bad()
		}
	}
	for j < len(s) && isBlank(rune(s[j])) {
		j++
	}
	if j >= len(s) || s[j] != ']' && s[j] != '}' {
		return bad()
	}
	t.incHi = s[j] == ']'
	return t, j + 1, nil
}

// syntax parses the tokens of one expression.
type syntax struct {
	c        *Context
	o        *StringOptions
	text     string
	tokens   []token
	i        int
	defaults []weighted
	all      bool
	m        matching
}

func (s *syntax) peek(n int) *token { return &s.tokens[min(s.i+n, len(s.tokens)-1)] }

func (s *syntax) next() *token {
	t := s.peek(0)
	s.i++
	return t
}

func (s *syntax) unexpected() error {
	t := s.peek(0)
	if t.kind == tokEnd {
		return &syntaxError{t.at, "it ends where more is expected"}
	}
	return &syntaxError{t.at, "what stands at character " + strconv.Itoa(t.at+1) + " is not expected"}
}

func (s *syntax) wrap(err error) error {
	if e, ok := err.(*syntaxError); ok {
		return &Error{Type: "query_shard_exception", Reason: "Failed to parse query [" + s.text + "]: " + e.msg, Shard: true}
	}
	return err
}

// occur is how a clause takes part in a boolean query.
type occur uint8

const (
	should occur = iota
	must
	mustNot
)

type clause struct {
	occur occur
	q     query.Query
}

// multiTerm reports whether the term at n goes on a run of terms that is analyzed as one text: it is followed by nothing that makes it
// something of its own.
func (s *syntax) multiTerm(n int) bool {
	if s.peek(n).kind != tokTerm {
		return false
	}
	switch s.peek(n + 1).kind {
	case tokColon, tokStar, tokFuzzy, tokBoost, tokAnd, tokOr:
		return false
	}
	return true
}

// query parses clauses up to a closing parenthesis or the end; nil if nothing is left of them.
func (s *syntax) query(field string, depth int) (query.Query, error) {
	if depth > maxDepth {
		return nil, illegal("the query has more than %d parentheses inside each other", maxDepth)
	}
	var clauses []clause
	var only query.Query
	first := true
	for {
		t := s.peek(0)
		if t.kind == tokEnd || t.kind == tokClose {
			if first {
				return nil, s.unexpected()
			}
			break
		}
		if t.kind == tokTerm && s.peek(1).kind != tokColon && s.multiTerm(1) {
			run := unescape(s.next().text)
			for s.multiTerm(0) {
				run += " " + unescape(s.next().text)
			}
			q, err := s.fieldQuery(field, run, false, 0)
			if err != nil {
				return nil, err
			}
			only = q
			clauses = s.addRun(clauses, q)
			if !first || len(clauses) != 1 {
				only = nil
			}
			first = false
			continue
		}
		conj, mod, err := s.operators(first)
		if err != nil {
			return nil, err
		}
		q, err := s.clause(field, depth)
		if err != nil {
			return nil, err
		}
		clauses = s.add(clauses, conj, mod, q)
		if first && mod == tokEnd {
			only = q
		} else {
			only = nil
		}
		first = false
	}
	if len(clauses) == 1 && only != nil && clauses[0].occur != mustNot {
		return only, nil
	}
	return join(clauses), nil
}

// operators reads AND, OR and what is before a clause.
func (s *syntax) operators(first bool) (conj, mod tokKind, err error) {
	if k := s.peek(0).kind; k == tokAnd || k == tokOr {
		if first {
			return 0, 0, s.unexpected()
		}
		conj = k
		s.i++
	}
	switch k := s.peek(0).kind; k {
	case tokPlus, tokMinus, tokNot:
		mod = k
		s.i++
	}
	return conj, mod, nil
}

// add puts a clause to the others by the rules of Lucene's classic parser: AND makes both of its sides required, and nothing binds closer.
func (s *syntax) add(clauses []clause, conj, mod tokKind, q query.Query) []clause {
	if n := len(clauses); n > 0 {
		last := &clauses[n-1]
		if conj == tokAnd && last.occur != mustNot {
			last.occur = must
		}
		if conj == tokOr && s.o.And && last.occur != mustNot {
			last.occur = should
		}
	}
	if q == nil {
		return clauses
	}
	o := should
	prohibited := mod == tokMinus || mod == tokNot
	switch {
	case prohibited:
		o = mustNot
	case s.o.And && conj != tokOr, !s.o.And && (mod == tokPlus || conj == tokAnd):
		o = must
	}
	return append(clauses, clause{o, q})
}

// addRun puts what a run of terms makes to the clauses: its terms one by one where it is a boolean of them.
func (s *syntax) addRun(clauses []clause, q query.Query) []clause {
	if q == nil {
		return clauses
	}
	b, ok := q.(query.Bool)
	if !ok || len(b.Filter)+len(b.MustNot) > 0 {
		o := should
		if s.o.And {
			o = must
		}
		return append(clauses, clause{o, q})
	}
	for _, t := range b.Must {
		clauses = append(clauses, clause{must, t})
	}
	for _, t := range b.Should {
		clauses = append(clauses, clause{should, t})
	}
	return clauses
}

func join(clauses []clause) query.Query {
	var b query.Bool
	for _, c := range clauses {
		switch c.occur {
		case must:
			b.Must = append(b.Must, c.q)
		case should:
			b.Should = append(b.Should, c.q)
		case mustNot:
			b.MustNot = append(b.MustNot, c.q)
		}
	}
	if len(clauses) == 0 {
		return nil
	}
	return finishBool(b, "", true)
}

// clause parses one clause; nil if its text has no tokens.
func (s *syntax) clause(field string, depth int) (query.Query, error) {
	if s.c.clauses++; s.c.clauses > maxClauses {
		return nil, illegal("too many clauses: the limit is %d", maxClauses)
	}
	if s.peek(1).kind == tokColon {
		switch t := s.peek(0); t.kind {
		case tokTerm:
			field = unescape(t.text)
			s.i += 2
		case tokStar:
			field = "*"
			s.i += 2
		}
	}
	t := s.next()
	var q query.Query
	var err error
	switch t.kind {
	case tokOpen:
		if q, err = s.query(field, depth+1); err != nil {
			return nil, err
		}
		if s.next().kind != tokClose {
			s.i--
			return nil, s.unexpected()
		}
	case tokTerm, tokBare:
		q, err = s.fieldQuery(field, unescape(t.text), false, 0)
	case tokQuoted:
		slop := s.o.PhraseSlop
		if f := s.peek(0); f.kind == tokFuzzy {
			s.i++
			n, _ := strconv.ParseFloat(f.text, 64) // "~" alone is the default
			slop = int(n)
		}
		q, err = s.fieldQuery(field, unescape(t.text), true, slop)
	case tokStar, tokPrefix, tokWild:
		q, err = s.wildcard(field, t)
	case tokRegexp:
		q, err = s.regexp(field, t.text)
	case tokRange:
		q, err = s.ranged(field, t)
	default:
		s.i--
		return nil, s.unexpected()
	}
	if err != nil {
		return nil, err
	}
	return s.suffix(q)
}

// suffix reads ^2 and refuses ~.
func (s *syntax) suffix(q query.Query) (query.Query, error) {
	for {
		switch t := s.peek(0); t.kind {
		case tokFuzzy:
			return nil, unsupported("a fuzzy term (~)")
		case tokBoost:
			s.i++
			f, err := strconv.ParseFloat(t.text, 64)
			if err != nil {
				return nil, &syntaxError{t.at, "a boost needs a number"}
			}
			if q != nil {
				q = boosted(q, f)
			}
		default:
			return q, nil
		}
	}
}

// unescape takes the backslashes away.
func unescape(t string) string {
	if strings.IndexByte(t, '\\') < 0 {
		return t
	}
	var b strings.Builder
	for i := 0; i < len(t); i++ {
		if t[i] == '\\' && i+1 < len(t) {
			i++
			if t[i] == 'u' && i+4 < len(t) {
				if n, err := strconv.ParseUint(t[i+1:i+5], 16, 32); err == nil {
					b.WriteRune(rune(n))
					i += 4
					continue
				}
			}
		}
		b.WriteByte(t[i])
	}
	return b.String()
}

// fields are those that a clause is about.
func (s *syntax) fields(field string) []weighted {
	if field == "" {
		return s.c.resolve(s.defaults)
	}
	return s.c.resolve([]weighted{{field, 1}})
}

// combine makes one query of those on several fields.
func (s *syntax) combine(list []query.Query) query.Query {
	if s.o.Most {
		return best(list, 1)
	}
	return best(list, s.o.Tie)
}

// fieldQuery matches a text or a phrase.
func (s *syntax) fieldQuery(field, text string, quoted bool, slop int) (query.Query, error) {
	if field == "_exists_" {
		q, err := s.c.exists(text)
		return one(q), err
	}
	if !quoted && len(text) > 1 && (text[0] == '>' || text[0] == '<') {
		b := bounds{}
		value, inc := text[1:], false
		if value[0] == '=' && len(value) > 1 {
			value, inc = value[1:], true
		}
		if text[0] == '>' {
			b.lo, b.hasLo, b.incLo = value, true, inc
		} else {
			b.hi, b.hasHi, b.incHi = value, true, inc
		}
		return s.between(field, &b)
	}
	m := s.m
	m.phrase, m.slop = quoted || s.o.Phrase, slop
	list, err := s.c.overFields(s.fields(field), text, &m)
	if err != nil {
		return nil, err
	}
	return s.combine(list), nil
}

// eachField calls f for each field that a clause is about. Where the query is lenient a field that it does not fit is left out.
func (s *syntax) eachField(field string, f func(name string) (query.Query, error)) (query.Query, error) {
	var list []query.Query
	for _, w := range s.fields(field) {
		q, err := f(w.name)
		if err != nil {
			if s.m.lenient {
				continue
			}
			return nil, err
		}
		if _, none := q.(query.None); !none {
			list = append(list, boosted(q, w.boost))
		}
	}
	return s.combine(list), nil
}

func (s *syntax) between(field string, b *bounds) (query.Query, error) {
	if s.o.Zone != "" {
		z, err := LoadZone(s.o.Zone)
		if err != nil {
			return nil, err
		}
		b.zone = z
	}
	return s.eachField(field, func(name string) (query.Query, error) {
		own := *b
		if n := s.c.Mapping.Field(name); n != nil && n.Type.Kind() == query.Text {
			own.lo, own.hi = mapping.Lower(own.lo), mapping.Lower(own.hi)
		}
		return s.c.between(name, &own)
	})
}

func (s *syntax) ranged(field string, t *token) (query.Query, error) {
	b := bounds{incLo: t.incLo, incHi: t.incHi, lo: unescape(t.lo), hi: unescape(t.hi)}
	b.hasLo, b.hasHi = t.lo != "*" || t.qlo, t.hi != "*" || t.qhi
	return s.between(field, &b)
}

// wildcard matches terms by * and ?. The pattern * alone asks whether there is a value.
func (s *syntax) wildcard(field string, t *token) (query.Query, error) {
	if t.kind == tokStar {
		switch {
		case field == "*", field == "" && s.all:
			return query.All{}, nil
		case field != "":
			q, err := s.c.exists(field)
			return one(q), err
		case len(s.defaults) == 1:
			q, err := s.c.exists(s.defaults[0].name)
			return one(q), err
		}
	}
	if field == "_exists_" {
		q, err := s.c.exists(unescape(t.text))
		return one(q), err
	}
	if s.o.NoLeading && (t.text[0] == '*' || t.text[0] == '?') {
		return nil, &syntaxError{t.at, "'*' or '?' not allowed as first character in WildcardQuery"}
	}
	return s.eachField(field, func(name string) (query.Query, error) {
		if q, ok, err := s.c.metadata(name, nil, func(n string) bool { return mapping.Simple(t.text, n) }); ok {
			return q, err
		}
		n, err := s.c.stringNode("wildcard", name)
		if n == nil {
			return query.None{}, err
		}
		pattern := t.text
		if n.Type.Kind() == query.Text {
			pattern = mapping.Lower(pattern)
		}
		return query.Pattern{Field: n.Path, Pattern: pattern}, nil
	})
}

func (s *syntax) regexp(field, expr string) (query.Query, error) {
	return s.eachField(field, func(name string) (query.Query, error) {
		n, err := s.c.stringNode("regexp", name)
		if n == nil {
			return query.None{}, err
		}
		return regexpOn(n, expr, false, false)
	})
}
