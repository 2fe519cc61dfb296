package elasticsearch

import (
	"time"

	"millrace/pipeline/config"
	"millrace/pipeline/event"
)

// Options configures the output.
type Options struct {
	// Nodes of the cluster: names, host:port or URLs. The port is 9200 and the scheme http where none is given.
	Hosts []config.URI `opt:"hosts"`

	// The id of a cluster in Elastic Cloud, in place of hosts.
	CloudID string `opt:"cloud_id"`

	// user:password for a cluster in Elastic Cloud.
	CloudAuth config.Password `opt:"cloud_auth"`

	// User name for the cluster.
	User string `opt:"user"`

	// Password of the user.
	Password config.Password `opt:"password"`

	// API key, as id:key or in the encoded form that Kibana shows. It needs TLS.
	APIKey config.Password `opt:"api_key"`

	// Path under which the cluster is reached, where a proxy moves it.
	Path string `opt:"path"`

	// Path of bulk requests; /_bulk below path by default.
	BulkPath string `opt:"bulk_path"`

	// Query parameters of every request.
	Parameters config.Map[string] `opt:"parameters"`

	// Headers of every request.
	CustomHeaders config.Map[string] `opt:"custom_headers"`

	// Proxy for all requests; an empty text stands for none.
	Proxy optionalURI `opt:"proxy"`

	// Encrypt connections; implied by https in hosts.
	SSL *bool `opt:"ssl_enabled"`

	// How much of the server's certificate to verify: all, all but the name, or nothing.
	VerificationMode string `opt:"ssl_verification_mode,enum=full|certificate|none"`

	// PEM files of authorities to trust, in place of the system's.
	Authorities []string `opt:"ssl_certificate_authorities"`

	// SHA-256 of an authority's certificate to trust, in hexadecimal.
	Fingerprint string `opt:"ca_trusted_fingerprint"`

	// PKCS#12 or JKS file of authorities to trust.
	Truststore         string          `opt:"ssl_truststore_path,path"`
	TruststoreType     string          `opt:"ssl_truststore_type,enum=pkcs12|jks"`
	TruststorePassword config.Password `opt:"ssl_truststore_password"`

	// PKCS#12 or JKS file with the client's certificate and key.
	Keystore         string          `opt:"ssl_keystore_path,path"`
	KeystoreType     string          `opt:"ssl_keystore_type,enum=pkcs12|jks"`
	KeystorePassword config.Password `opt:"ssl_keystore_password"`

	// PEM files with the client's certificate and key.
	Certificate string `opt:"ssl_certificate,path,alias=tls_certificate"`
	Key         string `opt:"ssl_key,path,alias=tls_key"`

	// TLS versions to offer: TLSv1.1, TLSv1.2, TLSv1.3.
	Protocols []string `opt:"ssl_supported_protocols"`

	// Cipher suites of TLS 1.2 to offer, by their IANA names.
	CipherSuites []string `opt:"ssl_cipher_suites"`

	// Ask the cluster for its nodes and send to all of them.
	Sniffing bool `opt:"sniffing"`

	// How often to ask for nodes.
	SniffingDelay time.Duration `opt:"sniffing_delay,unit=s"`

	// Path to ask for nodes at; /_nodes/http by default.
	SniffingPath string `opt:"sniffing_path"`

	// How long a connection may be silent while an answer or room for more of a request is awaited. A slow request that moves on is not
	// cut off.
	Timeout time.Duration `opt:"timeout,unit=s"`

	// Connections to keep open, in all and to one node.
	PoolMax         int `opt:"pool_max"`
	PoolMaxPerRoute int `opt:"pool_max_per_route"`

	// Path of a HEAD request that tells whether a node is up; / by default.
	HealthcheckPath string `opt:"healthcheck_path"`

	// How long a node that failed is left out while there are others.
	ResurrectDelay time.Duration `opt:"resurrect_delay,unit=s"`

	// Accepted for Logstash's sake, without effect: an idle connection that the server closed is noticed at once.
	ValidateAfterInactivity time.Duration `opt:"validate_after_inactivity,unit=ms"`

	// Compress requests by gzip, from 1 (fast) to 9 (small); 0 does not compress. Default: 1 over https and 0 over http, where compressing
	// costs more than sending.
	CompressionLevel *int `opt:"compression_level"`

	// Longest pause before a failed request is repeated, and the first one; it doubles with every failure. A trial every second finds
	// out earlier when the fault is over.
	RetryMaxInterval     time.Duration `opt:"retry_max_interval,unit=s"`
	RetryInitialInterval time.Duration `opt:"retry_initial_interval,unit=s"`

	// Statuses of operations, beyond 400 and 404, that go to the dead letter queue and are not repeated.
	DLQCustomCodes []int `opt:"dlq_custom_codes"`

	// Send events whose index name holds an unresolved %{field} to the dead letter queue instead of the cluster.
	DLQOnFailedIndex bool `opt:"dlq_on_failed_indexname_interpolation"`

	// Error types whose operations are dropped without a repetition or a dead letter.
	DropErrorTypes []string `opt:"drop_error_types"`

	// Error types that are not logged.
	SilenceErrors []string `opt:"silence_errors_in_log"`

	// What to do with a document: index, create, update or delete, or a reference to a field that says so. Default: index, and create for data streams.
	Action *event.Template `opt:"action"`

	// Index to write to. Default: logstash-%{+yyyy.MM.dd}, and ecs-logstash-%{+yyyy.MM.dd} with ECS.
	Index *event.Template `opt:"index"`

	// Id of a document. Without one Elasticsearch makes one.
	DocumentID *event.Template `opt:"document_id"`

	// Type of a document, for Elasticsearch before 8.
	DocumentType *event.Template `opt:"document_type,deprecated=document types are gone from Elasticsearch 7 on"`

	// Routing of a document to a shard.
	Routing *event.Template `opt:"routing"`

	// Ingest pipeline that takes the document.
	Pipeline *event.Template `opt:"pipeline"`

	// Version of a document, and how it is compared.
	Version     *event.Template `opt:"version"`
	VersionType string          `opt:"version_type,enum=internal|external|external_gt|external_gte|force"`

	// Parent of a document: for a join field the id of the parent, whose routing the document takes.
	Parent *event.Template `opt:"parent"`

	// Name of the join field that relates parent and child.
	JoinField string `opt:"join_field"`

	// Document to create where an update finds none.
	Upsert *event.Template `opt:"upsert"`

	// Create the event itself where an update finds no document.
	DocAsUpsert *bool `opt:"doc_as_upsert"`

	// Script of an update: its source, its id or its file, as script_type says.
	Script *event.Template `opt:"script"`

	// What script holds: inline (its source, the default), indexed or file.
	ScriptType []string `opt:"script_type"`

	// Language of the script; painless by default.
	ScriptLang *string `opt:"script_lang"`

	// Name of the script parameter that holds the event; event by default.
	ScriptVarName *string `opt:"script_var_name"`

	// Let the script run where an update finds no document.
	ScriptedUpsert *bool `opt:"scripted_upsert"`

	// How often Elasticsearch repeats an update that met another one; once by default.
	RetryOnConflict *int `opt:"retry_on_conflict"`

	// Install an index template at the start; true by default.
	ManageTemplate *bool `opt:"manage_template"`

	// Name of the template. Default: logstash, ecs-logstash with ECS, the rollover alias with ILM.
	TemplateName string `opt:"template_name"`

	// JSON file with a template of your own.
	Template string `opt:"template,path"`

	// Replace a template of the name that exists.
	TemplateOverwrite *bool `opt:"template_overwrite"`

	// Kind of template: composable (from Elasticsearch 8 on) or legacy.
	TemplateAPI string `opt:"template_api,enum=auto|legacy|composable"`

	// Let index lifecycle management roll indices over: a rollover alias takes the place of index.
	ILMEnabled string `opt:"ilm_enabled,enum=true|false|auto"`

	// Alias to write to. Default: logstash, ecs-logstash with ECS.
	ILMRolloverAlias string `opt:"ilm_rollover_alias"`

	// Suffix of the first index behind the alias; {now/d}-000001 by default.
	ILMPattern string `opt:"ilm_pattern"`

	// Policy of the indices. The default one, logstash-policy, is created where it is missing.
	ILMPolicy string `opt:"ilm_policy"`

	// Write to a data stream. auto: if ECS is on and no option is given that data streams do not know.
	DataStream string `opt:"data_stream,enum=true|false|auto"`

	// The parts of the data stream's name: TYPE-DATASET-NAMESPACE, logs-generic-default by default.
	DataStreamType      string `opt:"data_stream_type,enum=logs|metrics|synthetics|traces"`
	DataStreamDataset   string `opt:"data_stream_dataset"`
	DataStreamNamespace string `opt:"data_stream_namespace"`

	// Add the field data_stream with those parts to documents; true by default.
	DataStreamSync *bool `opt:"data_stream_sync_fields"`

	// Let the event's own field data_stream choose the data stream; true by default.
	DataStreamRouting *bool `opt:"data_stream_auto_routing"`

	// Give every event that has no document_id an id made of its content and send it as create, so that a request that is repeated
	// because its answer was lost makes no duplicates. Millrace's own.
	Idempotent bool `opt:"idempotent"`

	// Most bytes that the output holds: waiting, in flight and to be repeated. When it is reached the pipeline waits. Millrace's own.
	MaxHeld config.Bytes `opt:"buffer_max_bytes"`

	// Most requests in flight. How many there are follows the cluster's latency and refusals. Millrace's own.
	MaxRequests int `opt:"requests_in_flight_max"`

	// Largest body of a bulk request before compression. How large bodies are follows the cluster's latency. Millrace's own.
	MaxBody config.Bytes `opt:"bulk_max_bytes"`

	oldOptions
}

// oldOptions are those that Logstash no longer knows, or that only plugins of other names have.
type oldOptions struct {
	SSLOld                  *bool           `opt:"ssl,obsolete=write ssl_enabled"`
	VerificationOld         *bool           `opt:"ssl_certificate_verification,obsolete=write ssl_verification_mode => full or none"`
	CACert                  string          `opt:"cacert,obsolete=write ssl_certificate_authorities"`
	KeystoreOld             string          `opt:"keystore,obsolete=write ssl_keystore_path"`
	KeystorePasswordOld     config.Password `opt:"keystore_password,obsolete=write ssl_keystore_password"`
	TruststoreOld           string          `opt:"truststore,obsolete=write ssl_truststore_path"`
	TruststorePasswordOld   config.Password `opt:"truststore_password,obsolete=write ssl_truststore_password"`
	HTTPCompression         *bool           `opt:"http_compression,deprecated=write compression_level"`
	FailureLoggingWhitelist []string        `opt:"failure_type_logging_whitelist,deprecated=write silence_errors_in_log"`

	Host           []config.URI    `opt:"host,obsolete=write hosts"`
	Port           string          `opt:"port,obsolete=write it into hosts, as host:port"`
	Protocol       string          `opt:"protocol,obsolete=HTTP is spoken; https is chosen by ssl_enabled or in hosts"`
	Username       string          `opt:"username,obsolete=write user"`
	Cluster        string          `opt:"cluster,obsolete=it belonged to protocols that Elasticsearch does not speak any more"`
	Embedded       bool            `opt:"embedded,obsolete=there is no embedded Elasticsearch"`
	EmbeddedPort   string          `opt:"embedded_http_port,obsolete=there is no embedded Elasticsearch"`
	BindHost       string          `opt:"bind_host,obsolete=it belonged to a protocol that Elasticsearch does not speak any more"`
	BindPort       string          `opt:"bind_port,obsolete=it belonged to a protocol that Elasticsearch does not speak any more"`
	NodeName       string          `opt:"node_name,obsolete=it belonged to a protocol that Elasticsearch does not speak any more"`
	IndexType      *event.Template `opt:"index_type,obsolete=document types are gone from Elasticsearch 7 on"`
	FlushSize      int             `opt:"flush_size,obsolete=the size of requests follows the load; bulk_max_bytes bounds it"`
	IdleFlushTime  int             `opt:"idle_flush_time,obsolete=an idle pipeline sends at once"`
	MaxRetries     int             `opt:"max_retries,obsolete=what can succeed is repeated without end"`
	RetryMaxItems  int             `opt:"retry_max_items,obsolete=buffer_max_bytes bounds what is held"`
	MaxInflight    int             `opt:"max_inflight_requests,obsolete=write requests_in_flight_max"`
	Replication    string          `opt:"replication,obsolete=Elasticsearch does not know it any more"`
	Consistency    string          `opt:"consistency,obsolete=Elasticsearch does not know it any more"`
	SocketTimeout  string          `opt:"socket_timeout,obsolete=write timeout"`
	ConnectTimeout string          `opt:"connect_timeout,obsolete=write timeout"`
	MaxRetry       string          `opt:"retry_on_failure,obsolete=what can succeed is repeated without end"`

	AbsoluteHealth   bool        `opt:"absolute_healthcheck_path,obsolete=healthcheck_path is always the whole path"`
	AbsoluteSniffing bool        `opt:"absolute_sniffing_path,obsolete=sniffing_path is always the whole path"`
	AuthType         config.Hash `opt:"auth_type,deprecated=it belongs to OpenSearch; of its types only basic is known, by user and password"`
	EcsTemplate      string      `opt:"legacy_template,deprecated=it belongs to OpenSearch; write template_api => legacy or composable"`
	DefaultServer    string      `opt:"default_server_major_version,deprecated=it belongs to OpenSearch; the server is asked for its version"`
	TargetBulkBytes  int         `opt:"target_bulk_bytes,deprecated=it belongs to OpenSearch; write bulk_max_bytes"`
	ReloadConnection bool        `opt:"reload_connections,obsolete=write sniffing"`
}

// defaults are Logstash's, but for the last three. Options that decide by being given whether a data stream is written to have none here; see
// settle.
func defaults() Options {
	return Options{
		VerificationMode: "full", SniffingDelay: 5 * time.Second, Timeout: 60 * time.Second, PoolMax: 1000, PoolMaxPerRoute: 100,
		ResurrectDelay: 5 * time.Second, ValidateAfterInactivity: defaultInactivity, RetryInitialInterval: 2 * time.Second,
		RetryMaxInterval: 64 * time.Second, DLQOnFailedIndex: true,
		MaxHeld: 16 << 20, MaxRequests: 16, MaxBody: 2 << 20,
	}
}

const defaultInactivity = 10 * time.Second

const defaultPolicy = "logstash-policy"

// settle gives options that were not given their defaults, once it is known which were.
func (o *Options) settle() {
	text := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	text(&o.ILMEnabled, "auto")
	text(&o.ILMPattern, "{now/d}-000001")
	text(&o.ILMPolicy, defaultPolicy)
	text(&o.TemplateAPI, "auto")
	text(&o.DataStreamType, "logs")
	text(&o.DataStreamDataset, "generic")
	text(&o.DataStreamNamespace, "default")
	o.DocAsUpsert = or(o.DocAsUpsert, false)
	o.ScriptedUpsert = or(o.ScriptedUpsert, false)
	o.RetryOnConflict = or(o.RetryOnConflict, 1)
	o.ManageTemplate = or(o.ManageTemplate, true)
	o.TemplateOverwrite = or(o.TemplateOverwrite, false)
	o.ScriptLang = or(o.ScriptLang, "painless")
	o.ScriptVarName = or(o.ScriptVarName, "event")
	o.DataStreamSync = or(o.DataStreamSync, true)
	o.DataStreamRouting = or(o.DataStreamRouting, true)
}

func or[T any](p *T, value T) *T {
	if p == nil {
		return &value
	}
	return p
}
