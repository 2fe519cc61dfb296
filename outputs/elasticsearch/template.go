package elasticsearch

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

type object = map[string]any

// installTemplate installs the index template, if there is none of its name or it is to be replaced.
func (a *admin) installTemplate(ctx context.Context) error {
	if !a.manage {
		return nil
	}
	name := a.name
	if name == "" {
		if name = a.defaultName(); a.ilm != "" {
			name = a.alias
		}
	}
	composable := a.api == "composable" || a.api == "auto" && (a.info.major() >= 8 || a.info.major() == 0)
	tmpl := maps.Clone(a.tmpl)
	switch {
	case tmpl == nil:
		if tmpl = a.defaultTemplate(composable); tmpl == nil {
			a.log.Warn("there is no default index template for a server of this version", slog.String("version", a.info.Version.Number))
			return nil
		}
	case composable && a.api == "auto" && isLegacy(tmpl):
		a.log.Warn("the index template has the legacy form and is installed as such; move settings and mappings below \"template\" to make it composable")
		composable = false
	}
	if a.ilm != "" {
		a.addLifecycle(tmpl, composable)
	}
	body, err := json.Marshal(tmpl)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	exists, put := templateCalls(name, bytes.NewReader(body), composable)
	status, _, answer, err := a.call(ctx, exists)
	if err == nil && status == http.StatusOK && !a.overwrite {
		return nil
	}
	if status != http.StatusOK && status != http.StatusNotFound {
		return a.refusal("looking for the index template", status, answer, err)
	}
	status, _, answer, err = a.call(ctx, put)
	return a.refusal("installing the index template", status, answer, err)
}

func templateCalls(name string, body io.Reader, composable bool) (exists, put doer) {
	if composable {
		return esapi.IndicesExistsIndexTemplateRequest{Name: name}, esapi.IndicesPutIndexTemplateRequest{Name: name, Body: body}
	}
	return esapi.IndicesExistsTemplateRequest{Name: []string{name}}, esapi.IndicesPutTemplateRequest{Name: name, Body: body}
}

// isLegacy reports whether a template has the form of the API before Elasticsearch 7.8: settings and mappings at the top, the pattern as
// "template".
func isLegacy(t object) bool {
	_, nested := t["template"].(object)
	_, settings := t["settings"]
	_, mappings := t["mappings"]
	_, pattern := t["template"].(string)
	return !nested && (settings || mappings || pattern)
}

// addLifecycle makes the template one for the indices behind the rollover alias. The file's own objects are not changed.
func (a *admin) addLifecycle(t object, composable bool) {
	if _, pattern := t["template"].(string); pattern {
		delete(t, "template")
	}
	t["index_patterns"] = []string{a.alias + "-*"}
	at := t
	if composable {
		inner, _ := t["template"].(object)
		if inner = maps.Clone(inner); inner == nil {
			inner = object{}
		}
		t["template"], at = inner, inner
	}
	settings, _ := at["settings"].(object)
	if settings = maps.Clone(settings); settings == nil {
		settings = object{}
	}
	settings["index.lifecycle.name"], settings["index.lifecycle.rollover_alias"] = a.policy, a.alias
	at["settings"] = settings
}

// defaultTemplate returns the template for events in Logstash's own form, or in that of ECS; nil if the server is too old for both.
func (a *admin) defaultTemplate(composable bool) object {
	major := a.info.major()
	if major > 0 && major < 6 {
		return nil
	}
	mappings := plainMappings()
	if a.ecs {
		mappings = ecsMappings()
	}
	settings := object{"index.refresh_interval": "5s", "number_of_shards": 1}
	t := object{"index_patterns": []string{a.defaultName() + "-*"}, "version": 80001}
	if composable {
		t["template"] = object{"settings": settings, "mappings": mappings}
		t["priority"] = 200
		t["_meta"] = object{"description": "index template of Millrace's elasticsearch output"}
		return t
	}
	t["settings"], t["mappings"] = settings, mappings
	if major == 6 {
		t["mappings"] = object{"doc": mappings}
	}
	return t
}

// plainMappings make texts searchable as words and, by .keyword, as a whole, which dashboards made for Logstash's indices expect.
func plainMappings() object {
	text := object{"type": "text", "norms": false}
	both := object{"type": "text", "norms": false, "fields": object{"keyword": object{"type": "keyword", "ignore_above": 256}}}
	return object{
		"dynamic_templates": []any{
			object{"message_field": object{"path_match": "message", "match_mapping_type": "string", "mapping": text}},
			object{"string_fields": object{"match": "*", "match_mapping_type": "string", "mapping": both}},
		},
		"properties": object{
			"@timestamp": object{"type": "date"},
			"@version":   object{"type": "keyword"},
			"geoip": object{"dynamic": true, "properties": object{
				"ip": object{"type": "ip"}, "location": object{"type": "geo_point"},
				"latitude": object{"type": "half_float"}, "longitude": object{"type": "half_float"},
			}},
		},
	}
}

// ecsMappings give the fields of the Elastic Common Schema their types by rules instead of by name: texts are keywords but for messages,
// addresses are addresses, and what has a type of its own in JSON keeps it.
func ecsMappings() object {
	rule := func(name, match, mapping string) object {
		return object{name: object{"path_match": match, "match_mapping_type": "string", "mapping": object{"type": mapping}}}
	}
	return object{
		"date_detection": false,
		"dynamic_templates": []any{
			object{"messages": object{"path_match": "message", "match_mapping_type": "string", "mapping": object{"type": "text", "norms": false}}},
			object{"stack_traces": object{"path_match": "*.stack_trace", "match_mapping_type": "string", "mapping": object{"type": "text", "norms": false}}},
			object{"originals": object{"path_match": "event.original", "match_mapping_type": "string",
				"mapping": object{"type": "keyword", "index": false, "doc_values": false}}},
			rule("addresses", "*.ip", "ip"),
			object{"locations": object{"path_match": "*.geo.location", "mapping": object{"type": "geo_point"}}},
			object{"texts": object{"match": "*", "match_mapping_type": "string", "mapping": object{"type": "keyword", "ignore_above": 1024}}},
		},
		"properties": object{"@timestamp": object{"type": "date"}, "@version": object{"type": "keyword"}},
	}
}
