// Package throttle finds events that come too seldom or too often.
package throttle

import (
	"log/slog"
	"strings"
	"sync"
	"time"

	"millrace/filters/internal/ruby"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("throttle", Options{
	BeforeCount: -1, AfterCount: -1, Period: event.ParseTemplate("60"), MaxAge: 3600, MaxCounters: 100_000,
}, New)

// Options configures the filter. It drops nothing: the common options are applied to throttled events, which a condition can drop then.
type Options struct {
	// What events are counted by: "%{host}%{message}".
	Key event.Template `opt:"key,required"`

	// Events of a period up to this one, itself excluded, are throttled; -1 for none.
	BeforeCount int64 `opt:"before_count"`

	// Events of a period behind this one are throttled; -1 for none.
	AfterCount int64 `opt:"after_count"`

	// Length of a period in seconds; may refer to fields.
	Period event.Template `opt:"period"`

	// How many seconds a count is kept behind the latest event of its key, at least two periods. It is for events that come late.
	MaxAge int64 `opt:"max_age"`

	// How many counts to keep; with more the age goes down step by step. -1 for no bound.
	MaxCounters int64 `opt:"max_counters"`
}

// The age of counts goes down to a twentieth while there are too many, by a twentieth each flush, and up again when four fifths would
// fit.
const (
	minAgePercent      = 5
	stepPercent        = 5
	increaseBelow      = 80
	fallbackPeriod     = 60
	maxCountersGrowing = 2 // times max_counters between two flushes; behind that old keys go at once
)

type filter struct {
	o   Options
	log *slog.Logger

	mu     sync.Mutex
	keys   map[string]*counts
	total  int64 // counters of all keys
	maxAge int64
}

// counts are the counters of one key, by the start of their period.
type counts struct {
	created, latest int64
	slots           []slot
}

type slot struct{ start, count int64 }

// New checks the templates.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	if err := o.Key.Err(); err != nil {
		env.Warn("key", "no event will be throttled: %v", err)
	}
	if err := o.Period.Err(); err != nil {
		env.Warn("period", "no event will be throttled: %v", err)
	}
	return &filter{o: o, log: env.Log, keys: make(map[string]*counts), maxAge: o.MaxAge}, nil
}

// Filter counts the event and reports whether it is throttled.
func (f *filter) Filter(e *event.Event) bool {
	key, err := f.o.Key.Text(e)
	if err != nil {
		return false
	}
	length, err := f.o.Period.Text(e)
	if err != nil {
		return false
	}
	period, _ := ruby.ToInteger(event.StringValue(length))
	if period <= 0 {
		period = fallbackPeriod
	}
	ts, ok := e.Timestamp()
	if !ok {
		ts = time.Now()
	}
	count := f.count(key, ts.Unix(), period)
	return f.o.BeforeCount != -1 && count < f.o.BeforeCount || f.o.AfterCount != -1 && count > f.o.AfterCount
}

// count adds one to the counter of key at that time and returns it.
func (f *filter) count(key string, now, period int64) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.keys[key]
	if c == nil {
		if f.o.MaxCounters != -1 && f.total > f.o.MaxCounters*maxCountersGrowing {
			f.evict()
		}
		c = &counts{created: now, latest: now}
		f.keys[strings.Clone(key)] = c
	}
	c.latest = max(c.latest, now)
	age := (now - c.created) % period
	if age < 0 {
		age += period
	}
	count := c.add(now - age)
	if count == 1 {
		f.total += 1 - c.expire(f.maxAge)
	}
	return count
}

// add adds one to the counter of a period.
func (c *counts) add(start int64) int64 {
	for i := len(c.slots) - 1; i >= 0; i-- {
		if c.slots[i].start == start {
			c.slots[i].count++
			return c.slots[i].count
		}
	}
	c.slots = append(c.slots, slot{start, 1})
	return 1
}

// expire drops the counters that are older than maxAge before the latest, and returns how many there were.
func (c *counts) expire(maxAge int64) (dropped int64) {
	var latest int64
	for _, s := range c.slots {
		latest = max(latest, s.start)
	}
	kept := c.slots[:0]
	for _, s := range c.slots {
		if s.start >= latest-maxAge {
			kept = append(kept, s)
		}
	}
	dropped = int64(len(c.slots) - len(kept))
	c.slots = kept
	return dropped
}

// evict drops keys, whichever come first, until max_counters are left.
func (f *filter) evict() {
	for key, c := range f.keys {
		if f.total <= f.o.MaxCounters {
			break
		}
		f.total -= int64(len(c.slots))
		delete(f.keys, key)
	}
	f.log.Warn("throttle dropped counts: max_counters is exceeded; choose a key that has fewer values", slog.Int64("max_counters", f.o.MaxCounters))
}

// FlushInterval is Logstash's.
func (f *filter) FlushInterval() time.Duration { return 0 }

// Flush drops keys that are out of date and keeps the number of counters in bounds. It makes no events.
func (f *filter) Flush(time.Time, bool, plugin.Spawner) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var latest int64
	for _, c := range f.keys {
		latest = max(latest, c.latest)
	}
	f.total = 0
	for key, c := range f.keys {
		if c.latest < latest-f.maxAge {
			delete(f.keys, key)
		} else {
			f.total += int64(len(c.slots))
		}
	}
	f.adjust()
}

// adjust changes the age of counters by a step, as their number demands.
func (f *filter) adjust() {
	step := max(f.o.MaxAge*stepPercent/100, 1)
	switch {
	case f.o.MaxCounters == -1:
	case f.total > f.o.MaxCounters && f.maxAge > f.o.MaxAge*minAgePercent/100:
		f.maxAge = max(f.maxAge-step, 0)
		f.log.Warn("throttle keeps counts for a shorter time: max_counters is exceeded; choose a key that has fewer values",
			slog.Int64("counters", f.total), slog.Int64("max_age", f.maxAge))
	case f.maxAge < f.o.MaxAge && f.total < f.o.MaxCounters*increaseBelow/100:
		f.maxAge = min(f.maxAge+step, f.o.MaxAge)
		f.log.Info("throttle keeps counts for longer again", slog.Int64("counters", f.total), slog.Int64("max_age", f.maxAge))
	}
}
