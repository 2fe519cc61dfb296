package store

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/store/engine"
)

// TestAllAtOnce: writers whose documents make new fields and new indices, readers, and somebody who deletes indices, all at the same time.
// Every document of the index that nobody deletes is there at the end, and its mapping knows every field.
func TestAllAtOnce(t *testing.T) {
	e, err := engine.Open(engine.Options{Dir: t.TempDir(), MaxAge: -1})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	s, err := New(e, Options{})
	require.NoError(t, err)
	do := func(method, path, body string) (int, string) {
		req := httptest.NewRequest(method, path, strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, req)
		return w.Code, w.Body.String()
	}
	const writers, rounds, docs = 4, 10, 5
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range rounds {
				var b strings.Builder
				for i := range docs {
					fmt.Fprintf(&b, "{\"create\":{\"_index\":\"kept\"}}\n{\"f%d\":%d,\"day\":\"2026/11/%02d\",\"text\":\"word w%d\"}\n", n, i, 1+n, w)
					fmt.Fprintf(&b, "{\"index\":{\"_index\":\"gone\",\"_id\":\"%d\"}}\n{\"g%d_%d\":\"x\"}\n", i, w, n)
				}
				if status, answer := do("POST", "/_bulk?filter_path=items.*.error", b.String()); status != 200 || strings.Contains(answer, `"kept"`) {
					t.Errorf("%d %s", status, answer)
				}
			}
		})
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for _, c := range []struct{ method, path, body string }{
		{"DELETE", "/gone?ignore_unavailable=true", ""},
		{"POST", "/kept,gone/_search?ignore_unavailable=true", `{"query":{"query_string":{"query":"word AND f1:>=0"}},"aggs":{"x":{"terms":{"field":"day"}}}}`},
		{"GET", "/_mapping", ""},
	} {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if status, answer := do(c.method, c.path, c.body); status != 200 {
					t.Errorf("%s %s: %d %s", c.method, c.path, status, answer)
					return
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	readers.Wait()
	_, answer := do("GET", "/kept/_count?q=text:word", "")
	require.Contains(t, answer, fmt.Sprintf(`"count":%d`, writers*rounds*docs))
	again, err := New(e, Options{})
	require.NoError(t, err)
	for n := range rounds {
		require.NotNil(t, again.cat.indices["kept"].mapping.Field(fmt.Sprintf("f%d", n)), "the mapping is on disk before the documents")
	}
}
