package settings

// kind is the type of a setting's value.
type kind uint8

const (
	text kind = iota
	boolean
	integer
	bytes    // 64mb
	duration // 3s, or a number of the unit that the setting's name implies
	words    // one of Setting.Words
)

// Setting describes one setting that Millrace has.
type Setting struct {
	Name    string
	Default string
	Words   []string // the values of an enumeration
	Doc     string
	Secret  bool // its value is shown to nobody

	kind kind
}

// all are the settings that have an effect, with Logstash's names and defaults; those of Millrace's own say so.
var all = []Setting{
	{Name: "node.name", Doc: "name of this node in the monitoring API; the host's name by default"},
	{Name: "path.config", Doc: "file, folder or glob of the pipeline's configuration"},
	{Name: "path.data", Doc: "folder for what has to survive a restart"},
	{Name: "path.logs", Doc: "folder for the log file; the standard output by default"},
	{Name: "path.settings", Doc: "folder of logstash.yml and pipelines.yml"},
	{Name: "keystore.file", Doc: "Logstash's keystore of variables; <path.settings>/logstash.keystore by default"},
	{Name: "path.queue", Doc: "folder of the persistent queues; <path.data>/queue by default"},
	{Name: "path.dead_letter_queue", Doc: "folder of the dead letter queues; <path.data>/dead_letter_queue by default"},
	{Name: "config.string", Doc: "the pipeline's configuration itself"},
	{Name: "config.test_and_exit", Default: "false", kind: boolean, Doc: "check the configuration and exit"},
	{Name: "config.reload.automatic", Default: "false", kind: boolean, Doc: "watch the configuration and reload it when it changes"},
	{Name: "config.reload.interval", Default: "3s", kind: duration, Doc: "how often to look for changes"},
	{Name: "config.support_escapes", Default: "false", kind: boolean, Doc: `read \n, \t and the like in strings`},
	{Name: "config.debug", Default: "false", kind: boolean, Doc: "log the compiled configuration; secrets are hidden"},
	{Name: "pipeline.id", Default: "main", Doc: "name of the pipeline"},
	{Name: "pipeline.workers", kind: integer, Doc: "workers that run filters and outputs; the number of cores by default"},
	{Name: "pipeline.batch.size", Default: "125", kind: integer, Doc: "records that a worker takes before it flushes the outputs"},
	{Name: "pipeline.batch.delay", Default: "50", kind: integer, Doc: "reported by the monitoring API; a record waits for nobody"},
	{Name: "pipeline.ordered", Default: "auto", kind: words, Words: []string{"auto", "true", "false"}, Doc: "keep the order of events (with one worker it is always kept)"},
	{Name: "pipeline.ecs_compatibility", Default: "v8", kind: words, Words: []string{"disabled", "v1", "v8"}, Doc: "names of fields: Elastic Common Schema or the old ones"},
	{Name: "pipeline.unsafe_shutdown", Default: "false", kind: boolean, Doc: "end at once on the first signal, without draining"},
	{Name: "queue.type", Default: "memory", kind: words, Words: []string{"memory", "persisted"}, Doc: "where events wait: memory, or the disk"},
	{Name: "queue.page_capacity", Default: "64mb", kind: bytes, Doc: "size of a page of the persistent queue"},
	{Name: "queue.max_events", Default: "0", kind: integer, Doc: "most events in the persistent queue; 0 is no limit"},
	{Name: "queue.max_bytes", Default: "1024mb", kind: bytes, Doc: "size of the persistent queue"},
	{Name: "queue.checkpoint.acks", Default: "1024", kind: integer, Doc: "acknowledged events between checkpoints"},
	{Name: "queue.checkpoint.writes", Default: "1024", kind: integer, Doc: "written events between checkpoints, when the disk is synced"},
	{Name: "queue.drain", Default: "false", kind: boolean, Doc: "empty the persistent queue before the end"},
	{Name: "queue.compression", Default: "none", kind: words, Words: []string{"none", "speed", "balanced", "size"}, Doc: "compression of the persistent queue"},
	{Name: "queue.max_inflight_bytes", Default: "4mb", kind: bytes, Doc: "bytes read and not yet delivered, the bound on memory (Millrace's own)"},
	{Name: "dead_letter_queue.enable", Default: "true", kind: boolean, Doc: "keep events that cannot be delivered (off in Logstash)"},
	{Name: "dead_letter_queue.max_bytes", Default: "64mb", kind: bytes, Doc: "size of the dead letter queue (1024mb in Logstash)"},
	{Name: "dead_letter_queue.flush_interval", Default: "5000", kind: integer, Doc: "milliseconds until a segment is closed for readers"},
	{Name: "dead_letter_queue.storage_policy", Default: "drop_newer", kind: words, Words: []string{"drop_newer", "drop_older"}, Doc: "what to drop when it is full"},
	{Name: "dead_letter_queue.retain.age", Doc: "age after which dead letters are removed: 2d, 12h"},
	{Name: "api.enabled", Default: "true", kind: boolean, Doc: "serve the monitoring API"},
	{Name: "api.http.host", Default: "127.0.0.1", Doc: "address of the monitoring API; 0.0.0.0 by default once api.ssl.enabled and api.auth.type basic are both set"},
	{Name: "api.http.port", Default: "9600-9700", Doc: "port of the monitoring API; of a range the first that is free"},
	{Name: "api.environment", Default: "production", Doc: "reported by the monitoring API"},
	{Name: "api.events", Default: "auto", kind: words, Words: []string{"auto", "true", "false"}, Doc: "who may see what events hold over the API: auto is who has authenticated or, if nobody has to, this machine; true is who may use the API (Millrace's own)"},
	{Name: "api.auth.type", Default: "none", kind: words, Words: []string{"none", "basic"}, Doc: "authentication that the monitoring API asks for"},
	{Name: "api.auth.basic.username", Doc: "name for api.auth.type basic"},
	{Name: "api.auth.basic.password", Secret: true, Doc: "password for api.auth.type basic"},
	{Name: "api.auth.basic.password_policy.mode", Default: "WARN", kind: words, Words: []string{"WARN", "ERROR"}, Doc: "what to do about a password that is weaker than the policy"},
	{Name: "api.auth.basic.password_policy.length.minimum", Default: "8", kind: integer, Doc: "characters that the password has at least, 8 to 1024"},
	{Name: "api.auth.basic.password_policy.include.upper", Default: "REQUIRED", kind: words, Words: []string{"REQUIRED", "OPTIONAL"}, Doc: "whether the password needs an upper case letter"},
	{Name: "api.auth.basic.password_policy.include.lower", Default: "REQUIRED", kind: words, Words: []string{"REQUIRED", "OPTIONAL"}, Doc: "whether the password needs a lower case letter"},
	{Name: "api.auth.basic.password_policy.include.digit", Default: "REQUIRED", kind: words, Words: []string{"REQUIRED", "OPTIONAL"}, Doc: "whether the password needs a digit"},
	{Name: "api.auth.basic.password_policy.include.symbol", Default: "OPTIONAL", kind: words, Words: []string{"REQUIRED", "OPTIONAL"}, Doc: "whether the password needs a character that is neither letter nor digit"},
	{Name: "api.ssl.enabled", Default: "false", kind: boolean, Doc: "serve the monitoring API over TLS"},
	{Name: "api.ssl.keystore.path", Doc: "PKCS#12 or JKS file with the certificate and key of the monitoring API"},
	{Name: "api.ssl.keystore.password", Secret: true, Doc: "password of the keystore"},
	{Name: "api.ssl.certificate", Doc: "PEM file with the certificate and its chain, in place of a keystore (Millrace's own)"},
	{Name: "api.ssl.key", Doc: "PEM file with the key of the certificate (Millrace's own)"},
	{Name: "api.ssl.key_passphrase", Secret: true, Doc: "passphrase of an encrypted key (Millrace's own)"},
	{Name: "api.ssl.supported_protocols", Doc: "versions of TLS, of TLSv1.1, TLSv1.2, TLSv1.3; TLSv1.2 and TLSv1.3 by default"},
	{Name: "log.level", Default: "info", kind: words, Words: []string{"fatal", "error", "warn", "info", "debug", "trace"}, Doc: "least important messages that are logged"},
	{Name: "log.format", Default: "plain", kind: words, Words: []string{"plain", "json"}, Doc: "form of log lines"},
	{Name: "path.store", Doc: "folder of the embedded store; <path.data>/store by default (Millrace's own)"},
	{Name: "store.enabled", Default: "auto", kind: words, Words: []string{"auto", "true", "false"}, Doc: "run the embedded store; auto: where nothing is configured (Millrace's own)"},
	{Name: "store.host", Default: "127.0.0.1", Doc: "address of the embedded store (Millrace's own)"},
	{Name: "store.port", Default: "9200-9300", Doc: "port of the embedded store; of a range the first that is free (Millrace's own)"},
	{Name: "store.max_bytes", Default: "2gb", kind: bytes, Doc: "size of the embedded store: beyond it the oldest documents go (Millrace's own)"},
	{Name: "store.max_age", Default: "7d", kind: duration, Doc: "age of documents in the embedded store: beyond it they go; 0 is no limit (Millrace's own)"},
	{Name: "shutdown.timeout", Default: "8s", kind: duration, Doc: "time to drain after the first signal; Docker kills after 10 s (Millrace's own)"},
}

// renamed are old names of settings.
var renamed = map[string]string{
	"http.host": "api.http.host", "http.port": "api.http.port", "http.enabled": "api.enabled", "http.environment": "api.environment",
}

// ignored are settings of Logstash that have no counterpart here. One that ends in a dot stands for all below it.
var ignored = []string{
	"allow_superuser", "cloud.", "config.field_reference.", "dead_letter_queue.flush_check_interval",
	"keystore.classname", "log.format.json.", "metric.collect", "modules", "monitoring.", "otel.", "path.plugins", "pipeline.batch.metrics.",
	"pipeline.batch.output_chunking.", "pipeline.buffer.type", "pipeline.plugin_classloaders", "pipeline.recoverable", "pipeline.reloadable",
	"pipeline.separate_logs", "plugins.", "queue.checkpoint.interval", "queue.checkpoint.retry", "slowlog.", "ssl.reload.", "telemetry.", "var.", "xpack.",
	"pipeline.output.", "dead_letter_queue.max_bytes_per_segment", "interactive", "enable-local-plugin-development",
}
