package ruby

import (
	"math"
	"math/big"

	"millrace/internal/ruby/text"
)

func intValue(n text.Int) Value {
	if n.Big != nil {
		return bigInteger(n.Big)
	}
	return integer(n.Small)
}

func textInt(v Value) text.Int {
	switch v := v.(type) {
	case int64:
		return text.Int{Small: v}
	case *big.Int:
		return text.IntOf(v)
	}
	return text.Int{}
}

// int returns v as a 64-bit integer, as arguments are converted.
func (t *Interp) int(v Value) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.raise(t.core.floatDomainError, "%s", text.FloatToS(v))
		}
		if v < -(1<<63) || v >= 1<<63 {
			t.raise(t.core.rangeError, "float %s out of range of integer", text.FloatToS(v))
		}
		return int64(v)
	case *big.Int:
		t.raise(t.core.rangeError, "bignum too big to convert into `long'")
	case nil:
		t.typeError("no implicit conversion from nil to integer")
	case *String, bool, *Array, *Hash, *Symbol:
		t.typeError("no implicit conversion of %s into Integer", t.describeType(v))
	}
	if t.respondTo(v, "to_int") {
		if n, ok := t.send(v, "to_int").(int64); ok {
			return n
		}
	}
	t.typeError("no implicit conversion of %s into Integer", t.describeType(v))
	return 0
}

// float returns v as a float, as arguments are converted.
func (t *Interp) float(v Value) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case int64:
		return float64(v)
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f
	case *Rational:
		f, _ := v.r.Float64()
		return f
	case nil:
		t.typeError("can't convert nil into Float")
	case *String:
		t.typeError("can't convert String into Float")
	case bool:
		t.typeError("can't convert %s into Float", t.describeType(v))
	}
	if t.respondTo(v, "to_f") {
		if f, ok := t.send(v, "to_f").(float64); ok {
			return f
		}
	}
	t.typeError("can't convert %s into Float", t.describeType(v))
	return 0
}

func bigOf(v Value) *big.Int {
	switch v := v.(type) {
	case int64:
		return big.NewInt(v)
	case *big.Int:
		return v
	}
	return nil
}

func (t *Interp) floatToInt(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return t.raise(t.core.floatDomainError, "%s", text.FloatToS(f))
	}
	if f >= -(1<<63) && f < 1<<63 {
		return integer(int64(f))
	}
	n, _ := new(big.Float).SetFloat64(f).Int(nil)
	return bigInteger(n)
}

// coerce raises for an operand that is no number, or lets it convert self.
func (t *Interp) coerce(op string, x, y Value) Value {
	if o, ok := y.(*Object); ok && t.respondTo(o, "coerce") {
		if p, ok := t.send(o, "coerce", x).(*Array); ok && len(p.v) == 2 {
			return t.send(p.v[0], op, p.v[1])
		}
	}
	switch op {
	case "<", "<=", ">", ">=":
		return t.incomparable(x, y)
	case "&", "|", "^":
		return t.typeError("no implicit conversion of %s into Integer", t.describeType(y))
	}
	return t.typeError("%s can't be coerced into %s", t.describeType(y), t.className(x))
}

// arith computes x op y for integers of any size, floats and rationals.
func (t *Interp) arith(op string, x, y Value) Value {
	if a, ok := x.(*Rational); ok {
		return t.rationalOp(op, a.r, y)
	}
	if b, ok := y.(*Rational); ok {
		if f, ok := x.(float64); ok {
			g, _ := b.r.Float64()
			return t.floatArith(op, f, g)
		}
		return t.rationalOp(op, new(big.Rat).SetInt(bigOf(x)), y)
	}
	f, xFloat := x.(float64)
	g, yFloat := y.(float64)
	if !xFloat && bigOf(x) == nil || !yFloat && bigOf(y) == nil {
		return t.coerce(op, x, y)
	}
	if xFloat || yFloat {
		if !xFloat {
			f = t.float(x)
		}
		if !yFloat {
			g = t.float(y)
		}
		return t.floatArith(op, f, g)
	}
	return t.bigArith(op, x, y)
}

func (t *Interp) floatArith(op string, f, g float64) Value {
	switch op {
	case "+":
		return f + g
	case "-":
		return f - g
	case "*":
		return f * g
	case "/":
		return f / g
	case "%":
		return floatMod(f, g)
	case "**":
		return math.Pow(f, g)
	}
	panic("BUG: unknown operator " + op)
}

func floatMod(f, g float64) float64 {
	if math.IsInf(g, 0) && !math.IsInf(f, 0) && !math.IsNaN(f) {
		if f == 0 || (f < 0) == (g < 0) {
			return f
		}
		return g
	}
	r := math.Mod(f, g)
	if r != 0 && (r < 0) != (g < 0) {
		r += g
	}
	return r
}

const maxBits = 4 << 20

func (t *Interp) bigArith(op string, x, y Value) Value {
	if a, ok := x.(int64); ok {
		if b, ok := y.(int64); ok {
			if v, ok := intOp(fastOps[op], a, b); ok {
				return v
			}
		}
	}
	a, b := bigOf(x), bigOf(y)
	z := new(big.Int)
	switch op {
	case "+":
		return bigInteger(z.Add(a, b))
	case "-":
		return bigInteger(z.Sub(a, b))
	case "*":
		if a.BitLen()+b.BitLen() > maxBits {
			return t.raise(t.core.rangeError, "bignum too big")
		}
		return bigInteger(z.Mul(a, b))
	case "/", "%":
		if b.Sign() == 0 {
			return t.raise(t.core.zeroDivisionError, "divided by 0")
		}
		m := new(big.Int)
		z.QuoRem(a, b, m)
		if m.Sign() != 0 && (m.Sign() < 0) != (b.Sign() < 0) {
			z.Sub(z, big.NewInt(1))
			m.Add(m, b)
		}
		if op == "/" {
			return bigInteger(z)
		}
		return bigInteger(m)
	}
	return t.power(a, b)
}

// power is ** of integers.
func (t *Interp) power(a, b *big.Int) Value {
	if b.Sign() < 0 {
		return t.rationalOp("**", new(big.Rat).SetInt(a), bigInteger(b))
	}
	if a.IsInt64() {
		switch a.Int64() {
		case 0, 1:
			if b.Sign() == 0 {
				return integer(1)
			}
			return bigInteger(a)
		case -1:
			if b.Bit(0) == 0 {
				return integer(1)
			}
			return integer(-1)
		}
	}
	if !b.IsInt64() || int64(a.BitLen())*b.Int64() > maxBits || b.Int64() > maxBits {
		return math.Inf(1)
	}
	return bigInteger(new(big.Int).Exp(a, b, nil))
}

// integerMethods fills Numeric and Integer.
func integerMethods(c *core) {
	c.numeric = c.define("Numeric", c.object)
	c.numeric.includes = []*Class{c.comparable}
	c.integer = c.define("Integer", c.numeric)
	c.integer.alloc = nil
	c.object.consts["Fixnum"], c.object.consts["Bignum"] = c.integer, c.integer
	k := c.integer
	k.consts["MAX"] = int64(math.MaxInt64)
	for _, op := range []string{"+", "-", "*", "/", "%", "**"} {
		k.def(op, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.arith(op, self, a[0]) })
	}
	k.alias("%", "modulo")
	k.def("div", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if f, ok := a[0].(float64); ok {
			if f == 0 {
				return t.raise(t.core.zeroDivisionError, "divided by 0")
			}
			return t.floatToInt(math.Floor(t.float(self) / f))
		}
		return t.arith("/", self, a[0])
	})
	numericMethods(c.numeric)
	compareNumbers(k)
	bitMethods(k)
	integerLoops(k)
	integerConversions(k)
	k.sdef("sqrt", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		n := bigOf(a[0])
		if n == nil || n.Sign() < 0 {
			return t.raise(t.core.mathDomain, "Numerical argument is out of domain - \"isqrt\"")
		}
		return bigInteger(new(big.Int).Sqrt(n))
	})
}

// numericMethods are those of all numbers.
func numericMethods(k *Class) {
	k.def("+@", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
	k.def("-@", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.arith("-", integer(0), self) })
	k.def("zero?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.sign(self) == 0 })
	k.def("nonzero?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if t.sign(self) == 0 {
			return nil
		}
		return self
	})
	k.def("positive?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.sign(self) > 0 })
	k.def("negative?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.sign(self) < 0 })
	k.def("integer?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return bigOf(self) != nil })
	k.def("finite?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return true })
	k.def("infinite?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return nil })
	k.def("real?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return true })
	k.def("abs", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if f, ok := self.(float64); ok {
			return math.Abs(f)
		}
		if t.sign(self) < 0 {
			return t.arith("-", integer(0), self)
		}
		return self
	})
	k.alias("abs", "magnitude")
	k.def("divmod", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if t.isNumber(a[0]) && t.sign(a[0]) == 0 {
			return t.raise(t.core.zeroDivisionError, "divided by 0")
		}
		m := t.arith("%", self, a[0])
		q := t.arith("/", t.arith("-", self, m), a[0])
		if f, ok := q.(float64); ok {
			q = t.floatToInt(math.Round(f))
		}
		return array(q, m)
	})
	k.def("remainder", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		m := t.arith("%", self, a[0])
		if t.sign(m) != 0 && t.sign(self) < 0 != (t.sign(a[0]) < 0) {
			return t.arith("-", m, a[0])
		}
		return m
	})
	k.def("fdiv", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.float(self) / t.float(a[0]) })
	k.def("quo", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if _, ok := a[0].(float64); ok {
			return t.arith("/", self, a[0])
		}
		return t.makeRational([]Value{self, a[0]})
	})
	k.def("coerce", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if bigOf(self) != nil && bigOf(a[0]) != nil {
			return array(a[0], self)
		}
		return array(t.toFloatStrict(a[0]), t.float(self))
	})
	k.def("to_int", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.send(self, "to_i") })
	k.each("step", 0, 3, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.step(self, a, b) }).kw = true
}

func (t *Interp) isNumber(v Value) bool {
	switch v.(type) {
	case int64, float64, *big.Int, *Rational:
		return true
	}
	return false
}

// sign returns the sign of a number.
func (t *Interp) sign(v Value) int {
	switch v := v.(type) {
	case int64:
		switch {
		case v < 0:
			return -1
		case v > 0:
			return 1
		}
	case float64:
		switch {
		case v < 0:
			return -1
		case v > 0:
			return 1
		}
	case *big.Int:
		return v.Sign()
	case *Rational:
		return v.r.Sign()
	}
	return 0
}

// compareNumbers adds the comparisons.
func compareNumbers(k *Class) {
	k.def("<=>", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		n, ok := t.compareNumber(self, a[0])
		if !ok {
			return nil
		}
		return integer(int64(n))
	})
	k.def("==", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if !t.isNumber(a[0]) {
			if o, ok := a[0].(*Object); ok {
				return truthy(t.send(o, "==", self))
			}
			return false
		}
		n, ok := t.compareNumber(self, a[0])
		return ok && n == 0
	})
	k.alias("==", "===")
	op := func(name string, f func(n int) bool) {
		k.def(name, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			n, ok := t.compareNumber(self, a[0])
			if !ok {
				if x, isFloat := a[0].(float64); isFloat && math.IsNaN(x) {
					return false
				}
				if x, isFloat := self.(float64); isFloat && math.IsNaN(x) && t.isNumber(a[0]) {
					return false
				}
				return t.coerce(name, self, a[0])
			}
			return f(n)
		})
	}
	op("<", func(n int) bool { return n < 0 })
	op("<=", func(n int) bool { return n <= 0 })
	op(">", func(n int) bool { return n > 0 })
	op(">=", func(n int) bool { return n >= 0 })
}

func (t *Interp) compareNumber(x, y Value) (int, bool) {
	if !t.isNumber(y) {
		return 0, false
	}
	f, xFloat := x.(float64)
	g, yFloat := y.(float64)
	switch {
	case xFloat && math.IsNaN(f) || yFloat && math.IsNaN(g):
		return 0, false
	case xFloat && math.IsInf(f, 0):
		if yFloat && f == g {
			return 0, true
		}
		return t.sign(x), true
	case yFloat && math.IsInf(g, 0):
		return -t.sign(y), true
	}
	return ratOf(x).Cmp(ratOf(y)), true
}

// ratOf returns a finite number as a fraction.
func ratOf(v Value) *big.Rat {
	switch v := v.(type) {
	case float64:
		return new(big.Rat).SetFloat64(v)
	case *Rational:
		return v.r
	}
	return new(big.Rat).SetInt(bigOf(v))
}

func bitMethods(k *Class) {
	bit := func(name string, f func(z, x, y *big.Int) *big.Int) {
		k.def(name, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			y := bigOf(a[0])
			if y == nil {
				return t.coerce(name, self, a[0])
			}
			return bigInteger(f(new(big.Int), bigOf(self), y))
		})
	}
	bit("&", (*big.Int).And)
	bit("|", (*big.Int).Or)
	bit("^", (*big.Int).Xor)
	k.def("~", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return bigInteger(new(big.Int).Not(bigOf(self)))
	})
	k.def("<<", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.shift(self, t.int(a[0])) })
	k.def(">>", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.shift(self, -t.int(a[0])) })
	k.defn("[]", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		i := t.int(a[0])
		if i < 0 {
			return integer(0)
		}
		n := bigOf(self)
		if i >= int64(n.BitLen()) && i > 64 {
			if n.Sign() < 0 {
				return integer(1)
			}
			return integer(0)
		}
		if len(a) > 1 {
			mask := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(min(t.int(a[1]), maxBits))), big.NewInt(1))
			return bigInteger(mask.And(mask, new(big.Int).Rsh(n, uint(i))))
		}
		return integer(int64(new(big.Int).And(new(big.Int).Rsh(n, uint(i)), big.NewInt(1)).Int64()))
	})
	k.def("bit_length", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		n := bigOf(self)
		if n.Sign() < 0 {
			n = new(big.Int).Not(n)
		}
		return integer(int64(n.BitLen()))
	})
	k.def("allbits?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { m := t.int(a[0]); return t.int(self)&m == m })
	k.def("anybits?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.int(self)&t.int(a[0]) != 0 })
	k.def("nobits?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.int(self)&t.int(a[0]) == 0 })
}

func (t *Interp) shift(v Value, n int64) Value {
	x := bigOf(v)
	if n < 0 {
		if n < -maxBits {
			n = -maxBits
		}
		return bigInteger(new(big.Int).Rsh(x, uint(-n)))
	}
	if n > maxBits && x.Sign() != 0 {
		return t.raise(t.core.rangeError, "shift width too big")
	}
	return bigInteger(new(big.Int).Lsh(x, uint(n)))
}

func integerLoops(k *Class) {
	k.each("times", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		n := t.int(self)
		for i := int64(0); i < n; i++ {
			t.yield(b, integer(i))
		}
		return self
	})
	k.each("upto", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if f, ok := a[0].(float64); ok {
			a = []Value{integer(int64(math.Floor(min(f, 1<<62))))}
		} else if bigOf(a[0]) == nil {
			return t.incomparable(self, a[0])
		}
		n := t.int(a[0])
		for i := t.int(self); i <= n; i++ {
			t.yield(b, integer(i))
		}
		return self
	})
	k.each("downto", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		n := t.int(a[0])
		for i := t.int(self); i >= n; i-- {
			t.yield(b, integer(i))
		}
		return self
	})
}

// step is Numeric#step.
func (t *Interp) step(self Value, a []Value, b *Proc) Value {
	var limit, by Value = nil, integer(1)
	if n := len(a); n > 0 {
		if h, ok := a[n-1].(*Hash); ok && h.kw {
			if v, ok := h.symbol("by"); ok {
				by = v
			}
			if v, ok := h.symbol("to"); ok {
				limit = v
			}
			a = a[:n-1]
		}
	}
	if len(a) > 0 {
		limit = a[0]
	}
	if len(a) > 1 {
		by = a[1]
	}
	if t.sign(by) == 0 {
		return t.argError("step can't be 0")
	}
	_, f1 := self.(float64)
	_, f2 := by.(float64)
	_, f3 := limit.(float64)
	if f1 || f2 || f3 {
		t.floatSteps(t.float(self), t.float(limit), t.float(by), false, func(v Value) { t.yield(b, v) })
		return self
	}
	for i := self; limit == nil || t.sign(by) > 0 && t.order(i, limit) <= 0 || t.sign(by) < 0 && t.order(i, limit) >= 0; i = t.arith("+", i, by) {
		t.yield(b, i)
	}
	return self
}

// floatSteps calls f for the steps from lo to hi, which are computed by multiplication as Ruby does.
func (t *Interp) floatSteps(lo, hi, by float64, excl bool, f func(v Value)) {
	n := (hi - lo) / by
	err := (math.Abs(lo) + math.Abs(hi) + math.Abs(hi-lo)) / math.Abs(by) * 2.220446049250313e-16
	if math.IsInf(by, 0) {
		if n >= 0 {
			f(lo)
		}
		return
	}
	err = math.Min(err, 0.5)
	if excl {
		if n <= 0 {
			return
		}
		n = math.Floor(n - err)
		if d := float64(n+1)*by + lo; lo < hi && d < hi || lo > hi && d > hi {
			n++
		}
	} else {
		if n < 0 {
			return
		}
		n = math.Floor(n + err)
	}
	for i := 0.0; i <= n; i++ {
		t.turn()
		d := i*by + lo
		if by >= 0 && hi < d || by < 0 && d < hi {
			d = hi
		}
		f(d)
	}
}

func integerConversions(k *Class) {
	k.defn("to_s", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if len(a) == 0 {
			return strValue(t.toS(self))
		}
		s, err := text.IntegerToS(textInt(self), int(t.int(a[0])))
		t.check(err)
		return strValue(s)
	})
	k.alias("to_s", "inspect")
	k.def("to_i", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
	k.def("to_f", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.float(self) })
	k.def("to_r", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return &Rational{new(big.Rat).SetInt(bigOf(self))}
	})
	k.defn("chr", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.chr(self, a) })
	k.def("ord", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
	k.def("succ", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.arith("+", self, integer(1)) })
	k.alias("succ", "next")
	k.def("pred", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.arith("-", self, integer(1)) })
	k.def("even?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return bigOf(self).Bit(0) == 0 })
	k.def("odd?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return bigOf(self).Bit(0) == 1 })
	k.def("size", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(8) })
	round := func(name string, f func(n text.Int, digits int) text.Int) {
		k.defn(name, 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
			a = positional(a)
			if len(a) == 0 {
				return self
			}
			return intValue(f(textInt(self), int(t.int(a[0]))))
		}).kw = true
	}
	round("floor", text.FloorInt)
	round("ceil", text.CeilInt)
	round("truncate", text.TruncateInt)
	k.defn("round", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		mode := t.roundMode(a)
		if a = positional(a); len(a) == 0 {
			return self
		}
		return intValue(text.RoundInt(textInt(self), int(t.int(a[0])), mode))
	}).kw = true
	k.def("gcd", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return bigInteger(new(big.Int).GCD(nil, nil, new(big.Int).Abs(bigOf(self)), new(big.Int).Abs(big.NewInt(t.int(a[0])))))
	})
	k.def("lcm", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		x, y := new(big.Int).Abs(bigOf(self)), new(big.Int).Abs(big.NewInt(t.int(a[0])))
		g := new(big.Int).GCD(nil, nil, x, y)
		if g.Sign() == 0 {
			return integer(0)
		}
		return bigInteger(g.Mul(x.Div(x, g), y))
	})
	k.defn("digits", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		base := int64(10)
		if len(a) > 0 {
			base = t.int(a[0])
		}
		n := new(big.Int).Set(bigOf(self))
		if n.Sign() < 0 {
			return t.raise(t.core.mathDomain, "out of domain")
		}
		if base < 2 {
			return t.argError("invalid radix %d", base)
		}
		out := &Array{}
		for m := new(big.Int); n.Sign() > 0 || len(out.v) == 0; {
			n.DivMod(n, big.NewInt(base), m)
			out.v = append(out.v, bigInteger(new(big.Int).Set(m)))
		}
		return out
	})
	k.defn("pow", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if len(a) == 2 {
			m := bigOf(a[1])
			if m == nil || m.Sign() == 0 {
				return t.raise(t.core.zeroDivisionError, "divided by 0")
			}
			return t.arith("%", bigInteger(new(big.Int).Exp(bigOf(self), bigOf(a[0]), new(big.Int).Abs(m))), a[1])
		}
		return t.arith("**", self, a[0])
	})
}

// positional returns the arguments without the named ones.
func positional(a []Value) []Value {
	if n := len(a); n > 0 {
		if h, ok := a[n-1].(*Hash); ok && h.kw {
			return a[:n-1]
		}
	}
	return a
}

// named returns the named arguments, nil if there are none.
func named(a []Value) *Hash {
	if n := len(a); n > 0 {
		if h, ok := a[n-1].(*Hash); ok && h.kw {
			return h
		}
	}
	return nil
}

// option returns a named argument.
func option(a []Value, name string) (Value, bool) {
	if h := named(a); h != nil {
		return h.symbol(name)
	}
	return nil, false
}

func (t *Interp) roundMode(a []Value) text.RoundMode {
	name := ""
	if v, ok := option(a, "half"); ok && v != nil {
		name = t.name(v)
	}
	if name == "" {
		name = "up"
	}
	m, err := text.ParseRoundMode(name)
	t.check(err)
	return m
}

// chr is Integer#chr.
func (t *Interp) chr(self Value, a []Value) Value {
	n, ok := self.(int64)
	if !ok || n < 0 || n > 0x10ffff {
		return t.raise(t.core.rangeError, "%s out of char range", t.toS(self))
	}
	if len(a) > 0 {
		return strValue(string(rune(n)))
	}
	switch {
	case n > 255:
		return t.raise(t.core.rangeError, "%d out of char range", n)
	case n > 127:
		return &String{s: string([]byte{byte(n)}), enc: binaryEncoding}
	}
	return &String{s: string([]byte{byte(n)}), enc: "US-ASCII"}
}
