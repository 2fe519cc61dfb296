package config

import (
	"encoding"
	"math"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// conversion turns the value of one option into that of a field, the way validate_value of Logstash does.
type conversion struct {
	d      *decoder
	f      *field
	option string
}

var (
	typeValue    = reflect.TypeFor[Value]()
	typeHash     = reflect.TypeFor[Hash]()
	typePassword = reflect.TypeFor[Password]()
	typeBytes    = reflect.TypeFor[Bytes]()
	typeDuration = reflect.TypeFor[time.Duration]()
)

// pairer is implemented by Map and Pairs.
type pairer interface {
	setPairs(c *conversion, h Hash) bool
}

// set sets dst, which is addressable, to v. It reports why it cannot.
func (c *conversion) set(dst reflect.Value, v Value) bool {
	switch u := dst.Addr().Interface().(type) {
	case PluginValue:
		return c.plugin(u, v)
	case OptionUnmarshaler:
		if err := u.UnmarshalOption(v); err != nil {
			return c.failBy(v, err)
		}
		return true
	case pairer:
		h, ok := c.hash(v)
		return ok && u.setPairs(c, h)
	case encoding.TextUnmarshaler:
		one, s, ok := c.text(v)
		if !ok {
			return false
		}
		if err := u.UnmarshalText([]byte(s)); err != nil {
			return c.failBy(one, err)
		}
		return true
	}
	switch dst.Type() {
	case typeValue:
		dst.Set(reflect.ValueOf(v))
		return true
	case typeHash:
		h, ok := c.hash(v)
		dst.Set(reflect.ValueOf(h))
		return ok
	case typeBytes:
		return c.bytes(dst, v)
	case typeDuration:
		return c.duration(dst, v)
	case typePassword:
		_, s, ok := c.text(v)
		dst.SetString(s)
		return ok
	}
	switch dst.Kind() {
	case reflect.Pointer:
		p := reflect.New(dst.Type().Elem())
		if !c.set(p.Elem(), v) {
			return false
		}
		dst.Set(p)
		return true
	case reflect.Slice:
		return c.slice(dst, v)
	case reflect.String:
		return c.string(dst, v)
	case reflect.Bool:
		return c.bool(dst, v)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return c.integer(dst, v)
	case reflect.Float64:
		f, ok := c.number(v)
		if ok {
			dst.SetFloat(f.asFloat())
		}
		return ok
	}
	panic("BUG: option " + c.f.name + " has a field of type " + dst.Type().String())
}

// single returns the one value that is wanted: v, or the only item of an array.
func (c *conversion) single(v Value, want string) (Value, bool) {
	switch v.Type {
	case TypeArray:
		if len(v.Items) == 1 && v.Items[0].Type != TypeArray && v.Items[0].Type != TypeHash {
			return v.Items[0], true
		}
		if c.secret() {
			return v, c.fail(v, "option-type", "must be %s, got %d values", want, len(v.Items))
		}
		return v, c.fail(v, "option-type", "must be %s, got %s", want, v.Inspect())
	case TypeHash, TypePlugin:
		return v, c.fail(v, "option-type", "must be %s, got %s", want, v.Type)
	}
	return v, true
}

// secret tells whether the value may not be repeated in a message.
func (c *conversion) secret() bool {
	t := c.f.value.Type()
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t == typePassword
}

func (c *conversion) text(v Value) (Value, string, bool) {
	one, ok := c.single(v, "a string")
	if !ok {
		return one, "", false
	}
	return one, one.Text(), true
}

func (c *conversion) string(dst reflect.Value, v Value) bool {
	if len(c.f.enum) > 0 {
		return c.enum(dst, v)
	}
	one, s, ok := c.text(v)
	if !ok {
		return false
	}
	if c.f.path {
		if _, err := os.Stat(s); err != nil {
			if e, ok := err.(*os.PathError); ok {
				err = e.Err
			}
			return c.fail(one, "missing-file", "names a file that cannot be read: %s: %s", s, err)
		}
	}
	dst.SetString(s)
	return true
}

func (c *conversion) enum(dst reflect.Value, v Value) bool {
	quoted := make([]string, len(c.f.enum))
	for i, e := range c.f.enum {
		quoted[i] = strconv.Quote(e)
	}
	want := "one of " + strings.Join(quoted, ", ")
	one, ok := c.single(v, want)
	if !ok {
		return false
	}
	s := one.Text()
	for _, e := range c.f.enum {
		if e == s {
			dst.SetString(s)
			return true
		}
	}
	c.fail(one, "option-value", "must be %s, got %s", want, one.Inspect())
	c.d.diags[len(c.d.diags)-1].Hint = DidYouMean(s, c.f.enum)
	return false
}

func (c *conversion) bool(dst reflect.Value, v Value) bool {
	one, ok := c.single(v, "true or false")
	if !ok {
		return false
	}
	if one.Type != TypeString || one.Str != "true" && one.Str != "false" {
		c.fail(one, "option-type", "must be true or false, got %s", one.Inspect())
		x := &c.d.diags[len(c.d.diags)-1]
		switch s := strings.ToLower(one.Text()); s {
		case "true", "yes", "on", "1":
			x.Hint = "write true"
		case "false", "no", "off", "0":
			x.Hint = "write false"
		}
		return false
	}
	dst.SetBool(one.Str == "true")
	return true
}

// number returns v as a number. A text counts if Ruby prints the number that it holds the same way: "01" and "1.50" do not.
func (c *conversion) number(v Value) (Value, bool) {
	one, ok := c.single(v, "a number")
	if !ok || one.Type != TypeString {
		return one, ok
	}
	if n, err := strconv.ParseInt(one.Str, 10, 64); err == nil && strconv.FormatInt(n, 10) == one.Str {
		return Value{Type: TypeInt, Int: n, Place: one.Place}, true
	}
	if f, err := strconv.ParseFloat(one.Str, 64); err == nil && string(appendRubyFloat(nil, f)) == one.Str {
		return Value{Type: TypeFloat, Float: f, Place: one.Place}, true
	}
	return one, c.fail(one, "option-type", "must be a number, got %s", one.Inspect())
}

func (v Value) asFloat() float64 {
	if v.Type == TypeInt {
		return float64(v.Int)
	}
	return v.Float
}

func (c *conversion) integer(dst reflect.Value, v Value) bool {
	n, ok := c.number(v)
	if !ok {
		return false
	}
	i := n.Int
	if n.Type == TypeFloat {
		if i = int64(n.Float); float64(i) != n.Float {
			return c.fail(v, "option-type", "must be a whole number, got %s", n.Text())
		}
	}
	switch {
	case dst.CanInt() && !dst.OverflowInt(i):
		dst.SetInt(i)
		return true
	case dst.CanUint() && i >= 0 && !dst.OverflowUint(uint64(i)):
		dst.SetUint(uint64(i))
		return true
	}
	return c.fail(v, "option-value", "is out of range: %d", i)
}

func (c *conversion) bytes(dst reflect.Value, v Value) bool {
	one, s, ok := c.text(v)
	if !ok {
		return false
	}
	if one.Type == TypeFloat {
		s = strconv.FormatInt(int64(one.Float), 10)
	}
	n, err := ParseBytes(s)
	if err != nil {
		return c.failBy(one, err)
	}
	dst.SetInt(int64(n))
	return true
}

func (c *conversion) duration(dst reflect.Value, v Value) bool {
	unit := c.f.unit
	if unit == 0 {
		unit = time.Second
	}
	if one, ok := v, v.Type == TypeString; ok && c.f.friendly {
		if d, ok := friendlyDuration(one.Str); ok {
			dst.SetInt(int64(d))
			return true
		}
	}
	n, ok := c.number(v)
	if !ok {
		if c.f.friendly {
			c.d.diags[len(c.d.diags)-1].Hint = `a time is a number, or a number with a unit: "250 ms", "30 s", "1 hour", "2 days"`
		}
		return false
	}
	f := n.asFloat() * float64(unit)
	if math.Abs(f) >= 1<<63 {
		return c.fail(v, "option-value", "is out of range: %s", n.Text())
	}
	if n.Type == TypeInt {
		dst.SetInt(n.Int * int64(unit))
	} else {
		dst.SetInt(int64(f))
	}
	return true
}

var durationPattern = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)$`)

// durationUnits are the units of a friendly duration with all their spellings.
var durationUnits = [...]struct {
	names string
	unit  time.Duration
}{
	{" w week weeks ", 7 * 24 * time.Hour},
	{" d day days ", 24 * time.Hour},
	{" h hour hours ", time.Hour},
	{" m min mins minute minutes ", time.Minute},
	{" s sec secs second seconds ", time.Second},
	{" ms msec msecs milli millis millisecond milliseconds ", time.Millisecond},
	{" us usec usecs micro micros microsecond microseconds ", time.Microsecond},
	{" ns nano nanos nanosecond nanoseconds ", time.Nanosecond},
}

func friendlyDuration(s string) (time.Duration, bool) {
	m := durationPattern.FindStringSubmatch(strings.ToLower(strings.TrimSpace(s)))
	if m == nil {
		return 0, false
	}
	f, err := strconv.ParseFloat(m[1], 64)
	for _, u := range durationUnits {
		if err == nil && strings.Contains(u.names, " "+m[2]+" ") {
			f *= float64(u.unit)
			return time.Duration(f), f < 1<<63
		}
	}
	return 0, false
}

// slice sets a list: a single value makes a list of one, a hash one of pairs.
func (c *conversion) slice(dst reflect.Value, v Value) bool {
	items := []Value{v}
	switch v.Type {
	case TypeArray:
		items = v.Items
	case TypeHash:
		items = pairs(v)
	}
	if dst.Type().Elem() == reflect.TypeFor[URI]() {
		items = splitBlanks(items)
	}
	out := reflect.MakeSlice(dst.Type(), len(items), len(items))
	ok := true
	for i, item := range items {
		// An array inside the array counts as one text where texts are wanted, as in Logstash.
		if item.Type == TypeArray && textLike(dst.Type().Elem()) {
			item = Value{Type: TypeString, Str: item.Inspect(), Place: item.Place}
		}
		ok = c.set(out.Index(i), item) && ok
	}
	dst.Set(out)
	return ok
}

// textLike tells whether a list of t is a list of texts.
func textLike(t reflect.Type) bool {
	return t.Kind() == reflect.String || reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// splitBlanks cuts texts at blanks: a list of URIs may be given as one text.
func splitBlanks(items []Value) []Value {
	var out []Value
	for _, v := range items {
		if v.Type != TypeString || !strings.ContainsAny(v.Str, " \t\n") {
			out = append(out, v)
			continue
		}
		for part := range strings.FieldsSeq(v.Str) {
			out = append(out, Value{Type: TypeString, Str: part, Place: v.Place})
		}
	}
	return out
}

// hash returns v as a hash: an array is taken as keys and values in turn.
func (c *conversion) hash(v Value) (Hash, bool) {
	items := v.Items
	switch v.Type {
	case TypeHash:
		return v.Hash, true
	case TypeArray:
	default:
		return nil, c.fail(v, "option-type", "must be a hash, got %s", c.shown(v))
	}
	if len(items)%2 == 1 {
		return nil, c.fail(v, "option-type", "must be a hash; an array given for it holds keys and values in turn, but this one has %d items", len(items))
	}
	h := make(Hash, 0, len(items)/2)
	for i := 0; i < len(items); i += 2 {
		e := Entry{items[i].Text(), items[i+1], items[i].Place}
		if old, ok := h.Get(e.Key); ok {
			if old.Type != TypeArray {
				old = Value{Type: TypeArray, Items: []Value{old}, Place: old.Place}
			}
			old.Items = append(old.Items[:len(old.Items):len(old.Items)], e.Value)
			e.Value = old
		}
		h.set(e)
	}
	return h, true
}

// shown returns how a message shows v.
func (c *conversion) shown(v Value) string {
	if c.secret() {
		return v.Type.String()
	}
	return v.Inspect()
}

func (m *Map[V]) setPairs(c *conversion, h Hash) bool {
	*m = make(Map[V], len(h))
	ok := true
	for i, e := range h {
		p := &(*m)[i]
		p.Key, p.KeyPlace, p.ValuePlace = e.Key, e.Place, e.Value.Place
		ok = c.set(reflect.ValueOf(&p.Value).Elem(), e.Value) && ok
	}
	return ok
}

func (m *Pairs[K, V]) setPairs(c *conversion, h Hash) bool {
	*m = make(Pairs[K, V], len(h))
	ok := true
	for i, e := range h {
		p := &(*m)[i]
		p.KeyPlace, p.ValuePlace = e.Place, e.Value.Place
		ok = c.set(reflect.ValueOf(&p.Key).Elem(), e.keyValue()) && ok
		ok = c.set(reflect.ValueOf(&p.Value).Elem(), e.Value) && ok
	}
	return ok
}

// keyValue returns the key as a value, so that it can be decoded like one.
func (e Entry) keyValue() Value {
	v := Value{Type: TypeString, Str: e.Key, Place: e.Place}
	if f := e.Place.File; f != nil && e.Place.End-e.Place.Start == len(e.Key)+2 {
		v.lit = &String{Span: e.Place.Span, Text: e.Key, Raw: e.Key}
	}
	return v
}

// plugin hands a plugin, or the name of one, to a field that holds plugins.
func (c *conversion) plugin(u PluginValue, v Value) bool {
	one := v
	if v.Type == TypeArray && len(v.Items) == 1 {
		one = v.Items[0]
	}
	ref := PluginRef{Place: one.Place, lookup: c.d.attrs.lookup}
	switch one.Type {
	case TypePlugin:
		ref.Name, ref.Node = one.Plugin.Name, one.Plugin
		ref.Place.Span = one.Plugin.NameSpan
	case TypeString:
		ref.Name = one.Str
	default:
		return c.fail(v, "option-type", "must be a plugin, got %s", one.Type)
	}
	ds := u.UnmarshalPlugin(ref)
	c.d.diags = append(c.d.diags, ds...)
	return !ds.HasErrors()
}
