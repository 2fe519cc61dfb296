// Package tld takes domain names apart at their public suffix: www.example.co.uk is the sub-domain www of example.co.uk, below co.uk.
package tld

import (
	"log/slog"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("tld", Options{Source: *event.MustPath("message"), Target: *event.MustPath("tld")}, New, plugin.Borrowing())

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// Field that holds a domain name. Events in which it is none are left alone.
	Source event.Path `opt:"source"`

	// Field for the parts: tld, sld, trd, domain, subdomain and top_level_domain, which is tld under the name that ECS has for it. A part
	// that the name does not have is null. Other members of the field stay.
	Target event.Path `opt:"target"`

	// Whether the suffixes under which companies let others have names, such as blogspot.com, count as names of their own.
	IgnorePrivate bool `opt:"ignore_private"`
}

type filter struct {
	o     Options
	stats *plugin.Stats
	log   *throttle.Logger
}

// New returns the filter.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	return &filter{o: o, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}, nil
}

// Filter takes the name apart. A name whose suffix is not on the list is none.
func (f *filter) Filter(e *event.Event) bool {
	v, _ := e.Get(&f.o.Source)
	if v.Kind() != event.String {
		return false
	}
	name := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(v.Str()), "."))
	if name == "" || name[0] == '.' || strings.Contains(name, "..") {
		return false
	}
	suffix, managed := publicsuffix.PublicSuffix(name)
	for f.o.IgnorePrivate && !managed && strings.Contains(suffix, ".") {
		_, parent, _ := strings.Cut(suffix, ".")
		suffix, managed = publicsuffix.PublicSuffix(parent)
	}
	if !managed && !strings.Contains(suffix, ".") || len(suffix) == len(name) {
		return false
	}
	rest := name[:len(name)-len(suffix)-1]
	dot := strings.LastIndexByte(rest, '.')
	domain := name[dot+1:]
	v, _ = e.Get(&f.o.Target)
	o := v.Object()
	if o == nil {
		o = e.NewObject()
	}
	o.Set("tld", event.StringValue(suffix))
	o.Set("sld", event.StringValue(rest[dot+1:]))
	var trd, sub event.Value
	if dot >= 0 {
		trd, sub = event.StringValue(rest[:dot]), event.StringValue(name)
	}
	o.Set("trd", trd)
	o.Set("domain", event.StringValue(domain))
	o.Set("subdomain", sub)
	o.Set("top_level_domain", event.StringValue(suffix))
	if err := e.Set(&f.o.Target, event.ObjectValue(o)); err != nil {
		f.stats.Failures.Add(1)
		e.Tag("_filter_error")
		f.log.Warn("the parts of a domain name could not be put into the event", slog.Any("error", err))
		return false
	}
	return true
}
