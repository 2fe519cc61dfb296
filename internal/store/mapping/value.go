package mapping

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"strconv"
	"strings"
)

// value is one value of JSON on its way to a field.
type value struct {
	kind valueKind
	text string // of a number as it is written, of a string without quotes and escapes
	at   int
}

type valueKind uint8

const (
	isString valueKind = iota
	isNumber
	isBool
	isObject
)

// cause is why a value does not fit, in Elasticsearch's words.
type cause struct{ typ, reason, typ2, reason2 string }

func (v *value) notText() *cause {
	return &cause{typ: "illegal_argument_exception", reason: "Expected text but found START_OBJECT"}
}

func (v *value) noNumber() *cause {
	switch v.kind {
	case isObject:
		return &cause{typ: "illegal_argument_exception", reason: "Cannot parse object as number"}
	case isBool:
		return &cause{typ: "x_content_parse_exception", reason: fmt.Sprintf("[1:%d] Current token (VALUE_%s) not numeric, can not use numeric value accessors", v.at+1, strings.ToUpper(v.text))}
	}
	return nil
}

// whole reads a value for a field of whole numbers. ok is false without a cause for an empty text, which stands for no value.
func (v *value) whole(n *Node) (i int64, ok bool, why *cause) {
	if why := v.noNumber(); why != nil {
		return 0, false, why
	}
	lo, hi, _ := n.Type.whole()
	i, err := strconv.ParseInt(v.text, 10, 64)
	if err == nil && i >= lo && i <= hi && (v.kind == isNumber || !n.strict) {
		return i, true, nil
	}
	if v.kind == isString {
		if v.text == "" && !n.strict {
			return 0, false, nil
		}
		if n.strict {
			return 0, false, &cause{typ: "illegal_argument_exception", reason: fmt.Sprintf("%s value passed as String", typeName(n.Type))}
		}
	}
	return ParseWhole(v.text, n.Type, !n.strict)
}

func typeName(t Type) string { return strings.ToUpper(string(t[:1])) + string(t[1:]) }

// ParseWhole reads a number for a type of whole numbers; what follows the point is cut off if coerce allows it.
func ParseWhole(s string, t Type, coerce bool) (i int64, ok bool, why *cause) {
	lo, hi, _ := t.whole()
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		if i < lo || i > hi {
			return 0, false, outOfRange(s, t)
		}
		return i, true, nil
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(x, 0) || !plainNumber(s) {
		return 0, false, &cause{typ: "illegal_argument_exception", reason: fmt.Sprintf("For input string: \"%s\"", s)}
	}
	if math.Abs(x) >= 1<<63 {
		return 0, false, outOfRange(s, t)
	}
	exact, _, err := big.ParseFloat(s, 10, 128, big.ToZero)
	if err != nil {
		return 0, false, &cause{typ: "illegal_argument_exception", reason: fmt.Sprintf("For input string: \"%s\"", s)}
	}
	i, acc := exact.Int64()
	if acc != big.Exact && !coerce {
		return 0, false, &cause{typ: "illegal_argument_exception", reason: fmt.Sprintf("%s cannot be converted to %s without data loss", s, typeName(t))}
	}
	if i < lo || i > hi {
		return 0, false, outOfRange(s, t)
	}
	return i, true, nil
}

func plainNumber(s string) bool { return strings.Trim(s, "0123456789+-.eE") == "" }

func outOfRange(s string, t Type) *cause {
	article := "a"
	if t == Integer {
		article = "an"
	}
	return &cause{typ: "illegal_argument_exception", reason: fmt.Sprintf("Value [%s] is out of range for %s %s", s, article, t)}
}

// float reads a value for a field of floating point numbers.
func (v *value) float(n *Node) (x float64, ok bool, why *cause) {
	if why := v.noNumber(); why != nil {
		return 0, false, why
	}
	if v.kind == isString && v.text == "" && !n.strict {
		return 0, false, nil
	}
	x, err := strconv.ParseFloat(v.text, 64)
	if err != nil && !math.IsInf(x, 0) || !plainNumber(v.text) {
		return 0, false, &cause{typ: "number_format_exception", reason: fmt.Sprintf("For input string: \"%s\"", v.text)}
	}
	if x = n.Round(x); math.IsInf(x, 0) {
		return 0, false, &cause{typ: "illegal_argument_exception", reason: fmt.Sprintf("[%s] supports only finite values, but got [%s]", n.Type, strings.Replace(strconv.FormatFloat(x, 'g', -1, 64), "Inf", "Infinity", 1))}
	}
	return x, true, nil
}

// Round returns x with the precision that the field keeps.
func (n *Node) Round(x float64) float64 {
	switch n.Type {
	case Float:
		return float64(float32(x))
	case HalfFloat:
		return toHalf(x)
	case ScaledFloat:
		return math.Round(x*n.Scale) / n.Scale
	}
	return x
}

// IPTerm returns the term of an address: its 16 bytes in hexadecimal, whose order is that of addresses.
func IPTerm(s string) (string, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return "", false
	}
	b := a.As16()
	return hex.EncodeToString(b[:]), true
}

// IPRange returns the terms of the first and last address of a block such as 10.0.0.0/8.
func IPRange(s string) (first, last string, ok bool) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return "", "", false
	}
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	lo := p.Addr().As16()
	hi := lo
	for i := bits; i < 128; i++ {
		lo[i/8] &^= 0x80 >> (i % 8)
		hi[i/8] |= 0x80 >> (i % 8)
	}
	return hex.EncodeToString(lo[:]), hex.EncodeToString(hi[:]), true
}

// IPText returns the address of a term.
func IPText(term string) string {
	b, err := hex.DecodeString(term)
	if err != nil || len(b) != 16 {
		return term
	}
	return netip.AddrFrom16([16]byte(b)).Unmap().String()
}
