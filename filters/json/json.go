// Package json parses fields that hold JSON.
package json

import (
	"errors"
	"log/slog"
	"time"

	"millrace/internal/joda"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("json", Options{TagOnFailure: []string{"_jsonparsefailure"}}, New, plugin.Borrowing())

// Options configures the filter.
type Options struct {
	// Field that holds the JSON text. Events without it are left alone.
	Source string `opt:"source,required"`

	// Field for the parsed value, which may be of any type. Without it the members of an object become fields of the event: names are
	// taken as field references, and @timestamp and @metadata are those of the event.
	Target event.Path `opt:"target"`

	// Tags for events whose text is no JSON, or no object where one is needed.
	TagOnFailure []string `opt:"tag_on_failure"`

	// Leave events alone whose text is no JSON: no tag, no log line.
	SkipOnInvalidJSON bool `opt:"skip_on_invalid_json"`
}

type filter struct {
	o      Options
	source event.Path
	err    error // of source: Logstash finds it when it meets an event
	target *event.Path
	stats  *plugin.Stats
	log    *throttle.Logger
}

// New compiles the references.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: o, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	if f.source, f.err = event.ParsePath(o.Source); f.err != nil {
		env.Warn("source", "every event will fail: %v", f.err)
	}
	if !o.Target.IsZero() {
		f.target = &f.o.Target
	}
	return f, nil
}

var (
	errKind   = errors.New("the source is no string")
	errObject = errors.New("the text is no JSON object, which needs a target")
)

// Filter parses the source.
func (f *filter) Filter(e *event.Event) bool {
	if f.err != nil {
		return f.fail(e, "the source is no field reference", f.err)
	}
	src, ok := e.Get(&f.source)
	if !ok || src.IsNull() || src.Kind() == event.Bool && !src.Bool() {
		return false
	}
	v, err := parse(e, src)
	if err != nil {
		if f.o.SkipOnInvalidJSON {
			return false
		}
		return f.fail(e, "a text could not be parsed as JSON", err)
	}
	if f.target != nil {
		err = e.Set(f.target, v)
	} else if o := v.Object(); o != nil {
		err = f.merge(e, o)
	} else {
		err = errObject
	}
	if err != nil {
		return f.fail(e, "a parsed JSON text could not be put into the event", err)
	}
	return true
}

// fail tags and counts; it returns false.
func (f *filter) fail(e *event.Event, msg string, err error) bool {
	for _, tag := range f.o.TagOnFailure {
		e.Tag(tag)
	}
	f.stats.Failures.Add(1)
	f.log.Warn(msg, slog.String("source", f.o.Source), slog.Any("error", err))
	return false
}

// parse reads all that the text holds: the last of several values counts, and white space alone is a null.
func parse(e *event.Event, src event.Value) (event.Value, error) {
	if src.Kind() != event.String {
		return event.Value{}, errKind
	}
	v, rest, ok, err := e.ParseJSON(src.Str())
	for ok && rest != "" {
		var next event.Value
		if next, rest, ok, err = e.ParseJSON(rest); ok {
			v = next
		}
	}
	return v, err
}

// merge sets the members of o as fields. The first that cannot be set ends it; those before it stay, as in Logstash.
func (f *filter) merge(e *event.Event, o *event.Object) error {
	var stamp event.Value
	for _, m := range o.Fields() {
		if m.Key == event.TimestampField {
			stamp = m.Val
			continue
		}
		if err := e.SetNamed(m.Key, m.Val); err != nil {
			return err
		}
	}
	if stamp.IsNull() || stamp.Kind() == event.Bool && !stamp.Bool() {
		return nil
	}
	if stamp.Kind() == event.String {
		if t, ok := joda.ParseTimestamp(stamp.Str()); ok {
			e.SetTimestamp(t)
			return nil
		}
	}
	e.SetTimestamp(time.Now())
	e.Tag(event.TimestampFailureTag)
	e.Root().Set(event.TimestampFailureFld, textOf(e, stamp))
	f.log.Warn("a JSON text had an @timestamp that is no time; the event keeps the current time", slog.String("source", f.o.Source))
	return nil
}

// textOf returns v as Ruby's to_s writes it.
func textOf(e *event.Event, v event.Value) event.Value {
	if v.Kind() == event.String {
		return v
	}
	return event.StringValue(e.Arena.Take(v.AppendRubyText(e.Arena.Free())))
}
