package pipeline

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/throttle"
	"millrace/pipeline/cond"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
)

func testObserver(t *testing.T, o TapOptions, condition *cond.Condition) *observer {
	t.Helper()
	p := &Pipeline{throttled: throttle.New(slog.New(slog.DiscardHandler), time.Minute), points: []TapPoint{{ID: anyOutput, Kind: config.KindOutput}}}
	p.taps.began = time.Now()
	tap, err := p.Tap(o)
	require.NoError(t, err)
	tap.condition = condition
	w := &worker{p: p, batch: &event.Batch{}}
	ob := &observer{tap: tap, w: w, condition: condition}
	return ob
}

// TestObserverSurvives: a condition that fails on an event's content takes nothing with it.
func TestObserverSurvives(t *testing.T) {
	o := testObserver(t, TapOptions{}, cond.Observed(func(*event.Event) { panic("a bug") }))
	e := event.New(nil)
	e.Root().Set("message", event.StringValue("x"))
	o.look(e)
	require.Equal(t, `{"message":"x"}`, string(e.AppendJSON(nil)))
	require.Equal(t, int64(1), o.tap.Unseen())
	require.Empty(t, o.tap.events)
}

// TestObserverTime: a condition that takes long is asked no more when the time for it is used up, and later again.
func TestObserverTime(t *testing.T) {
	asked := 0
	o := testObserver(t, TapOptions{}, cond.Observed(func(*event.Event) { asked++ }))
	e := event.New(nil)
	s := o.tap.set
	s.time.take(s.now(), 2*tapBurst) // as four looks of an eighth of a second do
	o.look(e)
	require.Zero(t, asked)
	require.Equal(t, int64(1), o.tap.Unseen())
	s.began = s.began.Add(-2 * time.Second) // time passes
	o.look(e)
	require.Zero(t, asked, "the turn is not over")
	o.w.followTaps()
	o.look(e)
	require.Equal(t, 1, asked)
}

// TestTapRegexpTime: a pattern made to take for ever takes a moment.
func TestTapRegexpTime(t *testing.T) {
	condition, err := compileTapCondition(`[message] =~ /^(?:(a+)+\1)+$/`)
	require.NoError(t, err)
	e := event.New(nil)
	e.Root().Set("message", event.StringValue(strings.Repeat("a", 60)+"!"))
	start := time.Now()
	require.False(t, condition.ForWorker().Eval(e))
	require.Less(t, time.Since(start), 30*time.Second)
}

// TestConditionChangesNothing: a document that nobody looked into leaves as it came, whatever a follower's condition looks at.
func TestConditionChangesNothing(t *testing.T) {
	const doc = `{"b":1.0,"c":[1,{"d":"x"}]}`
	condition, err := compileTapCondition(`[a][b] == 1.0 and [a][c]`)
	require.NoError(t, err)
	o := testObserver(t, TapOptions{}, condition)
	e := event.New(nil)
	v, _, _, err := e.ParseJSON(`{"a":` + doc + `}`)
	require.NoError(t, err)
	for _, f := range v.Object().Fields() {
		e.Root().Set(f.Key, f.Val)
	}
	before := string(e.AppendJSON(nil))
	o.look(e)
	require.Len(t, o.tap.events, 1)
	require.Equal(t, before, string(e.AppendJSON(nil)))
}

func BenchmarkObserver(b *testing.B) {
	condition, err := compileTapCondition(`[message] == "other"`)
	if err != nil {
		b.Fatal(err)
	}
	p := &Pipeline{points: []TapPoint{{ID: anyOutput, Kind: config.KindOutput}}}
	p.taps.began = time.Now().Add(-time.Hour)
	tap, err := p.Tap(TapOptions{})
	if err != nil {
		b.Fatal(err)
	}
	o := &observer{tap: tap, w: &worker{p: p, batch: &event.Batch{}}, condition: condition}
	e := event.New(nil)
	for _, k := range []string{"message", "host", "path", "level", "clientip", "verb", "request", "bytes", "agent"} {
		e.Root().Set(k, event.StringValue(k))
	}
	b.ReportAllocs()
	for b.Loop() {
		tap.set.time.level.Store(0)
		o.look(e)
	}
}
