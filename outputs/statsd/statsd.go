// Package statsd sends metrics that it makes of events to StatsD.
package statsd

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"millrace/internal/netout"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the statsd output.
var Plugin = plugin.DefineOutput("statsd", Options{
	Host: "localhost", Port: 8125, Protocol: "udp", Namespace: event.ParseTemplate("logstash"), Sender: event.ParseTemplate("%{host}"), SampleRate: 1,
}, New)

// values are names and values of metrics, both with references to fields.
type values = config.Pairs[event.Template, event.Template]

// Options configures the output. A metric is called namespace.sender.name. The option codec has no effect.
type Options struct {
	// Host of StatsD.
	Host string `opt:"host"`

	// Port of StatsD.
	Port int `opt:"port"`

	// Whether to send a datagram for each metric, or lines over a connection.
	Protocol string `opt:"protocol,enum=udp|tcp"`

	// First part of the names; none if it is empty.
	Namespace event.Template `opt:"namespace"`

	// Second part of the names. Its dots become underscores.
	Sender event.Template `opt:"sender"`

	// Names of counters to increment.
	Increment []event.Template `opt:"increment"`

	// Names of counters to decrement.
	Decrement []event.Template `opt:"decrement"`

	// Names of timers, with milliseconds.
	Timing values `opt:"timing"`

	// Names of counters, with what to add to them.
	Count values `opt:"count"`

	// Names of sets, with what to add to them.
	Set values `opt:"set"`

	// Names of gauges, with their values.
	Gauge values `opt:"gauge"`

	// Which part of the metrics to send, between 0 and 1; StatsD is told.
	SampleRate float64 `opt:"sample_rate"`
}

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	var errs []error
	if o.Port < 1 || o.Port > 65535 {
		errs = append(errs, plugin.OptionError("port", fmt.Errorf("%d is not a port", o.Port)))
	}
	if o.SampleRate <= 0 || o.SampleRate > 1 {
		errs = append(errs, plugin.OptionError("sample_rate", fmt.Errorf("%v is not between 0 and 1", o.SampleRate)))
	}
	check := func(option string, t *event.Template) {
		if t.Err() != nil {
			errs = append(errs, plugin.OptionError(option, t.Err()))
		}
	}
	check("namespace", &o.Namespace)
	check("sender", &o.Sender)
	for option, list := range map[string][]event.Template{"increment": o.Increment, "decrement": o.Decrement} {
		for i := range list {
			check(option, &list[i])
		}
	}
	for option, pairs := range map[string]values{"timing": o.Timing, "count": o.Count, "set": o.Set, "gauge": o.Gauge} {
		for i := range pairs {
			check(option, &pairs[i].Key)
			check(option, &pairs[i].Value)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(o.Increment)+len(o.Decrement)+len(o.Timing)+len(o.Count)+len(o.Set)+len(o.Gauge) == 0 {
		env.Warn("", "no metrics are named: nothing is sent")
	}
	stream := o.Protocol == "tcp"
	return &output{o: o, env: env, stream: stream, peer: netout.NewPeer(stream, o.Host, o.Port, env)}, nil
}

type output struct {
	o      Options
	env    *plugin.Env
	stream bool
	peer   netout.Peer
}

// NewWriter implements plugin.Output.
func (o *output) NewWriter() plugin.Writer {
	m := &maker{o: &o.o, lines: o.stream}
	if o.o.SampleRate < 1 {
		m.suffix = "|@" + strconv.FormatFloat(o.o.SampleRate, 'f', -1, 64)
	}
	return &netout.Writer{Env: o.env, Encode: m.append, Send: o.peer.Send}
}

// Close implements plugin.Output.
func (o *output) Close(context.Context) error { return o.peer.Close() }

// maker makes metrics of events. It is used by one worker.
type maker struct {
	o      *Options
	suffix string // of metrics that stand for several
	lines  bool   // each metric ends with a newline
	prefix string // of the event's names
}

// What is reserved in a metric becomes an underscore; Ruby's names of modules become paths.
var (
	cleanName   = strings.NewReplacer("::", ".", ":", "_", "|", "_", "@", "_")
	cleanSender = strings.NewReplacer("::", "_", ":", "_", "|", "_", "@", "_", ".", "_")
)

// append appends the metrics of an event, in the order increment, decrement, count, timing, set, gauge.
func (m *maker) append(t *netout.Turn, e *event.Event) error {
	namespace, err1 := m.o.Namespace.Text(e)
	sender, err2 := m.o.Sender.Text(e)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if m.prefix = cleanSender.Replace(sender) + "."; namespace != "" {
		m.prefix = namespace + "." + m.prefix
	}
	for i := range m.o.Increment {
		if err := m.metric(t, e, &m.o.Increment[i], "1", "c"); err != nil {
			return err
		}
	}
	for i := range m.o.Decrement {
		if err := m.metric(t, e, &m.o.Decrement[i], "-1", "c"); err != nil {
			return err
		}
	}
	for _, kind := range []struct {
		pairs values
		unit  string
	}{{m.o.Count, "c"}, {m.o.Timing, "ms"}, {m.o.Set, "s"}, {m.o.Gauge, "g"}} {
		for i := range kind.pairs {
			value, err := kind.pairs[i].Value.Text(e)
			if err != nil {
				return err
			}
			if err := m.metric(t, e, &kind.pairs[i].Key, value, kind.unit); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *maker) metric(t *netout.Turn, e *event.Event, name *event.Template, value, unit string) error {
	text, err := name.Text(e)
	if err != nil || m.o.SampleRate < 1 && rand.Float64() >= m.o.SampleRate {
		return err
	}
	t.Data = append(t.Data, m.prefix...)
	t.Data = append(t.Data, cleanName.Replace(text)...)
	t.Data = append(append(t.Data, ':'), value...)
	t.Data = append(append(t.Data, '|'), unit...)
	t.Data = append(t.Data, m.suffix...)
	if m.lines {
		t.Data = append(t.Data, '\n')
	}
	t.EndRecord()
	return nil
}
