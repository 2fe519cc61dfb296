// Package graphite sends metrics that it makes of events to Graphite, in its plain text: name, value, Unix time.
package graphite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"

	"millrace/internal/netout"
	"millrace/internal/onig"
	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the graphite output.
var Plugin = plugin.DefineOutput("graphite", Options{
	Host: "localhost", Port: 2003, ReconnectInterval: 2 * time.Second, IncludeMetrics: []string{".*"},
	ExcludeMetrics: []string{`%\{[^}]+\}`}, TimestampField: *event.MustPath("@timestamp"), MetricsFormat: event.ParseTemplate("*"),
	Separator: ".",
}, New)

// Options configures the output. The option codec has no effect.
type Options struct {
	// Host of Graphite.
	Host string `opt:"host"`

	// Port of Graphite.
	Port int `opt:"port"`

	// Hosts of Graphite, in place of host and port, each with a port if it is not 2003. The output begins with one that is chosen by chance,
	// and goes on to the next when it fails.
	Hosts []string `opt:"hosts"`

	// How long to wait before a failed connection is made again.
	ReconnectInterval time.Duration `opt:"reconnect_interval,unit=s"`

	// Whether to send again what could not be written because the connection broke; else it is dropped and counted. While there is no
	// connection the output waits in any case.
	ResendOnFailure bool `opt:"resend_on_failure"`

	// How often in a row what could not be written is sent again with resend_on_failure, before it is dropped and counted. Without this
	// option the output goes on until Graphite has taken the metrics.
	ResendAttempts *int `opt:"resend_attempts"`

	// Metrics to send: names and values, both with references to fields. What is no number is 0. Where the event has a hash of that name,
	// each of its values is a metric.
	Metrics config.Pairs[event.Template, event.Template] `opt:"metrics"`

	// Whether to send every top-level field as a metric, in place of metrics.
	FieldsAreMetrics bool `opt:"fields_are_metrics"`

	// Regular expressions of the names to send.
	IncludeMetrics []string `opt:"include_metrics"`

	// Regular expressions of the names not to send: unless told otherwise, those with a reference to a field that is missing.
	ExcludeMetrics []string `opt:"exclude_metrics"`

	// Field with the time of the metrics.
	TimestampField event.Path `opt:"timestamp_field"`

	// Text of a name, with * where the name of the metric goes; it may refer to fields.
	MetricsFormat event.Template `opt:"metrics_format"`

	// What stands between the names of hashes and of what is in them.
	Separator string `opt:"nested_object_separator"`

	Debug bool `opt:"debug,obsolete=it has no effect"`
}

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	var errs []error
	include, err1 := compile("include_metrics", o.IncludeMetrics)
	exclude, err2 := compile("exclude_metrics", o.ExcludeMetrics)
	addresses, err3 := o.addresses()
	errs = append(errs, err1, err2, err3)
	check := func(option string, t *event.Template) {
		if t.Err() != nil {
			errs = append(errs, plugin.OptionError(option, t.Err()))
		}
	}
	resends := 0
	if n := o.ResendAttempts; n != nil {
		if *n < 1 {
			errs = append(errs, plugin.Hinted(plugin.OptionError("resend_attempts", fmt.Errorf("%d is no number of attempts", *n)), "without resend_on_failure nothing is sent again"))
		}
		if !o.ResendOnFailure {
			env.Warn("resend_attempts", `option "resend_attempts" has no effect without resend_on_failure => true`)
		}
		resends = *n
	}
	check("metrics_format", &o.MetricsFormat)
	for i := range o.Metrics {
		check("metrics", &o.Metrics[i].Key)
		check("metrics", &o.Metrics[i].Value)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if !strings.Contains(o.MetricsFormat.String(), "*") {
		env.Warn("metrics_format", "there is no * for the name of the metric; the name alone is sent")
		o.MetricsFormat = event.ParseTemplate("*")
	}
	switch {
	case o.FieldsAreMetrics && len(o.Metrics) > 0:
		env.Warn("metrics", "it has no effect: fields_are_metrics takes its place")
	case !o.FieldsAreMetrics && len(o.Metrics) == 0:
		env.Warn("", "neither metrics nor fields_are_metrics is given: nothing is sent")
	}
	return &output{o: o, env: env, include: include, exclude: exclude, stream: &netout.Stream{
		Addresses: addresses, Pause: o.ReconnectInterval, DropUnwritten: !o.ResendOnFailure, MaxResends: resends, Env: env, Log: throttle.New(env.Log, time.Minute),
	}}, nil
}

func compile(option string, patterns []string) ([]*onig.Regexp, error) {
	var list []*onig.Regexp
	for _, p := range patterns {
		re, err := onig.Compile(p)
		if err != nil {
			return nil, plugin.OptionError(option, err)
		}
		list = append(list, re)
	}
	return list, nil
}

// addresses returns the hosts with their ports.
func (o *Options) addresses() ([]string, error) {
	if len(o.Hosts) == 0 {
		if o.Port < 1 || o.Port > 65535 {
			return nil, plugin.OptionError("port", fmt.Errorf("%d is not a port", o.Port))
		}
		return []string{net.JoinHostPort(o.Host, strconv.Itoa(o.Port))}, nil
	}
	var list []string
	for _, h := range o.Hosts {
		if !strings.Contains(h, ":") {
			h += ":2003"
		}
		_, port, err := net.SplitHostPort(h)
		if err != nil {
			return nil, plugin.OptionError("hosts", err)
		}
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return nil, plugin.OptionError("hosts", fmt.Errorf("%q is not a port", port))
		}
		list = append(list, h)
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list, nil
}

type output struct {
	o                Options
	env              *plugin.Env
	include, exclude []*onig.Regexp
	stream           *netout.Stream
}

// NewWriter implements plugin.Output.
func (o *output) NewWriter() plugin.Writer {
	m := &maker{o: &o.o}
	for _, re := range o.include {
		m.include = append(m.include, re.NewMatcher())
	}
	for _, re := range o.exclude {
		m.exclude = append(m.exclude, re.NewMatcher())
	}
	return &netout.Writer{Env: o.env, Encode: m.append, Send: o.stream.Send}
}

// Close implements plugin.Output.
func (o *output) Close(context.Context) error { return o.stream.Close() }
