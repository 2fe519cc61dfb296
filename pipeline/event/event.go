package event

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
	"unsafe"
)

// Event is what filters work on: ordered fields, @timestamp among them, and metadata that no output sees. An event has one owner, the
// worker whose turn it is, and no lock; it is reused for the next record, see the package comment.
type Event struct {
	root Object
	meta Object // reached by metadata(), which adds what is late

	late      *Source // its facts below @metadata are set when somebody first looks there
	lateMarks markSet // of the names of these facts

	// Arena holds the texts made for this event; strings from it live as long as they are referred to.
	Arena *Arena

	objects   []*Object // all made for this event's owner; the first nObjects are in use
	lists     []*List
	nObjects  int
	nLists    int
	cancelled bool
	read      int64

	clock  timestampText
	shapes jsonShapes
	paths  pathCache
}

// SetRead notes when the batch that e comes from was read, in nanoseconds since 1970. The worker does it, for events that filters make
// too.
func (e *Event) SetRead(nanos int64) { e.read = nanos }

// Read returns what SetRead noted, 0 if nothing was. A persistent queue keeps it, so that an event that is processed again has it again.
func (e *Event) Read() int64 { return e.read }

// New returns an empty event that takes its texts from arena; nil gives it an arena of its own.
func New(arena *Arena) *Event {
	if arena == nil {
		arena = new(Arena)
	}
	e := &Event{Arena: arena}
	e.root.owner, e.meta.owner = e, e
	return e
}

// keepFields bounds the memory that an event keeps for the next one: slices that a huge document made are dropped.
const keepFields = 1024

// Reset makes e empty for the next record. Objects and lists of the old one are reused: whoever kept one sees it change.
func (e *Event) Reset() {
	mangle(e)
	e.root.Clear()
	e.meta.Clear()
	e.root.shrink()
	if len(e.objects) > keepFields {
		e.objects = nil
	}
	if len(e.lists) > keepFields {
		e.lists = nil
	}
	e.nObjects, e.nLists = 0, 0
	e.cancelled, e.read = false, 0
	if e.late != nil {
		e.late, e.lateMarks = nil, markSet{}
	}
}

// metadata returns @metadata with the facts about the source, which stay behind what the event brought itself.
func (e *Event) metadata() *Object {
	if e.late == nil {
		return &e.meta
	}
	late := e.late.Fields
	e.late, e.lateMarks = nil, markSet{}
	for i := range late {
		if f := &late[i]; f.Path.meta && !e.Has(f.Path) {
			_ = e.Set(f.Path, f.Value) // below a scalar that the event brought: its own word counts
		}
	}
	return &e.meta
}

// NewObject returns an empty object that belongs to e until its next Reset.
func (e *Event) NewObject() *Object {
	if e.nObjects == len(e.objects) {
		e.objects = append(e.objects, &Object{owner: e})
	}
	o := e.objects[e.nObjects]
	e.nObjects++
	o.Clear()
	o.shrink()
	return o
}

// NewList returns an empty list that belongs to e until its next Reset.
func (e *Event) NewList() *List {
	if e.nLists == len(e.lists) {
		e.lists = append(e.lists, new(List))
	}
	l := e.lists[e.nLists]
	e.nLists++
	if cap(l.items) > keepFields {
		l.items = nil
	}
	l.items = l.items[:0]
	return l
}

// Own returns v as a value that belongs to e: lists and objects are copied through all levels, anything else is as it is.
func (e *Event) Own(v Value) Value {
	switch v.kind {
	case KindList:
		l := e.NewList()
		for _, item := range v.List().Items() {
			l.items = append(l.items, e.Own(item))
		}
		return ListValue(l)
	case KindObject:
		o := e.NewObject()
		o.copyFrom(v.Object(), e)
		return ObjectValue(o)
	}
	return v
}

// Clone returns a copy of e that nobody reuses, with an arena of its own.
func (e *Event) Clone() *Event {
	c := New(nil)
	e.CopyTo(c)
	return c
}

// CopyTo makes c, after a Reset, a copy of e.
func (e *Event) CopyTo(c *Event) {
	c.Reset()
	c.root.copyFrom(&e.root, c)
	c.meta.copyFrom(e.metadata(), c)
	c.cancelled, c.read = e.cancelled, e.read
}

// Cancel marks the event as dropped: no further filter and no output sees it.
func (e *Event) Cancel() { e.cancelled = true }

// Cancelled reports whether a filter dropped the event.
func (e *Event) Cancelled() bool { return e.cancelled }

// Root returns the object that holds the top-level fields. What is set through it directly is not checked; @timestamp and tags are
// set by [Event.Set].
func (e *Event) Root() *Object { return &e.root }

// Metadata returns the object that holds [@metadata].
func (e *Event) Metadata() *Object { return e.metadata() }

// Timestamp returns @timestamp; false if the event has none any more.
func (e *Event) Timestamp() (time.Time, bool) {
	v, ok := e.root.getKey(&timestampPath.keys[0])
	if !ok || v.kind != Time {
		return time.Time{}, false
	}
	return v.Time(), true
}

// SetTimestamp sets @timestamp.
func (e *Event) SetTimestamp(t time.Time) { e.root.setKey(&timestampPath.keys[0], TimeValue(t)) }

// top returns the object that the first key of p is looked up in.
func (e *Event) top(p *Path) *Object {
	if !p.meta {
		return &e.root
	}
	// Outputs ask for metadata of their own with every event, and that must not set the rest.
	if len(p.keys) > 0 && !e.lateMarks.has(p.keys[0].mark) {
		return &e.meta
	}
	return e.metadata()
}

// Get returns the value that p refers to, and whether there is one (a null is one).
func (e *Event) Get(p *Path) (Value, bool) {
	if p.plain { // as most are: without another call
		i := e.root.findKey(&p.keys[0])
		if i < 0 {
			return Value{}, false
		}
		if e.root.fields[i].Val.kind == rawJSON {
			e.root.build(i)
		}
		return e.root.fields[i].Val, true
	}
	if len(p.keys) == 0 {
		if p.meta {
			return ObjectValue(e.metadata()), true
		}
		return Value{}, false
	}
	k := &p.keys[0]
	if p.meta && !e.meta.seen.has(k.mark) && !e.lateMarks.has(k.mark) {
		return Value{}, false // what outputs ask of every event, and nearly none has
	}
	v, ok := e.top(p).getKey(k)
	for i := 1; ok && i < len(p.keys); i++ {
		v, ok = p.keys[i].child(v)
	}
	return v, ok
}

// Has reports whether p refers to a value; a null counts.
func (e *Event) Has(p *Path) bool {
	_, ok := e.Get(p)
	return ok
}

// Set sets what p refers to, making the objects on the way (Accessors.java). v must belong to e or be a scalar. Errors: p leads below
// a scalar; @timestamp must be a Time; tags must be a string or a list of strings. Setting a name below a list does nothing, an index
// beyond a list's end fills it up with nulls.
func (e *Event) Set(p *Path, v Value) error {
	if p.reserved {
		if err := e.checkReserved(p, v); err != nil {
			return err
		}
	}
	if len(p.keys) == 0 {
		return e.setMetadata(v)
	}
	o := e.top(p)
	if len(p.keys) == 1 {
		o.setKey(&p.keys[0], v)
		return nil
	}
	cur := e.descend(o, &p.keys[0])
	for i := 1; i < len(p.keys)-1; i++ {
		next, ok := p.keys[i].child(cur)
		if !ok || next.kind == Null {
			next = ObjectValue(e.NewObject())
			if done, err := e.setChild(cur, &p.keys[i], next); done || err != nil {
				return err
			}
		}
		cur = next
	}
	_, err := e.setChild(cur, &p.keys[len(p.keys)-1], v)
	return err
}

// SetNamed is Set for a name that an event's content brought, the key of a document or of a pair: a field reference if it has brackets.
// Most are plain, which saves compiling one.
func (e *Event) SetNamed(name string, v Value) error {
	switch name {
	case TimestampField:
		return e.Set(timestampPath, v)
	case TagsField:
		return e.Set(tagsPath, v)
	case MetadataField:
		return e.setMetadata(v)
	}
	if strings.IndexByte(name, '[') < 0 && strings.IndexByte(name, ']') < 0 {
		e.root.Set(name, v)
		return nil
	}
	p, err := ParsePath(name)
	if err != nil {
		return err
	}
	return e.Set(&p, v)
}

// SetFields is SetNamed for each field of o, which brought its names with its content: a document, pairs. On an error the fields before
// that which could not be set are there.
func (e *Event) SetFields(o *Object) error {
	if o.holes > 0 {
		o.close()
	}
	for i := range o.fields {
		f := &o.fields[i]
		mark := o.markAt(i)
		if !reservedMarks.has(mark) && !hasBracket(f.Key) {
			v := f.Val
			if v.kind == rawJSON {
				v = o.at(i)
			}
			e.root.set(f.Key, mark, v)
		} else if err := e.SetNamed(f.Key, o.at(i)); err != nil {
			return err
		}
	}
	return nil
}

// AddPlain sets a top-level field that the event does not have, by a name without brackets. If there is such a field it returns where it
// is among those of Root, at -1 if the name is a reserved one, which only Set may set; ok is false then, and nothing changed.
func (e *Event) AddPlain(name string, v Value) (at int, ok bool) {
	mark := markOf(name)
	if reservedMarks.has(mark) && Reserved(name) {
		return -1, false
	}
	if at = e.root.find(name, mark); at >= 0 {
		return at, false
	}
	at = len(e.root.fields)
	e.root.add(name, mark, v)
	return at, true
}

// Keep removes all top-level fields but the first n.
func (e *Event) Keep(n int) {
	e.root.settle()
	clear(e.root.fields[n:])
	e.root.fields, e.root.index = e.root.fields[:n], nil
}

// hasBracket reports whether a name is more than a plain one. Names are short: a call to search them would take longer than this.
func hasBracket(name string) bool {
	p := unsafe.Slice(unsafe.StringData(name), len(name))
	switch n := len(p); {
	case n >= 8:
		i := 0
		for ; i < n-8; i += 8 {
			if bracketIn(binary.LittleEndian.Uint64(p[i:])) {
				return true
			}
		}
		return bracketIn(binary.LittleEndian.Uint64(p[n-8:]))
	case n >= 4:
		return bracketIn(uint64(binary.LittleEndian.Uint32(p))<<32 | uint64(binary.LittleEndian.Uint32(p[n-4:])))
	}
	return strings.ContainsAny(name, "[]")
}

const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// bracketIn reports whether one of the bytes of w is a bracket: a zero after the exclusive or, which a borrow finds.
func bracketIn(w uint64) bool {
	open, shut := w^'['*lows, w^']'*lows
	return ((open-lows)&^open|(shut-lows)&^shut)&highs != 0
}

// Top returns the top-level field that p refers to if it is a plain name and there is one, nil otherwise. Its Val may be changed through
// the pointer, which is valid until the next change of the event: reading a field and setting it takes one search.
func (e *Event) Top(p *Path) *Field {
	if !p.plain {
		return nil
	}
	k := &p.keys[0]
	i := e.root.findKey(k)
	if i < 0 {
		return nil
	}
	e.root.at(i)
	return &e.root.fields[i]
}

var timestampPath, versionPath, tagsPath = MustPath(TimestampField), MustPath(VersionField), MustPath(TagsField)

// SetIfAbsent is Set for a field that is missing or null, in one search; done is false, and nothing changed, if p has a value.
func (e *Event) SetIfAbsent(p *Path, v Value) (done bool, err error) {
	if p.reserved || len(p.keys) == 0 {
		return e.setIfAbsentSlowly(p, v)
	}
	o := e.top(p)
	last := len(p.keys) - 1
	for i := range p.keys[:last] {
		k := &p.keys[i]
		at := o.findKey(k)
		switch {
		case at < 0:
			child := e.NewObject()
			o.add(k.name, k.mark, ObjectValue(child))
			o = child
		case o.at(at).kind == KindObject:
			o = o.at(at).Object()
		default:
			return e.setIfAbsentSlowly(p, v)
		}
	}
	k := &p.keys[last]
	at := o.findKey(k)
	switch {
	case at < 0:
		o.add(k.name, k.mark, v)
	case o.at(at).kind == Null:
		o.fields[at].Val = v
	default:
		return false, nil
	}
	return true, nil
}

func (e *Event) setIfAbsentSlowly(p *Path, v Value) (done bool, err error) {
	if old, _ := e.Get(p); old.kind != Null {
		return false, nil
	}
	return true, e.Set(p, v)
}

// descend returns the value of k in o, which it makes an object if it is missing or null.
func (e *Event) descend(o *Object, k *key) Value {
	i := o.findKey(k)
	if i >= 0 {
		if v := o.at(i); v.kind != Null {
			return v
		}
	}
	v := ObjectValue(e.NewObject())
	o.setKey(k, v)
	return v
}

// setChild sets k of the container to v; done means that a list ignored a name.
func (e *Event) setChild(container Value, k *key, v Value) (done bool, err error) {
	switch container.kind {
	case KindObject:
		container.Object().setKey(k, v)
		return false, nil
	case KindList:
		return setItem(container.List(), k, v)
	}
	return false, fmt.Errorf("could not set field %q on the %s %q", k.name, container.kind, container.Text())
}

// maxListIndex bounds what one reference may fill up with nulls.
const maxListIndex = 1 << 16

func setItem(l *List, k *key, v Value) (ignored bool, err error) {
	if !k.isNum {
		return true, nil
	}
	i, ok := k.listIndex(len(l.items))
	switch {
	case ok:
		l.items[i] = v
		return false, nil
	case i < 0 || i > maxListIndex:
		return false, fmt.Errorf("index %s is out of the bounds of an array of %d", k.name, len(l.items))
	}
	for len(l.items) < i {
		l.items = append(l.items, Value{})
	}
	l.items = append(l.items, v)
	return false, nil
}

func (e *Event) checkReserved(p *Path, v Value) error {
	switch p.keys[0].name {
	case TimestampField:
		if len(p.keys) == 1 && v.kind != Time {
			return fmt.Errorf("wrong argument type %s for @timestamp (expected a timestamp)", v.kind)
		}
	case TagsField:
		if len(p.keys) > 1 || !validTags(v) {
			return fmt.Errorf("could not set the reserved tags field %q to value %q: it only accepts a string or an array of strings", p.text, v.Text())
		}
	}
	return nil
}

// validTags reports whether v may stand in the field tags.
func validTags(v Value) bool {
	switch v.kind {
	case String:
		return true
	case KindList:
		for _, t := range v.List().items {
			if t.kind != String {
				return false
			}
		}
		return true
	}
	return false
}

func (e *Event) setMetadata(v Value) error {
	o := v.Object()
	if o == nil {
		return fmt.Errorf("@metadata is a hash and cannot be set to the %s %q", v.kind, v.Text())
	}
	if o == &e.meta {
		return nil
	}
	e.late, e.lateMarks = nil, markSet{}
	fields := append([]Field(nil), o.Fields()...) // o may be part of what is replaced
	e.meta.Clear()
	for _, f := range fields {
		e.meta.Set(f.Key, f.Val)
	}
	return nil
}

// Remove takes away what p refers to and returns the value it had. A list closes its gap. Removing @metadata empties it.
func (e *Event) Remove(p *Path) (Value, bool) {
	if p.plain {
		return e.root.deleteKey(&p.keys[0])
	}
	switch len(p.keys) {
	case 0:
		if p.meta {
			e.late, e.lateMarks = nil, markSet{}
			e.meta.Clear()
		}
		return Value{}, p.meta
	case 1:
		return e.top(p).deleteKey(&p.keys[0])
	}
	k := &p.keys[0]
	v, ok := e.top(p).getKey(k)
	for i := 1; ok && i < len(p.keys)-1; i++ {
		v, ok = p.keys[i].child(v)
	}
	if !ok {
		return Value{}, false
	}
	last := &p.keys[len(p.keys)-1]
	if l := v.List(); l != nil {
		i, ok := last.listIndex(len(l.items))
		if !ok {
			return Value{}, false
		}
		old := l.items[i]
		l.Remove(i)
		return old, true
	}
	if o := v.Object(); o != nil {
		return o.deleteKey(last)
	}
	return Value{}, false
}

// RemoveAll is Remove for each of paths.
func (e *Event) RemoveAll(paths []*Path) {
	for _, p := range paths {
		if !p.plain {
			e.Remove(p)
		} else if i := e.root.findKey(&p.keys[0]); i >= 0 {
			e.root.dig(i)
		}
	}
}

// Tag adds tag to tags unless it is there (Event.java, tag): for failure tags.
func (e *Event) Tag(tag string) { e.tag(tag, false) }

// AppendTag adds tag to tags even if it is there (util/decorators.rb, add_tags): for the option add_tag.
func (e *Event) AppendTag(tag string) { e.tag(tag, true) }

func (e *Event) tag(tag string, again bool) {
	v, ok := e.root.Get(TagsField)
	l := v.List()
	if l == nil {
		l = e.NewList()
		if ok && v.kind == String && !(v.Str() == tag && !again) {
			l.Append(v)
		}
		e.root.Set(TagsField, ListValue(l))
	} else if !again {
		for _, t := range l.items {
			if t.Str() == tag {
				return
			}
		}
	}
	l.Append(StringValue(tag))
}

// HasTag reports whether tags holds tag.
func (e *Event) HasTag(tag string) bool {
	v, _ := e.root.Get(TagsField)
	if l := v.List(); l != nil {
		for _, t := range l.items {
			if t.kind == String && t.Str() == tag {
				return true
			}
		}
		return false
	}
	return v.kind == String && v.Str() == tag
}

// Untag takes every occurrence of tag out of tags; a single string becomes a list on the way (util/decorators.rb, remove_tags).
func (e *Event) Untag(tag string) {
	v, ok := e.root.Get(TagsField)
	if !ok || v.kind == Null {
		return
	}
	l := v.List()
	if l == nil {
		l = e.NewList()
		l.Append(v)
		e.root.Set(TagsField, ListValue(l))
	}
	kept := l.items[:0]
	for _, t := range l.items {
		if t.kind != String || t.Str() != tag {
			kept = append(kept, t)
		}
	}
	l.items = kept
}

// AddField is the option add_field for one value: a new field is set, an existing one becomes a list with v at its end. A hash becomes
// a list of its pairs first, as Ruby's Array() makes it.
func (e *Event) AddField(p *Path, v Value) error {
	old, ok := e.Get(p)
	if !ok {
		if p.plain { // it is not looked for again
			e.root.addKey(&p.keys[0], v)
			return nil
		}
		return e.Set(p, v)
	}
	if l := old.List(); l != nil {
		if p.isTop(TagsField) && v.kind != String {
			return e.checkReserved(p, v)
		}
		l.Append(v)
		return nil
	}
	l := e.NewList()
	switch old.kind {
	case Null:
	case KindObject:
		for _, f := range old.Object().Fields() {
			pair := e.NewList()
			pair.items = append(pair.items, StringValue(f.Key), f.Val)
			l.Append(ListValue(pair))
		}
	default:
		l.Append(old)
	}
	l.Append(v)
	return e.Set(p, ListValue(l))
}
