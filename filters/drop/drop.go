// Package drop drops events.
package drop

import (
	"errors"
	"math/rand/v2"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("drop", Options{Percentage: 100}, New, plugin.Borrowing())

// Options configures the filter. The common options are not applied, to events that stay neither.
type Options struct {
	// How many of a hundred events to drop, chosen at random.
	Percentage float64 `opt:"percentage"`
}

type filter struct{ share float64 }

// New checks the percentage.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	switch {
	case o.Percentage != o.Percentage:
		return nil, plugin.OptionError("percentage", errors.New("the percentage is not a number"))
	case o.Percentage < 0:
		env.Warn("percentage", "a percentage below 0 drops nothing")
	case o.Percentage > 100:
		env.Warn("percentage", "a percentage above 100 drops every event")
	}
	return &filter{o.Percentage / 100}, nil
}

// Filter drops the event or leaves it alone.
func (f *filter) Filter(e *event.Event) bool {
	if f.share >= 1 || rand.Float64() < f.share {
		e.Cancel()
	}
	return false
}
