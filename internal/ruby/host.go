package ruby

import (
	"time"

	"millrace/pipeline/event"
)

// NewMap returns an empty Hash.
func NewMap() Value { return newHash() }

// Meta returns what map_meta of the aggregate filter is: an object with readers for task_id, creation_timestamp, lastevent_timestamp and map.
func (t *Interp) Meta(names []string, values []Value) Value {
	h := newHash()
	for i, n := range names {
		h.set(t, t.sym(n), values[i])
	}
	return &Object{class: t.core.element, data: h}
}

// TimeValue returns a Time.
func TimeValue(at time.Time) Value { return &Time{t: at} }

// FillEvent makes the empty e what LogStash::Event.new makes of a Hash.
func (t *Interp) FillEvent(e *event.Event, hash Value) error {
	_, err := t.guard(func() Value {
		e.SetRoot(t.toEvent(e, t.toHash(hash)).Object())
		e.Create(t.now())
		return nil
	})
	return err
}

// ToJSON writes a value as JSON.generate does.
func (t *Interp) ToJSON(v Value) (text string, err error) {
	_, err = t.guard(func() Value { text = string(t.appendJSON(nil, v, nil)); return nil })
	return text, err
}

// FromJSON reads a value as JSON.parse does.
func (t *Interp) FromJSON(text string) (Value, error) {
	return t.guard(func() Value { return t.parseJSON(text, false) })
}
