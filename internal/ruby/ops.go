package ruby

import "math"

// opcode is an operator that numbers have a short way for.
type opcode uint8

const (
	opNone opcode = iota
	opAdd
	opSub
	opMul
	opDiv
	opMod
	opLt
	opLe
	opGt
	opGe
	opEq
	opShl
	opIndex
	opOther
)

var fastOps = map[string]opcode{
	"+": opAdd, "-": opSub, "*": opMul, "/": opDiv, "%": opMod, "<": opLt, "<=": opLe, ">": opGt, ">=": opGe, "==": opEq, "<<": opShl, "[]": opIndex,
	"**": opOther, "&": opOther, "|": opOther, "^": opOther, ">>": opOther, "<=>": opOther, "===": opOther, "=~": opOther,
}

// opNode is a binary operator or an index.
type opNode struct {
	op   opcode
	x, y node
	call callNode // for what has no short way
}

func (n *opNode) eval(f *frame) Value {
	x := n.x.eval(f)
	if n.op == opIndex {
		return n.index(f, x)
	}
	if _, ok := x.(*Object); ok || n.call.fixed != nil {
		return n.call.dispatch(f, x, nil)
	}
	return n.apply(f, x, n.y.eval(f))
}

// index reads x[y].
func (n *opNode) index(f *frame, x Value) Value {
	switch x := x.(type) {
	case *Hash:
		var y Value
		if n.call.fixed != nil && x.defProc == nil {
			y = n.call.fixed[0]
		} else {
			y = n.y.eval(f)
		}
		return x.fetch(f.t, y)
	case *Array:
		y := n.y.eval(f)
		if i, ok := y.(int64); ok {
			return x.at(i)
		}
		return n.with(f, x, y)
	}
	return n.call.dispatch(f, x, nil)
}

// apply computes x op y.
func (n *opNode) apply(f *frame, x, y Value) Value {
	switch a := x.(type) {
	case int64:
		switch b := y.(type) {
		case int64:
			if v, ok := intOp(n.op, a, b); ok {
				return v
			}
		case float64:
			if v, ok := floatOp(n.op, float64(a), b); ok {
				return v
			}
		}
	case float64:
		switch b := y.(type) {
		case float64:
			if v, ok := floatOp(n.op, a, b); ok {
				return v
			}
		case int64:
			if v, ok := floatOp(n.op, a, float64(b)); ok {
				return v
			}
		}
	}
	return n.with(f, x, y)
}

// with calls the method of x for the operator.
func (n *opNode) with(f *frame, x, y Value) Value {
	t := f.t
	m := n.call.lookup(t, x)
	args := t.room(1)
	args[0] = y
	t.pos = n.call.pos
	v := n.call.apply(t, m, x, args, nil)
	t.free(args)
	return v
}

func intOp(op opcode, a, b int64) (Value, bool) {
	switch op {
	case opAdd:
		c := a + b
		return integer(c), (c > a) == (b > 0)
	case opSub:
		c := a - b
		return integer(c), (c < a) == (b > 0)
	case opMul:
		if a == 0 || b == 0 {
			return integer(0), true
		}
		c := a * b
		return integer(c), c/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64)
	case opDiv:
		if b == 0 || b == -1 {
			return nil, false
		}
		return integer(floorDiv(a, b)), true
	case opMod:
		if b == 0 || b == -1 {
			return nil, false
		}
		return integer(floorMod(a, b)), true
	case opLt:
		return a < b, true
	case opLe:
		return a <= b, true
	case opGt:
		return a > b, true
	case opGe:
		return a >= b, true
	case opEq:
		return a == b, true
	}
	return nil, false
}

func floatOp(op opcode, a, b float64) (Value, bool) {
	switch op {
	case opAdd:
		return a + b, true
	case opSub:
		return a - b, true
	case opMul:
		return a * b, true
	case opDiv:
		return a / b, true
	case opLt:
		return a < b, true
	case opLe:
		return a <= b, true
	case opGt:
		return a > b, true
	case opGe:
		return a >= b, true
	case opEq:
		return a == b, true
	}
	return nil, false
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 {
	r := a % b
	if r != 0 && (r < 0) != (b < 0) {
		r += b
	}
	return r
}

// binaryOp computes x op y by the method of x.
func (t *Interp) binaryOp(op string, x, y Value) Value {
	if a, ok := x.(int64); ok {
		if b, ok := y.(int64); ok {
			if v, ok := intOp(fastOps[op], a, b); ok {
				return v
			}
		}
	}
	return t.send(x, op, y)
}
