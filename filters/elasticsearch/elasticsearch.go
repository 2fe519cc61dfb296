// Package elasticsearch looks documents up in Elasticsearch and copies fields of them into events.
package elasticsearch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"millrace/internal/esclient"
	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("elasticsearch", Options{
	Options: esclient.Defaults(), QueryType: "dsl", Sort: defaultSort, EnableSort: true, ResultSize: 1,
	TagOnFailure: []string{"_elasticsearch_lookup_failure"}, RetryOnStatus: []int{500, 502, 503, 504},
}, New)

// defaultSort is the default of sort. Where it is given with an option that excludes sort, that is not noticed, and does no harm.
const defaultSort = "@timestamp:desc"

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// Indices to search, with commas between; all if empty. It may refer to fields.
	Index event.Template `opt:"index"`

	// Whether query is a query string (dsl) or ES|QL (esql).
	QueryType string `opt:"query_type,enum=dsl|esql"`

	// What to search for. It may refer to fields.
	Query *event.Template `opt:"query"`

	// File with a search request (JSON), in place of query. It may refer to fields.
	QueryTemplate string `opt:"query_template,path"`

	// Order of the documents: fields with :asc or :desc, with commas between.
	Sort string `opt:"sort"`

	// Whether they are ordered.
	EnableSort bool `opt:"enable_sort"`

	// How many documents are asked for. With more than one, fields become arrays; 0 is for aggregations alone.
	ResultSize int `opt:"result_size"`

	// Fields of the document, with dots or as [a][b], and where they go in the event.
	Fields pairs `opt:"fields"`

	// Facts about the document, such as _id and _index, and where they go.
	DocinfoFields pairs `opt:"docinfo_fields"`

	// Aggregations of the request, and where they go.
	AggregationFields pairs `opt:"aggregation_fields"`

	// Field below which all of that goes.
	Target event.Path `opt:"target"`

	// Named parameters of an ES|QL query: a field reference stands for the value of that field.
	QueryParams pairs `opt:"query_params"`

	// How often a request that failed is repeated.
	RetryOnFailure int `opt:"retry_on_failure"`

	// Statuses of answers that count as failures that may pass.
	RetryOnStatus []int `opt:"retry_on_status"`

	// Tags of events for which the search failed.
	TagOnFailure []string `opt:"tag_on_failure"`

	esclient.Options
}

// copying is one entry of fields, docinfo_fields or aggregation_fields.
type copying struct {
	from []string
	to   event.Path
}

type filter struct {
	o        Options
	dsl      *event.Template // of query_template
	fields   []copying
	docinfo  []copying
	aggs     []copying
	params   []param
	esql     *event.Template
	client   *esclient.Client
	ctx      context.Context // of the requests
	stats    *plugin.Stats
	log      *throttle.Logger
	totals   *event.Path
	totalRow *event.Path
}

// New reads the template and the certificates. It connects with the first event.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{
		o: o, ctx: context.Background(), stats: env.Stats, log: throttle.New(env.Log, time.Minute),
		totals: event.MustPath("[@metadata][total_hits]"), totalRow: event.MustPath("[@metadata][total_values]"),
	}
	errs := []error{f.query(env)}
	for _, list := range []struct {
		option string
		from   pairs
		to     *[]copying
	}{{"fields", o.Fields, &f.fields}, {"docinfo_fields", o.DocinfoFields, &f.docinfo}, {"aggregation_fields", o.AggregationFields, &f.aggs}} {
		for _, p := range list.from {
			c, err := f.copying(p.Key, p.Value.Text(), list.option == "aggregation_fields")
			if p.Value.Type == config.TypeHash || p.Value.Type == config.TypeArray {
				err = fmt.Errorf("the field must be a string, got %s", p.Value.Inspect())
			}
			if err != nil {
				errs = append(errs, plugin.EntryError(list.option, p.Key, err))
			}
			*list.to = append(*list.to, c)
		}
	}
	if o.ResultSize < 0 {
		errs = append(errs, plugin.OptionError("result_size", errors.New("must not be negative")))
	}
	var err error
	if f.client, err = o.Client(esclient.Config{Plugin: "filter elasticsearch", Version: env.Version, Retries: o.RetryOnFailure, Passing: o.RetryOnStatus}); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	f.client.WarnUnverified(env)
	return f, nil
}

// query settles what is asked.
func (f *filter) query(env *plugin.Env) error {
	o := &f.o
	switch {
	case o.Query != nil && o.QueryTemplate != "":
		return plugin.OptionError("query_template", errors.New("query and query_template exclude each other"))
	case o.Query == nil && o.QueryTemplate == "":
		return errors.New(`one of the options "query" and "query_template" is required`)
	case o.QueryType == "esql":
		return f.esqlQuery()
	case len(o.QueryParams) > 0:
		return plugin.OptionError("query_params", errors.New("it is for query_type => esql only"))
	case o.QueryTemplate != "":
		data, err := os.ReadFile(o.QueryTemplate)
		if err != nil {
			return plugin.OptionError("query_template", err)
		}
		t := event.ParseTemplate(string(data))
		if t.Static() {
			if _, rest, ok, err := event.New(nil).ParseJSON(string(data)); err != nil || !ok || strings.TrimSpace(rest) != "" {
				return plugin.OptionError("query_template", fmt.Errorf("%q holds no JSON: %v", o.QueryTemplate, err))
			}
		}
		f.dsl = &t
		return nil
	}
	if err := o.Query.Err(); err != nil {
		env.Warn("query", "every event will fail: %v", err)
	}
	return nil
}

// copying compiles one entry. The name of an aggregation is one, dots or not.
func (f *filter) copying(from, to string, whole bool) (c copying, err error) {
	if !strings.HasPrefix(to, "[") {
		to = "[" + to + "]"
	}
	if !f.o.Target.IsZero() {
		target := f.o.Target.String()
		if !strings.HasPrefix(target, "[") {
			target = "[" + target + "]"
		}
		to = target + to
	}
	switch {
	case whole:
		c.from = []string{from}
	case strings.HasPrefix(from, "["):
		p, err := event.ParsePath(from)
		if err != nil {
			return c, err
		}
		c.from = p.Keys()
		if p.IsMetadata() {
			c.from = append([]string{event.MetadataField}, c.from...)
		}
	default:
		c.from = strings.Split(from, ".")
	}
	c.to, err = event.ParsePath(to)
	return c, err
}

// Filter searches and copies.
func (f *filter) Filter(e *event.Event) bool {
	var matched bool
	var err error
	if f.esql != nil {
		matched, err = f.table(e)
	} else {
		matched, err = f.search(e)
	}
	if err == nil {
		return matched
	}
	f.stats.Failures.Add(1)
	for _, tag := range f.o.TagOnFailure {
		e.Tag(tag)
	}
	f.log.Warn("a search in Elasticsearch failed", slog.Any("error", err))
	return false
}

// method is that of a request with a body, or without one.
func method(body string) string {
	if body == "" {
		return http.MethodGet
	}
	return http.MethodPost
}

func (f *filter) search(e *event.Event) (matched bool, err error) {
	path, body, err := f.request(e)
	if err != nil {
		return false, err
	}
	answer, err := f.client.Ask(f.ctx, method(body), path, body)
	if err != nil {
		return false, err
	}
	result, err := object(e, answer)
	if err != nil {
		return false, err
	}
	if v := get(result, "_shards", "failures"); !v.IsNull() {
		return false, fmt.Errorf("some shards failed: %s", v.Text())
	}
	total := get(result, "hits", "total")
	if v := get(result, "hits", "total", "value"); !v.IsNull() {
		total = v
	}
	if err := e.Set(f.totals, total); err != nil {
		return false, err
	}
	if hits := get(result, "hits", "hits").List(); hits.Len() > 0 {
		matched = true
		if err := f.copyHits(e, hits, f.fields, "_source"); err != nil {
			return false, err
		}
		if err := f.copyHits(e, hits, f.docinfo); err != nil {
			return false, err
		}
	}
	if aggs := get(result, "aggregations").Object(); aggs.Len() > 0 {
		matched = true
		for i := range f.aggs {
			if err := e.Set(&f.aggs[i].to, get(aggs, f.aggs[i].from...)); err != nil {
				return false, err
			}
		}
	}
	return matched, nil
}

// request makes the path and the body of a search.
func (f *filter) request(e *event.Event) (path, body string, err error) {
	index, err := f.o.Index.Text(e)
	if err != nil {
		return "", "", err
	}
	path = "/_search"
	if index != "" {
		path = "/" + esclient.EscapeIndex(index) + path
	}
	if f.dsl != nil {
		body, err = f.dsl.Text(e)
		return path, body, err
	}
	q, err := f.o.Query.Text(e)
	if err != nil {
		return "", "", err
	}
	path += "?q=" + url.QueryEscape(q) + "&size=" + strconv.Itoa(f.o.ResultSize)
	if f.o.EnableSort && f.o.Sort != "" {
		path += "&sort=" + url.QueryEscape(f.o.Sort)
	}
	return path, "", nil
}

// copyHits copies fields of the documents, found below a name in each hit: one value as it is, several as an array.
func (f *filter) copyHits(e *event.Event, hits *event.List, fields []copying, below ...string) error {
	for i := range fields {
		c := &fields[i]
		name := append(append([]string(nil), below...), c.from...)
		v := get(hits.At(0).Object(), name...)
		if hits.Len() > 1 {
			l := e.NewList()
			for _, hit := range hits.Items() {
				l.Append(get(hit.Object(), name...))
			}
			v = event.ListValue(l)
		}
		if err := e.Set(&c.to, v); err != nil {
			return err
		}
	}
	return nil
}

func object(e *event.Event, answer string) (*event.Object, error) {
	v, _, _, err := e.ParseJSON(answer)
	if err != nil {
		return nil, fmt.Errorf("the answer is no JSON: %w", err)
	}
	if v.Object() == nil {
		return nil, errors.New("the answer is no JSON object")
	}
	return v.Object(), nil
}

// get returns what names lead to, null if there is nothing. Names with dots in a document may be keys of their own.
func get(o *event.Object, names ...string) event.Value {
	if o == nil {
		return event.Value{}
	}
	if len(names) > 1 {
		if v, ok := o.Get(strings.Join(names, ".")); ok {
			return v
		}
	}
	v, _ := o.Get(names[0])
	if len(names) == 1 {
		return v
	}
	return get(v.Object(), names[1:]...)
}

// Start has requests end with ctx.
func (f *filter) Start(ctx context.Context) error {
	f.ctx = ctx
	return nil
}

// Close frees the connections.
func (f *filter) Close() error {
	f.client.Close()
	return nil
}

var (
	_ plugin.Starter = (*filter)(nil)
	_ plugin.Closer  = (*filter)(nil)
)
