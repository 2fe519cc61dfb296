package ruby

import (
	"math"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"millrace/internal/ruby/text"
)

// yamlMethods fills YAML, which is Psych: documents are read, with the plain words of YAML 1.1.
func yamlMethods(c *core) {
	m := c.mod(c.object, "Psych")
	c.object.consts["YAML"] = m
	c.yamlError = c.defineIn(m, "SyntaxError", c.standardError)
	load := func(t *Interp, s string) Value {
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(s), &n); err != nil {
			return t.raise(t.core.yamlError, "%s", err)
		}
		if len(n.Content) == 0 {
			return nil
		}
		return (&yamlReader{t, make(map[*yaml.Node]Value)}).value(n.Content[0])
	}
	m.sdef("load", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if _, ok := a[0].(*String); !ok && t.respondTo(a[0], "read") {
			return load(t, t.toS(t.send(a[0], "read")))
		}
		return load(t, t.text(a[0]))
	}).kw = true
	m.meta.alias("load", "safe_load", "unsafe_load")
	m.sdef("load_file", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return load(t, t.readFile(t.text(a[0]))) }).kw = true
	m.meta.alias("load_file", "safe_load_file", "unsafe_load_file")
}

// yamlReader makes values of a document; what an alias names is one object, as in Ruby.
type yamlReader struct {
	t    *Interp
	seen map[*yaml.Node]Value
}

func (r *yamlReader) value(n *yaml.Node) Value {
	r.t.enter()
	defer r.t.leave()
	switch n.Kind {
	case yaml.SequenceNode:
		out := &Array{}
		r.seen[n] = out
		for _, x := range n.Content {
			out.v = append(out.v, r.value(x))
		}
		return out
	case yaml.MappingNode:
		h := newHash()
		r.seen[n] = h
		for i := 0; i+1 < len(n.Content); i += 2 {
			v := r.value(n.Content[i+1])
			if n.Content[i].Tag == "!!merge" {
				r.merge(h, v)
				continue
			}
			h.set(r.t, r.value(n.Content[i]), v)
		}
		return h
	case yaml.AliasNode:
		if v, ok := r.seen[n.Alias]; ok {
			return v
		}
		n = n.Alias
	}
	v := r.t.yamlScalar(n)
	r.seen[n] = v
	return v
}

// merge adds what << names: a mapping or a list of them.
func (r *yamlReader) merge(h *Hash, v Value) {
	switch v := v.(type) {
	case *Hash:
		r.t.merge(h, []Value{v}, nil)
	case *Array:
		for _, x := range v.v {
			if x, ok := x.(*Hash); ok {
				r.t.merge(h, []Value{x}, nil)
			}
		}
	}
}

// The plain words of YAML 1.1 that are numbers, as Psych reads them.
var (
	yamlInt   = regexp.MustCompile(`^[-+]?(?:0[0-7_,]+|0|[1-9](?:[0-9]|,[0-9]|_[0-9])*|0[xX][0-9a-fA-F_,]+|0[bB][01_,]+)$`)
	yamlFloat = regexp.MustCompile(`^[-+]?(?:[0-9][0-9_,]*)?\.[0-9]*(?:[eE][+-][0-9]+)?$`)
	yamlBase  = regexp.MustCompile(`^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9]){1,2}$`)
)

func (t *Interp) yamlScalar(n *yaml.Node) Value {
	s := n.Value
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 || n.Tag == "!!binary" {
		return strValue(s)
	}
	switch strings.ToLower(s) {
	case "", "~", "null":
		return nil
	case "yes", "true", "on":
		return true
	case "no", "false", "off":
		return false
	case ".inf", "+.inf":
		return math.Inf(1)
	case "-.inf":
		return math.Inf(-1)
	case ".nan":
		return math.NaN()
	}
	plain := strings.NewReplacer(",", "", "_", "").Replace(s)
	switch {
	case yamlInt.MatchString(s):
		if v, err := text.StrictInteger(plain, 0); err == nil {
			return intValue(v)
		}
	case yamlFloat.MatchString(s) && s != ".":
		return t.send(strValue(plain), "to_f")
	case yamlBase.MatchString(s):
		sum, unit := int64(0), int64(3600)
		for _, part := range strings.Split(plain, ":") {
			v, _ := plainInt(strings.TrimLeft(part, "+"))
			sum, unit = sum+v*unit, unit/60
		}
		return integer(sum)
	case len(s) > 1 && s[0] == ':':
		return t.sym(strings.Trim(s[1:], `"'`))
	}
	return strValue(s)
}
