// Package date reads dates from fields and makes them the time of the event.
package date

import (
	"time"

	"millrace/internal/joda"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("date", Options{
	Target:       *event.MustPath(event.TimestampField),
	TagOnFailure: []string{"_dateparsefailure"},
}, New, plugin.Borrowing())

// Options configures the filter.
type Options struct {
	// The field to read, then one or more formats, which are tried in order: patterns of Joda-Time (dd/MMM/yyyy:HH:mm:ss Z), ISO8601,
	// UNIX (seconds since 1970, as text or number), UNIX_MS (milliseconds) or TAI64N. A format without a year gets the current one, or
	// that before or after around New Year. Events without the field are left alone. Patterns and ISO8601 read text only.
	Match []item `opt:"match"`

	// Field for the time, which has milliseconds.
	Target event.Path `opt:"target"`

	// Time zone of dates that do not tell theirs: a name such as Europe/Berlin or an offset such as +02:00. Fields may stand in it:
	// "%{[event][timezone]}". Without it, that of the process. A time that the zone skips in spring fails, one that it has twice in
	// autumn is the earlier.
	Timezone *event.Template `opt:"timezone"`

	// Language of the names of months and days, such as de or pt-BR; English if not given.
	Locale string `opt:"locale"`

	// Tags of events whose field no format could read.
	TagOnFailure []string `opt:"tag_on_failure"`
}

// filter is what workers share.
type filter struct {
	source    event.Path
	target    event.Path
	timestamp bool // the target is @timestamp
	parsers   []*joda.Parser
	needsNow  bool
	now       func() time.Time
	timezone  *event.Template // nil if no field stands in it
	tags      []string
	stats     *plugin.Stats
}

// Filter works on one event with readers made for it alone. The pipeline calls the filters of ForWorker instead.
func (f *filter) Filter(e *event.Event) bool { return f.ForWorker().Filter(e) }

// ForWorker returns a filter that remembers what it read last and, where the time zone changes with the event, the zones it met.
func (f *filter) ForWorker() plugin.Filter {
	w := &worker{filter: f}
	for _, p := range f.parsers {
		w.readers = append(w.readers, p.NewReader())
	}
	if f.timezone != nil {
		w.zones = newZones()
	}
	return w
}

// worker is the filter of one worker.
type worker struct {
	*filter
	readers []*joda.Reader
	zones   *zones // nil if all events have one time zone

	present time.Time // of the batch that was read at batch
	batch   int64
}

// Filter reads the field.
func (f *worker) Filter(e *event.Event) bool {
	v, ok := e.Get(&f.source)
	if !ok || v.IsNull() {
		return false
	}
	t, ok := f.read(e, v)
	if ok {
		if f.timestamp {
			e.SetTimestamp(t)
			return true
		}
		if e.Set(&f.target, event.TimeValue(t)) == nil {
			return true
		}
	}
	for _, tag := range f.tags {
		e.Tag(tag)
	}
	f.stats.Failures.Add(1)
	return false
}

// read tries the formats in order.
func (f *worker) read(e *event.Event, v event.Value) (t time.Time, ok bool) {
	switch v.Kind() {
	case event.String:
		return f.readText(e, v.Str())
	case event.Int:
		for _, p := range f.parsers {
			if t, ok = p.ParseInt(v.Int()); ok {
				return t, true
			}
		}
	case event.Float:
		for _, p := range f.parsers {
			if t, ok = p.ParseFloat(v.Float()); ok {
				return t, true
			}
		}
	}
	return t, false
}

// presentFor returns the time that counts as the present for e. The clock is read once a batch: with each event it would be a fifth of the filter's time.
func (f *worker) presentFor(e *event.Event) time.Time {
	if at := e.Read(); at == 0 || at != f.batch {
		f.present, f.batch = f.now(), at
	}
	return f.present
}

func (f *worker) readText(e *event.Event, s string) (t time.Time, ok bool) {
	var now time.Time
	if f.needsNow {
		now = f.presentFor(e)
	}
	if f.zones == nil {
		for _, r := range f.readers {
			if t, ok = r.Parse(s, now); ok {
				return t, true
			}
		}
		return t, false
	}
	zone := f.zones.find(f.timezone, e)
	for _, r := range f.readers {
		if zone == nil && !r.Parser().Numeric() {
			continue // even a text that tells its zone: so does Logstash
		}
		if t, ok = r.ParseIn(s, zone, now); ok {
			return t, true
		}
	}
	return t, false
}
