package page

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func get(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestEmptyPages(t *testing.T) {
	p := New(Options{})
	f := func(path string, code int, want string) {
		t.Helper()
		w := get(t, p, path)
		require.Equal(t, code, w.Code, w.Body.String())
		require.Contains(t, w.Body.String(), want)
		require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
	}
	f("/ui/", http.StatusFound, "")
	f("/ui/search", http.StatusOK, "Nothing can be searched")
	f("/ui/live", http.StatusOK, "Live is off")
	f("/ui/pipeline", http.StatusOK, "No pipeline")
	f("/ui/grok", http.StatusOK, "what stops it")
	f("/ui/grok/patterns", http.StatusOK, "COMBINEDAPACHELOG")
	f("/ui/config", http.StatusOK, "No config")
	f("/ui/nothing", http.StatusNotFound, "no such page")
	f("/ui/assets/page.css", http.StatusOK, "prefers-color-scheme")
	f("/ui/assets/none.css", http.StatusNotFound, "")
}
