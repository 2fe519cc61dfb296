package elasticsearch

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/internal/testenv"
)

const twoHits = `{"_shards":{"total":1},"hits":{"total":{"value":7},"hits":[{"_id":"a","_index":"i","_source":{"name":"x","n":{"m":1},"d.e":2}},{"_id":"b","_source":{"name":"y"}}]},` +
	`"aggregations":{"avg.took":{"value":1.5}}}`

// fake is a node that answers everything alike and keeps what it was asked.
type fake struct {
	*httptest.Server
	status atomic.Int32
	asked  atomic.Int32
	last   atomic.Value // "METHOD uri body"
	auth   atomic.Value
}

func newFake(t testing.TB, answer string) *fake {
	f := new(fake)
	f.status.Store(200)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		f.asked.Add(1)
		f.last.Store(strings.TrimSpace(r.Method + " " + r.RequestURI + " " + string(body)))
		f.auth.Store(r.Header.Get("Authorization") + r.Header.Get("X-Test"))
		w.WriteHeader(int(f.status.Load()))
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(f.Close)
	return f
}

func TestSearch(t *testing.T) {
	es := newFake(t, twoHits)
	f := func(options, in, wantRequest, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, `hosts => ["`+es.URL+`"] `+options).Run(in), options)
		require.Equal(t, wantRequest, es.last.Load())
	}
	f(`query => "id:%{id}" index => "logs-%{id},b*" fields => { "name" => "started" "n.m" => "[a][m]" "none" => "none" "[d][e]" => "de" }`, `{"id":"x y"}`,
		`GET /logs-x%20y,b*/_search?q=id%3Ax+y&size=1&sort=%40timestamp%3Adesc`,
		`{"id":"x y","started":["x","y"],"de":[2,null],"none":[null,null],"a":{"m":[1,null]}} @metadata={"total_hits":7} +`)
	f(`query => "q" enable_sort => false result_size => 2 docinfo_fields => { "_id" => "ids" } target => "t"`, `{}`, `GET /_search?q=q&size=2`,
		`{"t":{"ids":["a","b"]}} @metadata={"total_hits":7} +`)
	path := filepath.Join(t.TempDir(), "q.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"query":{"term":{"id":"%{id}"}}}`), 0o600))
	f(`query_template => "`+path+`" aggregation_fields => { "avg.took" => "avg" }`, `{"id":"x"}`, `POST /_search {"query":{"term":{"id":"x"}}}`,
		`{"id":"x","avg":{"value":1.5}} @metadata={"total_hits":7} +`)
}

func TestOne(t *testing.T) {
	es := newFake(t, `{"_shards":{},"hits":{"total":1,"hits":[{"_id":"a","_source":{"name":"x"}}]}}`)
	r := filtertest.New(t, Plugin, `hosts => ["`+es.URL+`"] query => "q" fields => ["name","started"] docinfo_fields => { "_id" => "id" }`)
	require.Equal(t, `{"started":"x","id":"a"} @metadata={"total_hits":1} +`, r.Run(`{}`))
}

// A search of aggregations alone asks for no documents, and one that finds something has matched.
func TestAggregationsAlone(t *testing.T) {
	es := newFake(t, `{"_shards":{},"hits":{"total":13476,"hits":[]},"aggregations":{"bytes_avg":{"value":294}}}`)
	r := filtertest.New(t, Plugin, `hosts => ["`+es.URL+`"] query => "q" result_size => 0 aggregation_fields => { "bytes_avg" => "avg" }`)
	require.Equal(t, `{"avg":{"value":294}} @metadata={"total_hits":13476} +`, r.Run(`{}`))
	require.Contains(t, es.last.Load(), "size=0")
	r = filtertest.New(t, Plugin, `hosts => ["`+es.URL+`"] query => "q" fields => [["[geoip][ip]", "ip_address"]]`)
	require.Equal(t, `{} @metadata={"total_hits":13476} +`, r.Run(`{}`))
}

func TestFailures(t *testing.T) {
	f := func(answer string, status int32, want string) {
		t.Helper()
		es := newFake(t, answer)
		es.status.Store(status)
		r := filtertest.New(t, Plugin, `hosts => ["`+es.URL+`"] query => "q" fields => { "a" => "[x][y]" }`)
		require.Equal(t, want, r.Run(`{"x":"text"}`))
	}
	const failed = `{"x":"text","tags":["_elasticsearch_lookup_failure"]}`
	f(`{"error":"x"}`, 404, failed)
	f(`no json`, 200, failed)
	f(`[]`, 200, failed)
	f(`{"_shards":{"failures":[{"shard":0}]},"hits":{}}`, 200, failed)
	f(`{"_shards":{},"hits":{"total":0,"hits":[]}}`, 200, `{"x":"text"} @metadata={"total_hits":0}`)
	f(`{"_shards":{},"hits":{"total":1,"hits":[{"_source":{"a":1}}]}}`, 200, `{"x":"text","tags":["_elasticsearch_lookup_failure"]} @metadata={"total_hits":1}`)
	r := filtertest.New(t, Plugin, `hosts => ["127.0.0.1:1"] query => "q" tag_on_failure => ["a","b"]`)
	require.Equal(t, `{"tags":["a","b"]}`, r.Run(`{}`))
}

func TestRetries(t *testing.T) {
	es := newFake(t, twoHits)
	f := func(options string, status int32, wantAsked int32) {
		t.Helper()
		es.asked.Store(0)
		es.status.Store(status)
		filtertest.New(t, Plugin, options+` query => "q"`).Run(`{}`)
		require.Equal(t, wantAsked, es.asked.Load(), options)
	}
	f(`hosts => ["`+es.URL+`"]`, 503, 1)
	f(`hosts => ["`+es.URL+`"] retry_on_failure => 2`, 503, 3)
	f(`hosts => ["`+es.URL+`"] retry_on_failure => 2`, 429, 1)
	f(`hosts => ["`+es.URL+`"] retry_on_failure => 2 retry_on_status => [429]`, 429, 3)
	f(`hosts => ["127.0.0.1:1","`+es.URL+`"]`, 200, 1)
}

func TestESQL(t *testing.T) {
	es := newFake(t, `{"columns":[{"name":"food.name","type":"keyword"},{"name":"n","type":"long"}],"values":[["soup",null]]}`)
	options := `hosts => ["` + es.URL + `"] query_type => "esql" `
	r := filtertest.New(t, Plugin, options+`query => "FROM food | WHERE id == ?id" query_params => { "id" => "[food][id]" "k" => 5 } fields => { "food.name" => "name" "n" => "n" }`)
	require.Equal(t, `{"food":{"id":"x"},"name":"soup"} @metadata={"total_values":1} +`, r.Run(`{"food":{"id":"x"}}`))
	require.Equal(t, `POST /_query?format=json&drop_null_columns=false {"query":"FROM food | WHERE id == ?id | LIMIT 1","params":[{"id":"x"},{"k":5}]}`, es.last.Load())
	filtertest.New(t, Plugin, options+`query => "FROM food | limit 3"`).Run(`{}`)
	require.Contains(t, es.last.Load(), `"FROM food | limit 3"`)
}

func TestAuth(t *testing.T) {
	es := newFake(t, twoHits)
	f := func(options, want string) {
		t.Helper()
		filtertest.New(t, Plugin, `hosts => ["`+es.URL+`"] query => "q" `+options).Run(`{}`)
		require.Equal(t, want, es.auth.Load())
	}
	f(`user => "u" password => "p"`, "Basic dTpw")
	f(`cloud_auth => "u:p"`, "Basic dTpw")
	f(`proxy => ""`, "")
	f(`custom_headers => { "X-Test" => "y" }`, "y")
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(``, `one of the options "query" and "query_template" is required`)
	f(`query => "q" query_template => "esql.go"`, `exclude each other`)
	f(`query_template => "esql.go"`, `holds no JSON`)
	f(`query => "q" hosts => ["ftp://x"]`, `a host must be`)
	f(`query => "q" user => "u"`, `go together`)
	f(`query => "q" user => "u" password => "p" api_key => "a:b"`, `there may be one of`)
	f(`query => "q" cloud_id => "x"`, `no cloud id`)
	f(`query => "q" query_params => { "a" => "b" }`, `esql only`)
	f(`query => "q" query_type => "esql" index => "i"`, `does not go with`)
	f(`query => "q" fields => { "a" => "[b" }`, `FieldReference`)
	f(`query => "q" ssl => true`, `is now called "ssl_enabled"`)
	f(`query => "q" fields => { "a" => ["b","c"] }`, `the field must be a string`)
	f(`query => "q" ssl_enabled => true ssl_verification_mode => "none"`, `is not verified`)
	f(`query => "q" fields => ["a"]`, `has no value`)
	f(`query => "q" fields => "a"`, `must be a hash`)
	f(`query => "q" result_size => -1`, `must not be negative`)
	f(`query => "q" cloud_auth => "invalid-format"`, `must be user:password`)
	f(`query => "q" cloud_auth => "elastic:x" user => "another"`, `there may be one of`)
	f(`query => "q" api_key => "foo:bar"`, `only sent by TLS`)
	f(`query => "q" hosts => ["h"] cloud_id => "my:dXMtZWFzdC0xLmF3cy5mb3VuZC5pbyRhYmNkJGVm"`, `one of cloud_id and hosts`)
	f(`query => "q" query_type => "esql" sort => "a:asc"`, `option "sort": it does not go with`)
	f(`query => "q" query_type => "esql" docinfo_fields => { "_id" => "i" }`, `option "docinfo_fields": it does not go with`)
	f(`query => "FROM a | WHERE t = ?type" query_type => "esql" query_params => { "b" => "c" }`, `?type has no value`)
	f(`query => "FROM a" query_type => "esql" query_params => { "1abcd" => "1" "$x" => 2 }`, `the name of a parameter`)
	require.Empty(t, filtertest.Diagnose(Plugin, `query => "FROM a" query_type => "esql" query_params => { "a" => "b" }`))
	require.Empty(t, filtertest.Diagnose(Plugin, `query => "FROM a" query_type => "esql" query_params => [{ "a" => "b" }, { "c" => "[b]" }, { "e" => 1 }]`))
	require.Empty(t, filtertest.Diagnose(Plugin, `query => "q" cloud_id => "my:dXMtZWFzdC0xLmF3cy5mb3VuZC5pbyRhYmNkJGVm" api_key => "foo:bar"`))
}

// TestReal asks a real Elasticsearch.
func TestReal(t *testing.T) {
	es := testenv.Elasticsearch(t)
	es.Must("PUT", "/tasks/_doc/1?refresh=true", `{"opid":"x-1","type":"start","@timestamp":"2024-05-17T08:30:15Z","host":{"name":"web01"}}`)
	r := filtertest.New(t, Plugin, `hosts => ["`+es.URL+`"] index => "tasks" query => 'type:start AND opid:"%{opid}"' fields => { "@timestamp" => "started" "host.name" => "[h][n]" } docinfo_fields => { "_id" => "id" }`)
	require.Equal(t, `{"opid":"x-1","started":"2024-05-17T08:30:15Z","h":{"n":"web01"},"id":"1"} @metadata={"total_hits":1} +`, r.Run(`{"opid":"x-1"}`))
	require.Equal(t, `{"opid":"x-2"} @metadata={"total_hits":0}`, r.Run(`{"opid":"x-2"}`))
	require.Equal(t, `{"opid":"\" OR (","tags":["_elasticsearch_lookup_failure"]}`, r.Run(`{"opid":"\" OR ("}`))
}

// net/http allocates for each request; it is the round trip that counts.
func BenchmarkFilter(b *testing.B) {
	es := newFake(b, twoHits)
	filtertest.Bench(b, Plugin, `hosts => ["`+es.URL+`"] query => "id:%{id}" fields => { "name" => "n" }`, `{"id":"x"}`)
}

func TestStop(t *testing.T) {
	filtertest.EndsWithContext(t, Plugin, func(address string) string { return `query => "x" hosts => ["http://` + address + `"]` }, `{"tags":["_elasticsearch_lookup_failure"]}`)
}
