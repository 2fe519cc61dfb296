package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// OptionInfo describes one option of an options struct, for `millrace plugins` and the documentation.
type OptionInfo struct {
	Name string `json:"name"`
	// Type is one of string, number, boolean, array, hash, path, password, uri, bytes, codec, duration, any, or a name of the type's own;
	// "array of uri" for lists of other than strings.
	Type     string   `json:"type"`
	Default  string   `json:"default,omitempty"`
	Required bool     `json:"required,omitempty"`
	Enum     []string `json:"enum,omitempty"`
	Aliases  []string `json:"aliases,omitempty"`
	// Unit is what a plain number means for a duration.
	Unit       string `json:"unit,omitempty"`
	Deprecated string `json:"deprecated,omitempty"`
	Obsolete   string `json:"obsolete,omitempty"`
	Removed    string `json:"removed,omitempty"`
	Doc        string `json:"doc,omitempty"`
}

// Describe lists the options of a struct (or of a pointer to one) that holds their defaults, in the order of its fields.
// doc holds their documentation by option name; it may be nil.
func Describe(options any, doc map[string]string) []OptionInfo {
	v := reflect.ValueOf(options)
	if v.Kind() != reflect.Pointer {
		p := reflect.New(v.Type())
		p.Elem().Set(v)
		v = p
	}
	var out []OptionInfo
	for _, f := range appendFields(nil, v) {
		info := OptionInfo{
			Name: f.name, Type: typeName(f.value.Type()), Required: f.required, Enum: f.enum, Aliases: f.aliases,
			Deprecated: f.deprecated, Obsolete: f.obsolete, Removed: f.removed, Doc: doc[f.name],
		}
		if f.path {
			info.Type = strings.Replace(info.Type, "string", "path", 1)
		}
		if t := f.value.Type(); t == typeDuration || t.Kind() == reflect.Pointer && t.Elem() == typeDuration {
			info.Unit = unitName(f.unit)
		}
		if !f.required {
			info.Default = defaultText(f)
		}
		out = append(out, info)
	}
	return out
}

func unitName(unit time.Duration) string {
	if unit == 0 {
		return "s"
	}
	return strings.TrimLeft(strings.NewReplacer("m0s", "m", "h0m", "h").Replace(unit.String()), "0123456789")
}

func typeName(t reflect.Type) string {
	p := reflect.PointerTo(t)
	if o, ok := reflect.Zero(p.Elem()).Interface().(OptionTyper); ok && t.Kind() != reflect.Pointer {
		return o.OptionType()
	}
	switch {
	case p.Implements(reflect.TypeFor[OptionTyper]()):
		return reflect.New(t).Interface().(OptionTyper).OptionType()
	case p.Implements(reflect.TypeFor[PluginValue]()):
		return "codec"
	case p.Implements(reflect.TypeFor[pairer]()) || t == typeHash:
		return "hash"
	case p.Implements(reflect.TypeFor[OptionUnmarshaler]()), t == typeValue:
		return "any"
	case p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return "string"
	case t == typePassword:
		return "password"
	case t == typeBytes:
		return "bytes"
	case t == typeDuration:
		return "duration"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Slice:
		if e := typeName(t.Elem()); e != "string" {
			return "array of " + e
		}
		return "array"
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	}
	return "number"
}

// defaultText writes a default as one would write it in a configuration, or "" if there is none.
func defaultText(f *field) string {
	v := f.value
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	if v.Kind() == reflect.Bool || v.CanInt() && v.Type() != typeDuration || v.CanUint() || v.CanFloat() {
		return fmt.Sprint(v.Interface())
	}
	if v.IsZero() || v.Type() == typePassword {
		return ""
	}
	if v.Type() == typeDuration {
		unit := f.unit
		if unit == 0 {
			unit = time.Second
		}
		return strconv.FormatFloat(float64(v.Int())/float64(unit), 'f', -1, 64)
	}
	return quoteDefault(v)
}

func quoteDefault(v reflect.Value) string {
	if v.CanInterface() {
		switch x := v.Interface().(type) {
		case Value:
			return x.Inspect()
		case Hash:
			return Value{Type: TypeHash, Hash: x}.Inspect()
		case fmt.Stringer:
			return strconv.Quote(x.String())
		case encoding.TextMarshaler:
			if b, err := x.MarshalText(); err == nil {
				return strconv.Quote(string(b))
			}
		}
		if v.CanAddr() {
			if s, ok := v.Addr().Interface().(fmt.Stringer); ok {
				return strconv.Quote(s.String())
			}
			if p, ok := v.Addr().Interface().(interface{ defaultText() string }); ok {
				return p.defaultText()
			}
		}
	}
	switch v.Kind() {
	case reflect.String:
		return strconv.Quote(v.String())
	case reflect.Slice:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = quoteDefault(v.Index(i))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.Struct:
		return ""
	}
	return fmt.Sprint(v.Interface())
}

func (m *Map[V]) defaultText() string {
	parts := make([]string, 0, len(*m))
	for i := range *m {
		parts = append(parts, strconv.Quote((*m)[i].Key)+" => "+quoteDefault(reflect.ValueOf(&(*m)[i].Value).Elem()))
	}
	return "{ " + strings.Join(parts, " ") + " }"
}

func (m *Pairs[K, V]) defaultText() string {
	parts := make([]string, 0, len(*m))
	for i := range *m {
		parts = append(parts, quoteDefault(reflect.ValueOf(&(*m)[i].Key).Elem())+" => "+quoteDefault(reflect.ValueOf(&(*m)[i].Value).Elem()))
	}
	return "{ " + strings.Join(parts, " ") + " }"
}
