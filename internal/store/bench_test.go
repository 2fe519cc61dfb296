//go:build unix

package store

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/store/engine"
	"millrace/internal/store/query"
)

// apacheLine is an access log line as the pipeline's elasticsearch output sends it.
const apacheLine = `{"@timestamp":"2026-11-21T10:%02d:%02d.%03dZ","@version":"1","message":"203.0.113.%d - - [21/Nov/2026:10:%02d:%02d +0000] \"GET /images/logo-%d.png?v=12 HTTP/1.1\" %d %d \"http://www.example.com/start.html\" \"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36\"","host":{"name":"web-%d"},"source":{"address":"203.0.113.%d"},"http":{"request":{"method":"GET","referrer":"http://www.example.com/start.html"},"response":{"status_code":%d,"body":{"bytes":%d}},"version":"1.1"},"url":{"original":"/images/logo-%d.png?v=12"},"user_agent":{"original":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"},"data_stream":{"type":"logs","dataset":"generic","namespace":"default"}}`

const bulkDocs = 500

// apacheBulk returns a bulk request of 500 access log lines.
func apacheBulk() []byte {
	var b bytes.Buffer
	for i := range bulkDocs {
		status, size := []int{200, 200, 200, 304, 404, 500}[i%6], i*37%9000
		b.WriteString("{\"create\":{\"_index\":\"logs-generic-default\"}}\n")
		fmt.Fprintf(&b, apacheLine, i/60, i%60, i*7%1000, i%250, i/60, i%60, i*i%997, status, size, i%4, i%250, status, size, i*i%997)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// devNull is an engine that takes everything and keeps nothing.
type devNull struct{ naive }

func (e *devNull) Apply(_ context.Context, ops []query.Op) ([]query.Outcome, error) {
	out := make([]query.Outcome, len(ops))
	for i := range out {
		out[i] = query.Outcome{Status: query.Created, Version: 1}
	}
	return out, nil
}

func benchmarkBulk(b *testing.B, e query.Engine) {
	s, err := New(e, Options{})
	require.NoError(b, err)
	body := apacheBulk()
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	before := cpuTime(b)
	for b.Loop() {
		req := httptest.NewRequest("POST", "/_bulk?filter_path=errors,items.*.error,items.*.status", bytes.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, req)
		if w.Code != 200 || !bytes.HasPrefix(w.Body.Bytes(), []byte(`{"errors":false`)) {
			b.Fatal(w.Code, w.Body.String()[:min(w.Body.Len(), 300)])
		}
	}
	docs := float64(bulkDocs) * float64(b.N)
	b.ReportMetric(docs/b.Elapsed().Seconds(), "docs/s")
	b.ReportMetric(docs/(cpuTime(b)-before).Seconds(), "docs/cpu-s")
}

// cpuTime is what the process has used of its processors so far, work in the background included.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkBulkAPI is the API's half: reading a bulk request, mapping and analysis, and the answer.
func BenchmarkBulkAPI(b *testing.B) { benchmarkBulk(b, &devNull{*newNaive()}) }

// BenchmarkBulk is the whole way, from the request to the disk.
func BenchmarkBulk(b *testing.B) {
	e, err := engine.Open(engine.Options{Dir: b.TempDir(), MaxBytes: 8 << 30, MaxAge: 24 * time.Hour})
	require.NoError(b, err)
	benchmarkBulk(b, e)
	require.NoError(b, e.Close())
}
