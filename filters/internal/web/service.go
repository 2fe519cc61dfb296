package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Request is what to ask for each event.
type Request struct {
	URL     event.Template
	Verb    string
	Headers config.Pairs[event.Template, event.Template]
	Query   config.Pairs[event.Template, event.Template]

	// Body is what to send: a text, or a hash or array. JSON tells whether those are sent as JSON.
	Body config.Value
	JSON bool
}

// Service asks a web service. It is safe for concurrent use.
type Service struct {
	request Request
	client  Client
	body    *Template // nil if there is none
	http    *http.Client
}

// NewService compiles the body and reads certificates. It connects with the first request. option is the one that holds the address.
func NewService(option string, r Request, c Client) (*Service, error) {
	s := &Service{request: r, client: c}
	if r.Body.Type != config.Invalid {
		s.body = NewTemplate(r.Body)
	}
	var err error
	if s.http, err = c.connect(); err != nil {
		return nil, err
	}
	if !r.URL.Static() {
		return s, nil
	}
	if u, err := url.Parse(r.URL.String()); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, plugin.OptionError(option, fmt.Errorf("%q is no address of a web service", r.URL.String()))
	}
	return s, nil
}

// Close frees the connections.
func (s *Service) Close() error {
	s.http.CloseIdleConnections()
	return nil
}

// maxBody bounds an answer.
const maxBody = 64 << 20

// Fetch asks for an event and returns the answer, whose body is read and closed. Any status but 200 to 299 is an error.
func (s *Service) Fetch(e *event.Event) (resp *http.Response, data []byte, err error) {
	req, body, err := s.build(e)
	if err != nil {
		return nil, nil, err
	}
	if resp, err = s.send(req, body); err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	data, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
	case len(data) > maxBody:
		err = fmt.Errorf("the answer has more than %d bytes", maxBody)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		err = fmt.Errorf("the answer is %s", resp.Status)
	}
	return resp, data, err
}

// WithoutSecret takes the query, which may hold a key, from the address in an error.
func WithoutSecret(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		if u, perr := url.Parse(ue.URL); perr == nil {
			u.RawQuery, u.User = "", nil
			return fmt.Errorf("%s %s: %w", ue.Op, u, ue.Err)
		}
	}
	return err
}

// build makes the request for an event.
func (s *Service) build(e *event.Event) (req *http.Request, body string, err error) {
	address, err := s.request.URL.Text(e)
	if err != nil {
		return nil, "", err
	}
	if s.body != nil {
		v, err := s.body.Value(e)
		if err != nil {
			return nil, "", err
		}
		if s.request.JSON && (v.List() != nil || v.Object() != nil) {
			body = string(v.AppendJSON(nil))
		} else {
			body = string(v.AppendRubyText(nil))
		}
	}
	req, err = http.NewRequestWithContext(context.Background(), s.request.Verb, address, nil)
	if err != nil {
		return nil, "", err
	}
	contentType := "text/plain"
	if s.request.JSON {
		contentType = "application/json"
	}
	req.Header.Set("Content-Type", contentType)
	if err := each(e, s.request.Headers, func(k, v string) {
		if strings.EqualFold(k, "host") {
			req.Host = v
		}
		req.Header.Set(k, v)
	}); err != nil {
		return nil, "", err
	}
	q := req.URL.Query()
	if err := each(e, s.request.Query, q.Set); err != nil {
		return nil, "", err
	}
	if len(s.request.Query) > 0 {
		req.URL.RawQuery = q.Encode()
	}
	if s.client.User != "" {
		req.SetBasicAuth(s.client.User, s.client.Password.Reveal())
	}
	return req, body, nil
}

// each calls f with the pairs of an option as they are for e.
func each(e *event.Event, pairs config.Pairs[event.Template, event.Template], f func(k, v string)) error {
	for i := range pairs {
		k, err := pairs[i].Key.Text(e)
		if err != nil {
			return err
		}
		v, err := pairs[i].Value.Text(e)
		if err != nil {
			return err
		}
		f(k, v)
	}
	return nil
}

// send sends the request, again if there was no answer and it is a kind of request that may be repeated.
func (s *Service) send(req *http.Request, body string) (*http.Response, error) {
	for try := 0; ; try++ {
		if body != "" {
			req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
			req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }
		}
		resp, err := s.http.Do(req)
		idempotent := s.request.Verb != "POST" && s.request.Verb != "PATCH"
		if err == nil || try >= s.client.AutomaticRetries || !idempotent && !s.client.RetryNonIdempotent {
			return resp, err
		}
	}
}
