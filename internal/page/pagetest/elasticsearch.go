package pagetest

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// Elasticsearch answers the little of Elasticsearch's API that the elasticsearch output and the page need, from memory. Of query_string it
// knows words, which any value may hold, and field:value, joined by AND.
type Elasticsearch struct {
	mu   sync.Mutex
	docs []document // guarded by mu
}

type document struct {
	id     string
	time   int64
	source json.RawMessage
	flat   map[string]string
}

// Add stores documents.
func (s *Elasticsearch) Add(docs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range docs {
		var v map[string]any
		if err := json.Unmarshal([]byte(d), &v); err != nil {
			panic("BUG: a test stores what is no document: " + err.Error())
		}
		doc := document{id: fmt.Sprintf("d%06d", len(s.docs)), source: json.RawMessage(d), flat: make(map[string]string)}
		if t, err := time.Parse(time.RFC3339Nano, fmt.Sprint(v["@timestamp"])); err == nil {
			doc.time = t.UnixMilli()
		}
		flatten(doc.flat, "", v)
		s.docs = append(s.docs, doc)
	}
}

func flatten(out map[string]string, name string, v any) {
	if m, ok := v.(map[string]any); ok {
		for k, x := range m {
			flatten(out, strings.TrimPrefix(name+"."+k, "."), x)
		}
		return
	}
	out[name] = fmt.Sprint(v)
}

// Len returns the number of documents.
func (s *Elasticsearch) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.docs)
}

// Search implements page.Searcher.
func (s *Elasticsearch) Search(_ context.Context, index string, body []byte) (int, []byte, error) {
	w := httptest.NewRecorder()
	s.search(w, body)
	return w.Code, w.Body.Bytes(), nil
}

// ServeHTTP implements http.Handler.
func (s *Elasticsearch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		in = z
	}
	body, _ := io.ReadAll(in) // what is missing is seen below
	switch {
	case strings.HasSuffix(r.URL.Path, "/_bulk"):
		s.bulk(w, body)
	case strings.HasSuffix(r.URL.Path, "/_search"):
		s.search(w, body)
	case r.URL.Path == "/":
		_, _ = io.WriteString(w, `{"name":"fake","cluster_name":"fake","cluster_uuid":"f","version":{"number":"8.19.0","build_flavor":"default"},"tagline":"You Know, for Search"}`)
	default:
		_, _ = io.WriteString(w, `{"acknowledged":true}`)
	}
}

func (s *Elasticsearch) bulk(w http.ResponseWriter, body []byte) {
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(nil, 64<<20)
	var items []string
	for lines.Scan() {
		if len(lines.Bytes()) == 0 || !lines.Scan() {
			continue
		}
		s.Add(lines.Text())
		items = append(items, `{"create":{"status":201}}`)
	}
	if len(items) == 0 {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":{"type":"parse_exception","reason":"request body is required"},"status":400}`)
		return
	}
	_, _ = fmt.Fprintf(w, `{"took":1,"errors":false,"items":[%s]}`, strings.Join(items, ","))
}

// request is what is read of a search.
type request struct {
	Size  int `json:"size"`
	Query struct {
		Bool struct {
			Must []struct {
				QueryString *struct{ Query string } `json:"query_string"`
			}
			Filter []struct {
				Range map[string]struct {
					GTE int64 `json:"gte"`
					LT  int64 `json:"lt"`
				}
			}
		}
	}
	Sort        []map[string]struct{ Order string }
	SearchAfter []int64 `json:"search_after"`
	Aggs        map[string]struct {
		DateHistogram struct {
			FixedInterval string `json:"fixed_interval"`
		} `json:"date_histogram"`
	}
}

func (s *Elasticsearch) search(w http.ResponseWriter, body []byte) {
	var q request
	if err := json.Unmarshal(body, &q); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"error":{"type":"parsing_exception","reason":%q},"status":400}`, err)
		return
	}
	text := ""
	if must := q.Query.Bool.Must; len(must) > 0 && must[0].QueryString != nil {
		text = must[0].QueryString.Query
	}
	if strings.HasSuffix(text, "(") || strings.HasSuffix(text, " AND") {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"error":{"root_cause":[{"type":"query_shard_exception","reason":%q}],"type":"search_phase_execution_exception","reason":"all shards failed"},"status":400}`, "Failed to parse query ["+text+"]")
		return
	}
	bounds := q.Query.Bool.Filter[0].Range["@timestamp"]
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []int
	for i := range s.docs {
		if d := &s.docs[i]; d.time >= bounds.GTE && d.time < bounds.LT && d.matches(text) {
			found = append(found, i)
		}
	}
	order := 1
	if len(q.Sort) > 0 && q.Sort[0]["@timestamp"].Order == "desc" {
		order = -1
	}
	key := func(i int) []int64 { return []int64{s.docs[i].time, int64(i)} }
	slices.SortFunc(found, func(a, b int) int { return order * slices.Compare(key(a), key(b)) })
	total, buckets := len(found), s.buckets(found, q)
	var hits []string
	for _, i := range found {
		if len(q.SearchAfter) == 2 && order*slices.Compare(key(i), q.SearchAfter) <= 0 {
			continue
		}
		if len(hits) == q.Size {
			break
		}
		d := &s.docs[i]
		hits = append(hits, fmt.Sprintf(`{"_index":"logs-generic-default","_id":%q,"_score":null,"_source":%s,"sort":[%d,%d]}`, d.id, d.source, d.time, i))
	}
	_, _ = fmt.Fprintf(w, `{"took":3,"timed_out":false,"_shards":{"total":1,"successful":1,"skipped":0,"failed":0},"hits":{"total":{"value":%d,"relation":"eq"},"hits":[%s]},"aggregations":{"over_time":{"buckets":[%s]}}}`,
		total, strings.Join(hits, ","), strings.Join(buckets, ","))
}

func (s *Elasticsearch) buckets(found []int, q request) []string {
	interval, err := time.ParseDuration(strings.Replace(q.Aggs["over_time"].DateHistogram.FixedInterval, "d", "h", 1))
	if err != nil || interval <= 0 {
		return nil
	}
	width := interval.Milliseconds()
	counts := make(map[int64]int)
	for _, i := range found {
		counts[s.docs[i].time/width*width]++
	}
	keys := make([]int64, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, cmp.Compare[int64])
	var out []string
	for _, k := range keys {
		out = append(out, fmt.Sprintf(`{"key":%d,"doc_count":%d}`, k, counts[k]))
	}
	return out
}

func (d *document) matches(query string) bool {
	for part := range strings.SplitSeq(query, " AND ") {
		not := strings.HasPrefix(part, "NOT ")
		part = strings.TrimPrefix(part, "NOT ")
		if part != "" && part != "*" && d.holds(part) == not {
			return false
		}
	}
	return true
}

func (d *document) holds(part string) bool {
	unescape := strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\-`, `-`, `\@`, `@`, `"`, "", `\ `, " ", `\`, "").Replace
	if name, value, ok := strings.Cut(part, ":"); ok && !strings.HasPrefix(part, `"`) {
		v, ok := d.flat[unescape(name)]
		return ok && (value == "*" || strings.Contains(strings.ToLower(v), strings.ToLower(unescape(value))))
	}
	for _, v := range d.flat {
		if strings.Contains(strings.ToLower(v), strings.ToLower(unescape(part))) {
			return true
		}
	}
	return false
}
