// Package mutate renames, replaces, converts and edits fields.
package mutate

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("mutate", Options{TagOnFailure: "_mutate_error"}, New, plugin.Borrowing())

// Options configures the filter. Whatever the order in the config, the operations run in the order of the options below, and the common
// options (add_field, remove_field, add_tag, remove_tag) behind them.
type Options struct {
	// Values for fields that exist and are null. A value may refer to other fields: "%{host}".
	Coerce config.Map[config.Value] `opt:"coerce"`

	// Fields to rename: old name to new name. Both may refer to other fields.
	Rename config.Map[config.Value] `opt:"rename"`

	// Values for fields that exist.
	Update config.Map[config.Value] `opt:"update"`

	// Values for fields, whether they exist or not.
	Replace config.Map[config.Value] `opt:"replace"`

	// Types to convert fields to: integer, float, string, boolean, and integer_eu and float_eu for numbers written 1.234,5. The items of
	// an array are converted one by one, a hash stays as it is.
	Convert config.Map[config.Value] `opt:"convert"`

	// Replacements in strings and arrays of strings, three items each: field, regular expression, replacement. The replacement may refer
	// to groups (\1, \k<name>, \0) and to other fields; so may the expression to fields, which costs more.
	Gsub gsubList `opt:"gsub"`

	// Fields to write in upper case.
	Uppercase []string `opt:"uppercase"`

	// Fields to write in lower case but for the first letter.
	Capitalize []string `opt:"capitalize"`

	// Fields to write in lower case.
	Lowercase []string `opt:"lowercase"`

	// Fields to take white space from, at both ends.
	Strip []string `opt:"strip"`

	// Strings to split into arrays: field to separator. Empty pieces at the end are left out.
	Split config.Map[config.Value] `opt:"split"`

	// Arrays to join into strings: field to separator.
	Join config.Map[config.Value] `opt:"join"`

	// Fields to add to others: destination to source. Two hashes become one, anything else an array.
	Merge config.Map[config.Value] `opt:"merge"`

	// Fields to copy: source to destination.
	Copy config.Map[config.Value] `opt:"copy"`

	// Tag for events with which an operation failed; what was to follow it is left out then.
	TagOnFailure string `opt:"tag_on_failure"`

	Remove []string `opt:"remove,removed=use remove_field"`
	Trim   []string `opt:"trim,removed=use strip"`
}

// operation is one change of an event.
type operation interface {
	// apply returns an error if the operation cannot be done; the event is as it was before then.
	apply(e *event.Event, s *scratch) error
}

// bound is an operation with matchers, of which every worker gets its own.
type bound interface {
	operation
	forWorker() operation
}

// filter is one mutate block; each worker has one of its own.
type filter struct {
	operations []operation
	tag        string
	stats      *plugin.Stats
	log        *throttle.Logger
	scratch    scratch

	_ [64]byte // a line of the cache between the scratch of two workers
}

// New compiles the operations.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	c := compiler{env: env}
	c.assignments(&o)
	c.conversions(o.Convert)
	c.gsubs(o.Gsub)
	c.texts(&o)
	c.lists(&o)
	if err := errors.Join(c.errs...); err != nil {
		return nil, err
	}
	return &filter{operations: c.operations, tag: o.TagOnFailure, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}, nil
}

// ForWorker returns the filter for one worker.
func (f *filter) ForWorker() plugin.Filter {
	w := &filter{tag: f.tag, stats: f.stats, log: f.log}
	w.operations = make([]operation, len(f.operations))
	for i, op := range f.operations {
		if b, ok := op.(bound); ok {
			op = b.forWorker()
		}
		w.operations[i] = op
	}
	return w
}

// FailureTag is also the tag for common options that cannot be applied.
func (f *filter) FailureTag() string { return f.tag }

// Filter applies the operations, up to the first that fails.
func (f *filter) Filter(e *event.Event) bool {
	for _, op := range f.operations {
		if err := op.apply(e, &f.scratch); err != nil {
			e.Tag(f.tag)
			f.stats.Failures.Add(1)
			f.log.Warn("a mutate operation failed", slog.Any("error", err))
			return false
		}
	}
	return true
}

// ref is a field that an option names. Logstash finds a malformed reference when it meets an event, and so do we.
type ref struct {
	path event.Path
	top  bool // a top-level field that may hold anything
	err  error
}

// get returns the value of the field, null if there is none, and where it stands in the event if that was easy to find: most references
// are plain names, and setting what was just read need not look for it again.
func (r *ref) get(e *event.Event) (event.Value, *event.Field) {
	if r.top {
		if f := e.Top(&r.path); f != nil {
			return f.Val, f
		}
		return event.Value{}, nil
	}
	v, _ := e.Get(&r.path)
	return v, nil
}

// set sets the field. at is what get returned; the event may not have changed since.
func (r *ref) set(e *event.Event, at *event.Field, v event.Value) error {
	if at != nil {
		at.Val = v
		return nil
	}
	return e.Set(&r.path, v)
}

// compiler makes operations of options, in the order in which they run.
type compiler struct {
	env        *plugin.Env
	operations []operation
	errs       []error
}

func (c *compiler) add(op operation) { c.operations = append(c.operations, op) }

func (c *compiler) ref(option, name string) ref {
	p, err := event.ParsePath(name)
	c.check(option, err)
	r := ref{path: p, err: err}
	if keys := p.Keys(); len(keys) == 1 && !p.IsMetadata() && keys[0] != event.TagsField && keys[0] != event.TimestampField {
		r.top = true
	}
	return r
}

func (c *compiler) template(option, text string) event.Template {
	t := event.ParseTemplate(text)
	c.check(option, t.Err())
	return t
}

func (c *compiler) pathTemplate(option, text string) event.PathTemplate {
	t := event.ParsePathTemplate(text)
	c.check(option, t.Err())
	return t
}

// check warns of a reference that no event can resolve.
func (c *compiler) check(option string, err error) {
	if err != nil {
		c.env.Warn(option, "option %q will fail for every event: %v", option, err)
	}
}

func (c *compiler) fail(option, key string, format string, args ...any) {
	c.errs = append(c.errs, plugin.EntryError(option, key, fmt.Errorf(format, args...)))
}

func hinted(err error, hint string) error { return plugin.Hinted(err, "%s", hint) }

// names returns the names in a value that is one or a list of them.
func names(v config.Value) []string {
	if v.Type != config.TypeArray {
		return []string{v.Text()}
	}
	list := make([]string, len(v.Items))
	for i, item := range v.Items {
		list[i] = item.Text()
	}
	return list
}

// scratch is one worker's space for making texts.
type scratch struct {
	from, to event.Path
	buf      []byte
	cases    caser
}
