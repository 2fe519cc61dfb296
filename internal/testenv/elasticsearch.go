package testenv

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ES is a real Elasticsearch node, controlled for one test.
type ES struct {
	Handle
	// URL is the node's address without credentials, such as http://127.0.0.1:41235.
	URL string
	// User and Password are those of WithSecurity, or empty.
	User, Password string
	// Client reaches the node, over TLS too; it sets no credentials.
	Client *http.Client
}

// Hit is one document that a search returned.
type Hit struct {
	Index  string          `json:"_index"`
	ID     string          `json:"_id"`
	Source json.RawMessage `json:"_source"`
}

// requestTimeout ends a request to a node that a test has paused and forgotten.
const requestTimeout = 60 * time.Second

// Elasticsearch starts a node that ends with the test.
func Elasticsearch(t testing.TB, opts ...Option) *ES {
	t.Helper()
	requireJava(t, "Elasticsearch")
	o := newOptions(opts)
	s, err := newElasticsearch(o, o.dataDir(t))
	if err != nil {
		t.Fatal(err)
	}
	return newES(run(t, s), o)
}

func newElasticsearch(o *options, dir string) (*server, error) {
	if o.security {
		o.env = append(o.env, "ES_SECURITY="+o.user+":"+o.password)
	}
	// A test that cuts connections on purpose makes the node log a stack trace for each.
	o.env = append([]string{"ES_LOG=error"}, o.env...)
	if o.tls != nil {
		if !o.security {
			return nil, errors.New("testenv.Elasticsearch: WithTLS needs WithSecurity")
		}
		certs := filepath.Join(dir, "config", "certs")
		if err := os.MkdirAll(certs, 0o755); err != nil {
			return nil, fmt.Errorf("writing certificates: %w", err)
		}
		for name, data := range map[string][]byte{"key.pem": o.tls.KeyPEM, "cert.pem": o.tls.CertPEM} {
			if err := os.WriteFile(filepath.Join(certs, name), data, 0o600); err != nil {
				return nil, fmt.Errorf("writing certificates: %w", err)
			}
		}
		o.settings = append([]string{
			"xpack.security.http.ssl.enabled=true",
			"xpack.security.http.ssl.key=certs/key.pem",
			"xpack.security.http.ssl.certificate=certs/cert.pem",
		}, o.settings...)
	}
	return scripted{"Elasticsearch", []string{"elasticsearch", "run-es.sh"}}.new(o, dir)
}

func newES(h Handle, o *options) *ES {
	scheme := "http"
	transport := &http.Transport{MaxIdleConnsPerHost: 4}
	if o.tls != nil {
		scheme = "https"
		// The helper has to work on while a test lets the certificate expire.
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	}
	return &ES{
		Handle: h, URL: scheme + "://" + h.Addr(), User: o.user, Password: o.password,
		Client: &http.Client{Transport: transport, Timeout: requestTimeout},
	}
}

// Try sends a request and returns the answer's status and body. A body is sent as JSON, or as newline-delimited JSON
// where it ends in a newline.
func (e *ES) Try(method, path, body string) (int, []byte, error) {
	req, err := http.NewRequest(method, e.URL+"/"+strings.TrimPrefix(path, "/"), strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if strings.HasSuffix(body, "\n") {
		req.Header.Set("Content-Type", "application/x-ndjson")
	} else if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if e.User != "" {
		req.SetBasicAuth(e.User, e.Password)
	}
	resp, err := e.Client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, data, err
}

// Do is Try for a node that has to answer: a transport error fails the test, a status does not.
func (e *ES) Do(method, path, body string) (int, []byte) {
	e.t.Helper()
	status, data, err := e.Try(method, path, body)
	if err != nil {
		e.t.Fatalf("%s %s: %v\n%s", method, path, err, e.Output())
	}
	return status, data
}

// Must is Do for a request that has to succeed.
func (e *ES) Must(method, path, body string) []byte {
	e.t.Helper()
	status, data := e.Do(method, path, body)
	if status >= 300 {
		e.t.Fatalf("%s %s: status %d: %s", method, path, status, data)
	}
	return data
}

// Refresh makes what was indexed visible to searches. An index that does not exist is no error.
func (e *ES) Refresh(index string) {
	e.t.Helper()
	e.Must(http.MethodPost, index+"/_refresh?ignore_unavailable=true", "")
}

// Count refreshes an index, data stream or pattern and counts its documents; 0 if it does not exist.
func (e *ES) Count(index string) int {
	e.t.Helper()
	e.Refresh(index)
	var answer struct{ Count int }
	e.decode(e.Must(http.MethodGet, index+"/_count?ignore_unavailable=true", ""), &answer)
	return answer.Count
}

// Search refreshes an index and returns up to 10,000 documents that match a query in the query DSL, such as
// {"term":{"level":"warn"}}; an empty query matches all.
func (e *ES) Search(index, query string) []Hit {
	e.t.Helper()
	e.Refresh(index)
	if query == "" {
		query = `{"match_all":{}}`
	}
	var answer struct{ Hits struct{ Hits []Hit } }
	e.decode(e.Must(http.MethodPost, index+"/_search?ignore_unavailable=true", `{"size":10000,"query":`+query+`}`), &answer)
	return answer.Hits.Hits
}

func (e *ES) decode(data []byte, v any) {
	e.t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		e.t.Fatalf("reading an answer of Elasticsearch: %v: %s", err, data)
	}
}

// SharedES is one node for all tests of a package; it starts when the first test asks for it. Use it from TestMain:
//
//	var shared = testenv.SharedElasticsearch()
//
//	func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }
type SharedES struct {
	o *options
	sharedServer
}

// SharedElasticsearch describes a node to share; nothing is started yet.
func SharedElasticsearch(opts ...Option) *SharedES {
	return &SharedES{o: newOptions(opts)}
}

// Run runs the package's tests, ends the node if one was started, and returns the exit status.
func (s *SharedES) Run(m interface{ Run() int }) int {
	defer s.close()
	return m.Run()
}

// Get returns the node for one test, started if it does not run. The test should use index names of its own.
func (s *SharedES) Get(t testing.TB) *ES {
	t.Helper()
	requireJava(t, "Elasticsearch")
	return newES(s.get(t, s.o.dir, func(dir string) (*server, error) { return newElasticsearch(s.o, dir) }), s.o)
}
