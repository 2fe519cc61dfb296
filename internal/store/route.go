package store

import (
	"net/http"
	"strings"
)

// route hands the request to what answers it.
func (q *request) route() error {
	p := q.parts
	switch {
	case len(p) == 0:
		if q.Method == http.MethodGet || q.Method == http.MethodHead {
			return q.rootInfo()
		}
		return q.noHandler()
	case strings.HasPrefix(p[0], "_") && p[0] != "_all":
		return q.routeGlobal()
	case len(p) == 1:
		return q.routeIndex(p[0])
	}
	return q.routeBelowIndex(p[0], p[1:])
}

// noHandler names what was asked for and is not there.
func (q *request) noHandler() error {
	return badRequest("no handler found for uri [%s] and method [%s]: this store does not know the endpoint", q.URL.Path, q.Method)
}

// is reports whether the method is one of several.
func (q *request) is(methods ...string) bool {
	for _, m := range methods {
		if q.Method == m {
			return true
		}
	}
	return false
}

func (q *request) arg(i int) string {
	if i < len(q.parts) {
		return q.parts[i]
	}
	return ""
}

// routeGlobal answers what begins with an endpoint. The length of the path is checked where it matters.
func (q *request) routeGlobal() error {
	const get, head, put, post, del = http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete
	one := len(q.parts) == 1
	read := q.is(get, post)
	switch p := q.parts[0]; {
	case p == "_bulk" && one && q.is(post, put):
		return q.bulk("")
	case p == "_search" && one && read:
		return q.search("_all")
	case p == "_count" && one && read:
		return q.count("_all")
	case p == "_msearch" && one && read:
		return q.msearch("_all")
	case p == "_refresh" && one && read, p == "_flush" && one && read:
		return q.refresh("_all")
	case p == "_mapping" && one && q.is(get):
		return q.getMapping("_all")
	case p == "_field_caps" && one && read:
		return q.fieldCaps("_all")
	case p == "_settings" && one && q.is(get):
		return q.getSettings("_all")
	case p == "_aliases" && one && q.is(post):
		return q.updateAliases()
	case (p == "_alias" || p == "_aliases") && len(q.parts) <= 2 && q.is(get, head):
		return q.getAlias("_all", q.arg(1))
	case p == "_license" && one && q.is(get):
		return q.license()
	case p == "_xpack" && one && q.is(get):
		return q.xpack()
	case p == "_cluster":
		return q.cluster()
	case p == "_cat":
		return q.catAPI()
	case p == "_nodes" && q.is(get):
		return q.nodes()
	case p == "_resolve" && len(q.parts) == 3 && q.parts[1] == "index" && q.is(get):
		return q.resolveIndex(q.parts[2])
	case (p == "_index_template" || p == "_component_template" || p == "_template") && len(q.parts) <= 2:
		return q.templates(p, q.arg(1))
	case p == "_data_stream" && len(q.parts) <= 2:
		return q.dataStreams(q.arg(1))
	case p == "_ilm" && len(q.parts) <= 3 && q.arg(1) == "policy":
		return q.policies(q.arg(2))
	}
	return q.noHandler()
}

func (q *request) routeIndex(name string) error {
	switch q.Method {
	case http.MethodPut:
		return q.createIndex(name)
	case http.MethodGet:
		return q.getIndex(name)
	case http.MethodHead:
		return q.indexExists(name)
	case http.MethodDelete:
		return q.deleteIndex(name)
	}
	return q.noHandler()
}

func (q *request) routeBelowIndex(name string, rest []string) error {
	const get, head, put, post, del = http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete
	read := q.is(get, post)
	if len(rest) == 2 {
		switch p, id := rest[0], rest[1]; {
		case p == "_doc" && q.is(put, post):
			return q.writeDoc(name, id, actIndex)
		case p == "_create" && q.is(put, post):
			return q.writeDoc(name, id, actCreate)
		case p == "_update" && q.is(post):
			return q.writeDoc(name, id, actUpdate)
		case p == "_doc" && q.is(del):
			return q.writeDoc(name, id, actDelete)
		case (p == "_doc" || p == "_source") && q.is(get, head):
			return q.getDoc(name, id, p == "_source")
		case p == "_alias" && q.is(put, post):
			return q.putAlias(name, id)
		case p == "_alias" && q.is(get, head):
			return q.getAlias(name, id)
		}
		return q.noHandler()
	}
	if len(rest) != 1 {
		return q.noHandler()
	}
	switch p := rest[0]; {
	case p == "_bulk" && q.is(post, put):
		return q.bulk(name)
	case p == "_doc" && q.is(post):
		return q.writeDoc(name, "", actIndex)
	case p == "_search" && read:
		return q.search(name)
	case p == "_count" && read:
		return q.count(name)
	case p == "_msearch" && read:
		return q.msearch(name)
	case (p == "_refresh" || p == "_flush") && read:
		return q.refresh(name)
	case (p == "_mapping" || p == "_mappings") && q.is(get):
		return q.getMapping(name)
	case (p == "_mapping" || p == "_mappings") && q.is(put, post):
		return q.putMapping(name)
	case p == "_settings" && q.is(get):
		return q.getSettings(name)
	case p == "_field_caps" && read:
		return q.fieldCaps(name)
	case (p == "_alias" || p == "_aliases") && q.is(get):
		return q.getAlias(name, "")
	case p == "_rollover" && q.is(post):
		return q.rollover(name)
	}
	return q.noHandler()
}
