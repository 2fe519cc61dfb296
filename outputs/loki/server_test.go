package loki

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// server takes pushes as Loki does, and as strictly: it keeps what is right of a push, answers 400 if anything is not, and keeps a line that comes
// twice once. Loki itself is too large to be built for tests.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	seen     map[string]bool
	stored   []string // labels, time, text and metadata of a line
	requests []*http.Request
	largest  int // lines of a push
}

func serve(t testing.TB) *server {
	t.Helper()
	s := &server{seen: make(map[string]bool)}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	if r.Method != http.MethodPost || r.URL.Path != "/loki/api/v1/push" || r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "no push", http.StatusNotFound)
		return
	}
	var body struct {
		Streams []struct {
			Stream map[string]string   `json:"stream"`
			Values [][]json.RawMessage `json:"values"`
		} `json:"streams"`
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil || len(body.Streams) == 0 {
		http.Error(w, fmt.Sprint("no streams: ", err), http.StatusBadRequest)
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	var wrong error
	lines := 0
	for _, st := range body.Streams {
		if err := checkLabels(st.Stream); err != nil {
			wrong = err
			continue
		}
		labels, _ := json.Marshal(st.Stream)
		var last int64
		for _, v := range st.Values {
			lines++
			entry, at, err := checkValue(v)
			switch {
			case err != nil:
				wrong = err
			case at < last:
				wrong = fmt.Errorf("entry out of order")
			default:
				last = at
				if key := string(labels) + entry; !s.seen[key] {
					s.seen[key] = true
					s.stored = append(s.stored, key)
				}
			}
		}
	}
	s.largest = max(s.largest, lines)
	if wrong != nil {
		http.Error(w, wrong.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func checkLabels(labels map[string]string) error {
	if len(labels) == 0 || len(labels) > 15 {
		return fmt.Errorf("%d labels", len(labels))
	}
	for name := range labels {
		if !labelName.MatchString(name) {
			return fmt.Errorf("label %q", name)
		}
	}
	return nil
}

func checkValue(v []json.RawMessage) (entry string, at int64, err error) {
	var text, line string
	meta := map[string]string{}
	if len(v) < 2 || len(v) > 3 {
		return "", 0, fmt.Errorf("%d parts of a value", len(v))
	}
	if err = json.Unmarshal(v[0], &text); err != nil {
		return "", 0, err
	}
	if at, err = strconv.ParseInt(text, 10, 64); err != nil {
		return "", 0, err
	}
	if err = json.Unmarshal(v[1], &line); err != nil {
		return "", 0, err
	}
	if len(v) == 3 {
		if err = json.Unmarshal(v[2], &meta); err != nil {
			return "", 0, err
		}
	}
	if strings.Contains(line, "too long") {
		return "", 0, fmt.Errorf("a line is too long")
	}
	return fmt.Sprint(" ", text, " ", line, " ", meta), at, nil
}

func (s *server) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.stored)
}

func (s *server) pushes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}
