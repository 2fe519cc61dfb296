// Package filters lists the filters that come with the program.
package filters

import (
	"millrace/filters/aggregate"
	"millrace/filters/alter"
	"millrace/filters/anonymize"
	"millrace/filters/bytes"
	"millrace/filters/cidr"
	"millrace/filters/cipher"
	"millrace/filters/clone"
	"millrace/filters/csv"
	"millrace/filters/date"
	dedot "millrace/filters/de_dot"
	"millrace/filters/dissect"
	"millrace/filters/dns"
	"millrace/filters/drop"
	"millrace/filters/elapsed"
	"millrace/filters/elasticsearch"
	"millrace/filters/environment"
	"millrace/filters/extractnumbers"
	"millrace/filters/fingerprint"
	"millrace/filters/geoip"
	"millrace/filters/grok"
	"millrace/filters/http"
	"millrace/filters/i18n"
	jdbcstatic "millrace/filters/jdbc_static"
	jdbcstreaming "millrace/filters/jdbc_streaming"
	"millrace/filters/json"
	jsonencode "millrace/filters/json_encode"
	"millrace/filters/kv"
	"millrace/filters/logfmt"
	"millrace/filters/memcached"
	"millrace/filters/metrics"
	"millrace/filters/multiline"
	"millrace/filters/mutate"
	"millrace/filters/prune"
	rangefilter "millrace/filters/range"
	"millrace/filters/rest"
	"millrace/filters/ruby"
	"millrace/filters/sleep"
	"millrace/filters/split"
	syslogpri "millrace/filters/syslog_pri"
	"millrace/filters/throttle"
	"millrace/filters/tld"
	"millrace/filters/translate"
	"millrace/filters/truncate"
	"millrace/filters/urldecode"
	"millrace/filters/useragent"
	"millrace/filters/uuid"
	"millrace/filters/xml"
	"millrace/pipeline/plugin"
)

// All returns the definitions of all filters.
func All() []*plugin.Definition {
	return []*plugin.Definition{
		aggregate.Plugin,
		alter.Plugin,
		anonymize.Plugin,
		bytes.Plugin,
		cidr.Plugin,
		cipher.Plugin,
		clone.Plugin,
		csv.Plugin,
		date.Plugin,
		dedot.Plugin,
		dissect.Plugin,
		dns.Plugin,
		drop.Plugin,
		elapsed.Plugin,
		elasticsearch.Plugin,
		environment.Plugin,
		extractnumbers.Plugin,
		fingerprint.Plugin,
		geoip.Plugin,
		grok.Plugin,
		http.Plugin,
		i18n.Plugin,
		jdbcstatic.Plugin,
		jdbcstreaming.Plugin,
		json.Plugin,
		jsonencode.Plugin,
		kv.Plugin,
		logfmt.Plugin,
		memcached.Plugin,
		metrics.Plugin,
		multiline.Plugin,
		mutate.Plugin,
		prune.Plugin,
		rangefilter.Plugin,
		rest.Plugin,
		ruby.Plugin,
		sleep.Plugin,
		split.Plugin,
		syslogpri.Plugin,
		throttle.Plugin,
		tld.Plugin,
		translate.Plugin,
		truncate.Plugin,
		urldecode.Plugin,
		useragent.Plugin,
		uuid.Plugin,
		xml.Plugin,
	}
}
