// Package codecs lists the codecs.
package codecs

import (
	"millrace/codecs/avro"
	"millrace/codecs/cef"
	"millrace/codecs/cloudfront"
	"millrace/codecs/cloudtrail"
	"millrace/codecs/collectd"
	"millrace/codecs/csv"
	"millrace/codecs/dots"
	"millrace/codecs/edn"
	ednlines "millrace/codecs/edn_lines"
	esbulk "millrace/codecs/es_bulk"
	"millrace/codecs/fluent"
	"millrace/codecs/graphite"
	gziplines "millrace/codecs/gzip_lines"
	"millrace/codecs/json"
	jsonlines "millrace/codecs/json_lines"
	"millrace/codecs/line"
	"millrace/codecs/msgpack"
	"millrace/codecs/multiline"
	"millrace/codecs/netflow"
	"millrace/codecs/plain"
	"millrace/codecs/protobuf"
	"millrace/codecs/rubydebug"
	"millrace/codecs/sflow"
	"millrace/pipeline/plugin"
)

// All returns the definitions of all codecs, sorted by name.
func All() []*plugin.Definition {
	return []*plugin.Definition{
		avro.Plugin,
		cef.Plugin,
		cloudfront.Plugin,
		cloudtrail.Plugin,
		collectd.Plugin,
		csv.Plugin,
		dots.Plugin,
		edn.Plugin,
		ednlines.Plugin,
		esbulk.Plugin,
		fluent.Plugin,
		graphite.Plugin,
		gziplines.Plugin,
		line.JavaPlugin,
		plain.JavaPlugin,
		json.Plugin,
		jsonlines.Plugin,
		line.Plugin,
		msgpack.Plugin,
		multiline.Plugin,
		netflow.Plugin,
		plain.Plugin,
		protobuf.Plugin,
		rubydebug.Plugin,
		sflow.Plugin,
	}
}
