package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// field is one option of an options struct, as its tag describes it.
type field struct {
	name                          string
	value                         reflect.Value
	required, path, friendly      bool
	enum, aliases                 []string
	unit                          time.Duration
	deprecated, obsolete, removed string
}

// appendFields appends the options of the struct that target points to.
func appendFields(dst []*field, target reflect.Value) []*field {
	if target.Kind() != reflect.Pointer || target.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("BUG: options must be a pointer to a struct, not %s", target.Type()))
	}
	v := target.Elem()
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		tag, ok := sf.Tag.Lookup("opt")
		switch {
		case ok:
			f := parseTag(tag, v.Type().Name()+"."+sf.Name)
			f.value = v.Field(i)
			dst = append(dst, f)
		case sf.Anonymous && sf.Type.Kind() == reflect.Struct:
			dst = appendFields(dst, v.Field(i).Addr())
		}
	}
	return dst
}

// parseTag reads the text of a tag; see Decode. A bad tag is a bug.
func parseTag(tag, of string) *field {
	name, rest, _ := strings.Cut(tag, ",")
	f := &field{name: name}
	for rest != "" {
		if key, text, ok := strings.Cut(rest, "="); ok {
			target := map[string]*string{"deprecated": &f.deprecated, "obsolete": &f.obsolete, "removed": &f.removed}[key]
			if target != nil {
				*target = text
				return f
			}
		}
		var flag string
		flag, rest, _ = strings.Cut(rest, ",")
		key, value, _ := strings.Cut(flag, "=")
		switch key {
		case "required":
			f.required = true
		case "path":
			f.path = true
		case "friendly":
			f.friendly = true
		case "enum":
			f.enum = strings.Split(value, "|")
		case "alias":
			f.aliases = strings.Split(value, "|")
		case "unit":
			unit, err := time.ParseDuration("1" + value)
			if err != nil {
				panic("BUG: unit of option field " + of)
			}
			f.unit = unit
		default:
			panic(fmt.Sprintf("BUG: unknown flag %q in the tag of option field %s", flag, of))
		}
	}
	if name == "" {
		panic("BUG: option field " + of + " has no name")
	}
	return f
}
