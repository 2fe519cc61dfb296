package faultproxy

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// serveHTTP answers the requests of one connection, one after the other. raw is the TCP connection below client.
func (p *Proxy) serveHTTP(client, raw net.Conn) {
	br := bufio.NewReader(client)
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		if !p.serveRequest(req, client, raw) || req.Close {
			return
		}
	}
}

// serveRequest reports whether the connection can take another request.
func (p *Proxy) serveRequest(req *http.Request, client, raw net.Conn) bool {
	if strings.EqualFold(req.Header.Get("Expect"), "100-continue") {
		req.Header.Del("Expect")
		if _, err := io.WriteString(client, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return false
		}
	}
	v, s := p.judge(req)
	if v == resetRequest {
		// A body of unknown length is reset at its first bytes.
		_, err := io.CopyN(io.Discard, req.Body, max(req.ContentLength/2, 0))
		if err == nil {
			p.count(func(s *Stats) { s.RequestsReset++; s.Requests++ })
		}
		reset(raw)
		return false
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return false
	}
	p.count(func(s *Stats) { s.Requests++ })
	switch {
	case s.BlackHole:
		p.count(func(s *Stats) { s.BlackHoled++ })
		p.hold(s, raw)
		return false
	case s.MaxBody > 0 && len(body) > s.MaxBody && strings.Contains(req.URL.Path, s.Path):
		p.count(func(s *Stats) { s.TooLarge++ })
		return p.answer(client, s, http.StatusRequestEntityTooLarge, "")
	case v == answerStatus:
		p.count(func(s *Stats) { s.StatusAnswers++ })
		return p.answer(client, s, s.Status, s.StatusBody)
	}
	answer, err := p.ask(req, body)
	if err != nil {
		// The client sees what it would see without a proxy: a connection that breaks.
		p.count(func(s *Stats) { s.Unknown++ })
		reset(raw)
		return false
	}
	p.count(func(s *Stats) { s.Forwarded++ })
	return p.deliver(answer, v, s, client, raw)
}

// judge decides under which faults a request falls, and what they do to it.
func (p *Proxy) judge(req *http.Request) (verdict, *state) {
	n := p.requests.Add(1)
	s := p.state.Load()
	if !strings.Contains(req.URL.Path, s.Path) {
		return forward, s
	}
	v := s.decide(p.cfg.Seed, n)
	if v != forward && s.Times > 0 && s.struck.Add(1) > int64(s.Times) {
		return forward, s
	}
	return v, s
}

// ask sends the request to the server and returns its whole answer as it goes over the wire.
func (p *Proxy) ask(req *http.Request, body []byte) ([]byte, error) {
	out := req.Clone(p.ctx)
	out.RequestURI = ""
	out.URL.Scheme = "http"
	if p.cfg.TargetTLS != nil {
		out.URL.Scheme = "https"
	}
	out.URL.Host = p.cfg.Target
	out.Close = false
	out.Header.Del("Connection")
	out.TransferEncoding = nil
	out.ContentLength = int64(len(body))
	out.Body = io.NopCloser(bytes.NewReader(body))
	if len(body) == 0 {
		out.Body = http.NoBody
	}
	resp, err := p.transport.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if req.Method != http.MethodHead {
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, fmt.Errorf("reading the server's answer: %w", err)
		}
		resp.TransferEncoding = nil
		resp.ContentLength = int64(len(data))
		resp.Body = io.NopCloser(bytes.NewReader(data))
	}
	resp.Close = false
	var wire bytes.Buffer
	err = resp.Write(&wire)
	return wire.Bytes(), err
}

// deliver sends the server's answer, or as much of it as the verdict lets through.
func (p *Proxy) deliver(answer []byte, v verdict, s *state, client, raw net.Conn) bool {
	if s.Delay > 0 && !p.wait(s.Delay) {
		return false
	}
	switch v {
	case resetResponse:
		p.count(func(s *Stats) { s.ResponsesReset++; s.Lost++ })
		// The client may be gone already; the answer is lost either way.
		_, _ = client.Write(answer[:len(answer)/2])
		reset(raw)
		return false
	case cutResponse:
		p.count(func(s *Stats) { s.ResponsesCut++; s.Lost++ })
		// One byte has to be missing, whatever CutAfter says, for the answer to be lost as counted.
		_, _ = client.Write(answer[:min(s.CutAfter, len(answer)-1)])
		client.Close()
		return false
	case dropResponse:
		p.count(func(s *Stats) { s.ResponsesDropped++; s.Lost++ })
		p.hold(s, raw)
		return false
	}
	// Counted first: who has read the answer must find it in the counts.
	p.count(func(s *Stats) { s.Delivered++ })
	if _, err := client.Write(answer); err != nil {
		p.count(func(s *Stats) { s.Delivered--; s.Lost++ })
		return false
	}
	return true
}

// answer sends a status of the proxy's own, in the form that Elasticsearch gives its errors unless body says otherwise.
func (p *Proxy) answer(client net.Conn, s *state, status int, body string) bool {
	contentType := "application/json"
	if body == "" {
		body = fmt.Sprintf(`{"error":{"type":"fault_proxy","reason":%q},"status":%d}`, http.StatusText(status), status)
	} else if !strings.HasPrefix(body, "{") {
		contentType = "text/html"
	}
	retry := ""
	if s.RetryAfter != "" {
		retry = "Retry-After: " + s.RetryAfter + "\r\n"
	}
	_, err := fmt.Fprintf(client, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nX-Elastic-Product: Elasticsearch\r\n%sContent-Length: %d\r\n\r\n%s",
		status, http.StatusText(status), contentType, retry, len(body), body)
	return err == nil
}

// serveRaw copies bytes both ways until one side ends.
func (p *Proxy) serveRaw(client *throttled) {
	upstream, err := net.Dial("tcp", p.cfg.Target)
	if err != nil {
		reset(client.Conn)
		return
	}
	p.wg.Go(func() {
		p.copyRaw(client, upstream, client.Conn)
		// Half-closed: the other direction may still have something to say.
		if tcp, ok := client.Conn.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
	})
	p.copyRaw(upstream, client, client.Conn)
	upstream.Close()
}

func (p *Proxy) copyRaw(dst, src, client net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		if s := p.state.Load(); s.BlackHole {
			if n > 0 {
				p.count(func(s *Stats) { s.BlackHoled++ })
			}
			p.hold(s, client)
			return
		}
		if n > 0 {
			if _, werr := dst.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				reset(client)
			}
			return
		}
	}
}
