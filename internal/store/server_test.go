package store

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rig is a store for one test.
type rig struct {
	*testing.T
	engine *naive
	s      *Server
}

var testTime = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func open(t *testing.T) *rig {
	t.Helper()
	e := newNaive()
	s, err := New(e, Options{Now: func() time.Time { return testTime }})
	require.NoError(t, err)
	return &rig{t, e, s}
}

// do sends a request and returns status and body.
func (r *rig) do(method, path, body string) (int, string) {
	r.Helper()
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	r.s.ServeHTTP(w, req)
	require.Equal(r, "Elasticsearch", w.Header().Get("X-Elastic-Product"))
	return w.Code, w.Body.String()
}

func (r *rig) must(method, path, body string) string {
	r.Helper()
	status, answer := r.do(method, path, body)
	require.Less(r, status, 300, "%s %s: %s", method, path, answer)
	return answer
}

// get returns part of an answer, by a path such as hits.total.value.
func (r *rig) get(method, path, body, at string) any {
	r.Helper()
	var v any
	require.NoError(r, json.Unmarshal([]byte(r.must(method, path, body)), &v))
	for _, k := range strings.Split(at, ".") {
		m, ok := v.(map[string]any)
		require.True(r, ok, "%s: %v", at, v)
		v = m[k]
	}
	return v
}

func TestBulk(t *testing.T) {
	r := open(t)
	answer := r.must("POST", "/_bulk", `{"index":{"_index":"a","_id":"1"}}
{"n":1}
{"create":{"_index":"a","_id":"1","routing":null}}
{"n":2}
{"create":{"_index":"a","_id":null}}
{"n":"abc"}
{"update":{"_index":"a","_id":"1"}}
{"doc":{"n":1}}
{"update":{"_index":"a","_id":"1"}}
{"doc":{"m":{"x":1}}}
{"update":{"_index":"a","_id":"9"}}
{"doc":{"n":1}}
{"update":{"_index":"a","_id":"8"}}
{"doc":{"n":3},"doc_as_upsert":true}
{"delete":{"_index":"a","_id":"7"}}
{"delete":{"_index":"a","_id":"8"}}
{"index":{"_index":"BAD","_id":"7"}}
{}
{"index":{"_index":"logs-app-default","_id":"7"}}
{}
{"create":{"_index":"logs-app-default"}}
{"@timestamp":"2026-11-21T10:00:00Z","message":"hello"}
{"create":{"_index":"logs-app-default"}}
{"message":"hello"}
{"index":{"_index":"a","_id":"1","pipeline":"p"}}
{}
`)
	var a struct {
		Errors bool
		Items  []map[string]struct {
			Index  string `json:"_index"`
			Status int
			Result string
			Error  *struct{ Type, Reason string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(answer), &a))
	require.True(t, a.Errors)
	var got []string
	for _, it := range a.Items {
		for act, v := range it {
			s := act + " " + itoa(int64(v.Status)) + " " + v.Result
			if v.Error != nil {
				s += v.Error.Type
			}
			got = append(got, s)
		}
	}
	require.Equal(t, []string{
		"index 201 created", "create 409 version_conflict_engine_exception", "create 400 document_parsing_exception", "update 200 noop", "update 200 updated",
		"update 404 document_missing_exception", "update 201 created", "delete 404 not_found", "delete 200 deleted", "index 400 invalid_index_name_exception",
		"index 400 illegal_argument_exception", "create 201 created", "create 400 document_parsing_exception", "index 400 illegal_argument_exception",
	}, got)
	require.Equal(t, ".ds-logs-app-default-2026.11.21-000001", a.Items[11]["create"].Index)
	require.Equal(t, map[string]any{"n": 1.0, "m": map[string]any{"x": 1.0}}, r.get("GET", "/a/_doc/1", "", "_source"))

	require.Equal(t, `{"errors":true,"items":[{"create":{"status":409,"error":{"index":"a","index_uuid":"`+r.s.cat.indices["a"].uuid+
		`","reason":"[1]: version conflict, document already exists (current version [2])","shard":"0","type":"version_conflict_engine_exception"}}}]}`,
		r.must("POST", "/a/_bulk?filter_path=errors,items.*.error,items.*.status", "{\"create\":{\"_id\":\"1\"}}\n{}\n"))
	require.Equal(t, `{"errors":false}`, r.must("POST", "/a/_bulk?filter_path=errors,items.*.error", "{\"index\":{\"_id\":\"2\"}}\n{}\n"))
	require.Equal(t, `{"items":[{"index":{"_id":"2"}}]}`, r.must("POST", "/a/_bulk?filter_path=items.*._id", "{\"index\":{\"_id\":\"2\"}}\n{}\n"))
}

func TestBulkRefused(t *testing.T) {
	r := open(t)
	f := func(body, reason string) {
		t.Helper()
		status, answer := r.do("POST", "/_bulk", body)
		require.Equal(t, 400, status)
		require.Contains(t, answer, reason)
	}
	f("", "request body is required")
	f("{\"index\":{\"_index\":\"a\"}}\n{}", "must be terminated by a newline")
	f("{\"foo\":{}}\n{}\n", `Malformed action/metadata line [1], expected field [create], [delete], [index] or [update] but found [foo]`)
	f("{\"index\":{}}\n{}\n", "index is missing")
	f("{\"delete\":{\"_index\":\"a\"}}\n", "id is missing")
	f("{\"index\":{\"_index\":\"a\",\"zork\":1}}\n{}\n", "unknown parameter [zork]")
	f("{\"index\":[]}\n{}\n", "Malformed action/metadata line [1]")
	f("{\"index\":{\"_index\":{}}}\n{}\n", "Malformed action/metadata line [1], expected a simple value for field [_index]")
	r.engine.full = true
	require.Contains(t, r.must("POST", "/_bulk", "{\"index\":{\"_index\":\"a\"}}\n{}\n"), `"status":429,"error":{"reason":"rejected execution of primary operation: the store is full","type":"es_rejected_execution_exception"}`)
}

func TestCatalogSurvives(t *testing.T) {
	r := open(t)
	r.must("PUT", "/_index_template/t", `{"index_patterns":["x-*"],"priority":5,"template":{"settings":{"number_of_shards":3},"mappings":{"properties":{"k":{"type":"keyword"}}},"aliases":{"all":{}}}}`)
	r.must("PUT", "/x-1/_doc/1", `{"k":"A b","s":"C d"}`)
	r.must("POST", "/logs-a-b/_doc", `{"@timestamp":"2026-11-21","message":"m"}`)
	s, err := New(r.engine, Options{Now: r.s.o.Now})
	require.NoError(t, err)
	before := r.must("GET", "/*,.ds-*", "")
	r.s = s
	require.JSONEq(t, before, r.must("GET", "/*,.ds-*", ""))
	require.Equal(t, "keyword", r.get("GET", "/all/_mapping", "", "x-1.mappings.properties.k.type"))
	require.Contains(t, r.must("GET", "/_index_template/t", ""), `"index_patterns":["x-*"]`)
	require.Equal(t, 1.0, r.get("GET", "/logs-*/_count", "", "count"))
	require.Equal(t, 1.0, r.get("GET", "/all/_count?q=k:A%5C%20b", "", "count"))
}

func TestEndpoints(t *testing.T) {
	r := open(t)
	f := func(method, path, body string, status int, part string) {
		t.Helper()
		got, answer := r.do(method, path, body)
		require.Equal(t, status, got, "%s %s: %s", method, path, answer)
		require.Contains(t, answer, part)
	}
	f("GET", "/", "", 200, `"number":"8.19.0"`)
	f("HEAD", "/", "", 200, ``)
	f("GET", "/_license", "", 200, `"type":"basic"`)
	f("GET", "/_cluster/health", "", 200, `"status":"green"`)
	f("GET", "/_xpack", "", 200, `"features"`)
	f("GET", "/nope", "", 404, "index_not_found_exception")
	f("GET", "/nope/_search", "", 404, "no such index [nope]")
	f("GET", "/nope/_search?ignore_unavailable=true", "", 200, `"total":{"value":0,"relation":"eq"}`)
	f("HEAD", "/nope", "", 404, "")
	f("PUT", "/a", `{"mappings":{"properties":{"t":{"type":"zork"}}}}`, 400, "mapper type [zork]")
	f("PUT", "/a", `{"settings":{"number_of_replicas":1},"mappings":{"properties":{"n":{"type":"long"}}}}`, 200, `"index":"a"`)
	f("PUT", "/a", ``, 400, "resource_already_exists_exception")
	f("HEAD", "/a", "", 200, "")
	f("PUT", "/a/_mapping", `{"properties":{"n":{"type":"keyword"}}}`, 400, "mapper [n] cannot be changed from type [long] to [keyword]")
	f("PUT", "/a/_mapping", `{"properties":{"k":{"type":"keyword"}}}`, 200, "acknowledged")
	f("PUT", "/a/_doc/1", `{"n":"x"}`, 400, "failed to parse field [n] of type [long] in document with id '1'. Preview of field's value: 'x'")
	f("PUT", "/a/_doc/1", `{"n":1,"k":"v"}`, 201, `"result":"created"`)
	f("PUT", "/a/_create/1", `{"n":1}`, 409, "version conflict")
	f("POST", "/a/_update/1", `{"doc":{"n":2}}`, 200, `"result":"updated"`)
	f("POST", "/a/_update/1", `{"script":{"source":"x"}}`, 400, "[script] of an update is not supported by this store")
	f("GET", "/a/_doc/1?_source_includes=n", "", 200, `"_source":{"n":2}`)
	f("GET", "/a/_source/1", "", 200, `{"k":"v","n":2}`)
	f("GET", "/a/_doc/2", "", 404, `"found":false`)
	f("DELETE", "/a/_doc/2", "", 404, `"result":"not_found"`)
	f("GET", "/_cat/indices?v&h=index,docs.count", "", 200, "index docs.count\na              1\n")
	f("GET", "/_cat/indices/a?format=json", "", 200, `"index":"a"`)
	f("GET", "/_cat/nodes", "", 400, "no handler found for uri [/_cat/nodes] and method [GET]")
	f("GET", "/a/_search?zork=1", "", 400, "contains unrecognized parameter: [zork]")
	f("POST", "/a/_search", `{"zork":1}`, 400, "unknown key [zork]")
	f("POST", "/a/_search", `{"highlight":{"fields":{"n":{}}}}`, 400, "[highlight] in the body of a search is not supported by this store")
	f("POST", "/a/_search", `{"query":{"fuzzy":{"k":"v"}}}`, 400, "the query [fuzzy] is not supported by this store")
	f("POST", "/a/_search", `{"query":{"zork":{}}}`, 400, "unknown query [zork]")
	f("POST", "/a/_search", `{"aggs":{"x":{"percentiles":{"field":"n"}}}}`, 400, "of type [percentiles] is not supported by this store")
	f("POST", "/a/_search", `{"size":10001}`, 400, "Result window is too large")
	f("POST", "/a/_search", `{"query":{"term":{"n":"x"}}}`, 400, `"type":"search_phase_execution_exception"`)
	f("POST", "/a/_search", `{`, 400, "x_content_parse_exception")
	f("POST", "/a/_count", `{"query":{"term":{"n":2}}}`, 200, `"count":1`)
	f("POST", "/_msearch", "{\"index\":\"a\"}\n{\"size\":0}\n{\"index\":\"nope\"}\n{}\n", 200, `index_not_found_exception`)
	f("PUT", "/_ilm/policy/p", `{"policy":{"phases":{}}}`, 200, "acknowledged")
	f("GET", "/_ilm/policy/p", ``, 200, `"phases"`)
	f("GET", "/_ilm/policy/none", ``, 404, `resource_not_found_exception`)
	f("PUT", "/_index_template/bad", `{"index_patterns":["q*"],"template":{"mappings":{"properties":{"x":{"type":"zork"}}}}}`, 400, "template [bad] is invalid")
	f("PUT", "/%3Croll-%7Bnow%2Fd%7D-000001%3E", `{"aliases":{"roll":{"is_write_index":true}}}`, 200, `"index":"roll-2026.11.21-000001"`)
	f("POST", "/roll/_doc", `{}`, 201, `"_index":"roll-2026.11.21-000001"`)
	f("GET", "/_alias/roll", ``, 200, `roll-2026.11.21-000001`)
	f("GET", "/_field_caps?fields=*", ``, 200, `"n":{"long":{"aggregatable":true`)
	f("PUT", "/_data_stream/logs-x-y", ``, 200, `acknowledged`)
	f("POST", "/logs-x-y/_rollover", ``, 200, `"new_index":".ds-logs-x-y-2026.11.21-000002"`)
	f("GET", "/_data_stream/logs-*", ``, 200, `"generation":2`)
	f("GET", "/_resolve/index/*", ``, 200, `"data_streams":[{"backing_indices":[".ds-logs-x-y-2026.11.21-000001"`)
	f("DELETE", "/_data_stream/logs-x-y", ``, 200, `acknowledged`)
	f("DELETE", "/a", ``, 200, `acknowledged`)
	f("DELETE", "/a", ``, 404, `no such index [a]`)
	f("DELETE", "/_all", ``, 400, `not allowed`)
}

func TestBrowsersAreKeptOut(t *testing.T) {
	r := open(t)
	req := httptest.NewRequest("POST", "/a/_doc", strings.NewReader("{}"))
	req.Header.Set("Content-Type", "text/plain")
	w := httptest.NewRecorder()
	r.s.ServeHTTP(w, req)
	require.Equal(t, http.StatusNotAcceptable, w.Code)

	req = httptest.NewRequest("DELETE", "/a", nil)
	req.Header.Set("Origin", "http://evil.example")
	w = httptest.NewRecorder()
	r.s.ServeHTTP(w, req)
	require.Equal(t, http.StatusForbidden, w.Code)

	srv := httptest.NewServer(r.s)
	defer srv.Close()
	req, err := http.NewRequest("GET", srv.URL, nil)
	require.NoError(t, err)
	req.Host = "evil.example"
	resp, err := srv.Client().Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusForbidden, resp.StatusCode)
}

func TestFilters(t *testing.T) {
	f := func(doc, includes, excludes, want string) {
		t.Helper()
		split := func(s string) []string {
			if s == "" {
				return nil
			}
			return strings.Split(s, ",")
		}
		require.Equal(t, want, string(filterSource([]byte(doc), &sourceFilter{split(includes), split(excludes)})))
	}
	const doc = `{"a":1,"b":{"c":"x","d":[1,{"e":2}]},"f":[{"g":1,"h":2},{"g":3}],"é":"\"}"}`
	f(doc, "", "", doc)
	f(doc, "a", "", `{"a":1}`)
	f(doc, "b.c,f.g", "", `{"b":{"c":"x"},"f":[{"g":1},{"g":3}]}`)
	f(doc, "b", "b.d", `{"b":{"c":"x"}}`)
	f(doc, "", "f,b.d.e", `{"a":1,"b":{"c":"x","d":[1]},"é":"\"}"}`)
	f(doc, "*.c", "", `{"b":{"c":"x"}}`)
	f(doc, "none", "", `{}`)
	p := func(in, paths, want string) {
		t.Helper()
		require.Equal(t, want, string(filterPaths([]byte(in), strings.Split(paths, ","))))
	}
	p(`{"took":1,"hits":{"total":{"value":2},"hits":[{"_id":"1","_source":{"a":1}}]}}`, "hits.hits._id,took", `{"took":1,"hits":{"hits":[{"_id":"1"}]}}`)
	p(`{"took":1,"hits":{"total":{"value":2}}}`, "**.value", `{"hits":{"total":{"value":2}}}`)
	p(`{"took":1,"hits":{"total":{"value":2}}}`, "-took", `{"hits":{"total":{"value":2}}}`)
	p(`{"took":1}`, "x", `{}`)
}
