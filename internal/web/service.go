package web

import (
	"context"
	"errors"
	"fmt"
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
	body    *Template // nil if there is none
	http    *Requester
	ctx     context.Context // of the requests
}

// NewService compiles the body and reads certificates. It connects with the first request. option is the one that holds the address.
func NewService(option string, r Request, c Client) (*Service, error) {
	s := &Service{request: r, ctx: context.Background()}
	if r.Body.Type != config.Invalid {
		s.body = NewTemplate(r.Body)
	}
	var err error
	if s.http, err = c.Requester(); err != nil {
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

// Start has requests end with ctx: that of a pipeline which stops and may wait no longer. It is called before the first Fetch, if at all.
func (s *Service) Start(ctx context.Context) { s.ctx = ctx }

// Close frees the connections.
func (s *Service) Close() error {
	s.http.Close()
	return nil
}

// Fetch asks for an event and returns the answer, whose body is read and closed. Any status but 200 to 299 is an error.
func (s *Service) Fetch(e *event.Event) (resp *http.Response, data []byte, err error) {
	req, body, err := s.build(e)
	if err != nil {
		return nil, nil, err
	}
	if resp, _, err = s.http.Do(req, body); err != nil {
		return nil, nil, err
	}
	data, err = Body(resp)
	if err == nil && (resp.StatusCode < 200 || resp.StatusCode > 299) {
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
func (s *Service) build(e *event.Event) (req *http.Request, body []byte, err error) {
	address, err := s.request.URL.Text(e)
	if err != nil {
		return nil, nil, err
	}
	if s.body != nil {
		v, err := s.body.Value(e)
		if err != nil {
			return nil, nil, err
		}
		if s.request.JSON && (v.List() != nil || v.Object() != nil) {
			body = v.AppendJSON(nil)
		} else {
			body = v.AppendRubyText(nil)
		}
	}
	req, err = http.NewRequestWithContext(s.ctx, s.request.Verb, address, nil)
	if err != nil {
		return nil, nil, err
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
		return nil, nil, err
	}
	q := req.URL.Query()
	if err := each(e, s.request.Query, q.Set); err != nil {
		return nil, nil, err
	}
	if len(s.request.Query) > 0 {
		req.URL.RawQuery = q.Encode()
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
