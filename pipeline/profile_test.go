package pipeline_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// work is a clock that goes on while something works.
type work struct{ now atomic.Int64 }

func (w *work) clock() int64 { return w.now.Load() }

// takes returns a filter that takes some time, and fails on events of a message.
func (w *work) takes(nanos int64, fails string) func(*event.Event) bool {
	return func(e *event.Event) bool {
		w.now.Add(nanos)
		if v, _ := e.Get(event.MustPath("message")); fails != "" && v.Str() == fails {
			e.Tag("_failed")
			return false
		}
		return true
	}
}

func partText(p *pipeline.ProfilePart) string {
	what := string(p.Kind)
	switch {
	case p.Kind == pipeline.PartBranch:
		what += " " + p.Head
	case p.Plugin != nil:
		what += " " + p.Plugin.Name
	}
	line := 0
	if p.Place.File != nil {
		line = p.Place.File.Position(p.Place.Start).Line
	}
	out := fmt.Sprintf("%s:%d %dns %d/%d", what, line, p.Nanos, p.Held, p.Events)
	if p.Cancelled+p.Made > 0 {
		out += fmt.Sprintf(" -%d+%d", p.Cancelled, p.Made)
	}
	if len(p.Tags) > 0 {
		out += fmt.Sprint(" ", p.Tags)
	}
	return out
}

const profiledConfig = `input { in { id => "one" } }
filter {
  a { add_tag => ["x"] }
  if [message] == "b" { b { } }
  else { doubler { } }
  odd { }
}
output { if [message] != "d" { out { } } }`

func profiledWorld(w *work, lines ...string) *world {
	return &world{
		run: pushing(lines...),
		filters: map[string]func(*event.Event) bool{
			"a": w.takes(100, "c"), "b": w.takes(30, ""),
			"odd": func(e *event.Event) bool {
				w.now.Add(5)
				if v, _ := e.Get(event.MustPath("message")); v.Str() == "d" {
					e.Cancel()
				}
				return false
			},
		},
	}
}

// TestProfile: every part is told with what reached it and what it took; the events are the same as without a profile, also for those
// who follow them.
func TestProfile(t *testing.T) {
	lines := []string{"a", "b", "c", "d"}
	fixed := func(s *pipeline.Settings) {
		s.Workers = 1
		s.Clock = func() time.Time { return time.Unix(0, 0) }
	}
	plain := profiledWorld(new(work), lines...)
	require.NoError(t, plain.compile(t, profiledConfig, fixed).Run(t.Context()))

	w := new(work)
	world := profiledWorld(w, lines...)
	p := world.compile(t, profiledConfig, fixed)
	tap, err := p.Tap(pipeline.TapOptions{At: "filter:filter_b_1"})
	require.NoError(t, err)
	pr, err := p.Profile(pipeline.ProfileOptions{Clock: w.clock})
	require.NoError(t, err)
	_, err = p.Profile(pipeline.ProfileOptions{})
	require.ErrorIs(t, err, pipeline.ErrProfiled)
	require.NoError(t, p.Run(t.Context()))
	require.Equal(t, plain.docs, world.docs)
	require.Len(t, collect(t, tap), 1)
	<-pr.Done()
	pr.Stop()
	s := pr.Snapshot()
	var got []string
	for i := range s.Parts {
		got = append(got, partText(&s.Parts[i]))
	}
	require.Equal(t, []string{
		"pipeline:0 0ns 0/0", "decode in:1 0ns 0/4",
		"filter a:3 400ns 3/4 map[_failed:1]",
		`branch if [message] == "b":4 0ns 1/4`, "filter b:4 30ns 1/1",
		"branch else:5 0ns 3/3", "filter doubler:5 0ns 3/3 -0+3",
		"filter odd:6 35ns 0/7 -2+0",
		`branch if [message] != "d":8 0ns 5/5`, "output out:8 0ns 0/5", "flush out:8 0ns 0/1",
		"followers:0 0ns 0/1",
	}, got)
	require.Equal(t, int64(1), s.Turns)
	require.Equal(t, 465*time.Nanosecond, s.Took)
	_, err = p.Profile(pipeline.ProfileOptions{})
	require.ErrorIs(t, err, pipeline.ErrPipelineEnded)
}

// TestProfilePanic: a plugin that fails on an event's content costs the others nothing, and the time goes on to be theirs.
func TestProfilePanic(t *testing.T) {
	w := new(work)
	world := profiledWorld(w, "b", "decoder panic", "b", "panic", "b")
	takes := world.filters["b"]
	world.filters["b"] = func(e *event.Event) bool {
		if e.HasTag("boom") {
			panic("a bug")
		}
		return takes(e)
	}
	world.filters["a"] = func(e *event.Event) bool {
		if v, _ := e.Get(event.MustPath("message")); v.Str() == "panic" {
			w.now.Add(1000)
			panic("a bug")
		}
		w.now.Add(100)
		return true
	}
	p := world.compile(t, profiledConfig, func(s *pipeline.Settings) { s.Workers = 1 })
	pr, err := p.Profile(pipeline.ProfileOptions{Clock: w.clock})
	require.NoError(t, err)
	require.NoError(t, p.Run(t.Context()))
	parts := pr.Snapshot().Parts
	require.Equal(t, "filter a:3 1300ns 3/3", partText(&parts[2]))
	require.Equal(t, "filter b:4 90ns 3/3", partText(&parts[4]))
	require.Zero(t, parts[0].Nanos)
	require.Len(t, world.docs, 5)
}

// TestProfileFlusher: a filter that makes events when time passes does so as often as without a profile.
func TestProfileFlusher(t *testing.T) {
	w := &world{run: pushing("a")}
	p := w.compile(t, `input { in { } } filter { ticker { add_tag => ["ticked"] } } output { out { } }`, func(s *pipeline.Settings) { s.Workers = 1 })
	pr, err := p.Profile(pipeline.ProfileOptions{Clock: new(work).clock})
	require.NoError(t, err)
	require.NoError(t, p.Run(t.Context()))
	require.Equal(t, []string{"a", "tick final=true"}, w.got)
	require.Equal(t, 2, strings.Count(strings.Join(w.docs, ""), "ticked"))
	require.Equal(t, "filter ticker:1 0ns 1/1", partText(&pr.Snapshot().Parts[2]))
}

// TestProfileRunning: profiles come and go, with followers, while several workers work; no event is lost or changed.
func TestProfileRunning(t *testing.T) {
	const each = 20
	enough := make(chan struct{})
	w := &world{filters: map[string]func(*event.Event) bool{"mark": func(e *event.Event) bool {
		e.Root().Set("mark", event.IntValue(1))
		return true
	}}}
	pushed := 0
	w.run = func(ctx context.Context, env *plugin.Env, out plugin.Sink) error {
		for {
			select {
			case <-enough:
				return nil
			default:
			}
			var lines []string
			for j := range each {
				lines = append(lines, fmt.Sprint(pushed+j))
			}
			pushed += each
			if err := out.Push(ctx, push(env, lines...)); err != nil {
				return err
			}
		}
	}
	p := w.compile(t, `input { in { } } filter { mark { } if [message] =~ "7$" { doubler { } } } output { out { } }`, func(s *pipeline.Settings) { s.Workers = 3 })
	ended := make(chan error, 1)
	go func() { ended <- p.Run(context.Background()) }()
	for n := range 12 {
		pr, err := p.Profile(pipeline.ProfileOptions{Share: n % 3})
		require.NoError(t, err)
		if n%2 == 0 {
			tap, err := p.Tap(pipeline.TapOptions{})
			require.NoError(t, err)
			defer tap.Close()
		}
		require.NoError(t, pr.Await(t.Context(), 50))
		pr.Stop()
		require.GreaterOrEqual(t, pr.Snapshot().Parts[1].Events, int64(50))
	}
	close(enough)
	require.NoError(t, <-ended)
	require.Len(t, w.docs, pushed*11/10)
	for _, doc := range w.docs {
		require.Contains(t, doc, `"mark":1`)
	}
	a := p.Account()
	require.Equal(t, a.Received+a.Made, a.Dropped+a.Unrouted+a.Routed)
}

// TestProfileShare: a worker that is timed for its share of the time is left alone for the rest of it.
func TestProfileShare(t *testing.T) {
	clock := new(work)
	w := profiledWorld(clock)
	w.run = func(ctx context.Context, env *plugin.Env, out plugin.Sink) error {
		for range 100 {
			done := make(chan struct{})
			b := push(env, "a")
			b.Done = func(*event.Batch) { close(done) }
			if err := out.Push(ctx, b); err != nil {
				return err
			}
			<-done
		}
		return nil
	}
	p := w.compile(t, profiledConfig, func(s *pipeline.Settings) { s.Workers, s.BatchSize = 1, 1 })
	pr, err := p.Profile(pipeline.ProfileOptions{Share: 4, Clock: clock.clock})
	require.NoError(t, err)
	require.NoError(t, p.Run(t.Context()))
	require.InDelta(t, 25, pr.Snapshot().Turns, 2)
}
