package store

import (
	"net/http"
	"slices"
	"strings"

	"millrace/internal/store/mapping"
)

// templates answers _index_template, _component_template and the old _template.
func (q *request) templates(kind, name string) error {
	if err := q.only("create", "cause", "flat_settings", "order", "include_defaults"); err != nil {
		return err
	}
	c := q.s.cat
	switch {
	case q.is(http.MethodPut, http.MethodPost) && name != "":
		return q.putTemplate(kind, name)
	case q.is(http.MethodGet):
		return q.getTemplates(kind, name)
	case q.is(http.MethodHead) && name != "":
		status := http.StatusNotFound
		c.mu.RLock()
		if c.named3(kind)[name] != nil || kind == "_index_template" && builtin[name] != nil {
			status = http.StatusOK
		}
		c.mu.RUnlock()
		q.sendBytes(status, nil)
		return nil
	case q.is(http.MethodDelete) && name != "":
		return q.deleteTemplate(kind, name)
	}
	return q.noHandler()
}

// named3 returns the templates of a kind. The caller holds c.mu.
func (c *catalog) named3(kind string) map[string]object {
	switch kind {
	case "_index_template":
		return c.g.Templates
	case "_component_template":
		return c.g.Components
	}
	return c.g.Legacy
}

// templateKeys are the keys that the templates of a kind may have.
var templateKeys = map[string][]string{
	"_index_template": {"index_patterns", "template", "composed_of", "priority", "version", "_meta", "data_stream", "allow_auto_create",
		"ignore_missing_component_templates", "deprecated"},
	"_component_template": {"template", "version", "_meta", "deprecated"},
	"_template":           {"index_patterns", "template", "settings", "mappings", "aliases", "order", "version"},
}

func (q *request) putTemplate(kind, name string) error {
	def, err := q.requireJSON()
	if err != nil {
		return err
	}
	for k := range def {
		if !slices.Contains(templateKeys[kind], k) {
			return failure(http.StatusBadRequest, "x_content_parse_exception", "[%s] unknown field [%s]", strings.TrimPrefix(kind, "_"), k)
		}
	}
	if kind == "_template" && def["index_patterns"] == nil && def["template"] != nil {
		def["index_patterns"] = []any{def["template"]}
		delete(def, "template")
	}
	if kind != "_component_template" && len(patterns(def)) == 0 {
		return validation("index patterns are missing")
	}
	c := q.s.cat
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.named3(kind)
	create, err := q.flag("create", false)
	if err != nil {
		return err
	}
	if create && all[name] != nil {
		return badRequest("%s [%s] already exists", strings.ReplaceAll(strings.TrimPrefix(kind, "_"), "_", " "), name)
	}
	layers, err := c.layersOf(kind, name, def)
	if err != nil {
		return err
	}
	_, stream := def["data_stream"].(object)
	if err := c.checkTemplate(layers, stream); err != nil {
		e := asAPIError(err)
		if kind == "_template" {
			return e
		}
		return &apiError{status: http.StatusBadRequest, typ: "illegal_argument_exception", reason: "template [" + name + "] is invalid", cause: e}
	}
	old := all[name]
	all[name] = def
	if err := c.saveGlobals(); err != nil {
		if all[name] = old; old == nil {
			delete(all, name)
		}
		return err
	}
	q.acknowledge()
	return nil
}

// layersOf returns what a template puts together, and refuses one whose parts are missing or that says the same as another.
func (c *catalog) layersOf(kind, name string, def object) ([]object, error) {
	if kind == "_template" {
		return []object{def}, nil
	}
	var layers []object
	parts, _ := def["composed_of"].([]any)
	for _, p := range parts {
		comp := c.g.Components[asText(p)]
		if comp == nil {
			if slices.Contains(textList(def["ignore_missing_component_templates"]), asText(p)) {
				continue
			}
			return nil, failure(http.StatusBadRequest, "invalid_index_template_exception", "index_template [%s] invalid, cause [index template [%s] specifies component templates [%s] that do not exist]", name, name, p)
		}
		if t, ok := comp["template"].(object); ok {
			layers = append(layers, t)
		}
	}
	if own, ok := def["template"].(object); ok {
		for k := range own {
			if k != "settings" && k != "mappings" && k != "aliases" && k != "lifecycle" {
				return nil, failure(http.StatusBadRequest, "x_content_parse_exception", "[template] unknown field [%s]", k)
			}
		}
		layers = append(layers, own)
	} else if def["template"] != nil {
		return nil, failure(http.StatusBadRequest, "x_content_parse_exception", "[template] must be an object")
	}
	if kind == "_component_template" {
		return layers, nil
	}
	for _, other := range c.templateNames() {
		o := c.indexTemplate(other)
		if other == name || number(o["priority"]) != number(def["priority"]) || builtin[other] != nil && c.g.Templates[other] == nil && number(def["priority"]) != 100 {
			continue
		}
		for _, p := range patterns(o) {
			if slices.ContainsFunc(patterns(def), func(mine string) bool { return overlap(mine, p) }) {
				return nil, badRequest("index template [%s] has index patterns %v matching patterns from existing templates [%s] with patterns (%s => %v) that have the same priority [%d], multiple index templates may not match during index creation, please use a different priority",
					name, patterns(def), other, other, patterns(o), number(def["priority"]))
			}
		}
	}
	return layers, nil
}

// overlap reports whether some name may match both patterns.
func overlap(a, b string) bool {
	if a == "" || b == "" {
		return strings.Trim(a+b, "*") == ""
	}
	switch {
	case a[0] == '*':
		return overlap(a[1:], b) || overlap(a, b[1:])
	case b[0] == '*':
		return overlap(a, b[1:]) || overlap(a[1:], b)
	case a[0] == b[0]:
		return overlap(a[1:], b[1:])
	}
	return false
}

func (q *request) getTemplates(kind, name string) error {
	c := q.s.cat
	c.mu.RLock()
	defer c.mu.RUnlock()
	all := c.named3(kind)
	var names []string
	if kind == "_index_template" {
		names = c.templateNames()
	} else {
		for n := range all {
			names = append(names, n)
		}
		slices.Sort(names)
	}
	found, old := []any{}, object{}
	for _, n := range names {
		if name != "" && !matchesAny(strings.Split(name, ","), n) {
			continue
		}
		switch kind {
		case "_index_template":
			found = append(found, object{"name": n, "index_template": c.indexTemplate(n)})
		case "_component_template":
			found = append(found, object{"name": n, "component_template": all[n]})
		default:
			old[n] = all[n]
		}
	}
	missing := name != "" && !strings.Contains(name, "*")
	if kind == "_template" {
		status := http.StatusOK
		if missing && len(old) == 0 {
			status = http.StatusNotFound
		}
		q.send(status, old)
		return nil
	}
	if missing && len(found) == 0 {
		return failure(http.StatusNotFound, "resource_not_found_exception", "%s matching [%s] not found", strings.ReplaceAll(strings.TrimPrefix(kind, "_"), "_", " "), name)
	}
	q.send(http.StatusOK, object{strings.TrimPrefix(kind, "_") + "s": found})
	return nil
}

func (q *request) deleteTemplate(kind, name string) error {
	c := q.s.cat
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.named3(kind)
	if all[name] == nil {
		if kind == "_index_template" && builtin[name] != nil {
			return badRequest("the template [%s] is part of the store; one of a higher priority takes its place", name)
		}
		return failure(http.StatusNotFound, "resource_not_found_exception", "%s [%s] not found", strings.ReplaceAll(strings.TrimPrefix(kind, "_"), "_", " "), name)
	}
	if kind == "_component_template" {
		for n, t := range c.g.Templates {
			if slices.Contains(textList(t["composed_of"]), name) {
				return badRequest("component templates [%s] cannot be removed as they are still in use by index templates [%s]", name, n)
			}
		}
	}
	delete(all, name)
	if err := c.saveGlobals(); err != nil {
		return err
	}
	q.acknowledge()
	return nil
}

// policies answers _ilm/policy: policies are kept so that shippers can install theirs, but do not act; the store removes by size and age.
func (q *request) policies(name string) error {
	c := q.s.cat
	switch {
	case q.is(http.MethodPut) && name != "":
		def, err := q.requireJSON()
		if err != nil {
			return err
		}
		p, ok := def["policy"].(object)
		if !ok {
			return badRequest("_ilm/policy expects [policy]")
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.g.Policies[name] = p
		if err := c.saveGlobals(); err != nil {
			return err
		}
		q.s.log.Warn("a lifecycle policy was installed in the store; it is kept but does not act: documents go by store.max_age and store.max_bytes", "policy", name)
		q.acknowledge()
		return nil
	case q.is(http.MethodGet):
		c.mu.RLock()
		defer c.mu.RUnlock()
		o := object{}
		for n, p := range c.g.Policies {
			if name == "" || mapping.Simple(name, n) {
				o[n] = object{"version": 1, "modified_date": "1970-01-01T00:00:00.000Z", "policy": p}
			}
		}
		if len(o) == 0 && name != "" && !strings.Contains(name, "*") {
			return failure(http.StatusNotFound, "resource_not_found_exception", "Lifecycle policy not found: [%s]", name)
		}
		q.send(http.StatusOK, o)
		return nil
	case q.is(http.MethodDelete) && name != "":
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.g.Policies[name] == nil {
			return failure(http.StatusNotFound, "resource_not_found_exception", "Lifecycle policy not found: %s", name)
		}
		delete(c.g.Policies, name)
		if err := c.saveGlobals(); err != nil {
			return err
		}
		q.acknowledge()
		return nil
	}
	return q.noHandler()
}

// dataStreams answers _data_stream.
func (q *request) dataStreams(name string) error {
	if err := q.only("expand_wildcards", "include_defaults", "verbose"); err != nil {
		return err
	}
	switch {
	case q.is(http.MethodGet):
		return q.getStreams(name)
	case q.is(http.MethodPut) && name != "":
		return q.putStream(name)
	case q.is(http.MethodDelete) && name != "":
		return q.deleteStreams(name)
	}
	return q.noHandler()
}

func (q *request) getStreams(name string) error {
	c := q.s.cat
	c.mu.RLock()
	defer c.mu.RUnlock()
	all := c.streams()
	names := make([]string, 0, len(all))
	for n := range all {
		if name == "" || matchesAny(strings.Split(name, ","), n) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	if len(names) == 0 && name != "" && !strings.Contains(name, "*") {
		return noSuchIndex(name)
	}
	list := []any{}
	for _, n := range names {
		backing := all[n]
		newest := backing[len(backing)-1]
		indices := []any{}
		for _, ix := range backing {
			indices = append(indices, object{"index_name": ix.name, "index_uuid": ix.uuid, "managed_by": "Unmanaged", "prefer_ilm": true, "index_mode": "standard"})
		}
		list = append(list, object{"name": n, "timestamp_field": object{"name": "@timestamp"}, "indices": indices, "generation": generation(newest.name),
			"status": "GREEN", "template": newest.template, "next_generation_managed_by": "Unmanaged", "prefer_ilm": true, "hidden": false, "system": false,
			"allow_custom_routing": false, "replicated": false, "rollover_on_write": false})
	}
	q.send(http.StatusOK, object{"data_streams": list})
	return nil
}

func (q *request) putStream(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	c := q.s.cat
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.streams()[name]) > 0 {
		return failure(http.StatusBadRequest, "resource_already_exists_exception", "data_stream [%s] already exists", name)
	}
	tmpl := c.templateFor(name)
	if tmpl == nil || !tmpl.stream {
		return badRequest("no matching index template found for data stream [%s]", name)
	}
	if _, err := c.addBacking(name, tmpl, 1); err != nil {
		return err
	}
	q.acknowledge()
	return nil
}

func (q *request) deleteStreams(name string) error {
	c := q.s.cat
	c.mu.Lock()
	defer c.mu.Unlock()
	found := false
	for n, list := range c.streams() {
		if !matchesAny(strings.Split(name, ","), n) {
			continue
		}
		found = true
		for _, ix := range list {
			if err := c.remove(ix); err != nil {
				return err
			}
		}
	}
	if !found && !strings.Contains(name, "*") {
		return noSuchIndex(name)
	}
	q.acknowledge()
	return nil
}

// rollover gives a data stream a new index to write to.
func (q *request) rollover(name string) error {
	if err := q.only("dry_run", "wait_for_active_shards", "lazy"); err != nil {
		return err
	}
	body, err := q.json()
	if err != nil {
		return err
	}
	if len(body) > 0 || q.q.Has("dry_run") || q.q.Has("lazy") {
		return unsupported("a rollover with conditions")
	}
	c := q.s.cat
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.streams()[name]
	if len(list) == 0 {
		return unsupported("the rollover of [%s], which is no data stream,", name)
	}
	old := list[len(list)-1]
	tmpl := c.templateFor(name)
	if tmpl == nil || !tmpl.stream {
		return badRequest("no matching index template found for data stream [%s]", name)
	}
	fresh, err := c.addBacking(name, tmpl, generation(old.name)+1)
	if err != nil {
		return err
	}
	q.send(http.StatusOK, object{"acknowledged": true, "shards_acknowledged": true, "old_index": old.name, "new_index": fresh.name, "rolled_over": true,
		"dry_run": false, "lazy": false, "conditions": object{}})
	return nil
}
