// Package jsonencode writes fields as JSON text.
package jsonencode

import (
	"log/slog"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("json_encode", Options{}, New, plugin.Borrowing())

// Options configures the filter.
type Options struct {
	// Field to encode. A missing one is encoded as null.
	Source event.Path `opt:"source,required"`

	// Field for the text; the source if not given.
	Target event.Path `opt:"target"`
}

// failureTag marks events whose target cannot be set.
const failureTag = "_jsongeneratefailure"

type filter struct {
	o     Options
	stats *plugin.Stats
	log   *throttle.Logger
}

// New returns the filter.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	if o.Target.IsZero() {
		o.Target = o.Source
	}
	return &filter{o, env.Stats, throttle.New(env.Log, time.Minute)}, nil
}

// Filter encodes the source.
func (f *filter) Filter(e *event.Event) bool {
	v, _ := e.Get(&f.o.Source)
	text := e.Arena.Take(v.AppendJSON(e.Arena.Free()))
	if err := e.Set(&f.o.Target, event.StringValue(text)); err != nil {
		e.Tag(failureTag)
		f.stats.Failures.Add(1)
		f.log.Warn("a JSON text cannot be set", slog.Any("error", err))
		return false
	}
	return true
}
