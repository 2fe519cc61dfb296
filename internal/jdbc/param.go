package jdbc

import (
	"regexp"
	"strings"

	"millrace/pipeline/config"
	"millrace/pipeline/event"
)

// Param tells where the value of a parameter comes from: a field, a template, or the config itself.
type Param struct {
	path     *event.Path
	template *event.Template
	value    event.Value
	text     string
}

// FieldParam reads a parameter whose text is a template if it has %{...}, and a field reference else.
func FieldParam(v config.Value) (Param, error) {
	return readParam(v, func(string) bool { return true })
}

// references matches what is nothing but a field reference in brackets.
var references = regexp.MustCompile(`^(\s*\[[^\]]+\]\s*)+$`)

// BindParam reads a parameter whose text is a template if it has %{...}, a field reference if it is [a][b], and itself else.
func BindParam(v config.Value) (Param, error) { return readParam(v, references.MatchString) }

func readParam(v config.Value, field func(string) bool) (Param, error) {
	if v.Type != config.TypeString {
		return Param{value: Constant(v), text: v.Text()}, nil
	}
	p := Param{text: v.Str}
	if _, after, ok := strings.Cut(v.Str, "%{"); ok && strings.Contains(after, "}") {
		t := event.ParseTemplate(v.Str)
		p.template = &t
		return p, t.Err()
	}
	if !field(v.Str) {
		p.value = event.StringValue(v.Str)
		return p, nil
	}
	path, err := event.ParsePath(strings.TrimSpace(v.Str))
	p.path = &path
	return p, err
}

// String returns the parameter as it was written.
func (p *Param) String() string { return p.text }

// Constant reports whether the parameter is a text that comes from no event.
func (p *Param) Constant() bool { return p.path == nil && p.template == nil }

// Value returns the value for an event, null if it has no such field; found tells that the field is there, or something was put into the template.
func (p *Param) Value(e *event.Event) (v event.Value, found bool, err error) {
	switch {
	case p.path != nil:
		v, _ = e.Get(p.path)
		return v, !v.IsNull(), nil
	case p.template != nil:
		text, err := p.template.Text(e)
		return event.StringValue(text), text != p.text, err
	}
	return p.value, true, nil
}
