// Package dissect takes texts apart at fixed delimiters: "%{ts} %{+ts} %{host}: %{msg}".
package dissect

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("dissect", Options{TagOnFailure: []string{"_dissectfailure"}}, New, plugin.Borrowing())

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// What to take apart: fields and what they look like, texts between delimiters. %{name} puts the text into the field name, %{} and
	// %{?name} into none. %{+name} appends to the field, behind the delimiter before it; %{+name/2} does so in second place. %{&name}
	// takes the value of name for the name of its field. %{name->} is followed by any number of delimiters. Either all delimiters are
	// found, or nothing is set.
	Mapping config.Map[string] `opt:"mapping"`

	// Types to convert fields to: int or float.
	ConvertDatatype config.Map[string] `opt:"convert_datatype"`

	// Tags of events whose text does not look like that.
	TagOnFailure []string `opt:"tag_on_failure"`
}

type filter struct {
	o           Options
	patterns    []*pattern
	conversions []conversion
	matches     *atomic.Int64
	failures    *atomic.Int64
	stats       *plugin.Stats
	log         *throttle.Logger
}

// New compiles the mappings.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{
		o: o, stats: env.Stats, log: throttle.New(env.Log, time.Minute),
		matches:  env.Counter("matches", "fields that were taken apart"),
		failures: env.Counter("failures", "fields that were missing or could not be taken apart"),
	}
	var errs []error
	for _, m := range o.Mapping {
		if m.Value == "" {
			env.Warn("mapping", "the mapping of field %q is empty and has no effect", m.Key)
			continue
		}
		p, err := compile(m.Key, m.Value)
		if err != nil {
			errs = append(errs, plugin.EntryError("mapping", m.Key, err))
			continue
		}
		p.warn(env)
		f.patterns = append(f.patterns, p)
	}
	for _, c := range o.ConvertDatatype {
		conv, err := newConversion(c.Key, c.Value)
		if err != nil {
			errs = append(errs, plugin.Hinted(plugin.EntryError("convert_datatype", c.Key, err), "int or float"))
			continue
		}
		if conv.err != nil {
			env.Warn("convert_datatype", "every event will fail: %v", conv.err)
		}
		f.conversions = append(f.conversions, conv)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return f, nil
}

var (
	errDelimiter = errors.New("a delimiter was not found")
	errEmpty     = errors.New("the field is empty")
)

// Filter takes the fields apart.
func (f *filter) Filter(e *event.Event) bool {
	matched := len(f.patterns) == 0
	for _, p := range f.patterns {
		src, ok := e.Get(&p.source)
		if p.sourceErr == nil && !ok {
			f.failures.Add(1)
			f.log.Warn("a field to dissect is not in the event", slog.String("field", p.field))
			continue
		}
		err := p.sourceErr
		if err == nil {
			err = p.dissect(e, textOf(e, src))
		}
		if err != nil {
			f.fail(e, p, err)
			continue
		}
		f.matches.Add(1)
		matched = true
	}
	for i := range f.conversions {
		if err := f.conversions[i].apply(e); err != nil {
			f.failTags(e)
			f.log.Warn("a conversion of a dissected field could not be stored", slog.Any("error", err))
			return false
		}
	}
	return matched
}

func (f *filter) fail(e *event.Event, p *pattern, err error) {
	f.failures.Add(1)
	f.failTags(e)
	f.log.Warn("a text could not be dissected", slog.String("field", p.field), slog.String("pattern", p.text), slog.Any("error", err))
}

func (f *filter) failTags(e *event.Event) {
	f.stats.Failures.Add(1)
	for _, tag := range f.o.TagOnFailure {
		e.Tag(tag)
	}
}

// textOf returns v as Ruby's to_s writes it.
func textOf(e *event.Event, v event.Value) string {
	if v.Kind() == event.String {
		return v.Str()
	}
	return e.Arena.Take(v.AppendRubyText(e.Arena.Free()))
}

// warn tells of names that no event can have.
func (p *pattern) warn(env *plugin.Env) {
	if p.sourceErr != nil {
		env.Warn("mapping", "every event will fail: %v", p.sourceErr)
	}
	for i := range p.fields {
		if err := p.fields[i].err; err != nil {
			env.Warn("mapping", "every event will fail: %v", err)
		}
	}
}

// setNamed sets the field that a text of the event names.
func setNamed(e *event.Event, name string, v event.Value) error {
	if err := e.SetNamed(name, v); err != nil {
		return fmt.Errorf("a dissected text as the name of a field: %w", err)
	}
	return nil
}
