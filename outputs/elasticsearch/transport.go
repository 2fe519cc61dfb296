package elasticsearch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"
	"github.com/klauspost/compress/gzip"

	"millrace/internal/esbulk"
	"millrace/pipeline/config"
)

// client reaches the cluster: elastictransport's pool of nodes, with what the options add to every request.
type client struct {
	pool  *elastictransport.Client
	http  *http.Transport
	dial  *net.Dialer
	query url.Values // of every request

	header   http.Header // of every request
	bulkPath string
	bulkQuery,
	sniffPath string
	level int // of gzip; 0: none

	rewrite atomic.Pointer[rewriter] // changes operations for old servers; nil: none

	zips sync.Pool // of *zip
}

// zip is a compressor with room for what it makes.
type zip struct {
	w   *gzip.Writer
	out buffer
}

// buffer is a bytes.Buffer that lends its storage.
type buffer struct{ b []byte }

func (b *buffer) Write(p []byte) (int, error) {
	b.b = append(b.b, p...)
	return len(p), nil
}

// filterPath keeps answers small: positions survive, as every item has a status.
const filterPath = "errors,items.*.status,items.*.error"

func newClient(o *Options, nodes []*url.URL, authorization string, conf *tls.Config, version string) (*client, error) {
	c := &client{header: http.Header{}, query: url.Values{}, level: *o.CompressionLevel, sniffPath: o.SniffingPath}
	for _, p := range o.Parameters {
		c.query.Set(p.Key, p.Value)
	}
	if authorization != "" {
		c.header.Set("Authorization", authorization)
	}
	c.header.Set("X-Elastic-Product-Origin", "logstash-output-elasticsearch")
	for _, p := range o.CustomHeaders {
		c.header.Set(p.Key, p.Value)
	}
	c.bulkPath = "/_bulk"
	if o.BulkPath != "" {
		path, query, _ := strings.Cut(o.BulkPath, "?")
		c.bulkPath = "/" + strings.Trim(path, "/")
		c.bulkQuery = query
	}
	if !strings.Contains(c.bulkQuery, "filter_path") {
		c.bulkQuery = strings.TrimPrefix(c.bulkQuery+"&filter_path="+filterPath, "&")
	}
	if len(c.query) > 0 {
		c.bulkQuery += "&" + c.query.Encode()
	}
	c.dial = &net.Dialer{Timeout: min(o.Timeout, 10*time.Second), KeepAlive: 30 * time.Second}
	c.http = &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := c.dial.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &watchedConn{Conn: conn, timeout: o.Timeout}, nil
		},
		TLSClientConfig: conf, TLSHandshakeTimeout: 10 * time.Second, MaxIdleConns: o.PoolMax, MaxIdleConnsPerHost: o.PoolMaxPerRoute,
		MaxConnsPerHost: o.PoolMaxPerRoute, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
		WriteBufferSize: 4 << 10, ReadBufferSize: 16 << 10, // what follows the first 4 KiB goes past the buffer, see watchedConn.ReadFrom
	}
	// As in Logstash a proxy is used only if the option names one, whatever the environment says.
	if !o.Proxy.IsZero() {
		c.http.Proxy = http.ProxyURL(proxyURL(o.Proxy.URL()))
	}
	//lint:ignore SA1019 the older form stays supported, and its ConnectionPoolFunc is the way to a pool of our own
	cfg := elastictransport.Config{
		UserAgent: "Millrace/" + version, URLs: nodes, DisableRetry: true, MaxRetries: 1, Transport: roundTripper{c},
		ConnectionPoolFunc: func(conns []*elastictransport.Connection, _ elastictransport.Selector) elastictransport.ConnectionPool {
			return newPool(conns, o.ResurrectDelay)
		},
	}
	//lint:ignore SA1019 see above
	pool, err := elastictransport.New(cfg)
	if err != nil {
		return nil, err
	}
	c.pool = pool
	return c, nil
}

// optionalURI is a URI that may be the empty text, which stands for none: proxy => "${PROXY:}".
type optionalURI struct{ config.URI }

// UnmarshalText implements encoding.TextUnmarshaler.
func (u *optionalURI) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	return u.URI.UnmarshalText(text)
}

// proxyURL completes a proxy's address.
func proxyURL(u *url.URL) *url.URL {
	if u.Scheme == "" {
		u.Scheme = "http"
	}
	return u
}

// roundTripper completes requests behind elastictransport: headers and parameters of the options, which concern its own requests too.
type roundTripper struct{ c *client }

// RoundTrip implements http.RoundTripper.
func (r roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	for k, v := range r.c.header {
		if _, ok := req.Header[k]; !ok || k != "Authorization" {
			req.Header[k] = v
		}
	}
	if req.URL.Path == "/_nodes/http" && r.c.sniffPath != "" {
		req.URL.Path = "/" + strings.Trim(r.c.sniffPath, "/")
	}
	if raw := req.URL.RawPath; raw != "" && req.URL.EscapedPath() != raw {
		// A node with a path: elastictransport put it before Path only.
		prefix := strings.TrimSuffix(req.URL.Path, unescape(raw))
		req.URL.RawPath = prefix + raw
	}
	return r.c.http.RoundTrip(req)
}

func unescape(s string) string {
	u, err := url.PathUnescape(s)
	if err != nil {
		return s
	}
	return u
}

// Perform implements esapi.Transport for administrative calls, with the parameters of the options.
func (c *client) Perform(req *http.Request) (*http.Response, error) {
	if len(c.query) > 0 {
		q := req.URL.Query()
		for k, v := range c.query {
			q[k] = v
		}
		req.URL.RawQuery = q.Encode()
	}
	return c.pool.Perform(req)
}

var bulkContentType = []string{"application/x-ndjson"}

// Bulk implements esbulk.Transport.
func (c *client) Bulk(ctx context.Context, r esbulk.Request, scratch []byte) (esbulk.Answer, error) {
	src, length := r.Body, r.Length
	if w := c.rewrite.Load(); w != nil {
		text, err := w.rewrite(src)
		if err != nil {
			return esbulk.Answer{}, err
		}
		src, length = text, text.Len()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.bulkPath+"?"+c.bulkQuery, nil)
	if err != nil {
		return esbulk.Answer{}, err
	}
	req.Header["Content-Type"] = bulkContentType
	req.Header["X-Elastic-Event-Count"] = []string{strconv.Itoa(r.Ops)}
	req.Header["X-Elastic-Uncompressed-Request-Length"] = []string{strconv.Itoa(length)}
	if c.level > 0 {
		z, err := c.compress(src)
		if err != nil {
			return esbulk.Answer{}, err
		}
		zr := &zipReader{b: z.out.b}
		defer func() {
			zr.detach()
			c.zips.Put(z)
		}()
		src, length = zr, len(z.out.b)
		req.Header["Content-Encoding"] = []string{"gzip"}
	}
	req.Body, req.ContentLength = io.NopCloser(src), int64(length)
	if w, ok := src.(io.WriterTo); ok {
		req.Body = wholeBody{src, w}
	}
	res, err := c.pool.Perform(req)
	if err != nil {
		return esbulk.Answer{}, err
	}
	defer res.Body.Close()
	a := esbulk.Answer{Status: res.StatusCode}
	if a.Body, err = readAll(res.Body, scratch); err != nil {
		return a, fmt.Errorf("reading the answer: %w", err)
	}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
		a.RetryAfter = min(time.Duration(s)*time.Second, 5*time.Minute)
	}
	return a, nil
}

// compress returns the compressed body.
func (c *client) compress(src io.Reader) (*zip, error) {
	z, ok := c.zips.Get().(*zip)
	if !ok {
		w, err := gzip.NewWriterLevel(nil, c.level)
		if err != nil {
			return nil, err
		}
		z = &zip{w: w}
	}
	z.out.b = z.out.b[:0]
	z.w.Reset(&z.out)
	if _, err := io.Copy(z.w, src); err != nil {
		return nil, err
	}
	if err := z.w.Close(); err != nil {
		return nil, err
	}
	return z, nil
}

// zipReader reads a compressed body that its owner takes back.
type zipReader struct {
	mu   sync.Mutex
	b    []byte
	gone bool
}

func (r *zipReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return 0, errors.New("the request is over")
	}
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.b)
	r.b = r.b[n:]
	return n, nil
}

func (r *zipReader) detach() {
	r.mu.Lock()
	r.gone, r.b = true, nil
	r.mu.Unlock()
}

// maxAnswer bounds what is read of an answer: 300 bytes for each of 200,000 operations.
const maxAnswer = 64 << 20

func readAll(r io.Reader, dst []byte) ([]byte, error) {
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		switch {
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return dst, err
		case len(dst) > maxAnswer:
			return dst, errors.New("it is longer than 64 MiB")
		}
	}
}

// Probe implements esbulk.Transport: a bulk request without an operation is refused as such (400) only by a server that would take one.
func (c *client) Probe(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.bulkPath+"?"+c.bulkQuery, strings.NewReader("\n"))
	if err != nil {
		return false
	}
	req.Header["Content-Type"] = bulkContentType
	res, err := c.pool.Perform(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	return err == nil && (res.StatusCode == 400 || res.StatusCode == 200)
}

func (c *client) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.pool.Close(ctx) // its only work is to end the discovery of nodes
	c.http.CloseIdleConnections()
}

// watchedConn ends a connection on which nothing moved for a while, whatever the request's size: every read and write that brings something
// extends the time.
type watchedConn struct {
	net.Conn
	timeout time.Duration
}

func (c *watchedConn) Write(b []byte) (n int, err error) {
	for {
		now := time.Now()
		if err := c.SetDeadline(now.Add(c.timeout)); err != nil {
			return n, err
		}
		m, err := c.Conn.Write(b[n:])
		n += m
		var timeout net.Error
		if err == nil || m == 0 || !errors.As(err, &timeout) || !timeout.Timeout() {
			return n, err
		}
	}
}

// ReadFrom implements io.ReaderFrom, by which net/http sends the body of a request. It hands over an io.LimitedReader; a body that can
// write itself does, in large pieces and without a copy in between.
func (c *watchedConn) ReadFrom(r io.Reader) (int64, error) {
	if l, ok := r.(*io.LimitedReader); ok {
		if b, ok := l.R.(wholeBody); ok {
			n, err := b.WriteTo(c)
			l.N -= n
			return n, err
		}
	}
	return io.Copy(struct{ io.Writer }{c}, r)
}

// wholeBody is a body of which all is sent: its length is that of the request.
type wholeBody struct {
	io.Reader
	io.WriterTo
}

// Close implements io.Closer.
func (wholeBody) Close() error { return nil }

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && err == nil {
		err = c.SetReadDeadline(time.Now().Add(c.timeout))
	}
	return n, err
}
