// Package outputs lists the outputs that the program has.
package outputs

import (
	"millrace/outputs/file"
	"millrace/outputs/null"
	"millrace/outputs/stdout"
	"millrace/pipeline/plugin"
)

// All returns the definitions of all outputs, sorted by name.
func All() []*plugin.Definition {
	return []*plugin.Definition{
		file.Plugin,
		null.Plugin,
		stdout.Plugin,
	}
}
