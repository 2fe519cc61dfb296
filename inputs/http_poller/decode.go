package httppoller

import (
	"net/http"
	"strings"
	"time"

	"millrace/internal/web"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// noBody is the record of an event that comes from no body. A record of a body that begins like that has it doubled.
const noBody = "\x00"

// Codec returns the codec of the records: that of the option, whose events get the target and are told of the request.
func (in *input) Codec() *plugin.Codec {
	return &plugin.Codec{NewDecoder: func() plugin.Decoder {
		return &decoder{in: in, inner: in.env.Codec().NewDecoder()}
	}}
}

type decoder struct {
	in    *input
	inner plugin.Decoder
}

// Decode implements plugin.Decoder.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	if r.Data == noBody {
		tell(next(), r.Meta)
		return
	}
	one := *r
	one.Data = strings.TrimPrefix(r.Data, noBody)
	var made *event.Event // not finished yet
	d.inner.Decode(&one, func() *event.Event {
		d.finish(made, r)
		made = next()
		return made
	})
	d.finish(made, r)
}

// finish puts what was decoded below the target.
func (d *decoder) finish(e *event.Event, r *event.Record) {
	if e == nil {
		return
	}
	if target := &d.in.o.Target; !target.IsZero() {
		o := e.NewObject()
		for _, f := range e.Root().Fields() {
			o.Set(f.Key, f.Val)
		}
		e.Root().Clear()
		_ = e.Set(target, event.ObjectValue(o)) // nothing is in its way
	}
	tell(e, r.Meta)
}

// tell sets the facts about the request, whatever the answer says.
func tell(e *event.Event, meta []event.Field) {
	for _, f := range meta {
		if p, err := event.ParsePath(f.Key); err == nil {
			_ = e.Set(&p, e.Own(f.Val)) // what stands in its way (a text in place of the target) stays, as in Logstash
		}
	}
}

// fields are the references of what events tell of a request; those that a mode of ecs_compatibility does not know are "".
type fields struct {
	host, name, request, seconds, nanos, code, headers, message, retries string

	failName, failRequest, failSeconds, failNanos, failURL, failMethod, failHost, failError string
}

func newFields(ecs bool, target event.Path) fields {
	at := func(names ...string) string {
		p := target
		for _, n := range names {
			p = p.Join(n)
		}
		return p.String()
	}
	if !ecs {
		return fields{
			host: at("host"), name: at("name"), request: at("request"), seconds: at("runtime_seconds"), code: at("code"), headers: at("response_headers"),
			message: at("response_message"), retries: at("times_retried"),
			failName: "[http_request_failure][name]", failRequest: "[http_request_failure][request]",
			failSeconds: "[http_request_failure][runtime_seconds]", failError: "[http_request_failure][error]",
		}
	}
	in := func(names ...string) string { return at(append([]string{"input", "http_poller"}, names...)...) }
	return fields{
		host: in("request", "host", "hostname"), name: in("request", "name"), request: in("request", "original"), retries: in("request", "retry_count"),
		code: in("response", "status_code"), headers: in("response", "headers"), message: in("response", "status_message"),
		nanos:     in("response", "elapsed_time_ns"),
		failNanos: "[event][duration]", failURL: "[url][full]", failMethod: "[http][request][method]", failHost: "[host][hostname]", failError: "[error][message]",
	}
}

// facts collects fields.
type facts []event.Field

func (f *facts) add(reference string, v event.Value) {
	if reference != "" {
		*f = append(*f, event.Field{Key: reference, Val: v})
	}
}

func (f *fields) common(p *poll, host string, took time.Duration) (m facts) {
	m.add(f.host, event.StringValue(host))
	m.add(f.seconds, event.FloatValue(took.Seconds()))
	m.add(f.nanos, event.IntValue(took.Nanoseconds()))
	m.add(f.name, event.StringValue(p.name))
	m.add(f.request, event.ObjectValue(p.original))
	return m
}

// success tells of a request and its answer.
func (f *fields) success(p *poll, host string, a *answer) []event.Field {
	m := f.common(p, host, a.took)
	m.add(f.code, event.IntValue(int64(a.resp.StatusCode)))
	m.add(f.headers, event.ObjectValue(web.Header(event.New(nil), a.resp.Header)))
	_, reason, ok := strings.Cut(a.resp.Status, " ")
	if !ok || reason == "" {
		reason = http.StatusText(a.resp.StatusCode) // HTTP/2 has none
	}
	m.add(f.message, event.StringValue(reason))
	m.add(f.retries, event.IntValue(int64(a.retried)))
	return m
}

// failure tells of a request that was not answered.
func (f *fields) failure(p *poll, host string, a *answer, err error) []event.Field {
	m := f.common(p, host, a.took)
	m.add(f.failRequest, event.ObjectValue(p.original))
	m.add(f.failName, event.StringValue(p.name))
	m.add(f.failURL, event.StringValue(p.url))
	m.add(f.failMethod, event.StringValue(p.method))
	m.add(f.failHost, event.StringValue(host))
	m.add(f.failSeconds, event.FloatValue(a.took.Seconds()))
	m.add(f.failNanos, event.IntValue(a.took.Nanoseconds()))
	m.add(f.failError, event.StringValue(err.Error()))
	return m
}
