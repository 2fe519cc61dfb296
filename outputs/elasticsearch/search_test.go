package elasticsearch

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/plugin"
)

func TestSearchIndex(t *testing.T) {
	f := func(conf string, ecs plugin.ECS, want string) {
		t.Helper()
		r := open(t, conf, func(b *plugin.Builder) { b.ECS = ecs })
		require.Equal(t, want, r.SearchIndex())
	}
	f(``, plugin.ECSv8, "logs-*-*")
	f(`data_stream_auto_routing => false data_stream_dataset => "nginx"`, plugin.ECSv8, "logs-nginx-default")
	f(`index => "app-%{[service][name]}-%{+yyyy.MM.dd}"`, plugin.ECSv8, "app-*-*")
	f(`index => "app-%{a}%{b}x"`, plugin.ECSv8, "app-*x")
	f(`index => "app-%{a"`, plugin.ECSv8, "app-%{a")
	f(`ilm_enabled => false`, plugin.ECSDisabled, "logstash-*")
	f(`ilm_enabled => true ilm_rollover_alias => "roll"`, plugin.ECSDisabled, "roll")
}

func TestSearch(t *testing.T) {
	var got *http.Request
	var body []byte
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, `{"hits":{}}`)
	}))
	defer node.Close()
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	r := open(t, `hosts => ["`+dead.URL+`", "`+node.URL+`/es"] user => "u" password => "p" parameters => { "x" => "y" } manage_template => false index => "a"`)
	status, answer, err := r.Search(context.Background(), "logs-*-*", []byte(`{"size":1}`))
	require.NoError(t, err)
	require.Equal(t, http.StatusTeapot, status)
	require.JSONEq(t, `{"hits":{}}`, string(answer))
	require.Equal(t, "/es/logs-*-*/_search", got.URL.Path)
	require.Equal(t, "y", got.URL.Query().Get("x"))
	require.Equal(t, "true", got.URL.Query().Get("ignore_unavailable"))
	require.JSONEq(t, `{"size":1}`, string(body))
	user, password, _ := got.BasicAuth()
	require.Equal(t, "u:p", user+":"+password)

	for _, index := range []string{"", "a/_doc", "_all", "a,b", "a?x", `a\b`} {
		_, _, err = r.Search(context.Background(), index, nil)
		require.ErrorContains(t, err, "no pattern of indices", index)
	}
	node.Close()
	_, _, err = r.Search(context.Background(), "a", nil)
	require.ErrorContains(t, err, "asking 127.0.0.1:")
	require.NotContains(t, err.Error(), "p@")
}
