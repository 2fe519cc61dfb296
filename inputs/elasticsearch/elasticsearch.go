// Package elasticsearch reads what a search in Elasticsearch finds, once or by a schedule.
package elasticsearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"millrace/internal/esclient"
	"millrace/internal/schedule"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the elasticsearch input.
var Plugin = plugin.DefineInput("elasticsearch", defaults, New, plugin.WithCodec("json"))

type input struct {
	o        Options
	env      *plugin.Env
	client   *esclient.Client
	schedule *schedule.Schedule // nil: once
	docinfo  event.Path
	facts    []event.Path // below docinfo
	cursor   *cursor      // nil: nothing is tracked
	api      string       // search_after or scroll, once the cluster was asked
}

// Run searches once, or by the schedule until ctx ends.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	defer in.client.Close()
	if in.cursor != nil {
		if err := in.cursor.load(); err != nil {
			return err
		}
	}
	if in.schedule == nil {
		err := in.search(ctx, out)
		if ctx.Err() != nil {
			return nil
		}
		return final(err)
	}
	return in.schedule.RunUntil(ctx, func(ctx context.Context) error {
		err := in.search(ctx, out)
		switch {
		case err == nil || ctx.Err() != nil:
		case plugin.SinkError(err) != nil:
			return plugin.SinkError(err)
		default:
			in.env.Log.Error("a search failed; the next is that of the schedule", slog.Any("error", err))
		}
		return nil
	})
}

// final marks an error that another attempt will not mend: the cluster refused the request.
func final(err error) error {
	var status *esclient.StatusError
	if errors.As(err, &status) && status.Status >= 400 && status.Status < 500 && status.Status != http.StatusRequestTimeout && status.Status != http.StatusTooManyRequests {
		return fmt.Errorf("%w: %w", plugin.ErrFatal, err)
	}
	if queue := plugin.SinkError(err); queue != nil {
		return queue
	}
	return err
}

// run is one search with all its pages.
type run struct {
	in     *input
	out    plugin.Sink
	source *event.Source
	query  string
	body   map[string]json.RawMessage // of query, if it is a search request
	sent   sync.WaitGroup             // batches that are not settled
}

// search runs the query once.
func (in *input) search(ctx context.Context, out plugin.Sink) error {
	r := &run{in: in, out: out, source: in.env.NewSource(), query: in.o.Query}
	if in.o.QueryType == "esql" {
		return r.esql(ctx)
	}
	if in.cursor != nil {
		r.query = in.cursor.inject(r.query, time.Now())
	}
	if err := json.Unmarshal([]byte(r.query), &r.body); err != nil {
		return fmt.Errorf("the query with the values put in is no JSON object: %w", err)
	}
	if in.o.ResponseType == "aggregations" {
		return r.aggregations(ctx)
	}
	if err := in.chooseAPI(ctx); err != nil {
		return err
	}
	err := r.pages(ctx)
	if err == nil && in.cursor != nil {
		err = r.checkpoint(ctx)
	}
	return err
}

// checkpoint keeps the value of the tracking field when all that was read is delivered, so that a crash repeats documents and leaves out none.
func (r *run) checkpoint(ctx context.Context) error {
	settled := make(chan struct{})
	go func() {
		r.sent.Wait()
		close(settled)
	}()
	select {
	case <-settled:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := r.in.cursor.save(); err != nil {
		return fmt.Errorf("keeping the value of the tracking field: %w", err)
	}
	return nil
}

// chooseAPI settles search_api => auto.
func (in *input) chooseAPI(ctx context.Context) error {
	if in.api != "" {
		return nil
	}
	if in.o.SearchAPI != "auto" {
		in.api = in.o.SearchAPI
		return nil
	}
	return in.retry(ctx, "asking for the version of the cluster", func() error {
		answer, err := in.client.Ask(ctx, http.MethodGet, "/", "")
		if err != nil {
			return err
		}
		var info struct {
			Version struct {
				Number       string `json:"number"`
				Distribution string `json:"distribution"`
				Flavor       string `json:"build_flavor"`
			} `json:"version"`
		}
		if err := json.Unmarshal([]byte(answer), &info); err != nil {
			return fmt.Errorf("reading the version of the cluster: %w", err)
		}
		major, _, _ := strings.Cut(info.Version.Number, ".")
		n, _ := strconv.Atoi(major)
		in.api = "scroll"
		if info.Version.Distribution == "" && n >= 8 || info.Version.Flavor == "serverless" {
			in.api = "search_after"
		}
		return nil
	})
}

// retry calls f again while it fails, as often as the options say, with a growing pause.
func (in *input) retry(ctx context.Context, what string, f func() error) error {
	for n := 0; ; n++ {
		err := f()
		if err == nil || n >= in.o.Retries || ctx.Err() != nil || plugin.SinkError(err) != nil {
			return err
		}
		pause := min(time.Second<<min(n, 5), 30*time.Second)
		in.env.Log.Warn("a request failed; trying again", "what", what, "pause", pause, "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// batchRecords is how many records one push carries at most.
const batchRecords = 1000

// push hands documents to the queue.
func (r *run) push(ctx context.Context, hits []json.RawMessage) error {
	for len(hits) > 0 {
		n := min(len(hits), batchRecords)
		b := &event.Batch{Source: r.source, Time: time.Now(), Records: make([]event.Record, n), Done: func(*event.Batch) { r.sent.Done() }}
		for i, hit := range hits[:n] {
			b.Records[i].Data = string(hit)
			b.Bytes += len(hit)
		}
		hits = hits[n:]
		r.sent.Add(1)
		if err := r.out.Push(ctx, b); err != nil {
			r.sent.Done()
			return plugin.FromSink(err)
		}
	}
	return nil
}
