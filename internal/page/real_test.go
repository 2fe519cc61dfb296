package page

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/logging"
	"millrace/internal/testenv"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// output makes an elasticsearch output of the options in conf, for its searches.
func output(t *testing.T, conf string) (Searcher, string) {
	t.Helper()
	f, diags := config.Parse("test", []byte("output { elasticsearch { "+conf+" } }"), config.ParseOptions{})
	require.Empty(t, diags)
	built, diags := registry().Build(f.Sections[0].Body[0].(*config.PluginNode), plugin.Builder{Pipeline: "main", Log: logging.Discard(), ECS: plugin.ECSv8, Workers: 1})
	require.NotNil(t, built, diags.String())
	s, ok := built.Output.(interface {
		Searcher
		SearchIndex() string
	})
	require.True(t, ok, "the output can be searched")
	return s, s.SearchIndex()
}

// TestRealElasticsearch searches a real cluster over the connection of the output.
func TestRealElasticsearch(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a real server")
	}
	es := testenv.Elasticsearch(t)
	now := time.Now().UTC()
	var body strings.Builder
	for i := range 230 {
		at := now.Add(-time.Duration(i) * time.Second)
		fmt.Fprintf(&body, "{\"create\":{\"_index\":\"logs-%d-default\"}}\n{\"@timestamp\":%q,\"message\":\"GET /orders/%d HTTP/1.1\",\"status\":%d,\"host\":{\"name\":\"node-%d\"},\"note\":\"say \\\"hi\\\" <b>\"}\n",
			i%2, at.Format("2006-01-02T15:04:05.000Z"), i, 200+100*(i%4), i%3)
	}
	es.Must(http.MethodPost, "_bulk?refresh=true", body.String())
	searcher, index := output(t, fmt.Sprintf(`hosts => [%q]`, es.URL))
	require.Equal(t, "logs-*-*", index)
	p := New(Options{Targets: func() []Target { return []Target{{"main", "es", index, searcher}} }})
	total := regexp.MustCompile(`class="total">([0-9,]+)`)
	bars := regexp.MustCompile(`data-count="(\d+)"`)
	id := regexp.MustCompile(`</code> <code>([^<]+)</code></p></details>`)
	look := func(path string) (hits, sum int, body string) {
		t.Helper()
		w := get(t, p, path)
		body = w.Body.String()
		m := total.FindStringSubmatch(body)
		require.NotNil(t, m, body)
		hits, err := strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
		require.NoError(t, err)
		for _, b := range bars.FindAllStringSubmatch(body, -1) {
			n, err := strconv.Atoi(b[1])
			require.NoError(t, err)
			sum += n
		}
		return hits, sum, body
	}
	f := func(path string, want int) {
		t.Helper()
		hits, sum, _ := look(path)
		require.Equal(t, want, hits)
		require.Equal(t, want, sum, "the histogram adds up")
	}
	f("/ui/search", 230)
	f("/ui/search?range=7d", 230)
	f("/ui/search?q=status:[300+TO+400]", 115)
	f("/ui/search?q=host.name:%22node-1%22+AND+NOT+status:200", 58)
	f("/ui/search?q="+strings.ReplaceAll(term("note", `say "hi" <b>`, "text"), " ", "+"), 230)
	f("/ui/search?q=nothing", 0)

	seen := make(map[string]bool)
	for path := "/ui/search?range=1h"; path != ""; {
		_, _, body := look(path)
		for _, m := range id.FindAllStringSubmatch(body, -1) {
			require.False(t, seen[m[1]])
			seen[m[1]] = true
		}
		next := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(body)
		path = ""
		if next != nil {
			path = strings.ReplaceAll(next[1], "&amp;", "&")
		}
	}
	require.Len(t, seen, 230, "every document is on one page")

	require.Contains(t, get(t, p, "/ui/search?q=status:(").Body.String(), "Failed to parse query [status:(]")
	empty := New(Options{Targets: func() []Target { return []Target{{"main", "es", "absent-*", searcher}} }})
	require.Contains(t, get(t, empty, "/ui/search").Body.String(), "No hits")
}
