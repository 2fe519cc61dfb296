// Package dsl turns queries as Elasticsearch's API has them into those of the store's engine, as the mapping of one index says. What it does
// not know it refuses by name.
package dsl

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"millrace/internal/store/mapping"
	"millrace/internal/store/query"
)

// Error is a mistake in a query, with the type that Elasticsearch gives it.
type Error struct {
	Type, Reason string
	// Shard says that the mistake is one for this index alone; another index may answer.
	Shard bool
}

func (e *Error) Error() string { return e.Reason }

func parsing(format string, args ...any) error {
	return &Error{Type: "parsing_exception", Reason: fmt.Sprintf(format, args...)}
}

func illegal(format string, args ...any) error {
	return &Error{Type: "illegal_argument_exception", Reason: fmt.Sprintf(format, args...)}
}

func unsupported(format string, args ...any) error {
	return illegal(format+" is not supported by this store", args...)
}

// shard is a mistake that depends on the mapping.
func shard(format string, args ...any) error {
	return &Error{Type: "query_shard_exception", Reason: "failed to create query: " + fmt.Sprintf(format, args...), Shard: true}
}

// Context is what a query is compiled for.
type Context struct {
	Now     time.Time
	Index   string   // its name, for _index
	Names   []string // further names: its data stream and aliases
	Mapping *mapping.Mapping
	// DefaultFields are those that a query without a field searches; * by default.
	DefaultFields []string

	depth   int
	clauses int
}

// Limits of a query, Elasticsearch's own.
const (
	maxDepth   = 30
	maxClauses = 4096
	maxTerms   = 65536
)

// Compile turns a query in the query DSL into one of the engine's.
func (c *Context) Compile(v any) (query.Query, error) {
	o, ok := v.(map[string]any)
	if !ok {
		return nil, parsing("[_na] query malformed, must start with start_object")
	}
	if len(o) == 0 {
		return nil, illegal("query malformed, empty clause found")
	}
	if len(o) > 1 {
		keys := slices.Sorted(maps.Keys(o))
		return nil, parsing("[%s] malformed query, expected [END_OBJECT] but found [FIELD_NAME]", keys[0])
	}
	if c.depth++; c.depth > maxDepth {
		return nil, illegal("The nested depth of the query exceeds the maximum nested depth for queries set in [indices.query.bool.max_nested_depth]")
	}
	defer func() { c.depth-- }()
	if c.clauses++; c.clauses > maxClauses {
		return nil, illegal("too many clauses: the limit is %d", maxClauses)
	}
	for name, def := range o {
		f := compiler(name)
		if f == nil {
			if slices.Contains(elsewhere, name) {
				return nil, unsupported("the query [%s]", name)
			}
			return nil, parsing("unknown query [%s]", name)
		}
		body, ok := def.(map[string]any)
		if !ok {
			return nil, parsing("[%s] query malformed, no start_object after query name", name)
		}
		return f(c, params{name: name, m: body})
	}
	panic("BUG: an object without keys")
}

// elsewhere are queries that Elasticsearch has and this store has not.
var elsewhere = []string{"boosting", "combined_fields", "distance_feature", "fuzzy", "function_score", "geo_bounding_box", "geo_distance", "geo_grid", "geo_polygon",
	"geo_shape", "has_child", "has_parent", "intervals", "knn", "match_bool_prefix", "more_like_this", "nested", "parent_id", "percolate", "pinned", "rank_feature",
	"rule", "script", "script_score", "semantic", "shape", "simple_query_string", "span_containing", "span_first", "span_multi", "span_near", "span_not", "span_or",
	"span_term", "span_within", "sparse_vector", "terms_set", "text_expansion", "weighted_tokens", "wrapper"}

// compiler returns what compiles a query of a name, nil if the name is not known.
func compiler(name string) func(*Context, params) (query.Query, error) {
	switch name {
	case "match_all":
		return (*Context).matchAll
	case "match_none":
		return (*Context).matchNone
	case "term":
		return (*Context).termQuery
	case "terms":
		return (*Context).termsQuery
	case "range":
		return (*Context).rangeQuery
	case "exists":
		return (*Context).existsQuery
	case "prefix":
		return (*Context).prefixQuery
	case "wildcard":
		return (*Context).wildcardQuery
	case "regexp":
		return (*Context).regexpQuery
	case "ids":
		return (*Context).idsQuery
	case "bool":
		return (*Context).boolQuery
	case "constant_score":
		return (*Context).constantScore
	case "dis_max":
		return (*Context).disMax
	case "match":
		return (*Context).matchQuery
	case "match_phrase":
		return (*Context).matchPhrase
	case "match_phrase_prefix":
		return (*Context).matchPhrasePrefix
	case "multi_match":
		return (*Context).multiMatch
	case "query_string":
		return (*Context).queryString
	}
	return nil
}

// params are the members of a query's body, taken one by one: what is left at the end is unknown.
type params struct {
	name string
	m    map[string]any
	used []string
	err  error
}

func (p *params) take(k string) (any, bool) {
	v, ok := p.m[k]
	if ok {
		p.used = append(p.used, k)
	}
	return v, ok
}

func (p *params) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *params) text(k, def string) string {
	v, ok := p.take(k)
	if !ok {
		return def
	}
	s, ok := Text(v)
	if !ok {
		p.fail(parsing("[%s] query does not support [%s] of this type", p.name, k))
	}
	return s
}

func (p *params) flag(k string, def bool) bool {
	switch s := p.text(k, strconv.FormatBool(def)); s {
	case "true":
		return true
	case "false":
		return false
	default:
		p.fail(illegal("Failed to parse value [%s] as only [true] or [false] are allowed.", s))
		return false
	}
}

func (p *params) float(k string, def float64) float64 {
	v, ok := p.take(k)
	if !ok {
		return def
	}
	s, _ := Text(v)
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < 0 {
		p.fail(illegal("[%s] of [%s] must be a number that is not negative, found [%v]", k, p.name, v))
	}
	return f
}

// ignore takes members that change nothing here.
func (p *params) ignore(keys ...string) {
	for _, k := range keys {
		p.take(k)
	}
}

// refuse takes members that would change the answer and are not known, unless they have a value that says nothing.
func (p *params) refuse(k string, harmless ...string) {
	if v, ok := p.take(k); ok {
		if s, isText := Text(v); !isText || !slices.Contains(harmless, s) {
			p.fail(unsupported("[%s] of the query [%s]", k, p.name))
		}
	}
}

// end returns the first mistake, an unknown member being one.
func (p *params) end() error {
	if p.err != nil {
		return p.err
	}
	for _, k := range slices.Sorted(maps.Keys(p.m)) {
		if !slices.Contains(p.used, k) {
			if k == "_name" {
				return unsupported("[_name] of the query [%s]", p.name)
			}
			return parsing("[%s] query does not support [%s]", p.name, k)
		}
	}
	return nil
}

// field takes the one field that a query is about, with its value or parameters.
func (p *params) field(valueKey string) (field string, sub params, err error) {
	if len(p.m) != 1 {
		if len(p.m) == 0 {
			return "", sub, illegal("fieldName must not be null or empty")
		}
		keys := slices.Sorted(maps.Keys(p.m))
		return "", sub, parsing("[%s] query doesn't support multiple fields, found [%s] and [%s]", p.name, keys[0], keys[1])
	}
	for f, v := range p.m {
		sub = params{name: p.name}
		var ok bool
		if sub.m, ok = v.(map[string]any); !ok {
			if _, list := v.([]any); list {
				return "", sub, parsing("[%s] unknown token [START_ARRAY] after [%s]", p.name, f)
			}
			sub.m = map[string]any{valueKey: v}
		}
		field = f
	}
	return field, sub, nil
}

// Text returns a value of JSON that is neither an object nor an array as text.
func Text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case int:
		return strconv.Itoa(v), true
	}
	return "", false
}

func boosted(q query.Query, by float64) query.Query {
	if by == 1 {
		return q
	}
	return query.Boost{Query: q, By: by}
}

// one gives what q matches the score 1.
func one(q query.Query) query.Query { return query.Constant{Query: q, Score: 1} }

func (c *Context) matchAll(p params) (query.Query, error) {
	boost := p.float("boost", 1)
	return boosted(query.All{}, boost), p.end()
}

func (c *Context) matchNone(p params) (query.Query, error) {
	p.ignore("boost")
	return query.None{}, p.end()
}

// node finds a field. Both results are nil if there is none; an error says that it cannot be searched.
func (c *Context) node(field string) (*mapping.Node, error) {
	n := c.Mapping.Field(field)
	if n == nil {
		return nil, nil
	}
	switch {
	case n.Refused == "it is neither indexed nor has doc values":
		return nil, shard("Cannot search on field [%s] since it is not indexed nor has doc values.", field)
	case n.Refused != "":
		return nil, shard("Cannot search on field [%s]: %s", field, n.Refused)
	case !n.Index && n.Type.Kind() == query.Text:
		return nil, shard("Cannot search on field [%s] since it is not indexed.", field)
	}
	return n, nil
}

// metadata answers queries on fields that each document has; ok is false for other fields.
func (c *Context) metadata(field string, values []string, match func(name string) bool) (q query.Query, ok bool, err error) {
	switch field {
	case "_id":
		if values == nil {
			return nil, true, unsupported("a pattern or range on [_id]")
		}
		return query.IDs{Values: values}, true, nil
	case "_index":
		for _, name := range append([]string{c.Index}, c.Names...) {
			if match(name) {
				return query.All{}, true, nil
			}
		}
		return query.None{}, true, nil
	case "_routing", "_ignored", "_seq_no", "_version", "_tier", "_doc_count", "_size", "_source", "_field_names", "_nested_path":
		return nil, true, unsupported("a query on [%s]", field)
	}
	return nil, false, nil
}

func (c *Context) termQuery(p params) (query.Query, error) {
	field, sub, err := p.field("value")
	if err != nil {
		return nil, err
	}
	boost := sub.float("boost", 1)
	fold := sub.flag("case_insensitive", false)
	v, ok := sub.take("value")
	if !ok {
		v, ok = sub.take("term")
	}
	if err := sub.end(); err != nil {
		return nil, err
	}
	text, scalar := Text(v)
	if !ok || !scalar {
		return nil, illegal("value cannot be null")
	}
	if q, ok, err := c.metadata(field, []string{text}, func(n string) bool { return mapping.Simple(text, n) }); ok {
		return boosted(q, boost), err
	}
	n, err := c.node(field)
	if n == nil {
		return query.None{}, err
	}
	if fold {
		if n.Type.Kind() != query.Keyword && n.Type.Kind() != query.Text || n.Type == mapping.IP {
			return nil, shard("[%s] field which is of type [%s], does not support case insensitive term queries", field, n.Type)
		}
		return boosted(query.Pattern{Field: n.Path, Pattern: escapePattern(text), FoldCase: true}, boost), nil
	}
	q, err := c.term(n, text)
	return boosted(q, boost), err
}

// term matches documents that hold exactly a value.
func (c *Context) term(n *mapping.Node, text string) (query.Query, error) {
	switch n.Type {
	case mapping.IP:
		return ipTerm(n, text)
	case mapping.Boolean:
		b, err := parseBool(text)
		if err != nil {
			return nil, err
		}
		return query.Numbers{Field: n.Path, Values: []float64{float64(b)}}, nil
	case mapping.MatchOnlyText, mapping.Wildcard, mapping.ConstantKeyword:
		return one(query.Term{Field: n.Path, Term: text}), nil
	}
	switch n.Type.Kind() {
	case query.Int:
		b, err := wholeBound(n, text)
		if err != nil || !b.exact || b.out != 0 {
			return query.None{}, err
		}
		return query.NumberRange{Field: n.Path, Min: b.v, Max: b.v}, nil
	case query.Float:
		f, err := parseFloat(text)
		return query.Numbers{Field: n.Path, Values: []float64{n.Round(f)}}, err
	case query.Date:
		return c.dateRange(n, &bounds{lo: text, hi: text, hasLo: true, hasHi: true, incLo: true, incHi: true})
	}
	return query.Term{Field: n.Path, Term: text}, nil
}

func ipTerm(n *mapping.Node, text string) (query.Query, error) {
	if strings.Contains(text, "/") {
		lo, hi, ok := mapping.IPRange(text)
		if !ok {
			return nil, shard("'%s' is not an IP string literal.", text)
		}
		return query.TermRange{Field: n.Path, Min: &lo, Max: &hi}, nil
	}
	t, ok := mapping.IPTerm(text)
	if !ok {
		return nil, shard("'%s' is not an IP string literal.", text)
	}
	return one(query.Term{Field: n.Path, Term: t}), nil
}

func parseBool(text string) (int, error) {
	switch text {
	case "true":
		return 1, nil
	case "false", "":
		return 0, nil
	}
	return 0, shard("Can't parse boolean value [%s], expected [true] or [false]", text)
}

func parseFloat(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, shard("For input string: \"%s\"", text)
	}
	return f, nil
}

func (c *Context) termsQuery(p params) (query.Query, error) {
	boost := p.float("boost", 1)
	rest := maps.Clone(p.m)
	delete(rest, "boost")
	if len(rest) != 1 || p.err != nil {
		if p.err == nil {
			p.err = parsing("[terms] query requires one field, found %d", len(rest))
		}
		return nil, p.err
	}
	for field, v := range rest {
		list, ok := v.([]any)
		if !ok {
			if _, lookup := v.(map[string]any); lookup {
				return nil, unsupported("the lookup of terms in another document")
			}
			return nil, parsing("[terms] query does not support [%s]", field)
		}
		if len(list) > maxTerms {
			return nil, illegal("The number of terms [%d] used in the Terms Query request has exceeded the allowed maximum of [%d]", len(list), maxTerms)
		}
		texts := make([]string, len(list))
		for i, e := range list {
			if texts[i], ok = Text(e); !ok {
				return nil, illegal("No value specified for terms query")
			}
		}
		q, err := c.anyTerm(field, texts)
		return boosted(q, boost), err
	}
	panic("BUG: one field was counted")
}

// anyTerm matches documents that hold one of several values.
func (c *Context) anyTerm(field string, texts []string) (query.Query, error) {
	if q, ok, err := c.metadata(field, texts, func(n string) bool {
		return slices.ContainsFunc(texts, func(t string) bool { return mapping.Simple(t, n) })
	}); ok {
		return q, err
	}
	n, err := c.node(field)
	if n == nil || len(texts) == 0 {
		return query.None{}, err
	}
	if (n.Type.Kind() == query.Keyword || n.Type.Kind() == query.Text) && n.Type != mapping.IP {
		return query.Terms{Field: n.Path, Terms: texts}, nil
	}
	var any query.Bool
	var numbers []float64
	for _, t := range texts {
		q, err := c.term(n, t)
		if err != nil {
			return nil, err
		}
		switch q := q.(type) {
		case query.None:
		case query.Numbers:
			numbers = append(numbers, q.Values...)
		case query.NumberRange:
			if q.Min == q.Max && q.Min > -1<<53 && q.Min < 1<<53 {
				numbers = append(numbers, float64(q.Min))
			} else {
				any.Should = append(any.Should, q)
			}
		default:
			any.Should = append(any.Should, q)
		}
	}
	if numbers != nil {
		any.Should = append(any.Should, query.Numbers{Field: n.Path, Values: numbers})
	}
	switch len(any.Should) {
	case 0:
		return query.None{}, nil
	case 1:
		return any.Should[0], nil
	}
	any.MinShould = 1
	return one(any), nil
}

func (c *Context) existsQuery(p params) (query.Query, error) {
	field, boost := p.text("field", ""), p.float("boost", 1)
	if err := p.end(); err != nil {
		return nil, err
	}
	if field == "" {
		return nil, parsing("[exists] must be provided with a [field]")
	}
	q, err := c.exists(field)
	return boosted(q, boost), err
}

// exists matches documents with a value of a field, of one below an object, or of one that a pattern names.
func (c *Context) exists(field string) (query.Query, error) {
	switch field {
	case "_id", "_index", "_source", "_seq_no", "_version":
		return query.All{}, nil
	}
	if n := c.Mapping.Field(field); n != nil {
		if n, err := c.node(field); n == nil {
			return query.None{}, err
		}
		return query.Exists{Field: n.Path}, nil
	}
	pattern := field
	if c.Mapping.IsObject(field) {
		pattern += ".*"
	}
	var any query.Bool
	if strings.Contains(pattern, "*") {
		for _, path := range c.Mapping.Paths(pattern) {
			if n := c.Mapping.Field(path); n.Refused == "" && n.Path == path && !c.Mapping.IsMulti(path) {
				any.Should = append(any.Should, query.Exists{Field: path})
			}
		}
	}
	switch len(any.Should) {
	case 0:
		return query.None{}, nil
	case 1:
		return any.Should[0], nil
	}
	any.MinShould = 1
	return one(any), nil
}

func (c *Context) idsQuery(p params) (query.Query, error) {
	boost := p.float("boost", 1)
	v, _ := p.take("values")
	if err := p.end(); err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	ids := make([]string, 0, len(list))
	for _, e := range list {
		s, ok := Text(e)
		if !ok {
			return nil, illegal("[ids] requires providing some values")
		}
		ids = append(ids, s)
	}
	return boosted(query.IDs{Values: ids}, boost), nil
}
