package plugin

// substitutes tells, for plugins that Logstash knows or knew and Millrace has not, what to use instead.
var substitutes = map[string]string{
	"filter/jdbc_static":         "Millrace has no JDBC; use the translate filter with a dictionary file",
	"filter/jdbc_streaming":      "Millrace has no JDBC; use the translate filter with a dictionary file, or the http filter",
	"filter/elastic_integration": "Millrace does not run ingest pipelines itself; name one by the elasticsearch output's option pipeline",
	"filter/environment":         "use ${VARIABLE} in the value of add_field",
	"filter/i18n":                "use the mutate filter's gsub",
	"filter/rest":                "use the http filter",
	"input/jdbc":                 "Millrace has no JDBC; export the rows and read them by the file or http_poller input",
	"input/jms":                  "use a broker that speaks Kafka, AMQP or Redis",
	"input/log4j":                "use the tcp input with codec json_lines and a JSON layout",
	"output/jdbc":                "Millrace has no JDBC; use the http, kafka or file output",
}
