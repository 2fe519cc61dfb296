package monitor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// recorded is an answer of a real Logstash.
type recorded struct {
	status int
	header http.Header
	body   []byte
}

func readRecorded(t *testing.T, name string) recorded {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "logstash", name+".txt"))
	require.NoError(t, err)
	head, body, ok := bytes.Cut(b, []byte("\n\n"))
	if !ok {
		head, body, ok = bytes.Cut(b, []byte("\r\n\r\n"))
	}
	require.True(t, ok)
	r := recorded{header: make(http.Header), body: body}
	for i, line := range strings.Split(strings.ReplaceAll(string(head), "\r", ""), "\n") {
		if i == 0 {
			r.status, err = strconv.Atoi(strings.Fields(line)[1])
			require.NoError(t, err)
			continue
		}
		key, value, _ := strings.Cut(line, ": ")
		r.header.Set(key, value)
	}
	return r
}

func get(t *testing.T, h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	r := httptest.NewRequest(method, "http://127.0.0.1:9600"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:50000"
	h.ServeHTTP(rec, r)
	return rec
}

// TestRecordedShape compares keys, their order and the types of their values with the answers of a real Logstash.
func TestRecordedShape(t *testing.T) {
	s := recordedServer(t)
	f := func(name, path string) {
		t.Helper()
		want := readRecorded(t, name)
		got := get(t, s.Handler(), http.MethodGet, path, "")
		require.Equal(t, want.status, got.Code, path)
		for key := range want.header {
			if key != "Content-Length" {
				require.Equal(t, want.header.Get(key), got.Header().Get(key), "%s: %s", path, key)
			}
		}
		require.Equal(t, shape(t, want.body), shape(t, got.Body.Bytes()), path)
	}
	f("root", "/")
	f("_node", "/_node")
	f("_node_jvm", "/_node/jvm")
	f("_node_os", "/_node/os")
	f("_node_pipelines", "/_node/pipelines")
	f("_node_pipelines_main", "/_node/pipelines/main")
	f("_node_pipelines_graph_true", "/_node/pipelines?graph=true")
	f("_node_stats", "/_node/stats")
	f("_node_stats_events", "/_node/stats/events")
	f("_node_stats_flow", "/_node/stats/flow")
	f("_node_stats_jvm", "/_node/stats/jvm")
	f("_node_stats_os", "/_node/stats/os")
	f("_node_stats_process", "/_node/stats/process")
	f("_node_stats_reloads", "/_node/stats/reloads")
	f("_node_stats_pipelines", "/_node/stats/pipelines")
	f("_node_stats_pipelines_main", "/_node/stats/pipelines/main")
	f("_node_stats_pipelines_vertices_true", "/_node/stats/pipelines?vertices=true")
	f("_health_report", "/_health_report")
	f("nope", "/nope")
	f("_node_stats_nope", "/_node/stats/nope")
	f("_node_stats_pipelines_nope", "/_node/stats/pipelines/nope")
}

// TestRecordedBytes compares answers byte by byte, but for what is another machine's.
func TestRecordedBytes(t *testing.T) {
	s := recordedServer(t)
	for name, path := range map[string]string{"nope": "/nope", "_node_stats_nope": "/_node/stats/nope", "_node_stats_pipelines_nope": "/_node/stats/pipelines/nope"} {
		want := readRecorded(t, name)
		got := get(t, s.Handler(), http.MethodGet, path, "")
		require.Equal(t, strings.TrimSpace(string(want.body)), got.Body.String())
		require.Equal(t, want.header.Get("Content-Length"), got.Header().Get("Content-Length"))
	}
	// A recorded answer that is read and written again is the same, so the pretty printer is Logstash's.
	f := func(name string, pretty bool) {
		t.Helper()
		want := strings.TrimSpace(string(readRecorded(t, name).body))
		require.Equal(t, want, string(appendJSON(nil, parseOrdered(t, []byte(want)), pretty)), name)
	}
	files, err := filepath.Glob("testdata/logstash/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		f(name, name != "put_logging")
	}
}

// TestRecordedNumbers checks that the counts of the same events are the same.
func TestRecordedNumbers(t *testing.T) {
	s := recordedServer(t)
	doc := func(b []byte) map[string]any {
		var v map[string]any
		require.NoError(t, json.Unmarshal(b, &v))
		return v["pipelines"].(map[string]any)["main"].(map[string]any)
	}
	want := doc(readRecorded(t, "_node_stats_pipelines").body)
	got := doc(get(t, s.Handler(), http.MethodGet, "/_node/stats/pipelines", "").Body.Bytes())
	counts := func(v map[string]any) map[string]any {
		out := make(map[string]any)
		for kind, list := range v["plugins"].(map[string]any) {
			if kind == "codecs" {
				continue
			}
			for _, p := range list.([]any) {
				p := p.(map[string]any)
				e := p["events"].(map[string]any)
				delete(e, "duration_in_millis")
				delete(e, "queue_push_duration_in_millis")
				out[fmt.Sprint(kind, "/", p["id"])] = map[string]any{
					"name": p["name"], "events": e, "matches": p["matches"], "failures": p["failures"], "patterns": p["patterns_per_field"], "documents": p["documents"],
				}
			}
		}
		e := v["events"].(map[string]any)
		delete(e, "duration_in_millis")
		delete(e, "queue_push_duration_in_millis")
		out["events"] = e
		return out
	}
	require.Equal(t, counts(want), counts(got))
}

// TestRecordedGraph checks that the config is drawn as Logstash draws it, but for the digests.
func TestRecordedGraph(t *testing.T) {
	s := recordedServer(t)
	edges := func(body []byte) (out []string, vertices []string) {
		var v struct {
			Pipelines map[string]struct {
				Graph struct {
					Graph struct {
						Vertices []map[string]any
						Edges    []map[string]any
					}
				}
			}
		}
		require.NoError(t, json.Unmarshal(body, &v))
		g := v.Pipelines["main"].Graph.Graph
		name := make(map[any]string)
		for _, x := range g.Vertices {
			name[x["id"]] = fmt.Sprint(x["id"])
			if x["type"] == "if" {
				name[x["id"]] = fmt.Sprint("if ", x["condition"])
			}
			vertices = append(vertices, fmt.Sprint(name[x["id"]], " ", x["plugin_type"], " ", x["config_name"], " ", x["explicit_id"], " ", x["cluster_uuid"], " ", x["meta"]))
		}
		for _, x := range g.Edges {
			out = append(out, fmt.Sprint(name[x["from"]], " -> ", name[x["to"]], " ", x["when"], " ", x["type"]))
		}
		slices.Sort(out)
		return out, vertices
	}
	wantEdges, wantVertices := edges(readRecorded(t, "_node_pipelines_graph_true").body)
	gotEdges, gotVertices := edges(get(t, s.Handler(), http.MethodGet, "/_node/pipelines/main?graph=true", "").Body.Bytes())
	require.Equal(t, wantEdges, gotEdges)
	require.Equal(t, wantVertices, gotVertices)
}

// shape describes keys, order and types; of the elements of a list those with an id are told apart by it, except where it is random.
func shape(t *testing.T, body []byte) string {
	t.Helper()
	var b strings.Builder
	writeShape(&b, parseOrdered(t, body), "")
	return b.String()
}

func writeShape(b *strings.Builder, v any, path string) {
	switch v := v.(type) {
	case object:
		if v.get("pipeline_ephemeral_id") != nil {
			v = sorted(v) // the order of a vertex's keys differs from plugin to plugin
		}
		for _, m := range v {
			key := m.key
			_, _ = fmt.Fprintf(b, "%s%s\n", path, key)
			writeShape(b, m.value, path+key+".")
		}
	case list:
		items := make([]string, 0, len(v))
		for _, x := range v {
			var item strings.Builder
			p := path + "[]."
			if o, ok := x.(object); ok {
				if id, ok := o.get("id").(string); ok && len(id) < 20 {
					p = path + "[" + id + "]."
				}
			}
			writeShape(&item, x, p)
			items = append(items, item.String())
		}
		slices.Sort(items)
		for _, item := range slices.Compact(items) {
			b.WriteString(item)
		}
	case json.Number:
		kind := "integer"
		if strings.ContainsAny(v.String(), ".E") {
			kind = "float"
		}
		_, _ = fmt.Fprintf(b, "%s %s\n", path, kind)
	default:
		_, _ = fmt.Fprintf(b, "%s %T\n", path, v)
	}
}

// parseOrdered reads JSON and keeps the order of keys and the text of numbers.
func parseOrdered(t *testing.T, body []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	v := readOrdered(t, d)
	require.False(t, d.More())
	return v
}

func readOrdered(t *testing.T, d *json.Decoder) any {
	tok, err := d.Token()
	require.NoError(t, err)
	switch tok {
	case json.Delim('{'):
		o := object{}
		for d.More() {
			key, err := d.Token()
			require.NoError(t, err)
			o = append(o, member{key.(string), readOrdered(t, d)})
		}
		_, err = d.Token()
		require.NoError(t, err)
		return o
	case json.Delim('['):
		l := list{}
		for d.More() {
			l = append(l, readOrdered(t, d))
		}
		_, err = d.Token()
		require.NoError(t, err)
		return l
	}
	return tok
}
