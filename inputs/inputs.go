// Package inputs lists the inputs that the program has.
package inputs

import (
	azureeventhubs "millrace/inputs/azure_event_hubs"
	"millrace/inputs/beats"
	deadletterqueue "millrace/inputs/dead_letter_queue"
	"millrace/inputs/elasticsearch"
	"millrace/inputs/exec"
	"millrace/inputs/file"
	"millrace/inputs/gelf"
	"millrace/inputs/generator"
	"millrace/inputs/heartbeat"
	"millrace/inputs/http"
	httppoller "millrace/inputs/http_poller"
	"millrace/inputs/jdbc"
	"millrace/inputs/kafka"
	"millrace/inputs/pipe"
	"millrace/inputs/pipeline"
	"millrace/inputs/rabbitmq"
	"millrace/inputs/redis"
	"millrace/inputs/relp"
	"millrace/inputs/s3"
	"millrace/inputs/stdin"
	"millrace/inputs/syslog"
	"millrace/inputs/tcp"
	"millrace/inputs/udp"
	"millrace/inputs/unix"
	"millrace/pipeline/plugin"
)

// All returns the definitions of all inputs, sorted by name.
func All() []*plugin.Definition {
	return []*plugin.Definition{
		azureeventhubs.Plugin,
		beats.Plugin,
		deadletterqueue.Plugin,
		elasticsearch.Plugin,
		exec.Plugin,
		file.Plugin,
		gelf.Plugin,
		generator.Plugin,
		heartbeat.Plugin,
		http.Plugin,
		httppoller.Plugin,
		generator.JavaPlugin,
		stdin.JavaPlugin,
		jdbc.Plugin,
		kafka.Plugin,
		beats.Lumberjack,
		pipe.Plugin,
		pipeline.Plugin,
		rabbitmq.Plugin,
		redis.Plugin,
		relp.Plugin,
		s3.Plugin,
		stdin.Plugin,
		syslog.Plugin,
		tcp.Plugin,
		udp.Plugin,
		unix.Plugin,
	}
}
