package aggregate

import (
	"container/list"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"millrace/internal/ruby"
	"millrace/pipeline/plugin"
)

// state is what the aggregate filters of one pipeline share. Their code runs in one interpreter, so that a map may go from one to the other; mu guards it and
// all maps.
type state struct {
	mu       sync.Mutex
	in       *ruby.Interp
	byID     map[string]*tasks // by task_id as it is written
	shortest time.Duration     // of the timeouts that are given
	keeper   *filter           // who saves the maps
}

func newState(env *plugin.Env) *state {
	return &state{
		in:   ruby.New(ruby.Config{Log: env.Log, Now: env.Now, Plugin: "LogStash::Filters::Aggregate"}),
		byID: make(map[string]*tasks),
	}
}

// tasks are the tasks of one task_id, in the order in which they began.
type tasks struct {
	byID    map[string]*list.Element // of *task
	order   *list.List
	ender   *filter // who ends them
	flushed time.Time
}

// task is one task.
type task struct {
	id          string
	began, last time.Time
	m           ruby.Value // a Hash
	place       *list.Element
}

func (s *state) tasksOf(id string) *tasks {
	t := s.byID[id]
	if t == nil {
		t = &tasks{byID: make(map[string]*list.Element), order: list.New()}
		s.byID[id] = t
	}
	return t
}

func (t *tasks) find(id string) *task {
	if e := t.byID[id]; e != nil {
		return e.Value.(*task)
	}
	return nil
}

func (t *tasks) first() *task {
	if e := t.order.Front(); e != nil {
		return e.Value.(*task)
	}
	return nil
}

// maxTasks bounds the tasks without an end: beyond it the oldest ones go.
const maxTasks = 1_000_000

func (t *tasks) begin(id string, now time.Time) *task {
	if t.order.Len() >= maxTasks {
		t.remove(t.first())
	}
	k := &task{id: id, began: now, last: now, m: ruby.NewMap()}
	t.add(k)
	return k
}

func (t *tasks) add(k *task) {
	k.place = t.order.PushBack(k)
	t.byID[k.id] = k.place
}

// remove takes a task away. It may be gone already.
func (t *tasks) remove(k *task) {
	if t.byID[k.id] == k.place {
		delete(t.byID, k.id)
		t.order.Remove(k.place)
	}
}

func (t *tasks) removeExpired(expired func(*task) bool) (gone []*task) {
	for e := t.order.Front(); e != nil; {
		k := e.Value.(*task)
		e = e.Next()
		if expired(k) {
			t.remove(k)
			gone = append(gone, k)
		}
	}
	return gone
}

// saved is a task in the file of maps.
type saved struct {
	ID    string          `json:"id"`
	Began time.Time       `json:"creation_timestamp"`
	Last  time.Time       `json:"lastevent_timestamp"`
	Map   json.RawMessage `json:"map"`
}

// save writes all maps to a file.
func (s *state) save(path string) error {
	all := make(map[string][]saved)
	var errs []error
	for pattern, t := range s.byID {
		for e := t.order.Front(); e != nil; e = e.Next() {
			k := e.Value.(*task)
			text, err := s.in.ToJSON(k.m)
			if err != nil {
				errs = append(errs, fmt.Errorf("the map of the task %q is lost: %w", k.id, err))
				continue
			}
			all[pattern] = append(all[pattern], saved{k.id, k.began, k.last, json.RawMessage(text)})
		}
	}
	if len(all) > 0 {
		data, err := json.Marshal(all)
		if err == nil {
			err = os.WriteFile(path, data, 0o600)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("saving the maps in %q: %w", path, err)
	}
	return nil
}

// load reads the maps that save wrote, and removes the file.
func (s *state) load(path string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the maps: %w", err)
	}
	all := make(map[string][]saved)
	if err := json.Unmarshal(data, &all); err != nil {
		return fmt.Errorf("reading the maps in %q, which must be JSON as this program writes it: %w", path, err)
	}
	for pattern, list := range all {
		t := s.tasksOf(pattern)
		for _, k := range list {
			m, err := s.in.FromJSON(string(k.Map))
			if err != nil {
				return fmt.Errorf("reading the map of the task %q in %q: %w", k.ID, path, err)
			}
			t.add(&task{id: k.ID, began: k.Began, last: k.Last, m: m})
		}
	}
	return os.Remove(path)
}
