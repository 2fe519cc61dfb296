package web

import (
	"millrace/pipeline/config"
	"millrace/pipeline/event"
)

// Template is a value of an option with its texts compiled.
type Template struct {
	text   event.Template
	number event.Value // of what is no text
	items  []*Template
	keys   []event.Template
	kind   config.Type
}

// NewTemplate compiles the texts in v.
func NewTemplate(v config.Value) *Template {
	t := &Template{kind: v.Type}
	switch v.Type {
	case config.TypeArray:
		for _, item := range v.Items {
			t.items = append(t.items, NewTemplate(item))
		}
	case config.TypeHash:
		for _, entry := range v.Hash {
			t.keys = append(t.keys, event.ParseTemplate(entry.Key))
			t.items = append(t.items, NewTemplate(entry.Value))
		}
	case config.TypeInt:
		t.number = event.IntValue(v.Int)
	case config.TypeFloat:
		t.number = event.FloatValue(v.Float)
	default:
		t.kind, t.text = config.TypeString, event.ParseTemplate(v.Text())
	}
	return t
}

// Value returns what the value is for e.
func (t *Template) Value(e *event.Event) (event.Value, error) {
	switch t.kind {
	case config.TypeString:
		s, err := t.text.Text(e)
		return event.StringValue(s), err
	case config.TypeArray:
		l := e.NewList()
		for _, item := range t.items {
			v, err := item.Value(e)
			if err != nil {
				return v, err
			}
			l.Append(v)
		}
		return event.ListValue(l), nil
	case config.TypeHash:
		o := e.NewObject()
		for i, item := range t.items {
			k, err := t.keys[i].Text(e)
			if err != nil {
				return event.Value{}, err
			}
			v, err := item.Value(e)
			if err != nil {
				return v, err
			}
			o.Set(k, v)
		}
		return event.ObjectValue(o), nil
	}
	return t.number, nil
}
