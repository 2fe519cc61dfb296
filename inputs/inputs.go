// Package inputs lists the inputs that the program has.
package inputs

import (
	"millrace/inputs/generator"
	"millrace/inputs/stdin"
	"millrace/inputs/tcp"
	"millrace/pipeline/plugin"
)

// All returns the definitions of all inputs, sorted by name.
func All() []*plugin.Definition {
	return []*plugin.Definition{
		generator.Plugin,
		stdin.Plugin,
		tcp.Plugin,
	}
}
