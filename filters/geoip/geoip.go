// Package geoip tells where an IP address is, by databases in MaxMind's format.
package geoip

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("geoip", Options{
	DefaultDatabaseType: "City", CacheSize: 1000, TagOnFailure: []string{"_geoip_lookup_failure"},
}, New, plugin.Borrowing())

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// Database file (.mmdb): City, Country, ASN, ISP, Domain, Connection-Type, Anonymous-IP or Enterprise. It is read again when it changes. If
	// not given, GeoLite2-City.mmdb or GeoLite2-ASN.mmdb is looked for in path.data, its folders geoip and geoip_database_management,
	// /usr/share/GeoIP, /var/lib/GeoIP and where an installed Logstash has it.
	Database string `opt:"database,path"`

	// Which database is looked for if none is given.
	DefaultDatabaseType string `opt:"default_database_type,enum=City|ASN"`

	// Field that holds the address; of an array the first item.
	Source event.Path `opt:"source,required"`

	// What to tell: autonomous_system_number, autonomous_system_organization, city_name, continent_code, continent_name, country_code2,
	// country_code3, country_name, dma_code, domain, ip, isp, latitude, location, longitude, network, organization, postal_code,
	// region_code, region_iso_code, region_name, timezone, connection_type, hosting_provider, tor_exit_node, anonymous_vpn, anonymous,
	// public_proxy and residential_proxy, as far as the database knows it. If not given, what Logstash tells by default.
	Fields []string `opt:"fields"`

	// Field below which it is told. It is geoip by default; where ecs_compatibility is on it is what the source's [ip] stands in.
	Target event.Path `opt:"target"`

	// How many places each worker remembers.
	CacheSize int `opt:"cache_size,alias=lru_cache_size"`

	// Tags of events whose address is not found.
	TagOnFailure []string `opt:"tag_on_failure"`
}

// filter is what all workers share.
type filter struct {
	o      Options
	ecs    bool
	fields []fieldID // of the option; nil for the defaults of the database
	target event.Path
	source *source
	stats  *plugin.Stats
	log    *throttle.Logger
	slog   *slog.Logger
}

// ecsTargets are the fields that the Elastic Common Schema puts places below.
var ecsTargets = []string{"client", "destination", "host", "observer", "server", "source"}

// New opens the database, if there is one.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: o, ecs: env.ECS.Enabled(), stats: env.Stats, log: throttle.New(env.Log, time.Minute), slog: env.Log}
	var errs []error
	if o.CacheSize <= 0 {
		errs = append(errs, plugin.OptionError("cache_size", errors.New("must be greater than 0")))
	}
	var err error
	if f.fields, err = parseFields(o.Fields); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, f.setTarget(env))
	f.source = &source{path: o.Database, kind: o.DefaultDatabaseType, dataDir: env.DataDir}
	if err := f.source.open(); err != nil {
		errs = append(errs, plugin.OptionError("database", err))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	f.report(env)
	return f, nil
}

// setTarget settles where the findings go.
func (f *filter) setTarget(env *plugin.Env) error {
	f.target = f.o.Target
	if !f.ecs {
		if f.target.IsZero() {
			f.target = *event.MustPath("geoip")
		}
		return nil
	}
	if f.target.IsZero() {
		parent, ok := strings.CutSuffix(f.o.Source.String(), "[ip]")
		if !ok || parent == "" {
			return errors.New(`option "target" is required with ecs_compatibility unless the source ends in [ip], as [client][ip] does`)
		}
		var err error
		if f.target, err = event.ParsePath(parent); err != nil {
			return err
		}
	}
	if keys := f.target.Keys(); len(keys) != 1 || !slices.Contains(ecsTargets, keys[0]) {
		env.Warn("target", "the Elastic Common Schema expects places below one of %s, not below %s", strings.Join(ecsTargets, ", "), f.target.String())
	}
	return nil
}

// report warns of what will make every event fail, or some fields stay away.
func (f *filter) report(env *plugin.Env) {
	db := f.source.current.Load()
	if db == nil {
		name := "GeoLite2-" + f.o.DefaultDatabaseType + ".mmdb"
		env.Warn("", "no database: every event will be tagged %s. Logstash brings one, Millrace must not: get %s from MaxMind (free, with an account) "+
			"and name it by option \"database\" or put it into %s", strings.Join(f.o.TagOnFailure, ", "), name, f.source.places()[0])
		return
	}
	if db.kind == unknown {
		env.Warn("database", "the type of the database, %s, is not known: every event will be tagged %s", db.reader.Metadata.DatabaseType, strings.Join(f.o.TagOnFailure, ", "))
		return
	}
	for i, id := range f.fields {
		if !knows(db.kind, id) {
			env.Warn("fields", "a database of type %s does not know %s", db.reader.Metadata.DatabaseType, f.o.Fields[i])
		}
	}
}

// watchInterval is how often the file is looked at for changes.
const watchInterval = 30 * time.Second

// Start looks for a changed database from time to time, until ctx ends.
func (f *filter) Start(ctx context.Context) error {
	go func() {
		t := time.NewTicker(watchInterval)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
				f.refresh()
			}
		}
	}()
	return nil
}

func (f *filter) refresh() {
	changed, err := f.source.reopen()
	if err != nil {
		f.log.Warn("a geoip database could not be opened again, the old one stays in use", slog.Any("error", err))
	} else if changed {
		db := f.source.current.Load()
		f.slog.Info("a geoip database was opened", slog.String("path", db.path), slog.String("type", db.reader.Metadata.DatabaseType), slog.Time("built", db.reader.Metadata.BuildTime()))
	}
}

// ForWorker returns the filter for one worker.
func (f *filter) ForWorker() plugin.Filter { return &worker{filter: f} }

// Filter works on one event. The pipeline calls the filters of ForWorker instead.
func (f *filter) Filter(e *event.Event) bool { return f.ForWorker().Filter(e) }

// worker is the filter of one worker.
type worker struct {
	*filter
	db      *database
	outputs []output
	places  map[uintptr]*place // by their offsets in the database
}

// Filter looks the address up.
func (w *worker) Filter(e *event.Event) bool {
	if db := w.source.current.Load(); db != w.db {
		w.use(db)
	}
	text, ok := w.address(e)
	if !ok || w.db == nil || w.db.kind == unknown {
		return w.fail(e)
	}
	found, ip, err := w.lookup(text)
	if err != nil {
		w.log.Warn("a geoip database could not be read", slog.Any("error", err))
	}
	if err := w.set(e, found, ip); err != nil {
		w.log.Warn("a place could not be put into the event", slog.String("target", w.target.String()), slog.Any("error", err))
		return w.fail(e)
	}
	if found == nil {
		return w.fail(e)
	}
	return true
}

func (w *worker) fail(e *event.Event) bool {
	w.stats.Failures.Add(1)
	for _, tag := range w.o.TagOnFailure {
		e.Tag(tag)
	}
	return false
}

// address returns the source's text, false if there is none.
func (w *worker) address(e *event.Event) (string, bool) {
	v, _ := e.Get(&w.o.Source)
	if l := v.List(); l.Len() > 0 {
		v = l.At(0)
	}
	return v.Str(), v.Kind() == event.String && strings.TrimSpace(v.Str()) != ""
}

// use prepares the worker for another database.
func (w *worker) use(db *database) {
	w.db, w.outputs, w.places = db, nil, make(map[uintptr]*place)
	if db == nil {
		return
	}
	fields := w.fields
	if fields == nil {
		fields = defaultFields(db.kind, w.ecs)
	}
	for id := range fieldCount { // in this order, as in Logstash
		if slices.Contains(fields, id) && knows(db.kind, id) {
			if p, ok := fieldPath(&w.target, id, w.ecs); ok {
				w.outputs = append(w.outputs, output{id, p})
			}
		}
	}
}

// output is a field that gets one of the findings.
type output struct {
	id   fieldID
	path event.Path
}

// parseAddress reads an address as Java's InetAddress does, but that it asks no name server: an address mapped into IPv6 is one of IPv4,
// and brackets may stand around one of IPv6.
func parseAddress(s string) (netip.Addr, bool) {
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		s = s[1 : len(s)-1]
	}
	ip, err := netip.ParseAddr(s)
	if err != nil {
		return ip, false
	}
	return ip.Unmap().WithZone(""), true
}

// lookup finds the place of an address; nil if it is not known.
func (w *worker) lookup(text string) (found *place, ip netip.Addr, err error) {
	ip, ok := parseAddress(text)
	if !ok {
		return nil, ip, nil
	}
	err = guarded(func() error {
		r := w.db.reader.Lookup(ip)
		if err := r.Err(); err != nil || !r.Found() {
			return err
		}
		p := w.places[r.Offset()]
		if p == nil {
			if p, err = decode(r, w.db.kind); err != nil {
				return err
			}
			if len(w.places) >= w.o.CacheSize {
				clear(w.places) // a place is decoded again in a few microseconds
			}
			w.places[r.Offset()] = p
		}
		if !p.empty {
			found = p
			p.network = r.Prefix()
		}
		return nil
	})
	return found, ip, err
}

// set puts the findings into the event. The target exists even if nothing was found.
func (w *worker) set(e *event.Event, p *place, ip netip.Addr) error {
	if v, _ := e.Get(&w.target); v.IsNull() {
		if err := e.Set(&w.target, event.ObjectValue(e.NewObject())); err != nil {
			return err
		}
	}
	if p == nil {
		return nil
	}
	for i := range w.outputs {
		out := &w.outputs[i]
		v := p.values[out.id]
		switch out.id {
		case ipField:
			v = event.StringValue(e.Arena.Take(appendAddress(e.Arena.Free(), ip)))
		case networkField:
			v = event.StringValue(e.Arena.Take(p.network.AppendTo(e.Arena.Free())))
		case locationField:
			if v = p.location(e); v.IsNull() {
				continue
			}
		default:
			if v.IsNull() {
				continue
			}
		}
		if err := e.Set(&out.path, v); err != nil {
			return err
		}
	}
	return nil
}

var (
	_ plugin.PerWorker = (*filter)(nil)
	_ plugin.Starter   = (*filter)(nil)
)
