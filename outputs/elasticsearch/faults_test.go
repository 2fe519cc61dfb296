package elasticsearch

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// letters is a dead letter queue in memory.
type letters struct {
	mu  sync.Mutex
	all []plugin.DeadLetter
}

// Write implements plugin.DeadLetters.
func (l *letters) Write(d plugin.DeadLetter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	d.Document = append([]byte(nil), d.Document...)
	l.all = append(l.all, d)
	return nil
}

func (l *letters) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all)
}

// items answers a bulk request by one item an action line; status says what of each.
func items(w http.ResponseWriter, body string, status func(i int, line string) (int, string)) {
	lines := strings.Split(strings.TrimSuffix(body, "\n"), "\n")
	var out []string
	failed := false
	for i := 0; i < len(lines); i += 2 {
		n, reason := status(i/2, lines[i+1])
		if n < 300 {
			out = append(out, fmt.Sprintf(`{"index":{"status":%d}}`, n))
			continue
		}
		failed = true
		out = append(out, fmt.Sprintf(`{"index":{"status":%d,"error":%s}}`, n, reason))
	}
	_, _ = fmt.Fprintf(w, `{"errors":%t,"items":[%s]}`, failed, strings.Join(out, ","))
}

const mapping = `{"type":"mapper_parsing_exception","reason":"failed to parse field [n]"}`

// TestItems judges documents by their own status.
func TestItems(t *testing.T) {
	f := func(conf string, status int, reason string, dead, dropped int64, again bool) {
		t.Helper()
		var calls atomic.Int64
		s := newFake(t, func(w http.ResponseWriter, r *http.Request, body string) bool {
			if !strings.Contains(r.URL.Path, "_bulk") {
				return false
			}
			n := calls.Add(1)
			items(w, body, func(_ int, doc string) (int, string) {
				if strings.Contains(doc, `"bad"`) && (n == 1 || !again) {
					return status, reason
				}
				return 201, ""
			})
			return true
		})
		dlq := new(letters)
		r := open(t, `hosts => ["`+s.URL+`"] index => "app" manage_template => false `+conf, func(b *plugin.Builder) { b.DeadLetters = dlq })
		await(t, turn(t, r.NewWriter(), `{"a":1}`, `{"a":"bad"}`, `{"a":3}`))
		st := r.env.Stats
		require.EqualValues(t, dead, st.DeadLettered.Load(), "dead-lettered")
		require.EqualValues(t, dropped, st.Dropped.Load(), "dropped")
		require.EqualValues(t, 3-dead-dropped, st.Delivered.Load(), "delivered")
		require.EqualValues(t, dead, dlq.len())
		if dead > 0 {
			require.Contains(t, dlq.all[0].Reason, reason)
			require.Contains(t, dlq.all[0].Reason, fmt.Sprint("status: ", status))
			require.JSONEq(t, `{"a":"bad","@timestamp":"2024-03-14T09:26:53.000Z","@version":"1"}`, string(dlq.all[0].Document))
		}
		bodies := s.bulks()
		if again {
			require.Len(t, bodies, 2, "only what failed is sent again")
			require.Equal(t, 1, strings.Count(bodies[1], `{"index"`))
		} else {
			require.Len(t, bodies, 1)
		}
	}
	f(``, 400, mapping, 1, 0, false)
	f(``, 404, `{"type":"index_not_found_exception","reason":"no such index [app]"}`, 1, 0, false)
	f(`dlq_custom_codes => [403]`, 403, `{"type":"cluster_block_exception","reason":"read-only"}`, 1, 0, false)
	f(`drop_error_types => ["mapper_parsing_exception"]`, 400, mapping, 0, 1, false)
	f(`action => "create" document_id => "%{a}"`, 409, `{"type":"version_conflict_engine_exception","reason":"exists"}`, 0, 1, false)
	f(`idempotent => true`, 409, `{"type":"version_conflict_engine_exception","reason":"exists"}`, 0, 0, false)
	f(`retry_initial_interval => 1`, 429, `{"type":"es_rejected_execution_exception","reason":"full"}`, 0, 0, true)
	f(`retry_initial_interval => 1`, 503, `{"type":"unavailable_shards_exception","reason":"r"}`, 0, 0, true)
	f(`retry_initial_interval => 1`, 403, `{"type":"cluster_block_exception","reason":"read-only"}`, 0, 0, true)
	f(``, 400, `"MapperParsingException[failed]"`, 1, 0, false)
}

// TestWithoutDeadLetters: what cannot be delivered is counted as dropped.
func TestWithoutDeadLetters(t *testing.T) {
	s := newFake(t, func(w http.ResponseWriter, r *http.Request, body string) bool {
		if strings.Contains(r.URL.Path, "_bulk") {
			items(w, body, func(int, string) (int, string) { return 400, mapping })
		}
		return strings.Contains(r.URL.Path, "_bulk")
	})
	r := open(t, `hosts => ["`+s.URL+`"] index => "app-%{missing}" manage_template => false dlq_on_failed_indexname_interpolation => false`)
	await(t, turn(t, r.NewWriter(), `{"a":1}`))
	require.EqualValues(t, 1, r.env.Stats.Dropped.Load())
	require.Contains(t, s.bulks()[0], `app-%{missing}`)
}

// TestRefusedByTheOutput: no operation can be made of these events.
func TestRefusedByTheOutput(t *testing.T) {
	f := func(conf, doc, reason string) {
		t.Helper()
		s := newFake(t, nil)
		dlq := new(letters)
		r := open(t, `hosts => ["`+s.URL+`"] manage_template => false `+conf, func(b *plugin.Builder) { b.DeadLetters = dlq })
		await(t, turn(t, r.NewWriter(), doc, `{"act":"index","ix":"a","up":"{}"}`))
		require.EqualValues(t, 1, r.env.Stats.DeadLettered.Load())
		require.EqualValues(t, 1, r.env.Stats.Delivered.Load())
		require.Contains(t, dlq.all[0].Reason, reason)
	}
	f(`index => "app-%{ix}"`, `{}`, `after interpolation still contains placeholder: "app-%{ix}"`)
	f(`index => "app" action => "%{act}"`, `{"act":"destroy"}`, `does not support the action "destroy"`)
	f(`index => "app" action => "update" document_id => "1" upsert => "%{up}"`, `{"up":"{"}`, `upsert is not a JSON document`)
}

// TestWholeRequests answers requests as a whole, first badly and then well; nothing is lost, and recovery takes a second or so.
func TestWholeRequests(t *testing.T) {
	f := func(name string, bad func(w http.ResponseWriter, body string)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var broken atomic.Bool
			broken.Store(true)
			s := newFake(t, func(w http.ResponseWriter, r *http.Request, body string) bool {
				if !strings.Contains(r.URL.Path, "_bulk") || !broken.Load() || body == "\n" {
					return false
				}
				bad(w, body)
				return true
			})
			r := open(t, `hosts => ["`+s.URL+`"] index => "app" manage_template => false`)
			w := r.NewWriter()
			var done []<-chan struct{}
			for i := range 20 {
				done = append(done, turn(t, w, fmt.Sprintf(`{"n":%d}`, i)))
			}
			require.Eventually(t, func() bool { return len(s.bulks()) >= 3 }, patience, time.Millisecond)
			require.Zero(t, r.env.Stats.Delivered.Load())
			broken.Store(false)
			start := time.Now()
			for _, d := range done {
				await(t, d)
			}
			require.Less(t, time.Since(start), recoverySoon)
			require.EqualValues(t, 20, r.env.Stats.Delivered.Load())
		})
	}
	for _, status := range []int{301, 401, 403, 404, 429, 500, 502, 503, 504} {
		f(fmt.Sprint(status), func(w http.ResponseWriter, _ string) { w.WriteHeader(status) })
	}
	f("page of a proxy", func(w http.ResponseWriter, _ string) { _, _ = io.WriteString(w, "<html>Please log in</html>") })
	f("too few items", func(w http.ResponseWriter, _ string) {
		_, _ = io.WriteString(w, `{"errors":true,"items":[{"index":{"status":500}},{"index":{"status":500}},{"index":{"status":201}}]}`)
	})
	f("cut", func(w http.ResponseWriter, _ string) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"errors":tr`)
	})
	f("reset", func(w http.ResponseWriter, _ string) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = c.Close()
		}
	})
}

// TestOldAnswers: servers and proxies that ignore filter_path send everything.
func TestOldAnswers(t *testing.T) {
	s := newFake(t, func(w http.ResponseWriter, r *http.Request, body string) bool {
		if !strings.Contains(r.URL.Path, "_bulk") {
			return false
		}
		_, _ = io.WriteString(w, `{"took":7,"errors":true,"items":[{"index":{"_index":"app","_type":"doc","_id":"AV","_version":1,"result":"created",`+
			`"_shards":{"total":2,"successful":1,"failed":0},"created":true,"status":201}},{"index":{"_index":"app","_id":"AW","status":400,"error":`+mapping+`}}]}`)
		return true
	})
	dlq := new(letters)
	r := open(t, `hosts => ["`+s.URL+`"] index => "app" manage_template => false`, func(b *plugin.Builder) { b.DeadLetters = dlq })
	await(t, turn(t, r.NewWriter(), `{"a":1}`, `{"a":"bad"}`))
	require.EqualValues(t, 1, r.env.Stats.Delivered.Load())
	require.EqualValues(t, 1, dlq.len())
	require.Contains(t, string(dlq.all[0].Document), `"bad"`)
	stats := r.NodeStats()
	documents, requests := stats["documents"].(map[string]any), stats["bulk_requests"].(map[string]any)
	require.EqualValues(t, 1, documents["successes"])
	require.EqualValues(t, 1, documents["dlq_routed"])
	require.EqualValues(t, 1, requests["with_errors"])
	require.Equal(t, map[string]int64{"200": 1}, requests["responses"])
	require.Equal(t, "abc", stats["cluster_uuid"])
}

// TestIdempotent: ids are the same for the same batch, and differ for equal documents of one batch.
func TestIdempotent(t *testing.T) {
	s := newFake(t, nil)
	r := open(t, `hosts => ["`+s.URL+`"] index => "app" manage_template => false idempotent => true`)
	w := r.NewWriter()
	await(t, turn(t, w, `{"a":1}`, `{"a":1}`, `{"a":2}`))
	lines := strings.Split(s.bulks()[0], "\n")
	require.Regexp(t, `^\{"create":\{"_index":"app","_id":"[A-Za-z0-9_-]{20}"\}\}$`, lines[0])
	require.NotEqual(t, lines[0], lines[2])
	require.NotEqual(t, lines[0], lines[4])
	require.Equal(t, lines[1], lines[3])
}

// TestStartCalls compares what is asked and installed at the start with what Logstash was recorded to do.
func TestStartCalls(t *testing.T) {
	f := func(conf string, ilm int, want ...string) {
		t.Helper()
		s := newFake(t, func(w http.ResponseWriter, r *http.Request, _ string) bool {
			if strings.HasPrefix(r.URL.Path, "/_ilm/policy") && r.Method == http.MethodGet {
				w.WriteHeader(ilm)
				return true
			}
			return false
		})
		r := open(t, `hosts => ["`+s.URL+`"] `+conf)
		require.NoError(t, r.Start(t.Context()))
		await(t, turn(t, r.NewWriter(), `{"a":1}`))
		var got []string
		for _, l := range s.requests() {
			l = strings.ReplaceAll(l, "\n", " ")
			if strings.Contains(l, "_bulk") {
				_, l, _ = strings.Cut(l, ".error ")
				l, _, _ = strings.Cut(l, `{"a"`)
			}
			if strings.Contains(l, "template") {
				l, _, _ = strings.Cut(l, `,"mappings"`)
			}
			got = append(got, strings.TrimSpace(l))
		}
		require.Equal(t, want, got, conf)
	}
	const disabled = `ecs_compatibility => disabled `
	f(``, 200, `{"create":{"_index":"logs-generic-default"}}`)
	f(disabled, 200, `GET /_ilm/policy/logstash-policy`, `HEAD /_index_template/logstash`,
		`PUT /_index_template/logstash {"_meta":{"description":"index template of Millrace's elasticsearch output"},"index_patterns":["logstash-*"],"priority":200,"template":{`+
			`"mappings":{"dynamic_templates":[{"message_field":{"mapping":{"norms":false,"type":"text"},"match_mapping_type":"string","path_match":"message"}},`+
			`{"string_fields":{"mapping":{"fields":{"keyword":{"ignore_above":256,"type":"keyword"}},"norms":false,"type":"text"},"match":"*","match_mapping_type":"string"}}],`+
			`"properties":{"@timestamp":{"type":"date"},"@version":{"type":"keyword"},"geoip":{"dynamic":true,"properties":{"ip":{"type":"ip"},"latitude":{"type":"half_float"},`+
			`"location":{"type":"geo_point"},"longitude":{"type":"half_float"}}}}},`+
			`"settings":{"index.lifecycle.name":"logstash-policy","index.lifecycle.rollover_alias":"logstash","index.refresh_interval":"5s","number_of_shards":1}},"version":80001}`,
		`HEAD /logstash`, `PUT /%3Clogstash-%7Bnow%2Fd%7D-000001%3E {"aliases":{"logstash":{"is_write_index":true}}}`, `{"index":{"_index":"logstash"}}`)
	f(disabled+`manage_template => false ilm_rollover_alias => "myalias" ilm_pattern => "000001" ilm_policy => "mypolicy" path => "/es"`, 200,
		`GET /es/_ilm/policy/mypolicy`, `HEAD /es/myalias`, `PUT /es/%3Cmyalias-000001%3E {"aliases":{"myalias":{"is_write_index":true}}}`, `{"index":{"_index":"myalias"}}`)
	f(disabled+`manage_template => false path => "/es"`, 404, `GET /es/_ilm/policy/logstash-policy`, `PUT /es/_ilm/policy/logstash-policy `+defaultPolicyBody,
		`HEAD /es/logstash`, `PUT /es/%3Clogstash-%7Bnow%2Fd%7D-000001%3E {"aliases":{"logstash":{"is_write_index":true}}}`, `{"index":{"_index":"logstash"}}`)
	f(disabled+`manage_template => false`, 400, `GET /_ilm/policy/logstash-policy`, `{"index":{"_index":"logstash-2024.03.14"}}`)
	f(disabled+`manage_template => false ilm_enabled => false`, 200, `{"index":{"_index":"logstash-2024.03.14"}}`)
	f(disabled+`manage_template => false index => "logstash-%{+yyyy.MM.dd}"`, 400, `GET /_ilm/policy/logstash-policy`, `{"index":{"_index":"logstash-2024.03.14"}}`)
	f(`manage_template => true ilm_enabled => false index => "x" template => "`+templateFile(t, `{"index_patterns":["x*"],"template":{"settings":{}}}`)+`" template_name => "t"`, 200,
		`HEAD /_index_template/t`, `PUT /_index_template/t {"index_patterns":["x*"],"template":{"settings":{}}}`, `{"index":{"_index":"x"}}`)
	f(`index => "x" template => "`+templateFile(t, `{"template":"x*","settings":{"a":1}}`)+`" template_name => "t"`, 200,
		`HEAD /_template/t`, `PUT /_template/t {"settings":{"a":1},"template":"x*"}`, `{"index":{"_index":"x"}}`)
}

func templateFile(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "template.json")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// TestOldServers: document types are needed up to version 6, possible in 7 and refused from 8 on.
func TestOldServers(t *testing.T) {
	f := func(version, conf, wantLine string) {
		t.Helper()
		s := newFake(t, func(w http.ResponseWriter, r *http.Request, _ string) bool {
			if r.URL.Path == "/" {
				_, _ = io.WriteString(w, `{"version":{`+version+`}}`)
				return true
			}
			return false
		})
		r := open(t, `hosts => ["`+s.URL+`"] index => "app" manage_template => false `+conf)
		await(t, turn(t, r.NewWriter(), `{"t":"a\"b"}`))
		require.Equal(t, wantLine, strings.SplitN(s.bulks()[0], "\n", 2)[0])
	}
	f(`"number":"8.19.0"`, `document_type => "%{t}"`, `{"index":{"_index":"app"}}`)
	f(`"number":"7.17.0"`, `document_type => "%{t}"`, `{"index":{"_type":"a\"b","_index":"app"}}`)
	f(`"number":"7.17.0"`, ``, `{"index":{"_index":"app"}}`)
	f(`"number":"6.8.0"`, ``, `{"index":{"_type":"doc","_index":"app"}}`)
	f(`"number":"5.6.0"`, ``, `{"index":{"_type":"logs","_index":"app"}}`)
	f(`"number":"2.11.0","distribution":"opensearch"`, `document_type => "x"`, `{"index":{"_index":"app"}}`)
	f(`"number":"5.6.0"`, `document_type => "x" action => "delete" document_id => "1"`, `{"delete":{"_type":"x","_index":"app","_id":"1"}}`)
}

// TestMetadata: an event may say itself where it goes.
func TestMetadata(t *testing.T) {
	f := func(conf, doc, want string) {
		t.Helper()
		s := newFake(t, nil)
		r := open(t, `hosts => ["`+s.URL+`"] manage_template => false `+conf)
		await(t, turn(t, r.NewWriter(), doc))
		require.Equal(t, want, strings.SplitN(s.bulks()[0], "\n", 2)[0])
	}
	f(``, `{"@metadata":{"_ingest_document":{"id":"7","index":"other","pipeline":"p","routing":"r","version":3,"version_type":"external"}}}`,
		`{"create":{"_index":"other","_id":"7","routing":"r","pipeline":"p"}}`) // data streams have no versions
	f(`index => "app"`, `{"@metadata":{"_ingest_document":{"version":3,"version_type":"external"}}}`,
		`{"index":{"_index":"app","version":"3","version_type":"external"}}`)
	f(`index => "app"`, `{"@metadata":{"_ingest_document":{"index":"other"}}}`, `{"index":{"_index":"app"}}`)
	f(`index => "app"`, `{"@metadata":{"target_ingest_pipeline":"p"}}`, `{"index":{"_index":"app","pipeline":"p"}}`)
	f(`index => "app"`, `{"@metadata":{"target_ingest_pipeline":""}}`, `{"index":{"_index":"app"}}`)
	f(`index => 'a"b'`, `{}`, `{"index":{"_index":"a\"b"}}`)
	f(``, `{"data_stream":{"dataset":"nginx"}}`, `{"create":{"_index":"logs-nginx-default"}}`)
	f(``, `{"data_stream":{"type":null,"dataset":false,"namespace":"ns"}}`, `{"create":{"_index":"logs-generic-ns"}}`)
	f(``, `{"data_stream":"x"}`, `{"create":{"_index":"logs-generic-default"}}`)
	f(`data_stream_auto_routing => false`, `{"data_stream":{"dataset":"nginx"}}`, `{"create":{"_index":"logs-generic-default"}}`)
	f(`index => "app" parent => "%{p}" join_field => "j"`, `{"p":"42","j":"child"}`, `{"index":{"_index":"app","routing":"42"}}`)
	f(`index => "app" parent => "%{p}" join_field => "j" routing => "x"`, `{"p":"42","@metadata":{"_ingest_document":{"routing":"r"}}}`,
		`{"index":{"_index":"app","routing":"42"}}`)
	f(`index => "app" parent => "%{p}"`, `{"p":"42"}`, `{"index":{"_index":"app","parent":"42"}}`)
}

// TestSyncedFields: documents say which data stream they are in; the event stays as it was for other outputs.
func TestSyncedFields(t *testing.T) {
	f := func(conf, doc, want string) {
		t.Helper()
		r := open(t, conf)
		e := makeEvent(t, doc)
		before := string(e.AppendJSON(nil))
		require.JSONEq(t, want, string(r.enc.appendDocument(nil, e)))
		require.Equal(t, before, string(e.AppendJSON(nil)))
	}
	const rest = `,"@timestamp":"2024-03-14T09:26:53.000Z","@version":"1"}`
	f(``, `{"data_stream":{"dataset":"nginx","x":1}}`, `{"data_stream":{"dataset":"nginx","x":1,"type":"logs","namespace":"default"}`+rest)
	f(``, `{"data_stream":null}`, `{"data_stream":{"dataset":"generic","type":"logs","namespace":"default"}`+rest)
	f(``, `{"data_stream":{"type":"logs","dataset":false,"namespace":"default"}}`, `{"data_stream":{"dataset":"generic","type":"logs","namespace":"default"}`+rest)
	f(``, `{"data_stream":"x"}`, `{"data_stream":{"dataset":"generic","type":"logs","namespace":"default"}`+rest)
	f(`data_stream_auto_routing => false`, `{"data_stream":{"dataset":"nginx"}}`, `{"data_stream":{"dataset":"generic","type":"logs","namespace":"default"}`+rest)
	f(`data_stream_sync_fields => false`, `{"a":1}`, `{"a":1`+rest)
	f(`index => "a" parent => "%{p}" join_field => "[j][k]"`, `{"p":"42","j":{"k":"child"}}`, `{"p":"42","j":{"k":{"name":"child","parent":"42"}}`+rest)
}

// TestReplayedLetters: what comes from a dead letter queue is marked in the letter that would bring it back there.
func TestReplayedLetters(t *testing.T) {
	s := newFake(t, func(w http.ResponseWriter, r *http.Request, body string) bool {
		if strings.Contains(r.URL.Path, "_bulk") {
			items(w, body, func(int, string) (int, string) { return 400, mapping })
		}
		return strings.Contains(r.URL.Path, "_bulk")
	})
	dlq := new(letters)
	r := open(t, `hosts => ["`+s.URL+`"] index => "app-%{i}" manage_template => false`, func(b *plugin.Builder) { b.DeadLetters = dlq })
	w := r.NewWriter()
	for n, doc := range []string{`{"n":0,"i":"a"}`, `{"n":1,"i":"a"}`, `{"n":2}`, `{"n":3}`} {
		e := makeEvent(t, doc)
		if n%2 == 1 {
			require.NoError(t, e.Set(event.MustPath("[@metadata][dead_letter_queue][reason]"), event.StringValue("mapping")))
		}
		_ = w.Append(e) // the last two cannot be written: their index is unknown
	}
	await(t, turn(t, w))
	require.Equal(t, 4, dlq.len())
	for _, l := range dlq.all {
		var doc struct{ N int }
		require.NoError(t, json.Unmarshal(l.Document, &doc))
		require.Equal(t, doc.N%2 == 1, l.Replayed, "event %d", doc.N)
	}
}
