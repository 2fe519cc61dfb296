package explain

import (
	"slices"
	"strings"

	"millrace/filters/grok/patterns"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// ECSFields tells which fields of a plugin depend on ecs_compatibility.
type ECSFields struct {
	Place
	Plugin string   `json:"plugin"`
	Mode   string   `json:"mode"`             // in force: the plugin's own option or the pipeline's
	Legacy []string `json:"legacy,omitempty"` // with ecs_compatibility => disabled
	ECS    []string `json:"ecs,omitempty"`
	Note   string   `json:"note,omitempty"`
}

// change is what ecs_compatibility changes in a plugin's fields.
type change struct {
	legacy, ecs []string
	unless      string // an option that, if given, decides instead
	given       string // an option without which it does not happen
	note        string
}

// original is the change that most codecs of text bring.
var original = []change{{ecs: []string{"[event][original]"}, note: "each event holds its text twice"}}

// changes are those that do not depend on patterns, by kind/name. A test compares them with the sources of the plugins.
var changes = map[string][]change{
	"input/beats": {{legacy: []string{"[@metadata][ip_address]"}, ecs: []string{"[@metadata][input][beats][host][ip]"}}},
	"input/elasticsearch": {{
		legacy: []string{"[@metadata]"}, ecs: []string{"[@metadata][input][elasticsearch]"}, unless: "docinfo_target",
		note: "with docinfo: the index, id and type of a hit",
	}},
	"input/exec": {{
		legacy: []string{"[host]", "[command]", "[@metadata][exit_status]", "[@metadata][duration]"},
		ecs:    []string{"[host][name]", "[process][command_line]", "[process][exit_code]", "[@metadata][input][exec][process][elapsed_time]"},
	}},
	"input/file":      {{legacy: []string{"[host]", "[path]"}, ecs: []string{"[host][name]", "[log][file][path]"}}},
	"input/generator": {{legacy: []string{"[host]", "[sequence]"}, ecs: []string{"[host][name]", "[event][sequence]"}}},
	"input/heartbeat": {{legacy: []string{"[host]"}, ecs: []string{"[host][name]"}, note: "with sequence: [clock], or [event][sequence] in ECS mode"}},
	"input/http": {
		{legacy: []string{"[host]"}, ecs: []string{"[host][ip]"}, unless: "remote_host_target_field"},
		{legacy: []string{"[headers]"}, ecs: []string{"[@metadata][input][http][request][headers]"}, unless: "request_headers_target_field"},
		{ecs: []string{
			"[http][version]", "[http][method]", "[http][request][mime_type]", "[http][request][body][bytes]", "[user_agent][original]", "[url][path]",
			"[url][domain]", "[url][port]",
		}},
	},
	"input/http_poller": {{
		legacy: []string{"[http_request_failure][name]", "[http_request_failure][request]", "[http_request_failure][runtime_seconds]", "[http_request_failure][error]"},
		ecs:    []string{"[event][duration]", "[url][full]", "[http][request][method]", "[host][hostname]", "[error][message]"},
		note:   "of a failed request; below metadata_target, request and response stand under [input][http_poller] in ECS mode",
	}},
	"input/pipe": {{legacy: []string{"[host]", "[command]"}, ecs: []string{"[host][name]", "[process][command_line]"}}},
	"input/s3": {{
		legacy: []string{"[cloudfront_version]", "[cloudfront_fields]"}, ecs: []string{"[@metadata][s3][cloudfront][version]", "[@metadata][s3][cloudfront][fields]"},
		note: "of a log that tells its version and fields in its first lines, as CloudFront's do",
	}},
	"input/stdin": {{legacy: []string{"[host]"}, ecs: []string{"[host][hostname]"}}},
	"input/syslog": {{
		legacy: []string{"[host]", "[priority]", "[severity]", "[severity_label]", "[facility]", "[facility_label]"},
		ecs: []string{
			"[host][ip]", "[log][syslog][priority]", "[log][syslog][severity][code]", "[log][syslog][severity][name]", "[log][syslog][facility][code]",
			"[log][syslog][facility][name]", "[service][type]",
		},
		note: "and what %{SYSLOGLINE} captures: [logsource] becomes [host][hostname], [program] [process][name], [pid] [process][pid]",
	}},
	"input/tcp": {{
		legacy: []string{"[host]", "[port]", "[@metadata][ip_address]"},
		ecs:    []string{"[@metadata][input][tcp][source][name]", "[@metadata][input][tcp][source][port]", "[@metadata][input][tcp][source][ip]"},
	}},
	"input/udp":  {{legacy: []string{"[host]"}, ecs: []string{"[host][ip]"}, unless: "source_ip_fieldname"}},
	"input/unix": {{legacy: []string{"[host]", "[path]"}, ecs: []string{"[host][name]", "[file][path]"}}},

	"codec/avro":      original,
	"codec/cef":       {{note: "all fields: deviceVendor becomes [observer][vendor] and so on"}},
	"codec/csv":       original,
	"codec/es_bulk":   {{legacy: []string{"[@metadata]"}, ecs: []string{"[@metadata][codec][es_bulk]"}, note: "what the line of the action says"}},
	"codec/json":      original,
	"codec/line":      original,
	"codec/multiline": original,
	"codec/plain":     original,

	"filter/clone":       {{legacy: []string{"[type]"}, ecs: []string{"[tags]"}, note: "where the name of the clone is put"}},
	"filter/fingerprint": {{legacy: []string{"[fingerprint]"}, ecs: []string{"[event][hash]"}, unless: "target"}},
	"filter/geoip":       {{note: "all fields: country_name becomes [geo][country_name] and so on, below the object of the source in ECS mode"}},
	"filter/http": {
		{legacy: []string{"[headers]"}, ecs: []string{"[@metadata][filter][http][response][headers]"}, unless: "target_headers"},
		{legacy: []string{"[body]"}, unless: "target_body", note: "in ECS mode target_body has to be given"},
	},
	"filter/syslog_pri": {{
		legacy: []string{"[syslog_facility_code]", "[syslog_facility]", "[syslog_severity_code]", "[syslog_severity]"},
		ecs:    []string{"[log][syslog][facility][code]", "[log][syslog][facility][name]", "[log][syslog][severity][code]", "[log][syslog][severity][name]"},
	}},
	"filter/translate": {{legacy: []string{"[translation]"}, unless: "target", note: "in ECS mode the source itself is replaced"}},
	"filter/useragent": {
		{note: "all fields: below [user_agent], os and device as objects, in ECS mode", unless: "target"},
		{note: "fields below its target: os_name becomes [os][name], device [device][name]; major and minor versions go to [@metadata], in ECS mode", given: "target"},
	},

	"output/elasticsearch": {{
		note:   "without index: logstash-… becomes a data stream in ECS mode, or ecs-logstash-… where an option is given that data streams do not know",
		unless: "index",
	}},
}

func (x *explainer) ecsFields(n *config.PluginNode, d *plugin.Definition, attrs *config.Attributes, codec string) {
	mode := x.mode(attrs)
	add := func(key string, label string) {
		f := ECSFields{Place: placeOf(n.File, n.Start), Plugin: label, Mode: string(mode)}
		for _, c := range changes[key] {
			if c.unless != "" && attrs.Has(c.unless) || c.given != "" && !attrs.Has(c.given) {
				continue
			}
			f.Legacy, f.ECS, f.Note = append(f.Legacy, c.legacy...), append(f.ECS, c.ecs...), f.Note+c.note
		}
		if len(f.Legacy)+len(f.ECS) > 0 || f.Note != "" {
			x.r.Fields = append(x.r.Fields, f)
		}
	}
	add(string(d.Kind)+"/"+d.Name, n.Kind+" "+n.Name)
	if d.Kind == plugin.InputKind {
		add("codec/"+codec, n.Kind+" "+n.Name+" codec "+codec)
	}
}

func (x *explainer) mode(attrs *config.Attributes) plugin.ECS {
	if v, ok := attrs.Get("ecs_compatibility"); ok {
		return plugin.ECS(v.Str)
	}
	return x.o.ECS
}

// captures returns the fields that a pattern captures in a set, as references, and which of them are text.
func captures(set *patterns.Set, pattern string, namedOnly bool) (fields []string, texts map[string]bool) {
	re, _, err := set.Compile(pattern, namedOnly)
	if err != nil {
		return nil, nil // reported by check
	}
	texts = make(map[string]bool)
	for _, name := range re.Names() {
		field, cast := patterns.ParseGroup(name.Name)
		ref := normal(field)
		if !slices.Contains(fields, ref) {
			fields = append(fields, ref)
		}
		texts[ref] = cast == patterns.NoCast
	}
	return fields, texts
}

// grokFields compares what the patterns of a grok filter capture with the two libraries.
func (x *explainer) grokFields(n *config.PluginNode, attrs *config.Attributes, legacy, ecs []string) {
	if slices.Equal(legacy, ecs) {
		return
	}
	only := func(a, b []string) []string {
		return slices.DeleteFunc(slices.Clone(a), func(f string) bool { return slices.Contains(b, f) })
	}
	x.r.Fields = append(x.r.Fields, ECSFields{
		Place: placeOf(n.File, n.Start), Plugin: n.Kind + " " + n.Name, Mode: string(x.mode(attrs)),
		Legacy: only(legacy, ecs), ECS: only(ecs, legacy),
	})
}

func joined(fields []string) string {
	if len(fields) == 0 {
		return "none"
	}
	return strings.Join(fields, ", ")
}
