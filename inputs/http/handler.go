package http

import (
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// handler serves the requests of one run.
type handler struct {
	in    *input
	ctx   context.Context // of pushes
	out   plugin.Sink
	slots chan struct{} // of requests that are worked on
	held  atomic.Int64  // bytes of bodies that are not in the pipeline yet
}

// body is a request's body while it is read and until the pipeline has it.
type body struct {
	h   *handler
	buf []byte
}

var errBusy = errors.New("too many bytes wait for the pipeline; please try again")

// grow makes room for n bytes in all, if the bound on all bodies allows it. A body that is alone is always let through.
func (b *body) grow(n int) error {
	more := int64(n - cap(b.buf))
	if total := b.h.held.Add(more); total > int64(b.h.in.o.MaxPendingBytes) && total != int64(n) {
		b.h.held.Add(-more)
		return errBusy
	}
	buf := make([]byte, len(b.buf), n)
	copy(buf, b.buf)
	b.buf = buf
	return nil
}

func (b *body) release() { b.h.held.Add(-int64(cap(b.buf))) }

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.in.requests.Add(1)
	for _, p := range h.in.o.ResponseHeaders {
		w.Header().Set(p.Key, p.Value)
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header()["Content-Type"] = nil // response_headers are all that there are, as in Logstash: none is guessed from the answer
	}
	if !h.in.authorized(r) {
		if r.Header.Get("Authorization") == "" { // who has guessed wrong is not asked again
			w.Header().Set("WWW-Authenticate", `Basic realm="Millrace"`)
		}
		h.refuse(w, http.StatusUnauthorized, "")
		return
	}
	settled, status, reason := h.take(w, r)
	if settled == nil {
		h.refuse(w, status, reason)
		return
	}
	select {
	case <-settled:
	case <-r.Context().Done(): // nobody waits for the answer any more
	case <-h.ctx.Done():
		h.refuse(w, http.StatusServiceUnavailable, "the pipeline is shutting down; please send the request again")
		return
	}
	w.WriteHeader(h.in.o.ResponseCode)
	if h.in.o.ResponseCode != http.StatusNoContent {
		_, _ = io.WriteString(w, "ok") // the client may be gone
	}
}

func (h *handler) refuse(w http.ResponseWriter, status int, reason string) {
	h.in.refused.Add(1)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, reason) // the client may be gone
}

// take reads the body and hands it to the pipeline; what it returns is closed when the events are delivered. Nil tells that the request
// was not taken.
func (h *handler) take(w http.ResponseWriter, r *http.Request) (settled <-chan struct{}, status int, reason string) {
	const tooMany = "too many requests wait for the pipeline; please try again"
	if len(h.slots) == cap(h.slots) { // it need not send the body
		return nil, http.StatusTooManyRequests, tooMany
	}
	codec := h.codec(r)
	room := &body{h: h}
	defer room.release() // the pipeline counts what it was given
	body, err := room.read(w, r, byte(codec))
	var tooLong *http.MaxBytesError
	switch {
	case errors.Is(err, errBusy):
		return nil, http.StatusTooManyRequests, errBusy.Error()
	case errors.As(err, &tooLong):
		return nil, http.StatusRequestEntityTooLarge, "the body is longer than max_content_length"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, http.StatusRequestTimeout, "the body does not come"
	case errors.Is(err, errEncoding):
		return nil, http.StatusUnsupportedMediaType, err.Error()
	case err != nil:
		return nil, http.StatusBadRequest, "the body cannot be read: " + err.Error()
	}
	// A request that is still being sent waits for its client and takes the place of nobody.
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		return nil, http.StatusTooManyRequests, tooMany
	}
	done := make(chan struct{})
	b := &event.Batch{
		Source: h.in.source(r), Time: time.Now(), Bytes: len(body), Records: h.in.records(codec, body), Done: func(*event.Batch) { close(done) },
	}
	if err := h.out.Push(h.ctx, b); err != nil {
		return nil, http.StatusServiceUnavailable, "the pipeline is shutting down; please send the request again"
	}
	return done, 0, ""
}

// codec returns which codec a request's Content-Type asks for.
func (h *handler) codec(r *http.Request) int { return h.in.byType[strings.ToLower(mimeType(r))] }

func mimeType(r *http.Request) string {
	t, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.TrimSpace(t)
}

var errEncoding = errors.New("unknown Content-Encoding")

// read returns the body, unpacked, behind a byte that tells its codec.
func (b *body) read(w http.ResponseWriter, r *http.Request, codec byte) (string, error) {
	limit := int64(b.h.in.o.MaxContentLength)
	if r.ContentLength > limit {
		return "", &http.MaxBytesError{Limit: limit}
	}
	var body io.Reader = patient{http.MaxBytesReader(w, r.Body, limit), http.NewResponseController(w), b.h.in.bodyTimeout}
	packed := true
	switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
		packed = false
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return "", err
		}
		body = z
	case "deflate", "x-deflate":
		z, err := zlib.NewReader(body)
		if err != nil {
			return "", err
		}
		body = z
	default:
		return "", fmt.Errorf("%w %q", errEncoding, encoding)
	}
	size := int64(4 << 10)
	if !packed && r.ContentLength >= 0 {
		size = min(r.ContentLength+1, 1<<20) // a client that announces much and sends little costs little
	}
	if err := b.grow(int(size) + 1); err != nil {
		return "", err
	}
	b.buf = append(b.buf, codec)
	for {
		if len(b.buf) == cap(b.buf) {
			if err := b.grow(2 * cap(b.buf)); err != nil {
				return "", err
			}
		}
		n, err := body.Read(b.buf[len(b.buf):cap(b.buf)])
		b.buf = b.buf[:len(b.buf)+n]
		if int64(len(b.buf)-1) > limit {
			return "", &http.MaxBytesError{Limit: limit}
		}
		if err == io.EOF {
			return unsafe.String(&b.buf[0], len(b.buf)), nil
		}
		if err != nil {
			return "", err
		}
	}
}

// patient is a body whose client is waited for, but not for ever.
type patient struct {
	io.Reader
	control *http.ResponseController
	timeout time.Duration
}

// Read implements io.Reader.
func (p patient) Read(b []byte) (int, error) {
	_ = p.control.SetReadDeadline(time.Now().Add(p.timeout)) // without it the client is waited for
	n, err := p.Reader.Read(b)
	if err == io.EOF {
		_ = p.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// records makes records of a body; each begins with the byte that tells its codec.
func (in *input) records(codec int, body string) []event.Record {
	c := in.codecs[codec]
	if c.NewFramer == nil {
		return []event.Record{{Data: body}}
	}
	f := c.NewFramer()
	records, rest := f.Frame(body[1:], nil)
	records = f.Flush(rest, records)
	for i := range records {
		records[i].Data = body[:1] + records[i].Data
	}
	return records
}

// source returns what a request tells besides its body.
func (in *input) source(r *http.Request) *event.Source {
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = r.RemoteAddr
	}
	fields := []event.SourceField{{Path: &in.host, Value: event.StringValue(ip)}}
	add := func(key string, v event.Value) {
		p := in.headers.Join(key)
		fields = append(fields, event.SourceField{Path: &p, Value: v})
	}
	for name, values := range r.Header {
		switch name {
		case "Accept", "Host", "User-Agent":
		default:
			add(strings.ReplaceAll(strings.ToLower(name), "-", "_"), event.StringValue(values[len(values)-1]))
		}
	}
	add("http_accept", header(r, "Accept"))
	add("http_user_agent", header(r, "User-Agent"))
	add("http_host", event.StringValue(r.Host))
	add("http_version", event.StringValue(r.Proto))
	add("request_method", event.StringValue(r.Method))
	add("request_path", event.StringValue(r.RequestURI))
	if len(r.TransferEncoding) > 0 {
		add("transfer_encoding", event.StringValue(strings.Join(r.TransferEncoding, ", ")))
	}
	if in.env.ECS.Enabled() {
		fields = appendECS(fields, r)
	}
	return in.env.NewSource(fields...)
}

// header returns the value of a header, null if it is missing.
func header(r *http.Request, name string) event.Value {
	if v := r.Header.Values(name); len(v) > 0 {
		return event.StringValue(v[len(v)-1])
	}
	return event.Value{}
}

func appendECS(fields []event.SourceField, r *http.Request) []event.SourceField {
	set := func(p *event.Path, v event.Value) {
		if !v.IsNull() {
			fields = append(fields, event.SourceField{Path: p, Value: v})
		}
	}
	domain, port := r.Host, ""
	if h, p, err := net.SplitHostPort(r.Host); err == nil {
		domain, port = h, p
	}
	set(ecsVersion, event.StringValue(r.Proto))
	set(ecsMethod, event.StringValue(r.Method))
	if t := mimeType(r); t != "" {
		set(ecsMime, event.StringValue(t))
	}
	set(ecsBytes, header(r, "Content-Length"))
	set(ecsAgent, header(r, "User-Agent"))
	set(ecsPath, event.StringValue(r.RequestURI))
	if domain != "" {
		set(ecsDomain, event.StringValue(domain))
	}
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		set(ecsPort, event.IntValue(int64(n)))
	}
	return fields
}

var (
	ecsVersion = event.MustPath("[http][version]")
	ecsMethod  = event.MustPath("[http][method]")
	ecsMime    = event.MustPath("[http][request][mime_type]")
	ecsBytes   = event.MustPath("[http][request][body][bytes]")
	ecsAgent   = event.MustPath("[user_agent][original]")
	ecsPath    = event.MustPath("[url][path]")
	ecsDomain  = event.MustPath("[url][domain]")
	ecsPort    = event.MustPath("[url][port]")
)

// Codec returns the codec of the records. What a document says of client and headers is removed: the input's own word counts, as with Logstash.
func (in *input) Codec() *plugin.Codec {
	return in.codecs.Codec(func(e *event.Event) {
		e.Remove(&in.host)
		e.Remove(&in.headers)
	})
}
