// Package dedot renames fields whose names hold dots.
package dedot

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("de_dot", Options{Separator: "_", TagOnFailure: "_de_dot_error"}, New, plugin.Borrowing())

// Options configures the filter.
type Options struct {
	// What stands in place of a dot.
	Separator string `opt:"separator"`

	// Make a field of each part of the name instead, the one behind a dot below the one in front of it.
	Nested bool `opt:"nested"`

	// Look into hashes too.
	Recursive bool `opt:"recursive"`

	// Fields to rename. Without them all top-level fields whose names hold dots.
	Fields []string `opt:"fields"`

	// Tag for events in which a field could not be renamed; the field keeps its name then.
	TagOnFailure string `opt:"tag_on_failure"`
}

type filter struct {
	o      Options
	listed []listed
	stats  *plugin.Stats
	log    *throttle.Logger

	names  map[string]*name // seen so far; what events may bring is bounded
	keys   []string
	failed error
}

// New compiles the references.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	if strings.Contains(o.Separator, ".") {
		return nil, plugin.OptionError("separator", errors.New("the separator cannot be or contain a dot"))
	}
	f := &filter{o: o, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	for _, ref := range o.Fields {
		l := f.compile(ref)
		if l.err != nil {
			env.Warn("fields", "every event will fail: %v", l.err)
		}
		f.listed = append(f.listed, l)
	}
	return f.ForWorker(), nil
}

// ForWorker returns the filter for one worker.
func (f *filter) ForWorker() plugin.Filter {
	w := *f
	w.names, w.keys = make(map[string]*name), nil
	return &w
}

// Filter renames.
func (f *filter) Filter(e *event.Event) bool {
	f.failed = nil
	if f.o.Fields != nil {
		for i := range f.listed {
			f.rename(e, &f.listed[i])
		}
	} else {
		f.object(e, e.Root(), f.o.Recursive)
	}
	if f.failed == nil {
		return true
	}
	e.Tag(f.o.TagOnFailure)
	f.stats.Failures.Add(1)
	f.log.Warn("a field with dots in its name could not be renamed", slog.Any("error", f.failed))
	return false
}

// listed is a field of the option fields.
type listed struct {
	from, to event.Path
	dotted   bool
	parents  []event.Path // of from, lowest first, down to the first with a dot: they go when they are empty
	err      error
}

func (f *filter) compile(ref string) (l listed) {
	if l.from, l.err = event.ParsePath(ref); l.err != nil {
		return l
	}
	var to, from strings.Builder
	prefix := ""
	if l.from.IsMetadata() {
		prefix = "[" + event.MetadataField + "]"
	}
	keys := l.from.Keys()
	for i, key := range keys {
		from.WriteString("[" + key + "]")
		if strings.Contains(key, ".") {
			l.dotted = true
		}
		if l.dotted && i < len(keys)-1 {
			p, err := event.ParsePath(prefix + from.String())
			if err != nil {
				l.err = err
				return l
			}
			l.parents = append([]event.Path{p}, l.parents...)
		}
		if f.o.Nested {
			to.WriteString("[" + strings.ReplaceAll(key, ".", "][") + "]")
		} else {
			to.WriteString("[" + strings.ReplaceAll(key, ".", f.o.Separator) + "]")
		}
	}
	if l.dotted {
		l.to, l.err = event.ParsePath(prefix + to.String())
	}
	return l
}

// rename moves one listed field. Logstash removes the first parent with a dot as a whole, which loses its other fields; we remove it
// when nothing is left in it.
func (f *filter) rename(e *event.Event, l *listed) {
	if l.err != nil {
		f.fail(l.err)
		return
	}
	v, ok := e.Get(&l.from)
	if !ok {
		return
	}
	if o := v.Object(); o != nil && f.o.Recursive {
		f.object(e, o, true)
	}
	if !l.dotted {
		return
	}
	if err := e.Set(&l.to, v); err != nil {
		f.fail(err)
		return
	}
	if !e.Has(&l.to) { // the name of something below an array
		f.fail(fmt.Errorf("%s is not a place in the event", l.to.String()))
		return
	}
	e.Remove(&l.from)
	for i := range l.parents {
		if p, _ := e.Get(&l.parents[i]); p.Object() == nil || p.Object().Len() > 0 {
			break
		}
		e.Remove(&l.parents[i])
	}
}

func below(name string, v event.Value) error {
	return fmt.Errorf("%s would lie below a %s", name, v.Kind())
}

func (f *filter) fail(err error) { f.failed = err }
