package split

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

func run(t *testing.T) func(options, in, want string) {
	return func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
}

func TestStrings(t *testing.T) {
	f := run(t)
	f(``, `{"message":"big\nbird\nsesame street","k":"1\n2"}`, `{"message":"big","k":"1\n2"} +
{"message":"bird","k":"1\n2"} +
{"message":"sesame street","k":"1\n2"} +`)
	f(``, `{"message":"single"}`, `{"message":"single"}`)
	f(``, `{"message":"x\n"}`, `{"message":"x"} +`)
	f(``, `{"message":"\n"}`, `dropped`)
	f(``, `{"message":""}`, `dropped`)
	f(`terminator => "||"`, `{"message":"a||b|c"}`, "{\"message\":\"a\"} +\n{\"message\":\"b|c\"} +")
	f(`terminator => " "`, `{"message":" a  b "}`, "{\"message\":\"a\"} +\n{\"message\":\"b\"} +")
	f(`terminator => " "`, `{"message":" a"}`, `{"message":" a"}`)
	f(`terminator => ""`, `{"message":"aä"}`, "{\"message\":\"a\"} +\n{\"message\":\"ä\"} +")
}

func TestArrays(t *testing.T) {
	f := run(t)
	f(`field => "a"`, `{"a":["big",null,"","bird"],"k":1}`, "{\"a\":\"big\",\"k\":1} +\n{\"a\":\"bird\",\"k\":1} +")
	f(`field => "a"`, `{"a":["single"]}`, `{"a":"single"} +`)
	f(`field => "a"`, `{"a":[]}`, `dropped`)
	f(`field => "a" target => "e"`, `{"a":[1,2,"three",""]}`,
		"{\"a\":[1,2,\"three\",\"\"],\"e\":1} +\n{\"a\":[1,2,\"three\",\"\"],\"e\":2} +\n{\"a\":[1,2,\"three\",\"\"],\"e\":\"three\"} +")
	f(`field => "[b][a]"`, `{"b":{"a":[{"x":[1]},{},[2]],"c":3}}`,
		"{\"b\":{\"a\":{\"x\":[1]},\"c\":3}} +\n{\"b\":{\"a\":{},\"c\":3}} +\n{\"b\":{\"a\":[2],\"c\":3}} +")
	f(`field => "tags"`, `{"tags":["a","b"]}`, "{\"tags\":\"a\"} +\n{\"tags\":\"b\"} +")
}

func TestFailures(t *testing.T) {
	f := run(t)
	for _, v := range []string{`10`, `{"a":1}`, `null`, `true`} {
		f(`field => "f"`, `{"f":`+v+`}`, `{"f":`+v+`,"tags":["_split_type_failure"]}`)
	}
	f(`field => "f"`, `{"g":1}`, `{"g":1,"tags":["_split_type_failure"]}`)
	f(`field => "[f"`, `{"f":"a"}`, `{"f":"a","tags":["_split_type_failure"]}`)
	f(`target => "[s][t]"`, `{"message":"a\nb","s":"x"}`, `{"message":"a\nb","s":"x","tags":["_split_type_failure"]}`)
}

// The parts are events of their own: what happens to one does not show in another.
func TestPartsShareNothing(t *testing.T) {
	r := filtertest.New(t, Plugin, `field => "a"`)
	e := filtertest.Event(t, `{"a":[{"x":1},{"x":2}],"o":{"k":1}}`)
	var s spawner
	require.True(t, r.Filter.(plugin.Multiplier).Multiply(e, &s))
	require.Len(t, s.made, 1)
	require.NoError(t, s.made[0].Set(event.MustPath("[o][k]"), event.IntValue(9)))
	v, _ := e.Get(event.MustPath("[o][k]"))
	require.EqualValues(t, 1, v.Int())
	e.Reset()
	v, _ = s.made[0].Get(event.MustPath("[a][x]"))
	require.EqualValues(t, 2, v.Int())
}

type spawner struct{ made []*event.Event }

func (s *spawner) New() *event.Event {
	e := event.New(nil)
	s.made = append(s.made, e)
	return e
}

func (s *spawner) Succeed(*event.Event) {}

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

func BenchmarkFilter(b *testing.B) {
	f := func(name, options, doc string) {
		b.Run(name, func(b *testing.B) {
			m := filtertest.New(b, Plugin, options).Filter.(plugin.Multiplier)
			p := pool{events: []*event.Event{event.New(nil)}}
			e := event.New(nil)
			b.ReportAllocs()
			for b.Loop() {
				filtertest.Fill(b, e, doc)
				p.used = 0
				m.Multiply(e, &p)
			}
		})
	}
	f("string", ``, `{"message":"a\nb\nc\nd","host":{"name":"h"},"k":1}`)
	f("array", `field => "records"`, `{"records":[{"id":1,"v":"x"},{"id":2,"v":"y"},{"id":3,"v":"z"}],"host":{"name":"h"}}`)
}
