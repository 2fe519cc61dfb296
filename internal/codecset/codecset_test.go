package codecset

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// twice makes two events of a record, each with its name and the record's data.
type twice string

func (n twice) Decode(r *event.Record, next func() *event.Event) {
	for range 2 {
		next().Root().Set(string(n), event.StringValue(r.Data))
	}
}

func set(names ...string) (s Set) {
	for _, n := range names {
		s = append(s, &plugin.Codec{NewDecoder: func() plugin.Decoder { return twice(n) }})
	}
	return s
}

func TestSet(t *testing.T) {
	f := func(done func(*event.Event), data string, want ...string) {
		t.Helper()
		var made []*event.Event
		set("a", "b").Codec(done).NewDecoder().Decode(&event.Record{Data: data}, func() *event.Event {
			made = append(made, event.New(nil))
			return made[len(made)-1]
		})
		var got []string
		for _, e := range made {
			got = append(got, string(e.AppendJSON(nil)))
		}
		require.Equal(t, want, got)
	}
	f(nil, Mark(0, "x"), `{"a":"x"}`, `{"a":"x"}`)
	f(nil, Mark(1, ""), `{"b":""}`, `{"b":""}`)
	mark := func(e *event.Event) { e.Root().Set("done", event.BoolValue(true)) }
	f(mark, Mark(1, "x"), `{"b":"x","done":true}`, `{"b":"x","done":true}`)
	f(mark, "no mark", `{"message":"no mark"}`)
	f(nil, "", `{"message":""}`)
}
