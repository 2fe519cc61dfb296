package mutate

import (
	"fmt"
	"strconv"
	"strings"

	"millrace/pipeline/event"
)

// assignments compiles coerce, rename, update and replace.
func (c *compiler) assignments(o *Options) {
	for _, p := range o.Coerce {
		c.add(&coerce{c.ref("coerce", p.Key), c.template("coerce", p.Value.Text())})
	}
	for _, p := range o.Rename {
		to := p.Value.Text()
		c.add(&rename{c.pathTemplate("rename", p.Key), c.pathTemplate("rename", to), strings.Count(to, "[") > 1 || strings.Contains(to, "%{")})
	}
	for _, p := range o.Update {
		c.add(&update{c.ref("update", p.Key), c.template("update", p.Value.Text())})
	}
	for _, p := range o.Replace {
		c.add(&replace{c.ref("replace", p.Key), c.template("replace", p.Value.Text())})
	}
}

// coerce sets a field that is null.
type coerce struct {
	field ref
	value event.Template
}

func (op *coerce) apply(e *event.Event, _ *scratch) error {
	if op.field.err != nil {
		return op.field.err
	}
	v, ok := e.Get(&op.field.path)
	if !ok || !v.IsNull() {
		return nil
	}
	return assign(e, &op.field.path, &op.value)
}

// update sets a field that exists.
type update struct {
	field ref
	value event.Template
}

func (op *update) apply(e *event.Event, _ *scratch) error {
	if op.field.err != nil {
		return op.field.err
	}
	if !e.Has(&op.field.path) {
		return nil
	}
	return assign(e, &op.field.path, &op.value)
}

// replace sets a field.
type replace struct {
	field ref
	value event.Template
}

func (op *replace) apply(e *event.Event, _ *scratch) error {
	if op.field.err != nil {
		return op.field.err
	}
	return assign(e, &op.field.path, &op.value)
}

func assign(e *event.Event, p *event.Path, t *event.Template) error {
	text, err := t.Text(e)
	if err != nil {
		return err
	}
	return e.Set(p, event.StringValue(text))
}

// rename moves a value from one field to another. Where the target cannot be set the value goes back to where it was: Logstash
// loses it.
type rename struct {
	from, to event.PathTemplate
	deep     bool // the target may lie in an array, which ignores names
}

func (op *rename) apply(e *event.Event, s *scratch) error {
	from, err := op.from.Resolve(e, &s.from)
	if err != nil {
		return err
	}
	to, err := op.to.Resolve(e, &s.to)
	if err != nil {
		return err
	}
	if isMetadata(from) {
		return moveMetadata(e, to)
	}
	v, ok := e.Remove(from)
	if !ok {
		return nil
	}
	if err = e.Set(to, v); err == nil && op.deep && !e.Has(to) {
		err = fmt.Errorf("could not rename %s: %s is not a place in the event", from, to)
	}
	if err != nil {
		putBack(e, from, v)
	}
	return err
}

// isMetadata reports whether p is @metadata as a whole.
func isMetadata(p *event.Path) bool { return p.IsMetadata() && len(p.Keys()) == 0 }

// moveMetadata makes @metadata a field of the event; the event keeps an empty one.
func moveMetadata(e *event.Event, to *event.Path) error {
	if isMetadata(to) {
		return nil
	}
	v := e.Own(event.ObjectValue(e.Metadata()))
	if !to.IsMetadata() {
		if err := e.Set(to, v); err != nil {
			return err
		}
		e.Metadata().Clear()
		return nil
	}
	e.Metadata().Clear()
	return e.Set(to, v)
}

// putBack sets what Remove took away. The item of a list returns to its position.
func putBack(e *event.Event, p *event.Path, v event.Value) {
	keys := p.Keys()
	if len(keys) > 1 || p.IsMetadata() && len(keys) > 0 {
		if list := parentList(e, p, keys); list != nil {
			insert(list, keys[len(keys)-1], v)
			return
		}
	}
	if err := e.Set(p, v); err != nil {
		e.Root().Set(p.String(), v) // never reached as far as we know; an odd name is better than a lost value
	}
}

// parentList returns the list that p leads to an item of, nil if its parent is no list.
func parentList(e *event.Event, p *event.Path, keys []string) *event.List {
	text := ""
	if p.IsMetadata() {
		text = "[" + event.MetadataField + "]"
	}
	for _, k := range keys[:len(keys)-1] {
		text += "[" + k + "]"
	}
	parent, err := event.ParsePath(text)
	if err != nil {
		return nil
	}
	v, _ := e.Get(&parent)
	return v.List()
}

// insert puts v where an item with that index was taken out of l.
func insert(l *event.List, index string, v event.Value) {
	i, _ := strconv.Atoi(index)
	l.Append(v)
	if i < 0 {
		i += l.Len()
	}
	for j := l.Len() - 1; j > i; j-- {
		l.SetAt(j, l.At(j-1))
		l.SetAt(j-1, v)
	}
}
