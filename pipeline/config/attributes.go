package config

import (
	"fmt"
)

// Attributes are the options given to one plugin, each once.
type Attributes struct {
	// Label names the plugin in messages: "filter truncate".
	Label string
	// Place is that of the plugin's name; the zero Place if it is written nowhere.
	Place Place
	// Options are in the order in which each was first written.
	Options []Option

	lookup Lookup
}

// Option is one option with its value. Place is that of its name.
type Option struct {
	Name  string
	Value Value
	Place Place
}

// Get returns the value of an option.
func (a *Attributes) Get(name string) (Value, bool) {
	for _, o := range a.Options {
		if o.Name == name {
			return o.Value, true
		}
	}
	return Value{}, false
}

// Has tells whether an option is given.
func (a *Attributes) Has(name string) bool {
	_, ok := a.Get(name)
	return ok
}

// PlaceOf returns the place of an option's name, or of the plugin's if the option is not given.
func (a *Attributes) PlaceOf(name string) Place {
	for _, o := range a.Options {
		if o.Name == name {
			return o.Place
		}
	}
	return a.Place
}

// NewAttributes returns the options of a plugin that is named but not written out, such as codec => json.
func NewAttributes(label string, place Place, lookup Lookup, options ...Option) *Attributes {
	return &Attributes{Label: label, Place: place, Options: options, lookup: lookup}
}

// Evaluate returns the options of a plugin: repeated ones merged as Logstash merges them, hashes in its order, variables replaced.
func Evaluate(n *PluginNode, lookup Lookup) (*Attributes, Diagnostics) {
	a := NewAttributes(n.Kind+" "+n.Name, Place{n.File, n.NameSpan}, lookup)
	m := merger{file: n.File}
	for _, at := range n.Attributes {
		o := Option{Name: at.Name, Value: m.value(at.Value), Place: Place{n.File, at.NameSpan}}
		a.Options = m.add(a.Options, o, a.Label)
	}
	x := &expander{lookup: lookup}
	for i := range a.Options {
		o := &a.Options[i]
		o.Value = hashOrder(o.Value)
		if o.Name != "id" { // ids are taken from the text by Logstash, before there are variables
			o.Value = x.value(o.Value)
		}
	}
	return a, append(m.diags, x.diags...)
}

// merger turns expressions into values and merges those of repeated options.
type merger struct {
	file  *File
	diags Diagnostics
}

func (m *merger) value(e Expr) Value {
	v := Value{Place: Place{m.file, e.Range()}}
	switch e := e.(type) {
	case *String:
		v.Type, v.Str, v.lit = TypeString, e.Text, e
	case *Bareword:
		v.Type, v.Str = TypeString, e.Text
	case *Number:
		if e.IsFloat {
			v.Type, v.Float = TypeFloat, e.Float
		} else {
			v.Type, v.Int = TypeInt, e.Int
		}
	case *Array:
		v.Type, v.Items = TypeArray, make([]Value, 0, len(e.Items))
		for _, item := range e.Items {
			v.Items = append(v.Items, m.value(item))
		}
	case *HashLit:
		v.Type, v.Hash = TypeHash, make(Hash, 0, len(e.Entries))
		for _, h := range e.Entries {
			v.Hash.set(Entry{keyText(h.Key), m.value(h.Value), Place{m.file, h.Key.Range()}})
		}
	case *PluginNode:
		v.Type, v.Plugin = TypePlugin, e
	default:
		panic(fmt.Sprintf("BUG: %T as the value of an option", e))
	}
	return v
}

// set gives a key its value; a key that is there already keeps its turn.
func (h *Hash) set(e Entry) {
	for i := range *h {
		if (*h)[i].Key == e.Key {
			(*h)[i] = e
			return
		}
	}
	*h = append(*h, e)
}

// add adds an option, or merges it into the one of the same name.
func (m *merger) add(options []Option, o Option, label string) []Option {
	for i := range options {
		if old := &options[i]; old.Name == o.Name {
			old.Value = m.merge(old.Value, o, label)
			return options
		}
	}
	return append(options, o)
}

func (m *merger) merge(old Value, o Option, label string) Value {
	v := o.Value
	twice := func(format string, args ...any) Diagnostic {
		return Warnf(o.Place, "repeated-option", "%s: option %q is repeated: %s", label, o.Name, fmt.Sprintf(format, args...))
	}
	switch {
	case old.Type == TypePlugin || v.Type == TypePlugin || o.Name == "codec" && !old.equal(v):
		m.diags = append(m.diags, Errorf(o.Place, "repeated-codec", "%s: option %q holds a plugin and is given twice", label, o.Name).
			WithHint("leave one of them away"))
		return old
	case old.Type == TypeHash && v.Type == TypeHash:
		old.Hash = mergeHashes(old.Hash, v.Hash)
		return old
	case old.Type == TypeHash && v.Type == TypeArray:
		m.diags = append(m.diags, twice("an array after a hash has no effect").WithHint("write a hash"))
		return old
	case old.Type == TypeHash:
		m.diags = append(m.diags, Errorf(o.Place, "repeated-option", "%s: option %q is a hash first and then %s", label, o.Name, v.Type).
			WithHint("write a hash"))
		return old
	case old.Type == TypeArray && v.Type == TypeArray:
		old.Items = append(old.Items, v.Items...)
		return old
	case old.Type == TypeArray && v.Type == TypeHash:
		old.Items = append(old.Items, pairs(v)...)
		return old
	case old.Type == TypeArray:
		old.Items = append(old.Items, v)
		return old
	case old.equal(v):
		return old
	}
	if v.Type == TypeArray || v.Type == TypeHash {
		m.diags = append(m.diags, twice("%s after a single value counts as one value", v.Type).WithHint("put the first value in brackets too"))
	}
	return Value{Type: TypeArray, Items: []Value{old, v}, Place: o.Value.Place}
}

// pairs returns the entries of a hash as arrays of key and value.
func pairs(h Value) []Value {
	out := make([]Value, 0, len(h.Hash))
	for _, e := range h.Hash {
		key := Value{Type: TypeString, Str: e.Key, Place: e.Place}
		out = append(out, Value{Type: TypeArray, Items: []Value{key, e.Value}, Place: e.Place})
	}
	return out
}

// mergeHashes merges src into dst: values of the same key are collected, each once.
func mergeHashes(dst, src Hash) Hash {
	for _, e := range src {
		old, ok := dst.Get(e.Key)
		if ok {
			e.Value = mergeValues(old, e.Value)
		}
		dst.set(e)
	}
	return dst
}

func mergeValues(old, v Value) Value {
	if old.Type == TypeHash && v.Type == TypeHash {
		old.Hash = mergeHashes(old.Hash, v.Hash)
		return old
	}
	if old.Type != TypeArray && v.Type != TypeArray && old.equal(v) {
		return old
	}
	out := Value{Type: TypeArray, Place: old.Place}
	sides := []Value{old, v}
	if old.Type == TypeArray && v.Type != TypeArray {
		// Ruby's << keeps what is there; its | leaves out repetitions on both sides.
		out.Items, sides = append(out.Items, old.Items...), sides[1:]
	}
	for _, side := range sides {
		items := side.Items
		if side.Type != TypeArray {
			items = []Value{side}
		}
		for _, item := range items {
			if !out.holds(item) {
				out.Items = append(out.Items, item)
			}
		}
	}
	return out
}

func (v Value) holds(item Value) bool {
	for _, have := range v.Items {
		if have.equal(item) {
			return true
		}
	}
	return false
}
