package clone

import (
	"testing"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// pool reuses its events, as a worker does.
type pool struct {
	events []*event.Event
	used   int
}

func (p *pool) New() *event.Event {
	if p.used == len(p.events) {
		p.events = append(p.events, event.New(p.events[0].Arena))
	}
	p.used++
	return p.events[p.used-1]
}

func (p *pool) Succeed(*event.Event) {}

// The bytes that are left are those of the document that each round is filled with.
func BenchmarkFilter(b *testing.B) {
	m := filtertest.New(b, Plugin, `clones => ["a", "b"]`).Filter.(plugin.Multiplier)
	p := pool{events: []*event.Event{event.New(nil)}}
	e := event.New(nil)
	b.ReportAllocs()
	for b.Loop() {
		filtertest.Fill(b, e, `{"message":"a line of text","host":{"name":"h"},"list":[1,2,3],"n":5}`)
		p.used = 0
		m.Multiply(e, &p)
	}
}
