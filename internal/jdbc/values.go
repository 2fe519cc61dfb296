package jdbc

import (
	"fmt"
	"strings"

	"millrace/pipeline/config"
	"millrace/pipeline/event"
)

// Parameters is the option that gives named parameters: a hash of any values.
type Parameters []config.Entry

// UnmarshalOption reads the hash.
func (p *Parameters) UnmarshalOption(v config.Value) error {
	if v.Type == config.TypeArray && len(v.Items) == 0 {
		return nil
	}
	if v.Type != config.TypeHash {
		return fmt.Errorf("it must be a hash, got %s", v.Inspect())
	}
	*p = Parameters(v.Hash)
	return nil
}

// OptionType names the type for descriptions.
func (Parameters) OptionType() string { return "hash" }

// Names returns the names of the parameters; a colon in front of one is none of its letters.
func (p Parameters) Names() []string {
	names := make([]string, len(p))
	for i, e := range p {
		names[i] = strings.TrimPrefix(e.Key, ":")
	}
	return names
}

// Values is an option that is an array of any values.
type Values []config.Value

// UnmarshalOption reads the array, or the one value of it.
func (l *Values) UnmarshalOption(v config.Value) error {
	if *l = []config.Value{v}; v.Type == config.TypeArray {
		*l = v.Items
	}
	return nil
}

// OptionType names the type for descriptions.
func (Values) OptionType() string { return "array" }

// Constant returns a value of the config as that of an event. It belongs to nobody.
func Constant(v config.Value) event.Value {
	switch v.Type {
	case config.TypeInt:
		return event.IntValue(v.Int)
	case config.TypeFloat:
		return event.FloatValue(v.Float)
	case config.TypeArray:
		l := new(event.List)
		for _, item := range v.Items {
			l.Append(Constant(item))
		}
		return event.ListValue(l)
	case config.TypeHash:
		o := new(event.Object)
		for _, e := range v.Hash {
			o.Set(e.Key, Constant(e.Value))
		}
		return event.ObjectValue(o)
	}
	return event.StringValue(v.Text())
}

// CheckNames warns of what a statement has and its author will not have meant: parameters that nobody gives, and parameters that are only
// a part of a text in quotes.
func (s *Statement) CheckNames(names []string, warn func(format string, args ...any)) {
	found, _ := s.Unknown(names)
	for _, name := range found {
		hint := ""
		if near := config.Nearest(name, names); near != "" {
			hint = "; did you mean :" + near + "?"
		}
		warn("the statement has :%s, and there is no such parameter%s", name, hint)
	}
	found, _ = s.Quoted(names)
	for _, name := range found {
		warn("the parameter :%s is a part of a text in quotes, where it stays as it is; put the text together by || or concat", name)
	}
}
