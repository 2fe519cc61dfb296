// Package elapsed measures the time between two events of one task, told apart by tags.
package elapsed

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("elapsed", Options{Timeout: 1800 * time.Second, KeepStartEvent: "first"}, New)

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// Tag of the events with which a task starts.
	StartTag string `opt:"start_tag,required"`

	// Tag of the events with which a task ends.
	EndTag string `opt:"end_tag,required"`

	// Field that holds the name of the task.
	UniqueIDField event.Path `opt:"unique_id_field,required"`

	// Seconds after which a task without an end is reported by an event of its own.
	Timeout time.Duration `opt:"timeout,unit=s"`

	// Whether the time is reported by an event of its own, not by the one with which the task ends.
	NewEventOnMatch bool `opt:"new_event_on_match"`

	// Which of several starts of a task counts.
	KeepStartEvent string `opt:"keep_start_event,enum=first|last"`
}

// The fields and tags of reports.
const (
	timeField  = "elapsed_time"
	startField = "elapsed_timestamp_start"
	tag        = "elapsed"
	matchTag   = "elapsed_match"
	expiredTag = "elapsed_expired_error"
	noStartTag = "elapsed_end_without_start"
)

type filter struct {
	o     Options
	host  string
	stats *plugin.Stats
	log   *throttle.Logger

	mu    sync.Mutex
	tasks map[string]*task
	order []*task // by when they came
}

// task is one that has started.
type task struct {
	key     string
	id      event.Value
	started time.Time // its @timestamp
	came    time.Time
	done    bool
}

// maxTasks bounds what tasks without an end may take.
const maxTasks = 1_000_000

// New returns the filter.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	return &filter{o: o, host: env.Hostname, stats: env.Stats, log: throttle.New(env.Log, time.Minute), tasks: make(map[string]*task)}, nil
}

// Filter is Multiply without a place for new events; the pipeline calls Multiply.
func (f *filter) Filter(e *event.Event) bool { return f.Multiply(e, nil) }

// Multiply remembers a start, or reports the time at an end.
func (f *filter) Multiply(e *event.Event, out plugin.Spawner) bool {
	id, _ := e.Get(&f.o.UniqueIDField)
	if id.IsNull() {
		return false
	}
	switch {
	case e.HasTag(f.o.StartTag):
		f.start(e, name(e, id), id)
		return true
	case e.HasTag(f.o.EndTag):
		f.end(e, name(e, id), out)
		return true
	}
	return false
}

// name returns the text by which a task is known, which lives as long as the event.
func name(e *event.Event, id event.Value) string {
	if id.Kind() == event.String {
		return id.Str()
	}
	return e.Arena.Take(id.AppendText(e.Arena.Free()))
}

func (f *filter) start(e *event.Event, key string, id event.Value) {
	ts, _ := e.Timestamp()
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.tasks[key]; t != nil {
		if f.o.KeepStartEvent == "last" {
			t.started, t.came = ts, time.Now()
		}
		return
	}
	if len(f.tasks) >= maxTasks {
		f.stats.Failures.Add(1)
		f.log.Warn("there are too many tasks without an end, a further one is not measured", slog.Int("tasks", maxTasks))
		return
	}
	key = strings.Clone(key)
	t := &task{key: key, id: event.New(nil).Own(id), started: ts, came: time.Now()}
	if id.Kind() == event.String {
		t.id = event.StringValue(key)
	}
	f.tasks[key] = t
	f.order = append(f.order, t)
}

func (f *filter) end(e *event.Event, key string, out plugin.Spawner) {
	f.mu.Lock()
	t := f.tasks[key]
	if t != nil {
		delete(f.tasks, key)
		t.done = true
	}
	f.mu.Unlock()
	if t == nil {
		e.Tag(noStartTag)
		return
	}
	ts, _ := e.Timestamp()
	took := ts.Sub(t.started).Seconds()
	if !f.o.NewEventOnMatch || out == nil {
		f.report(e, t, event.FloatValue(took), matchTag)
		return
	}
	n := f.event(out)
	f.report(n, t, event.FloatValue(took), matchTag)
	out.Succeed(n)
}

// event makes an event of the filter's own.
func (f *filter) event(out plugin.Spawner) *event.Event {
	e := out.New()
	e.SetTimestamp(time.Now())
	e.Root().Set(event.VersionField, event.StringValue("1"))
	e.Root().Set("host", event.StringValue(f.host))
	return e
}

func (f *filter) report(e *event.Event, t *task, took event.Value, second string) {
	e.Tag(tag)
	e.Tag(second)
	e.Root().Set(timeField, took)
	e.Root().Set(startField, event.TimeValue(t.started))
	if err := e.Set(&f.o.UniqueIDField, e.Own(t.id)); err != nil {
		f.stats.Failures.Add(1)
		f.log.Warn("the name of a task could not be put into an event", slog.Any("error", err))
	}
}

// FlushInterval is how often tasks without an end are looked for.
func (f *filter) FlushInterval() time.Duration { return 5 * time.Second }

// Flush reports the tasks whose end did not come in time.
func (f *filter) Flush(now time.Time, _ bool, out plugin.Spawner) {
	f.mu.Lock()
	var expired []*task
	f.order = slices.DeleteFunc(f.order, func(t *task) bool {
		if !t.done && now.Sub(t.came) >= f.o.Timeout {
			delete(f.tasks, t.key)
			t.done = true
			expired = append(expired, t)
		}
		return t.done
	})
	f.mu.Unlock()
	for _, t := range expired {
		e := f.event(out)
		f.report(e, t, event.IntValue(int64(now.Sub(t.came).Seconds())), expiredTag) // an age is a whole number, as in Logstash
		out.Succeed(e)
	}
}

var (
	_ plugin.Multiplier = (*filter)(nil)
	_ plugin.Flusher    = (*filter)(nil)
)
