// Package aggregate gathers what several events of one task tell. What it gathers is written in Ruby, for which there is no engine yet: all else is
// checked, and code that does anything is refused with its place.
package aggregate

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("aggregate", Options{MapAction: "create_or_update", MapCountWarningThreshold: 5000}, New)

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// Name of the task that an event belongs to. It must refer to fields: "%{taskid}".
	TaskID event.Template `opt:"task_id,required"`

	// Ruby code for each event, which sees event and map.
	Code string `opt:"code,required"`

	// Whether an event may begin a task, go on with one, or both.
	MapAction string `opt:"map_action,enum=create|update|create_or_update"`

	// Whether the event ends the task.
	EndOfTask bool `opt:"end_of_task"`

	// File that keeps the maps while the program does not run.
	AggregateMapsPath string `opt:"aggregate_maps_path"`

	// Seconds after its first event that a task ends; 1800 by default.
	Timeout *float64 `opt:"timeout"`

	// Seconds after its last event that a task ends.
	InactivityTimeout *float64 `opt:"inactivity_timeout"`

	// Ruby code for the end of a task by a timeout.
	TimeoutCode string `opt:"timeout_code"`

	// Whether the map becomes an event when a task ends by a timeout.
	PushMapAsEventOnTimeout bool `opt:"push_map_as_event_on_timeout"`

	// Whether the map becomes an event when another task begins.
	PushPreviousMapAsEvent bool `opt:"push_previous_map_as_event"`

	// Field with the time that timeouts are counted by, in place of the system's.
	TimeoutTimestampField event.Path `opt:"timeout_timestamp_field"`

	// Field that gets the name of the task in the event of a timeout.
	TimeoutTaskIDField event.Path `opt:"timeout_task_id_field"`

	// Tags of the event of a timeout.
	TimeoutTags []event.Template `opt:"timeout_tags"`

	// How many maps are worth a warning.
	MapCountWarningThreshold int `opt:"map_count_warning_threshold"`
}

const defaultTimeout = 1800.0

// errEngine says why code is refused.
var errEngine = errors.New("the code needs the Ruby engine, which this program does not have")

// filter is the filter with code that does nothing: it knows which tasks there are.
type filter struct {
	o       Options
	timeout time.Duration
	fields  []*event.Path // of task_id

	mu    sync.Mutex
	tasks map[string]time.Time // when they began
}

// New checks the options.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	var errs []error
	fail := func(option string, err error) { errs = append(errs, plugin.OptionError(option, err)) }
	if len(o.TaskID.Paths()) == 0 {
		fail("task_id", fmt.Errorf("%q must refer to a field, as %%{taskid} does: all events would be one task", o.TaskID.String()))
	} else if err := o.TaskID.Err(); err != nil {
		fail("task_id", err)
	}
	timeout := defaultTimeout
	if o.Timeout != nil {
		timeout = *o.Timeout
	}
	if timeout <= 0 {
		fail("timeout", errors.New("must be greater than 0"))
	}
	if i := o.InactivityTimeout; i != nil && (*i <= 0 || *i >= timeout) {
		fail("inactivity_timeout", fmt.Errorf("must be greater than 0 and less than timeout, which is %v", timeout))
	}
	for i := range o.TimeoutTags {
		if err := o.TimeoutTags[i].Err(); err != nil {
			env.Warn("timeout_tags", "every event of a timeout will fail: %v", err)
		}
	}
	for option, code := range map[string]string{"code": o.Code, "timeout_code": o.TimeoutCode} {
		if strings.TrimSpace(code) != "" {
			errs = append(errs, plugin.Hinted(plugin.OptionError(option, errEngine),
				"gather in Elasticsearch by a transform, or keep a Logstash for this pipeline until Millrace runs Ruby"))
		}
	}
	switch {
	case o.PushMapAsEventOnTimeout:
		fail("push_map_as_event_on_timeout", fmt.Errorf("the map is filled by code: %w", errEngine))
	case o.PushPreviousMapAsEvent:
		fail("push_previous_map_as_event", fmt.Errorf("the map is filled by code: %w", errEngine))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if o.AggregateMapsPath != "" {
		env.Warn("aggregate_maps_path", "option \"aggregate_maps_path\" has no effect: without code there is nothing to keep")
	}
	if env.Workers > 1 {
		env.Warn("", "with %d pipeline workers events of a task may come in another order: set pipeline.workers to 1", env.Workers)
	}
	return &filter{o: o, fields: o.TaskID.Paths(), timeout: time.Duration(timeout * float64(time.Second)), tasks: make(map[string]time.Time)}, nil
}

// Filter succeeds for the events that code would see.
func (f *filter) Filter(e *event.Event) bool {
	for _, p := range f.fields {
		if v, _ := e.Get(p); v.IsNull() {
			return false
		}
	}
	id, err := f.o.TaskID.Text(e)
	if err != nil || id == "" {
		return false
	}
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	began, known := f.tasks[id]
	if known && now.Sub(began) >= f.timeout {
		delete(f.tasks, id)
		known = false
	}
	switch {
	case known && f.o.MapAction == "create", !known && f.o.MapAction == "update":
		return false
	case f.o.EndOfTask:
		delete(f.tasks, id)
	case !known:
		f.begin(strings.Clone(id), now)
	}
	return true
}

// maxTasks bounds the tasks without an end.
const maxTasks = 1_000_000

// begin notes a task. When there are too many, those that ended by time go, or else all.
func (f *filter) begin(id string, now time.Time) {
	if len(f.tasks) >= maxTasks {
		for other, began := range f.tasks {
			if now.Sub(began) >= f.timeout {
				delete(f.tasks, other)
			}
		}
		if len(f.tasks) >= maxTasks {
			clear(f.tasks)
		}
	}
	f.tasks[id] = now
}
