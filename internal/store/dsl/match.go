package dsl

import (
	"strconv"
	"strings"

	"millrace/internal/store/mapping"
	"millrace/internal/store/query"
)

// matching says how the text of a query is matched against a field.
type matching struct {
	and     bool
	msm     string
	zeroAll bool // a text without tokens matches everything
	phrase  bool
	prefix  bool // the last word of a phrase is a prefix
	slop    int
	lenient bool // a text that does not fit the field's type matches nothing
	zone    string
}

// textQuery matches a text against one field.
func (c *Context) textQuery(field, text string, m *matching) (query.Query, error) {
	if q, ok, err := c.metadata(field, []string{text}, func(n string) bool { return mapping.Simple(text, n) }); ok {
		return q, err
	}
	n, err := c.node(field)
	if err == nil && n == nil {
		return query.None{}, nil
	}
	var q query.Query
	if err == nil {
		if n.Type.Kind() != query.Text {
			if m.prefix && n.Type.Kind() == query.Keyword && n.Type != mapping.IP {
				return query.Pattern{Field: n.Path, Pattern: escapePattern(text) + "*"}, nil
			}
			q, err = c.term(n, text)
		} else {
			q = c.words(n, mapping.Analyze(text), m)
		}
	}
	if err != nil {
		if m.lenient {
			return query.None{}, nil
		}
		return nil, err
	}
	return q, nil
}

// words matches the tokens of a text field.
func (c *Context) words(n *mapping.Node, tokens []string, m *matching) query.Query {
	score := func(q query.Query) query.Query {
		if n.Type == mapping.MatchOnlyText {
			return one(q)
		}
		return q
	}
	switch {
	case len(tokens) == 0 && m.zeroAll:
		return query.All{}
	case len(tokens) == 0:
		return query.None{}
	case m.prefix && len(tokens) == 1:
		return query.Pattern{Field: n.Path, Pattern: escapePattern(tokens[0]) + "*"}
	case len(tokens) == 1:
		return score(query.Term{Field: n.Path, Term: tokens[0]})
	case m.phrase:
		return score(query.Phrase{Field: n.Path, Terms: tokens, Slop: m.slop, Prefix: m.prefix})
	}
	var b query.Bool
	for _, t := range tokens {
		q := score(query.Term{Field: n.Path, Term: t})
		if m.and {
			b.Must = append(b.Must, q)
		} else {
			b.Should = append(b.Should, q)
		}
	}
	if m.and {
		return b
	}
	return finishBool(b, m.msm, true)
}

// matchParams takes the parameters that the match queries share.
func matchParams(p *params) (text string, m matching, boost float64) {
	text, boost = p.text("query", ""), p.float("boost", 1)
	if _, ok := p.m["query"]; !ok {
		p.fail(parsing("[%s] requires query value", p.name))
	}
	switch op := strings.ToLower(p.text("operator", "or")); op {
	case "and", "or":
		m.and = op == "and"
	default:
		p.fail(illegal("No enum constant org.elasticsearch.index.query.Operator.%s", strings.ToUpper(op)))
	}
	m.msm = p.text("minimum_should_match", "")
	m.lenient = p.flag("lenient", false)
	switch z := strings.ToLower(p.text("zero_terms_query", "none")); z {
	case "none", "all":
		m.zeroAll = z == "all"
	default:
		p.fail(illegal("unsupported zero_terms_query value [%s]", z))
	}
	p.refuse("analyzer", "standard", "default")
	p.refuse("fuzziness", "0")
	p.ignore("prefix_length", "max_expansions", "fuzzy_transpositions", "auto_generate_synonyms_phrase_query", "fuzzy_rewrite")
	return text, m, boost
}

func (c *Context) matchQuery(p params) (query.Query, error) {
	field, sub, err := p.field("query")
	if err != nil {
		return nil, err
	}
	text, m, boost := matchParams(&sub)
	if err := sub.end(); err != nil {
		return nil, err
	}
	q, err := c.textQuery(field, text, &m)
	return boosted(q, boost), err
}

func (c *Context) matchPhrase(p params) (query.Query, error) { return c.phrase(p, false) }

func (c *Context) matchPhrasePrefix(p params) (query.Query, error) { return c.phrase(p, true) }

func (c *Context) phrase(p params, prefix bool) (query.Query, error) {
	field, sub, err := p.field("query")
	if err != nil {
		return nil, err
	}
	m := matching{phrase: true, prefix: prefix}
	text, boost := sub.text("query", ""), sub.float("boost", 1)
	m.slop = int(sub.float("slop", 0))
	m.zeroAll = strings.EqualFold(sub.text("zero_terms_query", "none"), "all")
	sub.refuse("analyzer", "standard", "default")
	if prefix {
		sub.ignore("max_expansions")
	}
	if err := sub.end(); err != nil {
		return nil, err
	}
	q, err := c.textQuery(field, text, &m)
	return boosted(q, boost), err
}

// weighted is a field with its weight, as "title^2" names it.
type weighted struct {
	name  string
	boost float64
}

func parseWeighted(text string) (weighted, error) {
	name, b, ok := strings.Cut(text, "^")
	w := weighted{name, 1}
	if ok {
		f, err := strconv.ParseFloat(b, 64)
		if err != nil || f < 0 {
			return w, illegal("the boost of field [%s] is no number", text)
		}
		w.boost = f
	}
	return w, nil
}

// fieldList reads the fields of a query; all says that every field is meant.
func (c *Context) fieldList(v any) (list []weighted, all bool, err error) {
	var names []string
	switch v := v.(type) {
	case nil:
		names = c.DefaultFields
		if len(names) == 0 {
			names = []string{"*"}
		}
	case string:
		names = []string{v}
	case []any:
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, false, parsing("[fields] must hold names")
			}
			names = append(names, s)
		}
	default:
		return nil, false, parsing("[fields] must hold names")
	}
	for _, n := range names {
		w, err := parseWeighted(n)
		if err != nil {
			return nil, false, err
		}
		all = all || w.name == "*"
		list = append(list, w)
	}
	return list, all, nil
}

// resolve replaces patterns by the fields that they name and a text can be looked for in.
func (c *Context) resolve(list []weighted) []weighted {
	var out []weighted
	for _, w := range list {
		if !strings.Contains(w.name, "*") {
			out = append(out, w)
			continue
		}
		for _, path := range c.Mapping.Paths(w.name) {
			n := c.Mapping.Field(path)
			if n.Path == path && n.Refused == "" && n.Type.Kind() != 0 && (n.Index || n.DocValues && n.Type.Kind() != query.Text) {
				out = append(out, weighted{path, w.boost})
			}
		}
	}
	return out
}

// best is the query on several fields of which the best counts.
func best(list []query.Query, tie float64) query.Query {
	switch len(list) {
	case 0:
		return query.None{}
	case 1:
		return list[0]
	}
	return query.Best{Queries: list, Tie: tie}
}

// overFields matches a text against each field.
func (c *Context) overFields(fields []weighted, text string, m *matching) ([]query.Query, error) {
	var list []query.Query
	for _, w := range fields {
		q, err := c.textQuery(w.name, text, m)
		if err != nil {
			return nil, err
		}
		if _, none := q.(query.None); !none {
			list = append(list, boosted(q, w.boost))
		}
	}
	return list, nil
}

func (c *Context) multiMatch(p params) (query.Query, error) {
	text, m, boost := matchParams(&p)
	v, _ := p.take("fields")
	fields, all, err := c.fieldList(v)
	if err != nil {
		return nil, err
	}
	m.slop = int(p.float("slop", 0))
	tie := p.float("tie_breaker", 0)
	_, tied := p.m["tie_breaker"]
	typ := p.text("type", "best_fields")
	if err := p.end(); err != nil {
		return nil, err
	}
	if _, given := p.m["lenient"]; all && !given {
		m.lenient = true
	}
	switch typ {
	case "best_fields", "most_fields":
	case "phrase":
		m.phrase = true
	case "phrase_prefix":
		m.phrase, m.prefix = true, true
	default:
		return nil, unsupported("the type [%s] of multi_match", typ)
	}
	list, err := c.overFields(c.resolve(fields), text, &m)
	if err != nil {
		return nil, err
	}
	if typ == "most_fields" && !tied {
		tie = 1
	}
	return boosted(best(list, tie), boost), nil
}
