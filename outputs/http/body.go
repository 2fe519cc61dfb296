package http

import (
	"net/url"

	"millrace/pipeline/config"
	"millrace/pipeline/event"
)

// mapping is the option of that name, or a part of it, with its texts compiled. Keys are taken as they are, and whatever is no hash or array
// counts as text (outputs/http.rb, convert_mapping).
type mapping struct {
	kind  config.Type // TypeHash, TypeArray or TypeString
	text  event.Template
	keys  []string
	items []mapping
}

func newMapping(v config.Value) mapping {
	m := mapping{kind: v.Type}
	switch v.Type {
	case config.TypeHash:
		for _, e := range v.Hash {
			m.keys, m.items = append(m.keys, e.Key), append(m.items, newMapping(e.Value))
		}
	case config.TypeArray:
		for _, item := range v.Items {
			m.items = append(m.items, newMapping(item))
		}
	default:
		m.kind, m.text = config.TypeString, event.ParseTemplate(v.Text())
	}
	return m
}

// err returns what every event will fail by.
func (m *mapping) err() error {
	for i := range m.items {
		if err := m.items[i].err(); err != nil {
			return err
		}
	}
	return m.text.Err()
}

func (m *mapping) value(e *event.Event) (event.Value, error) {
	switch m.kind {
	case config.TypeHash:
		o, err := m.object(e)
		return event.ObjectValue(o), err
	case config.TypeArray:
		l := e.NewList()
		for i := range m.items {
			v, err := m.items[i].value(e)
			if err != nil {
				return v, err
			}
			l.Append(v)
		}
		return event.ListValue(l), nil
	}
	s, err := m.text.Text(e)
	return event.StringValue(s), err
}

func (m *mapping) object(e *event.Event) (*event.Object, error) {
	o := e.NewObject()
	for i, k := range m.keys {
		v, err := m.items[i].value(e)
		if err != nil {
			return nil, err
		}
		o.Set(k, v)
	}
	return o, nil
}

// appendBody appends what is sent of e.
func (o *output) appendBody(dst []byte, e *event.Event) ([]byte, error) {
	if o.o.Format == "message" {
		return o.o.Message.Append(dst, e)
	}
	if o.mapping == nil {
		if o.o.Format == "form" {
			return appendForm(dst, e.Root()), nil
		}
		return e.AppendJSON(dst), nil
	}
	fields, err := o.mapping.object(e)
	switch {
	case err != nil:
		return nil, err
	case o.o.Format == "form":
		return appendForm(dst, fields), nil
	}
	return fields.AppendJSON(dst), nil
}

// appendForm appends fields as a form does, values as Ruby's to_s writes them.
func appendForm(dst []byte, fields *event.Object) []byte {
	for i, f := range fields.Fields() {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(append(dst, url.QueryEscape(f.Key)...), '=')
		dst = append(dst, url.QueryEscape(string(f.Val.AppendRubyText(nil)))...)
	}
	return dst
}
