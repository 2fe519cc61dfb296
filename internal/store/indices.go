package store

import (
	"net/http"
	"slices"
	"strings"

	"millrace/internal/store/mapping"
)

// expandParams are those that say how names stand for indices. All indices are open and those of data streams hidden, so that
// expand_wildcards changes nothing but for the hidden ones, which a pattern that begins with a dot finds.
var expandParams = []string{"ignore_unavailable", "allow_no_indices", "expand_wildcards", "flat_settings", "include_defaults", "include_type_name", "features"}

func (q *request) expand(expr string) ([]*index, error) {
	lenient, err := q.flag("ignore_unavailable", false)
	if err != nil {
		return nil, err
	}
	list, err := q.s.cat.expand(expr, lenient)
	if err != nil {
		return nil, err
	}
	some, err := q.flag("allow_no_indices", true)
	if err == nil && !some && len(list) == 0 {
		err = noSuchIndex(expr)
	}
	return list, err
}

func (q *request) createIndex(name string) error {
	if err := q.only("wait_for_active_shards"); err != nil {
		return err
	}
	def, err := q.json()
	if err != nil {
		return err
	}
	for k := range def {
		if k != "settings" && k != "mappings" && k != "aliases" {
			return failure(http.StatusBadRequest, "parse_exception", "unknown key [%s] for create index", k)
		}
	}
	c := q.s.cat
	if name, err = resolveDateMath(name, c.now()); err == nil {
		err = checkName(name)
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	tmpl := c.templateFor(name)
	if tmpl != nil && tmpl.stream {
		return badRequest("cannot create index with name [%s], because it matches with template [%s] that creates data streams only, use create data stream api instead", name, tmpl.name)
	}
	if _, err := c.addIndex(name, tmpl, def); err != nil {
		return err
	}
	q.send(http.StatusOK, object{"acknowledged": true, "shards_acknowledged": true, "index": name})
	return nil
}

func (q *request) getIndex(expr string) error {
	return q.sendEach(expr, func(ix *index) object {
		o := object{"aliases": q.s.aliasesOf(ix), "mappings": ix.definition(), "settings": q.s.settingsOf(ix)}
		if ix.stream != "" {
			o["data_stream"] = ix.stream
		}
		return o
	})
}

// sendEach answers with what of returns for each index that expr names; nil leaves an index out.
func (q *request) sendEach(expr string, of func(*index) object) error {
	if err := q.only(expandParams...); err != nil {
		return err
	}
	list, err := q.expand(expr)
	if err != nil {
		return err
	}
	o := object{}
	for _, ix := range list {
		if each := of(ix); each != nil {
			o[ix.name] = each
		}
	}
	q.send(http.StatusOK, o)
	return nil
}

func (ix *index) definition() object {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	return ix.mapping.Definition()
}

func (s *Server) aliasesOf(ix *index) object {
	s.cat.mu.RLock()
	defer s.cat.mu.RUnlock()
	o := object{}
	for n, a := range ix.aliases {
		e := object{}
		if a.Write {
			e["is_write_index"] = true
		}
		o[n] = e
	}
	return o
}

func (s *Server) settingsOf(ix *index) object {
	s.cat.mu.RLock()
	defer s.cat.mu.RUnlock()
	root := object{}
	set := func(k, v string) {
		at := root
		parts := strings.Split(k, ".")
		for _, p := range parts[:len(parts)-1] {
			next, ok := at[p].(object)
			if !ok {
				next = object{}
				at[p] = next
			}
			at = next
		}
		at[parts[len(parts)-1]] = v
	}
	for k, v := range ix.settings {
		set(k, v)
	}
	set("index.number_of_shards", "1")
	set("index.number_of_replicas", "0")
	set("index.uuid", ix.uuid)
	set("index.provided_name", ix.name)
	set("index.creation_date", itoa(ix.created))
	return root
}

func (q *request) getSettings(expr string) error {
	return q.sendEach(expr, func(ix *index) object { return object{"settings": q.s.settingsOf(ix)} })
}

// indexExists answers HEAD of an index.
func (q *request) indexExists(expr string) error {
	if err := q.only(expandParams...); err != nil {
		return err
	}
	list, err := q.s.cat.expand(expr, false)
	if err != nil || len(list) == 0 && !strings.Contains(expr, "*") {
		q.sendBytes(http.StatusNotFound, nil)
		return nil
	}
	q.sendBytes(http.StatusOK, nil)
	return nil
}

func (q *request) deleteIndex(expr string) error {
	if err := q.only(expandParams...); err != nil {
		return err
	}
	if expr == "_all" || strings.Contains(expr, "*") {
		return badRequest("Wildcard expressions or all indices are not allowed")
	}
	lenient, err := q.flag("ignore_unavailable", false)
	if err != nil {
		return err
	}
	c := q.s.cat
	c.mu.Lock()
	defer c.mu.Unlock()
	var doomed []*index
	for name := range strings.SplitSeq(expr, ",") {
		ix := c.indices[name]
		if ix == nil {
			if t, _ := c.lookUp(name); t.stream {
				return badRequest("The provided expression [%s] matches a data stream, use the data streams api instead", name)
			} else if t.ix != nil {
				return badRequest("The provided expression [%s] matches an alias, specify the corresponding concrete indices instead.", name)
			}
			if lenient {
				continue
			}
			return noSuchIndex(name)
		}
		if ix.stream != "" {
			if list := c.streams()[ix.stream]; list[len(list)-1] == ix {
				return badRequest("index [%s] is the write index for data stream [%s] and cannot be deleted", name, ix.stream)
			}
		}
		doomed = append(doomed, ix)
	}
	for _, ix := range doomed {
		if err := c.remove(ix); err != nil {
			return err
		}
	}
	q.acknowledge()
	return nil
}

// remove deletes an index. The caller holds c.mu.
func (c *catalog) remove(ix *index) error {
	if _, err := c.engine.DeleteIndex(ix.name); err != nil {
		return err
	}
	delete(c.indices, ix.name)
	c.log.Info("an index of the store was removed", "index", ix.name)
	return nil
}

// refresh answers at once: what was acknowledged can be found.
func (q *request) refresh(expr string) error {
	if err := q.only(append([]string{"force", "wait_if_ongoing"}, expandParams...)...); err != nil {
		return err
	}
	list, err := q.expand(expr)
	if err != nil {
		return err
	}
	q.send(http.StatusOK, object{"_shards": shards(len(list), 0)})
	return nil
}

func shards(total, failed int) object {
	return object{"total": total, "successful": total - failed, "failed": failed}
}

func (q *request) getMapping(expr string) error {
	return q.sendEach(expr, func(ix *index) object { return object{"mappings": ix.definition()} })
}

func (q *request) putMapping(expr string) error {
	if err := q.only(append([]string{"write_index_only"}, expandParams...)...); err != nil {
		return err
	}
	def, err := q.requireJSON()
	if err != nil {
		return err
	}
	list, err := q.expand(expr)
	if err != nil {
		return err
	}
	for _, ix := range list {
		if err := q.s.cat.addMapping(ix, def); err != nil {
			return err
		}
	}
	q.acknowledge()
	return nil
}

// addMapping merges a definition into an index's mapping, or leaves it as it was where that fails.
func (c *catalog) addMapping(ix *index, def object) error {
	c.mu.RLock() // what is saved holds aliases too
	defer c.mu.RUnlock()
	ix.mu.Lock()
	trial := &index{name: ix.name, stream: ix.stream, settings: ix.settings}
	err := trial.setUp(ix.mapping.Definition())
	if err == nil {
		err = trial.mapping.Merge(def)
	}
	if err == nil {
		ix.mapping = trial.mapping
		ix.version++
	}
	ix.mu.Unlock()
	if err != nil {
		return err
	}
	return c.save(ix)
}

// getAlias answers GET and HEAD of aliases.
func (q *request) getAlias(expr, name string) error {
	if err := q.only(expandParams...); err != nil {
		return err
	}
	list, err := q.expand(expr)
	if err != nil {
		return err
	}
	o := object{}
	for _, ix := range list {
		all := q.s.aliasesOf(ix)
		for n := range all {
			if name != "" && name != "_all" && !slices.ContainsFunc(strings.Split(name, ","), func(p string) bool { return mapping.Simple(p, n) }) {
				delete(all, n)
			}
		}
		if len(all) > 0 || name == "" {
			o[ix.name] = object{"aliases": all}
		}
	}
	if len(o) == 0 && name != "" && !strings.Contains(name, "*") {
		q.send(http.StatusNotFound, object{"error": "alias [" + name + "] missing", "status": http.StatusNotFound})
		return nil
	}
	q.send(http.StatusOK, o)
	return nil
}

func (q *request) putAlias(expr, name string) error {
	if err := q.only(); err != nil {
		return err
	}
	def, err := q.json()
	if err != nil {
		return err
	}
	return q.aliasActions([]aliasAction{{add: true, index: expr, alias: name, def: def}})
}

type aliasAction struct {
	add          bool
	index, alias string
	def          object
}

// updateAliases answers POST _aliases.
func (q *request) updateAliases() error {
	if err := q.only(); err != nil {
		return err
	}
	body, err := q.requireJSON()
	if err != nil {
		return err
	}
	list, ok := body["actions"].([]any)
	if !ok || len(body) != 1 {
		return badRequest("_aliases expects [actions] alone")
	}
	var actions []aliasAction
	for _, e := range list {
		entry, _ := e.(object)
		for kind, d := range entry {
			def, _ := d.(object)
			indices := append(textList(def["index"]), textList(def["indices"])...)
			names := append(textList(def["alias"]), textList(def["aliases"])...)
			if kind != "add" && kind != "remove" || len(indices) == 0 || len(names) == 0 {
				return unsupported("the action [%s] of _aliases without an index and an alias", kind)
			}
			for _, n := range names {
				actions = append(actions, aliasAction{add: kind == "add", index: strings.Join(indices, ","), alias: n, def: def})
			}
		}
	}
	return q.aliasActions(actions)
}

func (q *request) aliasActions(actions []aliasAction) error {
	c := q.s.cat
	for _, a := range actions {
		list, err := c.expand(a.index, false)
		if err != nil {
			return err
		}
		c.mu.Lock()
		err = c.setAlias(list, a)
		c.mu.Unlock()
		if err != nil {
			return err
		}
	}
	q.acknowledge()
	return nil
}

// setAlias does one action. The caller holds c.mu.
func (c *catalog) setAlias(list []*index, a aliasAction) error {
	def, err := newAlias(a.def)
	if err != nil {
		return err
	}
	if a.add {
		if err := checkName(a.alias); err != nil {
			return err
		}
		if c.indices[a.alias] != nil || len(c.streams()[a.alias]) > 0 {
			return failure(http.StatusBadRequest, "invalid_alias_name_exception", "Invalid alias name [%s]: an index or data stream exists with the same name as the alias", a.alias)
		}
	}
	for _, ix := range list {
		if ix.stream != "" && a.add {
			return unsupported("an alias of the data stream [%s]", ix.stream)
		}
		if a.add {
			ix.aliases[a.alias] = def
		} else {
			delete(ix.aliases, a.alias)
		}
		if err := c.changed(ix); err != nil {
			return err
		}
	}
	return nil
}

// RemoveEmpty removes indices that hold no documents any more and are older than documents may become, so that the indices of past days do
// not pile up. The index that a data stream writes to stays.
func (s *Server) RemoveEmpty() error {
	if s.o.MaxAge <= 0 {
		return nil
	}
	c := s.cat
	c.mu.Lock()
	defer c.mu.Unlock()
	info := c.info()
	before := s.o.Now().Add(-s.o.MaxAge).UnixMilli()
	streams := c.streams()
	for _, ix := range c.indices {
		list := streams[ix.stream]
		if i, ok := info[ix.name]; !ok || i.Docs > 0 || ix.created >= before || len(list) > 0 && list[len(list)-1] == ix {
			continue
		}
		if err := c.remove(ix); err != nil {
			return err
		}
	}
	return nil
}
