package store

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"millrace/internal/store/mapping"
)

// template is what a new index is made by.
type template struct {
	name   string
	stream bool
	layers []object // with settings, mappings, aliases; later ones win
}

// builtin are the templates that Elasticsearch brings along, in short: the data streams logs-*-*, metrics-*-*, traces-*-* and synthetics-*-*,
// whose texts are keywords but for messages, whose addresses are addresses, and in which no text is taken for a date.
var builtin = func() map[string]object {
	all := map[string]object{}
	for _, kind := range []string{"logs", "metrics", "traces", "synthetics"} {
		settings := `{}`
		if kind == "logs" {
			settings = `{"index.mapping.ignore_malformed":"true","index.mapping.total_fields.ignore_dynamic_beyond_limit":"true"}`
		}
		o, err := decodeObject(fmt.Appendf(nil, `{"index_patterns":["%s-*-*"],"priority":100,"data_stream":{},"_meta":{"managed":true},"template":{"settings":%s,"mappings":%s}}`, kind, settings, builtinMappings))
		if err != nil {
			panic("BUG: " + err.Error())
		}
		all[kind] = o
	}
	return all
}()

const builtinMappings = `{"date_detection":false,"dynamic_templates":[
{"messages":{"path_match":["message","*.message"],"unmatch_mapping_type":"object","mapping":{"type":"match_only_text"}}},
{"originals":{"path_match":["*event.original"],"match_mapping_type":"string","mapping":{"type":"keyword","index":false,"doc_values":false}}},
{"addresses":{"path_match":["ip","*.ip","*_ip"],"match_mapping_type":"string","mapping":{"type":"ip"}}},
{"times":{"match":["timestamp","*_timestamp"],"path_match":["*.timestamp","*_timestamp"],"path_unmatch":["*.*.timestamp"],"match_mapping_type":"date","mapping":{"type":"date"}}},
{"points":{"path_match":["location","*.location"],"unmatch_mapping_type":["string","long","double","boolean"],"mapping":{"type":"geo_point"}}},
{"texts":{"match_mapping_type":"string","mapping":{"type":"keyword","ignore_above":1024}}}],
"properties":{"@timestamp":{"type":"date"},"data_stream":{"properties":{"type":{"type":"constant_keyword"},"dataset":{"type":"constant_keyword"},"namespace":{"type":"constant_keyword"}}}}}`

// patterns returns index_patterns.
func patterns(t object) []string {
	switch v := t["index_patterns"].(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, p := range v {
			all = append(all, fmt.Sprint(p))
		}
		return all
	}
	return nil
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return mapping.Simple(p, name) })
}

func number(v any) int64 {
	n, _ := strconv.ParseInt(fmt.Sprint(v), 10, 64) // what is no number counts as none given
	return n
}

// indexTemplate returns an index template by name, nil if there is none. The caller holds c.mu.
func (c *catalog) indexTemplate(name string) object {
	if t := c.g.Templates[name]; t != nil {
		return t
	}
	return builtin[name]
}

// templateNames returns the names of all index templates, sorted. The caller holds c.mu.
func (c *catalog) templateNames() []string {
	names := slices.Collect(maps.Keys(c.g.Templates))
	for n := range builtin {
		if c.g.Templates[n] == nil {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// templateFor returns what an index of that name is made by, nil for nothing. The caller holds c.mu.
func (c *catalog) templateFor(name string) *template {
	var best object
	bestName := ""
	for _, n := range c.templateNames() {
		t := c.indexTemplate(n)
		if matchesAny(patterns(t), name) && (best == nil || number(t["priority"]) > number(best["priority"])) {
			best, bestName = t, n
		}
	}
	if best != nil {
		_, stream := best["data_stream"].(object)
		t := &template{name: bestName, stream: stream}
		parts, _ := best["composed_of"].([]any)
		for _, p := range parts {
			if comp, ok := c.g.Components[fmt.Sprint(p)]["template"].(object); ok {
				t.layers = append(t.layers, comp)
			}
		}
		if own, ok := best["template"].(object); ok {
			t.layers = append(t.layers, own)
		}
		return t
	}
	var legacy []string
	for n, t := range c.g.Legacy {
		if matchesAny(patterns(t), name) {
			legacy = append(legacy, n)
		}
	}
	if legacy == nil {
		return nil
	}
	slices.SortFunc(legacy, func(a, b string) int {
		return cmp.Or(cmp.Compare(number(c.g.Legacy[a]["order"]), number(c.g.Legacy[b]["order"])), cmp.Compare(a, b))
	})
	t := &template{name: legacy[len(legacy)-1]}
	for _, n := range legacy {
		t.layers = append(t.layers, c.g.Legacy[n])
	}
	return t
}

// mergeSettings returns the settings of layers by their flat names.
func mergeSettings(layers []object) (map[string]string, error) {
	all := map[string]string{}
	for _, l := range layers {
		s, ok := l["settings"].(object)
		if !ok && l["settings"] != nil {
			return nil, failure(400, "settings_exception", "settings must be an object")
		}
		flattenSettings("", s, all)
	}
	for k, v := range all {
		switch {
		case (k == "index.default_pipeline" || k == "index.final_pipeline") && v != "_none", k == "index.mode" && v == "time_series":
			return nil, unsupported("setting [%s: %s]", k, v)
		case strings.HasPrefix(k, "index.mapping.total_fields.limit"):
			if n, err := strconv.Atoi(v); err != nil || n < 1 {
				return nil, badRequest("Failed to parse value [%s] for setting [%s]", v, k)
			}
		}
	}
	return all, nil
}

func flattenSettings(prefix string, v any, into map[string]string) {
	switch v := v.(type) {
	case object:
		for k, e := range v {
			full := k
			if prefix != "" {
				full = prefix + "." + k
			}
			flattenSettings(full, e, into)
		}
	case []any:
		b, err := json.Marshal(v)
		if err != nil {
			panic("BUG: " + err.Error())
		}
		into[indexPrefix(prefix)] = string(b)
	case nil:
		delete(into, indexPrefix(prefix))
	default:
		into[indexPrefix(prefix)] = fmt.Sprint(v)
	}
}

func indexPrefix(k string) string {
	if strings.HasPrefix(k, "index.") {
		return k
	}
	return "index." + k
}

func mergeAliases(layers []object, name string) (map[string]alias, error) {
	all := map[string]alias{}
	for _, l := range layers {
		list, _ := l["aliases"].(object)
		for n, d := range list {
			a, err := newAlias(d)
			if err != nil {
				return nil, err
			}
			all[strings.ReplaceAll(n, "{index}", name)] = a
		}
	}
	return all, nil
}

func newAlias(d any) (alias, error) {
	var a alias
	def, _ := d.(object)
	for k, v := range def {
		switch k {
		case "is_write_index":
			a.Write = v == true || v == "true"
		case "is_hidden", "index", "alias", "indices", "aliases":
		default:
			return a, unsupported("alias parameter [%s]", k)
		}
	}
	return a, nil
}

// checkTemplate tries a template out, so that a mistake shows when it is installed. The caller holds c.mu.
func (c *catalog) checkTemplate(layers []object, stream bool) error {
	settings, err := mergeSettings(layers)
	if err != nil {
		return err
	}
	if _, err := mergeAliases(layers, "x"); err != nil {
		return err
	}
	ix := &index{name: "x", settings: settings}
	if stream {
		ix.stream = "x"
	}
	def, err := mergeMappings(layers)
	if err != nil {
		return err
	}
	return ix.setUp(def)
}

// mergeMappings puts the mappings of layers together as Elasticsearch composes templates: what a later one says of a field wins.
func mergeMappings(layers []object) (object, error) {
	all := object{}
	for _, l := range layers {
		m, ok := l["mappings"].(object)
		if !ok && l["mappings"] != nil {
			return nil, failure(400, "mapper_parsing_exception", "Failed to parse mapping: mappings must be an object")
		}
		if inner, ok := m["_doc"].(object); ok && len(m) == 1 {
			m = inner
		}
		overlay(all, m)
	}
	return all, nil
}

func overlay(into, from object) {
	for k, v := range from {
		if list, ok := v.([]any); ok && k == "dynamic_templates" {
			old, _ := into[k].([]any)
			into[k] = slices.Concat(old, list)
			continue
		}
		sub, ok := v.(object)
		old, both := into[k].(object)
		if !ok || both && sub["type"] != nil && sub["type"] != old["type"] {
			into[k] = v
			continue
		}
		merged := maps.Clone(old)
		if merged == nil {
			merged = object{}
		}
		overlay(merged, sub)
		into[k] = merged
	}
}
