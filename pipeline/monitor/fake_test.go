package monitor

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/logging"
	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// The plugins of the tests: an input pushes what the test feeds it, filters are functions, outputs settle what they get.

type noOptions struct{}

type world struct {
	feed     map[string]chan []string // by input id
	counters Counters
	outputs  map[string]*fakeOutput
	filters  map[string]func(*event.Event, *plugin.Env) bool

	deadLetters plugin.DeadLetters
}

func newWorld() *world {
	return &world{feed: make(map[string]chan []string), outputs: make(map[string]*fakeOutput), filters: make(map[string]func(*event.Event, *plugin.Env) bool)}
}

type fakeInput struct {
	env  *plugin.Env
	feed chan []string
}

func (in *fakeInput) Run(ctx context.Context, out plugin.Sink) error {
	source := in.env.NewSource()
	for {
		select {
		case lines := <-in.feed:
			b := &event.Batch{Source: source}
			for _, l := range lines {
				b.Records = append(b.Records, event.Record{Data: l})
			}
			if err := out.Push(ctx, b); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

type fakeCodec struct{}

func (fakeCodec) Decode(r *event.Record, next func() *event.Event) {
	next().Root().Set("message", event.StringValue(r.Data))
}

func (fakeCodec) AppendEncode(dst []byte, e *event.Event) ([]byte, error) {
	return e.AppendJSON(dst), nil
}

type fakeFilter struct {
	env *plugin.Env
	f   func(*event.Event, *plugin.Env) bool
}

func (f *fakeFilter) Filter(e *event.Event) bool { return f.f == nil || f.f(e, f.env) }

type fakeClone struct{}

func (fakeClone) Filter(*event.Event) bool { panic("BUG: a Multiplier is multiplied") }
func (fakeClone) Multiply(e *event.Event, out plugin.Spawner) bool {
	e.CopyTo(out.New())
	return true
}

// fakeOutput delivers in a goroutine of its own, some events before the turn that wrote them is over.
type fakeOutput struct {
	env     *plugin.Env
	settle  func(stats *plugin.Stats, n int64)
	settled atomic.Int64
	target  atomic.Int64
	done    chan struct{} // closed when target events are settled
	once    sync.Once
	wg      sync.WaitGroup
}

func (o *fakeOutput) count(n int64) {
	o.settle(o.env.Stats, n)
	if o.settled.Add(n) == o.target.Load() {
		o.once.Do(func() { close(o.done) })
	}
}

func (o *fakeOutput) NewWriter() plugin.Writer { return &fakeWriter{o: o} }
func (o *fakeOutput) Close(context.Context) error {
	o.wg.Wait()
	return nil
}

func (o *fakeOutput) NodeStats() map[string]any {
	if o.env.Name != "elasticsearch" {
		return nil
	}
	return map[string]any{
		"documents":     map[string]any{"successes": o.settled.Load()},
		"bulk_requests": map[string]any{"successes": int64(6), "responses": map[string]int64{"200": 6}},
		"cluster_uuid":  "u",
	}
}

type fakeWriter struct {
	o *fakeOutput
	n int64
}

func (w *fakeWriter) Append(*event.Event) error {
	if w.n++; w.n == 50 { // a buffer is full
		w.o.count(w.n)
		w.n = 0
	}
	return nil
}

func (w *fakeWriter) Flush(_ context.Context, b *event.Batch) error {
	n := w.n
	w.n = 0
	w.o.wg.Go(func() {
		w.o.count(n)
		b.Settle()
	})
	return nil
}

func deliver(s *plugin.Stats, n int64) { s.Delivered.Add(n) }

func (w *world) registry() *plugin.Registry {
	input := func(_ noOptions, env *plugin.Env) (plugin.Input, error) {
		feed := make(chan []string)
		w.feed[env.ID] = feed
		return &fakeInput{env, feed}, nil
	}
	output := func(_ noOptions, env *plugin.Env) (plugin.Output, error) {
		o := &fakeOutput{env: env, settle: deliver, done: make(chan struct{})}
		w.outputs[env.ID] = o
		return o, nil
	}
	codec := func(streaming string) func(noOptions, *plugin.Env) (*plugin.Codec, error) {
		return func(noOptions, *plugin.Env) (*plugin.Codec, error) {
			return &plugin.Codec{NewDecoder: func() plugin.Decoder { return fakeCodec{} }, NewEncoder: func() plugin.Encoder { return fakeCodec{} }, Streaming: streaming}, nil
		}
	}
	defs := []*plugin.Definition{
		plugin.DefineInput("tcp", noOptions{}, input, plugin.Streaming(), plugin.WithCodec("line")),
		plugin.DefineInput("generator", noOptions{}, input),
		plugin.DefineCodec("plain", noOptions{}, codec("line")),
		plugin.DefineCodec("line", noOptions{}, codec("")),
		plugin.DefineCodec("dots", noOptions{}, codec("")),
		plugin.DefineFilter("clone", noOptions{}, func(noOptions, *plugin.Env) (plugin.Filter, error) { return fakeClone{}, nil }),
		plugin.DefineOutput("elasticsearch", noOptions{}, output),
		plugin.DefineOutput("stdout", noOptions{}, output),
	}
	type grokOptions struct {
		Match config.Pairs[string, []string] `opt:"match"`
	}
	defs = append(defs, plugin.DefineFilter("grok", grokOptions{}, func(_ grokOptions, env *plugin.Env) (plugin.Filter, error) {
		env.Counter("failures", "events that no pattern matched")
		return &fakeFilter{env, w.filters["grok"]}, nil
	}))
	for _, name := range []string{"date", "mutate", "drop"} {
		defs = append(defs, plugin.DefineFilter(name, noOptions{}, func(_ noOptions, env *plugin.Env) (plugin.Filter, error) {
			return &fakeFilter{env, w.filters[name]}, nil
		}))
	}
	return plugin.NewRegistry(defs)
}

// compile makes a pipeline of a config.
func (w *world) compile(t *testing.T, text string, change func(*pipeline.Settings)) (Pipeline, *plugin.Registry) {
	t.Helper()
	reg := w.registry()
	file, diags := config.Parse("/etc/logstash/a.conf", []byte(text), config.ParseOptions{})
	require.Empty(t, diags.String())
	settings := pipeline.DefaultSettings()
	settings.Workers = 2
	if change != nil {
		change(&settings)
	}
	pl, diags := pipeline.Compile([]*config.File{file}, reg, settings, plugin.Builder{
		Log: logging.Discard(), Lookup: func(string) (string, bool) { return "", false }, Counter: w.counters.Of(settings.ID),
		DeadLetters: w.deadLetters,
	})
	require.Empty(t, diags.String())
	return Pipeline{
		Pipeline: pl, Files: []*config.File{file},
		Plugin: func(id string) any {
			if o := w.outputs[id]; o != nil {
				return o
			}
			return nil
		},
	}, reg
}

// run runs a pipeline until the test ends and waits until its inputs are there.
func run(t *testing.T, p Pipeline) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = p.Run(ctx) // what it leaves is seen in its account
	}()
	<-p.Running()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

// recordedConfig is the config under which the answers in testdata/logstash were recorded, as far as they tell.
var recordedConfig = strings.Join([]string{
	`input { tcp { id => "in_tcp"                                  } generator { id => "gen" } }`,
	`filter { if [message] =~ /GET/ { grok { id => "g1" match => { "message" => "%{COMBINEDAPACHELOG}" } } date { id => "d1"                                                  } } mutate { id => "m1" } }`,
	`output { elasticsearch { id => "out_es"                                    } stdout { id => "out_std" codec => dots } }`,
}, "\n")

// recordedServer has the pipeline of the recorded answers after the same events.
func recordedServer(t *testing.T) *Server {
	t.Helper()
	w := newWorld()
	w.filters["mutate"] = func(*event.Event, *plugin.Env) bool { return true }
	p, reg := w.compile(t, recordedConfig, nil)
	s := New(Options{
		Hostname: "vm", Version: "8.19.0", Build: "0.1.0", Environment: "production", Began: time.Now().Add(-time.Minute),
		ReloadInterval: 3 * time.Second, Pipelines: []Pipeline{p}, Registry: reg, Counters: &w.counters, Levels: NewLevels(logging.ParseLevel("info")),
	})
	run(t, p)
	for _, o := range w.outputs {
		o.target.Store(503)
	}
	for i := range 5 {
		lines := make([]string, 100)
		for j := range lines {
			if lines[j] = "POST /"; i*100+j < 312 {
				lines[j] = "GET /"
			}
		}
		w.feed["in_tcp"] <- lines
	}
	w.feed["gen"] <- []string{"a", "b", "c"}
	for _, o := range w.outputs {
		<-o.done
	}
	// Outputs deliver before the turn is over; what the workers counted in it shows with its end, outputs last.
	require.Eventually(t, func() bool {
		for _, o := range p.Account().Outputs {
			if o.Taken != 503 {
				return false
			}
		}
		return true
	}, time.Minute, time.Millisecond)
	return s
}
