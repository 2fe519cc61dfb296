// Package rest asks a web service about each event and puts its answer into the event. The http filter came from it and does the same.
package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
var Plugin = plugin.DefineFilter("rest", Options{
	JSON: true, TagOnRestFailure: []string{"_restfailure"}, TagOnJSONFailure: []string{"_jsonparsefailure"}, Client: web.DefaultClient(),
}, New)

// Options configures the filter. The common options are applied to every event, also if the request failed.
type Options struct {
	// The request: its address alone, or a hash with url, method (get is the default), headers, auth (a hash of user and password), params and
	// body. The params of a get, delete or head go to the address, those of the others are the body. Texts may refer to fields.
	Request config.Value `opt:"request"`

	// Whether the answer is JSON, and what is sent.
	JSON bool `opt:"json"`

	// Field for the answer.
	Target event.Path `opt:"target,required,alias=response_key"`

	// What the target gets if there is no answer, in place of the tags. Texts may refer to fields.
	Fallback config.Value `opt:"fallback"`

	// Tags of events for which there was no answer, an empty one, or one that was not 200 to 299.
	TagOnRestFailure []string `opt:"tag_on_rest_failure"`

	// Tags of events whose answer should be JSON and is not.
	TagOnJSONFailure []string `opt:"tag_on_json_failure"`

	URL    config.Value `opt:"url,obsolete=it is part of request now"`
	Method config.Value `opt:"method,obsolete=it is part of request now"`
	Header config.Value `opt:"header,obsolete=it is headers in request now"`
	Params config.Value `opt:"params,obsolete=they are part of request now"`

	Sprintf bool `opt:"sprintf,deprecated=references to fields are always resolved"`

	web.Client
}

type filter struct {
	o        Options
	service  *web.Service
	fallback *web.Template // nil if there is none
	stats    *plugin.Stats
	log      *throttle.Logger
}

// New checks the request.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: o, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	request, err := f.request(env)
	if err != nil {
		return nil, plugin.OptionError("request", err)
	}
	if o.Fallback.Type != config.Invalid && (o.Fallback.Type != config.TypeHash || len(o.Fallback.Hash) > 0) {
		f.fallback = web.NewTemplate(o.Fallback)
	}
	if err := request.URL.Err(); err != nil {
		env.Warn("request", "every event will fail: %v", err)
	}
	if f.service, err = web.NewService("request", request, f.o.Client); err != nil {
		return nil, err
	}
	return f, nil
}

var verbs = []string{"GET", "HEAD", "PATCH", "DELETE", "POST", "PUT"}

// request reads the option of that name. A user goes to the options of the client.
func (f *filter) request(env *plugin.Env) (o web.Request, err error) {
	o = web.Request{Verb: "GET", JSON: f.o.JSON}
	v := f.o.Request
	if v.Type == config.Invalid {
		v = f.o.oldRequest()
	}
	if v.Type == config.TypeString {
		v = config.Value{Type: config.TypeHash, Hash: config.Hash{{Key: "url", Value: v}}}
	}
	if v.Type != config.TypeHash {
		return o, fmt.Errorf("must be an address or a hash, got %s", v.Inspect())
	}
	var params config.Value
	for _, e := range v.Hash {
		if (e.Key == "headers" || e.Key == "params" && !f.o.JSON || e.Key == "auth") && e.Value.Type != config.TypeHash {
			return o, fmt.Errorf("%s must be a hash, got %s", e.Key, e.Value.Inspect())
		}
		switch e.Key {
		case "url":
			o.URL = event.ParseTemplate(e.Value.Text())
		case "method":
			if o.Verb = strings.ToUpper(e.Value.Text()); !slices.Contains(verbs, o.Verb) {
				return o, fmt.Errorf("the method %q is none of %s", e.Value.Text(), strings.ToLower(strings.Join(verbs, ", ")))
			}
		case "headers":
			o.Headers = templates(e.Value)
		case "params":
			params = e.Value
		case "body":
			o.Body = e.Value
		case "auth":
			user, ok := e.Value.Hash.Get("user")
			password, both := e.Value.Hash.Get("password")
			if !ok || !both {
				return o, errors.New("auth needs user and password")
			}
			f.o.User, f.o.Password = user.Text(), config.Password(password.Text())
		default:
			env.Warn("request", "%q has no effect: request has url, method, headers, auth, params and body", e.Key)
		}
	}
	if o.URL.String() == "" {
		return o, errors.New("it needs a url")
	}
	switch {
	case params.Type == config.Invalid:
	case (o.Verb == "POST" || o.Verb == "PUT" || o.Verb == "PATCH") && o.JSON:
		o.Body = params
	default:
		o.Query = templates(params)
	}
	return o, nil
}

// oldRequest makes a request of the options that releases before 0.2 had for its parts.
func (o *Options) oldRequest() config.Value {
	v := config.Value{Type: config.TypeHash}
	for _, part := range []config.Entry{{Key: "url", Value: o.URL}, {Key: "method", Value: o.Method}, {Key: "headers", Value: o.Header}, {Key: "params", Value: o.Params}} {
		if part.Value.Type != config.Invalid {
			v.Hash = append(v.Hash, part)
		}
	}
	return v
}

// templates compiles a hash of texts.
func templates(v config.Value) (pairs config.Pairs[event.Template, event.Template]) {
	for _, e := range v.Hash {
		pairs = append(pairs, config.Pair[event.Template, event.Template]{Key: event.ParseTemplate(e.Key), Value: event.ParseTemplate(e.Value.Text())})
	}
	return pairs
}

// Filter asks and waits for the answer.
func (f *filter) Filter(e *event.Event) bool {
	_, data, err := f.service.Fetch(e)
	tags := f.o.TagOnRestFailure
	if err == nil {
		tags, err = f.answer(e, data)
	}
	if err == nil {
		return true
	}
	f.log.Error("a request to a web service failed", slog.Any("error", web.WithoutSecret(err)))
	if f.fallback != nil {
		v, err := f.fallback.Value(e)
		if err == nil && e.Set(&f.o.Target, v) == nil {
			return true
		}
	}
	f.stats.Failures.Add(1)
	for _, tag := range tags {
		e.Tag(tag)
	}
	return true
}

// answer puts the answer into the event, or returns an error and the tags for it.
func (f *filter) answer(e *event.Event, data []byte) (tags []string, err error) {
	text := strings.ToValidUTF8(string(data), "\uFFFD")
	if !f.o.JSON {
		return f.o.TagOnRestFailure, e.Set(&f.o.Target, event.StringValue(strings.TrimSpace(text)))
	}
	v, remainder, ok, err := e.ParseJSON(text)
	switch {
	case err != nil:
		return f.o.TagOnJSONFailure, err
	case !ok || strings.TrimSpace(remainder) != "" || v.Kind() != event.String && v.Object() == nil && v.List() == nil:
		return f.o.TagOnJSONFailure, errors.New("the answer is no JSON document")
	case v.Str() == "" && v.Object().Len() == 0 && v.List().Len() == 0:
		return f.o.TagOnRestFailure, errors.New("the answer is empty")
	}
	return f.o.TagOnRestFailure, e.Set(&f.o.Target, v)
}

// Start has requests end with ctx.
func (f *filter) Start(ctx context.Context) error {
	f.service.Start(ctx)
	return nil
}

// Close frees the connections.
func (f *filter) Close() error { return f.service.Close() }

var (
	_ plugin.Starter = (*filter)(nil)
	_ plugin.Closer  = (*filter)(nil)
)
