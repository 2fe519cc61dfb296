package httppoller

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"millrace/internal/schedule"
	"millrace/internal/web"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Options configures the input.
type Options struct {
	// What to ask, by names: addresses, or hashes with url, method (get is the default), headers, user and password, query or params for the
	// address, body, and request_timeout.
	URLs config.Hash `opt:"urls,required"`

	// When to ask: a hash of one of every ("1h", at once for the first time), cron ("* * * * * UTC", or with seconds in front of it), in ("10s", once) and
	// at ("2030-12-31 23:30:00 +0100", once).
	Schedule schedule.Schedule `opt:"schedule"`

	// Field that what an answer holds is put into; the top level of the event if not given.
	Target event.Path `opt:"target"`

	// Field below which the request and its answer are told of.
	MetadataTarget event.Path `opt:"metadata_target"`

	Interval float64 `opt:"interval,obsolete=write schedule => { every => \"30s\" }"`

	web.Client
}

// poll is one entry of urls.
type poll struct {
	name, method string
	url          string // as it is written
	address      string // with query
	header       http.Header
	host         string // of the header Host, if it is given
	body         []byte
	timeout      time.Duration // 0: that of the client
	original     *event.Object // the entry, for events
}

var methods = []string{"get", "head", "post", "put", "patch", "delete", "options", "trace"}

// polls reads the option urls.
func (o *Options) polls(env *plugin.Env) (polls []*poll, errs []error) {
	for _, entry := range o.URLs {
		p, err := newPoll(entry, env)
		if err != nil {
			errs = append(errs, plugin.EntryError("urls", entry.Key, fmt.Errorf("%s: %w", entry.Key, err)))
			continue
		}
		polls = append(polls, p)
	}
	if len(o.URLs) == 0 {
		errs = append(errs, plugin.OptionError("urls", errors.New("there is nothing to ask")))
	}
	return polls, errs
}

func newPoll(entry config.Entry, env *plugin.Env) (*poll, error) {
	p := &poll{name: entry.Key, method: "get", header: make(http.Header)}
	p.header.Set("User-Agent", "millrace/"+env.Version+" (input http_poller)")
	spec := entry.Value
	if spec.Type == config.TypeString {
		spec = config.Value{Type: config.TypeHash, Hash: config.Hash{{Key: "url", Value: spec}}}
	}
	if spec.Type != config.TypeHash {
		return nil, fmt.Errorf("expected an address or a hash, got %s", spec.Inspect())
	}
	if err := p.read(spec.Hash, env); err != nil {
		return nil, err
	}
	u, err := url.Parse(p.address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is no address of a web service", p.address)
	}
	p.url = p.address
	p.describe(spec.Hash)
	if err := p.parameters(spec.Hash, u); err != nil {
		return nil, err
	}
	p.address = u.String()
	return p, nil
}

// hashes are the keys of an entry whose values are hashes.
var hashes = []string{"headers", "query", "params", "auth"}

// read takes what stands for itself.
func (p *poll) read(spec config.Hash, env *plugin.Env) error {
	var user, password *string
	for _, e := range spec {
		text := e.Value.Text()
		if slices.Contains(hashes, e.Key) && e.Value.Type != config.TypeHash {
			return fmt.Errorf("%s must be a hash, got %s", e.Key, e.Value.Type)
		}
		switch e.Key {
		case "url":
			p.address = text
		case "method":
			if p.method = strings.ToLower(text); !slices.Contains(methods, p.method) {
				return fmt.Errorf("the method %q is none of %s", text, strings.Join(methods, ", "))
			}
		case "user":
			user = &text
		case "password":
			password = &text
		case "auth":
			for _, a := range e.Value.Hash {
				value := a.Value.Text()
				switch {
				case a.Key == "user" && user == nil:
					user = &value
				case (a.Key == "password" || a.Key == "pass") && password == nil:
					password = &value
				}
			}
		case "headers":
			p.setHeader(e.Value.Hash)
		case "request_timeout":
			seconds, err := strconv.ParseFloat(text, 64)
			if err != nil || seconds <= 0 {
				return fmt.Errorf("request_timeout is %q, which are no seconds", text)
			}
			p.timeout = time.Duration(seconds * float64(time.Second))
		case "query", "params", "body":
		default:
			env.Warn("urls", "%s: %q has no effect here; what is not url, method, headers, user, password, query, params, body or request_timeout is set for the input as a whole", p.name, e.Key)
		}
	}
	if (user == nil) != (password == nil) {
		return errors.New("user and password belong together")
	}
	if user != nil {
		r := http.Request{Header: p.header}
		r.SetBasicAuth(*user, *password)
	}
	return nil
}

func (p *poll) setHeader(h config.Hash) {
	for _, e := range h {
		values := []config.Value{e.Value}
		if e.Value.Type == config.TypeArray {
			values = e.Value.Items
		}
		p.header.Del(e.Key)
		for _, v := range values {
			p.header.Add(e.Key, v.Text())
		}
		if strings.EqualFold(e.Key, "host") {
			p.host = e.Value.Text()
		}
	}
}

// parameters puts query into the address, and params where they belong by the method: they are a form where there is a body, and else stand for
// query.
func (p *poll) parameters(spec config.Hash, u *url.URL) error {
	body, hasBody := spec.Get("body")
	query, asked := spec.Get("query")
	params, given := spec.Get("params")
	if given && (p.method == "get" || p.method == "head" || p.method == "delete") {
		if asked {
			return errors.New("query and params are the same here; give one of them")
		}
		query, asked, given = params, true, false
	}
	if asked {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += form(query.Hash)
	}
	switch {
	case given && hasBody:
		return errors.New("there may be one of params and body")
	case given:
		p.body = []byte(form(params.Hash))
		if p.header.Get("Content-Type") == "" {
			p.header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	case hasBody:
		p.body = []byte(body.Text())
		if p.header.Get("Content-Type") == "" {
			p.header.Set("Content-Type", "text/plain; charset=utf-8")
		}
	}
	return nil
}

// form writes parameters in their order.
func form(h config.Hash) string {
	var b strings.Builder
	for _, e := range h {
		values := []config.Value{e.Value}
		if e.Value.Type == config.TypeArray {
			values = e.Value.Items
		}
		for _, v := range values {
			if b.Len() > 0 {
				b.WriteByte('&')
			}
			b.WriteString(url.QueryEscape(e.Key) + "=" + url.QueryEscape(v.Text()))
		}
	}
	return b.String()
}

// describe makes what events tell of the entry: all of it, but no password.
func (p *poll) describe(spec config.Hash) {
	e := event.New(nil)
	p.original = e.NewObject()
	for _, entry := range spec {
		switch entry.Key {
		case "url", "method", "user", "password":
		default:
			p.original.Set(entry.Key, valueOf(e, entry.Value, entry.Key == "auth"))
		}
	}
	if user, ok := spec.Get("user"); ok {
		auth := e.NewObject()
		auth.Set("user", event.StringValue(user.Text()))
		p.original.Set("auth", event.ObjectValue(auth))
	}
	p.original.Set("method", event.StringValue(p.method))
	p.original.Set("url", event.StringValue(p.url))
}

// valueOf returns the value of an option as one of an event; without its passwords if it is auth.
func valueOf(e *event.Event, v config.Value, auth bool) event.Value {
	switch v.Type {
	case config.TypeInt:
		return event.IntValue(v.Int)
	case config.TypeFloat:
		return event.FloatValue(v.Float)
	case config.TypeArray:
		l := e.NewList()
		for _, item := range v.Items {
			l.Append(valueOf(e, item, false))
		}
		return event.ListValue(l)
	case config.TypeHash:
		o := e.NewObject()
		for _, entry := range v.Hash {
			if !auth || entry.Key == "user" {
				o.Set(entry.Key, valueOf(e, entry.Value, false))
			}
		}
		return event.ObjectValue(o)
	}
	return event.StringValue(v.Text())
}
