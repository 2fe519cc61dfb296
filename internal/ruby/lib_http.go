package ruby

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// httpConn is a Net::HTTP.
type httpConn struct {
	host       string
	port       int64
	tls        tls.Config
	useTLS     bool
	open, read time.Duration
	started    *http.Transport // keeps connections between start and finish
}

// httpRequest is a Net::HTTP::Get and its like.
type httpRequest struct {
	uri    Value // nil if only a path was given
	path   string
	header http.Header
	body   *String
}

// httpReply is a Net::HTTPResponse.
type httpReply struct {
	code   int
	header http.Header
	body   *String
}

const defaultTimeout = 60 * time.Second

// httpMethods fills Net::HTTP.
func httpMethods(c *core) {
	n := c.mod(c.object, "Net")
	c.openTimeout = c.defineIn(n, "OpenTimeout", c.timeoutError)
	c.readTimeout = c.defineIn(n, "ReadTimeout", c.timeoutError)
	protocol := c.defineIn(n, "ProtocolError", c.standardError)
	c.httpError = c.defineIn(n, "HTTPError", protocol)
	c.httpBadResponse = c.defineIn(n, "HTTPBadResponse", c.standardError)
	ssl := c.mod(c.object.consts["OpenSSL"].(*Class), "SSL")
	ssl.consts["VERIFY_NONE"], ssl.consts["VERIFY_PEER"] = int64(0), int64(1)
	c.sslError = c.defineIn(ssl, "SSLError", c.standardError)
	k := c.defineIn(n, "HTTP", c.object)
	c.http = k
	httpSettings(k)
	httpSession(k)
	httpShortcuts(k)
	headers := c.mod(n, "HTTPHeader")
	httpHeaders(headers)
	c.httpRequests(n, k, headers)
	c.httpReplies(n, headers)
}

func httpOf(v Value) *httpConn {
	h, ok := v.(*Object).data.(*httpConn)
	if !ok {
		panic("BUG: a Net::HTTP without its connection")
	}
	return h
}

func httpSettings(k *Class) {
	k.alloc = func(t *Interp, k *Class) Value {
		return &Object{class: k, data: &httpConn{port: 80, open: defaultTimeout, read: defaultTimeout}}
	}
	k.defn("initialize", 1, 6, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := httpOf(self)
		h.host = t.text(a[0])
		if len(a) > 1 && a[1] != nil {
			h.port = t.int(a[1])
		}
		return nil
	})
	k.def("address", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(httpOf(self).host) })
	k.def("port", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(httpOf(self).port) })
	k.def("use_ssl?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return httpOf(self).useTLS })
	set := func(name string, f func(t *Interp, h *httpConn, v Value)) {
		k.def(name+"=", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			f(t, httpOf(self), a[0])
			return a[0]
		})
	}
	for name, f := range httpOptions {
		set(name, f)
	}
	for _, name := range []string{"write_timeout", "ssl_timeout", "keep_alive_timeout", "continue_timeout", "max_retries"} {
		set(name, func(*Interp, *httpConn, Value) {})
	}
	k.def("set_debug_output", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return nil })
}

// httpOptions are what a connection can be told, also by Net::HTTP.start.
var httpOptions = map[string]func(t *Interp, h *httpConn, v Value){
	"use_ssl": func(_ *Interp, h *httpConn, v Value) { h.useTLS = truthy(v) },
	"verify_mode": func(t *Interp, h *httpConn, v Value) {
		h.tls.InsecureSkipVerify = v != nil && t.int(v) == 0
	},
	"ca_file": func(t *Interp, h *httpConn, v Value) {
		pem := t.readFile(t.text(v))
		h.tls.RootCAs = x509.NewCertPool()
		if !h.tls.RootCAs.AppendCertsFromPEM([]byte(pem)) {
			t.raise(t.core.sslError, "no certificate in %s", t.text(v))
		}
	},
	"open_timeout": func(t *Interp, h *httpConn, v Value) { h.open = t.timeout(v) },
	"read_timeout": func(t *Interp, h *httpConn, v Value) { h.read = t.timeout(v) },
}

// timeout returns a time limit in seconds; nil is none, which is a day here.
func (t *Interp) timeout(v Value) time.Duration {
	if v == nil {
		return 24 * time.Hour
	}
	return time.Duration(t.float(v) * float64(time.Second))
}

func httpSession(k *Class) {
	start := func(t *Interp, self Value, b *Proc) Value {
		h := httpOf(self)
		h.started = h.transport()
		if b == nil {
			return self
		}
		v, jump := t.capture(func() Value { return t.yield(b, self) })
		h.finish()
		if jump != nil {
			panic(jump)
		}
		return v
	}
	k.defn("start", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return start(t, self, b) })
	k.def("finish", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { httpOf(self).finish(); return nil })
	k.def("started?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return httpOf(self).started != nil })
	k.sdef("start", 1, 7, func(t *Interp, self Value, a []Value, b *Proc) Value {
		p := positional(a)
		o := t.newInstance(self.(*Class), p[:min(len(p), 2)], nil)
		if opts := named(a); opts != nil {
			opts.eachEntry(t, func(key, v Value) bool {
				if f := httpOptions[t.toS(key)]; f != nil {
					f(t, httpOf(o), v)
				}
				return true
			})
			if httpOf(o).useTLS && (len(p) < 2 || p[1] == nil) {
				httpOf(o).port = 443
			}
		}
		return start(t, o, b)
	}).kw = true
	k.defn("request", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		r, ok := a[0].(*Object)
		if ok {
			_, ok = r.data.(*httpRequest)
		}
		if !ok {
			t.typeError("wrong argument type %s (expected Net::HTTPRequest)", t.className(a[0]))
		}
		if len(a) > 1 && a[1] != nil {
			r.data.(*httpRequest).body = str(t.text(a[1]))
		}
		v := t.http(httpOf(self), t.toS(t.send(r, "method")), r.data.(*httpRequest))
		if b != nil {
			t.yield(b, v)
		}
		return v
	})
	for _, m := range []struct {
		name, method string
		body         bool
	}{{"get", "GET", false}, {"head", "HEAD", false}, {"delete", "DELETE", false}, {"post", "POST", true}, {"put", "PUT", true}, {"patch", "PATCH", true}} {
		least := 1
		if m.body {
			least = 2
		}
		k.defn(m.name, least, least+1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			r := &httpRequest{path: t.toS(a[0]), header: http.Header{}}
			if m.body {
				r.body = str(t.toS(a[1]))
			}
			if len(a) > least {
				t.addHeaders(r, a[least])
			}
			return t.http(httpOf(self), m.method, r)
		})
	}
}

// httpShortcuts are the methods of the class that make a connection for one request.
func httpShortcuts(k *Class) {
	// target returns the connection to what the arguments name, a URI or a host and a path, and the arguments behind it.
	target := func(t *Interp, self Value, a []Value) (*httpConn, *httpRequest, []Value) {
		h := &httpConn{port: 80, open: defaultTimeout, read: defaultTimeout}
		r := &httpRequest{path: "/", header: http.Header{}}
		if o, ok := a[0].(*Object); ok && t.isA(o, t.core.uriGeneric) {
			t.toURI(h, o)
			r.path = t.toS(t.send(o, "request_uri"))
			return h, r, a[1:]
		}
		h.host = t.text(a[0])
		if len(a) > 1 {
			r.path = t.text(a[1])
		}
		if len(a) > 2 && a[2] != nil {
			h.port = t.int(a[2])
		}
		return h, r, nil
	}
	get := func(t *Interp, self Value, a []Value) Value {
		h, r, rest := target(t, self, a)
		if len(rest) > 0 {
			t.addHeaders(r, rest[0])
		}
		return t.http(h, "GET", r)
	}
	k.sdef("get_response", 1, 3, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v := get(t, self, a)
		if b != nil {
			t.yield(b, v)
		}
		return v
	})
	k.sdef("get", 1, 3, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.send(get(t, self, a), "body") })
	k.sdef("post", 2, 3, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h, r, rest := target(t, self, a)
		if len(rest) == 0 {
			return t.typeError("wrong argument type %s (expected URI)", t.className(a[0]))
		}
		r.body = str(t.toS(rest[0]))
		if len(rest) > 1 {
			t.addHeaders(r, rest[1])
		}
		return t.http(h, "POST", r)
	})
	k.sdef("post_form", 2, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h, r, _ := target(t, self, a[:1])
		r.body = str(t.encodeForm(a[1]))
		return t.http(h, "POST", r)
	})
}

// toURI makes h a connection to the host of a URI.
func (t *Interp) toURI(h *httpConn, uri Value) {
	h.host = t.toS(t.send(uri, "hostname"))
	h.useTLS = t.toS(t.send(uri, "scheme")) == "https"
	if p := t.send(uri, "port"); p != nil {
		h.port = t.int(p)
	}
}

func (t *Interp) addHeaders(r *httpRequest, v Value) {
	if v == nil {
		return
	}
	t.toHash(v).eachEntry(t, func(k, v Value) bool { r.header.Set(t.toS(k), t.toS(v)); return true })
}

func (h *httpConn) transport() *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: h.open}).DialContext, TLSClientConfig: h.tls.Clone(), TLSHandshakeTimeout: h.open,
		ResponseHeaderTimeout: h.read, IdleConnTimeout: 10 * time.Second,
	}
}

func (h *httpConn) finish() {
	if h.started != nil {
		h.started.CloseIdleConnections()
		h.started = nil
	}
}

// http sends a request and returns the answer.
func (t *Interp) http(h *httpConn, method string, r *httpRequest) Value {
	scheme := "http"
	if h.useTLS {
		scheme = "https"
	}
	ctx, cancel := context.WithTimeout(t.ctx, h.open+h.read)
	defer cancel()
	var body io.Reader
	if r.body != nil {
		body = strings.NewReader(r.body.s)
		if r.header.Get("Content-Type") == "" {
			r.header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	if !strings.HasPrefix(r.path, "/") {
		t.argError("HTTP request path is empty or no path: %s", r.path)
	}
	req, err := http.NewRequestWithContext(ctx, method, scheme+"://"+net.JoinHostPort(h.host, itoa(int(h.port)))+r.path, body)
	if err != nil {
		return t.raise(t.core.uriError, "%s", err)
	}
	req.Header = r.header.Clone()
	for name, v := range map[string]string{"User-Agent": "Ruby", "Accept": "*/*"} {
		if req.Header.Get(name) == "" {
			req.Header.Set(name, v)
		}
	}
	if v := req.Header.Get("Host"); v != "" {
		req.Host = v
	}
	tr := h.started
	if tr == nil {
		tr = h.transport()
		tr.DisableKeepAlives = true
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return t.httpFailure(h, err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxText+1))
	if err != nil {
		return t.httpFailure(h, err)
	}
	t.tooLong(len(data))
	return &Object{class: t.core.replyClass(resp.StatusCode), data: &httpReply{resp.StatusCode, resp.Header, str(string(bytes.Clone(data)))}}
}

// httpFailure raises what Net::HTTP does for a connection or an answer that failed.
func (t *Interp) httpFailure(h *httpConn, err error) Value {
	if t.stop.Load() {
		panic(stopped{})
	}
	where := h.host + ":" + itoa(int(h.port))
	var dns *net.DNSError
	var op *net.OpError
	var timeout net.Error
	var cert *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	isTimeout := errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
	switch {
	case errors.As(err, &dns):
		return t.raise(t.core.socketError, "Failed to open TCP connection to %s (getaddrinfo: Name or service not known)", where)
	case errors.Is(err, syscall.ECONNREFUSED):
		c, _ := t.lookupClass("Errno::ECONNREFUSED")
		return t.raise(c, "Failed to open TCP connection to %s (Connection refused - connect(2) for %q port %d)", where, h.host, h.port)
	case errors.As(err, &op) && op.Op == "dial" && isTimeout:
		return t.raise(t.core.openTimeout, "execution expired")
	case isTimeout:
		return t.raise(t.core.readTimeout, "Net::ReadTimeout with %s", where)
	case errors.As(err, &cert), errors.As(err, &header):
		return t.raise(t.core.sslError, "SSL_connect: %s", err)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		c, _ := t.lookupClass("Errno::EHOSTUNREACH")
		return t.raise(c, "Failed to open TCP connection to %s (No route to host)", where)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return t.raise(t.core.eofError, "end of file reached")
	case errors.As(err, &op):
		c, _ := t.lookupClass("Errno::ECONNRESET")
		return t.raise(c, "Connection reset by peer - %s", err)
	}
	return t.raise(t.core.httpBadResponse, "%s", err)
}
