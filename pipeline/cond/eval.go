package cond

import (
	"cmp"
	"math/big"
	"strings"
	"sync/atomic"

	"millrace/pipeline/event"
)

type constant bool

func (n constant) eval(*event.Event) bool { return bool(n) }
func (n constant) clone() node            { return n }

type not struct{ x node }

func (n not) eval(e *event.Event) bool { return !n.x.eval(e) }
func (n not) clone() node              { return not{n.x.clone()} }

type and struct{ l, r node }

func (n and) eval(e *event.Event) bool { return n.l.eval(e) && n.r.eval(e) }
func (n and) clone() node              { return and{n.l.clone(), n.r.clone()} }

type or struct{ l, r node }

func (n or) eval(e *event.Event) bool { return n.l.eval(e) || n.r.eval(e) }
func (n or) clone() node              { return or{n.l.clone(), n.r.clone()} }

type xor struct{ l, r node }

func (n xor) eval(e *event.Event) bool { return n.l.eval(e) != n.r.eval(e) }
func (n xor) clone() node              { return xor{n.l.clone(), n.r.clone()} }

// truth is a field alone: missing, null, false, "" and "false" do not hold, anything else does.
type truth struct{ path *event.Path }

func (n truth) eval(e *event.Event) bool {
	v, ok := e.Get(n.path)
	if !ok {
		return false
	}
	switch v.Kind() {
	case event.Null:
		return false
	case event.Bool:
		return v.Bool()
	case event.String:
		s := v.Str()
		return s != "" && s != "false"
	}
	return true
}
func (n truth) clone() node { return n }

// operand is a field, a constant, or (none) what has no value at all.
type operand struct {
	path  *event.Path
	value event.Value
	none  bool
}

// get returns the operand's value; ok is false for a missing field.
func (o *operand) get(e *event.Event) (v event.Value, ok bool) {
	if o.path != nil {
		return e.Get(o.path)
	}
	return o.value, !o.none
}

// equal compares by kind and value. Two missing fields are equal; a missing one differs from null.
type equal struct{ l, r operand }

func (n equal) eval(e *event.Event) bool {
	l, lok := n.l.get(e)
	r, rok := n.r.get(e)
	return lok == rok && (!lok || l.Equal(r))
}
func (n equal) clone() node { return n }

// order is < > <= >=.
type order struct {
	l, r operand
	op   string
	errs *atomic.Int64
}

func (n order) eval(e *event.Event) bool {
	l, lok := n.l.get(e)
	r, rok := n.r.get(e)
	if !lok || !rok {
		n.errs.Add(1)
		return false
	}
	c, ok := compare(l, r)
	if !ok {
		n.errs.Add(1)
		return false
	}
	switch n.op {
	case "<":
		return c < 0
	case ">":
		return c > 0
	case "<=":
		return c <= 0
	}
	return c >= 0
}
func (n order) clone() node { return n }

// compare orders two values. A null, boolean or timestamp on the left counts as equal to anything, as in Logstash.
func compare(l, r event.Value) (int, bool) {
	switch l.Kind() {
	case event.Null, event.Bool, event.Time:
		return 0, true
	case event.String:
		if r.Kind() != event.String {
			return 0, false
		}
		return strings.Compare(l.Str(), r.Str()), true
	case event.Int:
		if r.Kind() == event.Int {
			return cmp.Compare(l.Int(), r.Int()), true
		}
	}
	if a, ok := exactFloat(l); ok {
		if b, ok := exactFloat(r); ok {
			return cmp.Compare(a, b), true
		}
	}
	a, aok := number(l)
	b, bok := number(r)
	if !aok || !bok {
		return 0, false
	}
	return a.Cmp(b), true
}

// exactFloat returns the value of a number that a float64 holds exactly.
func exactFloat(v event.Value) (float64, bool) {
	switch v.Kind() {
	case event.Int:
		i := v.Int()
		return float64(i), i > -1<<53 && i < 1<<53
	case event.Float:
		f := v.Float()
		return f, f == f
	}
	return 0, false
}

// number returns the exact value of any number but NaN and the infinities.
func number(v event.Value) (*big.Float, bool) {
	switch v.Kind() {
	case event.Int:
		return new(big.Float).SetInt64(v.Int()), true
	case event.Float:
		f := v.Float()
		if f != f {
			return nil, false
		}
		return big.NewFloat(f), true
	case event.BigInt:
		i, ok := new(big.Int).SetString(v.Str(), 10)
		if !ok {
			return nil, false
		}
		return new(big.Float).SetInt(i), true
	}
	return nil, false
}

// fieldInText is [field] in "text": the text contains that of the field.
type fieldInText struct {
	path *event.Path
	text string
}

func (n fieldInText) eval(e *event.Event) bool {
	v, ok := e.Get(n.path)
	return ok && isScalar(v) && strings.Contains(n.text, v.Text())
}
func (n fieldInText) clone() node { return n }

func isScalar(v event.Value) bool {
	switch v.Kind() {
	case event.Null, event.KindList, event.KindObject:
		return false
	}
	return true
}

// fieldInList is [field] in ["a", "b"]: texts are compared, so 200 is in ["200", "404"].
type fieldInList struct {
	path  *event.Path
	texts map[string]struct{}
}

func (n fieldInList) eval(e *event.Event) bool {
	v, ok := e.Get(n.path)
	if !ok || !isScalar(v) {
		return false
	}
	if v.Kind() == event.String {
		_, ok = n.texts[v.Str()]
	} else {
		_, ok = n.texts[string(v.AppendText(e.Arena.Free()))]
	}
	return ok
}
func (n fieldInList) clone() node { return n }

// constInField is "text" in [field]: an item of an array, or part of a string.
type constInField struct {
	value event.Value
	path  *event.Path
}

func (n constInField) eval(e *event.Event) bool {
	v, ok := e.Get(n.path)
	return ok && contains(v, n.value)
}
func (n constInField) clone() node { return n }

// contains reports whether the array or string v holds x.
func contains(v, x event.Value) bool {
	if l := v.List(); l != nil {
		for _, item := range l.Items() {
			if item.Equal(x) {
				return true
			}
		}
		return false
	}
	return v.Kind() == event.String && x.Kind() == event.String && strings.Contains(v.Str(), x.Str())
}

// fieldInField is [a] in [b]. An array is in nothing; a missing field is in nothing (Logstash stops the pipeline).
type fieldInField struct{ l, r *event.Path }

func (n fieldInField) eval(e *event.Event) bool {
	l, ok := e.Get(n.l)
	if !ok || l.Kind() == event.KindList {
		return false
	}
	r, ok := e.Get(n.r)
	return ok && (contains(r, l) || l.Equal(r))
}
func (n fieldInField) clone() node { return n }

// match is [field] =~ /re/; what is not a string does not match.
type match struct {
	path       *event.Path
	newMatcher func() Matcher
	m          Matcher
}

func (n match) eval(e *event.Event) bool {
	v, ok := e.Get(n.path)
	return ok && v.Kind() == event.String && n.m.Match(v.Str())
}

func (n match) clone() node {
	n.m = n.newMatcher()
	return n
}
