package dedot

import (
	"errors"
	"strings"

	"millrace/pipeline/event"
)

// name is a name that was met, with what becomes of it.
type name struct {
	dotted bool
	flat   string
	parts  []string
	err    error
}

// maxNames bounds the names that a worker remembers: documents with names made of data would fill the memory.
const maxNames = 4096

var errEmptyPart = errors.New("a part of the name between dots is empty")

func (f *filter) lookup(key string) *name {
	if n := f.names[key]; n != nil {
		return n
	}
	if len(f.names) >= maxNames {
		clear(f.names)
	}
	key = strings.Clone(key) // does not keep alive the text that it is a part of
	n := &name{dotted: strings.Contains(key, ".")}
	if n.dotted && f.o.Nested {
		n.parts = strings.Split(key, ".")
		for _, part := range n.parts {
			if part == "" {
				n.err = errEmptyPart
			}
		}
	} else if n.dotted {
		n.flat = strings.ReplaceAll(key, ".", f.o.Separator)
	}
	f.names[key] = n
	return n
}

// object renames the fields of o, and of the hashes in it if deep.
func (f *filter) object(e *event.Event, o *event.Object, deep bool) {
	start := len(f.keys)
	for _, field := range o.Fields() {
		if deep && field.Val.Kind() == event.KindObject || strings.IndexByte(field.Key, '.') >= 0 {
			f.keys = append(f.keys, field.Key) // the fields move while they are renamed
		}
	}
	for i, end := start, len(f.keys); i < end; i++ {
		f.field(e, o, f.keys[i], deep)
	}
	clear(f.keys[start:])
	f.keys = f.keys[:start]
}

func (f *filter) field(e *event.Event, o *event.Object, key string, deep bool) {
	v, ok := o.Get(key)
	if !ok {
		return // another name became this one
	}
	if inner := v.Object(); inner != nil && deep {
		f.object(e, inner, true)
	}
	n := f.lookup(key)
	switch {
	case !n.dotted:
	case n.err != nil:
		f.fail(n.err)
	case !f.o.Nested:
		if o == e.Root() && reserved(n.flat) {
			f.fail(errReserved)
			return
		}
		o.Delete(key)
		o.Set(n.flat, v)
	default:
		f.nest(e, o, key, n, v)
	}
}

var errReserved = errors.New("the new name is reserved")

// reserved reports whether an event takes only certain values under a top-level name.
func reserved(name string) bool {
	return name == event.TagsField || name == event.MetadataField || name == event.TimestampField
}

// nest moves v to the place that the parts of its name lead to.
func (f *filter) nest(e *event.Event, o *event.Object, key string, n *name, v event.Value) {
	if o == e.Root() && reserved(n.parts[0]) {
		f.fail(errReserved)
		return
	}
	for at, i := o, 0; i < len(n.parts)-1; i++ { // look before anything is changed
		next, ok := at.Get(n.parts[i])
		if !ok || next.IsNull() {
			break
		}
		if next.Object() == nil {
			f.fail(below(key, next))
			return
		}
		at = next.Object()
	}
	o.Delete(key)
	for _, part := range n.parts[:len(n.parts)-1] {
		next, _ := o.Get(part)
		if next.Object() == nil {
			next = event.ObjectValue(e.NewObject())
			o.Set(part, next)
		}
		o = next.Object()
	}
	o.Set(n.parts[len(n.parts)-1], v)
}
