package elasticsearch

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/codecs"
	"millrace/internal/logging"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// rig is one output under test.
type rig struct {
	*output
	env   *plugin.Env
	diags config.Diagnostics
}

// build makes the output of the options in conf.
func build(t testing.TB, conf string, change func(*plugin.Builder)) (*rig, config.Diagnostics) {
	t.Helper()
	name := "elasticsearch"
	if i := strings.Index(conf, "{"); i > 0 && !strings.Contains(conf[:i], "=>") {
		name, conf = strings.TrimSpace(conf[:i]), strings.TrimSuffix(strings.TrimSpace(conf[i+1:]), "}")
	}
	f, diags := config.Parse("test", []byte("output { "+name+" { "+conf+" } }"), config.ParseOptions{})
	require.Empty(t, diags)
	b := plugin.Builder{Pipeline: "main", Log: testLog(), ECS: plugin.ECSv8, Workers: 2, Version: "test"}
	if change != nil {
		change(&b)
	}
	reg := plugin.NewRegistry([]*plugin.Definition{Plugin}, codecs.All())
	built, diags := reg.Build(f.Sections[0].Body[0].(*config.PluginNode), b)
	if built == nil {
		return nil, diags
	}
	return &rig{built.Output.(*output), built.Env, diags}, diags
}

// open is build for a config that must be accepted; the output is closed with the test.
func open(t testing.TB, conf string, change ...func(*plugin.Builder)) *rig {
	t.Helper()
	var f func(*plugin.Builder)
	if len(change) > 0 {
		f = change[0]
	}
	r, diags := build(t, conf, f)
	require.NotNil(t, r, diags.String())
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = r.Close(ctx)
	})
	return r
}

// makeEvent reads an event from JSON.
func makeEvent(t testing.TB, doc string) *event.Event {
	t.Helper()
	e := event.New(nil)
	v, _, _, err := e.ParseJSON(doc)
	require.NoError(t, err)
	e.SetRoot(v.Object())
	e.Create(time.Date(2024, 3, 14, 9, 26, 53, 0, time.UTC))
	return e
}

// turn flushes documents as one batch; the channel is closed when it is settled.
func turn(t testing.TB, w plugin.Writer, docs ...string) <-chan struct{} {
	t.Helper()
	for _, doc := range docs {
		_ = w.Append(makeEvent(t, doc))
	}
	done := make(chan struct{})
	b := &event.Batch{Time: time.Now(), Done: func(*event.Batch) { close(done) }}
	b.Expect(1)
	require.NoError(t, w.Flush(context.Background(), b))
	return done
}

func await(t testing.TB, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("the batch was not settled")
	}
}

// fake is a server that takes everything down and answers by a function; nil answers that all is well.
type fake struct {
	*httptest.Server
	mu     sync.Mutex
	log    []string // METHOD PATH?QUERY, with the body of bulk and admin calls in a second line
	heads  []http.Header
	answer func(w http.ResponseWriter, r *http.Request, body string) bool
}

func newFake(t testing.TB, answer func(w http.ResponseWriter, r *http.Request, body string) bool) *fake {
	f := &fake{answer: answer}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

// ServeHTTP implements http.Handler.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := readBody(r)
	f.mu.Lock()
	f.log = append(f.log, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+"\n"+body))
	f.heads = append(f.heads, r.Header)
	f.mu.Unlock()
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	if f.answer != nil && f.answer(w, r, body) {
		return
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "_bulk"):
		_, _ = w.Write([]byte(`{"errors":false}`))
	case r.URL.Path == "/" && r.Method == http.MethodGet:
		_, _ = w.Write([]byte(`{"cluster_uuid":"abc","version":{"number":"8.19.0"}}`))
	case r.Method == http.MethodHead || r.Method == http.MethodGet:
		w.WriteHeader(http.StatusNotFound)
	default:
		_, _ = w.Write([]byte(`{"acknowledged":true}`))
	}
}

// requests returns what came, without GET /.
func (f *fake) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, l := range f.log {
		if l != "GET /" && l != "GET /es/" {
			out = append(out, l)
		}
	}
	return out
}

// bulks returns the bodies of bulk requests.
func (f *fake) bulks() []string {
	var out []string
	for _, l := range f.requests() {
		if first, body, ok := strings.Cut(l, "\n"); ok && strings.Contains(first, "_bulk") {
			out = append(out, body)
		}
	}
	return out
}

func testLog() *slog.Logger {
	if os.Getenv("MILLRACE_TEST_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return logging.Discard()
}

const (
	// patience ends a test that hangs, and says nothing about speed.
	patience = time.Minute
	// recoverySoon is much more than the second or two that recovery takes: the machine that tests may be busy with other things. That it
	// takes seconds after a fault of minutes is what TestRecovery of esbulk demands, by a clock of its own.
	recoverySoon = 30 * time.Second
	tick         = 20 * time.Millisecond
)

var farAway = time.Now().Add(24 * time.Hour)

func newFakeTLS(t *testing.T, conf *tls.Config) *fake {
	f := new(fake)
	f.Server = httptest.NewUnstartedServer(f)
	f.TLS = conf
	f.StartTLS()
	t.Cleanup(f.Close)
	return f
}

func writeFile(t *testing.T, data []byte) string {
	path := filepath.Join(t.TempDir(), "file.pem")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}
