// Package metrics counts events and measures values of theirs, and reports both as events of its own.
package metrics

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("metrics", Options{
	FlushInterval: 5, ClearInterval: -1, Rates: []int{1, 5, 15}, Percentiles: []float64{1, 5, 10, 90, 95, 99, 100},
}, New)

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// Names of meters that each event counts for. They may refer to its fields: "http_%{status}".
	Meter []event.Template `opt:"meter"`

	// Names of timers, and what each event adds to them, a number: "%{took}".
	Timer config.Pairs[event.Template, event.Template] `opt:"timer"`

	// Seconds; older events are not counted. 0 is no limit.
	IgnoreOlderThan float64 `opt:"ignore_older_than"`

	// Seconds between two reports. They come every 5 seconds at most.
	FlushInterval float64 `opt:"flush_interval"`

	// Seconds after which all counts begin anew; -1 for never.
	ClearInterval float64 `opt:"clear_interval"`

	// Minutes to report rates over: 1, 5 and 15.
	Rates []int `opt:"rates"`

	// Percentiles of timers to report.
	Percentiles []float64 `opt:"percentiles"`

	// Whether each name is reported by an event of its own.
	SplitMetrics bool `opt:"split_metrics"`
}

// period is how often Flush is called; rates move on with it.
const period = 5 * time.Second

type filter struct {
	o     Options
	host  string
	stats *plugin.Stats
	log   *throttle.Logger

	mu         sync.Mutex
	meters     map[string]*meter
	timers     map[string]*timer
	names      []string // of both, in order of first appearance
	sinceFlush float64
	sinceClear float64
}

// maxNames bounds the names that the contents of events can make.
const maxNames = 100_000

// New checks the names.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: o, host: env.Hostname, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	f.clear()
	var errs []error
	for _, r := range o.Rates {
		if !slices.Contains([]int{1, 5, 15}, r) {
			errs = append(errs, plugin.OptionError("rates", fmt.Errorf("there are rates over 1, 5 and 15 minutes, not %d", r)))
		}
	}
	for _, p := range o.Percentiles {
		if p < 0 || p > 100 {
			errs = append(errs, plugin.OptionError("percentiles", fmt.Errorf("%v is not between 0 and 100", p)))
		}
	}
	for i := range o.Meter {
		if err := o.Meter[i].Err(); err != nil {
			env.Warn("meter", "every event will fail: %v", err)
		}
	}
	for i := range o.Timer {
		if err := errors.Join(o.Timer[i].Key.Err(), o.Timer[i].Value.Err()); err != nil {
			env.Warn("timer", "every event will fail: %v", err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *filter) clear() {
	f.meters, f.timers, f.names = make(map[string]*meter), make(map[string]*timer), nil
}

// Filter counts the event, which it leaves as it is. The common options are for the reports.
func (f *filter) Filter(e *event.Event) bool {
	if f.o.IgnoreOlderThan > 0 {
		if ts, ok := e.Timestamp(); ok && time.Since(ts).Seconds() > f.o.IgnoreOlderThan {
			return false
		}
	}
	if err := f.count(e); err != nil {
		f.stats.Failures.Add(1)
		f.log.Warn("an event could not be counted", slog.Any("error", err))
	}
	return false
}

var errNames = fmt.Errorf("there are %d names already", maxNames)

func (f *filter) count(e *event.Event) error {
	for i := range f.o.Meter {
		name, err := f.o.Meter[i].Text(e)
		if err != nil {
			return err
		}
		f.mu.Lock()
		m := f.meter(name)
		if m != nil {
			m.count++
			m.fresh++
		}
		f.mu.Unlock()
		if m == nil {
			return errNames
		}
	}
	for i := range f.o.Timer {
		t := &f.o.Timer[i]
		name, err := t.Key.Text(e)
		if err != nil {
			return err
		}
		text, err := t.Value.Text(e)
		if err != nil {
			return err
		}
		v := number(text)
		f.mu.Lock()
		tm := f.timer(name)
		if tm != nil {
			tm.update(v)
		}
		f.mu.Unlock()
		if tm == nil {
			return errNames
		}
	}
	return nil
}

// meter returns the meter of a name, nil if there are too many.
func (f *filter) meter(name string) *meter {
	m := f.meters[name]
	if m == nil && len(f.names) < maxNames {
		name = f.add(name)
		m = new(meter)
		f.meters[name] = m
	}
	return m
}

func (f *filter) timer(name string) *timer {
	t := f.timers[name]
	if t == nil && len(f.names) < maxNames {
		name = f.add(name)
		t = newTimer()
		f.timers[name] = t
	}
	return t
}

// add notes a new name, which must not hold on to the event that it came from.
func (f *filter) add(name string) string {
	name = strings.Clone(name)
	f.names = append(f.names, name)
	return name
}

// number is what Ruby's to_f makes of the beginning of a text: 0 if there is no number.
func number(s string) float64 {
	s = strings.TrimSpace(s)
	for n := min(len(s), 40); n > 0; n-- {
		if c := s[n-1]; c >= '0' && c <= '9' {
			if v, err := strconv.ParseFloat(s[:n], 64); err == nil {
				return v
			}
		}
	}
	return 0
}

// FlushInterval is how often rates move on.
func (f *filter) FlushInterval() time.Duration { return period }

// Flush reports, when it is time.
func (f *filter) Flush(_ time.Time, _ bool, out plugin.Spawner) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.meters {
		m.tick()
	}
	for _, t := range f.timers {
		t.tick()
	}
	f.sinceFlush += period.Seconds()
	f.sinceClear += period.Seconds()
	if f.sinceFlush < f.o.FlushInterval || len(f.names) == 0 {
		return
	}
	if f.o.SplitMetrics {
		for i := range f.names {
			f.send(f.names[i:i+1], out)
		}
	} else {
		f.send(f.names, out)
	}
	f.sinceFlush = 0
	if f.o.ClearInterval > 0 && f.sinceClear >= f.o.ClearInterval {
		f.clear()
		f.sinceClear = 0
	}
}

// send makes a report of names.
func (f *filter) send(names []string, out plugin.Spawner) {
	e := out.New()
	e.SetTimestamp(time.Now())
	e.Root().Set(event.VersionField, event.StringValue("1"))
	e.Root().Set("message", event.StringValue(f.host))
	for _, name := range names {
		f.report(e, name)
	}
	out.Succeed(e)
}

// report adds the counts of a name to a report, which has them below a field of that name.
func (f *filter) report(e *event.Event, name string) {
	ref := name
	if !strings.HasPrefix(ref, "[") {
		ref = "[" + ref + "]"
	}
	p, err := event.ParsePath(ref)
	set := func(key string, v event.Value) {
		if err == nil {
			q := p.Join(key)
			err = e.Set(&q, v)
		}
	}
	if m := f.meters[name]; m != nil {
		set("count", event.IntValue(m.count))
		f.rates(m, set)
	}
	if t := f.timers[name]; t != nil {
		set("count", event.IntValue(t.count))
		f.rates(&t.meter, set)
		set("min", event.FloatValue(t.min))
		set("max", event.FloatValue(t.max))
		set("stddev", event.FloatValue(t.stddev()))
		set("mean", event.FloatValue(t.mean))
		values := t.sorted()
		for _, p := range f.o.Percentiles {
			set("p"+strconv.FormatFloat(p, 'f', -1, 64), event.FloatValue(percentile(values, p)))
		}
	}
	if err != nil {
		f.stats.Failures.Add(1)
		f.log.Warn("a count could not be put into a report", slog.String("name", name), slog.Any("error", err))
	}
}

func (f *filter) rates(m *meter, set func(string, event.Value)) {
	for i, minutes := range rateMinutes {
		if slices.Contains(f.o.Rates, minutes) {
			set("rate_"+strconv.Itoa(minutes)+"m", event.FloatValue(m.rates[i]))
		}
	}
}

var _ plugin.Flusher = (*filter)(nil)
