package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/store/engine"
	"millrace/internal/store/query"
	"millrace/internal/testenv"
)

var shared = testenv.SharedElasticsearch()

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

// call is one request of a file.
type call struct {
	line               int
	method, path, body string
}

func readCalls(t *testing.T, name string) []call {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "diff", name))
	require.NoError(t, err)
	var all []call
	for i, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		method, rest, _ := strings.Cut(line, " ")
		path, body, _ := strings.Cut(rest, " ")
		all = append(all, call{i + 1, method, path, body})
	}
	return all
}

// readSetup reads requests whose bodies are on the lines that follow, up to an empty one.
func readSetup(t *testing.T) []call {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "diff", "setup.txt"))
	require.NoError(t, err)
	var all []call
	for _, part := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		head, body, _ := strings.Cut(part, "\n")
		method, path, _ := strings.Cut(head, " ")
		if strings.Contains(body, "\n") {
			body += "\n"
		}
		all = append(all, call{0, method, path, body})
	}
	return all
}

// TestLikeElasticsearch asks a real Elasticsearch and the store the same, over the reference engine and over the real one.
func TestLikeElasticsearch(t *testing.T) {
	es := shared.Get(t)
	type side struct {
		name string
		e    query.Engine
	}
	real, err := engine.Open(engine.Options{Dir: t.TempDir(), MaxAge: -1})
	require.NoError(t, err)
	defer func() { require.NoError(t, real.Close()) }()
	sides := []side{{"reference", newNaive()}, {"engine", real}}
	servers := make([]*Server, len(sides))
	for i, s := range sides {
		servers[i], err = New(s.e, Options{})
		require.NoError(t, err)
	}
	ask := func(s *Server, c call) (int, string) {
		req := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		if c.body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, req)
		return w.Code, w.Body.String()
	}
	for _, c := range readSetup(t) {
		status, want := es.Do(c.method, c.path, c.body)
		require.Less(t, status, 300, "%s", want)
		for i, s := range servers {
			got, answer := ask(s, c)
			require.Equal(t, status, got, "%s: %s", sides[i].name, answer)
			if strings.Contains(c.path, "_bulk") {
				compare(t, sides[i].name+" bulk", string(want), answer)
			}
		}
	}
	es.Refresh("_all")
	for _, c := range readCalls(t, "queries.txt") {
		status, want := es.Do(c.method, c.path, c.body)
		for i, s := range servers {
			got, answer := ask(s, c)
			name := fmt.Sprintf("%s: queries.txt:%d %s %s %s", sides[i].name, c.line, c.method, c.path, c.body)
			if got != status {
				t.Errorf("%s\nstatus %d, of Elasticsearch %d\n%s\n%s", name, got, status, answer, want)
				continue
			}
			if status < 300 && c.method != http.MethodHead {
				compare(t, name, string(want), answer)
			}
		}
	}
}

// settleTies puts hits that nothing but their place on disk decides between into one order. The last such group is dropped where there are
// more than were asked for: which of them are shown is then up to the place on disk as well.
func settleTies(answer any) {
	o, _ := answer.(map[string]any)
	outer, _ := o["hits"].(map[string]any)
	hits, _ := outer["hits"].([]any)
	if len(hits) == 0 {
		return
	}
	key := func(i int) string {
		h := hits[i].(map[string]any)
		if s, ok := h["sort"]; ok {
			return fmt.Sprint(s)
		}
		score, _ := h["_score"].(float64)
		return fmt.Sprintf("%.5g", score)
	}
	id := func(h any) string { return fmt.Sprint(h.(map[string]any)["_index"], h.(map[string]any)["_id"]) }
	start := 0
	for i := 1; i <= len(hits); i++ {
		if i < len(hits) && key(i) == key(start) {
			continue
		}
		slices.SortFunc(hits[start:i], func(a, b any) int { return strings.Compare(id(a), id(b)) })
		if i < len(hits) {
			start = i
		}
	}
	total, _ := outer["total"].(map[string]any)
	if n, ok := total["value"].(float64); ok && int(n) > len(hits) {
		outer["hits"] = hits[:start]
	}
}

// dropPlaces removes sort values that are places on disk.
func dropPlaces(answer any) {
	o, _ := answer.(map[string]any)
	outer, _ := o["hits"].(map[string]any)
	hits, _ := outer["hits"].([]any)
	for _, h := range hits {
		h.(map[string]any)["sort"] = nil
	}
}

// compare compares two answers but for what differs between any two clusters.
func compare(t *testing.T, name, want, got string) {
	t.Helper()
	want, got = made.ReplaceAllString(want, "$1-DAY-"), made.ReplaceAllString(got, "$1-DAY-")
	var w, g any
	require.NoError(t, json.Unmarshal([]byte(want), &w), "%s: %s", name, want)
	require.NoError(t, json.Unmarshal([]byte(got), &g), "%s: %s", name, got)
	if strings.Contains(name, "_doc\"]") || strings.Contains(name, "sort=_doc") {
		dropPlaces(w)
		dropPlaces(g)
	}
	settleTies(w)
	settleTies(g)
	if diff := difference("", w, g); diff != "" {
		t.Errorf("%s\n%s\nwant %s\ngot  %s", name, diff, shorten(want), shorten(got))
	}
}

// made finds the day on which an index of a data stream was made: midnight may fall between one side's and the other's.
var made = regexp.MustCompile(`(\.ds-[\w-]+)-\d{4}\.\d\d\.\d\d-`)

func shorten(s string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(s)) == nil {
		s = b.String()
	}
	return s[:min(len(s), 1500)]
}

// ignored are members that differ between any two clusters, and the words of errors.
var ignored = map[string]bool{"took": true, "_shards": true, "index_uuid": true, "reason": true, "caused_by": true, "shard": true, "_meta": true, "forced_refresh": true, "_ignored": true}

func difference(path string, want, got any) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s: %v instead of an object", path, got)
		}
		for k := range g {
			if _, ok := w[k]; !ok && !ignored[k] {
				return fmt.Sprintf("%s.%s: only the store has it: %v", path, k, g[k])
			}
		}
		for k, v := range w {
			if ignored[k] {
				continue
			}
			if _, ok := g[k]; !ok {
				return fmt.Sprintf("%s.%s: the store lacks it: %v", path, k, v)
			}
			if d := difference(path+"."+k, v, g[k]); d != "" {
				return d
			}
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Sprintf("%s: %d elements instead of %d", path, len(g), len(w))
		}
		for i := range w {
			if d := difference(fmt.Sprintf("%s[%d]", path, i), w[i], g[i]); d != "" {
				return d
			}
		}
	case float64:
		g, ok := got.(float64)
		if !ok || math.Abs(g-w) > 1e-5*math.Abs(w) {
			return fmt.Sprintf("%s: %v instead of %v", path, got, want)
		}
	default:
		if want != got {
			return fmt.Sprintf("%s: %v instead of %v", path, got, want)
		}
	}
	return ""
}
