package pipebus_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/codecs"
	"millrace/inputs/generator"
	inpipeline "millrace/inputs/pipeline"
	"millrace/internal/logging"
	"millrace/internal/pipebus"
	outpipeline "millrace/outputs/pipeline"
	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// world is what the pipelines of a test share: an output that keeps documents, and an input that ends when the test says.
type world struct {
	mu    sync.Mutex
	docs  []string
	held  []*event.Batch
	hold  bool
	done  int           // batches of the input "held" that are settled
	block chan struct{} // Flush waits for it
}

func (w *world) registry() *plugin.Registry {
	return plugin.NewRegistry([]*plugin.Definition{
		inpipeline.Plugin, outpipeline.Plugin, generator.Plugin,
		plugin.DefineOutput("keep", struct{}{}, func(_ struct{}, env *plugin.Env) (plugin.Output, error) { return &keep{w, env}, nil }),
		plugin.DefineInput("lines", struct{}{}, func(_ struct{}, env *plugin.Env) (plugin.Input, error) { return &lines{w, env}, nil }),
	}, codecs.All())
}

// lines pushes three records and waits for the end.
type lines struct {
	w   *world
	env *plugin.Env
}

func (in *lines) Run(ctx context.Context, out plugin.Sink) error {
	for i := range 3 {
		b := &event.Batch{Source: in.env.NewSource(), Records: []event.Record{{Data: fmt.Sprint("line ", i)}}, Done: func(*event.Batch) {
			in.w.mu.Lock()
			defer in.w.mu.Unlock()
			in.w.done++
		}}
		if err := out.Push(ctx, b); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}

type keep struct {
	w   *world
	env *plugin.Env
}

func (k *keep) NewWriter() plugin.Writer    { return &keepWriter{keep: k} }
func (k *keep) Close(context.Context) error { return nil }

type keepWriter struct {
	*keep
	n int64
}

func (k *keepWriter) Append(e *event.Event) error {
	k.w.mu.Lock()
	defer k.w.mu.Unlock()
	e.Root().Delete(event.TimestampField)
	e.Root().Delete(event.VersionField)
	k.w.docs = append(k.w.docs, string(e.AppendJSON(nil)))
	k.n++
	return nil
}

func (k *keepWriter) Flush(ctx context.Context, b *event.Batch) error {
	if k.w.block != nil {
		select {
		case <-k.w.block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	k.env.Stats.Delivered.Add(k.n)
	k.n = 0
	k.w.mu.Lock()
	hold := k.w.hold
	if hold {
		k.w.held = append(k.w.held, b)
	}
	k.w.mu.Unlock()
	if !hold {
		b.Settle()
	}
	return nil
}

// compile compiles pipelines, named a, b, c in turn, on one bus.
func compile(t *testing.T, w *world, configs ...string) []*pipeline.Pipeline {
	t.Helper()
	bus := pipebus.New()
	var all []*pipeline.Pipeline
	for i, text := range configs {
		f, diags := config.Parse("test", []byte(text), config.ParseOptions{})
		require.Empty(t, diags)
		s := pipeline.DefaultSettings()
		s.ID, s.ECS, s.Hostname, s.ShutdownLimit = string(rune('a'+i)), plugin.ECSDisabled, "h", 5*time.Second
		pl, diags := pipeline.Compile([]*config.File{f}, w.registry(), s, plugin.Builder{Log: logging.Discard(), Bus: bus})
		require.False(t, diags.HasErrors(), diags.String())
		all = append(all, pl)
	}
	return all
}

// run runs pipelines until they end, and calls during once they do nothing any more.
func run(t *testing.T, pipelines []*pipeline.Pipeline, during func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, p := range pipelines {
		wg.Go(func() {
			if err := p.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	if during != nil {
		synctest.Wait()
		during()
		cancel()
	}
	wg.Wait()
	cancel()
}

func TestCopiesToEachAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(world)
		ps := compile(t, w,
			`input { generator { lines => ["x"] count => 1000 } } output { pipeline { send_to => ["b1", "c1"] } }`,
			`input { pipeline { address => "b1" type => "t" tags => ["in b"] } } output { keep { } }`,
			`input { pipeline { address => "c1" add_field => { "from" => "c" } } } output { keep { } }`)
		run(t, ps, nil) // the generator's end is that of all
		require.Len(t, w.docs, 2000)
		require.Equal(t, 1000, countOf(w.docs, `"type":"t","tags":["in b"]}`))
		require.Equal(t, 1000, countOf(w.docs, `"from":"c"}`))
		acc := ps[0].Account()
		require.EqualValues(t, 1000, acc.Outputs[0].Delivered)
		require.Zero(t, acc.Outputs[0].InFlight)
	})
}

func countOf(docs []string, part string) (n int) {
	for _, d := range docs {
		if strings.Contains(d, part) {
			n++
		}
	}
	return n
}

// TestStopLosesNothing: pipelines in a row stop at the same moment, and what is in the first reaches the last.
func TestStopLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{block: make(chan struct{})}
		ps := compile(t, w,
			`input { generator { lines => ["x"] } } output { pipeline { send_to => [bb] } }`,
			`input { pipeline { address => bb } } output { pipeline { send_to => [cc] } }`,
			`input { pipeline { address => cc } } output { keep { } }`)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for _, p := range ps {
			wg.Go(func() { _ = p.Run(ctx) })
		}
		synctest.Wait() // everything is full, from the last pipeline to the generator
		require.Less(t, ps[0].Account().Received, int64(1_000_000))
		cancel()
		close(w.block)
		wg.Wait()
		acc := ps[0].Account()
		require.EqualValues(t, acc.Received, len(w.docs))
		require.Positive(t, acc.Received)
		for _, p := range ps {
			require.Zero(t, p.Account().Outputs[0].InFlight)
		}
	})
}

// TestSettledWhenTheReceiverHas: a batch is done in the first pipeline when it is in the last.
func TestSettledWhenTheReceiverHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{hold: true}
		ps := compile(t, w,
			`input { lines { } } output { pipeline { send_to => [bb, cc] } }`,
			`input { pipeline { address => bb } } output { keep { } }`,
			`input { pipeline { address => cc } } output { keep { } }`)
		run(t, ps, func() {
			require.Len(t, w.docs, 6)
			require.Zero(t, w.done)
			w.mu.Lock()
			held := w.held
			w.held, w.hold = nil, false
			w.mu.Unlock()
			for _, b := range held {
				b.Settle()
			}
			require.Equal(t, 3, w.done)
		})
	})
}

func TestNobodyListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(world)
		ps := compile(t, w, `input { lines { } } output { pipeline { send_to => [nowhere] } }`)
		run(t, ps, func() { require.Zero(t, w.done) })
		require.EqualValues(t, 3, ps[0].Account().Outputs[0].InFlight, "it waited for a listener until the end")

		ps = compile(t, w,
			`input { lines { } } output { pipeline { send_to => [nowhere] ensure_delivery => false } }`,
			`input { lines { } } output { pipeline { send_to => [nowhere, here] ensure_delivery => false } }`,
			`input { pipeline { address => here } } output { keep { } }`)
		run(t, ps, func() { require.Equal(t, 6, w.done) })
		require.EqualValues(t, 3, ps[0].Account().Outputs[0].Dropped)
		require.EqualValues(t, 3, ps[1].Account().Outputs[0].Delivered)
		require.Len(t, w.docs, 3)
	})
}

// TestCircle: pipelines that feed each other stop all the same.
func TestCircle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(world)
		ps := compile(t, w,
			`input { lines { } pipeline { address => aa } } output { if [back] { keep { } } else { pipeline { send_to => [bb] } } }`,
			`input { pipeline { address => bb add_field => { "back" => "1" } } } output { pipeline { send_to => [aa] } }`)
		run(t, ps, func() { require.Equal(t, 3, w.done) })
		slices.Sort(w.docs)
		require.Equal(t, []string{`{"message":"line 0","back":"1"}`, `{"message":"line 1","back":"1"}`, `{"message":"line 2","back":"1"}`}, w.docs)
	})
}

func TestMistakes(t *testing.T) {
	bus := pipebus.New()
	f := func(text, want string) {
		t.Helper()
		file, diags := config.Parse("test", []byte(text), config.ParseOptions{})
		require.Empty(t, diags)
		_, diags = pipeline.Compile([]*config.File{file}, new(world).registry(), pipeline.DefaultSettings(), plugin.Builder{Log: logging.Discard(), Bus: bus})
		require.Contains(t, diags.String(), want)
	}
	f(`input { pipeline { } }`, `option "address" is required`)
	f(`input { pipeline { address => "" } }`, "an address has a name")
	f(`input { pipeline { address => xx } } output { keep { } }`, "")
	f(`input { pipeline { address => xx } } output { keep { } }`, `pipeline "main" listens on the address "xx" already`)
	f(`output { pipeline { } }`, `option "send_to" is required`)
	f(`output { pipeline { send_to => [] } }`, "at least one address")
	f(`output { pipeline { send_to => [aa, aa] } }`, "twice")
}
