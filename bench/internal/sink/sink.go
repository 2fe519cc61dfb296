// Package sink is the far end of a measurement: an HTTP server that a shipper takes for Elasticsearch 8.19, which counts
// documents as cheaply as it can and, on request, tells which of them came, how often and how late.
package sink

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"millrace/bench/internal/hist"
)

// Options changes what the sink does besides counting.
type Options struct {
	// Record reads the mark of every document: loss, duplicates and latency become known, at some CPU time of the sink's.
	Record bool
	// Latency holds back every answer to a bulk request.
	Latency time.Duration
	// ErrorRate is the share of bulk requests answered 429 as a whole, ItemErrorRate the share of documents answered 429.
	ErrorRate, ItemErrorRate float64
	// Seed decides which.
	Seed uint64
}

// Stats is what a sink saw since its start or the last reset.
type Stats struct {
	// Documents accepted; Bytes of bulk bodies, decompressed; Requests accepted.
	Documents, Bytes, Requests uint64
	// Refused requests and documents, by the rates asked for.
	RefusedRequests, RefusedDocuments uint64
	// Unique, Duplicates and Unmarked add up to Documents when Record is on, and are 0 when it is off.
	Unique, Duplicates, Unmarked uint64
	// FirstNanos and LastNanos are when the first and the last accepted bulk request was read, in Unix time.
	FirstNanos, LastNanos int64
	// Latency from the time in the mark to the bulk body's arrival.
	P50, P99, P999, Max time.Duration
	// Sample is the start of the first accepted bulk body, to see what a shipper makes of its lines.
	Sample string
}

const sampleBytes = 2048

// Sink is the server's state; New makes one.
type Sink struct {
	opts Options

	documents, bytes, requests        atomic.Uint64
	refusedRequests, refusedDocuments atomic.Uint64
	unmarked                          atomic.Uint64
	first, last                       atomic.Int64
	draws                             atomic.Uint64
	seen                              *bitset
	latency                           *hist.Hist
	sample                            atomic.Pointer[string]
	buffers                           sync.Pool // of *[]byte
}

// New returns a sink without a listener.
func New(o Options) *Sink {
	return &Sink{opts: o, seen: &bitset{}, latency: &hist.Hist{}, buffers: sync.Pool{New: func() any { return new([]byte) }}}
}

// Serve answers on l until it is closed.
func (s *Sink) Serve(l net.Listener) error {
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 30 * time.Second}
	return srv.Serve(l)
}

// ServeHTTP answers as Elasticsearch would, as far as shippers ask.
func (s *Sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["X-Elastic-Product"] = []string{"Elasticsearch"}
	h["Content-Type"] = []string{"application/json"}
	if strings.HasSuffix(r.URL.Path, "/_bulk") {
		s.bulk(w, r)
		return
	}
	s.other(w, r)
}

func (s *Sink) other(w http.ResponseWriter, r *http.Request) {
	// A body that is left unread would cost the connection.
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	switch path := strings.Trim(r.URL.Path, "/"); {
	case path == "_sink/stats":
		if err := json.NewEncoder(w).Encode(s.Stats()); err != nil {
			return
		}
	case path == "_sink/reset":
		s.Reset()
	case path == "":
		answer(w, 200, `{"name":"sink","cluster_name":"sink","cluster_uuid":"c2lua3NpbmtzaW5rc2luaw","version":{"number":"8.19.0",`+
			`"build_flavor":"default","build_type":"docker","lucene_version":"9.12.2","minimum_wire_compatibility_version":"7.17.0",`+
			`"minimum_index_compatibility_version":"7.0.0"},"tagline":"You Know, for Search"}`)
	case path == "_license":
		answer(w, 200, `{"license":{"status":"active","uid":"sink","type":"basic"}}`)
	case strings.HasPrefix(path, "_cluster/health"):
		answer(w, 200, `{"cluster_name":"sink","status":"green","number_of_nodes":1}`)
	case strings.HasPrefix(path, "_nodes"):
		answer(w, 200, `{"nodes":{}}`)
	case r.Method == http.MethodHead || r.Method == http.MethodGet:
		answer(w, 404, `{"error":{"type":"resource_not_found_exception","reason":"a sink keeps nothing"},"status":404}`)
	default:
		answer(w, 200, `{"acknowledged":true}`)
	}
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	// A client that has gone away is no concern of a sink's.
	_, _ = io.WriteString(w, body)
}

// bulk takes a bulk request: actions of index, create or update, a line each with a document line after it.
func (s *Sink) bulk(w http.ResponseWriter, r *http.Request) {
	buf := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buf)
	body, err := readBody(r, (*buf)[:0])
	*buf = body
	if err != nil {
		answer(w, 400, fmt.Sprintf(`{"error":{"type":"parse_exception","reason":%q},"status":400}`, err.Error()))
		return
	}
	now := time.Now()
	if s.opts.ErrorRate > 0 && s.strikes(s.opts.ErrorRate) {
		s.refusedRequests.Add(1)
		answer(w, 429, `{"error":{"type":"es_rejected_execution_exception","reason":"asked for"},"status":429}`)
		return
	}
	if s.opts.Latency > 0 {
		time.Sleep(s.opts.Latency)
	}
	form := formOf(r.URL.RawQuery)
	if s.opts.Record || s.opts.ItemErrorRate > 0 {
		s.record(w, body, form, now)
	} else {
		n := countDocuments(body)
		s.accept(n, body, now)
		form.writeAll(w, actionOf(body), n)
	}
}

// readBody appends the decompressed body to dst.
func readBody(r *http.Request, dst []byte) ([]byte, error) {
	var src io.Reader = r.Body
	size := r.ContentLength
	if r.Header.Get("Content-Encoding") == "gzip" {
		gz, err := gzip.NewReader(src)
		if err != nil {
			return dst, err
		}
		src, size = gz, size*8
	}
	if need := int(size) + 512; size > 0 && cap(dst) < need {
		dst = make([]byte, 0, need)
	}
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := src.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
	}
}

func (s *Sink) accept(documents int, body []byte, now time.Time) {
	if s.sample.Load() == nil && documents > 0 {
		text := string(body[:min(len(body), sampleBytes)])
		s.sample.CompareAndSwap(nil, &text)
	}
	s.documents.Add(uint64(documents))
	s.bytes.Add(uint64(len(body)))
	s.requests.Add(1)
	s.first.CompareAndSwap(0, now.UnixNano())
	for {
		last := s.last.Load()
		if last >= now.UnixNano() || s.last.CompareAndSwap(last, now.UnixNano()) {
			return
		}
	}
}

// strikes draws from the seed by the finaliser of splitmix64.
func (s *Sink) strikes(rate float64) bool {
	x := s.opts.Seed + s.draws.Add(1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	return float64(x>>11)/(1<<53) < rate
}

// Stats returns the counts so far.
func (s *Sink) Stats() Stats {
	unique, duplicates := s.seen.counts()
	var sample string
	if p := s.sample.Load(); p != nil {
		sample = *p
	}
	return Stats{
		Sample: sample,

		Documents: s.documents.Load(), Bytes: s.bytes.Load(), Requests: s.requests.Load(),
		RefusedRequests: s.refusedRequests.Load(), RefusedDocuments: s.refusedDocuments.Load(),
		Unique: unique, Duplicates: duplicates, Unmarked: s.unmarked.Load(),
		FirstNanos: s.first.Load(), LastNanos: s.last.Load(),
		P50: s.latency.Quantile(0.5), P99: s.latency.Quantile(0.99), P999: s.latency.Quantile(0.999), Max: s.latency.Max(),
	}
}

// Reset forgets what came so far. Call it while no bulk request is under way.
func (s *Sink) Reset() {
	for _, c := range []*atomic.Uint64{&s.documents, &s.bytes, &s.requests, &s.refusedRequests, &s.refusedDocuments, &s.unmarked, &s.draws} {
		c.Store(0)
	}
	s.first.Store(0)
	s.last.Store(0)
	s.sample.Store(nil)
	s.seen.reset()
	s.latency.Reset()
}
