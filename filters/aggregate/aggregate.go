// Package aggregate gathers what several events of one task tell, in a map for each task, by Ruby code.
package aggregate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"millrace/internal/ruby"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("aggregate", Options{MapAction: "create_or_update", MapCountWarningThreshold: 5000}, New)

// Options configures the filter. The filters of a pipeline that have the same task_id share its maps. The options about the end of a task may be given in
// one of them only.
type Options struct {
	// Name of the task that an event belongs to. It must refer to fields: "%{taskid}".
	TaskID event.Template `opt:"task_id,required"`

	// Ruby code for each event, which sees event, map, map_meta and new_event_block.
	Code string `opt:"code,required"`

	// Whether an event may begin a task, go on with one, or both.
	MapAction string `opt:"map_action,enum=create|update|create_or_update"`

	// Whether the event ends the task.
	EndOfTask bool `opt:"end_of_task"`

	// File that keeps the maps while the program does not run, as JSON. One filter of a pipeline may name it, for all maps of the pipeline.
	AggregateMapsPath string `opt:"aggregate_maps_path"`

	// Seconds after its first event that a task ends. Without it the shortest timeout of the pipeline's aggregate filters holds, 1800 if none has one.
	Timeout *float64 `opt:"timeout"`

	// Seconds after its last event that a task ends.
	InactivityTimeout *float64 `opt:"inactivity_timeout"`

	// Ruby code for the event of a task that ended by a timeout, which it sees as event.
	TimeoutCode string `opt:"timeout_code"`

	// Whether the map becomes an event when a task ends by a timeout.
	PushMapAsEventOnTimeout bool `opt:"push_map_as_event_on_timeout"`

	// Whether the map becomes an event when another task begins.
	PushPreviousMapAsEvent bool `opt:"push_previous_map_as_event"`

	// Field with the time that timeouts are counted by, in place of the system's. Tasks then end when another event of theirs comes.
	TimeoutTimestampField event.Path `opt:"timeout_timestamp_field"`

	// Field that gets the name of the task in the event of a timeout.
	TimeoutTaskIDField event.Path `opt:"timeout_task_id_field"`

	// Tags of the event of a timeout.
	TimeoutTags []event.Template `opt:"timeout_tags"`

	// How many maps are worth a warning.
	MapCountWarningThreshold int `opt:"map_count_warning_threshold"`
}

const (
	defaultTimeout = 1800 * time.Second
	failureTag     = "_aggregateexception"
	finalTag       = "_aggregatefinalflush"
)

// filter is one aggregate filter. What it works on is guarded by the mutex of its state.
type filter struct {
	o           Options
	env         *plugin.Env
	log         *throttle.Logger
	state       *state
	tasks       *tasks
	fields      []*event.Path // of task_id
	code        *ruby.Program
	timeoutCode *ruby.Program
	meta        bool // code looks at map_meta
	timeout     time.Duration
	inactivity  time.Duration
}

// New checks the options and reads the code.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: o, env: env, log: throttle.New(env.Log, time.Minute), fields: o.TaskID.Paths()}
	f.state = env.Shared.Of("aggregate", func() any { return newState(env) }).(*state)
	f.state.mu.Lock()
	defer f.state.mu.Unlock()
	errs := append(f.checkOptions(), f.compile()...)
	if len(errs) == 0 {
		errs = f.join()
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if env.Workers > 1 {
		env.Warn("", "with %d pipeline workers events of a task may come in another order: set pipeline.workers to 1", env.Workers)
	}
	return f, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (f *filter) checkOptions() (errs []error) {
	fail := func(option string, err error) { errs = append(errs, plugin.OptionError(option, err)) }
	o := &f.o
	if len(f.fields) == 0 {
		fail("task_id", fmt.Errorf("%q must refer to a field, as %%{taskid} does: all events would be one task", o.TaskID.String()))
	} else if err := o.TaskID.Err(); err != nil {
		fail("task_id", err)
	}
	limit := defaultTimeout
	if o.Timeout != nil {
		f.timeout = seconds(*o.Timeout)
		limit = f.timeout
		if f.timeout <= 0 {
			fail("timeout", errors.New("must be greater than 0"))
		}
	}
	if i := o.InactivityTimeout; i != nil {
		f.inactivity = seconds(*i)
		if f.inactivity <= 0 || f.inactivity >= limit {
			fail("inactivity_timeout", fmt.Errorf("must be greater than 0 and less than timeout, which is %v", limit.Seconds()))
		}
	}
	for i := range o.TimeoutTags {
		if err := o.TimeoutTags[i].Err(); err != nil {
			f.env.Warn("timeout_tags", "every event of a timeout will fail: %v", err)
		}
	}
	return errs
}

// compile reads the code and looks for what it refers to and nothing provides.
func (f *filter) compile() (errs []error) {
	read := func(option, code string, params ...string) *ruby.Program {
		p, err := f.state.in.Compile("(aggregate filter "+strings.ReplaceAll(option, "_", " ")+")", code, params...)
		if err != nil {
			errs = append(errs, plugin.OptionError(option, err))
			return nil
		}
		for _, problem := range ruby.Check(p) {
			err := plugin.OptionError(option, problem.Error)
			if problem.Hint != "" {
				err = plugin.Hinted(err, "did you mean %q?", problem.Hint)
			}
			errs = append(errs, err)
		}
		for _, e := range p.UnknownLibraries() {
			errs = append(errs, plugin.OptionError(option, e))
		}
		return p
	}
	f.code = read("code", f.o.Code, "event", "map", "map_meta", "new_event_block")
	f.meta = strings.Contains(f.o.Code, "map_meta")
	if strings.TrimSpace(f.o.TimeoutCode) != "" {
		f.timeoutCode = read("timeout_code", f.o.TimeoutCode, "event")
	}
	return errs
}

// endsTasks reports whether the filter has an option about the end of a task.
func (o *Options) endsTasks() bool {
	return o.Timeout != nil || o.InactivityTimeout != nil || o.TimeoutCode != "" || o.PushMapAsEventOnTimeout || o.PushPreviousMapAsEvent || !o.TimeoutTimestampField.IsZero() ||
		!o.TimeoutTaskIDField.IsZero() || len(o.TimeoutTags) > 0
}

// join makes the filter one of those that share the maps of its task_id.
func (f *filter) join() (errs []error) {
	s := f.state
	f.tasks = s.tasksOf(f.o.TaskID.String())
	if f.o.endsTasks() {
		if f.tasks.ender != nil {
			errs = append(errs, plugin.OptionError("task_id", errors.New("another filter with this task_id has options about the end of a task: timeout, inactivity_timeout, timeout_code, "+
				"push_map_as_event_on_timeout, push_previous_map_as_event, timeout_timestamp_field, timeout_task_id_field and timeout_tags may be given in one of them only")))
			return errs
		}
		f.tasks.ender = f
	}
	if f.timeout > 0 && (s.shortest == 0 || f.timeout < s.shortest) {
		s.shortest = f.timeout
	}
	if f.o.AggregateMapsPath != "" {
		if s.keeper != nil {
			return append(errs, plugin.OptionError("aggregate_maps_path", errors.New("another aggregate filter of the pipeline has this option, which keeps all maps")))
		}
		s.keeper = f
	}
	return errs
}

// Start loads the maps, and sees to it that code which does not end by itself ends with the pipeline.
func (f *filter) Start(ctx context.Context) error {
	context.AfterFunc(ctx, f.state.in.Stop)
	f.state.mu.Lock()
	defer f.state.mu.Unlock()
	if f.state.keeper == f {
		return f.state.load(f.o.AggregateMapsPath)
	}
	return nil
}

// Close saves the maps.
func (f *filter) Close() error {
	f.state.mu.Lock()
	defer f.state.mu.Unlock()
	if f.state.keeper == f {
		return f.state.save(f.o.AggregateMapsPath)
	}
	return nil
}

// Filter is not called: the pipeline calls Multiply.
func (f *filter) Filter(*event.Event) bool { panic("BUG: aggregate called without a spawner") }

// taskID returns the name of the task of e, "" if it has none.
func (f *filter) taskID(e *event.Event) string {
	for _, p := range f.fields {
		if v, _ := e.Get(p); v.IsNull() {
			return ""
		}
	}
	id, err := f.o.TaskID.Text(e)
	if err != nil {
		return ""
	}
	return id
}

// Multiply runs the code on e and the map of its task.
func (f *filter) Multiply(e *event.Event, out plugin.Spawner) bool {
	id := f.taskID(e)
	if id == "" {
		return false
	}
	f.state.mu.Lock()
	defer f.state.mu.Unlock()
	now := f.reference(e)
	var ended []*task
	if !f.o.TimeoutTimestampField.IsZero() {
		if t := f.tasks.find(id); t != nil && f.expired(t, now) {
			f.tasks.remove(t)
			if f.pushes() {
				ended = append(ended, t)
			}
		}
	}
	t := f.tasks.find(id)
	switch {
	case t != nil && f.o.MapAction == "create", t == nil && f.o.MapAction == "update":
		f.push(ended, out, "")
		return false
	case t == nil:
		if first := f.tasks.first(); f.o.PushPreviousMapAsEvent && first != nil {
			f.tasks.remove(first)
			ended = append(ended, first)
		}
		t = f.tasks.begin(strings.Clone(id), now)
		f.warnOfMany()
	}
	t.last = now
	err := f.run(e, t, out)
	if f.o.EndOfTask {
		f.tasks.remove(t)
	}
	f.push(ended, out, "")
	if err == nil {
		return true
	}
	e.Tag(failureTag)
	f.env.Stats.Failures.Add(1)
	f.log.Warn("the code raised an exception", slog.Any("error", err), slog.String("task", id))
	return false
}

func (f *filter) run(e *event.Event, t *task, out plugin.Spawner) error {
	var meta ruby.Value
	if f.meta {
		meta = f.state.in.Meta([]string{"task_id", "creation_timestamp", "lastevent_timestamp", "map"},
			[]ruby.Value{ruby.Text(t.id), ruby.TimeValue(t.began), ruby.TimeValue(t.last), t.m})
	}
	return f.code.RunEvent(e, out.New, t.m, meta)
}

// reference returns the time that an event counts for.
func (f *filter) reference(e *event.Event) time.Time {
	if !f.o.TimeoutTimestampField.IsZero() {
		if v, ok := e.Get(&f.o.TimeoutTimestampField); ok && v.Kind() == event.Time {
			return v.Time()
		}
	}
	return f.env.Now()
}

// limits returns the timeouts that hold for the tasks of f.
func (f *filter) limits() (timeout, inactivity time.Duration) {
	timeout = f.timeout
	if timeout == 0 {
		timeout = f.state.shortest
	}
	if timeout == 0 {
		timeout = defaultTimeout
	}
	inactivity = f.inactivity
	if inactivity == 0 {
		inactivity = timeout
	}
	return timeout, inactivity
}

func (f *filter) expired(t *task, now time.Time) bool {
	timeout, inactivity := f.limits()
	return now.Sub(t.began) > timeout || now.Sub(t.last) > inactivity
}

// pushes reports whether the map of a task that ended by a timeout becomes an event.
func (f *filter) pushes() bool { return f.o.PushMapAsEventOnTimeout || f.o.PushPreviousMapAsEvent }

// warnOfMany tells of a number of maps that looks like tasks without an end.
func (f *filter) warnOfMany() {
	if n := f.tasks.order.Len(); f.o.MapCountWarningThreshold > 0 && n > f.o.MapCountWarningThreshold {
		f.log.Warn("there are many maps: do all tasks end?", slog.Int("maps", n), slog.String("task_id", f.o.TaskID.String()))
	}
}

// push makes events of the maps of tasks that ended.
func (f *filter) push(ended []*task, out plugin.Spawner, tag string) {
	for _, t := range ended {
		e := out.New()
		if err := f.state.in.FillEvent(e, t.m); err != nil {
			f.log.Warn("a map cannot become an event", slog.Any("error", err), slog.String("task", t.id))
			e.Cancel()
			f.env.Stats.Failures.Add(1)
			continue
		}
		f.finish(e, t, out)
		if tag != "" {
			e.Tag(tag)
		}
	}
}

// finish gives the event of a task that ended its name, its tags and what the code for that makes of it.
func (f *filter) finish(e *event.Event, t *task, out plugin.Spawner) {
	var errs []error
	if !f.o.TimeoutTaskIDField.IsZero() {
		errs = append(errs, e.Set(&f.o.TimeoutTaskIDField, event.StringValue(t.id)))
	}
	for i := range f.o.TimeoutTags {
		tag, err := f.o.TimeoutTags[i].Text(e)
		if err == nil {
			e.AppendTag(strings.Clone(tag))
		}
		errs = append(errs, err)
	}
	if f.timeoutCode != nil {
		errs = append(errs, f.timeoutCode.RunEvent(e, out.New))
	}
	if err := errors.Join(errs...); err != nil {
		e.Tag(failureTag)
		f.env.Stats.Failures.Add(1)
		f.log.Warn("the code for a timeout raised an exception", slog.Any("error", err), slog.String("task", t.id))
	}
}

// FlushInterval is Logstash's.
func (f *filter) FlushInterval() time.Duration { return 0 }

// Flush ends the tasks whose time is over. At the end of the pipeline the previous map is pushed too.
func (f *filter) Flush(now time.Time, final bool, out plugin.Spawner) {
	f.state.mu.Lock()
	defer f.state.mu.Unlock()
	if f.tasks.ender == nil {
		f.tasks.ender = f
	}
	if f.tasks.ender != f {
		return
	}
	_, inactivity := f.limits()
	if !final && now.Sub(f.tasks.flushed) <= inactivity/2 {
		return
	}
	f.tasks.flushed = now
	var ended []*task
	if f.o.TimeoutTimestampField.IsZero() {
		ended = f.tasks.removeExpired(func(t *task) bool { return f.expired(t, now) })
		if !f.pushes() {
			ended = nil
		}
	}
	if first := f.tasks.first(); final && f.o.PushPreviousMapAsEvent && first != nil {
		f.tasks.remove(first)
		ended = append(ended, first)
	}
	tag := ""
	if final {
		tag = finalTag
	}
	f.push(ended, out, tag)
}
