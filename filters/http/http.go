// Package http asks a web service about each event and puts its answer into the event.
package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("http", Options{
	Verb: "GET", BodyFormat: "text", TagOnRequestFailure: []string{"_httprequestfailure"}, TagOnJSONFailure: []string{"_jsonparsefailure"}, Client: defaultClient(),
}, New)

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// Address to ask. It may refer to fields.
	URL event.Template `opt:"url,required"`

	// Method of the request.
	Verb string `opt:"verb,enum=GET|HEAD|PATCH|DELETE|POST|PUT"`

	// Header fields of the request. Names and values may refer to fields.
	Headers config.Pairs[event.Template, event.Template] `opt:"headers"`

	// Parameters for the address. Names and values may refer to fields.
	Query config.Pairs[event.Template, event.Template] `opt:"query"`

	// What to send: a text, or a hash or array for body_format => json. Texts in it may refer to fields.
	Body config.Value `opt:"body"`

	// Whether the body is sent as text or as JSON.
	BodyFormat string `opt:"body_format,enum=text|json"`

	// Field for the answer, parsed if it is JSON: body if not given. Where ecs_compatibility is on it is required.
	TargetBody event.Path `opt:"target_body"`

	// Field for the header of the answer: headers, or [@metadata][filter][http][response][headers] where ecs_compatibility is on.
	TargetHeaders event.Path `opt:"target_headers"`

	// Tags of events for which there was no answer, or one that was not 200 to 299.
	TagOnRequestFailure []string `opt:"tag_on_request_failure"`

	// Tags of events whose answer should be JSON and is not.
	TagOnJSONFailure []string `opt:"tag_on_json_failure"`

	Client
}

type filter struct {
	o      Options
	body   *template
	client *http.Client
	stats  *plugin.Stats
	log    *throttle.Logger
}

// New compiles the templates and reads certificates.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: o, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	var errs []error
	if o.URL.Static() {
		if u, err := url.Parse(o.URL.String()); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			errs = append(errs, plugin.OptionError("url", fmt.Errorf("%q is no address of a web service", o.URL.String())))
		}
	}
	if err := o.URL.Err(); err != nil {
		env.Warn("url", "every event will fail: %v", err)
	}
	if o.Body.Type != config.Invalid {
		f.body = newTemplate(o.Body)
	}
	if f.o.TargetBody.IsZero() {
		if env.ECS.Enabled() {
			errs = append(errs, errors.New(`option "target_body" is required with ecs_compatibility`))
		}
		f.o.TargetBody = *event.MustPath("[body]")
	}
	if f.o.TargetHeaders.IsZero() {
		f.o.TargetHeaders = *event.MustPath(pick(env.ECS.Enabled(), "[@metadata][filter][http][response][headers]", "[headers]"))
	}
	var err error
	if f.client, err = o.Client.new(); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return f, nil
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// maxBody bounds an answer.
const maxBody = 64 << 20

// Filter asks and waits for the answer.
func (f *filter) Filter(e *event.Event) bool {
	req, body, err := f.request(e)
	if err != nil {
		return f.fail(e, err)
	}
	resp, err := f.send(req, body)
	if err != nil {
		return f.fail(e, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return f.fail(e, err)
	case len(data) > maxBody:
		return f.fail(e, fmt.Errorf("the answer has more than %d bytes", maxBody))
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return f.fail(e, fmt.Errorf("the answer is %s", resp.Status))
	}
	if err := f.answer(e, resp, data); err != nil {
		return f.fail(e, err)
	}
	return true
}

// fail tags and counts; it returns false.
func (f *filter) fail(e *event.Event, err error) bool {
	f.tag(e, f.o.TagOnRequestFailure)
	f.log.Error("a request to a web service failed", slog.Any("error", withoutSecret(err)))
	return false
}

func (f *filter) tag(e *event.Event, tags []string) {
	f.stats.Failures.Add(1)
	for _, tag := range tags {
		e.Tag(tag)
	}
}

// withoutSecret takes the query, which may hold a key, from the address in an error.
func withoutSecret(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		if u, perr := url.Parse(ue.URL); perr == nil {
			u.RawQuery, u.User = "", nil
			return fmt.Errorf("%s %s: %w", ue.Op, u, ue.Err)
		}
	}
	return err
}

// request makes the request for an event.
func (f *filter) request(e *event.Event) (req *http.Request, body string, err error) {
	address, err := f.o.URL.Text(e)
	if err != nil {
		return nil, "", err
	}
	if f.body != nil {
		v, err := f.body.value(e)
		if err != nil {
			return nil, "", err
		}
		if f.o.BodyFormat == "json" && (v.List() != nil || v.Object() != nil) {
			body = string(v.AppendJSON(nil))
		} else {
			body = string(v.AppendRubyText(nil))
		}
	}
	req, err = http.NewRequestWithContext(context.Background(), f.o.Verb, address, nil)
	if err != nil {
		return nil, "", err
	}
	contentType := pick(f.o.BodyFormat == "json", "application/json", "text/plain")
	req.Header.Set("Content-Type", contentType)
	if err := each(e, f.o.Headers, func(k, v string) {
		if strings.EqualFold(k, "host") {
			req.Host = v
		}
		req.Header.Set(k, v)
	}); err != nil {
		return nil, "", err
	}
	q := req.URL.Query()
	if err := each(e, f.o.Query, q.Set); err != nil {
		return nil, "", err
	}
	if len(f.o.Query) > 0 {
		req.URL.RawQuery = q.Encode()
	}
	if f.o.User != "" {
		req.SetBasicAuth(f.o.User, f.o.Password.Reveal())
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
func (f *filter) send(req *http.Request, body string) (*http.Response, error) {
	for try := 0; ; try++ {
		if body != "" {
			req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
			req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }
		}
		resp, err := f.client.Do(req)
		idempotent := f.o.Verb != "POST" && f.o.Verb != "PATCH"
		if err == nil || try >= f.o.AutomaticRetries || !idempotent && !f.o.RetryNonIdempotent {
			return resp, err
		}
	}
}

// answer puts the header and the body into the event.
func (f *filter) answer(e *event.Event, resp *http.Response, data []byte) error {
	header := e.NewObject()
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		values := resp.Header[name]
		v := event.StringValue(values[0])
		if len(values) > 1 {
			l := e.NewList()
			for _, s := range values {
				l.Append(event.StringValue(s))
			}
			v = event.ListValue(l)
		}
		header.Set(strings.ToLower(name), v)
	}
	if err := e.Set(&f.o.TargetHeaders, event.ObjectValue(header)); err != nil {
		return err
	}
	if !hasBody(f.o.Verb, resp.StatusCode) {
		return nil
	}
	text := strings.ToValidUTF8(string(data), "\uFFFD")
	if !slices.ContainsFunc(resp.Header.Values("Content-Type"), isJSON) {
		return e.Set(&f.o.TargetBody, event.StringValue(strings.TrimSpace(text)))
	}
	v, rest, _, err := e.ParseJSON(text)
	if err != nil || strings.TrimSpace(rest) != "" {
		f.tag(e, f.o.TagOnJSONFailure)
		f.log.Warn("an answer that should be JSON is none", slog.Any("error", err))
		return nil
	}
	return e.Set(&f.o.TargetBody, v)
}

// hasBody tells whether an answer has a body by the rules of HTTP, empty or not.
func hasBody(verb string, status int) bool {
	return verb != http.MethodHead && status != http.StatusNoContent && status != http.StatusResetContent
}

// isJSON tells whether a type is that of JSON, whatever its parameters are.
func isJSON(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.TrimSpace(kind) == "application/json"
}

// template is the option body with its texts compiled.
type template struct {
	text   event.Template
	number event.Value // of what is no text
	items  []*template
	keys   []event.Template
	kind   config.Type
}

func newTemplate(v config.Value) *template {
	t := &template{kind: v.Type}
	switch v.Type {
	case config.TypeArray:
		for _, item := range v.Items {
			t.items = append(t.items, newTemplate(item))
		}
	case config.TypeHash:
		for _, entry := range v.Hash {
			t.keys = append(t.keys, event.ParseTemplate(entry.Key))
			t.items = append(t.items, newTemplate(entry.Value))
		}
	case config.TypeInt:
		t.number = event.IntValue(v.Int)
	case config.TypeFloat:
		t.number = event.FloatValue(v.Float)
	default:
		t.kind, t.text = config.TypeString, event.ParseTemplate(v.Text())
	}
	return t
}

func (t *template) value(e *event.Event) (event.Value, error) {
	switch t.kind {
	case config.TypeString:
		s, err := t.text.Text(e)
		return event.StringValue(s), err
	case config.TypeArray:
		l := e.NewList()
		for _, item := range t.items {
			v, err := item.value(e)
			if err != nil {
				return v, err
			}
			l.Append(v)
		}
		return event.ListValue(l), nil
	case config.TypeHash:
		o := e.NewObject()
		for i, item := range t.items {
			k, err := t.keys[i].Text(e)
			if err != nil {
				return event.Value{}, err
			}
			v, err := item.value(e)
			if err != nil {
				return v, err
			}
			o.Set(k, v)
		}
		return event.ObjectValue(o), nil
	}
	return t.number, nil
}

var _ plugin.Closer = (*filter)(nil)

// Close frees the connections.
func (f *filter) Close() error {
	f.client.CloseIdleConnections()
	return nil
}
