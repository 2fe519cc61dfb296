package config

import (
	"strings"
)

// Lookup returns the value of a variable: that of the keystore, the environment or wherever the caller looks. It may be nil.
type Lookup func(name string) (value string, ok bool)

// variable is one ${NAME} or ${NAME:default} in a text.
type variable struct {
	start, end int
	name       string
	value      string // the default
	hasDefault bool
}

// nextVariable finds the first variable at or after i. What looks like one but has another name is text.
func nextVariable(s string, i int) (v variable, ok bool) {
	for {
		k := strings.Index(s[i:], "${")
		if k < 0 {
			return v, false
		}
		v.start = i + k
		n := v.start + 2
		for n < len(s) && (isWord(s[n]) && (!isDigit(s[n]) || n > v.start+2) || s[n] == '.') {
			n++
		}
		v.name = s[v.start+2 : n]
		if v.name != "" && n < len(s) {
			if s[n] == '}' {
				v.end = n + 1
				return v, true
			}
			if close := strings.IndexByte(s[n:], '}'); s[n] == ':' && close > 0 {
				v.value, v.hasDefault, v.end = s[n+1:n+close], true, n+close+1
				return v, true
			}
		}
		i = v.start + 2
	}
}

// expander replaces variables in values.
type expander struct {
	lookup Lookup
	diags  Diagnostics
}

// resolve returns a variable's value; at is where it stands.
func (x *expander) resolve(v variable, at func(start, end int) Place) (string, bool) {
	if x.lookup != nil {
		if s, ok := x.lookup(v.name); ok {
			return s, true
		}
	}
	if v.hasDefault {
		return v.value, true
	}
	x.diags = append(x.diags, Errorf(at(v.start, v.end), "undefined-variable", "the variable %s is not set and has no default", v.name).
		WithHint("set it, or give a default: ${%s:default}", v.name))
	return "", false
}

// value replaces the variables in v, at any depth but not in the keys of hashes. A text that is nothing but a variable becomes its
// value as it is. A text with a variable inside is refined afterwards, as Logstash calls it: see refine.
func (x *expander) value(v Value) Value {
	switch v.Type {
	case TypeString:
		return x.text(v)
	case TypeArray:
		for i := range v.Items {
			v.Items[i] = x.value(v.Items[i])
		}
	case TypeHash:
		for i := range v.Hash {
			v.Hash[i].Value = x.value(v.Hash[i].Value)
		}
	}
	return v
}

func (x *expander) text(v Value) Value {
	first, ok := nextVariable(v.Str, 0)
	if !ok {
		return v
	}
	at := func(start, end int) Place { return v.placeOf(start, end) }
	if first.start == 0 && first.end == len(v.Str) {
		s, ok := x.resolve(first, at)
		if !ok {
			return Value{Place: v.Place}
		}
		return Value{Type: TypeString, Str: s, Place: v.Place}
	}
	var b strings.Builder
	done, failed := 0, false
	for next := first; ok; next, ok = nextVariable(v.Str, done) {
		b.WriteString(v.Str[done:next.start])
		s, found := x.resolve(next, at)
		failed = failed || !found
		b.WriteString(s)
		done = next.end
	}
	if failed {
		return Value{Place: v.Place}
	}
	b.WriteString(v.Str[done:])
	return refine(b.String(), v.Place)
}

// placeOf returns the place of a part of a string.
func (v Value) placeOf(start, end int) Place {
	if v.lit == nil || v.Place.File == nil {
		return v.Place
	}
	return Place{v.Place.File, Span{v.lit.offsetOf(start), v.lit.offsetOf(end)}}
}

// refine does to a text into which a variable was put what Logstash does: quotes around all of it go away, and what stands in
// square brackets becomes an array, cut at its commas.
func refine(s string, place Place) Value {
	s = unquote(s)
	if len(s) < 2 || s[0] != '[' || s[len(s)-1] != ']' {
		if s == "[" {
			s = ""
		}
		return Value{Type: TypeString, Str: s, Place: place}
	}
	parts := strings.Split(s[1:len(s)-1], ",")
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	v := Value{Type: TypeArray, Place: place, Items: make([]Value, 0, len(parts))}
	for _, part := range parts {
		v.Items = append(v.Items, Value{Type: TypeString, Str: unquote(strings.Trim(part, " \t\n\v\f\r\x00")), Place: place})
	}
	return v
}

// unquote takes away one pair of single quotes, then one of double quotes.
func unquote(s string) string {
	for _, quote := range [...]byte{'\'', '"'} {
		switch {
		case len(s) == 1 && s[0] == quote:
			s = ""
		case len(s) > 1 && s[0] == quote && s[len(s)-1] == quote:
			s = s[1 : len(s)-1]
		}
	}
	return s
}

// ExpandCond returns the condition with its variables replaced. In conditions that is done only to strings that are nothing but
// a variable, also in lists, and never to regular expressions.
func ExpandCond(f *File, c Cond, lookup Lookup) (Cond, Diagnostics) {
	x := &expander{lookup: lookup}
	return x.cond(f, c), x.diags
}

func (x *expander) cond(f *File, c Cond) Cond {
	switch c := c.(type) {
	case *Logical:
		n := *c
		n.Left, n.Right = x.cond(f, c.Left), x.cond(f, c.Right)
		return &n
	case *Not:
		return &Not{c.Span, x.cond(f, c.X)}
	case *Compare:
		n := *c
		n.Left, n.Right = x.operand(f, c.Left), x.operand(f, c.Right)
		return &n
	case *In:
		n := *c
		n.Left, n.Right = x.operand(f, c.Left), x.operand(f, c.Right)
		return &n
	}
	return c
}

func (x *expander) operand(f *File, e Expr) Expr {
	switch e := e.(type) {
	case *String:
		v, ok := nextVariable(e.Text, 0)
		if !ok || v.start != 0 || v.end != len(e.Text) {
			return e
		}
		s, _ := x.resolve(v, func(start, end int) Place { return Place{f, Span{e.offsetOf(start), e.offsetOf(end)}} })
		return &String{Span: e.Span, Text: s, Raw: s}
	case *Array:
		n := &Array{e.Span, make([]Expr, len(e.Items))}
		for i, item := range e.Items {
			n.Items[i] = x.operand(f, item)
		}
		return n
	}
	return e
}
