package text

import (
	"bytes"
	"math"
	"math/big"
	"math/bits"
	"strconv"
)

// integer executes %d, %i, %u, %o, %x, %X, %b and %B.
func (f *formatter) integer(c byte) error {
	v, err := f.arg()
	if err != nil {
		return err
	}
	n, err := toInteger(v)
	if err != nil {
		return err
	}
	base, prefix := 10, ""
	switch c {
	case 'o':
		base, prefix = 8, "0"
	case 'x', 'X':
		base, prefix = 16, "0"+string(c)
	case 'b', 'B':
		base, prefix = 2, "0"+string(c)
	}
	if f.flags&flagSharp == 0 {
		prefix = ""
	}
	var buf [72]byte
	negative := n.Big != nil && n.Big.Sign() < 0 || n.Small < 0
	signed := base == 10 || f.flags&(flagPlus|flagSpace) != 0
	var digits []byte
	if signed || !negative {
		digits = appendMagnitude(buf[:0], n, base)
	} else {
		digits = appendComplement(buf[:0], n, base)
	}
	if c == 'X' {
		digits = bytes.ToUpper(digits)
	}
	f.integerDigits(c, digits, prefix, negative, signed)
	return nil
}

// integerDigits appends the digits of an integer with sign, prefix, zeros and blanks.
func (f *formatter) integerDigits(c byte, digits []byte, prefix string, negative, signed bool) {
	width, prec := f.width, -1
	if f.flags&flagPrec != 0 {
		prec = f.prec
	}
	sign := byte(0)
	switch {
	case !signed:
	case negative:
		sign = '-'
	case f.flags&flagPlus != 0:
		sign = '+'
	case f.flags&flagSpace != 0:
		sign = ' '
	}
	if sign != 0 {
		width--
	}
	dots := negative && !signed
	if dots {
		width -= 2
		prec -= 2
	}
	zero := len(digits) == 1 && digits[0] == '0'
	switch {
	case prefix == "0" && dots:
		prefix = ""
	case prefix == "0" && zero:
		digits = nil
		if f.flags&flagPrec != 0 {
			prec--
		}
	case prefix == "0" && prec > len(digits):
		prefix = ""
	case prefix != "0" && zero:
		prefix = ""
	}
	width -= len(prefix)
	if f.flags&(flagZero|flagMinus|flagPrec) == flagZero {
		prec, width = width, 0
	} else {
		if prec < len(digits) {
			if prefix == "" && prec == 0 && zero {
				digits = nil
			}
			prec = len(digits)
		}
		width -= prec
	}
	if f.flags&flagMinus == 0 {
		f.fill(' ', width)
		width = 0
	}
	if sign != 0 {
		f.dst = append(f.dst, sign)
	}
	f.dst = append(f.dst, prefix...)
	if dots {
		f.dst = append(f.dst, ".."...)
	}
	if dots {
		f.fill(endlessDigit(c), prec-len(digits))
	} else if f.flags&(flagMinus|flagPrec) != flagMinus {
		f.fill('0', prec-len(digits))
	}
	f.dst = append(f.dst, digits...)
	f.fill(' ', width)
}

// endlessDigit is the digit that a negative number in two's complement begins with, for ever.
func endlessDigit(c byte) byte {
	switch c {
	case 'o':
		return '7'
	case 'x':
		return 'f'
	case 'X':
		return 'F'
	}
	return '1'
}

func appendMagnitude(dst []byte, n Int, base int) []byte {
	if n.Big != nil {
		return new(big.Int).Abs(n.Big).Append(dst, base)
	}
	if n.Small < 0 {
		return strconv.AppendUint(dst, -uint64(n.Small), base)
	}
	return strconv.AppendInt(dst, n.Small, base)
}

// appendComplement appends a negative number in two's complement, with one of the digits that it begins with for ever.
func appendComplement(dst []byte, n Int, base int) []byte {
	per := bits.TrailingZeros(uint(base)) // bits of a digit
	var length int
	if n.Big != nil {
		length = new(big.Int).Not(n.Big).BitLen()
	} else {
		length = bits.Len64(^uint64(n.Small))
	}
	digits := (length + per - 1) / per
	start := len(dst)
	if n.Big == nil && digits*per < 64 {
		v := uint64(n.Small) & (1<<(digits*per) - 1)
		if v != 0 || digits > 0 {
			dst = strconv.AppendUint(dst, v, base)
		}
	} else {
		v := new(big.Int).Lsh(bigOne(), uint(digits*per))
		dst = v.Add(v, n.BigInt()).Append(dst, base)
	}
	if digits == 0 {
		dst = dst[:start]
	}
	for len(dst)-start < digits { // zeros that the number lost
		dst = append(dst, 0)
		copy(dst[start+1:], dst[start:])
		dst[start] = '0'
	}
	c := byte('x')
	switch base {
	case 8:
		c = 'o'
	case 2:
		c = 'b'
	}
	if len(dst) == start || dst[start] != endlessDigit(c) {
		dst = append(dst, 0)
		copy(dst[start+1:], dst[start:])
		dst[start] = endlessDigit(c)
	}
	return dst
}

// toInteger converts as Kernel#Integer does.
func toInteger(v Arg) (Int, error) {
	switch v := v.(type) {
	case int64:
		return Int{Small: v}, nil
	case *big.Int:
		return IntOf(v), nil
	case float64:
		return floatToInt(math.Trunc(v))
	case string:
		return StrictInteger(v, 0)
	case Bytes:
		return StrictInteger(string(v), 0)
	case nil:
		return Int{}, typeError("can't convert nil into Integer")
	case Numeric:
		n, err := v.ToInteger()
		if err != nil {
			return Int{}, err
		}
		switch n := n.(type) {
		case int64:
			return Int{Small: n}, nil
		case *big.Int:
			return IntOf(n), nil
		}
		panic("BUG: ToInteger returned no integer")
	}
	return Int{}, typeError("can't convert %s into Integer", className(v))
}
