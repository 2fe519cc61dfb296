package elasticsearch

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// fake is a cluster of documents, numbered from 0 in every slice, that knows points in time and scroll.
type fake struct {
	*httptest.Server
	version string
	docs    int // in each slice
	hit     func(slice, n int) string

	mu    sync.Mutex
	got   []string
	fails map[string]int // answers of 503 that are left, by path
}

func newFake(t *testing.T, version string, docs int) *fake {
	f := &fake{version: version, docs: docs, fails: make(map[string]int), hit: func(slice, n int) string {
		return fmt.Sprintf(`{"_index":"i","_id":"%d-%d","_source":{"n":%d,"at":"2024-01-0%dT00:00:00Z"},"sort":[%d]}`, slice, n, n, n+1, n)
	}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

type asked struct {
	Slice *struct{ ID, Max int } `json:"slice"`
	After []int                  `json:"search_after"`
	ID    string                 `json:"scroll_id"`
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, strings.TrimSpace(r.Method+" "+r.URL.String()+" "+string(body)))
	if r.Method != http.MethodDelete && f.fails[r.URL.Path] > 0 {
		f.fails[r.URL.Path]--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var q asked
	_ = json.Unmarshal(body, &q)
	slice, from := 0, 0
	if q.Slice != nil {
		slice = q.Slice.ID
	}
	size, _ := strconv.Atoi(r.URL.Query().Get("size"))
	switch path := r.URL.Path; {
	case r.Method == http.MethodDelete:
		fmt.Fprint(w, `{}`)
		return
	case path == "/":
		fmt.Fprintf(w, `{"version":%s}`, f.version)
		return
	case strings.HasSuffix(path, "/_pit"):
		fmt.Fprint(w, `{"id":"p0"}`)
		return
	case path == "/_query":
		fmt.Fprint(w, `{"columns":[{"name":"@timestamp","type":"date"},{"name":"host.name","type":"keyword"},{"name":"title"},{"name":"title.keyword"},{"name":"host.ip"}],`+
			`"values":[["2024-01-01T00:00:00.000Z","web1","a","a",null],[null,null,"b","b","192.0.2.1"]]}`)
		return
	case path == "/_search/scroll":
		if _, err := fmt.Sscanf(q.ID, "s%d-%d-%d", &slice, &from, &size); err != nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
	case strings.HasPrefix(path, "/gone/"):
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "no such index")
		return
	}
	if q.After != nil {
		from = q.After[0] + 1
	}
	var hits []string
	for n := from; n < min(f.docs, from+size); n++ {
		hits = append(hits, f.hit(slice, n))
	}
	fmt.Fprintf(w, `{"_scroll_id":"s%d-%d-%d","pit_id":"p%d","_shards":{"failed":0},"hits":{"hits":[%s]},"aggregations":{"a":{"value":5}}}`,
		slice, from+len(hits), size, from+len(hits), strings.Join(hits, ","))
}

func (f *fake) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	got := f.got
	f.got = nil
	return got
}

const (
	v7         = `{"number":"7.17.9"}`
	v8         = `{"number":"8.19.0"}`
	opensearch = `{"number":"8.0.0","distribution":"opensearch"}`
)

// search runs the input of a config once and returns its events, sorted.
func search(t *testing.T, f *fake, ecs plugin.ECS, conf string) []string {
	t.Helper()
	built, diags := inputtest.Build(t, Plugin, `hosts => ["`+f.URL+`"] `+conf, plugin.Builder{ECS: ecs})
	require.NotNil(t, built, diags.String())
	out := inputtest.NewSink(built)
	require.NoError(t, built.Input.Run(t.Context(), out))
	got := out.Wait(0)
	slices.Sort(got)
	return got
}

func TestSearchAfter(t *testing.T) {
	es := newFake(t, v8, 3)
	got := search(t, es, plugin.ECSDisabled, `size => 2 index => "a,b-*" query => '{"query":{"match_all":{}}}'`)
	require.Equal(t, []string{`{"n":0,"at":"2024-01-01T00:00:00Z"}`, `{"n":1,"at":"2024-01-02T00:00:00Z"}`, `{"n":2,"at":"2024-01-03T00:00:00Z"}`}, got)
	require.Equal(t, []string{
		`GET /`,
		`POST /a,b-*/_pit?keep_alive=1m`,
		`POST /_search?size=2 {"pit":{"id":"p0","keep_alive":"1m"},"query":{"match_all":{}},"sort":{"_shard_doc":"asc"}}`,
		`POST /_search?size=2 {"pit":{"id":"p2","keep_alive":"1m"},"query":{"match_all":{}},"search_after":[1],"sort":{"_shard_doc":"asc"}}`,
		`POST /_search?size=2 {"pit":{"id":"p3","keep_alive":"1m"},"query":{"match_all":{}},"search_after":[2],"sort":{"_shard_doc":"asc"}}`,
		`DELETE /_pit {"id":"p0"}`,
	}, es.requests())
}

func TestScroll(t *testing.T) {
	f := func(version, conf string, first ...string) {
		t.Helper()
		es := newFake(t, version, 3)
		require.Len(t, search(t, es, plugin.ECSDisabled, `size => 2 scroll => "5m" `+conf), 3)
		require.Equal(t, append(first,
			`POST /logstash-*/_search?scroll=5m&size=2 {"sort":["_doc"]}`,
			`POST /_search/scroll {"scroll":"5m","scroll_id":"s0-2-2"}`,
			`POST /_search/scroll {"scroll":"5m","scroll_id":"s0-3-2"}`,
			`DELETE /_search/scroll {"scroll_id":"s0-3-2"}`), es.requests())
	}
	f(v7, ``, "GET /")
	f(opensearch, ``, "GET /")
	f(v8, `search_api => scroll`)
	f(v8, `search_api => scroll slices => 1`)
}

func TestSlices(t *testing.T) {
	for _, api := range []string{"scroll", "search_after"} {
		es := newFake(t, v8, 3)
		got := search(t, es, plugin.ECSDisabled, `size => 2 slices => 3 docinfo => true docinfo_fields => "_id" docinfo_target => "m" search_api => `+api)
		require.Len(t, got, 9)
		require.Len(t, slices.Compact(got), 9)
		require.Contains(t, got, `{"n":2,"at":"2024-01-03T00:00:00Z","m":{"_id":"2-2"}}`)
		require.Contains(t, strings.Join(es.requests(), "\n"), `"slice":{"id":2,"max":3}`)
	}
}

func TestDocuments(t *testing.T) {
	f := func(ecs plugin.ECS, conf, hit, want string) {
		t.Helper()
		es := newFake(t, v8, 1)
		es.hit = func(int, int) string { return hit }
		require.Equal(t, []string{want}, search(t, es, ecs, `search_api => scroll `+conf))
	}
	const hit = `{"_index":"i","_type":"logs","_id":"x","_source":{"message":["ohayo"],"hash":{"awesome":"logstash"},"text":"a string"}}`
	f(plugin.ECSDisabled, ``, hit, `{"message":["ohayo"],"hash":{"awesome":"logstash"},"text":"a string"}`)
	f(plugin.ECSDisabled, `docinfo => true`, hit,
		`{"message":["ohayo"],"hash":{"awesome":"logstash"},"text":"a string","@metadata":{"_index":"i","_type":"logs","_id":"x"}}`)
	f(plugin.ECSv1, `docinfo => true`, hit,
		`{"message":["ohayo"],"hash":{"awesome":"logstash"},"text":"a string","@metadata":{"input":{"elasticsearch":{"_index":"i","_type":"logs","_id":"x"}}}}`)
	f(plugin.ECSDisabled, `docinfo => true docinfo_target => "hash" docinfo_fields => ["_id"]`, hit,
		`{"message":["ohayo"],"hash":{"awesome":"logstash","_id":"x"},"text":"a string"}`)
	f(plugin.ECSDisabled, `docinfo => true docinfo_target => "[a][b]" docinfo_fields => ["_id", "_none"]`, `{"_id":"x","_source":{"n":1}}`, `{"n":1,"a":{"b":{"_id":"x","_none":null}}}`)
	f(plugin.ECSDisabled, `docinfo => true docinfo_target => "text"`, `{"_id":"x","_source":{"text":"a"}}`,
		`{"event":{"original":"{\"_id\":\"x\",\"_source\":{\"text\":\"a\"}}"},"tags":["_elasticsearch_input_failure"]}`)
	f(plugin.ECSDisabled, `target => "[t]" docinfo => true docinfo_fields => "_id"`, `{"_id":"x","_source":{"n":1}}`, `{"t":{"n":1},"@metadata":{"_id":"x"}}`)
	f(plugin.ECSDisabled, `docinfo => true add_field => { "id" => "foo:%{[@metadata][_type]}:%{[@metadata][_id]}" }`, `{"_type":"logs","_id":"x","_source":{}}`,
		`{"id":"foo:logs:x","@metadata":{"_index":null,"_type":"logs","_id":"x"}}`)
	f(plugin.ECSDisabled, `tags => "a"`, `{"_id":"x"}`, `{"tags":["a"]}`)
	f(plugin.ECSDisabled, ``, `{"_source":{"@timestamp":"2021-09-20T15:02:02.557Z","n":1}}`, `{"@timestamp":"2021-09-20T15:02:02.557Z","n":1}`)
}

func TestAggregations(t *testing.T) {
	es := newFake(t, v8, 1)
	require.Equal(t, []string{`{"a":{"value":5}}`}, search(t, es, plugin.ECSDisabled, `response_type => aggregations index => "x" query => '{"aggs":{"a":{"avg":{"field":"n"}}}}'`))
	require.Equal(t, []string{`POST /x/_search?size=0 {"aggs":{"a":{"avg":{"field":"n"}}}}`}, es.requests())
}

func TestESQL(t *testing.T) {
	es := newFake(t, v8, 1)
	require.Equal(t, []string{`{"@timestamp":"2024-01-01T00:00:00.000Z","host":{"name":"web1"},"title":"a"}`, `{"host":{"ip":"192.0.2.1"},"title":"b"}`},
		search(t, es, plugin.ECSDisabled, `query_type => esql query => "FROM logs METADATA _id | LIMIT 2"`))
	require.Equal(t, []string{`POST /_query?format=json&drop_null_columns=true {"query":"FROM logs METADATA _id | LIMIT 2"}`}, es.requests())
}

// TestTrackingField: the greatest value of a run is that of the next, also over a restart, once all documents are delivered.
func TestTrackingField(t *testing.T) {
	es := newFake(t, v8, 3)
	dir := t.TempDir()
	f := func(want string) {
		t.Helper()
		built, diags := inputtest.Build(t, Plugin, `hosts => ["`+es.URL+`"] tracking_field => "at" slices => 2 query => '{"q":":last_value"}'`,
			plugin.Builder{DataDir: dir, Pipeline: "main"})
		require.NotNil(t, built, diags.String())
		out := inputtest.NewSink(built)
		out.Hold = true
		end := make(chan error)
		go func() { end <- built.Input.Run(t.Context(), out) }()
		out.Wait(6)
		select {
		case err := <-end:
			t.Fatalf("the run ended before its documents were delivered: %v", err)
		default:
		}
		out.Release()
		require.NoError(t, <-end)
		require.Contains(t, strings.Join(es.requests(), "\n"), `"q":"`+want+`"`)
	}
	f("1970-01-01T00:00:00.000000000Z")
	data, err := os.ReadFile(filepath.Join(dir, "plugins/inputs/elasticsearch/main/last_run_value"))
	require.NoError(t, err)
	require.Equal(t, "2024-01-03T00:00:00Z", string(data))
	f("2024-01-03T00:00:00Z")
}

func TestCursor(t *testing.T) {
	c := &cursor{path: filepath.Join(t.TempDir(), "a/b"), value: "5"}
	require.NoError(t, c.save()) // nothing was found
	require.Equal(t, `{"gt":"5","lt":"2023-12-31T23:59:30Z"}`, c.inject(`{"gt":":last_value","lt":":present"}`, time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)))
	c.see("10")
	c.see("9")
	require.NoError(t, c.save())
	require.Equal(t, "10", c.value)
	next := &cursor{path: c.path, value: "0"}
	require.NoError(t, next.load())
	require.Equal(t, "10", next.value)
}

func TestFailures(t *testing.T) {
	f := func(conf, path string, fails int, want error, events int) {
		t.Helper()
		es := newFake(t, v8, 3)
		es.fails[path] = fails
		built, diags := inputtest.Build(t, Plugin, `hosts => ["`+es.URL+`"] size => 2 `+conf, plugin.Builder{})
		require.NotNil(t, built, diags.String())
		out := inputtest.NewSink(built)
		err := built.Input.Run(t.Context(), out)
		switch {
		case want != nil:
			require.ErrorIs(t, err, want)
		case fails > 0:
			require.ErrorContains(t, err, "503")
			require.NotErrorIs(t, err, plugin.ErrFatal)
		}
		require.Equal(t, events, out.Len())
	}
	f(`index => gone search_api => scroll`, "", 0, plugin.ErrFatal, 0)
	f(`search_api => scroll`, "/logstash-*/_search", 1, nil, 0)
	f(`search_api => scroll`, "/_search/scroll", 1, nil, 2)
	f(`search_api => search_after`, "/_search", 1, nil, 0)
	f(``, "/", 1, nil, 0)
}

// nodes answers without a network, as fake does.
type nodes struct{ f *fake }

func (n nodes) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	n.f.ServeHTTP(w, r)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// TestRetries: a page that failed is asked for again, and a scroll begins anew.
func TestRetries(t *testing.T) {
	f := func(conf, path string, took time.Duration, want int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			es := newFakeWithoutServer(3)
			es.fails[path] = 2
			built, diags := inputtest.Build(t, Plugin, `size => 2 retries => 2 `+conf, plugin.Builder{})
			require.NotNil(t, built, diags.String())
			built.Input.(*input).client.SetTransport(nodes{es})
			out := inputtest.NewSink(built)
			start := time.Now()
			require.NoError(t, built.Input.Run(t.Context(), out))
			require.Equal(t, took, time.Since(start))
			require.Equal(t, want, out.Len())
		})
	}
	f(`search_api => search_after`, "/_search", 3*time.Second, 3)
	f(`search_api => search_after`, "/logstash-*/_pit", 3*time.Second, 3)
	f(`search_api => scroll`, "/_search/scroll", 3*time.Second, 2+2+3)
	f(``, "/", 3*time.Second, 3)
}

func newFakeWithoutServer(docs int) *fake {
	return &fake{version: v8, docs: docs, fails: make(map[string]int), hit: func(_, n int) string { return fmt.Sprintf(`{"_source":{"n":%d},"sort":[%d]}`, n, n) }}
}

func TestSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		es := newFakeWithoutServer(1)
		es.fails["/logstash-*/_pit"] = 1 // a search that failed is no end
		built, diags := inputtest.Build(t, Plugin, `schedule => "* * * * * UTC"`, plugin.Builder{})
		require.NotNil(t, built, diags.String())
		built.Input.(*input).client.SetTransport(nodes{es})
		out := inputtest.NewSink(built)
		ctx, cancel := context.WithTimeout(t.Context(), 210*time.Second)
		defer cancel()
		require.NoError(t, built.Input.Run(ctx, out))
		require.Equal(t, 2, out.Len())
	})
}

// brokenSink is a queue that takes nothing any more.
type brokenSink struct{}

func (brokenSink) Push(context.Context, *event.Batch) error { return io.ErrClosedPipe }

func TestQueueThatTakesNothing(t *testing.T) {
	for _, conf := range []string{``, `retries => 5 search_api => scroll`, `schedule => "* * * * *"`} {
		synctest.Test(t, func(t *testing.T) {
			built, _ := inputtest.Build(t, Plugin, conf, plugin.Builder{})
			built.Input.(*input).client.SetTransport(nodes{newFakeWithoutServer(1)})
			require.ErrorIs(t, built.Input.Run(t.Context(), brokenSink{}), io.ErrClosedPipe)
		})
	}
}

func TestMistakes(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		_, diags := inputtest.Build(t, Plugin, conf, plugin.Builder{})
		require.Contains(t, diags.String(), want)
	}
	f(`slices => 0`, "less than 1")
	f(`slices => 9`, "9 slices are many")
	f(`slices => 2 query => '{"slice":{"id":0,"max":2}}'`, "may not say slice itself")
	f(`query => "*"`, "no JSON object")
	f(`retries => -1`, "less than 0")
	f(`size => 0`, "positive whole number")
	f(`connect_timeout_seconds => -123`, "positive whole number")
	f(`request_timeout_seconds => 0`, "positive whole number")
	f(`socket_timeout_seconds => "banana"`, "must be a number")
	f(`scroll => "soon"`, "no time such as 1m")
	f(`schedule => "* *"`, "no five fields")
	f(`schedule_overlap => true`, "never begins before the last has ended")
	f(`cloud_id => "x" hosts => ["localhost:9201"]`, "cloud_id and hosts")
	f(`cloud_auth => "u:p" user => "another"`, "there may be one of user")
	f(`cloud_auth => "invalid-format"`, "must be user:password")
	f(`api_key => "foo:bar"`, "only sent by TLS")
	f(`ssl => true ssl_verification_mode => none`, "the certificate of Elasticsearch is not verified")
	f(`ssl_certificate_verification => false`, "is obsolete")
	f(`ca_file => "/nonexistent.pem"`, `is now called "ssl_certificate_authorities"`)
	f(`query_type => esql query => '{}'`, "begins with FROM")
	f(`query_type => esql query => "FROM x" size => 5`, "size does not go with")
	f(`query_type => esql query => "FROM x"`, "without METADATA")
}
