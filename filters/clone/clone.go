// Package clone copies events.
package clone

import (
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("clone", Options{}, New, plugin.Borrowing())

// Options configures the filter. The common options are applied to the copies alone.
type Options struct {
	// Names of the copies, one for each. Without ECS the name is the copy's type, with it one of its tags.
	Clones []string `opt:"clones,required"`
}

type filter struct {
	names []string
	ecs   bool
}

// New warns of an empty list.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	if len(o.Clones) == 0 {
		env.Warn("clones", "the list is empty, so there will be no copies")
	}
	return &filter{o.Clones, env.ECS.Enabled()}, nil
}

// Filter is not called: the pipeline calls Multiply.
func (f *filter) Filter(*event.Event) bool { panic("BUG: clone called without a spawner") }

// Multiply makes the copies and leaves e as it is.
func (f *filter) Multiply(e *event.Event, out plugin.Spawner) bool {
	for _, name := range f.names {
		c := out.New()
		e.CopyTo(c)
		if f.ecs {
			c.Tag(name)
		} else {
			c.Root().Set("type", event.StringValue(name))
		}
		out.Succeed(c)
	}
	return false
}
