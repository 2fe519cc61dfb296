package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// collect receives all that a follower saw, once the pipeline has ended.
func collect(t *testing.T, tap *pipeline.Tap) (seen []string) {
	t.Helper()
	<-tap.Done()
	for {
		select {
		case s := <-tap.Events():
			seen = append(seen, s.Point+" "+string(s.Document))
		default:
			return seen
		}
	}
}

func pushing(lines ...string) func(ctx context.Context, env *plugin.Env, out plugin.Sink) error {
	return func(ctx context.Context, env *plugin.Env, out plugin.Sink) error {
		return out.Push(ctx, push(env, lines...))
	}
}

const tappedConfig = `input { in { id => "one" } }
filter {
  mark { }
  if [message] == "b" { odd { id => "odd" } }
  else if [message] =~ "^c" { doubler { } }
}
output {
  if [message] != "d" { out { id => "sink" } }
}`

func tappedWorld() *world {
	return &world{
		run: pushing("a", "b", "c", "d"),
		filters: map[string]func(*event.Event) bool{
			"mark": func(e *event.Event) bool {
				e.Root().Set("mark", event.IntValue(1))
				return true
			},
			"odd": func(e *event.Event) bool {
				e.Cancel()
				return false
			},
		},
	}
}

func TestTapPoints(t *testing.T) {
	p := tappedWorld().compile(t, tappedConfig, nil)
	var got []string
	for _, pt := range p.TapPoints() {
		got = append(got, fmt.Sprintf("%s %s %s:%d %s", pt.ID, pt.Plugin, pt.File, pt.Line, strings.Join(pt.Conditions, " / ")))
	}
	require.Equal(t, []string{
		"input:one in test:1 ",
		"input  :0 ",
		"filter:filter_mark_1 mark test:3 ",
		`filter:odd odd test:4 if [message] == "b"`,
		`filter:filter_doubler_1 doubler test:5 else if [message] =~ "^c"`,
		"output  :0 ",
		`output:sink out test:8 if [message] != "d"`,
	}, got)
}

// TestTap: what passes a point is seen there as it is at that moment, and the outputs get the same as without followers.
func TestTap(t *testing.T) {
	w := tappedWorld()
	p := w.compile(t, tappedConfig, func(s *pipeline.Settings) {
		s.Workers = 1
		s.Clock = func() time.Time { return time.Unix(0, 0) }
	})
	follow := func(o pipeline.TapOptions) *pipeline.Tap {
		tap, err := p.Tap(o)
		require.NoError(t, err)
		return tap
	}
	var want []string
	var taps []*pipeline.Tap
	f := func(o pipeline.TapOptions, lines ...string) {
		t.Helper()
		taps = append(taps, follow(o))
		for _, l := range lines {
			point, message, _ := strings.Cut(l, " ")
			doc := `{"@timestamp":"1970-01-01T00:00:00.000Z","@version":"1","message":"` + message[:1] + `"` + message[1:] + `}`
			want = append(want, fmt.Sprintf("%d %s %s", len(taps), point, doc))
		}
	}
	f(pipeline.TapOptions{At: "input:one"}, "input:one a", "input:one b", "input:one c", "input:one d")
	f(pipeline.TapOptions{At: "input", Sample: 2}, "input:one a", "input:one c")
	f(pipeline.TapOptions{At: "input", If: `[mark]`})
	f(pipeline.TapOptions{At: "filter:filter_mark_1", If: `[message] in ["a", "b"]`}, `filter:filter_mark_1 a,"mark":1`, `filter:filter_mark_1 b,"mark":1`)
	f(pipeline.TapOptions{At: "filter_mark_1", If: `[message] =~ /[bcd]/`, Sample: 2}, `filter:filter_mark_1 b,"mark":1`, `filter:filter_mark_1 d,"mark":1`)
	f(pipeline.TapOptions{At: "filter:odd"})
	f(pipeline.TapOptions{At: "filter:filter_doubler_1"}, `filter:filter_doubler_1 c,"mark":1`, `filter:filter_doubler_1 c,"mark":1,"copy":true`)
	f(pipeline.TapOptions{}, `output a,"mark":1`, `output c,"mark":1`, `output c,"mark":1,"copy":true`, `output d,"mark":1`)
	f(pipeline.TapOptions{At: "sink"}, `output:sink a,"mark":1`, `output:sink c,"mark":1`, `output:sink c,"mark":1,"copy":true`)
	closed := follow(pipeline.TapOptions{})
	require.Equal(t, len(taps)+1, p.Followers())
	closed.Close()
	closed.Close()
	require.Equal(t, len(taps), p.Followers())

	require.NoError(t, p.Run(context.Background()))
	var got []string
	for i, tap := range taps {
		require.Zero(t, tap.Unseen())
		for _, s := range collect(t, tap) {
			got = append(got, normal(fmt.Sprintf("%d %s", i+1, s)))
		}
	}
	for i := range want {
		want[i] = normal(want[i])
	}
	require.Equal(t, want, got)
	require.Empty(t, collect(t, closed))
	require.Equal(t, []string{"a", "c", "c", "d"}[:3], w.got)
	require.Zero(t, p.Followers())

	_, err := p.Tap(pipeline.TapOptions{})
	require.ErrorIs(t, err, pipeline.ErrPipelineEnded)
}

// normal takes away what these tests are not about: the order in which an event gets its own fields.
func normal(s string) string {
	for _, f := range []string{`"@timestamp":"1970-01-01T00:00:00.000Z"`, `"@version":"1"`} {
		s = strings.Replace(strings.Replace(s, f+",", "", 1), ","+f, "", 1)
	}
	return s
}

func TestTapRefuses(t *testing.T) {
	p := tappedWorld().compile(t, tappedConfig, nil)
	_, err := p.Tap(pipeline.TapOptions{At: "filter:od"})
	require.ErrorIs(t, err, pipeline.ErrNoTapPoint)
	require.ErrorContains(t, err, `did you mean "filter:odd"`)
	same := tappedWorld().compile(t, `input { in { } } filter { mark { id => "output" } } output { out { } }`, nil)
	tap, err := same.Tap(pipeline.TapOptions{At: "output"})
	require.NoError(t, err)
	require.Equal(t, "output", tap.Point(), "a point comes before a plugin of that name")
	tap, err = same.Tap(pipeline.TapOptions{At: "filter:output"})
	require.NoError(t, err)
	require.Equal(t, "filter:output", tap.Point())
	_, err = p.Tap(pipeline.TapOptions{At: "filter:"})
	require.ErrorIs(t, err, pipeline.ErrNoTapPoint)

	f := func(condition, want string) {
		t.Helper()
		_, err := p.Tap(pipeline.TapOptions{If: condition})
		var wrong *pipeline.TapConditionError
		require.ErrorAs(t, err, &wrong)
		require.ErrorContains(t, err, want)
	}
	f(`[message] = "x"`, "==")
	f(`[message] =~ "("`, "")
	f(`[message] == "x" } output { out {} }`, "after the end of the condition")
	f(`[a] == "`+strings.Repeat("x", 5000)+`"`, "at most 4096")
	f(strings.Repeat("(", 3000)+"[a]"+strings.Repeat(")", 900), "nested more than")
	require.Zero(t, p.Followers())

	for range pipeline.MaxFollowers {
		_, err := p.Tap(pipeline.TapOptions{})
		require.NoError(t, err)
	}
	_, err = p.Tap(pipeline.TapOptions{})
	require.ErrorIs(t, err, pipeline.ErrTooManyFollowers)
}

// TestTapNeverBlocks: a follower that reads nothing costs the pipeline nothing it would wait for; what it saw and what it did not see
// is all that passed, and all is delivered.
func TestTapNeverBlocks(t *testing.T) {
	const producers, batches, size = 4, 100, 50
	w := &world{}
	w.run = func(ctx context.Context, env *plugin.Env, out plugin.Sink) error {
		var wg sync.WaitGroup
		for range producers {
			wg.Go(func() {
				for range batches {
					if err := out.Push(ctx, push(env, strings.Split(strings.Repeat("x,", size-1)+"x", ",")...)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		return nil
	}
	p := w.compile(t, `input { in { } } filter { doubler { } } output { out { } }`, func(s *pipeline.Settings) { s.Workers = 3 })
	var taps []*pipeline.Tap
	for _, o := range []pipeline.TapOptions{{At: "input"}, {At: "filter_doubler_1"}, {At: "output", Rate: 1}, {At: "output", If: `[message] == "x"`}} {
		tap, err := p.Tap(o)
		require.NoError(t, err)
		taps = append(taps, tap)
	}
	// Others come and go while events flow.
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			tap, err := p.Tap(pipeline.TapOptions{At: "filter_doubler_1", If: `[message] =~ /x|y/`, Metadata: true})
			if err != nil {
				require.ErrorIs(t, err, pipeline.ErrPipelineEnded)
				return
			}
			select {
			case s := <-tap.Events():
				require.Equal(t, "{}", string(s.Metadata))
			case <-tap.Done():
			}
			tap.Close()
		}
	})
	require.NoError(t, p.Run(context.Background()))
	close(stop)
	wg.Wait()
	const in = producers * batches * size
	for i, want := range []int{in, 2 * in, 2 * in, 2 * in} {
		require.Equal(t, want, len(collect(t, taps[i]))+int(taps[i].Unseen()), "follower %d", i)
	}
	require.Len(t, w.got, 2*in)
	a := p.Account()
	require.Equal(t, int64(in), a.Received)
	require.Zero(t, a.Outputs[0].InFlight)
}

// TestTapRate: a second's worth may come at once, then no more than the rate.
func TestTapRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		w.run = func(ctx context.Context, env *plugin.Env, out plugin.Sink) error {
			for range 30 { // three seconds, ten batches each
				if err := out.Push(ctx, push(env, "a", "a", "a")); err != nil {
					return err
				}
				time.Sleep(100 * time.Millisecond)
			}
			return nil
		}
		p := w.compile(t, `input { in { } } output { out { } }`, nil)
		tap, err := p.Tap(pipeline.TapOptions{Rate: 5})
		require.NoError(t, err)
		require.NoError(t, p.Run(context.Background()))
		seen := len(collect(t, tap))
		require.Equal(t, 5+3*5-1, seen, "the burst, and three seconds of the rate less the last tenth")
		require.Equal(t, int64(90-seen), tap.Unseen())
	})
}

// TestTapFlusher: what a filter makes when time passes is seen behind it.
func TestTapFlusher(t *testing.T) {
	w := &world{}
	w.run = func(context.Context, *plugin.Env, plugin.Sink) error { return nil }
	p := w.compile(t, `input { in { } } filter { ticker { } } output { out { } }`, nil)
	tap, err := p.Tap(pipeline.TapOptions{At: "filter:filter_ticker_1"})
	require.NoError(t, err)
	w.run = pushing("x")
	require.NoError(t, p.Run(context.Background()))
	seen := collect(t, tap)
	require.Len(t, seen, 2)
	require.Contains(t, seen[1], "tick final=true")
}

// TestTapLarge: of a huge event the beginning is shown, cut between characters.
func TestTapLarge(t *testing.T) {
	w := &world{run: pushing(strings.Repeat("ü", 1<<20))}
	p := w.compile(t, `input { in { } } output { out { } }`, nil)
	tap, err := p.Tap(pipeline.TapOptions{})
	require.NoError(t, err)
	require.NoError(t, p.Run(context.Background()))
	s := <-tap.Events()
	require.True(t, s.Truncated)
	require.Greater(t, s.Size, 2<<20)
	require.LessOrEqual(t, len(s.Document), pipeline.MaxTapEventBytes)
	require.Greater(t, len(s.Document), pipeline.MaxTapEventBytes-3)
	require.True(t, strings.HasSuffix(string(s.Document), "ü"))
}

func TestTapErrorsAreTold(t *testing.T) {
	err := error(&pipeline.TapConditionError{Diagnostics: config.Diagnostics{config.Errorf(config.Place{}, "x", "wrong")}})
	require.Contains(t, errors.Join(err).Error(), "wrong")
}
