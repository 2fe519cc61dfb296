package elasticsearch

import (
	"compress/gzip"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// readBody returns a request's body, decompressed.
func readBody(r *http.Request) string {
	var src io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return "no gzip: " + err.Error()
		}
		src = z
	}
	b, _ := io.ReadAll(src)
	return string(b)
}

// TestRequests compares requests with what a Logstash was recorded to send for the same options.
func TestRequests(t *testing.T) {
	f := func(options, wantRequest, wantBody string) {
		t.Helper()
		s := newFake(t, nil)
		r := open(t, `hosts => ["`+s.URL+`"] manage_template => false `+options)
		await(t, turn(t, r.NewWriter(), `{"kind":"web","id":"id-1","ver":"7","@metadata":{"ix":"meta"}}`))
		got := s.requests()
		require.NotEmpty(t, got)
		require.Equal(t, wantRequest+"\n"+wantBody, got[len(got)-1])
	}
	const path = "POST /_bulk?filter_path=errors,items.*.status,items.*.error"
	const fields = `"kind":"web","id":"id-1","ver":"7","@timestamp":"2024-03-14T09:26:53.000Z","@version":"1"`
	const doc = `{` + fields + `}`
	const generic = `{` + fields + `,"data_stream":{"type":"logs","dataset":"generic","namespace":"default"}}`
	f(``, path, `{"create":{"_index":"logs-generic-default"}}`+"\n"+generic)
	f(`ecs_compatibility => v1`, path, `{"create":{"_index":"logs-generic-default"}}`+"\n"+generic)
	f(`index => "app-%{kind}"`, path, `{"index":{"_index":"app-web"}}`+"\n"+doc)
	f(`data_stream => true data_stream_type => "logs" data_stream_dataset => "nginx" data_stream_namespace => "prod"`, path,
		`{"create":{"_index":"logs-nginx-prod"}}`+"\n"+`{`+fields+`,"data_stream":{"type":"logs","dataset":"nginx","namespace":"prod"}}`)
	f(`data_stream => true data_stream_sync_fields => false`, path, `{"create":{"_index":"logs-generic-default"}}`+"\n"+doc)
	f(`index => "app" action => "update" document_id => "%{id}" doc_as_upsert => true retry_on_conflict => 3`, path,
		`{"update":{"_index":"app","_id":"id-1","retry_on_conflict":3}}`+"\n"+`{"doc":`+doc+`,"doc_as_upsert":true}`)
	f(`index => "app" action => "delete" document_id => "%{id}"`, path, `{"delete":{"_index":"app","_id":"id-1"}}`)
	f(`index => "app" action => "create" document_id => "%{id}" routing => "%{kind}" pipeline => "p-%{kind}"`, path,
		`{"create":{"_index":"app","_id":"id-1","routing":"web","pipeline":"p-web"}}`+"\n"+doc)
	f(`index => "app" document_id => "%{id}" version => "%{ver}" version_type => "external"`, path,
		`{"index":{"_index":"app","_id":"id-1","version":"7","version_type":"external"}}`+"\n"+doc)
	f(`index => "app" action => "update" document_id => "%{id}" script => "ctx._source.n += params.event.n" script_lang => "painless" script_type => "inline" scripted_upsert => true`,
		path, `{"update":{"_index":"app","_id":"id-1","retry_on_conflict":1}}`+"\n"+
			`{"script":{"params":{"event":`+doc+`},"inline":"ctx._source.n += params.event.n","lang":"painless"},"scripted_upsert":true,"upsert":{}}`)
	f(`index => "%{[@metadata][ix]}-%{+xxxx.ww}"`, path, `{"index":{"_index":"meta-2024.11"}}`+"\n"+doc)
	f(`index => "app" custom_headers => { "X-A" => "b" } parameters => { "timeout" => "1m" } path => "/es"`,
		"POST /es/_bulk?filter_path=errors,items.*.status,items.*.error&timeout=1m", `{"index":{"_index":"app"}}`+"\n"+doc)
	f(`index => "app" compression_level => 0`, path, `{"index":{"_index":"app"}}`+"\n"+doc)
	f(`ecs_compatibility => disabled ilm_enabled => false`, path, `{"index":{"_index":"logstash-2024.03.14"}}`+"\n"+doc)
}
