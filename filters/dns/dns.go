// Package dns replaces addresses by names and names by addresses, or adds them.
package dns

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("dns", Options{
	Action: "append", Timeout: 500 * time.Millisecond, MaxRetries: 2, HitCacheTTL: time.Minute, FailedCacheTTL: 5 * time.Second, TagOnTimeout: []string{"_dnstimeout"},
}, New)

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// Fields that hold addresses to find the names of. A field may be an array with one item.
	Reverse []event.Path `opt:"reverse"`

	// Fields that hold names to find the addresses of.
	Resolve []event.Path `opt:"resolve"`

	// Whether what is found takes the place of the value, or is added to it, which makes an array.
	Action string `opt:"action,enum=append|replace"`

	// Addresses of name servers, asked in turn, with a port if it is not 53; or a hash of these as address, the domains to search as
	// search, and how many dots make a name complete as ndots. The system's by default.
	Nameserver nameservers `opt:"nameserver"`

	// How long one question may take, in seconds.
	Timeout time.Duration `opt:"timeout,unit=s"`

	// How often a question that took too long is asked again.
	MaxRetries int `opt:"max_retries"`

	// How many answers are remembered.
	HitCacheSize int `opt:"hit_cache_size"`

	// For how long, in seconds.
	HitCacheTTL time.Duration `opt:"hit_cache_ttl,unit=s"`

	// How many questions without an answer are remembered.
	FailedCacheSize int `opt:"failed_cache_size"`

	// For how long, in seconds.
	FailedCacheTTL time.Duration `opt:"failed_cache_ttl,unit=s"`

	// Files in the form of /etc/hosts, which come first. With them name servers are only asked if nameserver is given.
	Hostsfile []string `opt:"hostsfile"`

	// Tags of events whose question took too long.
	TagOnTimeout []string `opt:"tag_on_timeout"`
}

type filter struct {
	o     Options
	names *resolver
	stats *plugin.Stats
	log   *throttle.Logger
}

// New reads the hosts files.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	var errs []error
	positive := func(option string, ok bool) {
		if !ok {
			errs = append(errs, plugin.OptionError(option, errors.New("must be greater than 0")))
		}
	}
	positive("timeout", o.Timeout > 0)
	positive("hit_cache_ttl", o.HitCacheSize <= 0 || o.HitCacheTTL > 0)
	positive("failed_cache_ttl", o.FailedCacheSize <= 0 || o.FailedCacheTTL > 0)
	if o.MaxRetries < 0 {
		errs = append(errs, plugin.OptionError("max_retries", errors.New("must not be negative")))
	}
	hosts, err := readHosts(o.Hostsfile)
	if err != nil {
		errs = append(errs, plugin.OptionError("hostsfile", err))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(o.Reverse)+len(o.Resolve) == 0 {
		env.Warn("", "neither resolve nor reverse names a field: the filter does nothing")
	}
	return &filter{o: o, names: newResolver(&o, hosts), stats: env.Stats, log: throttle.New(env.Log, time.Minute)}, nil
}

// Filter looks the fields up, names first. The first that fails ends it.
func (f *filter) Filter(e *event.Event) bool {
	for i := range f.o.Resolve {
		if !f.field(e, &f.o.Resolve[i], false) {
			return false
		}
	}
	for i := range f.o.Reverse {
		if !f.field(e, &f.o.Reverse[i], true) {
			return false
		}
	}
	return true
}

// field looks one field up. A field that is missing is no failure.
func (f *filter) field(e *event.Event, p *event.Path, reverse bool) bool {
	v, _ := e.Get(p)
	list := v.List()
	switch {
	case v.IsNull():
		f.log.Warn("a field to look up is not in the event", slog.String("field", p.String()))
		return true
	case list.Len() > 1:
		f.log.Warn("an array with more than one item cannot be looked up", slog.String("field", p.String()))
		return false
	case list.Len() == 1:
		v = list.At(0)
	}
	raw := v.Str()
	if v.Kind() != event.String || raw == "" {
		return false
	}
	if reverse {
		if _, err := netip.ParseAddr(raw); err != nil {
			f.log.Warn("what is no address has no name to look up", slog.String("field", p.String()))
			return false
		}
	}
	found, err := f.names.lookup(raw, reverse)
	if err != nil {
		f.fail(e, p, err)
		return false
	}
	return f.set(e, p, v, list, event.StringValue(found))
}

func (f *filter) fail(e *event.Event, p *event.Path, err error) {
	f.stats.Failures.Add(1)
	if errors.Is(err, errTimeout) {
		for _, tag := range f.o.TagOnTimeout {
			e.Tag(tag)
		}
		f.log.Warn("a name server did not answer in time", slog.String("field", p.String()), slog.Any("error", err))
		return
	}
	if !errors.Is(err, errNone) {
		f.log.Warn("a name could not be looked up", slog.String("field", p.String()), slog.Any("error", err))
	}
}

// set puts what was found into the field, which stays an array if it was one.
func (f *filter) set(e *event.Event, p *event.Path, raw event.Value, list *event.List, found event.Value) bool {
	if list == nil && f.o.Action == "replace" {
		return f.store(e, p, found)
	}
	out := e.NewList()
	if f.o.Action == "append" {
		out.Append(raw)
	}
	out.Append(found)
	return f.store(e, p, event.ListValue(out))
}

func (f *filter) store(e *event.Event, p *event.Path, v event.Value) bool {
	if err := e.Set(p, v); err != nil {
		f.stats.Failures.Add(1)
		f.log.Warn("an answer of a name server could not be put into the event", slog.Any("error", err))
		return false
	}
	return true
}

var (
	errTimeout = errors.New("the answer took too long")
	errNone    = errors.New("there is no answer")
	errDown    = fmt.Errorf("%w: no name server answers, others are waiting for them", errTimeout)
)
