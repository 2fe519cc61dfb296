// Package filters lists the filters that come with the program.
package filters

import (
	"millrace/filters/date"
	"millrace/filters/drop"
	"millrace/filters/grok"
	"millrace/filters/json"
	"millrace/filters/mutate"
	"millrace/pipeline/plugin"
)

// All returns the definitions of all filters.
func All() []*plugin.Definition {
	return []*plugin.Definition{
		date.Plugin,
		drop.Plugin,
		grok.Plugin,
		json.Plugin,
		mutate.Plugin,
	}
}
