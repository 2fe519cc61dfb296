// Package alter sets fields to texts that depend on what the event holds.
package alter

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("alter", Options{}, New, plugin.Borrowing())

// Options configures the filter. Its three operations are done in the order condrewrite, condrewriteother, coalesce.
type Options struct {
	// Fields to rewrite, three items each: field, expected text, new text. A field that is the expected text becomes the new one; of an array
	// each item. Both texts may refer to fields.
	CondRewrite []config.Value `opt:"condrewrite"`

	// The same for another field, four items each: field to compare, expected text, field to set, its text.
	CondRewriteOther []config.Value `opt:"condrewriteother"`

	// A field, and texts of which it gets the first one whose references are all there.
	Coalesce []config.Value `opt:"coalesce"`
}

// rewrite is one entry of condrewrite or condrewriteother. target is nil for the former.
type rewrite struct {
	field    event.Path
	expected event.Template
	target   *event.Path
	value    event.Template
}

type filter struct {
	rewrites []rewrite
	coalesce *event.Path
	choices  []event.Template
	stats    *plugin.Stats
	log      *throttle.Logger
}

// New compiles the entries.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	errs := []error{f.add("condrewrite", o.CondRewrite, 3), f.add("condrewriteother", o.CondRewriteOther, 4)}
	if len(o.Coalesce) == 1 {
		errs = append(errs, plugin.OptionError("coalesce", errors.New("expected a field and texts for it")))
	} else if len(o.Coalesce) > 1 {
		p, err := event.ParsePath(o.Coalesce[0].Text())
		if err != nil {
			errs = append(errs, plugin.OptionError("coalesce", err))
		}
		f.coalesce = &p
		for _, v := range o.Coalesce[1:] {
			f.choices = append(f.choices, event.ParseTemplate(v.Text()))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	f.warn(env)
	return f, nil
}

// add compiles the entries of an option, so many items each.
func (f *filter) add(option string, items []config.Value, size int) error {
	if len(items)%size != 0 {
		return plugin.OptionError(option, fmt.Errorf("expected %d items for each entry, got %d in all", size, len(items)))
	}
	var errs []error
	for ; len(items) > 0; items = items[size:] {
		r := rewrite{expected: event.ParseTemplate(items[1].Text()), value: event.ParseTemplate(items[size-1].Text())}
		var err error
		if r.field, err = event.ParsePath(items[0].Text()); err != nil {
			errs = append(errs, plugin.OptionError(option, err))
		}
		if size == 4 {
			target, err := event.ParsePath(items[2].Text())
			if err != nil {
				errs = append(errs, plugin.OptionError(option, err))
			}
			r.target = &target
		}
		f.rewrites = append(f.rewrites, r)
	}
	return errors.Join(errs...)
}

func (f *filter) warn(env *plugin.Env) {
	for i := range f.rewrites {
		r := &f.rewrites[i]
		if err := errors.Join(r.expected.Err(), r.value.Err()); err != nil {
			env.Warn("", "every event will fail: %v", err)
		}
	}
	for i := range f.choices {
		if err := f.choices[i].Err(); err != nil {
			env.Warn("coalesce", "every event will fail: %v", err)
		}
	}
	if len(f.rewrites) == 0 && f.coalesce == nil {
		env.Warn("", "it does nothing: none of condrewrite, condrewriteother and coalesce is given")
	}
}

// Filter does what the options ask for.
func (f *filter) Filter(e *event.Event) bool {
	err := f.apply(e)
	if err == nil {
		return true
	}
	f.stats.Failures.Add(1)
	e.Tag("_filter_error")
	f.log.Warn("a field could not be altered", slog.Any("error", err))
	return false
}

func (f *filter) apply(e *event.Event) error {
	for i := range f.rewrites {
		if err := f.rewrites[i].apply(e); err != nil {
			return err
		}
	}
	for i := range f.choices {
		text, err := f.choices[i].Text(e)
		if err != nil {
			return err
		}
		if text == "nil" || unresolved(text) {
			continue
		}
		return e.Set(f.coalesce, event.StringValue(text))
	}
	return nil
}

// unresolved tells whether a text still holds a reference, because the field is missing.
func unresolved(text string) bool {
	_, rest, ok := strings.Cut(text, "%{")
	return ok && strings.IndexByte(rest, '}') > 0
}

func (r *rewrite) apply(e *event.Event) error {
	v, ok := e.Get(&r.field)
	if !ok {
		return nil
	}
	expected, err := r.expected.Text(e)
	if err != nil {
		return err
	}
	l := v.List()
	if l == nil {
		if v.Kind() != event.String || v.Str() != expected {
			return nil
		}
		return r.set(e, &r.field)
	}
	for i, item := range l.Items() {
		if item.Kind() != event.String || item.Str() != expected {
			continue
		}
		if r.target != nil {
			return r.set(e, nil)
		}
		text, err := r.value.Text(e)
		if err != nil {
			return err
		}
		l.SetAt(i, event.StringValue(text))
	}
	return nil
}

// set sets the target, or the field that was compared if there is none.
func (r *rewrite) set(e *event.Event, own *event.Path) error {
	text, err := r.value.Text(e)
	if err != nil {
		return err
	}
	if r.target != nil {
		own = r.target
	}
	return e.Set(own, event.StringValue(text))
}
