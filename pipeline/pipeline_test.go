package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

type none struct{}

// world is the plugins of a test: an input that is a function, filters by name, an output that settles as the test says.
type world struct {
	run     func(ctx context.Context, env *plugin.Env, out plugin.Sink) error
	filters map[string]func(e *event.Event) bool
	flush   func(b *event.Batch) // nil: settle at once
	blocked chan struct{}        // Flush waits for it
	panicOn string               // the message on which Append panics
	tallied atomic.Int64         // what the filters tally counted and published

	mu   sync.Mutex
	got  []string
	docs []string
	env  *plugin.Env
}

type inputFunc func(ctx context.Context, out plugin.Sink) error

func (f inputFunc) Run(ctx context.Context, out plugin.Sink) error { return f(ctx, out) }

type filterFunc func(e *event.Event) bool

func (f filterFunc) Filter(e *event.Event) bool { return f(e) }

type lineDecoder struct{}

func (lineDecoder) Decode(r *event.Record, next func() *event.Event) {
	if r.Data == "decoder panic" {
		panic("decoder")
	}
	next().Root().Set("message", event.StringValue(r.Data))
}

// ticker is a Flusher that makes an event each second, and one at the end.
type ticker struct{ n atomic.Int64 }

func (*ticker) Filter(*event.Event) bool     { return true }
func (*ticker) FlushInterval() time.Duration { return time.Second }
func (f *ticker) Flush(_ time.Time, final bool, out plugin.Spawner) {
	f.n.Add(1)
	e := out.New()
	e.Root().Set("message", event.StringValue(fmt.Sprintf("tick final=%v", final)))
	out.Succeed(e)
}

// doubler makes a copy of each event.
type doubler struct{}

func (doubler) Filter(*event.Event) bool { panic("BUG: a Multiplier is multiplied") }
func (doubler) Multiply(e *event.Event, out plugin.Spawner) bool {
	c := out.New()
	e.CopyTo(c)
	c.Root().Set("copy", event.BoolValue(true))
	return true
}

// tally counts events for each worker, and publishes the counts.
type tally struct{ total *atomic.Int64 }

func (tally) Filter(*event.Event) bool          { panic("BUG: each worker has its own") }
func (f tally) ForWorker() plugin.Filter        { return &tallyWorker{tally: f} }
func (f *tallyWorker) Filter(*event.Event) bool { f.n++; return false }
func (f *tallyWorker) Publish()                 { f.total.Add(f.n); f.n = 0 }

type tallyWorker struct {
	tally
	n int64
}

func (w *world) registry() *plugin.Registry {
	defs := []*plugin.Definition{
		plugin.DefineInput("in", none{}, func(_ none, env *plugin.Env) (plugin.Input, error) {
			return inputFunc(func(ctx context.Context, out plugin.Sink) error { return w.run(ctx, env, out) }), nil
		}),
		plugin.DefineCodec("plain", none{}, func(none, *plugin.Env) (*plugin.Codec, error) {
			return &plugin.Codec{NewDecoder: func() plugin.Decoder { return lineDecoder{} }, NewEncoder: func() plugin.Encoder { return nil }}, nil
		}),
		plugin.DefineFilter("ticker", none{}, func(none, *plugin.Env) (plugin.Filter, error) { return new(ticker), nil }),
		plugin.DefineFilter("tally", none{}, func(none, *plugin.Env) (plugin.Filter, error) { return tally{&w.tallied}, nil }),
		plugin.DefineFilter("doubler", none{}, func(none, *plugin.Env) (plugin.Filter, error) { return doubler{}, nil }),
		plugin.DefineOutput("out", none{}, func(_ none, env *plugin.Env) (plugin.Output, error) {
			w.env = env
			return w, nil
		}),
	}
	for name, f := range w.filters {
		defs = append(defs, plugin.DefineFilter(name, none{}, func(none, *plugin.Env) (plugin.Filter, error) { return filterFunc(f), nil }))
	}
	return plugin.NewRegistry(defs)
}

func (w *world) NewWriter() plugin.Writer    { return &writer{w: w} }
func (w *world) Close(context.Context) error { return nil }

type writer struct {
	w     *world
	turn  []string
	lines []string
}

func (wr *writer) Append(e *event.Event) error {
	v, _ := e.Get(event.MustPath("message"))
	if wr.w.panicOn != "" && v.Str() == wr.w.panicOn {
		panic("cannot write it")
	}
	wr.lines = append(wr.lines, v.Str())
	wr.turn = append(wr.turn, event.ObjectValue(e.Root()).Text())
	return nil
}

func (wr *writer) Flush(ctx context.Context, b *event.Batch) error {
	w := wr.w
	if w.blocked != nil {
		select {
		case <-w.blocked:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	w.mu.Lock()
	w.got = append(w.got, wr.lines...)
	w.docs = append(w.docs, wr.turn...)
	w.env.Stats.Delivered.Add(int64(len(wr.lines)))
	wr.lines, wr.turn = nil, nil
	w.mu.Unlock()
	if w.flush != nil {
		w.flush(b)
	} else {
		b.Settle()
	}
	return nil
}

func (w *world) compile(t *testing.T, conf string, change func(*pipeline.Settings)) *pipeline.Pipeline {
	t.Helper()
	f, diags := config.Parse("test", []byte(conf), config.ParseOptions{})
	require.Empty(t, diags)
	s := pipeline.DefaultSettings()
	if change != nil {
		change(&s)
	}
	p, diags := pipeline.Compile([]*config.File{f}, w.registry(), s, plugin.Builder{Log: slog.New(slog.DiscardHandler)})
	require.NotNil(t, p, diags.String())
	return p
}

func push(env *plugin.Env, lines ...string) *event.Batch {
	b := &event.Batch{Source: env.NewSource()}
	for _, l := range lines {
		b.Records = append(b.Records, event.Record{Data: l})
	}
	return b
}

// TestConservation: under random batches, slow and unordered settling, drops and copies, every event is accounted for and every batch
// is done exactly once.
func TestConservation(t *testing.T) {
	for seed := range int64(20) {
		rnd := rand.New(rand.NewSource(seed))
		var pushed, done, settles atomic.Int64
		producers, batches := 1+rnd.Intn(8), 50
		w := &world{
			filters: map[string]func(*event.Event) bool{"dropper": func(e *event.Event) bool {
				v, _ := e.Get(event.MustPath("message"))
				if strings.HasSuffix(v.Str(), "7") {
					e.Cancel()
				}
				return true
			}},
			flush: func(b *event.Batch) {
				settles.Add(1)
				go b.Settle() // later, in any order
			},
		}
		w.run = func(ctx context.Context, env *plugin.Env, out plugin.Sink) error {
			var wg sync.WaitGroup
			for p := range producers {
				r := rand.New(rand.NewSource(seed + int64(p)))
				wg.Go(func() {
					for range batches {
						lines := make([]string, r.Intn(40))
						for i := range lines {
							lines[i] = fmt.Sprint(r.Intn(1000))
						}
						b := push(env, lines...)
						b.Done = func(*event.Batch) { done.Add(1) }
						pushed.Add(int64(len(lines)))
						if err := out.Push(ctx, b); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			return nil
		}
		p := w.compile(t, `input { in {} } filter { dropper {} if [message] =~ "3" { doubler {} } } output { if [message] !~ "^5" { out {} } }`,
			func(s *pipeline.Settings) { s.Workers, s.MaxInflight, s.QueueSlots = 1+rnd.Intn(3), 2000, 2 })
		require.NoError(t, p.Run(context.Background()))
		require.Eventually(t, func() bool { return done.Load() == int64(producers*batches) }, time.Minute, time.Millisecond,
			"seed %d: batches done", seed)
		a := p.Account()
		require.Equal(t, pushed.Load(), a.Received, "seed %d", seed)
		require.Equal(t, a.Received+a.Made, a.Dropped+a.Unrouted+a.Routed, "seed %d", seed)
		require.Equal(t, a.Routed, a.Outputs[0].Taken, "seed %d", seed)
		require.Zero(t, a.Outputs[0].InFlight, "seed %d", seed)
		require.Len(t, w.got, int(a.Routed), "seed %d", seed)
		require.Zero(t, p.Stats.QueueEvents.Load())
		require.Zero(t, p.Stats.QueueBatches.Load())
	}
}

// TestBackPressure: an output that takes nothing stops the input within the bounds; when it takes again nothing is missing.
func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{blocked: make(chan struct{})}
		var pushed atomic.Int64
		w.run = func(ctx context.Context, env *plugin.Env, out plugin.Sink) error {
			for i := range 1000 {
				if err := out.Push(ctx, push(env, fmt.Sprintf("%0100d", i))); err != nil {
					return err
				}
				pushed.Add(1)
			}
			return nil
		}
		p := w.compile(t, `input { in {} } output { out {} }`, func(s *pipeline.Settings) {
			s.Workers, s.MaxInflight, s.BatchSize, s.QueueSlots = 1, 2000, 1, 4
		})
		ended := make(chan error, 1)
		go func() { ended <- p.Run(context.Background()) }()
		synctest.Wait()
		require.LessOrEqual(t, pushed.Load(), int64(20))
		require.GreaterOrEqual(t, pushed.Load(), int64(4))
		close(w.blocked)
		require.NoError(t, <-ended)
		require.Len(t, w.got, 1000)
		require.Equal(t, fmt.Sprintf("%0100d", 999), w.got[999], "one worker keeps the order")
	})
}

// TestShutdownLimit: what an output does not take in time is left and counted, and Run returns.
func TestShutdownLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{blocked: make(chan struct{})}
		w.run = func(ctx context.Context, env *plugin.Env, out plugin.Sink) error {
			if err := out.Push(ctx, push(env, "a", "b")); err != nil {
				return err
			}
			<-ctx.Done()
			return nil
		}
		p := w.compile(t, `input { in {} } output { out {} }`, func(s *pipeline.Settings) { s.Workers = 1 })
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		synctest.Wait()
		began := time.Now()
		stop()
		require.NoError(t, <-ended)
		require.Equal(t, 8*time.Second, time.Since(began))
		require.Equal(t, int64(2), p.Account().Outputs[0].InFlight)
	})
}

// TestPanicCostsOneEventItsFilters: the event goes on with a tag, its neighbours are untouched.
func TestPanicCostsOneEventItsFilters(t *testing.T) {
	w := &world{filters: map[string]func(*event.Event) bool{"fragile": func(e *event.Event) bool {
		if v, _ := e.Get(event.MustPath("message")); v.Str() == "bad" {
			panic("cannot bear it")
		}
		return true
	}}}
	w.run = func(ctx context.Context, env *plugin.Env, out plugin.Sink) error {
		return out.Push(ctx, push(env, "one", "bad", "two", "decoder panic", "three"))
	}
	p := w.compile(t, `input { in {} } filter { fragile { add_tag => ["passed"] } } output { out {} }`, func(s *pipeline.Settings) { s.Workers = 1 })
	require.NoError(t, p.Run(context.Background()))
	require.Equal(t, []string{"one", "bad", "two", "decoder panic", "three"}, w.got)
	require.Contains(t, w.docs[1], `"tags":["_millrace_bug"]`)
	require.Contains(t, w.docs[2], `"tags":["passed"]`)
	require.Equal(t, int64(2), p.Stats.Panics.Load())
	a := p.Account()
	require.Equal(t, a.Received+a.Made, a.Dropped+a.Unrouted+a.Routed)
}

// TestPublisher: what each worker's filter counts for itself is published.
func TestPublisher(t *testing.T) {
	w := &world{}
	w.run = func(ctx context.Context, env *plugin.Env, out plugin.Sink) error {
		for range 20 {
			if err := out.Push(ctx, push(env, "one", "two", "three")); err != nil {
				return err
			}
		}
		return nil
	}
	p := w.compile(t, `input { in {} } filter { tally {} if [message] == "two" { doubler {} tally {} } } output { out {} }`, func(s *pipeline.Settings) { s.Workers = 3 })
	require.NoError(t, p.Run(context.Background()))
	require.EqualValues(t, 60+40, w.tallied.Load())
}

// TestPanicAfterMultiplying: of the events that one record became, none is lost and all are counted.
func TestPanicAfterMultiplying(t *testing.T) {
	w := &world{filters: map[string]func(*event.Event) bool{"fragile": func(e *event.Event) bool {
		if _, copied := e.Get(event.MustPath("copy")); copied {
			panic("cannot bear a copy")
		}
		return true
	}}}
	w.run = func(ctx context.Context, env *plugin.Env, out plugin.Sink) error {
		return out.Push(ctx, push(env, "one", "two"))
	}
	p := w.compile(t, `input { in {} } filter { doubler {} fragile {} } output { out {} }`, func(s *pipeline.Settings) { s.Workers = 1 })
	require.NoError(t, p.Run(context.Background()))
	require.Equal(t, []string{"one", "one", "two", "two"}, w.got)
	a := p.Account()
	require.Equal(t, int64(2), a.Made)
	require.Equal(t, a.Received+a.Made, a.Dropped+a.Unrouted+a.Routed)
}

// TestPanicOfAnOutput: the event counts as dropped by that output, the others are written.
func TestPanicOfAnOutput(t *testing.T) {
	w := &world{panicOn: "bad"}
	w.run = func(ctx context.Context, env *plugin.Env, out plugin.Sink) error {
		return out.Push(ctx, push(env, "one", "bad", "two"))
	}
	p := w.compile(t, `input { in {} } output { out {} }`, func(s *pipeline.Settings) { s.Workers = 1 })
	require.NoError(t, p.Run(context.Background()))
	require.Equal(t, []string{"one", "two"}, w.got)
	a := p.Account()
	require.Equal(t, int64(3), a.Routed)
	require.Equal(t, int64(3), a.Outputs[0].Taken)
	require.Equal(t, int64(1), a.Outputs[0].Dropped)
	require.Zero(t, a.Outputs[0].InFlight)
}

// TestInputIsRestarted: an input that fails or panics is run again after a pause, one that cannot run is not.
func TestInputIsRestarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		attempt := 0
		w.run = func(ctx context.Context, env *plugin.Env, out plugin.Sink) error {
			attempt++
			switch attempt {
			case 1:
				return errors.New("connection lost")
			case 2:
				panic("a bug")
			case 3:
				if err := out.Push(ctx, push(env, "at last")); err != nil {
					return err
				}
				return fmt.Errorf("no way: %w", plugin.ErrFatal)
			}
			t.Error("run again after a fatal error")
			return nil
		}
		p := w.compile(t, `input { in {} } output { out {} }`, nil)
		began := time.Now()
		require.NoError(t, p.Run(context.Background()))
		require.Equal(t, []string{"at last"}, w.got)
		require.Equal(t, 2*time.Second, time.Since(began))
		require.Equal(t, int64(2), p.Inputs()[0].Restarts.Load())
	})
}

// TestFlusher: events that a filter makes as time passes meet the rest of its branch and what follows.
func TestFlusher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{filters: map[string]func(*event.Event) bool{"noop": func(*event.Event) bool { return true }}}
		w.run = func(ctx context.Context, env *plugin.Env, out plugin.Sink) error {
			if err := out.Push(ctx, push(env, "line")); err != nil {
				return err
			}
			time.Sleep(2500 * time.Millisecond) // of the bubble's clock
			return nil
		}
		p := w.compile(t, `input { in {} }
			filter { if [message] { ticker { add_tag => ["ticked"] } noop { add_tag => ["branch"] } } else { noop { add_tag => ["else"] } } noop { add_tag => ["end"] } }
			output { out {} }`, func(s *pipeline.Settings) { s.Workers = 2 })
		require.NoError(t, p.Run(context.Background()))
		require.Equal(t, []string{"line", "tick final=false", "tick final=false", "tick final=true"}, w.got)
		require.Contains(t, w.docs[3], `"tags":["ticked","branch","end"]`)
		a := p.Account()
		require.Equal(t, int64(3), a.Made)
		require.Equal(t, a.Received+a.Made, a.Dropped+a.Unrouted+a.Routed)
	})
}

func TestDuplicateIDs(t *testing.T) {
	w := &world{}
	f, _ := config.Parse("test", []byte(`input { in { id => "x" } } output { out { id => "x" } }`), config.ParseOptions{})
	p, diags := pipeline.Compile([]*config.File{f}, w.registry(), pipeline.DefaultSettings(), plugin.Builder{Log: slog.New(slog.DiscardHandler)})
	require.Nil(t, p)
	require.Contains(t, diags.String(), `two plugins have the id "x"`)
}

func BenchmarkPipeline(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			line := strings.Repeat("a plain log line ", 9)
			w := &world{}
			w.run = func(ctx context.Context, env *plugin.Env, out plugin.Sink) error {
				records := make([]event.Record, 400)
				for i := range records {
					records[i].Data = line
				}
				source := env.NewSource()
				for n := 0; n < b.N; n += len(records) {
					if err := out.Push(ctx, &event.Batch{Source: source, Records: records, Bytes: 400 * len(line)}); err != nil {
						return err
					}
				}
				return nil
			}
			f, _ := config.Parse("bench", []byte(`input { in {} } output { if [never] { out {} } }`), config.ParseOptions{})
			s := pipeline.DefaultSettings()
			s.Workers = workers
			p, _ := pipeline.Compile([]*config.File{f}, w.registry(), s, plugin.Builder{Log: slog.New(slog.DiscardHandler)})
			b.ReportAllocs()
			b.ResetTimer()
			if err := p.Run(context.Background()); err != nil {
				b.Fatal(err)
			}
		})
	}
}
