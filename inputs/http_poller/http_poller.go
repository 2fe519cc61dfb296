// Package httppoller asks web services at regular times and makes events of their answers.
package httppoller

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"millrace/internal/schedule"
	"millrace/internal/web"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the http_poller input.
var Plugin = plugin.DefineInput("http_poller", Options{
	MetadataTarget: *event.MustPath("@metadata"), Client: web.DefaultClient(),
}, New, plugin.WithCodec("json"))

// New checks the options and reads certificates; nothing is asked.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	in := &input{o: o, env: env, fields: newFields(env.ECS.Enabled(), o.MetadataTarget)}
	var errs []error
	in.polls, errs = o.polls(env)
	switch {
	case o.Interval < 0:
		errs = append(errs, plugin.OptionError("interval", errors.New("the interval must be longer than nothing")))
	case o.Interval > 0 && !o.Schedule.IsZero():
		errs = append(errs, plugin.OptionError("interval", errors.New("there may be one of interval and schedule")))
	case o.Interval > 0:
		in.o.Schedule = schedule.Every(time.Duration(o.Interval * float64(time.Second)))
	case o.Schedule.IsZero():
		errs = append(errs, errors.New(`option "schedule" is required`))
	}
	if env.ECS.Enabled() && o.Target.IsZero() {
		env.Log.Info("the option target is not set: what answers hold may conflict with the fields of the Elastic Common Schema")
	}
	var err error
	in.http, err = o.Requester()
	return in, errors.Join(append(errs, err)...)
}

type input struct {
	o      Options
	env    *plugin.Env
	polls  []*poll
	fields fields
	http   *web.Requester
}

// Run asks at the times of the schedule until ctx ends.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	defer in.http.Close()
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	in.o.Schedule.Run(inner, func() {
		var wg sync.WaitGroup
		for _, p := range in.polls {
			wg.Go(func() {
				if err := in.ask(inner, p, out); err != nil {
					cancel(err)
				}
			})
		}
		wg.Wait()
	})
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(inner)
}

// answer is what came of a request.
type answer struct {
	resp    *http.Response
	body    string
	retried int
	took    time.Duration
}

// ask asks once and pushes what came of it. Its error is that of the push.
func (in *input) ask(ctx context.Context, p *poll, out plugin.Sink) error {
	start := time.Now()
	a, err := in.fetch(ctx, p)
	a.took = time.Since(start)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	b := &event.Batch{Time: time.Now(), Bytes: len(a.body)}
	if err != nil {
		// Logstash does not give these events what the common options of the input say.
		b.Source = in.env.NewSource()
		b.Source.Type, b.Source.Tags, b.Source.AddField = "", nil, nil
		b.Source.Seal()
		b.Records = []event.Record{{Data: noBody, Tag: "_http_request_failure", Meta: in.fields.failure(p, in.env.Hostname, &a, web.WithoutSecret(err))}}
		return out.Push(ctx, b)
	}
	b.Source = in.env.NewSource()
	meta := in.fields.success(p, in.env.Hostname, &a)
	records := in.records(a.body)
	for len(records) > 0 {
		n := min(len(records), batchRecords)
		part := &event.Batch{Source: b.Source, Time: b.Time, Records: records[:n:n]}
		records = records[n:]
		for i := range part.Records {
			part.Records[i].Meta = meta
			part.Bytes += len(part.Records[i].Data)
		}
		if err := out.Push(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// batchRecords is how many records one push carries at most.
const batchRecords = 1000

func (in *input) fetch(ctx context.Context, p *poll) (a answer, err error) {
	if p.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.timeout)
		defer cancel()
	}
	req, err := http.NewRequestWithContext(ctx, strings.ToUpper(p.method), p.address, nil)
	if err != nil {
		return a, err
	}
	req.Header = p.header.Clone()
	if p.host != "" {
		req.Host = p.host
	}
	if a.resp, a.retried, err = in.http.Do(req, p.body); err != nil {
		return a, err
	}
	body, err := web.Body(a.resp)
	a.body = string(body)
	return a, err
}

// records cuts a body as the codec says. One that is empty makes an event all the same.
func (in *input) records(body string) []event.Record {
	if body == "" {
		return []event.Record{{Data: noBody}}
	}
	framer := in.env.NewFramer()
	records, rest := framer.Frame(body, nil)
	records = framer.Flush(rest, records)
	for i := range records {
		if strings.HasPrefix(records[i].Data, noBody) {
			records[i].Data = noBody + records[i].Data
		}
	}
	return records
}
