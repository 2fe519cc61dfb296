package elasticsearch

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/pipeline/plugin"
)

// Where shards fail the value of the tracking field stays what it was: their documents have not been read.
func TestTrackingFieldWhereShardsFail(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/_pit") {
			fmt.Fprint(w, `{"id":"p"}`)
			return
		}
		fmt.Fprint(w, `{"_shards":{"failed":1,"failures":["gone"]},"hits":{"hits":[{"_source":{"at":"2024"},"sort":[1]}]}}`)
	}))
	t.Cleanup(s.Close)
	dir := t.TempDir()
	f := func(options, want string) {
		t.Helper()
		built, diags := inputtest.Build(t, Plugin, `hosts => ["`+s.URL+`"] search_api => "search_after" `+options, plugin.Builder{DataDir: dir, Pipeline: "main"})
		require.NotNil(t, built, diags.String())
		in := built.Input.(*input)
		r := &run{in: in, out: inputtest.NewSink(built), source: in.env.NewSource()}
		_, err := r.ask(t.Context(), "/_search", map[string]any{})
		if want == "" {
			require.NoError(t, err)
			return
		}
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, in.search(t.Context(), r.out), want)
	}
	f(``, "")
	f(`tracking_field => "at"`, "1 shards failed")
	require.NoFileExists(t, filepath.Join(dir, "plugins/inputs/elasticsearch/main/last_run_value"))
}
