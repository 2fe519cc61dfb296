package sink

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/bench/internal/mark"
)

// docs is a bulk body of the documents numbered from first to last.
func docs(first, last uint64, sent time.Time) []byte {
	var b bytes.Buffer
	m := []byte(mark.Blank)
	for i := first; i <= last; i++ {
		mark.Stamp(m, i, sent.UnixMicro())
		fmt.Fprintf(&b, "{\"create\":{}}\n{\"message\":\"mrq is no mark, %s is\"}\n", m)
	}
	return b.Bytes()
}

func post(s *Sink, url string, body []byte, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestBulkAnswersHonourFilterPath(t *testing.T) {
	f := func(query, want string) {
		t.Helper()
		w := post(New(Options{}), "/_bulk"+query, docs(1, 2, time.Now()))
		require.Equal(t, 200, w.Code)
		require.Equal(t, want, w.Body.String())
	}
	f("?filter_path=errors,items.*.error", `{"errors":false}`)
	f("?filter_path=errors,items.*.status,items.*.error", `{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}}]}`)
	f("?filter_path=errors%2Citems.*.error.type&timeout=1m", `{"errors":false}`)

	w := post(New(Options{}), "/logs/_bulk", docs(1, 2, time.Now()))
	var full struct {
		Took   int
		Errors bool
		Items  []map[string]struct {
			Result string
			Status int
		}
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &full))
	require.Len(t, full.Items, 2)
	require.Equal(t, 201, full.Items[1]["create"].Status)
}

func TestCounts(t *testing.T) {
	s := New(Options{})
	body := docs(0, 9, time.Now())
	post(s, "/_bulk", body)
	post(s, "/_bulk", bytes.TrimSuffix(body, []byte{'\n'}))
	require.EqualValues(t, 20, s.Stats().Documents)
	require.EqualValues(t, 2*len(body)-1, s.Stats().Bytes)
	require.EqualValues(t, 2, s.Stats().Requests)
	require.Zero(t, s.Stats().Unique)
	require.Equal(t, string(body), s.Stats().Sample)

	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	_, err := w.Write(body)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.Equal(t, 200, post(s, "/_bulk", gz.Bytes(), "Content-Encoding", "gzip").Code)
	require.EqualValues(t, 30, s.Stats().Documents)
	require.Equal(t, 400, post(s, "/_bulk", []byte("no gzip"), "Content-Encoding", "gzip").Code)

	post(s, "/_sink/reset", nil)
	require.Zero(t, s.Stats())
}

func TestRecord(t *testing.T) {
	s := New(Options{Record: true})
	sent := time.Now().Add(-time.Second)
	var wg sync.WaitGroup
	for i := range uint64(8) {
		wg.Go(func() { post(s, "/_bulk", docs(i*100, i*100+99, sent)) })
	}
	wg.Wait()
	post(s, "/_bulk", docs(95, 104, sent))
	post(s, "/_bulk", []byte("{\"index\":{}}\n{\"message\":\"no mark\"}\n"))
	post(s, "/_bulk", docs(9_000_000, 9_000_000, sent))
	st := s.Stats()
	require.EqualValues(t, 812, st.Documents)
	require.EqualValues(t, 801, st.Unique)
	require.EqualValues(t, 10, st.Duplicates)
	require.EqualValues(t, 1, st.Unmarked)
	require.GreaterOrEqual(t, st.P50, 960*time.Millisecond)
	require.Less(t, st.P50, time.Minute)
	require.LessOrEqual(t, st.FirstNanos, st.LastNanos)
}

func TestRefusals(t *testing.T) {
	s := New(Options{ErrorRate: 0.5, Seed: 1})
	codes := map[int]int{}
	for range 200 {
		codes[post(s, "/_bulk", docs(0, 0, time.Now())).Code]++
	}
	require.InDelta(t, 100, codes[429], 30)
	require.EqualValues(t, codes[200], s.Stats().Documents)
	require.EqualValues(t, codes[429], s.Stats().RefusedRequests)

	s = New(Options{ItemErrorRate: 0.5, Record: true, Seed: 1})
	w := post(s, "/_bulk?filter_path=errors,items.*.status", docs(0, 199, time.Now()))
	var a struct {
		Errors bool
		Items  []map[string]struct{ Status int }
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a))
	require.True(t, a.Errors)
	require.Len(t, a.Items, 200)
	refused := 0
	for _, i := range a.Items {
		if i["create"].Status == 429 {
			refused++
		}
	}
	require.InDelta(t, 100, refused, 30)
	require.EqualValues(t, 200-refused, s.Stats().Unique, "a refused document has not come")
	require.EqualValues(t, refused, s.Stats().RefusedDocuments)
}

func TestAnswersShippersExpect(t *testing.T) {
	f := func(method, path string, status int, contains string) {
		t.Helper()
		w := httptest.NewRecorder()
		New(Options{}).ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader("")))
		require.Equal(t, status, w.Code)
		require.Equal(t, "Elasticsearch", w.Header().Get("X-Elastic-Product"))
		require.Contains(t, w.Body.String(), contains)
	}
	f("GET", "/", 200, `"number":"8.19.0"`)
	f("GET", "/_license", 200, `"basic"`)
	f("HEAD", "/_index_template/logstash", 404, "")
	f("PUT", "/_index_template/logstash", 200, `"acknowledged":true`)
	f("GET", "/_sink/stats", 200, `"Documents":0`)
}

func BenchmarkBulk(b *testing.B) {
	body := docs(0, 999, time.Now())
	for _, o := range []Options{{}, {Record: true}} {
		b.Run(fmt.Sprintf("record=%v", o.Record), func(b *testing.B) {
			s := New(o)
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				post(s, "/_bulk?filter_path=errors", body)
			}
		})
	}
}
