package event

import (
	"time"

	"millrace/internal/joda"
)

// Failure tags of an event's creation (Event.java).
const (
	TimestampFailureTag  = "_timestampparsefailure"
	TimestampFailureFld  = "_@timestamp"
	TagsFailureTag       = "_tagsparsefailure"
	TagsFailureFld       = "_tags"
	MetadataFailureField = "_@metadata"
)

// currentVersion is the @version of every event that brings none.
const currentVersion = "1"

// reservedMarks are those of the fields that every event has or might have.
var reservedMarks = marksOf(TimestampField, VersionField, MetadataField, TagsField)

var now = time.Now // TIME_NOW in templates; synctest replaces the clock below it

// SetRoot makes the fields of o, which must belong to e, the event's top-level fields. A decoder does this with a document it read;
// [Event.Create] then checks the reserved ones.
func (e *Event) SetRoot(o *Object) {
	e.root.fields, o.fields = o.fields, e.root.fields
	e.root.marks, e.root.seen, e.root.holes = o.marks, o.seen, o.holes
	e.root.index, o.index = o.index, nil
	e.root.lazy = o.lazy
	o.Clear()
}

// Create gives a decoded event what every event has (Event.java): an @timestamp, read from text where the source brought one and t
// otherwise; @version "1" if absent; metadata moved out of the document; tags that are strings. What is of no use is kept in a field
// of its own and tagged.
func (e *Event) Create(t time.Time) {
	if !e.root.seen.meets(&reservedMarks) {
		e.root.addKey(&timestampPath.keys[0], TimeValue(t))
		e.root.addKey(&versionPath.keys[0], StringValue(currentVersion))
		return
	}
	var stamp, version, badTags, badStamp bool
	for i := 0; i < len(e.root.fields); i++ {
		f := &e.root.fields[i]
		if f.Val.kind == rawJSON && (f.Key == TimestampField || f.Key == MetadataField || f.Key == TagsField) {
			e.root.at(i)
		}
		switch f.Key {
		case TimestampField:
			stamp = true
			badStamp = !e.readTimestamp(f, t)
		case VersionField:
			version = true
		case MetadataField:
			e.adoptMetadata(f)
			e.root.Delete(MetadataField)
		case TagsField:
			badTags = !validTags(f.Val)
		}
	}
	if !stamp {
		e.root.addKey(&timestampPath.keys[0], TimeValue(t))
	}
	if !version {
		e.root.addKey(&versionPath.keys[0], StringValue(currentVersion))
	}
	if badTags {
		e.moveTags()
	}
	if badStamp {
		e.Tag(TimestampFailureTag)
	}
}

// readTimestamp turns the value of @timestamp into an instant; false if it could not be read and was kept under another name.
func (e *Event) readTimestamp(f *Field, t time.Time) bool {
	switch f.Val.kind {
	case Time:
		return true
	case Null:
		f.Val = TimeValue(t)
		return true
	case String:
		if ts, ok := joda.ParseTimestamp(f.Val.Str()); ok {
			f.Val = TimeValue(ts)
			return true
		}
	}
	old := f.Val
	f.Val = TimeValue(t)
	e.root.Set(TimestampFailureFld, old) // invalidates f
	return false
}

func (e *Event) adoptMetadata(f *Field) {
	if o := f.Val.Object(); o != nil {
		for _, m := range o.Fields() {
			e.meta.Set(m.Key, m.Val)
		}
		return
	}
	if f.Val.kind != Null {
		e.meta.Set(MetadataFailureField, f.Val)
	}
}

func (e *Event) moveTags() {
	old, _ := e.root.Delete(TagsField)
	l := e.NewList()
	l.Append(old)
	e.root.Set(TagsFailureFld, ListValue(l))
	e.Tag(TagsFailureTag)
}
