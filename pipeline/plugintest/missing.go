package plugintest

import (
	"slices"

	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// recorded are the plugins that the cases use and a Logstash has: a case that names another one is about that, and is run.
var recorded = map[plugin.Kind][]string{
	plugin.InputKind: {"generator", "stdin", "tcp"},
	plugin.CodecKind: {
		"line", "plain", "json", "json_lines", "rubydebug", "dots", "multiline", "cef", "csv", "es_bulk", "graphite", "msgpack", "netflow",
	},
	plugin.FilterKind: {
		"aggregate", "anonymize", "cidr", "clone", "csv", "date", "de_dot", "dissect", "drop", "fingerprint", "grok", "json", "kv", "mutate",
		"prune", "ruby", "split", "syslog_pri", "throttle", "translate", "truncate", "urldecode", "useragent", "uuid", "geoip", "dns",
		"metrics", "xml",
	},
	plugin.OutputKind: {"null", "stdout", "file", "elasticsearch"},
}

// missing returns the kind/name of a known plugin that the case needs and the lists do not have, "" if there is none.
func (c *Case) missing(lists [][]*plugin.Definition) string {
	reg := plugin.NewRegistry(lists...)
	lacks := func(kind, name string) bool {
		return slices.Contains(recorded[plugin.Kind(kind)], name) && reg.Lookup(plugin.Kind(kind), name) == nil
	}
	text := c.Config
	if !startsWithSection(text) {
		text = "filter {\n" + text + "\n}"
	}
	file, _ := config.Parse("pipeline.conf", []byte(text), config.ParseOptions{})
	found := ""
	for _, sec := range file.Sections {
		config.Walk(sec.Body, func(n *config.PluginNode) {
			if found == "" && lacks(n.Kind, n.Name) {
				found = n.Kind + "/" + n.Name
			}
		})
	}
	for _, codec := range []string{c.Codec, c.OutCodec} {
		name := codec
		for i, r := range codec {
			if r == ' ' || r == '{' {
				name = codec[:i]
				break
			}
		}
		if found == "" && lacks("codec", name) {
			found = "codec/" + name
		}
	}
	return found
}
