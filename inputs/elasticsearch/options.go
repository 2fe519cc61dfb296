package elasticsearch

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"millrace/internal/esclient"
	"millrace/internal/schedule"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Options configures the input.
type Options struct {
	esclient.Options

	// Indices, aliases or data streams to search, with commas between.
	Index string `opt:"index"`

	// Whether query is a search request (dsl) or ES|QL (esql).
	QueryType string `opt:"query_type,enum=dsl|esql"`

	// What to search for: a search request as JSON, or an ES|QL query. With tracking_field, :last_value in it stands for the last value of that
	// field, and :present for the time half a minute ago.
	Query string `opt:"query"`

	// What becomes events: the documents that are found, one each, or the aggregations of the request, one in all.
	ResponseType string `opt:"response_type,enum=hits|aggregations"`

	// How many documents are asked for at a time.
	Size int `opt:"size"`

	// How often what failed is tried again.
	Retries int `opt:"retries"`

	// How to go through the documents: by search_after in a point in time, by scroll, or by the former where the cluster has it, from
	// Elasticsearch 8 on (auto).
	SearchAPI string `opt:"search_api,enum=auto|search_after|scroll"`

	// How long the cluster keeps its place between two requests.
	Scroll string `opt:"scroll"`

	// How many parts of the documents are read side by side.
	Slices *int `opt:"slices"`

	// Field whose greatest value is kept over runs and restarts. The query should be sorted by it.
	TrackingField event.Path `opt:"tracking_field"`

	// What :last_value stands for in the first run.
	TrackingFieldSeed string `opt:"tracking_field_seed"`

	// File for the value of tracking_field, below path.data if not given.
	LastRunPath string `opt:"last_run_metadata_path"`

	// Whether events get facts about their documents.
	Docinfo bool `opt:"docinfo"`

	// Field that these go into: @metadata, or [@metadata][input][elasticsearch] with ECS, if not given.
	DocinfoTarget event.Path `opt:"docinfo_target"`

	// Which facts.
	DocinfoFields []string `opt:"docinfo_fields"`

	// Seconds that making a connection may take.
	ConnectTimeout int `opt:"connect_timeout_seconds"`

	// Seconds that a request may take, with its answer.
	RequestTimeout int `opt:"request_timeout_seconds"`

	// Seconds until an answer begins.
	SocketTimeout int `opt:"socket_timeout_seconds"`

	// When to search, as a cron line ("*/5 * * * *"); once, at the start, if not given.
	Schedule string `opt:"schedule"`

	// Whether a run of the schedule may begin before the last has ended. It never does.
	ScheduleOverlap *bool `opt:"schedule_overlap"`

	// Field that what a document holds is put into; the top level of the event if not given.
	Target event.Path `opt:"target"`
}

var defaults = Options{
	Options: esclient.Defaults(), Index: "logstash-*", QueryType: "dsl", Query: `{ "sort": [ "_doc" ] }`, ResponseType: "hits", Size: 1000,
	SearchAPI: "auto", Scroll: "1m", TrackingFieldSeed: "1970-01-01T00:00:00.000000000Z", DocinfoFields: []string{"_index", "_type", "_id"},
	ConnectTimeout: 10, RequestTimeout: 60, SocketTimeout: 60,
}

var keepAlive = regexp.MustCompile(`^[0-9]+(d|h|m|s|ms|micros|nanos)$`)

// check finds mistakes.
func (o *Options) check(env *plugin.Env) error {
	var errs []error
	bad := func(option, format string, args ...any) {
		errs = append(errs, plugin.OptionError(option, fmt.Errorf(format, args...)))
	}
	for _, n := range []struct {
		option string
		value  int
	}{{"size", o.Size}, {"connect_timeout_seconds", o.ConnectTimeout}, {"request_timeout_seconds", o.RequestTimeout}, {"socket_timeout_seconds", o.SocketTimeout}} {
		if n.value < 1 {
			bad(n.option, "expected a positive whole number, got %d", n.value)
		}
	}
	if o.Retries < 0 {
		bad("retries", "%d is less than 0", o.Retries)
	}
	if o.Slices != nil && *o.Slices < 1 {
		bad("slices", "%d is less than 1", *o.Slices)
	}
	if !keepAlive.MatchString(o.Scroll) {
		bad("scroll", "%q is no time such as 1m", o.Scroll)
	}
	if o.ScheduleOverlap != nil && *o.ScheduleOverlap {
		env.Warn("schedule_overlap", "a run never begins before the last has ended")
	}
	if o.Slices != nil && *o.Slices > 8 {
		env.Warn("slices", "%d slices are many: the cluster works on all of them at once", *o.Slices)
	}
	if o.QueryType == "esql" {
		errs = append(errs, o.checkESQL(env))
	} else if err := o.checkQuery(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// checkQuery checks a search request.
func (o *Options) checkQuery() error {
	var body map[string]json.RawMessage
	if err := json.Unmarshal([]byte(o.Query), &body); err != nil {
		return plugin.OptionError("query", fmt.Errorf("it is no JSON object, such as { \"query\": { \"match_all\": {} } }: %w", err))
	}
	if _, ok := body["slice"]; ok && o.Slices != nil {
		return plugin.OptionError("query", errors.New("it may not say slice itself if the option slices is given"))
	}
	return nil
}

// esqlCommands begin an ES|QL query.
var esqlCommands = regexp.MustCompile(`(?is)^\s*(from|row|show|ts)\b`)

func (o *Options) checkESQL(env *plugin.Env) error {
	if !esqlCommands.MatchString(o.Query) {
		return plugin.OptionError("query", errors.New("an ES|QL query begins with FROM, ROW or SHOW"))
	}
	for _, given := range []struct {
		option string
		given  bool
	}{
		{"index", o.Index != defaults.Index}, {"size", o.Size != defaults.Size}, {"slices", o.Slices != nil}, {"search_api", o.SearchAPI != defaults.SearchAPI},
		{"docinfo", o.Docinfo}, {"docinfo_target", !o.DocinfoTarget.IsZero()}, {"response_type", o.ResponseType != defaults.ResponseType},
		{"tracking_field", !o.TrackingField.IsZero()},
	} {
		if given.given {
			return plugin.OptionError(given.option, fmt.Errorf("%s does not go with query_type => esql", given.option))
		}
	}
	if !strings.Contains(strings.ToUpper(o.Query), "METADATA") {
		env.Warn("query", "without METADATA _id, _version in the query, events do not tell their documents")
	}
	return nil
}

// New checks the options and reads certificates; nothing is asked.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	in := &input{o: o, env: env, docinfo: o.DocinfoTarget}
	errs := []error{o.check(env)}
	if o.Schedule != "" {
		s, err := schedule.Cron(o.Schedule)
		if err != nil {
			errs = append(errs, plugin.OptionError("schedule", err))
		}
		in.schedule = &s
	}
	var err error
	in.client, err = o.Client(esclient.Config{
		Plugin: "input elasticsearch", Version: env.Version, MaxAnswer: maxAnswer, ConnectTimeout: time.Duration(o.ConnectTimeout) * time.Second,
		RequestTimeout: time.Duration(o.RequestTimeout) * time.Second, SocketTimeout: time.Duration(o.SocketTimeout) * time.Second,
	})
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	in.client.WarnUnverified(env)
	if in.docinfo.IsZero() {
		in.docinfo = *event.MustPath("[@metadata]")
		if env.ECS.Enabled() {
			in.docinfo = *event.MustPath("[@metadata][input][elasticsearch]")
		}
	}
	for _, name := range o.DocinfoFields {
		in.facts = append(in.facts, in.docinfo.Join(name))
	}
	if !o.TrackingField.IsZero() {
		in.cursor = &cursor{path: o.LastRunPath, value: o.TrackingFieldSeed}
		if in.cursor.path == "" {
			in.cursor.path = filepath.Join(env.DataDir, "plugins", "inputs", "elasticsearch", env.Pipeline, "last_run_value")
		}
	}
	return in, nil
}

// maxAnswer bounds one answer: size documents. A page of a thousand documents of half a megabyte is less.
const maxAnswer = 512 << 20
