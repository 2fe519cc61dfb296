package text

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// widthMax bounds widths and precisions, which may come from data. Ruby's bound is 2 GB, which no log line is.
const widthMax = 1 << 24

// Format is Kernel#format.
func Format(format string, args []Arg) (string, error) {
	var buf [128]byte
	out, err := AppendFormat(buf[:0], format, args)
	return string(out), err
}

// AppendFormat appends what Kernel#format returns.
func AppendFormat(dst []byte, format string, args []Arg) ([]byte, error) {
	f := formatter{dst: dst, format: format, args: args}
	for {
		i := strings.IndexByte(f.format[f.pos:], '%')
		if i < 0 {
			return append(f.dst, f.format[f.pos:]...), nil
		}
		f.dst = append(f.dst, f.format[f.pos:f.pos+i]...)
		f.pos += i + 1
		if err := f.directive(); err != nil {
			return f.dst, err
		}
	}
}

type formatFlags uint8

const (
	flagSharp formatFlags = 1 << iota
	flagMinus
	flagPlus
	flagZero
	flagSpace
	flagWidth
	flagPrec
)

// How a format refers to its arguments; it may do so in one way only.
const (
	refNumbered = -1
	refNamed    = -2
)

type formatter struct {
	dst    []byte
	format string
	pos    int // behind what was read of format
	args   []Arg
	ref    int // number of arguments taken in order, or refNumbered or refNamed

	flags       formatFlags
	width, prec int
	name        string // as written, with its brackets
	value       Arg    // named by %1$ or %<name>
	hasValue    bool
}

// directive executes the directive that begins at f.pos, behind its percent sign.
func (f *formatter) directive() error {
	f.flags, f.width, f.prec, f.hasValue, f.name = 0, 0, 0, false, ""
	for f.pos < len(f.format) {
		c := f.format[f.pos]
		f.pos++
		switch c {
		case ' ', '#', '+', '-', '0':
			if err := f.flag(c); err != nil {
				return err
			}
			continue
		case '1', '2', '3', '4', '5', '6', '7', '8', '9':
			f.pos--
			if err := f.number(); err != nil {
				return err
			}
			continue
		case '<', '{':
			done, err := f.named(c)
			if done || err != nil {
				return err
			}
			continue
		case '*':
			if err := f.starWidth(); err != nil {
				return err
			}
			continue
		case '.':
			if err := f.precision(); err != nil {
				return err
			}
			continue
		}
		return f.conversion(c)
	}
	switch {
	case f.flags != 0:
		return argumentError("invalid format character - %%")
	case f.hasValue:
		f.dst = append(f.dst, '%')
		return nil
	}
	return argumentError("incomplete format specifier; use %%%% (double %%) instead")
}

func (f *formatter) flag(c byte) error {
	if f.flags&flagWidth != 0 {
		return argumentError("flag after width")
	}
	if f.flags&flagPrec != 0 {
		return argumentError("flag after precision")
	}
	switch c {
	case ' ':
		f.flags |= flagSpace
	case '#':
		f.flags |= flagSharp
	case '+':
		f.flags |= flagPlus
	case '-':
		f.flags |= flagMinus
	case '0':
		f.flags |= flagZero
	}
	return nil
}

// digits reads a number, which something has to follow.
func (f *formatter) digits(what string) (int, error) {
	n := 0
	for f.pos < len(f.format) && isDigit(f.format[f.pos]) {
		if n = 10*n + int(f.format[f.pos]-'0'); n > widthMax {
			return 0, argumentError("%s too big", what)
		}
		f.pos++
	}
	if f.pos >= len(f.format) {
		return 0, argumentError("malformed format string - %%*[0-9]")
	}
	return n, nil
}

// number reads a width, or the number of an argument.
func (f *formatter) number() error {
	n, err := f.digits("width")
	if err != nil {
		return err
	}
	if f.format[f.pos] == '$' {
		if f.hasValue {
			return argumentError("value given twice - %d$", n)
		}
		f.pos++
		f.value, err = f.numbered(n)
		f.hasValue = true
		return err
	}
	if f.flags&flagWidth != 0 {
		return argumentError("width given twice")
	}
	if f.flags&flagPrec != 0 {
		return argumentError("width after precision")
	}
	f.width = n
	f.flags |= flagWidth
	return nil
}

// named reads %<name> or %{name}; done says that the latter, which needs no conversion, was written.
func (f *formatter) named(open byte) (done bool, err error) {
	closing := byte('>')
	if open == '{' {
		closing = '}'
	}
	end := strings.IndexByte(f.format[f.pos:], closing)
	if end < 0 {
		return false, argumentError("malformed name - unmatched parenthesis")
	}
	name := f.format[f.pos-1 : f.pos+end+1]
	f.pos += end + 1
	if f.name != "" {
		return false, argumentError("named%s after %s", name, f.name)
	}
	f.name = name
	switch {
	case f.ref > 0:
		return false, argumentError("named%s after unnumbered(%d)", name, f.ref)
	case f.ref == refNumbered:
		return false, argumentError("named%s after numbered", name)
	}
	f.ref = refNamed
	table, ok := Lookup(nil), false
	if len(f.args) == 1 {
		table, ok = f.args[0].(Lookup)
	}
	if !ok {
		return false, argumentError("one hash required")
	}
	v, found, err := table.Lookup(name[1 : len(name)-1])
	if err != nil {
		return false, err
	}
	if !found {
		return false, &Error{"KeyError", "key" + name + " not found"}
	}
	f.value, f.hasValue = v, true
	if open == '{' {
		return true, f.text('s')
	}
	return false, nil
}

func (f *formatter) starWidth() error {
	if f.flags&flagWidth != 0 {
		return argumentError("width given twice")
	}
	if f.flags&flagPrec != 0 {
		return argumentError("width after precision")
	}
	n, err := f.star("width")
	if err != nil {
		return err
	}
	f.flags |= flagWidth
	if f.width = n; n < 0 {
		f.flags |= flagMinus
		f.width = -n
	}
	return nil
}

func (f *formatter) precision() error {
	if f.flags&flagPrec != 0 {
		return argumentError("precision given twice")
	}
	f.flags |= flagPrec
	if f.pos < len(f.format) && f.format[f.pos] == '*' {
		f.pos++
		n, err := f.star("precision")
		if f.prec = n; n < 0 { // as if none was given
			f.prec = 0
			f.flags &^= flagPrec
		}
		return err
	}
	n, err := f.digits("precision")
	f.prec = n
	return err
}

// star returns the argument that * or *1$ stands for.
func (f *formatter) star(what string) (int, error) {
	start := f.pos
	n, err := f.digits(what)
	if err != nil {
		return 0, err
	}
	var v Arg
	if f.format[f.pos] == '$' && f.pos > start {
		f.pos++
		v, err = f.numbered(n)
	} else {
		f.pos = start
		v, err = f.next()
	}
	if err != nil {
		return 0, err
	}
	i, err := toIndex(v)
	if err != nil {
		return 0, err
	}
	if i > widthMax || i < -widthMax {
		return 0, argumentError("%s too big", what)
	}
	return int(i), nil
}

// numbered returns the argument of %1$.
func (f *formatter) numbered(n int) (Arg, error) {
	switch {
	case f.ref > 0:
		return nil, argumentError("numbered(%d) after unnumbered(%d)", n, f.ref)
	case f.ref == refNamed:
		return nil, argumentError("numbered(%d) after named", n)
	case n < 1:
		return nil, argumentError("invalid index - %d$", n)
	}
	f.ref = refNumbered
	if n > len(f.args) {
		return nil, argumentError("too few arguments")
	}
	return f.args[n-1], nil
}

// next returns the next argument in order.
func (f *formatter) next() (Arg, error) {
	switch f.ref {
	case refNumbered:
		return nil, argumentError("unnumbered(1) mixed with numbered")
	case refNamed:
		return nil, argumentError("unnumbered(1) mixed with named")
	}
	if f.ref >= len(f.args) {
		return nil, argumentError("too few arguments")
	}
	f.ref++
	return f.args[f.ref-1], nil
}

// arg returns the argument of the conversion.
func (f *formatter) arg() (Arg, error) {
	if f.hasValue {
		return f.value, nil
	}
	return f.next()
}

func (f *formatter) conversion(c byte) error {
	switch c {
	case '\n', 0, '%':
		if f.flags != 0 {
			return argumentError("invalid format character - %%")
		}
		if f.dst = append(f.dst, '%'); c != '%' {
			f.dst = append(f.dst, c)
		}
		return nil
	case 'c':
		return f.char()
	case 's', 'p':
		return f.text(c)
	case 'd', 'i', 'u', 'o', 'x', 'X', 'b', 'B':
		return f.integer(c)
	case 'f', 'e', 'E', 'g', 'G', 'a', 'A':
		return f.float(c)
	}
	if c < ' ' || c > '~' {
		return argumentError("malformed format string")
	}
	return argumentError("malformed format string - %%%c", c)
}

func (f *formatter) char() error {
	v, err := f.arg()
	if err != nil {
		return err
	}
	var buf [utf8.UTFMax]byte
	var char []byte
	switch v := v.(type) {
	case string:
		if v == "" || len(v) != len(firstChar(v)) {
			return argumentError("%%c requires a character")
		}
		char = append(buf[:0], v...)
	case Bytes:
		if len(v) != 1 {
			return argumentError("%%c requires a character")
		}
		char = append(buf[:0], v[0])
	default:
		n, err := toIndex(v)
		if err != nil {
			return err
		}
		if n < 0 || n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
			return argumentError("invalid character")
		}
		char = utf8.AppendRune(buf[:0], rune(n))
	}
	f.padded(char, 1)
	return nil
}

// firstChar returns the first character; a byte that is not UTF-8 is one.
func firstChar(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}

// padded appends text of so many characters within the width.
func (f *formatter) padded(text []byte, chars int) {
	if f.flags&flagMinus == 0 {
		f.fill(' ', f.width-chars)
	}
	f.dst = append(f.dst, text...)
	if f.flags&flagMinus != 0 {
		f.fill(' ', f.width-chars)
	}
}

func (f *formatter) fill(c byte, n int) {
	for ; n > 0; n-- {
		f.dst = append(f.dst, c)
	}
}

// text executes %s and %p.
func (f *formatter) text(c byte) error {
	v, err := f.arg()
	if err != nil {
		return err
	}
	s, err := argText(v, c == 'p')
	if err != nil {
		return err
	}
	if f.flags&(flagPrec|flagWidth) == 0 {
		f.dst = append(f.dst, s...)
		return nil
	}
	chars := 0
	end := len(s)
	for i := range s {
		if f.flags&flagPrec != 0 && chars == f.prec {
			end = i
			break
		}
		chars++
	}
	if f.flags&flagMinus == 0 {
		f.fill(' ', f.width-chars)
	}
	f.dst = append(f.dst, s[:end]...)
	if f.flags&flagMinus != 0 {
		f.fill(' ', f.width-chars)
	}
	return nil
}

// argText returns to_s or inspect of an argument.
func argText(v Arg, inspect bool) (string, error) {
	switch v := v.(type) {
	case nil:
		if inspect {
			return "nil", nil
		}
		return "", nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case *big.Int:
		return v.String(), nil
	case float64:
		return FloatToS(v), nil
	case string:
		if inspect {
			return Inspect(v), nil
		}
		return v, nil
	case Bytes:
		if inspect {
			return InspectBinary(string(v)), nil
		}
		return string(v), nil
	case Value:
		if inspect {
			return v.Inspect()
		}
		return v.ToS()
	}
	panic("BUG: an argument of a type that is none")
}

// className names the class as conversion errors do.
func className(v Arg) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case bool:
		return strconv.FormatBool(v)
	case int64, *big.Int:
		return "Integer"
	case float64:
		return "Float"
	case string, Bytes:
		return "String"
	case Value:
		return v.ClassName()
	}
	panic("BUG: an argument of a type that is none")
}

// toIndex converts as Ruby does where it needs a C int: floats are cut, strings refused.
func toIndex(v Arg) (int64, error) {
	switch v := v.(type) {
	case int64:
		if v > math.MaxInt32 {
			return 0, rangeError("integer %d too big to convert to `int'", v)
		}
		if v < math.MinInt32 {
			return 0, rangeError("integer %d too small to convert to `int'", v)
		}
		return v, nil
	case *big.Int:
		return 0, rangeError("bignum too big to convert into `long'")
	case float64:
		if math.IsNaN(v) || math.Abs(v) >= 1<<63 {
			return 0, rangeError("float %s out of range of integer", floatRangeText(v))
		}
		return toIndex(int64(v))
	case nil:
		return 0, typeError("no implicit conversion from nil to integer")
	case bool:
		return 0, typeError("no implicit conversion of %t into Integer", v)
	}
	return 0, typeError("no implicit conversion of %s into Integer", className(v))
}

func floatRangeText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Inf"
	case math.IsInf(f, -1):
		return "-Inf"
	}
	return strconv.FormatFloat(f, 'g', 10, 64)
}
