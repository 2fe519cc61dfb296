package elasticsearch

import (
	"bytes"
	stdgzip "compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"millrace/pipeline/event"
)

// apacheDoc is a combined access log line after grok and date: 15 fields.
const apacheDoc = `{"message":"203.0.113.9 - frank [14/Mar/2024:09:26:53 +0000] \"GET /images/logo.png?size=large HTTP/1.1\" 200 2326 \"http://example.org/start.html\" \"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0\"",` +
	`"clientip":"203.0.113.9","ident":"-","auth":"frank","verb":"GET","request":"/images/logo.png?size=large","httpversion":"1.1","response":200,"bytes":2326,` +
	`"referrer":"\"http://example.org/start.html\"","agent":"\"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0\"","host":{"name":"web-1"},"type":"apache"}`

func BenchmarkAppend(b *testing.B) {
	f := func(name, conf string) {
		b.Run(name, func(b *testing.B) {
			r := open(b, conf)
			w := r.NewWriter().(*writer)
			e := makeEvent(b, apacheDoc)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if err := w.Append(e); err != nil {
					b.Fatal(err)
				}
				if n++; n == 1000 {
					n = 0
					w.buf.Discard()
				}
			}
		})
	}
	f("stream", ``)
	f("index", `index => "app"`)
	f("index-date", `index => "app-%{+yyyy.MM.dd}"`)
	f("index-field", `index => "app-%{type}-%{+yyyy.MM.dd}"`)
	f("document-id", `index => "app" document_id => "%{clientip}"`)
	f("idempotent", `idempotent => true`)
}

// BenchmarkJSON is the part of Append that is the event's own.
func BenchmarkJSON(b *testing.B) {
	e := makeEvent(b, apacheDoc)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = e.AppendJSON(dst[:0])
	}
	b.SetBytes(int64(len(dst)))
}

// BenchmarkWriter takes parsed events through the whole output into a server in the same process that reads and forgets.
func BenchmarkWriter(b *testing.B) {
	var docs atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"version":{"number":"8.19.0"}}`)
			return
		}
		n, _ := io.Copy(io.Discard, r.Body)
		docs.Add(n)
		_, _ = io.WriteString(w, `{"errors":false}`)
	}))
	defer s.Close()
	f := func(name, conf string, batch int) {
		b.Run(name, func(b *testing.B) {
			r := open(b, `hosts => ["`+s.URL+`"] index => "app" manage_template => false `+conf)
			w := r.NewWriter()
			e := makeEvent(b, apacheDoc)
			ctx := context.Background()
			b.ReportAllocs()
			b.SetBytes(int64(len(e.AppendJSON(nil))))
			start, n := time.Now(), 0
			for b.Loop() {
				if err := w.Append(e); err != nil {
					b.Fatal(err)
				}
				if n++; n%batch == 0 {
					t := &event.Batch{}
					t.Expect(1)
					if err := w.Flush(ctx, t); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(n)/time.Since(start).Seconds(), "events/s")
			st := r.sender.State()
			b.ReportMetric(float64(st.Body), "body")
			b.ReportMetric(float64(st.Limit), "limit")
			var ms runtime.MemStats
			runtime.ReadMemStats(&ms)
			b.ReportMetric(float64(ms.HeapSys-ms.HeapReleased)/(1<<20), "heapMB")
		})
	}
	f("plain-125", `compression_level => 0`, 125)
	f("plain-1000", `compression_level => 0`, 1000)
	f("plain-1", `compression_level => 0`, 1)
	f("gzip-1000", `compression_level => 1`, 1000)
}

// BenchmarkCompress compresses a body of documents that differ, at the levels that the option may ask for.
func BenchmarkCompress(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	var body []byte
	docs := 0
	for len(body) < 1<<20 {
		body = fmt.Appendf(body, "{\"create\":{\"_index\":\"logs-generic-default\"}}\n{\"message\":\"%d.%d.%d.%d - - [14/Mar/2024:09:%02d:%02d +0000] \\\"GET /p/%x HTTP/1.1\\\" %d %d\","+
			"\"clientip\":\"%d.%d.%d.%d\",\"verb\":\"GET\",\"request\":\"/p/%x\",\"response\":%d,\"bytes\":%d,\"@timestamp\":\"2024-03-14T09:26:53.%03dZ\",\"@version\":\"1\"}\n",
			rng.IntN(256), rng.IntN(256), rng.IntN(256), rng.IntN(256), rng.IntN(60), rng.IntN(60), rng.Uint32(), 200, rng.IntN(100000),
			rng.IntN(256), rng.IntN(256), rng.IntN(256), rng.IntN(256), rng.Uint32(), 200, rng.IntN(100000), rng.IntN(1000))
		docs++
	}
	for _, level := range []int{1, 3, 6, 9} {
		b.Run(fmt.Sprint("level-", level), func(b *testing.B) {
			c := &client{level: level}
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				z, err := c.compress(bytes.NewReader(body))
				if err != nil {
					b.Fatal(err)
				}
				size = len(z.out.b)
				c.zips.Put(z)
			}
			b.ReportMetric(float64(len(body))/float64(size), "ratio")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(docs), "ns/doc")
		})
	}
	b.Run("stdlib-1", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		var out bytes.Buffer
		w, err := stdgzip.NewWriterLevel(&out, 1)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			out.Reset()
			w.Reset(&out)
			if _, err := w.Write(body); err != nil {
				b.Fatal(err)
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(body))/float64(out.Len()), "ratio")
	})
}
