package text

import (
	"math"
	"math/big"
)

// RoundMode says what becomes of a half.
type RoundMode uint8

// The modes of round(half:).
const (
	HalfUp RoundMode = iota
	HalfEven
	HalfDown
)

// ParseRoundMode returns the mode called name; an empty name stands for nil and means up.
func ParseRoundMode(name string) (RoundMode, error) {
	switch name {
	case "up", "":
		return HalfUp, nil
	case "even":
		return HalfEven, nil
	case "down":
		return HalfDown, nil
	}
	return 0, argumentError("invalid rounding mode: %s", name)
}

// RoundFloat is Float#round(digits, half: mode) for digits > 0.
func RoundFloat(f float64, digits int, mode RoundMode) float64 {
	if f == 0 || beyondPrecision(f, digits) {
		return f
	}
	if belowPrecision(f, digits) {
		return 0
	}
	if digits > 14 { // the power of ten is not exact
		return roundExact(f, digits, mode)
	}
	s := math.Pow10(digits)
	return roundScaled(f, s, mode) / s
}

// RoundFloatToInt is Float#round(digits, half: mode) for digits <= 0; NaN and Infinity are errors.
func RoundFloatToInt(f float64, digits int, mode RoundMode) (Int, error) {
	if digits == 0 {
		return floatToInt(roundScaled(f, 1, mode))
	}
	n, err := floatToInt(f)
	if err != nil || belowPrecision(f, digits) {
		return Int{}, err
	}
	return RoundInt(n, digits, mode), nil
}

// FloorFloat is Float#floor(digits) for digits > 0.
func FloorFloat(f float64, digits int) float64 {
	if f == 0 || beyondPrecision(f, digits) {
		return f
	}
	if f > 0 && belowPrecision(f, digits) {
		return 0
	}
	s := math.Pow10(digits)
	n := math.Floor(f * s)
	if r := (n + 1) / s; r <= f {
		return r
	}
	return n / s
}

// FloorFloatToInt is Float#floor(digits) for digits <= 0.
func FloorFloatToInt(f float64, digits int) (Int, error) {
	n, err := floatToInt(math.Floor(f))
	if err != nil || digits == 0 {
		return n, err
	}
	return FloorInt(n, digits), nil
}

// CeilFloat is Float#ceil(digits) for digits > 0.
func CeilFloat(f float64, digits int) float64 {
	if f == 0 || beyondPrecision(f, digits) {
		return f
	}
	if f < 0 && belowPrecision(f, digits) {
		return 0
	}
	s := math.Pow10(digits)
	return math.Ceil(f*s) / s // of no use to correct: Ruby 3.1 has the error of f*s in it
}

// CeilFloatToInt is Float#ceil(digits) for digits <= 0.
func CeilFloatToInt(f float64, digits int) (Int, error) {
	n, err := floatToInt(math.Ceil(f))
	if err != nil || digits == 0 {
		return n, err
	}
	return CeilInt(n, digits), nil
}

// TruncateFloat is Float#truncate(digits) for digits > 0.
func TruncateFloat(f float64, digits int) float64 {
	if f > 0 {
		return FloorFloat(f, digits)
	}
	return CeilFloat(f, digits)
}

// TruncateFloatToInt is Float#truncate(digits) for digits <= 0, and Float#to_i.
func TruncateFloatToInt(f float64, digits int) (Int, error) {
	if f > 0 {
		return FloorFloatToInt(f, digits)
	}
	return CeilFloatToInt(f, digits)
}

// beyondPrecision reports that f has no digit behind the place to round at.
func beyondPrecision(f float64, digits int) bool {
	_, e := math.Frexp(f)
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return true
	}
	if e > 0 {
		return digits >= 17-e/4
	}
	return digits >= 17-(e/3-1)
}

// belowPrecision reports that f is nothing at the place to round at.
func belowPrecision(f float64, digits int) bool {
	_, e := math.Frexp(f)
	if e > 0 {
		return digits < -(e/3 + 1)
	}
	return digits < -(e / 4)
}

// roundScaled returns f*s rounded to an integer. As f*s is not exact, it looks whether the integer next to it, divided, is on the
// other side of f.
func roundScaled(f, s float64, mode RoundMode) float64 {
	sign := 1.0
	if f < 0 {
		sign, f = -1, -f
	}
	scaled := f * s
	var n float64
	switch mode {
	case HalfUp:
		n = math.Round(scaled)
		if s != 1 && (n+0.5)/s <= f {
			n++
		}
	case HalfDown:
		n = math.Round(scaled)
		if (n-0.5)/s >= f {
			n--
		}
	default:
		n = math.Floor(scaled)
		switch d := scaled - n; {
		case d > 0.5:
			n++
		case d == 0.5 || (n+0.5)/s <= f:
			n += math.Mod(n, 2)
		}
	}
	return sign * n
}

// roundExact rounds by rational arithmetic.
func roundExact(f float64, digits int, mode RoundMode) float64 {
	r := new(big.Rat).SetFloat64(f)
	scale := pow10(digits)
	r.Mul(r, new(big.Rat).SetInt(scale))
	n := divRound(r.Num(), r.Denom(), mode)
	out, _ := new(big.Rat).SetFrac(n, scale).Float64()
	return out
}

// floatToInt returns an integral float as an integer.
func floatToInt(f float64) (Int, error) {
	switch {
	case math.IsNaN(f):
		return Int{}, &Error{"FloatDomainError", "NaN"}
	case math.IsInf(f, 0):
		return Int{}, &Error{"FloatDomainError", FloatToS(f)}
	case math.Abs(f) < 1<<62:
		return Int{Small: int64(f)}, nil
	}
	n, _ := big.NewFloat(f).Int(nil)
	return IntOf(n), nil
}

func pow10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// divRound returns n/d (d > 0) rounded to the nearest integer.
func divRound(n, d *big.Int, mode RoundMode) *big.Int {
	q, r := new(big.Int).QuoRem(new(big.Int).Abs(n), d, new(big.Int))
	switch r.Lsh(r, 1).Cmp(d) {
	case 1:
		q.Add(q, bigOne())
	case 0:
		if mode == HalfUp || mode == HalfEven && q.Bit(0) == 1 {
			q.Add(q, bigOne())
		}
	}
	if n.Sign() < 0 {
		q.Neg(q)
	}
	return q
}

func bigOne() *big.Int { return big.NewInt(1) }

// RoundInt is Integer#round(digits, half: mode).
func RoundInt(n Int, digits int, mode RoundMode) Int {
	if digits >= 0 {
		return n
	}
	if belowInt(n, digits) {
		return Int{}
	}
	p := pow10(-digits)
	q := divRound(n.BigInt(), p, mode)
	return IntOf(q.Mul(q, p))
}

// FloorInt is Integer#floor(digits).
func FloorInt(n Int, digits int) Int { return truncateTo(n, digits, -1) }

// CeilInt is Integer#ceil(digits).
func CeilInt(n Int, digits int) Int { return truncateTo(n, digits, 1) }

// TruncateInt is Integer#truncate(digits).
func TruncateInt(n Int, digits int) Int { return truncateTo(n, digits, 0) }

// truncateTo cuts digits off, and goes one step up for numbers of the sign of away.
func truncateTo(n Int, digits, away int) Int {
	if digits >= 0 {
		return n
	}
	if belowInt(n, digits) {
		return Int{}
	}
	p := pow10(-digits)
	b := n.BigInt()
	q, r := new(big.Int).QuoRem(b, p, new(big.Int))
	if r.Sign() != 0 && b.Sign() == away {
		q.Add(q, big.NewInt(int64(away)))
	}
	return IntOf(q.Mul(q, p))
}

// belowInt reports that the place to round at is so far above n that Ruby says 0, whatever the direction.
func belowInt(n Int, digits int) bool {
	size := 8
	if n.Big != nil {
		size = (n.Big.BitLen() + 7) / 8
	}
	return -0.415241*float64(digits)-0.125 > float64(size)
}
