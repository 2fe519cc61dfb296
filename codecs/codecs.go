// Package codecs lists the codecs.
package codecs

import (
	"millrace/codecs/cef"
	"millrace/codecs/csv"
	"millrace/codecs/dots"
	esbulk "millrace/codecs/es_bulk"
	"millrace/codecs/fluent"
	"millrace/codecs/graphite"
	gziplines "millrace/codecs/gzip_lines"
	"millrace/codecs/json"
	jsonlines "millrace/codecs/json_lines"
	"millrace/codecs/line"
	"millrace/codecs/msgpack"
	"millrace/codecs/multiline"
	"millrace/codecs/plain"
	"millrace/codecs/rubydebug"
	"millrace/pipeline/plugin"
)

// All returns the definitions of all codecs, sorted by name.
func All() []*plugin.Definition {
	return []*plugin.Definition{
		cef.Plugin,
		csv.Plugin,
		dots.Plugin,
		esbulk.Plugin,
		fluent.Plugin,
		graphite.Plugin,
		gziplines.Plugin,
		json.Plugin,
		jsonlines.Plugin,
		line.Plugin,
		msgpack.Plugin,
		multiline.Plugin,
		plain.Plugin,
		rubydebug.Plugin,
	}
}
