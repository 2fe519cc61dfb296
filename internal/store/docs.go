package store

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// writeParams are the query parameters of the requests that write one document.
var writeParams = []string{"refresh", "routing", "pipeline", "if_seq_no", "if_primary_term", "op_type", "wait_for_active_shards", "version", "version_type",
	"require_alias", "require_data_stream", "retry_on_conflict"}

// writeDoc answers the requests that write one document: they are bulk requests of one operation.
func (q *request) writeDoc(name, id string, act action) error {
	if err := q.only(writeParams...); err != nil {
		return err
	}
	switch op := q.q.Get("op_type"); {
	case op == "create" && act == actIndex:
		act = actCreate
	case op != "" && op != "index" && op != "create":
		return badRequest("opType must be 'create' or 'index', found: [%s]", op)
	}
	if act == actIndex && id == "" && q.s.isStream(name) {
		act = actCreate
	}
	it := item{name: name, id: id, act: act, ifSeqNo: -1, op: -1}
	for _, k := range []string{"pipeline", "if_seq_no", "if_primary_term", "version", "version_type", "require_alias", "require_data_stream", "retry_on_conflict"} {
		if v := q.q.Get(k); v != "" {
			if err := it.setMeta(k, v, 0); err != nil {
				return badRequest("Failed to parse parameter [%s] with value [%s]", k, v)
			}
		}
	}
	b := q.s.parsers.Get().(*bulkRun)
	defer b.release(q.s)
	b.s, b.now = q.s, q.s.o.Now().UnixMilli()
	if act != actDelete {
		body, err := q.body(b.body)
		if err != nil {
			return err
		}
		if len(body) == 0 {
			return failure(http.StatusBadRequest, "parse_exception", "request body is required")
		}
		b.body, it.source = body, body
	} else if t, err := q.s.existing(name); err != nil || t.ix == nil {
		return noSuchIndex(name) // a delete makes no index
	}
	b.items = append(b.items, it)
	b.run(q.Context())
	done := &b.items[0]
	if done.err != nil {
		return done.err
	}
	out := appendString(append(b.out[:0], `{"_index":`...), done.ix.name)
	out = appendString(append(out, `,"_id":`...), done.id)
	b.out = append(done.appendResult(out), '}')
	if done.status() == http.StatusCreated {
		q.w.Header().Set("Location", "/"+done.ix.name+"/_doc/"+done.id)
	}
	q.sendJSON(done.status(), b.out)
	return nil
}

// existing finds where a name leads, without making anything.
func (s *Server) existing(name string) (target, error) {
	s.cat.mu.RLock()
	defer s.cat.mu.RUnlock()
	return s.cat.lookUp(name)
}

// isStream reports whether a name is, or would become, a data stream.
func (s *Server) isStream(name string) bool {
	s.cat.mu.RLock()
	defer s.cat.mu.RUnlock()
	if t, err := s.cat.lookUp(name); t.ix != nil || err != nil {
		return t.stream
	}
	t := s.cat.templateFor(name)
	return t != nil && t.stream
}

// getDoc answers GET and HEAD of _doc/ID and _source/ID.
func (q *request) getDoc(name, id string, sourceOnly bool) error {
	if err := q.only("realtime", "refresh", "routing", "preference", "_source", "_source_includes", "_source_excludes", "stored_fields", "version", "version_type"); err != nil {
		return err
	}
	for _, k := range []string{"stored_fields", "version", "version_type"} {
		if q.q.Has(k) {
			return unsupported("the parameter [%s] of a get", k)
		}
	}
	list, err := q.s.cat.expand(name, false)
	if err != nil {
		return err
	}
	if len(list) != 1 {
		return badRequest("alias [%s] has more than one index associated with it, can't execute a single index op", name)
	}
	filter, show, err := q.sourceParams()
	if err != nil {
		return err
	}
	hit, found, err := q.s.engine.Get(list[0].name, id)
	if err != nil {
		if t, _ := q.s.existing(list[0].name); t.ix == nil {
			return noSuchIndex(name) // somebody deleted it at this moment
		}
		return err
	}
	if !found {
		if sourceOnly {
			return failure(http.StatusNotFound, "resource_not_found_exception", "Document not found [%s]/[%s]", list[0].name, id)
		}
		q.send(http.StatusNotFound, object{"_index": list[0].name, "_id": id, "found": false})
		return nil
	}
	source := filterSource(hit.Source, &filter)
	if sourceOnly {
		q.sendJSON(http.StatusOK, source)
		return nil
	}
	o := object{"_index": list[0].name, "_id": id, "_version": hit.Version, "_seq_no": hit.SeqNo, "_primary_term": 1, "found": true}
	if show {
		o["_source"] = json.RawMessage(source)
	}
	q.send(http.StatusOK, o)
	return nil
}

// sourceParams reads _source, _source_includes and _source_excludes of the query string.
func (q *request) sourceParams() (f sourceFilter, show bool, err error) {
	show = true
	list := func(k string) []string {
		if v := q.q.Get(k); v != "" {
			return strings.Split(v, ",")
		}
		return nil
	}
	switch v := q.q.Get("_source"); v {
	case "", "true":
	case "false":
		show = false
	default:
		f.includes = list("_source")
	}
	f.includes = append(f.includes, list("_source_includes")...)
	f.excludes = list("_source_excludes")
	return f, show, nil
}

// atoi reads a number of the query string.
func (q *request) atoi(name string, def int) (int, error) {
	v := q.q.Get(name)
	if v == "" {
		return def, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		return 0, badRequest("Failed to parse int parameter [%s] with value [%s]", name, v)
	}
	return n, nil
}
