package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Decode fills options structs from the options of a plugin. into holds pointers to structs, which hold the defaults already; an
// option may belong to any of them. It reports unknown, missing, obsolete and invalid options, all at once.
//
// A field takes part by its tag `opt:"name"`. After the name may follow, separated by commas:
//
//	required         the option must be given
//	path             the text names an existing file
//	enum=a|b         the text is one of these
//	alias=a|b        further names, accepted with a warning
//	unit=ms          what a plain number means, for a time.Duration (ns, us, ms, s, m, h)
//	friendly         a time.Duration may also be written "1 hour", "250 ms"
//	deprecated=TEXT  accepted with a warning that ends in TEXT; takes the rest of the tag
//	obsolete=TEXT    the same for what Logstash refuses and we can map
//	removed=TEXT     refused, saying TEXT
//
// Embedded structs count as if their fields stood in their place.
func Decode(a *Attributes, into ...any) Diagnostics {
	d := &decoder{attrs: a}
	fields := map[string]*field{}
	var all []*field
	for _, target := range into {
		all = appendFields(all, reflect.ValueOf(target))
	}
	for _, f := range all {
		for _, name := range append([]string{f.name}, f.aliases...) {
			if fields[name] != nil {
				panic(fmt.Sprintf("BUG: %s: two fields for option %q", a.Label, name))
			}
			fields[name] = f
		}
	}
	given := map[*field]Option{}
	for _, o := range a.Options {
		f := fields[o.Name]
		if f == nil {
			d.unknown(o, all)
			continue
		}
		if first, ok := given[f]; ok {
			d.add(Errorf(o.Place, "repeated-option", "%s: options %q and %q are the same", a.Label, first.Name, o.Name))
			continue
		}
		given[f] = o
		if d.announce(f, o) {
			d.decode(f, o)
		}
	}
	for _, f := range all {
		if _, ok := given[f]; !ok && f.required {
			d.add(Errorf(a.Place, "missing-option", "%s: option %q is required", a.Label, f.name))
		}
	}
	return d.diags
}

type decoder struct {
	attrs *Attributes
	diags Diagnostics
}

func (d *decoder) add(x Diagnostic) { d.diags = append(d.diags, x) }

func (d *decoder) unknown(o Option, all []*field) {
	var names []string
	for _, f := range all {
		if f.removed == "" {
			names = append(names, f.name)
		}
	}
	x := Errorf(o.Place, "unknown-option", "%s: unknown option %q", d.attrs.Label, o.Name)
	if x.Hint = DidYouMean(o.Name, names); x.Hint == "" && len(names) > 0 {
		slices.Sort(names)
		x.Hint = "options: " + strings.Join(names[:min(len(names), 12)], ", ")
		if len(names) > 12 {
			x.Hint += ", …"
		}
	}
	d.add(x)
}

// announce says what is to be said about the name of an option, and tells whether its value counts.
func (d *decoder) announce(f *field, o Option) bool {
	warn := func(format string, args ...any) Diagnostic {
		return Warnf(o.Place, "deprecated-option", "%s: option %q "+format, append([]any{d.attrs.Label, o.Name}, args...)...)
	}
	switch {
	case f.removed != "":
		d.add(Errorf(o.Place, "removed-option", "%s: option %q does not exist any more", d.attrs.Label, o.Name).WithHint("%s", f.removed))
		return false
	case f.obsolete != "":
		d.add(warn("is obsolete").WithHint("%s", f.obsolete))
	case f.deprecated != "":
		d.add(warn("is deprecated").WithHint("%s", f.deprecated))
	case o.Name != f.name:
		d.add(warn("is now called %q", f.name).WithHint("write %s", f.name))
	}
	return true
}

// decode sets a field to the value of an option.
func (d *decoder) decode(f *field, o Option) {
	if o.Value.holdsInvalid() {
		return // reported when it was evaluated
	}
	c := &conversion{d: d, f: f, option: o.Name}
	fresh := reflect.New(f.value.Type()).Elem()
	if f.value.Kind() != reflect.Slice && f.value.Kind() != reflect.Pointer {
		fresh.Set(f.value) // types that unmarshal themselves may build on their default
	}
	if c.set(fresh, o.Value) {
		f.value.Set(fresh)
	}
}

// holdsInvalid tells whether some part of v could not be evaluated.
func (v Value) holdsInvalid() bool {
	switch v.Type {
	case Invalid:
		return true
	case TypeArray:
		return slices.ContainsFunc(v.Items, Value.holdsInvalid)
	case TypeHash:
		return slices.ContainsFunc(v.Hash, func(e Entry) bool { return e.Value.holdsInvalid() })
	}
	return false
}

// fail reports that a value does not fit.
func (c *conversion) fail(v Value, code, format string, args ...any) bool {
	place := v.Place
	if place.File == nil {
		place = c.d.attrs.Place
	}
	c.d.add(Errorf(place, code, "%s: option %q "+format, append([]any{c.d.attrs.Label, c.option}, args...)...))
	return false
}

// failBy reports the error of a type that read its value itself, at the place inside the text that the error names.
func (c *conversion) failBy(v Value, err error) bool {
	var ds diagnosticsError
	if errors.As(err, &ds) {
		c.d.diags = append(c.d.diags, ds.Diagnostics...)
		return false
	}
	if offset, ok := errorOffset(err); ok && v.lit != nil && offset >= 0 && offset <= len(v.Str) {
		at := v.placeOf(offset, min(offset+1, len(v.Str)))
		v.Place, v.lit = at, nil
	}
	return c.fail(v, "invalid-option", "is not valid: %s", strings.TrimRight(err.Error(), "\n"))
}

// errorOffset looks for an integer field Offset in err or what it wraps.
func errorOffset(err error) (int, bool) {
	for ; err != nil; err = errors.Unwrap(err) {
		v := reflect.Indirect(reflect.ValueOf(err))
		if v.Kind() != reflect.Struct {
			continue
		}
		if f := v.FieldByName("Offset"); f.IsValid() && f.CanInt() {
			return int(f.Int()), true
		}
	}
	return 0, false
}
