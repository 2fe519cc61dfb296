package ruby

import (
	"math/big"

	"millrace/pipeline/event"
)

// Event is a LogStash::Event.
type Event struct {
	e         *event.Event // nil once the filter gave it back
	cancelled bool
	lent      []lentText // Strings that code got of it: Logstash lets their changes show in the event
}

// lentText is a String that a field gave to code.
type lentText struct {
	path *event.Path
	s    *String
	was  string
}

// maxPaths bounds the references that are kept for the texts of code.
const maxPaths = 4096

// path returns the reference that a text means.
func (t *Interp) path(ref string) *event.Path {
	if p := t.paths[ref]; p != nil {
		return p
	}
	p, err := event.ParsePath(ref)
	if err != nil {
		t.raise(t.core.fieldRefSyntax, "Invalid FieldReference: `%s`", ref)
	}
	if len(t.paths) >= maxPaths {
		clear(t.paths)
	}
	t.paths[ref] = &p
	return &p
}

// live returns the event behind v.
func (v *Event) live(t *Interp) *event.Event {
	if v.e == nil {
		t.raise(t.core.runtimeError, "the event has left the filter: keep event.clone or event.to_hash instead of the event")
	}
	if len(v.lent) > 0 {
		v.settle(t)
	}
	return v.e
}

// settle writes the Strings that code changed in place back. One whose field was set to something else since is forgotten.
func (v *Event) settle(t *Interp) {
	kept := v.lent[:0]
	for _, l := range v.lent {
		if l.s.s != l.was {
			if now, _ := v.e.Get(l.path); now.Kind() != event.String || now.Str() != l.was {
				continue
			}
			_ = v.e.Set(l.path, event.StringValue(l.s.s)) // it was set before
			l.was = l.s.s
		}
		kept = append(kept, l)
	}
	clear(v.lent[len(kept):])
	v.lent = kept
}

// get is event.get.
func (v *Event) get(t *Interp, ref string) Value {
	e := v.e
	if e == nil {
		e = v.live(t)
	}
	p := t.path(ref)
	if len(v.lent) > 0 {
		for i := range v.lent {
			if v.lent[i].path == p {
				if now, _ := e.Get(p); now.Kind() == event.String && (now.Str() == v.lent[i].was) {
					return v.lent[i].s
				}
			}
		}
	}
	x, ok := e.Get(p)
	if !ok {
		return nil
	}
	r := t.fromEvent(x)
	if s, isString := r.(*String); isString && len(v.lent) < 64 {
		v.lent = append(v.lent, lentText{p, s, s.s})
	}
	return r
}

// fromEvent returns a value of an event as Ruby sees it: lists and objects are copies.
func (t *Interp) fromEvent(v event.Value) Value {
	switch v.Kind() {
	case event.Null:
		return nil
	case event.Bool:
		return v.Bool()
	case event.Int:
		return integer(v.Int())
	case event.Float:
		return v.Float()
	case event.String:
		return &String{s: v.Str()}
	case event.Time:
		return &Time{t: v.Time(), kind: timestampKind}
	case event.BigInt:
		n, _ := new(big.Int).SetString(v.Str(), 10)
		return n
	case event.KindList:
		items := v.List().Items()
		out := make([]Value, len(items))
		for i, x := range items {
			out[i] = t.fromEvent(x)
		}
		return arrayOf(out)
	}
	return t.fromObject(v.Object())
}

func (t *Interp) fromObject(o *event.Object) *Hash {
	fields := o.Fields()
	h := &Hash{entries: make([]hashEntry, len(fields)), live: len(fields)}
	for i := range fields {
		h.entries[i] = hashEntry{key: &String{s: fields[i].Key, frozen: true}, val: t.fromEvent(fields[i].Val)}
	}
	return h
}

// toEvent returns v as a value that belongs to e.
func (t *Interp) toEvent(e *event.Event, v Value) event.Value {
	switch v := v.(type) {
	case nil:
		return event.Value{}
	case bool:
		return event.BoolValue(v)
	case int64:
		return event.IntValue(v)
	case float64:
		return event.FloatValue(v)
	case *String:
		return event.StringValue(v.s)
	case *Symbol:
		return event.StringValue(v.name)
	case *big.Int:
		return event.BigIntValue(v.String())
	case *Time:
		if v.kind == timeKind || v.kind == timestampKind {
			return event.TimeValue(v.t)
		}
	case *Array:
		t.enter()
		l := e.NewList()
		for _, x := range v.v {
			l.Append(t.toEvent(e, x))
		}
		t.leave()
		return event.ListValue(l)
	case *Hash:
		t.enter()
		o := e.NewObject()
		for i := range v.entries {
			if x := &v.entries[i]; !x.gone {
				o.Set(t.toS(x.key), t.toEvent(e, x.val))
			}
		}
		t.leave()
		return event.ObjectValue(o)
	}
	name := javaName(v)
	t.raise(t.core.missingConverter, "Missing Converter handling for full class name=org.jruby.%s, simple name=%s", name, name[indexOfLast(name, '.')+1:])
	return event.Value{}
}

func indexOfLast(s string, c byte) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == c {
			return i
		}
	}
	return -1
}

// javaName names the class of JRuby for a value that no field can hold.
func javaName(v Value) string {
	switch v := v.(type) {
	case *Time:
		return "ext.date.RubyDate"
	case *Proc:
		return "RubyProc"
	case *Range:
		return "RubyRange"
	case *Regexp:
		return "RubyRegexp"
	case *MatchData:
		return "RubyMatchData"
	case *Rational:
		return "RubyRational"
	case *Set:
		return "ext.set.RubySet"
	case *Enumerator:
		return "RubyEnumerator"
	case *Class:
		return "RubyClass"
	case *Object:
		if v.class.isStruct() {
			return "RubyStruct"
		}
	}
	return "RubyObject"
}

// set is event.set.
func (v *Event) set(t *Interp, ref string, x Value) {
	e := v.live(t)
	p := t.path(ref)
	switch ref {
	case "@timestamp", "[@timestamp]":
		ts, ok := x.(*Time)
		if !ok || ts.kind != timestampKind {
			t.typeError("wrong argument type %s (expected LogStash::Timestamp)", t.className(x))
		}
	}
	if err := e.Set(p, t.toEvent(e, x)); err != nil {
		if keys := p.Keys(); len(keys) > 0 && keys[0] == event.TagsField {
			t.raise(t.core.invalidTags, "Could not set the reserved tags field '%s' to value '%s'. If you are trying to set the tags field, it only accepts string or list of string.", ref, t.toS(x))
		}
		t.raise(t.core.invalidFieldSet, "Could not set field '%s': %s", ref, err)
	}
	if s, ok := x.(*String); ok && len(v.lent) < 64 {
		v.lent = append(v.lent, lentText{p, s, s.s})
	}
}

// newEvent makes an event of its own of a Hash.
func (t *Interp) newEvent(h *Hash) *Event {
	e := event.New(nil)
	if h != nil {
		e.SetRoot(t.toEvent(e, h).Object())
	}
	e.Create(t.now())
	return &Event{e: e}
}

func (t *Interp) cloneEvent(v *Event) *Event {
	return &Event{e: v.live(t).Clone(), cancelled: v.cancelled}
}

// eventMethods fills LogStash::Event.
func eventMethods(c *core) {
	k := c.event
	k.alloc = func(t *Interp, k *Class) Value { return &Event{} }
	k.defn("initialize", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		var h *Hash
		if len(a) > 0 && a[0] != nil {
			h = t.toHash(a[0])
		}
		e := t.newEvent(h)
		if v := self.(*Event); v.e != nil { // code calls initialize to replace all of an event
			e.e.CopyTo(v.live(t))
			return nil
		}
		*self.(*Event) = *e
		return nil
	}).kw = true
	k.sdef("from_json", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := &Array{}
		for _, v := range t.splat(t.parseJSON(t.text(a[0]), false)) {
			h, _ := v.(*Hash)
			out.v = append(out.v, t.newEvent(h))
		}
		return out
	})
	k.def("get", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*Event).get(t, t.refText(a[0])) })
	k.def("set", 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		self.(*Event).set(t, t.refText(a[0]), a[1])
		return a[1]
	})
	k.def("remove", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v, ok := self.(*Event).live(t).Remove(t.path(t.refText(a[0])))
		if !ok {
			return nil
		}
		return t.fromEvent(v)
	})
	k.def("include?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return self.(*Event).live(t).Has(t.path(t.refText(a[0])))
	})
	k.def("[]", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.raise(t.core.noMethodError, "event['field'] is of Logstash before 5.0: use event.get('field')")
	})
	k.def("[]=", 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.raise(t.core.noMethodError, "event['field'] = value is of Logstash before 5.0: use event.set('field', value)")
	})
	k.def("tag", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		tag := t.toS(a[0])
		self.(*Event).live(t).Tag(tag)
		return nil
	})
	k.def("cancel", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { self.(*Event).cancelled = true; return true })
	k.def("uncancel", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { self.(*Event).cancelled = false; return false })
	k.def("cancelled?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*Event).cancelled })
	k.def("sprintf", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		tmpl := event.ParseTemplate(t.toS(a[0]))
		s, err := tmpl.Text(self.(*Event).live(t))
		if err != nil {
			return t.raise(t.core.runtimeError, "%s", err)
		}
		return strValue(s)
	})
	eventWholes(k)
	k.def("overwrite", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o, ok := a[0].(*Event)
		if !ok {
			return t.typeError("wrong argument type %s (expected LogStash::Event)", t.className(a[0]))
		}
		o.live(t).CopyTo(self.(*Event).live(t))
		return self
	})
	k.def("append", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o, ok := a[0].(*Event)
		if !ok {
			return t.typeError("wrong argument type %s (expected LogStash::Event)", t.className(a[0]))
		}
		e := self.(*Event).live(t)
		appendObject(e, e.Root(), o.live(t).Root())
		return self
	})
}

// refText returns the text of a reference; a Symbol will do.
func (t *Interp) refText(v Value) string {
	if s, ok := v.(*String); ok {
		return s.s
	}
	if s, ok := v.(*Symbol); ok {
		return s.name
	}
	return t.text(v)
}

// eventWholes adds what sees all of an event.
func eventWholes(k *Class) {
	k.def("to_hash", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.fromObject(self.(*Event).live(t).Root())
	})
	k.alias("to_hash", "to_h")
	k.def("to_hash_with_metadata", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		e := self.(*Event).live(t)
		h := t.fromObject(e.Root())
		if m := e.Metadata(); m.Len() > 0 {
			h.set(t, strValue("@metadata"), t.fromObject(m))
		}
		return h
	})
	k.defn("to_json", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(string(self.(*Event).live(t).AppendJSON(nil)))
	})
	k.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		tmpl := event.ParseTemplate("%{@timestamp} %{host} %{message}")
		s, _ := tmpl.Text(self.(*Event).live(t)) // as it is written, where there is no @timestamp
		return strValue(s)
	})
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(t.anyToS(self)) })
	k.def("timestamp", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if at, ok := self.(*Event).live(t).Timestamp(); ok {
			return &Time{t: at, kind: timestampKind}
		}
		return nil
	})
	k.def("timestamp=", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		self.(*Event).set(t, "@timestamp", a[0])
		return a[0]
	})
}

// appendObject merges src into dst as Event#append does.
func appendObject(e *event.Event, dst, src *event.Object) {
	for _, f := range src.Fields() {
		old, ok := dst.Get(f.Key)
		switch {
		case !ok:
			dst.Set(f.Key, e.Own(f.Val))
		case old.Object() != nil && f.Val.Object() != nil:
			appendObject(e, old.Object(), f.Val.Object())
		case old.List() == nil && f.Val.List() == nil && old.Equal(f.Val), f.Key == event.TimestampField, f.Key == event.VersionField:
		default:
			l := e.NewList()
			appendUnion(e, l, old)
			appendUnion(e, l, f.Val)
			dst.Set(f.Key, event.ListValue(l))
		}
	}
}

func appendUnion(e *event.Event, l *event.List, v event.Value) {
	items := []event.Value{v}
	if v.List() != nil {
		items = v.List().Items()
	}
next:
	for _, x := range items {
		for _, y := range l.Items() {
			if y.Equal(x) {
				continue next
			}
		}
		l.Append(e.Own(x))
	}
}
