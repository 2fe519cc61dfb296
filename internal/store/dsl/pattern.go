package dsl

import (
	"regexp"
	"strings"

	"millrace/internal/store/mapping"
	"millrace/internal/store/query"
)

var patternEscaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)

// escapePattern returns the wildcard expression that matches exactly a text.
func escapePattern(text string) string { return patternEscaper.Replace(text) }

// stringNode finds a field whose terms a pattern can be matched against.
func (c *Context) stringNode(kind, field string) (*mapping.Node, error) {
	n, err := c.node(field)
	if n == nil {
		return nil, err
	}
	if k := n.Type.Kind(); k != query.Text && k != query.Keyword || n.Type == mapping.IP {
		return nil, shard("Can only use %s queries on keyword, text and wildcard fields - not on [%s] which is of type [%s]", kind, field, n.Type)
	}
	return n, nil
}

func (c *Context) prefixQuery(p params) (query.Query, error) {
	return c.patternQuery(p, "prefix", func(v string) string { return escapePattern(v) + "*" })
}

func (c *Context) wildcardQuery(p params) (query.Query, error) {
	return c.patternQuery(p, "wildcard", func(v string) string { return v })
}

func (c *Context) patternQuery(p params, kind string, pattern func(string) string) (query.Query, error) {
	field, sub, err := p.field("value")
	if err != nil {
		return nil, err
	}
	boost, fold := sub.float("boost", 1), sub.flag("case_insensitive", false)
	v := sub.text("value", "")
	if w, ok := sub.take("wildcard"); ok && kind == "wildcard" {
		v, _ = Text(w)
	}
	sub.ignore("rewrite")
	if err := sub.end(); err != nil {
		return nil, err
	}
	if q, ok, err := c.metadata(field, nil, func(n string) bool { return mapping.Simple(pattern(v), n) }); ok {
		return q, err
	}
	n, err := c.stringNode(kind, field)
	if n == nil {
		return query.None{}, err
	}
	return boosted(query.Pattern{Field: n.Path, Pattern: pattern(v), FoldCase: fold}, boost), nil
}

func (c *Context) regexpQuery(p params) (query.Query, error) {
	field, sub, err := p.field("value")
	if err != nil {
		return nil, err
	}
	boost, fold := sub.float("boost", 1), sub.flag("case_insensitive", false)
	v := sub.text("value", "")
	flags := sub.text("flags", "ALL")
	sub.ignore("rewrite", "max_determinized_states", "flags_value")
	if err := sub.end(); err != nil {
		return nil, err
	}
	if flags != "ALL" && flags != "NONE" {
		return nil, unsupported("[flags: %s] of the query [regexp]", flags)
	}
	n, err := c.stringNode("regexp", field)
	if n == nil {
		return query.None{}, err
	}
	q, err := regexpOn(n, v, fold, flags == "NONE")
	return boosted(q, boost), err
}

// regexpOn matches terms as a whole with a regular expression of Lucene's.
func regexpOn(n *mapping.Node, v string, fold, plain bool) (query.Query, error) {
	expr, err := translateRegexp(v, plain)
	if err != nil {
		return nil, err
	}
	flags := "(?s)"
	if fold {
		flags = "(?si)"
	}
	re, err := regexp.Compile(flags + `\A(?:` + expr + `)\z`)
	if err != nil {
		return nil, shard("regular expression [%s]: %v", v, err)
	}
	q := query.Regexp{Field: n.Path, Match: re.MatchString}
	if !fold {
		q.Prefix = literalPrefix(v)
	}
	return q, nil
}

// literalPrefix is what everything that an expression matches begins with.
func literalPrefix(v string) string {
	if strings.ContainsRune(v, '|') {
		return ""
	}
	i := strings.IndexAny(v, `.?+*|{}[]()"\#@&<>~^$`)
	if i < 0 {
		return v
	}
	if i > 0 && strings.ContainsRune("?*{", rune(v[i])) {
		i--
		for i > 0 && v[i]&0xC0 == 0x80 {
			i--
		}
	}
	return v[:i]
}

// translateRegexp turns Lucene's syntax into Go's. What Go has not is refused.
func translateRegexp(v string, plain bool) (string, error) {
	var b strings.Builder
	inClass := false
	for i := 0; i < len(v); i++ {
		switch ch := v[i]; {
		case ch == '\\':
			if i++; i >= len(v) {
				return "", shard("regular expression [%s] ends in a backslash", v)
			}
			if strings.IndexByte("wWdDsS", v[i]) >= 0 {
				b.WriteByte('\\')
				b.WriteByte(v[i])
				continue
			}
			end := i + 1
			for end < len(v) && v[end]&0xC0 == 0x80 {
				end++
			}
			b.WriteString(regexp.QuoteMeta(v[i:end]))
			i = end - 1
		case inClass:
			inClass = ch != ']'
			if ch == '[' || ch == '&' || ch == '~' {
				b.WriteByte('\\')
			}
			b.WriteByte(ch)
		case ch == '[':
			inClass = true
			b.WriteByte(ch)
		case ch == '^' || ch == '$':
			b.WriteByte('\\')
			b.WriteByte(ch)
		case !plain && strings.IndexByte(`~#@&<>"`, ch) >= 0:
			return "", unsupported("the operator [%c] of regular expressions", ch)
		case ch == '(' && strings.HasPrefix(v[i:], "(?"):
			return "", shard("regular expression [%s]: a group cannot begin with (?", v)
		case (ch == '*' || ch == '+' || ch == '?' || ch == '}') && i+1 < len(v) && (v[i+1] == '?' || v[i+1] == '+'):
			// A second quantifier is no sign of laziness in Lucene.
			return "", unsupported("a quantifier after a quantifier in a regular expression")
		default:
			b.WriteByte(ch)
		}
	}
	return b.String(), nil
}
