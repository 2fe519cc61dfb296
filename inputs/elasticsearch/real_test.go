package elasticsearch

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/internal/testenv"
	"millrace/pipeline/plugin"
)

var shared = testenv.SharedElasticsearch()

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

// TestReal reads documents of a real node in every way, each document once.
func TestReal(t *testing.T) {
	es := shared.Get(t)
	const docs = 2500
	var bulk strings.Builder
	for n := range docs {
		fmt.Fprintf(&bulk, "{\"index\":{\"_id\":\"%d\"}}\n{\"n\":%d,\"@timestamp\":\"2024-01-01T00:00:00Z\"}\n", n, n)
	}
	es.Must(http.MethodPost, "input-real/_bulk", bulk.String())
	es.Refresh("input-real")
	f := func(conf string, want int) []string {
		t.Helper()
		built, diags := inputtest.Build(t, Plugin, fmt.Sprintf(`hosts => [%q] index => "input-re*" %s`, es.URL, conf), plugin.Builder{})
		require.NotNil(t, built, diags.String())
		out := inputtest.NewSink(built)
		require.NoError(t, built.Input.Run(t.Context(), out))
		got := out.Wait(0)
		slices.Sort(got)
		require.Len(t, slices.Compact(got), want)
		return got
	}
	for _, api := range []string{"auto", "search_after", "scroll"} {
		for _, n := range []string{"1", "3"} {
			f(fmt.Sprintf(`search_api => %s slices => %s docinfo => true docinfo_target => "[doc]"`, api, n), docs)
		}
	}
	f(`size => 1000 query => '{"query":{"range":{"n":{"lt":1200}}},"sort":[{"n":"desc"}]}'`, 1200)
	f(`query => '{"query":{"range":{"n":{"lt":0}}}}'`, 0)
	got := f(`docinfo => true docinfo_target => "doc" query => '{"query":{"term":{"n":7}}}'`, 1)
	require.JSONEq(t, `{"@timestamp":"2024-01-01T00:00:00Z","n":7,"doc":{"_index":"input-real","_type":null,"_id":"7"}}`, strings.Replace(got[0], ".000Z", "Z", 1))
	require.Equal(t, []string{`{"max":{"value":2499.0}}`}, f(`response_type => aggregations query => '{"aggs":{"max":{"max":{"field":"n"}}}}'`, 1))
}

// TestRealRefusal: what the cluster refuses is no reason to ask again.
func TestRealRefusal(t *testing.T) {
	es := shared.Get(t)
	built, diags := inputtest.Build(t, Plugin, fmt.Sprintf(`hosts => [%q] index => "missing"`, es.URL), plugin.Builder{})
	require.NotNil(t, built, diags.String())
	require.ErrorIs(t, built.Input.Run(t.Context(), inputtest.NewSink(built)), plugin.ErrFatal)
}
