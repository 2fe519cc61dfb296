// Package truncate shortens strings that are longer than a number of bytes, without splitting a character.
package truncate

import (
	"errors"
	"unicode/utf8"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("truncate", Options{}, New, plugin.Borrowing())

// Options configures the filter. The common options are applied to events in which something was shortened.
type Options struct {
	// Fields to shorten: strings, the strings of an array, and all below a hash. Without them every field of the event, which costs more.
	Fields []event.Path `opt:"fields"`

	// Length to keep, in bytes, counted from the start of the string.
	LengthBytes int `opt:"length_bytes,required"`
}

type filter struct {
	fields []event.Path
	max    int
}

// New checks the length.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	if o.LengthBytes < 0 {
		return nil, plugin.OptionError("length_bytes", errors.New("a length cannot be negative"))
	}
	return &filter{o.Fields, o.LengthBytes}, nil
}

// Filter shortens the fields.
func (f *filter) Filter(e *event.Event) (cut bool) {
	if f.fields == nil {
		return f.object(e.Root())
	}
	for i := range f.fields {
		v, _ := e.Get(&f.fields[i])
		if v.Kind() == event.String {
			if short := trim(v.Str(), f.max); len(short) < len(v.Str()) && e.Set(&f.fields[i], event.StringValue(short)) == nil {
				cut = true
			}
			continue
		}
		cut = f.inside(v) || cut
	}
	return cut
}

// inside shortens what is in an array or hash. The hashes and arrays in an array stay as they are, as in Logstash.
func (f *filter) inside(v event.Value) (cut bool) {
	if o := v.Object(); o != nil {
		return f.object(o)
	}
	l := v.List()
	for i := range l.Len() {
		if item := l.At(i); item.Kind() == event.String && len(item.Str()) > f.max {
			l.SetAt(i, event.StringValue(trim(item.Str(), f.max)))
			cut = true
		}
	}
	return cut
}

func (f *filter) object(o *event.Object) (cut bool) {
	for i := range o.Len() {
		field := o.At(i)
		if field.Val.Kind() != event.String {
			cut = f.inside(field.Val) || cut
			continue
		}
		if s := field.Val.Str(); len(s) > f.max {
			field.Val = event.StringValue(trim(s, f.max))
			cut = true
		}
	}
	return cut
}

// trim returns at most max bytes of s. A character that was split at the end, or was none, is left out.
func trim(s string, max int) string {
	if len(s) <= max {
		return s
	}
	s = s[:max]
	for s != "" {
		if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size != 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s
}
