package ruby

import "math/big"

// node is a compiled piece of code. A jump (break, next …) where a statement stands sets ctl of the frame and its value; whoever runs statements looks at
// it. Elsewhere it is a panic.
type node interface {
	eval(f *frame) Value
}

// target is a node that can be assigned to.
type target interface {
	assign(f *frame, v Value)
}

type (
	valueNode  struct{ v Value } // immutable
	stringNode struct{ s, enc string }
	selfNode   struct{}
	seqNode    struct{ list []node }
	dstrNode   struct{ parts []node }
	dsymNode   struct{ d dstrNode }
	arrayNode  struct{ elems []node }
	splatArray struct{ elems []node } // with splats among them
	splatNode  struct{ x node }
	hashNode   struct {
		keys, vals []node // a nil key: a hash to merge
		kw         bool
	}
	rangeNode struct {
		lo, hi node
		excl   bool
	}
	regexNode struct {
		parts []node
		flags string
		once  *Regexp
	}
	notNode struct{ x node }
	andNode struct{ x, y node }
	orNode  struct{ x, y node }
	ifNode  struct{ cond, then, other node }
)

func (n *valueNode) eval(*frame) Value    { return n.v }
func (n *stringNode) eval(*frame) Value   { return &String{s: n.s, enc: n.enc} }
func (n *selfNode) eval(f *frame) Value   { return f.self }
func (n *splatNode) eval(f *frame) Value  { return arrayOf(f.t.splat(n.x.eval(f))) }
func (n *notNode) eval(f *frame) Value    { return f.t.not(n.x.eval(f)) }
func (n *dsymNode) eval(f *frame) Value   { return f.t.sym(n.d.text(f)) }
func (n *dstrNode) eval(f *frame) Value   { return strValue(n.text(f)) }
func (n *arrayNode) eval(f *frame) Value  { return arrayOf(evalAll(f, n.elems)) }
func (n *splatArray) eval(f *frame) Value { return arrayOf(evalSplat(f, nil, n.elems)) }

// not is !v, which code may define.
func (t *Interp) not(v Value) Value {
	if o, ok := v.(*Object); ok && t.userDefines(o.class, "!") {
		return t.send(v, "!")
	}
	return !truthy(v)
}

func (n *seqNode) eval(f *frame) Value {
	var v Value
	for _, x := range n.list {
		v = x.eval(f)
		if f.ctl != ctlNone {
			return v
		}
	}
	return v
}

func (n *dstrNode) text(f *frame) string {
	t := f.t
	var small [64]byte
	buf := small[:0]
	for _, p := range n.parts {
		switch p := p.(type) {
		case *stringNode:
			buf = append(buf, p.s...)
		default:
			buf = t.appendText(buf, p.eval(f))
		}
		if len(buf) > maxText {
			t.argError("argument too big")
		}
	}
	return string(buf)
}

// appendText appends v as #{v} writes it.
func (t *Interp) appendText(dst []byte, v Value) []byte {
	switch v := v.(type) {
	case *String:
		return append(dst, v.s...)
	case int64:
		return appendInt(dst, v)
	}
	return append(dst, t.toS(v)...)
}

func evalAll(f *frame, elems []node) []Value {
	out := make([]Value, len(elems))
	for i, e := range elems {
		out[i] = e.eval(f)
	}
	return out
}

// evalSplat appends the values of elems, those of splats one by one.
func evalSplat(f *frame, out []Value, elems []node) []Value {
	for _, e := range elems {
		if s, ok := e.(*splatNode); ok {
			out = append(out, f.t.splat(s.x.eval(f))...)
		} else {
			out = append(out, e.eval(f))
		}
	}
	return out
}

// splat returns what *v stands for.
func (t *Interp) splat(v Value) []Value {
	switch v := v.(type) {
	case nil:
		return nil
	case *Array:
		return v.v
	case *Hash:
		return v.pairs()
	case *String, *Symbol, int64, float64, bool, *big.Int:
		return []Value{v}
	}
	if t.respondTo(v, "to_a") {
		if a, ok := t.send(v, "to_a").(*Array); ok {
			return a.v
		}
	}
	return []Value{v}
}

func (n *hashNode) eval(f *frame) Value {
	h := &Hash{kw: n.kw, entries: make([]hashEntry, 0, len(n.keys))}
	for i, k := range n.keys {
		if k != nil {
			key := k.eval(f)
			h.set(f.t, key, n.vals[i].eval(f))
			continue
		}
		v := n.vals[i].eval(f)
		if v == nil {
			continue
		}
		for _, e := range f.t.toHash(v).entries {
			if !e.gone {
				h.set(f.t, e.key, e.val)
			}
		}
	}
	return h
}

func (n *rangeNode) eval(f *frame) Value {
	r := &Range{excl: n.excl}
	if n.lo != nil {
		r.lo = n.lo.eval(f)
	}
	if n.hi != nil {
		r.hi = n.hi.eval(f)
	}
	f.t.checkRange(r)
	return r
}

func (n *regexNode) eval(f *frame) Value {
	if n.once != nil {
		return n.once
	}
	t := f.t
	text := ""
	for _, p := range n.parts {
		if s, ok := p.(*stringNode); ok {
			text += s.s
			continue
		}
		v := p.eval(f)
		if r, ok := v.(*Regexp); ok {
			text += r.toS()
		} else {
			text += t.toS(v)
		}
	}
	return t.regexp(text, n.flags)
}

func (n *andNode) eval(f *frame) Value {
	v := n.x.eval(f)
	if !truthy(v) {
		return v
	}
	return n.y.eval(f)
}

func (n *orNode) eval(f *frame) Value {
	v := n.x.eval(f)
	if truthy(v) {
		return v
	}
	return n.y.eval(f)
}

func (n *ifNode) eval(f *frame) Value {
	if truthy(n.cond.eval(f)) {
		if n.then == nil {
			return nil
		}
		return n.then.eval(f)
	}
	if n.other == nil {
		return nil
	}
	return n.other.eval(f)
}
