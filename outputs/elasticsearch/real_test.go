package elasticsearch

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/testenv"
	"millrace/pipeline/plugin"
)

// TestRealDataStream: with nothing configured events go to the data stream logs-generic-default, and where they say themselves.
func TestRealDataStream(t *testing.T) {
	es := shared.Get(t)
	es.Must(http.MethodPut, "_index_template/logs", `{"index_patterns":["logs-*-*"],"data_stream":{},"priority":100}`)
	r := open(t, fmt.Sprintf(`hosts => [%q]`, es.Addr()))
	w := r.NewWriter()
	await(t, turn(t, w, `{"message":"a"}`, `{"message":"b"}`, `{"message":"c","data_stream":{"dataset":"nginx"}}`))
	require.Equal(t, 2, es.Count("logs-generic-default"))
	hits := es.Search("logs-nginx-default", "")
	require.Len(t, hits, 1)
	require.JSONEq(t, `{"message":"c","@timestamp":"2024-03-14T09:26:53.000Z","@version":"1","data_stream":{"type":"logs","dataset":"nginx","namespace":"default"}}`, string(hits[0].Source))
	require.EqualValues(t, 3, r.env.Stats.Delivered.Load())
}

// TestRealTemplate installs the default template, in its ECS form and in the other, and a file of the user's, in both forms.
func TestRealTemplate(t *testing.T) {
	es := shared.Get(t)
	f := func(conf, index, path string, want any) {
		t.Helper()
		r := open(t, fmt.Sprintf(`hosts => [%q] %s`, es.URL, conf))
		require.NoError(t, r.Start(t.Context())) // the node knows no lifecycle policies, which Start finds out
		await(t, turn(t, r.NewWriter(), `{"message":"a","user":"u","geoip":{"location":{"lat":1.5,"lon":2.5}},"source":{"ip":"192.0.2.1","geo":{"location":{"lat":1,"lon":2}}}}`))
		require.EqualValues(t, 1, r.env.Stats.Delivered.Load())
		var all map[string]map[string]any
		require.NoError(t, json.Unmarshal(es.Must(http.MethodGet, index+"/_mapping", ""), &all))
		require.NotEmpty(t, all)
		for _, m := range all {
			var v any = m["mappings"]
			for _, k := range strings.Split(path, ".") {
				v = v.(map[string]any)["properties"].(map[string]any)[k]
			}
			require.Equal(t, want, v.(map[string]any)["type"], path)
		}
	}
	const date = "2024.03.14"
	f(`ecs_compatibility => disabled`, "logstash-"+date, "user", "text")
	f(`ecs_compatibility => disabled`, "logstash-"+date, "geoip.location", "geo_point")
	f(`ilm_enabled => false`, "ecs-logstash-"+date, "user", "keyword")
	f(`ilm_enabled => false`, "ecs-logstash-"+date, "source.ip", "ip")
	f(`ilm_enabled => false`, "ecs-logstash-"+date, "source.geo.location", "geo_point")
	f(`ilm_enabled => false`, "ecs-logstash-"+date, "message", "text")
	composable := templateFile(t, `{"index_patterns":["own-a*"],"template":{"mappings":{"properties":{"user":{"type":"wildcard_text_of_none"}}}}}`)
	legacy := templateFile(t, `{"index_patterns":["own-b*"],"order":1,"settings":{},"mappings":{"properties":{"user":{"type":"keyword"}}}}`)
	f(`index => "own-b1" template_name => "own-b" template => "`+legacy+`"`, "own-b1", "user", "keyword")
	// A template that the cluster refuses is logged; events are delivered without it.
	f(`index => "own-a1" template_name => "own-a" template => "`+composable+`"`, "own-a1", "user", "text")
}

// TestRealActions: documents are created, changed and deleted.
func TestRealActions(t *testing.T) {
	es := shared.Get(t)
	write := func(conf string, docs ...string) *rig {
		t.Helper()
		r := open(t, fmt.Sprintf(`hosts => [%q] index => "actions" manage_template => false %s`, es.URL, conf), func(b *plugin.Builder) {
			b.Workers, b.DeadLetters = 1, new(letters)
		})
		await(t, turn(t, r.NewWriter(), docs...))
		return r
	}
	get := func(id string) map[string]any {
		t.Helper()
		status, body := es.Do(http.MethodGet, "actions/_doc/"+id, "")
		if status == http.StatusNotFound {
			return nil
		}
		var doc struct {
			Source map[string]any `json:"_source"`
		}
		require.NoError(t, json.Unmarshal(body, &doc))
		delete(doc.Source, "@timestamp")
		delete(doc.Source, "@version")
		return doc.Source
	}
	write(`document_id => "%{id}"`, `{"id":"1","n":1}`, `{"id":"2","n":1}`)
	require.Equal(t, map[string]any{"id": "1", "n": 1.0}, get("1"))
	write(`action => "update" document_id => "%{id}"`, `{"id":"1","m":2}`)
	require.Equal(t, map[string]any{"id": "1", "n": 1.0, "m": 2.0}, get("1"))
	r := write(`action => "update" document_id => "%{id}"`, `{"id":"none","m":2}`)
	require.EqualValues(t, 1, r.env.Stats.DeadLettered.Load(), "404: the document is missing")
	write(`action => "update" document_id => "%{id}" doc_as_upsert => true`, `{"id":"3","m":2}`)
	require.Equal(t, map[string]any{"id": "3", "m": 2.0}, get("3"))
	write(`action => "update" document_id => "%{id}" upsert => '{"fresh":%{m}}'`, `{"id":"4","m":2}`)
	require.Equal(t, map[string]any{"fresh": 2.0}, get("4"))
	write(`action => "delete" document_id => "%{id}"`, `{"id":"2"}`)
	require.Nil(t, get("2"))
	write(`action => "%{act}" document_id => "%{id}"`, `{"act":"index","id":"5"}`, `{"act":"delete","id":"3"}`)
	require.NotNil(t, get("5"))
	require.Nil(t, get("3"))
	r = write(`action => "create" document_id => "%{id}"`, `{"id":"1","n":9}`, `{"id":"6"}`)
	require.EqualValues(t, 1, r.env.Stats.Dropped.Load(), "409 on create is dropped as in Logstash")
	require.Equal(t, 1.0, get("1")["n"])
	write(`document_id => "7" version => "%{v}" version_type => "external"`, `{"v":5}`)
	r = write(`document_id => "7" version => "%{v}" version_type => "external"`, `{"v":4}`)
	require.EqualValues(t, 1, r.env.Stats.Dropped.Load(), "an older version")
	require.Equal(t, 5.0, get("7")["v"])
}

// TestRealSecurity: over TLS, with credentials of every kind; wrong ones hold events until they are accepted.
func TestRealSecurity(t *testing.T) {
	ca := testenv.NewCA(t)
	crt := ca.Issue(t, "node", time.Now().Add(time.Hour))
	es := testenv.Elasticsearch(t, testenv.WithSecurity("admin", "secret1"), testenv.WithTLS(crt))
	pem := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(pem, ca.PEM, 0o600))
	write := func(conf string) (*rig, <-chan struct{}) {
		t.Helper()
		r := open(t, fmt.Sprintf(`hosts => [%q] index => "safe" manage_template => false %s`, es.URL, conf))
		return r, turn(t, r.NewWriter(), `{"a":1}`)
	}
	accepted := func(conf string) {
		t.Helper()
		r, done := write(conf)
		await(t, done)
		require.EqualValues(t, 1, r.env.Stats.Delivered.Load())
	}
	held := func(conf string, mend func()) {
		t.Helper()
		r, done := write(conf)
		require.NoError(t, r.Start(t.Context()))
		require.Never(t, func() bool { return r.env.Stats.Delivered.Load() > 0 }, time.Second, 50*time.Millisecond)
		require.NotZero(t, r.sender.State().Held)
		if mend == nil {
			return
		}
		mend()
		start := time.Now()
		await(t, done)
		require.Less(t, time.Since(start), recoverySoon)
	}
	trusted := fmt.Sprintf(`ssl_certificate_authorities => [%q] `, pem)
	accepted(trusted + `user => "admin" password => "secret1"`)
	accepted(`cacert => "` + pem + `" user => "admin" password => "secret1"`)
	accepted(`ssl_verification_mode => "none" user => "admin" password => "secret1"`)
	var key struct {
		ID     string `json:"id"`
		APIKey string `json:"api_key"`
	}
	require.NoError(t, json.Unmarshal(es.Must(http.MethodPost, "_security/api_key", `{"name":"shipper"}`), &key))
	accepted(trusted + fmt.Sprintf(`api_key => "%s:%s"`, key.ID, key.APIKey))
	held(`user => "admin" password => "secret1"`, nil) // the authority is not known
	held(trusted+`user => "later" password => "secret2"`, func() {
		es.Must(http.MethodPut, "_security/role/shipper", `{"cluster":["monitor"],"indices":[{"names":["safe"],"privileges":["create_doc","create_index","auto_configure","write"]}]}`)
		es.Must(http.MethodPut, "_security/user/later", `{"password":"secret2","roles":["shipper"]}`)
	})
	es.Must(http.MethodPut, "_security/user/poor", `{"password":"secret3","roles":[]}`)
	held(trusted+`user => "poor" password => "secret3"`, func() {
		es.Must(http.MethodPut, "_security/user/poor", `{"password":"secret3","roles":["shipper"]}`)
	})
}
