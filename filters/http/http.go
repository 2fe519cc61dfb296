// Package http asks a web service about each event and puts its answer into the event.
package http

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"millrace/internal/throttle"
	"millrace/internal/web"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("http", Options{
	Verb: "GET", BodyFormat: "text", TagOnRequestFailure: []string{"_httprequestfailure"}, TagOnJSONFailure: []string{"_jsonparsefailure"}, Client: web.DefaultClient(),
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

	Request config.Value `opt:"request,removed=it is the rest filter's; write what is in it as url, verb, headers, query and body"`

	web.Client
}

type filter struct {
	o       Options
	service *web.Service
	stats   *plugin.Stats
	log     *throttle.Logger
}

// New compiles the templates and reads certificates.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: o, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	var errs []error
	if err := o.URL.Err(); err != nil {
		env.Warn("url", "every event will fail: %v", err)
	}
	if f.o.TargetBody.IsZero() {
		if env.ECS.Enabled() {
			errs = append(errs, errors.New(`option "target_body" is required with ecs_compatibility`))
		}
		f.o.TargetBody = *event.MustPath("[body]")
	}
	if f.o.TargetHeaders.IsZero() {
		f.o.TargetHeaders = *event.MustPath("[headers]")
		if env.ECS.Enabled() {
			f.o.TargetHeaders = *event.MustPath("[@metadata][filter][http][response][headers]")
		}
	}
	var err error
	f.service, err = web.NewService("url", web.Request{
		URL: o.URL, Verb: o.Verb, Headers: o.Headers, Query: o.Query, Body: o.Body, JSON: o.BodyFormat == "json",
	}, o.Client)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return f, nil
}

// Filter asks and waits for the answer.
func (f *filter) Filter(e *event.Event) bool {
	resp, data, err := f.service.Fetch(e)
	if err == nil {
		err = f.answer(e, resp, data)
	}
	if err != nil {
		return f.fail(e, err)
	}
	return true
}

// fail tags and counts; it returns false.
func (f *filter) fail(e *event.Event, err error) bool {
	f.tag(e, f.o.TagOnRequestFailure)
	f.log.Error("a request to a web service failed", slog.Any("error", web.WithoutSecret(err)))
	return false
}

func (f *filter) tag(e *event.Event, tags []string) {
	f.stats.Failures.Add(1)
	for _, tag := range tags {
		e.Tag(tag)
	}
}

// answer puts the header and the body into the event.
func (f *filter) answer(e *event.Event, resp *http.Response, data []byte) error {
	if err := e.Set(&f.o.TargetHeaders, event.ObjectValue(web.Header(e, resp.Header))); err != nil {
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

var (
	_ plugin.Starter = (*filter)(nil)
	_ plugin.Closer  = (*filter)(nil)
)

// Start has requests end with ctx.
func (f *filter) Start(ctx context.Context) error {
	f.service.Start(ctx)
	return nil
}

// Close frees the connections.
func (f *filter) Close() error {
	return f.service.Close()
}
