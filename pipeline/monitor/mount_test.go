package monitor

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPrefersHTML(t *testing.T) {
	f := func(want bool, accept ...string) {
		t.Helper()
		require.Equal(t, want, prefersHTML(accept))
	}
	f(true, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	f(true, "application/json;q=0.5", "text/html")
	f(false)
	f(false, "*/*")
	f(false, "application/json, text/html;q=0.9")
	f(false, "text/html;q=0")
	f(false, "text/html;q=x")
	f(false, ";;;,,/")
}

func TestMount(t *testing.T) {
	s := New(Options{})
	s.Mount("/ui/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page "+r.URL.Path) }))
	s.Mount("/more/", http.NotFoundHandler())
	ask := func(path, accept string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w
	}
	w := ask("/", "text/html,*/*;q=0.8")
	require.Equal(t, http.StatusFound, w.Code)
	require.Equal(t, "/ui/", w.Header().Get("Location"))
	require.Equal(t, "Accept", w.Header().Get("Vary"))
	require.Equal(t, "page /ui/a/b", ask("/ui/a/b", "").Body.String())
	require.Equal(t, "nosniff", ask("/ui/", "").Header().Get("X-Content-Type-Options"))
	w = ask("/", "*/*")
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	require.Equal(t, http.StatusNotFound, ask("/other", "text/html").Code)
}
