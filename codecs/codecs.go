// Package codecs lists the codecs.
package codecs

import (
	"millrace/codecs/dots"
	"millrace/codecs/json"
	jsonlines "millrace/codecs/json_lines"
	"millrace/codecs/line"
	"millrace/codecs/multiline"
	"millrace/codecs/plain"
	"millrace/codecs/rubydebug"
	"millrace/pipeline/plugin"
)

// All returns the definitions of all codecs, sorted by name.
func All() []*plugin.Definition {
	return []*plugin.Definition{
		dots.Plugin,
		json.Plugin,
		jsonlines.Plugin,
		line.Plugin,
		multiline.Plugin,
		plain.Plugin,
		rubydebug.Plugin,
	}
}
