package explain

import (
	"fmt"
	"slices"

	"millrace/pipeline/config"
)

// needs returns the fields that a condition looks at, each once.
func needs(c config.Cond) []string {
	var fields []string
	add := func(x config.Expr) {
		if ref, ok := x.(*config.FieldRef); ok && !slices.Contains(fields, ref.Text) {
			fields = append(fields, ref.Text)
		}
	}
	walkCond(c, func(c config.Cond) {
		switch c := c.(type) {
		case *config.Compare:
			add(c.Left)
			add(c.Right)
		case *config.In:
			add(c.Left)
			add(c.Right)
			if list, ok := c.Right.(*config.Array); ok {
				for _, item := range list.Items {
					add(item)
				}
			}
		case *config.Match:
			add(c.Left)
		case *config.Truth:
			add(c.X)
		}
	})
	return fields
}

func walkCond(c config.Cond, visit func(config.Cond)) {
	visit(c)
	switch c := c.(type) {
	case *config.Logical:
		walkCond(c.Left, visit)
		walkCond(c.Right, visit)
	case *config.Not:
		walkCond(c.X, visit)
	}
}

// checkCondition finds comparisons of numbers with fields that hold text, which are never true.
func (x *explainer) checkCondition(f *config.File, c config.Cond) {
	walkCond(c, func(c config.Cond) {
		if m, ok := c.(*config.Match); ok {
			x.conditionPattern(f, m)
		}
		cmp, ok := c.(*config.Compare)
		if !ok || cmp.Op == "!=" {
			return
		}
		ref, okRef := cmp.Left.(*config.FieldRef)
		num, okNum := cmp.Right.(*config.Number)
		if !okRef || !okNum {
			ref, okRef = cmp.Right.(*config.FieldRef)
			num, okNum = cmp.Left.(*config.Number)
		}
		if okRef && okNum && x.texts[normal(ref.Text)] {
			x.r.Findings = append(x.r.Findings, Finding{placeOf(f, cmp.Start), fmt.Sprintf(
				"%s holds text here and is compared with the number %s, which is never true: capture it as %%{…:…:int} or convert it before", ref.Text, num.Text)})
		}
	})
}

// types notes which fields hold text behind a filter, and which do not any more.
func (x *explainer) types(n *config.PluginNode, attrs *config.Attributes) {
	switch n.Name {
	case "mutate":
		v, _ := attrs.Get("convert")
		for _, e := range v.Hash {
			x.texts[normal(e.Key)] = e.Value.Str == "string"
		}
		for i := 0; i+1 < len(v.Items); i += 2 {
			x.texts[normal(v.Items[i].Str)] = v.Items[i+1].Str == "string"
		}
		for _, option := range []string{"rename", "copy", "replace", "update", "add_field"} {
			v, _ := attrs.Get(option)
			for _, e := range v.Hash {
				delete(x.texts, normal(e.Value.Str))
				delete(x.texts, normal(e.Key))
			}
		}
	case "grok":
		// noted where its patterns are looked at
	default:
		// What other filters set is not known: they may turn any field into a number.
		for _, option := range []string{"target", "destination", "convert"} {
			if v, ok := attrs.Get(option); ok {
				delete(x.texts, normal(v.Str))
				for _, e := range v.Hash {
					delete(x.texts, normal(e.Key))
				}
			}
		}
		if n.Name == "ruby" || n.Name == "json" || n.Name == "csv" || n.Name == "kv" || n.Name == "dissect" {
			clear(x.texts)
		}
	}
}

// normal writes a reference in its long form: [a] for a.
func normal(ref string) string {
	if ref == "" || ref[0] == '[' {
		return ref
	}
	return "[" + ref + "]"
}
