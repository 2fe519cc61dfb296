package ruby

import (
	"math"
	"math/big"
	"strings"

	"millrace/internal/ruby/text"
)

// Rational is a Rational.
type Rational struct{ r *big.Rat }

func rationalLiteral(s string) Value {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		r = new(big.Rat)
	}
	return &Rational{r}
}

// floatMethods fills Float and Rational.
func floatMethods(c *core) {
	c.float = c.define("Float", c.numeric)
	c.float.alloc = nil
	k := c.float
	for name, v := range map[string]Value{"INFINITY": math.Inf(1), "NAN": math.NaN(), "MAX": math.MaxFloat64, "MIN": 2.2250738585072014e-308, "EPSILON": 2.220446049250313e-16, "DIG": int64(15)} {
		k.consts[name] = v
	}
	for _, op := range []string{"+", "-", "*", "/", "%", "**"} {
		k.def(op, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.arith(op, self, a[0]) })
	}
	k.alias("%", "modulo")
	k.alias("**", "pow")
	k.def("div", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		y := t.float(a[0])
		if y == 0 {
			return t.raise(t.core.zeroDivisionError, "divided by 0")
		}
		return t.floatToInt(math.Floor(self.(float64) / y))
	})
	k.def("-@", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return -self.(float64) })
	compareNumbers(k)
	k.def("nan?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return math.IsNaN(self.(float64)) })
	k.def("finite?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return !math.IsNaN(self.(float64)) && !math.IsInf(self.(float64), 0)
	})
	k.def("infinite?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		f := self.(float64)
		if !math.IsInf(f, 0) {
			return nil
		}
		return integer(int64(t.sign(self)))
	})
	k.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(text.FloatToS(self.(float64))) })
	k.alias("to_s", "inspect")
	k.def("to_f", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
	k.def("to_i", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.floatToInt(self.(float64)) })
	k.def("to_r", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		t.floatToInt(self.(float64))
		return &Rational{new(big.Rat).SetFloat64(self.(float64))}
	})
	k.def("hash", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(t.hashOf(self)) })
	floatRounding(k)
	rationalMethods(c)
}

func floatRounding(k *Class) {
	round := func(name string, whole func(float64, int) (text.Int, error), part func(float64, int) float64) {
		k.defn(name, 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			digits := int64(0)
			if len(a) > 0 {
				digits = t.int(a[0])
			}
			if digits > 0 {
				return part(self.(float64), int(digits))
			}
			n, err := whole(self.(float64), int(digits))
			t.check(err)
			return intValue(n)
		})
	}
	round("floor", text.FloorFloatToInt, text.FloorFloat)
	round("ceil", text.CeilFloatToInt, text.CeilFloat)
	round("truncate", text.TruncateFloatToInt, text.TruncateFloat)
	k.defn("round", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		mode := t.roundMode(a)
		a = positional(a)
		digits := int64(0)
		if len(a) > 0 && a[0] != nil {
			digits = t.int(a[0])
		}
		if digits > 0 {
			return text.RoundFloat(self.(float64), int(digits), mode)
		}
		n, err := text.RoundFloatToInt(self.(float64), int(digits), mode)
		t.check(err)
		return intValue(n)
	}).kw = true
}

// makeRational is Kernel#Rational.
func (t *Interp) makeRational(a []Value) Value {
	r := t.ratArg(a[0])
	if len(a) > 1 {
		d := t.ratArg(a[1])
		if d.Sign() == 0 {
			return t.raise(t.core.zeroDivisionError, "divided by 0")
		}
		r = new(big.Rat).Quo(r, d)
	}
	return &Rational{r}
}

func (t *Interp) ratArg(v Value) *big.Rat {
	switch v := v.(type) {
	case int64, *big.Int, *Rational:
		return ratOf(v)
	case float64:
		t.floatToInt(v)
		return ratOf(v)
	case *String:
		if r, ok := parseRat(v.s, true); ok {
			return r
		}
		t.argError("invalid value for convert(): %s", t.inspect(v))
	}
	t.typeError("can't convert %s into Rational", t.describeType(v))
	return nil
}

// parseRat reads a fraction at the start of s; all of it if strict.
func parseRat(s string, strict bool) (*big.Rat, bool) {
	s = strings.TrimSpace(strings.ReplaceAll(s, "_", ""))
	for n := min(len(s), 100); n > 0; n-- {
		if strict && n < len(s) {
			break
		}
		if e := strings.IndexAny(s[:n], "eE"); e >= 0 && n-e > 4 {
			continue
		}
		if c := s[n-1]; c < '0' || c > '9' {
			continue
		}
		if strings.ContainsAny(s[:n], "xXbBoOpP") {
			continue
		}
		if r, ok := new(big.Rat).SetString(s[:n]); ok {
			return r, true
		}
	}
	return new(big.Rat), !strict
}

// rationalOp computes a op y.
func (t *Interp) rationalOp(op string, a *big.Rat, y Value) Value {
	if f, ok := y.(float64); ok {
		x, _ := a.Float64()
		return t.floatArith(op, x, f)
	}
	if !t.isNumber(y) {
		return t.coerce(op, &Rational{a}, y)
	}
	b := ratOf(y)
	z := new(big.Rat)
	switch op {
	case "+":
		return &Rational{z.Add(a, b)}
	case "-":
		return &Rational{z.Sub(a, b)}
	case "*":
		return &Rational{z.Mul(a, b)}
	}
	if op != "**" {
		if b.Sign() == 0 {
			return t.raise(t.core.zeroDivisionError, "divided by 0")
		}
		z.Quo(a, b)
		if op == "/" {
			return &Rational{z}
		}
		q := new(big.Rat).SetInt(floorRat(z))
		return &Rational{z.Sub(a, q.Mul(q, b))}
	}
	if !b.IsInt() {
		x, _ := a.Float64()
		e, _ := b.Float64()
		return math.Pow(x, e)
	}
	n := b.Num().Int64()
	if !b.Num().IsInt64() || max(n, -n)*int64(a.Num().BitLen()+a.Denom().BitLen()) > maxBits {
		return math.Inf(1)
	}
	if n < 0 {
		if a.Sign() == 0 {
			return t.raise(t.core.zeroDivisionError, "divided by 0")
		}
		a, n = new(big.Rat).Inv(a), -n
	}
	e := big.NewInt(n)
	return &Rational{z.SetFrac(new(big.Int).Exp(a.Num(), e, nil), new(big.Int).Exp(a.Denom(), e, nil))}
}

func floorRat(r *big.Rat) *big.Int {
	q, m := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	if m.Sign() < 0 {
		q.Sub(q, big.NewInt(1))
	}
	return q
}

func rationalMethods(c *core) {
	c.rational = c.define("Rational", c.numeric)
	k := c.rational
	k.alloc = nil
	for _, op := range []string{"+", "-", "*", "/", "%", "**"} {
		k.def(op, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.arith(op, self, a[0]) })
	}
	compareNumbers(k)
	rat := func(v Value) *big.Rat { return v.(*Rational).r }
	k.def("numerator", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return bigInteger(new(big.Int).Set(rat(self).Num()))
	})
	k.def("denominator", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return bigInteger(new(big.Int).Set(rat(self).Denom()))
	})
	k.def("to_f", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.float(self) })
	k.def("to_i", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return bigInteger(new(big.Int).Quo(rat(self).Num(), rat(self).Denom()))
	})
	k.alias("to_i", "truncate")
	k.def("to_r", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
	k.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(rat(self).String()) })
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue("(" + rat(self).String() + ")") })
	k.def("floor", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return bigInteger(floorRat(rat(self))) })
	k.def("ceil", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		n := floorRat(new(big.Rat).Neg(rat(self)))
		return bigInteger(n.Neg(n))
	})
	k.defn("round", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		scale := big.NewRat(1, 1)
		if len(a) > 0 {
			scale = ratOf(t.power(big.NewInt(10), big.NewInt(t.int(a[0]))))
		}
		r := new(big.Rat).Mul(rat(self), scale)
		half := big.NewRat(1, 2)
		neg := r.Sign() < 0
		n := floorRat(half.Add(half, new(big.Rat).Abs(r)))
		if neg {
			n.Neg(n)
		}
		if len(a) == 0 {
			return bigInteger(n)
		}
		return &Rational{new(big.Rat).Quo(new(big.Rat).SetInt(n), scale)}
	})
}

// mathModule fills Math.
func mathModule(c *core) {
	m := c.mod(c.object, "Math")
	c.mathDomain = c.defineIn(m, "DomainError", c.argumentError)
	m.consts["PI"], m.consts["E"] = math.Pi, math.E
	one := func(name string, domain func(float64) bool, f func(float64) float64) {
		m.sdef(name, 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			x := t.float(a[0])
			if domain != nil && !domain(x) {
				return t.raise(t.core.mathDomain, "Numerical argument is out of domain - \"%s\"", name)
			}
			return f(x)
		})
	}
	notNegative := func(x float64) bool { return !(x < 0) }
	unit := func(x float64) bool { return !(x < -1 || x > 1) }
	one("sqrt", notNegative, math.Sqrt)
	one("cbrt", nil, math.Cbrt)
	one("log2", notNegative, math.Log2)
	one("log10", notNegative, math.Log10)
	one("exp", nil, math.Exp)
	one("sin", nil, math.Sin)
	one("cos", nil, math.Cos)
	one("tan", nil, math.Tan)
	one("asin", unit, math.Asin)
	one("acos", unit, math.Acos)
	one("atan", nil, math.Atan)
	one("sinh", nil, math.Sinh)
	one("cosh", nil, math.Cosh)
	one("tanh", nil, math.Tanh)
	m.sdef("log", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		x := t.float(a[0])
		if x < 0 {
			return t.raise(t.core.mathDomain, "Numerical argument is out of domain - \"log\"")
		}
		if len(a) > 1 {
			return math.Log(x) / math.Log(t.float(a[1]))
		}
		return math.Log(x)
	})
	two := func(name string, f func(x, y float64) float64) {
		m.sdef(name, 2, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return f(t.float(a[0]), t.float(a[1])) })
	}
	two("pow", math.Pow)
	two("hypot", math.Hypot)
	two("atan2", math.Atan2)
}
