package dissect

import (
	"fmt"
	"strconv"
	"strings"

	"millrace/pipeline/event"
)

// conversion makes a number of a field.
type conversion struct {
	path            event.Path
	err             error // of the field as a reference
	float           bool
	missing, failed string // tags
}

func newConversion(name, to string) (conversion, error) {
	c := conversion{
		float:   strings.EqualFold(to, "float"),
		missing: "_dataconversionnullvalue_" + name + "_" + to,
		failed:  "_dataconversionuncoercible_" + name + "_" + to,
	}
	if !c.float && !strings.EqualFold(to, "int") {
		return c, fmt.Errorf("unknown type %q", to)
	}
	c.path, c.err = event.ParsePath(name)
	return c, nil
}

// apply converts the field; a value that is no number is tagged. An error says that the field cannot be set.
func (c *conversion) apply(e *event.Event) error {
	if c.err != nil {
		return c.err
	}
	v, _ := e.Get(&c.path)
	if v.IsNull() {
		e.Tag(c.missing)
		return nil
	}
	n, ok := c.number(e.Arena, v)
	if !ok {
		e.Tag(c.failed)
		return nil
	}
	return e.Set(&c.path, n)
}

func (c *conversion) number(a *event.Arena, v event.Value) (event.Value, bool) {
	switch v.Kind() {
	case event.Int, event.BigInt:
		return v, true
	case event.Float:
		if c.float {
			return v, true
		}
		var space [64]byte
		return decimal(a, string(strconv.AppendFloat(space[:0], v.Float(), 'g', -1, 64)), false)
	case event.String:
		return decimal(a, v.Str(), c.float)
	}
	return v, false
}

// maxDigits bounds what a text such as 1e999999999 may become as an integer.
const maxDigits = 1000

// decimal reads a number as Java's BigDecimal does: digits with a point, an exponent, and nothing around them. What has neither point nor
// exponent is an integer even as a float, because Logstash prints it as one.
func decimal(a *event.Arena, s string, float bool) (event.Value, bool) {
	t := s
	if t != "" && (t[0] == '-' || t[0] == '+') {
		t = t[1:]
	}
	mantissa, exponent := t, 0
	if i := strings.IndexAny(t, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.Atoi(t[i+1:]); err != nil {
			return event.Value{}, false
		}
		mantissa = t[:i]
	}
	whole, fraction, point := strings.Cut(mantissa, ".")
	if len(whole)+len(fraction) == 0 || !digits(whole) || !digits(fraction) {
		return event.Value{}, false
	}
	if float && (point || len(mantissa) < len(t)) {
		f, err := strconv.ParseFloat(s, 64)
		return event.FloatValue(f), err == nil
	}
	if len(whole)+exponent > maxDigits || len(fraction) > maxDigits {
		return event.Value{}, false
	}
	return integer(a, s[0] == '-', whole, fraction, exponent), true
}

// integer is the whole part of a number whose point is moved by exponent.
func integer(a *event.Arena, negative bool, whole, fraction string, exponent int) event.Value {
	dst := a.Free()
	if negative {
		dst = append(dst, '-')
	}
	start := len(dst)
	n := len(whole) + exponent // digits of the whole part
	for i := range max(n, 0) {
		c := byte('0')
		switch {
		case i < len(whole):
			c = whole[i]
		case i-len(whole) < len(fraction):
			c = fraction[i-len(whole)]
		}
		if c != '0' || len(dst) > start {
			dst = append(dst, c)
		}
	}
	if len(dst) == start {
		return event.IntValue(0)
	}
	return event.BigIntValue(a.Take(dst))
}

func digits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
