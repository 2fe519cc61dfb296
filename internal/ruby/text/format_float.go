package text

import (
	"bytes"
	"math"
	"math/big"
	"strconv"
)

// Rational is a Value whose %f has no rounding error.
type Rational interface {
	Rat() *big.Rat
}

// float executes %f, %e, %E, %g, %G, %a and %A.
func (f *formatter) float(c byte) error {
	v, err := f.arg()
	if err != nil {
		return err
	}
	if c == 'f' {
		switch v := v.(type) {
		case int64:
			f.exact(new(big.Rat).SetInt64(v))
			return nil
		case *big.Int:
			f.exact(new(big.Rat).SetInt(v))
			return nil
		case Rational:
			f.exact(v.Rat())
			return nil
		}
	}
	x, err := toFloat(v)
	if err != nil {
		return err
	}
	if math.IsNaN(x) || math.IsInf(x, 0) {
		f.nonFinite(x)
		return nil
	}
	f.floatDigits(c, x)
	return nil
}

func toFloat(v Arg) (float64, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case int64:
		return float64(v), nil
	case *big.Int:
		x, _ := new(big.Float).SetInt(v).Float64()
		return x, nil
	case string:
		return StrictFloat(v)
	case Bytes:
		return StrictFloat(string(v))
	case Numeric:
		return v.ToFloat()
	}
	return 0, typeError("can't convert %s into Float", className(v))
}

// exact executes %f for a number that is no float; the sharp flag does nothing then.
func (f *formatter) exact(r *big.Rat) {
	prec := 6
	if f.flags&flagPrec != 0 {
		prec = f.prec
	}
	sign := f.sign(r.Sign() < 0)
	f.number10([]byte(new(big.Rat).Abs(r).FloatString(prec)), sign, 0)
}

// sign returns the sign to write, 0 for none.
func (f *formatter) sign(negative bool) byte {
	switch {
	case negative:
		return '-'
	case f.flags&flagPlus != 0:
		return '+'
	case f.flags&flagSpace != 0:
		return ' '
	}
	return 0
}

// number10 appends an unsigned number with its sign; zeros that fill the width go behind its first skip bytes.
func (f *formatter) number10(number []byte, sign byte, skip int) {
	fill := f.width - len(number)
	if sign != 0 {
		fill--
	}
	if f.flags&(flagMinus|flagZero) == 0 {
		f.fill(' ', fill)
	}
	if sign != 0 {
		f.dst = append(f.dst, sign)
	}
	f.dst = append(f.dst, number[:skip]...)
	if f.flags&(flagMinus|flagZero) == flagZero {
		f.fill('0', fill)
	}
	f.dst = append(f.dst, number[skip:]...)
	if f.flags&flagMinus != 0 {
		f.fill(' ', fill)
	}
}

func (f *formatter) nonFinite(x float64) {
	f.flags &^= flagZero
	if math.IsNaN(x) {
		f.number10([]byte("NaN"), f.sign(false), 0)
		return
	}
	f.number10([]byte("Inf"), f.sign(x < 0), 0)
}

func (f *formatter) floatDigits(c byte, x float64) {
	prec := -1
	if f.flags&flagPrec != 0 {
		prec = f.prec
	}
	var buf [64]byte
	number := buf[:0]
	sharp := f.flags&flagSharp != 0
	a := math.Abs(x)
	skip := 0
	switch c {
	case 'f':
		number = appendPoint(appendRounded(number, a, 'f', defaultPrec(prec)), sharp)
	case 'e', 'E':
		number = appendPoint(appendRounded(number, a, 'e', defaultPrec(prec)), sharp)
	case 'g', 'G':
		number = appendGeneral(number, a, defaultPrec(prec), sharp)
	default:
		number = appendHexFloat(number, a, prec, sharp)
		skip = 2
	}
	if c < 'a' {
		number = bytes.ToUpper(number)
	}
	f.number10(number, f.sign(math.Signbit(x)), skip)
}

// appendRounded appends x with prec digits behind the point. As in Ruby it is the shortest form of x that decides what is
// half way between two results, which goes to the even digit: 12.345 gives 12.34 and 2.675 gives 2.68. Where there is no
// digit to be even, as in 0.005, it is x itself.
func appendRounded(dst []byte, x float64, form byte, prec int) []byte {
	var buf [64]byte
	digits := strconv.AppendFloat(buf[:0], x, form, -1, 64)
	if i := bytes.IndexByte(digits, 'e'); i >= 0 {
		digits = digits[:i]
	}
	point, last := bytes.IndexByte(digits, '.'), len(digits)-1
	if point >= 0 && last-point == prec+1 && digits[last] == '5' && len(bytes.Trim(digits[:last], "0.")) > 0 {
		before := digits[last-1]
		if before == '.' {
			before = digits[last-2]
		}
		toward := 0.0
		if before%2 == 1 {
			toward = math.Inf(1)
		}
		x = math.Nextafter(x, toward)
	}
	return strconv.AppendFloat(dst, x, form, prec, 64)
}

func defaultPrec(prec int) int {
	if prec < 0 {
		return 6
	}
	return prec
}

// appendPoint returns number with a point behind its digits, if wanted and it has none.
func appendPoint(number []byte, wanted bool) []byte {
	if !wanted || bytes.IndexByte(number, '.') >= 0 {
		return number
	}
	i := bytes.IndexAny(number, "ep")
	if i < 0 {
		return append(number, '.')
	}
	return append(append(append([]byte(nil), number[:i]...), '.'), number[i:]...)
}

// appendGeneral appends x as %g: with an exponent if it is below -4 or not below the precision.
func appendGeneral(dst []byte, x float64, prec int, sharp bool) []byte {
	prec = max(prec, 1)
	var buf [64]byte
	e := appendRounded(buf[:0], x, 'e', prec-1)
	i := bytes.IndexByte(e, 'e')
	exponent, err := strconv.Atoi(string(e[i+1:]))
	if err != nil {
		panic("BUG: no exponent in " + string(e))
	}
	if exponent >= -4 && exponent < prec {
		dst = appendRounded(dst, x, 'f', prec-1-exponent)
		if sharp {
			return appendPoint(dst, true)
		}
		return trimZeros(dst)
	}
	if sharp {
		return append(dst, appendPoint(e, true)...)
	}
	dst = append(dst, trimZeros(e[:i:i])...)
	return append(dst, e[i:]...)
}

// trimZeros cuts zeros behind the point, and the point if nothing is left behind it.
func trimZeros(number []byte) []byte {
	if bytes.IndexByte(number, '.') < 0 {
		return number
	}
	return bytes.TrimSuffix(bytes.TrimRight(number, "0"), []byte("."))
}

// appendHexFloat appends x as %a, whose exponent has no leading zero.
func appendHexFloat(dst []byte, x float64, prec int, sharp bool) []byte {
	var buf [64]byte
	h := strconv.AppendFloat(buf[:0], x, 'x', prec, 64)
	i := bytes.IndexByte(h, 'p') + 2
	if h[i] == '0' && i+1 < len(h) {
		h = append(h[:i], h[i+1:]...)
	}
	return append(dst, appendPoint(h, sharp)...)
}
