// Package useragent tells from the text by which a browser or a program introduces itself what it is and what it runs on.
package useragent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("useragent", Options{LRUCacheSize: 100_000}, New, plugin.Borrowing())

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// Field that holds the text; of an array the first item.
	Source event.Path `opt:"source,required"`

	// Field below which the findings are put. By default they become fields of the event, or of user_agent where ecs_compatibility is on.
	Target event.Path `opt:"target"`

	// A file of patterns in the form of ua-parser's regexes.yaml, in place of those that come with the program.
	Regexes string `opt:"regexes,path"`

	// Text in front of the names of the fields. It has no effect where ecs_compatibility is on.
	Prefix string `opt:"prefix"`

	// How many texts are remembered with what was found out about them.
	LRUCacheSize int `opt:"lru_cache_size"`
}

// filter is what all workers share.
type filter struct {
	o       Options
	table   func() *table
	outputs []output
	inPlace bool
	cache   *cache
	stats   *plugin.Stats
	log     *throttle.Logger
}

// New reads the file of patterns, if one is given.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: o, table: builtIn, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	var errs []error
	if o.LRUCacheSize <= 0 {
		errs = append(errs, plugin.OptionError("lru_cache_size", errors.New("must be greater than 0")))
	}
	if o.Regexes != "" {
		t, err := load(o.Regexes)
		if err != nil {
			errs = append(errs, plugin.OptionError("regexes", err))
		}
		f.table = func() *table { return t }
	}
	if o.Prefix != "" && env.ECS.Enabled() {
		env.Warn("prefix", "option \"prefix\" has no effect with ecs_compatibility => %s", env.ECS)
	}
	var err error
	if f.outputs, err = outputs(&o, env.ECS.Enabled()); err != nil {
		errs = append(errs, plugin.OptionError("prefix", err))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	f.inPlace = !o.Target.IsZero() && bracketed(&o.Target) == bracketed(&o.Source)
	f.cache = newCache(o.LRUCacheSize)
	return f, nil
}

func load(path string) (*table, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading user agent patterns: %w", err)
	}
	t, err := parseTable(data)
	if err != nil {
		return nil, fmt.Errorf("reading user agent patterns in %q: %w", path, err)
	}
	return t, nil
}

// Start compiles the patterns that come with the program, which takes a tenth of a second, before the first event.
func (f *filter) Start(context.Context) error {
	f.table()
	return nil
}

// ForWorker returns the filter for one worker.
func (f *filter) ForWorker() plugin.Filter { return &worker{filter: f} }

// Filter works on one event. The pipeline calls the filters of ForWorker instead.
func (f *filter) Filter(e *event.Event) bool { return f.ForWorker().Filter(e) }

// worker is the filter of one worker.
type worker struct {
	*filter
	near   nearCache
	parser *parser // made when a text is met that no cache knows
}

// Filter looks at the source.
func (w *worker) Filter(e *event.Event) bool {
	v, _ := e.Get(&w.o.Source)
	if l := v.List(); l != nil {
		v = event.Value{}
		if l.Len() > 0 {
			v = l.At(0)
		}
	}
	if v.Kind() != event.String {
		return w.noText(e, v)
	}
	text := v.Str()
	if text == "" {
		return false
	}
	found := w.near.get(text)
	if found == nil {
		found = w.lookup(text)
		w.near.put(found)
	}
	if w.inPlace {
		e.Remove(&w.o.Source)
	}
	for i := range w.outputs {
		out := &w.outputs[i]
		if s := found.parts[out.part]; s != "" {
			if err := e.Set(&out.path, event.StringValue(s)); err != nil {
				w.stats.Failures.Add(1)
				w.log.Warn("the findings about a user agent could not be put into the event", slog.Any("error", err))
				return false
			}
		}
	}
	return true
}

// noText handles a source that is no text. A null is none at all, and a hash is only logged, as in Logstash; anything else stops Logstash.
func (w *worker) noText(e *event.Event, v event.Value) bool {
	if v.IsNull() {
		return false
	}
	w.stats.Failures.Add(1)
	w.log.Warn("a user agent is no text", slog.String("source", w.o.Source.String()), slog.String("type", v.Kind().String()))
	if v.Kind() != event.KindObject {
		e.Tag("_filter_error")
	}
	return false
}

// lookup asks the cache that the workers share, or the patterns.
func (w *worker) lookup(text string) *agent {
	if found := w.cache.get(text); found != nil {
		return found
	}
	if w.parser == nil {
		w.parser = w.table().newParser()
	}
	found := w.parser.parse(strings.Clone(text))
	w.cache.put(found)
	return found
}

// part is one of the findings.
type part uint8

const (
	name part = iota
	version
	major
	minor
	patch
	osName
	osFull
	osVersion
	osMajor
	osMinor
	osPatch
	device
	parts
)

// agent is what was found out about a text.
type agent struct {
	text  string
	parts [parts]string
}

// output is a field that gets one of the findings.
type output struct {
	part part
	path event.Path
}

func bracketed(p *event.Path) string {
	if s := p.String(); !strings.HasPrefix(s, "[") {
		return "[" + s + "]"
	}
	return p.String()
}

// outputs compiles the fields of one of the two schemes.
func outputs(o *Options, ecs bool) ([]output, error) {
	target, prefix := "", o.Prefix
	if !o.Target.IsZero() {
		target = bracketed(&o.Target)
	}
	type field struct {
		part part
		name string
	}
	fields := []field{
		{name, "[P:name]"}, {osFull, "[P:os_full]"}, {osName, "[P:os]"}, {osName, "[P:os_name]"}, {osVersion, "[P:os_version]"},
		{osMajor, "[P:os_major]"}, {osMinor, "[P:os_minor]"}, {osPatch, "[P:os_patch]"}, {device, "[P:device]"}, {version, "[P:version]"},
		{major, "[P:major]"}, {minor, "[P:minor]"}, {patch, "[P:patch]"},
	}
	if ecs {
		const meta = "[@metadata][filter][user_agent]"
		fields = []field{
			{name, "[name]"}, {version, "[version]"}, {osName, "[os][name]"}, {osVersion, "[os][version]"}, {osFull, "[os][full]"}, {device, "[device][name]"},
			{major, meta + "[version][major]"}, {minor, meta + "[version][minor]"}, {patch, meta + "[version][patch]"},
			{osMajor, meta + "[os][version][major]"}, {osMinor, meta + "[os][version][minor]"}, {osPatch, meta + "[os][version][patch]"},
		}
		if target == "" {
			target = "[user_agent]"
		}
	}
	var out []output
	for _, f := range fields {
		ref := target + strings.Replace(f.name, "P:", prefix, 1)
		if strings.HasPrefix(f.name, "[@metadata]") {
			ref = f.name
		}
		p, err := event.ParsePath(ref)
		if err != nil {
			return nil, err
		}
		out = append(out, output{f.part, p})
	}
	return out, nil
}

var (
	_ plugin.PerWorker = (*filter)(nil)
	_ plugin.Starter   = (*filter)(nil)
)
