// Package uuid gives events a random UUID.
package uuid

import (
	"log/slog"
	"time"

	"millrace/internal/throttle"
	"millrace/internal/uuid4"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("uuid", Options{}, New, plugin.WithAliases("java_uuid"), plugin.Borrowing())

// Options configures the filter.
type Options struct {
	// Field for the UUID.
	Target event.Path `opt:"target,required"`

	// Replace the value of a field that exists.
	Overwrite bool `opt:"overwrite"`
}

// failureTag is that of filters without one of their own.
const failureTag = "_filter_error"

type filter struct {
	o     Options
	stats *plugin.Stats
	log   *throttle.Logger
	ids   uuid4.Source
}

// New returns the filter.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	return &filter{o: o, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}, nil
}

// ForWorker returns the filter for one worker.
func (f *filter) ForWorker() plugin.Filter { return &filter{o: f.o, stats: f.stats, log: f.log} }

// Filter sets the UUID.
func (f *filter) Filter(e *event.Event) bool {
	if v, ok := e.Get(&f.o.Target); ok && !v.IsNull() && !f.o.Overwrite {
		return true
	}
	id := e.Arena.Take(f.ids.Append(e.Arena.Free()))
	if err := e.Set(&f.o.Target, event.StringValue(id)); err != nil {
		e.Tag(failureTag)
		f.stats.Failures.Add(1)
		f.log.Warn("a UUID cannot be set", slog.Any("error", err))
		return false
	}
	return true
}
