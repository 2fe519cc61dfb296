package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"

	"millrace/internal/store/query"
)

// Version is the release of Elasticsearch whose API the store speaks.
const Version = "8.19.0"

// Options configures a Server. The zero value serves.
type Options struct {
	// Log takes what an administrator should know.
	Log *slog.Logger
	// Name is that of the node; "millrace" by default.
	Name string
	// MaxAge is how old documents get before the engine removes them; an index without documents that is older goes too. 0: indices stay.
	MaxAge time.Duration
	// Now is the clock.
	Now func() time.Time
	// MaxBody is the largest body of a request; 100 MiB by default, as in Elasticsearch.
	MaxBody int64
	// MaxInFlight is how many bytes of bulk requests are worked on at once; further ones are answered with 429. 64 MiB by default.
	MaxInFlight int64
}

// Server is the HTTP handler of the store.
type Server struct {
	engine query.Engine
	o      Options
	log    *slog.Logger
	cat    *catalog
	ids    idMaker

	inFlight atomic.Int64 // bytes of bulk bodies
	parsers  sync.Pool    // of *bulkRun
	gzips    sync.Pool
}

// New returns a server for the documents of an engine, which stays the caller's to close.
func New(engine query.Engine, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Name == "" {
		o.Name = "millrace"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxBody == 0 {
		o.MaxBody = 100 << 20
	}
	if o.MaxInFlight == 0 {
		o.MaxInFlight = 64 << 20
	}
	s := &Server{engine: engine, o: o, log: o.Log}
	var err error
	if s.cat, err = openCatalog(engine, s.log, o.Now); err != nil {
		return nil, err
	}
	s.ids.start(o.Now())
	s.parsers.New = func() any { return new(bulkRun) }
	return s, nil
}

// request is one request with what handlers ask of it.
type request struct {
	*http.Request
	s     *Server
	w     http.ResponseWriter
	parts []string // of the path, unescaped
	q     url.Values
	began time.Time
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Elastic-Product", "Elasticsearch")
	q := &request{Request: r, s: s, w: w, q: r.URL.Query(), began: time.Now()}
	if err := q.admit(); err != nil {
		q.fail(err)
		return
	}
	for _, p := range strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/") {
		if p == "" {
			continue
		}
		u, err := url.PathUnescape(p)
		if err != nil {
			q.fail(badRequest("path [%s]: %s", r.URL.EscapedPath(), err))
			return
		}
		q.parts = append(q.parts, u)
	}
	if err := q.route(); err != nil {
		q.fail(asAPIError(err))
	}
}

// admit refuses what a page in somebody's browser may send: a name that was made to point here, and bodies that need no permission.
func (q *request) admit() *apiError {
	if local, ok := q.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok && local.IP.IsLoopback() {
		host := q.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		host = strings.Trim(host, "[]")
		if _, err := netip.ParseAddr(host); err != nil && host != "localhost" && !strings.HasSuffix(host, ".localhost") && host != "" {
			return failure(http.StatusForbidden, "security_exception", "host [%s] is not the name of this machine", host)
		}
	}
	if q.Header.Get("Origin") != "" && q.Method != http.MethodGet && q.Method != http.MethodHead {
		if u, err := url.Parse(q.Header.Get("Origin")); err != nil || u.Host != q.Host {
			return failure(http.StatusForbidden, "security_exception", "requests of pages from [%s] are not taken", q.Header.Get("Origin"))
		}
	}
	ct := q.Header.Get("Content-Type")
	if q.ContentLength == 0 || ct == "" && q.Body == http.NoBody {
		return nil
	}
	base, _, _ := strings.Cut(ct, ";")
	switch strings.ToLower(strings.TrimSpace(base)) {
	case "application/json", "application/x-ndjson", "application/vnd.elasticsearch+json", "application/vnd.elasticsearch+x-ndjson":
		return nil
	}
	return failure(http.StatusNotAcceptable, "media_type_header_exception", "Content-Type header [%s] is not supported", ct)
}

// body reads the body, unpacked, into dst.
func (q *request) body(dst []byte) ([]byte, error) {
	var in io.Reader = q.Body
	switch enc := q.Header.Get("Content-Encoding"); enc {
	case "", "identity":
	case "gzip":
		z, _ := q.s.gzips.Get().(*gzip.Reader)
		if z == nil {
			z = new(gzip.Reader)
		}
		if err := z.Reset(q.Body); err != nil {
			return nil, badRequest("reading a compressed body: %s", err)
		}
		defer q.s.gzips.Put(z)
		in = z
	default:
		return nil, unsupported("Content-Encoding [%s]", enc)
	}
	if n := q.ContentLength; in == q.Body && n > 0 && n <= q.s.o.MaxBody && int64(cap(dst)) < n {
		dst = make([]byte, 0, n+bytes.MinRead)
	}
	buf := bytes.NewBuffer(dst[:0])
	n, err := buf.ReadFrom(io.LimitReader(in, q.s.o.MaxBody+1))
	switch {
	case err != nil:
		return nil, badRequest("reading the body: %s", err)
	case n > q.s.o.MaxBody:
		return nil, failure(http.StatusRequestEntityTooLarge, "content_too_large_exception", "the body is larger than [%d] bytes", q.s.o.MaxBody)
	}
	return buf.Bytes(), nil
}

// json reads the body as an object; nil if there is none.
func (q *request) json() (object, error) {
	b, err := q.body(nil)
	if err != nil {
		return nil, err
	}
	if src := q.q.Get("source"); len(b) == 0 && src != "" {
		b = []byte(src)
	}
	return decodeObject(b)
}

func decodeObject(b []byte) (object, error) {
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	if err == nil {
		if _, err2 := d.Token(); !errors.Is(err2, io.EOF) {
			err = errors.New("unexpected content after the object")
		}
	}
	if err != nil {
		return nil, &apiError{status: http.StatusBadRequest, typ: "x_content_parse_exception", reason: fmt.Sprintf("[%d] %s", d.InputOffset()+1, err)}
	}
	o, ok := v.(object)
	if !ok {
		return nil, failure(http.StatusBadRequest, "parsing_exception", "Expected [START_OBJECT] but found another value")
	}
	return o, nil
}

// requireJSON is json for requests that must have a body.
func (q *request) requireJSON() (object, error) {
	o, err := q.json()
	if err == nil && o == nil {
		err = failure(http.StatusBadRequest, "parse_exception", "request body is required")
	}
	return o, err
}

// common are the parameters that every request may have. Those of time limits have no effect: nothing waits for other nodes here.
var common = map[string]bool{
	"pretty": true, "human": true, "error_trace": true, "filter_path": true, "timeout": true, "master_timeout": true, "format": true, "source": true,
	"source_content_type": true, "local": true,
}

// only refuses query parameters that the request does not know.
func (q *request) only(names ...string) error {
next:
	for k := range q.q {
		if common[k] {
			continue
		}
		for _, n := range names {
			if n == k {
				continue next
			}
		}
		return badRequest("request [%s] contains unrecognized parameter: [%s]", q.URL.Path, k)
	}
	return nil
}

// flag returns a parameter that is true or false.
func (q *request) flag(name string, def bool) (bool, error) {
	v, ok := q.q[name]
	if !ok {
		return def, nil
	}
	switch v[0] {
	case "", "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, badRequest("Failed to parse value [%s] as only [true] or [false] are allowed.", v[0])
}

func (q *request) fail(e *apiError) {
	if e.status == 0 {
		e.status = http.StatusBadRequest
	}
	if e.status >= http.StatusInternalServerError {
		q.s.log.Error("a request to the store failed", "method", q.Method, "path", q.URL.Path, "error", e.reason)
	}
	q.send(e.status, e.answer())
}

// send answers with a value as JSON.
func (q *request) send(status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	q.sendJSON(status, b)
}

// sendJSON answers with JSON, cut down as filter_path says.
func (q *request) sendJSON(status int, b []byte) {
	if f := q.q["filter_path"]; len(f) > 0 && status < 300 {
		b = filterPaths(b, strings.Split(strings.Join(f, ","), ","))
	}
	if on, err := q.flag("pretty", false); err == nil && on {
		var out bytes.Buffer
		if json.Indent(&out, b, "", "  ") == nil {
			b = append(out.Bytes(), '\n')
		}
	}
	q.sendBytes(status, b)
}

func (q *request) sendBytes(status int, b []byte) {
	ct := "application/json"
	if strings.Contains(q.Header.Get("Accept"), "vnd.elasticsearch+json") {
		ct = "application/vnd.elasticsearch+json;compatible-with=8"
	}
	q.w.Header().Set("Content-Type", ct)
	q.w.WriteHeader(status)
	if q.Method != http.MethodHead {
		_, _ = q.w.Write(b) // a client that is gone has no use for the error
	}
}

func (q *request) sendText(b string) {
	q.w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	q.w.WriteHeader(http.StatusOK)
	if q.Method != http.MethodHead {
		_, _ = io.WriteString(q.w, b) // a client that is gone has no use for the error
	}
}

func (q *request) acknowledge() { q.send(http.StatusOK, object{"acknowledged": true}) }

func (q *request) took() int64 { return time.Since(q.began).Milliseconds() }
