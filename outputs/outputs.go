// Package outputs lists the outputs that the program has.
package outputs

import (
	"millrace/outputs/elasticsearch"
	"millrace/outputs/email"
	"millrace/outputs/exec"
	"millrace/outputs/file"
	"millrace/outputs/gelf"
	"millrace/outputs/graphite"
	"millrace/outputs/http"
	"millrace/outputs/jdbc"
	"millrace/outputs/kafka"
	"millrace/outputs/loki"
	"millrace/outputs/lumberjack"
	"millrace/outputs/mongodb"
	"millrace/outputs/null"
	"millrace/outputs/pipe"
	"millrace/outputs/pipeline"
	"millrace/outputs/rabbitmq"
	"millrace/outputs/redis"
	"millrace/outputs/s3"
	"millrace/outputs/slack"
	"millrace/outputs/statsd"
	"millrace/outputs/stdout"
	"millrace/outputs/syslog"
	"millrace/outputs/tcp"
	"millrace/outputs/udp"
	"millrace/pipeline/plugin"
)

// All returns the definitions of all outputs, sorted by name.
func All() []*plugin.Definition {
	return []*plugin.Definition{
		file.CSV,
		elasticsearch.Plugin,
		email.Plugin,
		exec.Plugin,
		file.Plugin,
		gelf.Plugin,
		graphite.Plugin,
		http.Plugin,
		stdout.JavaPlugin,
		jdbc.Plugin,
		kafka.Plugin,
		loki.Plugin,
		lumberjack.Plugin,
		mongodb.Plugin,
		null.Plugin,
		pipe.Plugin,
		pipeline.Plugin,
		rabbitmq.Plugin,
		redis.Plugin,
		s3.Plugin,
		slack.Plugin,
		statsd.Plugin,
		stdout.Plugin,
		syslog.Plugin,
		tcp.Plugin,
		udp.Plugin,
	}
}
