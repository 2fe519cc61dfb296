// Package http sends events to web services.
package http

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"millrace/internal/throttle"
	"millrace/internal/web"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the http output.
var Plugin = plugin.DefineOutput("http", Options{
	Format: "json", RetryFailed: true, RetryableCodes: []int{429, 500, 502, 503, 504}, Client: web.DefaultClient(),
}, New)

type output struct {
	o       Options
	env     *plugin.Env
	http    *web.Requester
	mapping *mapping // nil: all fields
	method  string
	log     *throttle.Logger

	ctx    context.Context // of the requests
	cancel context.CancelFunc
	jobs   chan job

	mu      sync.Mutex
	senders int // that run, at most most
	most    int
	wg      sync.WaitGroup
}

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	if err := o.check(env); err != nil {
		return nil, err
	}
	out := &output{o: o, env: env, method: strings.ToUpper(o.Method), log: throttle.New(env.Log, time.Minute), jobs: make(chan job)}
	if len(o.Mapping) > 0 {
		m := newMapping(config.Value{Type: config.TypeHash, Hash: o.Mapping})
		if err := m.err(); err != nil {
			env.Warn("mapping", "every event will be dropped: %v", err)
		}
		out.mapping = &m
	}
	out.most = o.PoolMax
	if o.URL.Static() && o.PoolMaxPerRoute > 0 {
		// Beyond that a request would spend its request_timeout waiting for a connection.
		out.most = min(out.most, o.PoolMaxPerRoute)
	}
	var err error
	if out.http, err = o.Requester(); err != nil {
		return nil, err
	}
	out.ctx, out.cancel = context.WithCancel(context.Background())
	return out, nil
}

// request is one request that a turn makes.
type request struct {
	url    string
	header http.Header
	body   []byte
	events int64
}

// turn is what the requests of one batch have in common.
type turn struct {
	batch *event.Batch
	left  atomic.Int64 // requests that are not answered for good
}

type job struct {
	request
	turn *turn
}

// NewWriter implements plugin.Output.
func (o *output) NewWriter() plugin.Writer {
	return &writer{o: o}
}

type writer struct {
	o        *output
	requests []request
}

// Append encodes e.
func (w *writer) Append(e *event.Event) error {
	if err := w.append(e); err != nil {
		w.o.env.Stats.Dropped.Add(1)
		return err
	}
	return nil
}

func (w *writer) append(e *event.Event) error {
	if w.o.o.Format == "json_batch" {
		return w.appendToBatch(e)
	}
	var r request
	var err error
	if r.url, err = w.o.o.URL.Text(e); err != nil {
		return err
	}
	if r.header, err = w.o.header(e); err != nil {
		return err
	}
	if r.body, err = w.o.appendBody(nil, e); err != nil {
		return err
	}
	r.events = 1
	w.requests = append(w.requests, r)
	return nil
}

// appendToBatch adds e to the one request that all events of a batch make.
func (w *writer) appendToBatch(e *event.Event) error {
	if len(w.requests) == 0 {
		w.requests = append(w.requests, request{url: w.o.o.URL.String(), body: []byte{'['}})
	}
	r := &w.requests[0]
	body := r.body
	if r.events > 0 {
		body = append(body, ',')
	}
	body, err := w.o.appendBody(body, e)
	if err != nil {
		return err
	}
	r.body = body
	r.events++
	return nil
}

// header returns the header of the request for e, that of a batch if e is nil.
func (o *output) header(e *event.Event) (http.Header, error) {
	h := make(http.Header, len(o.o.Headers)+3)
	h.Set("User-Agent", "millrace/"+o.env.Version+" (output http)")
	for i := range o.o.Headers {
		t := &o.o.Headers[i].Value
		text := t.String()
		if e != nil {
			var err error
			if text, err = t.Text(e); err != nil {
				return nil, err
			}
		}
		h.Set(o.o.Headers[i].Key, text)
	}
	h.Set("Content-Type", o.o.ContentType)
	if o.o.Compression && o.method != http.MethodHead {
		h.Set("Content-Encoding", "gzip")
	}
	return h, nil
}

// Flush hands the requests of a batch to senders, which settle it when all are answered. It waits while pool_max requests are on their way,
// or pool_max_per_route if all go to one server.
func (w *writer) Flush(ctx context.Context, b *event.Batch) error {
	requests := w.requests
	w.requests = nil
	t := &turn{batch: b}
	if w.o.o.Format == "json_batch" {
		requests = w.o.closeBatch(requests)
	}
	if len(requests) == 0 {
		b.Settle()
		return nil
	}
	t.left.Store(int64(len(requests)))
	for i, r := range requests {
		requests[i] = request{} // a body is free when its request is answered
		if err := w.o.hand(ctx, job{r, t}); err != nil {
			return err
		}
	}
	return nil
}

// closeBatch completes the request of a batch; one all of whose events failed is none.
func (o *output) closeBatch(requests []request) []request {
	if len(requests) == 0 || requests[0].events == 0 {
		return nil
	}
	requests[0].body = append(requests[0].body, ']')
	requests[0].header, _ = o.header(nil) // it fails for no event's sake
	return requests
}

// hand gives a job to a sender: one that is idle, a new one, or the first that is done.
func (o *output) hand(ctx context.Context, j job) error {
	select {
	case o.jobs <- j:
		return nil
	default:
	}
	o.mu.Lock()
	if o.senders < o.most {
		o.senders++
		o.wg.Go(func() { o.send(j) })
		o.mu.Unlock()
		return nil
	}
	o.mu.Unlock()
	select {
	case o.jobs <- j:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close waits for the answers to all requests until ctx ends.
func (o *output) Close(ctx context.Context) error {
	close(o.jobs)
	stop := context.AfterFunc(ctx, o.cancel)
	o.wg.Wait()
	stop()
	o.cancel()
	o.http.Close()
	return nil
}
