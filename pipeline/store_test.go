package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
	"millrace/pipeline/queue"
	"millrace/pipeline/queue/vfs"
)

// rig is a pipeline whose input is feed and whose output is hand.
type rig struct {
	t    *testing.T
	conf string
	o    QueueOptions
	feed func(ctx context.Context, source *event.Source, out plugin.Sink) error
	hand *hand
	log  *syncBuffer

	p    *Pipeline
	stop context.CancelFunc
	end  chan error
}

func newRig(t *testing.T, fsys vfs.FS) *rig {
	o := QueueOptions{Options: queue.DefaultOptions(), Dir: "queue", FS: fsys}
	o.CheckpointWrites, o.PageCapacity, o.MaxBytes = 1, 64<<10, 1<<20
	return &rig{t: t, o: o, conf: `input { feed { id => "in" } } output { hand { } }`, hand: &hand{got: map[string]int{}}, log: new(syncBuffer)}
}

// next is a rig on the same settings after this one ended: another life of the process.
func (r *rig) next(fsys vfs.FS) *rig {
	n := newRig(r.t, fsys)
	n.o, n.conf, n.hand = r.o, r.conf, &hand{got: r.hand.got}
	n.o.FS, n.o.Logger = fsys, nil
	return n
}

type feedInput struct {
	env *plugin.Env
	run func(ctx context.Context, source *event.Source, out plugin.Sink) error
}

func (f *feedInput) Run(ctx context.Context, out plugin.Sink) error {
	return f.run(ctx, f.env.NewSource(event.SourceField{Path: event.MustPath("[from][host]"), Value: event.StringValue("h1")}), out)
}

// hand is an output that keeps what it gets, and settles it at once or by hand.
type hand struct {
	mu   sync.Mutex
	got  map[string]int // text of the message and a few fields, and how often
	held []*event.Batch
	hold bool
}

func (h *hand) NewWriter() plugin.Writer    { return &handWriter{h: h} }
func (h *hand) Close(context.Context) error { return nil }
func (h *hand) settleAll()                  { h.settle(func() bool { return true }) }
func (h *hand) size() int                   { h.mu.Lock(); defer h.mu.Unlock(); return len(h.got) }
func (h *hand) setHold(on bool)             { h.mu.Lock(); defer h.mu.Unlock(); h.hold = on }
func (h *hand) settle(choose func() bool) (n int) {
	h.mu.Lock()
	var out, kept []*event.Batch
	for _, b := range h.held {
		if choose() {
			out = append(out, b)
		} else {
			kept = append(kept, b)
		}
	}
	h.held = kept
	h.mu.Unlock()
	for _, b := range out {
		b.Settle()
	}
	return len(out)
}

type handWriter struct {
	h     *hand
	texts []string
}

func (w *handWriter) Append(e *event.Event) error {
	v, _ := e.Get(event.MustPath("message"))
	text := v.Text()
	for _, f := range []string{"[from][host]", "n", "type", "tags"} {
		if v, ok := e.Get(event.MustPath(f)); ok {
			text += "|" + v.Text()
		}
	}
	w.texts = append(w.texts, text)
	return nil
}

func (w *handWriter) Flush(_ context.Context, b *event.Batch) error {
	w.h.mu.Lock()
	for _, t := range w.texts {
		w.h.got[t]++
	}
	w.texts = nil
	hold := w.h.hold
	if hold {
		w.h.held = append(w.h.held, b)
	}
	w.h.mu.Unlock()
	if !hold {
		b.Settle()
	}
	return nil
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}
func (b *syncBuffer) String() string { b.mu.Lock(); defer b.mu.Unlock(); return b.b.String() }

func (r *rig) registry() *plugin.Registry {
	plain := func(struct{}, *plugin.Env) (*plugin.Codec, error) {
		return &plugin.Codec{NewDecoder: plainCodec.NewDecoder, NewEncoder: func() plugin.Encoder { return nil }}, nil
	}
	loud := func(struct{}, *plugin.Env) (*plugin.Codec, error) {
		return &plugin.Codec{NewDecoder: func() plugin.Decoder { return loudDecoder{} }}, nil
	}
	return plugin.NewRegistry([]*plugin.Definition{
		plugin.DefineCodec("plain", struct{}{}, plain),
		plugin.DefineCodec("loud", struct{}{}, loud),
		plugin.DefineInput("feed", struct{}{}, func(_ struct{}, env *plugin.Env) (plugin.Input, error) {
			return &feedInput{env, r.feed}, nil
		}),
		plugin.DefineOutput("void", struct{}{}, func(struct{}, *plugin.Env) (plugin.Output, error) { return void{}, nil }),
		plugin.DefineOutput("hand", struct{}{}, func(struct{}, *plugin.Env) (plugin.Output, error) { return r.hand, nil }),
	})
}

// void is an output that forgets all it gets.
type void struct{}

func (void) NewWriter() plugin.Writer                      { return void{} }
func (void) Close(context.Context) error                   { return nil }
func (void) Append(*event.Event) error                     { return nil }
func (void) Flush(_ context.Context, b *event.Batch) error { b.Settle(); return nil }

type loudDecoder struct{}

func (loudDecoder) Decode(r *event.Record, next func() *event.Event) {
	next().Root().Set("message", event.StringValue(strings.ToUpper(r.Data)))
}

func (r *rig) compile(t testing.TB, s Settings) *Pipeline {
	file, diags := config.Parse("test", []byte(r.conf), config.ParseOptions{})
	require.Empty(t, diags)
	p, diags := Compile([]*config.File{file}, r.registry(), s, plugin.Builder{Log: slog.New(slog.NewTextHandler(r.log, nil))})
	require.NotNil(t, p, diags.String())
	return p
}

func (r *rig) start() {
	s := DefaultSettings()
	s.Workers, s.MaxInflight, s.QueueSlots = 2, 64<<10, 8
	r.p = r.compile(r.t, s)
	r.p.Persist(r.o)
	ctx, cancel := context.WithCancel(r.t.Context())
	r.stop, r.end = cancel, make(chan error, 1)
	go func() { r.end <- r.p.Run(ctx) }()
}

// idle is a feed that waits for the end.
func idle(ctx context.Context, _ *event.Source, _ plugin.Sink) error {
	<-ctx.Done()
	return nil
}

// push gives one batch of lines; what becomes of the batch afterwards is none of its business: it is used again, as readers of streams
// do.
func push(ctx context.Context, out plugin.Sink, s *event.Source, lines ...string) error {
	b := &event.Batch{Source: s}
	for _, l := range lines {
		b.Records = append(b.Records, event.Record{Data: l})
	}
	b.Done = func(b *event.Batch) {
		clear(b.Records)
		b.Source = nil
	}
	return out.Push(ctx, b)
}

func TestStoredBatchesAreDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := vfs.NewSim()
		r := newRig(t, sim)
		r.feed = func(ctx context.Context, s *event.Source, out plugin.Sink) error {
			for i := range 100 {
				if err := push(ctx, out, s, fmt.Sprint("a", i), fmt.Sprint("b", i)); err != nil {
					return err
				}
			}
			return nil
		}
		r.start()
		require.NoError(t, <-r.end, "inputs that are exhausted end the pipeline when all is delivered")
		require.Len(t, r.hand.got, 200)
		require.Equal(t, 1, r.hand.got["a7|h1"])
		require.Equal(t, int64(200), r.p.Account().Received)
		require.Zero(t, r.p.QueueStats().Events)
		require.Equal(t, "persisted", r.p.QueueStats().Type)
		require.Zero(t, r.p.Stats.QueueEvents.Load())

		n := r.next(sim)
		n.feed = func(context.Context, *event.Source, plugin.Sink) error { return nil }
		n.start()
		require.NoError(t, <-n.end)
		require.Equal(t, 1, r.hand.got["a7|h1"], "what was settled does not come again")
	})
}

// TestReadBack stores with one configuration and delivers with another.
func TestReadBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := vfs.NewSim()
		r := newRig(t, sim)
		r.conf = `input { feed { id => "in" type => "old" } feed { id => "gone" type => "old" } } output { hand { } }`
		r.hand.hold = true
		r.feed = func(ctx context.Context, s *event.Source, out plugin.Sink) error {
			b := &event.Batch{Source: s, Records: []event.Record{
				{Data: s.InputID, Meta: []event.Field{{Key: "n", Val: event.IntValue(7)}}, Tag: "_cut"}, {Data: s.InputID + "2"},
			}}
			if err := out.Push(ctx, b); err != nil {
				return err
			}
			return idle(ctx, s, out)
		}
		r.start()
		synctest.Wait()
		require.Equal(t, 4, r.hand.size())
		sim = sim.Kill()
		r.stop()
		<-r.end

		n := r.next(sim)
		n.hand.got = map[string]int{}
		n.feed = idle
		n.conf = `input { feed { id => "other" } feed { id => "in" type => "new" tags => ["t"] codec => loud } } output { hand { } }`
		n.start()
		synctest.Wait()
		require.Equal(t, map[string]int{
			"IN|h1|7|new|t,_cut": 1, "IN2|h1|new|t": 1, "gone|h1|7|_cut": 1, "gone2|h1": 1,
		}, n.hand.got)
		require.Equal(t, int64(2), n.p.QueueStats().Orphans)
		require.Contains(t, n.log.String(), "input=gone")
		require.Zero(t, n.p.QueueStats().Events)
		n.stop()
		require.NoError(t, <-n.end)
	})
}

func TestFullDiskHoldsInputs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := vfs.NewSim()
		r := newRig(t, sim)
		pushed := 0
		r.feed = func(ctx context.Context, s *event.Source, out plugin.Sink) error {
			for ; pushed < 50; pushed++ {
				if pushed == 20 {
					sim.SetSpace(300)
				}
				if err := push(ctx, out, s, fmt.Sprintf("%0200d", pushed)); err != nil {
					return err
				}
			}
			return nil
		}
		r.start()
		time.Sleep(time.Hour)
		require.Less(t, pushed, 25)
		require.GreaterOrEqual(t, pushed, 20)
		require.Equal(t, pushed, r.hand.size(), "what was accepted is delivered")
		require.Contains(t, r.log.String(), "no space left for the persistent queue")
		require.Less(t, strings.Count(r.log.String(), "inputs wait until there is"), 70, "the log is throttled")
		sim.SetSpace(-1)
		require.NoError(t, <-r.end)
		require.Greater(t, r.p.Stats.PushWait.Load(), int64(50*time.Minute))
		require.Equal(t, 50, r.hand.size())
		for text, n := range r.hand.got {
			require.Equal(t, 1, n, text)
		}
	})
}

func TestEndWhileTheDiskIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := vfs.NewSim()
		r := newRig(t, sim)
		var refused error
		r.feed = func(ctx context.Context, s *event.Source, out plugin.Sink) error {
			sim.SetSpace(0)
			refused = push(ctx, out, s, "x")
			return nil
		}
		r.start()
		time.Sleep(time.Minute)
		r.stop()
		require.NoError(t, <-r.end)
		require.ErrorIs(t, refused, context.Canceled)
		require.Zero(t, r.hand.size())
	})
}

func TestQueueBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, vfs.NewSim())
		r.hand.hold = true
		pushed := 0
		r.feed = func(ctx context.Context, s *event.Source, out plugin.Sink) error {
			for ; ctx.Err() == nil; pushed++ {
				if err := push(ctx, out, s, fmt.Sprintf("%01000d", pushed)); err != nil {
					return nil
				}
			}
			return nil
		}
		r.start()
		synctest.Wait()
		s := r.p.QueueStats()
		require.LessOrEqual(t, s.Bytes, s.MaxBytes)
		require.Greater(t, s.Bytes, s.MaxBytes*9/10)
		require.Equal(t, int64(pushed), s.Events)
		r.stop()
		time.Sleep(10 * time.Second)
		r.hand.settleAll()
		require.NoError(t, <-r.end)
		require.NotZero(t, r.p.QueueStats().Events)
		require.Contains(t, r.log.String(), "events stay in the persistent queue")
	})
}

func TestLargeBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, vfs.NewSim())
		r.o.PageCapacity, r.o.MaxBytes = 1000, 4000
		done := 0
		r.feed = func(ctx context.Context, s *event.Source, out plugin.Sink) error {
			b := &event.Batch{Source: s, Done: func(*event.Batch) { done++ }}
			for i := range 10 {
				b.Records = append(b.Records, event.Record{Data: fmt.Sprintf("%0900d", i), Meta: []event.Field{{Key: "n", Val: event.IntValue(int64(i))}}})
			}
			b.Records = append(b.Records, event.Record{Data: strings.Repeat("x", 5000)})
			return out.Push(ctx, b)
		}
		r.start()
		require.NoError(t, <-r.end)
		require.Equal(t, 11, r.hand.size())
		require.Equal(t, 1, r.hand.got[fmt.Sprintf("%0900d|h1|7", 7)])
		require.Equal(t, 1, done)
		require.Equal(t, int64(1), r.p.QueueStats().Unstorable)
		require.Equal(t, int64(11), r.p.Account().Received)
	})
}

// TestDrain tells what of the queue an end waits for.
func TestDrain(t *testing.T) {
	f := func(drain, exhausted bool, wantLeft int64) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, vfs.NewSim())
			r.o.Drain, r.hand.hold = drain, true
			r.feed = func(ctx context.Context, s *event.Source, out plugin.Sink) error {
				for i := range 200 {
					if err := push(ctx, out, s, fmt.Sprintf("%01000d", i)); err != nil {
						return err
					}
				}
				if !exhausted {
					<-ctx.Done()
				}
				return nil
			}
			r.start()
			synctest.Wait()
			require.Equal(t, int64(200), r.p.QueueStats().Events)
			if !exhausted {
				r.stop()
				synctest.Wait()
			}
			r.hand.setHold(false)
			r.hand.settleAll()
			require.NoError(t, <-r.end)
			left := r.p.QueueStats().Events
			if wantLeft == 0 {
				require.Zero(t, left)
				return
			}
			require.NotZero(t, left)
			require.NotEqual(t, int64(200), left, "what workers had is settled")
		})
	}
	f(false, true, 0)
	f(true, true, 0)
	f(true, false, 0)
	f(false, false, 1)
}

func TestTwoPipelinesOneQueue(t *testing.T) {
	sim := vfs.NewSim()
	a, b := newRig(t, sim), newRig(t, sim)
	a.feed, b.feed = idle, idle
	a.start()
	<-a.p.Running()
	b.start()
	require.ErrorContains(t, <-b.end, `the persistent queue in "queue" is in use by another process`)
	a.stop()
	require.NoError(t, <-a.end)
}

// TestStoreConservation kills the process again and again, with and without a loss of power, while an output settles late, out of order and
// partly never. Whatever Push accepted is delivered, and nothing that was not pushed.
func TestStoreConservation(t *testing.T) {
	seeds := 5
	if n, err := strconv.Atoi(os.Getenv("MILLRACE_SOAK")); err == nil {
		seeds = 10 * n
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { conserve(t, uint64(seed)) })
		})
	}
}

func conserve(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	sim := vfs.NewSim()
	given, accepted := 0, map[string]bool{}
	r := newRig(t, sim)
	r.o.PageCapacity, r.o.MaxBytes, r.o.MemoryBytes = 4<<10, 32<<10, random.Int64N(8<<10)
	var mu sync.Mutex
	for range 8 {
		r.hand.hold = true
		alive := true
		lines := 1 + random.IntN(20)
		r.feed = func(ctx context.Context, s *event.Source, out plugin.Sink) error {
			for ctx.Err() == nil {
				mu.Lock()
				batch := make([]string, lines)
				for i := range batch {
					given++
					batch[i] = fmt.Sprintf("%d %s", given, strings.Repeat("x", given%50))
				}
				mu.Unlock()
				if push(ctx, out, s, batch...) != nil {
					return nil
				}
				mu.Lock()
				for _, l := range batch {
					if alive {
						accepted[l+"|h1"] = true
					}
				}
				mu.Unlock()
			}
			return nil
		}
		r.start()
		for range random.IntN(60) {
			synctest.Wait()
			r.hand.settle(func() bool { return random.IntN(3) > 0 })
		}
		synctest.Wait()
		mu.Lock()
		alive = false
		if random.IntN(2) == 0 {
			sim = sim.Kill()
		} else {
			sim = sim.Crash(random)
		}
		mu.Unlock()
		r.stop()
		time.Sleep(time.Minute) // the old process's time to drain is over
		r.hand.settleAll()
		<-r.end
		r = r.next(sim)
	}
	r.feed = func(context.Context, *event.Source, plugin.Sink) error { return nil }
	r.start()
	require.NoError(t, <-r.end)
	require.Zero(t, r.p.QueueStats().Events)
	require.Zero(t, r.p.QueueStats().Disk.LostEvents)
	require.NotEmpty(t, accepted)
	for l := range accepted {
		require.NotZero(t, r.hand.got[l], "accepted and never delivered: %q", l)
	}
	for l := range r.hand.got {
		var n int
		_, err := fmt.Sscan(l, &n)
		require.NoError(t, err)
		require.LessOrEqual(t, n, given)
		require.Equal(t, fmt.Sprintf("%d %s|h1", n, strings.Repeat("x", n%50)), l)
	}
}

// TestDamage starts on a queue whose last page is torn and whose first is damaged.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	r := newRig(t, vfs.OS{})
	r.o.Dir, r.o.PageCapacity, r.hand.hold = dir, 10<<10, true
	r.feed = func(ctx context.Context, s *event.Source, out plugin.Sink) error {
		for i := range 60 {
			if err := push(ctx, out, s, fmt.Sprintf("%0500d", i)); err != nil {
				return err
			}
		}
		return idle(ctx, s, out)
	}
	r.start()
	require.Eventually(t, func() bool { return r.p.QueueStats().Events == 60 }, time.Minute, time.Millisecond)
	r.stop()
	require.Eventually(t, func() bool { r.hand.mu.Lock(); defer r.hand.mu.Unlock(); return len(r.hand.held) > 0 }, time.Minute, time.Millisecond)
	require.NoError(t, <-r.end) // the output never settles

	pages, err := filepath.Glob(filepath.Join(dir, "*.page"))
	require.NoError(t, err)
	require.Greater(t, len(pages), 2)
	last := pages[len(pages)-1]
	info, err := os.Stat(last)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(last, info.Size()-100))
	f, err := os.OpenFile(pages[0], os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte("damage"), 1000)
	require.NoError(t, err)
	require.NoError(t, f.Close())

	n := r.next(vfs.OS{})
	n.hand.got = map[string]int{}
	n.feed = func(context.Context, *event.Source, plugin.Sink) error { return nil }
	n.start()
	require.NoError(t, <-n.end)
	require.Len(t, n.hand.got, 58)
	s := n.p.QueueStats().Disk
	require.NotZero(t, s.DamagedBytes)
	require.Equal(t, uint64(2), s.DamagedRanges)
	require.Contains(t, n.log.String(), "level=WARN")
}

func TestHeader(t *testing.T) {
	f := func(records ...event.Record) {
		t.Helper()
		want := &event.Batch{Time: time.Unix(1700000000, 123456789), Records: records, Source: &event.Source{InputID: "in", Fields: []event.SourceField{
			{Path: event.MustPath("[a][b]"), Value: event.StringValue(strings.Repeat("long", 50))}, {Path: event.MustPath("n"), Value: event.IntValue(-5)},
		}}}
		header := appendHeader(nil, want)
		got := new(event.Batch)
		for _, r := range records {
			got.Records = append(got.Records, event.Record{Data: r.Data})
		}
		c := &sourceCache{inputs: map[string]*event.Source{"in": {InputID: "in", Codec: 3, Type: "t"}}, known: map[string]*event.Source{}, fallback: 9}
		known, err := c.readHeader(header, got)
		require.NoError(t, err)
		require.True(t, known)
		require.True(t, want.Time.Equal(got.Time))
		require.Equal(t, "t", got.Source.Type)
		require.Equal(t, header, appendHeader(nil, got))
		require.Equal(t, want.Source.Fields[0].Value.Str(), got.Source.Fields[0].Value.Str())
		for i := range records {
			require.Len(t, got.Records[i].Meta, len(records[i].Meta))
			require.Equal(t, records[i].Tag, got.Records[i].Tag)
			for j, m := range records[i].Meta {
				require.Equal(t, m.Key, got.Records[i].Meta[j].Key)
				require.True(t, m.Val.Equal(got.Records[i].Meta[j].Val), "%v", m)
			}
		}
		again := &event.Batch{Records: got.Records}
		_, err = c.readHeader(header, again)
		require.NoError(t, err)
		require.Same(t, got.Source, again.Source, "a source is decoded once")
		for n := range header {
			_, err := c.readHeader(header[:n], &event.Batch{Records: make([]event.Record, len(records))})
			require.Error(t, err, "%d of %d bytes", n, len(header))
		}
	}
	l, o := new(event.List), new(event.Object)
	l.Append(event.IntValue(1))
	l.Append(event.StringValue("x"))
	o.Set("l", event.ListValue(l))
	o.Set("t", event.TimeValue(time.Unix(5, 6)))
	all := []event.Field{
		{Key: "null"}, {Key: "yes", Val: event.BoolValue(true)}, {Key: "no", Val: event.BoolValue(false)}, {Key: "i", Val: event.IntValue(-1 << 62)},
		{Key: "f", Val: event.FloatValue(-1.5)}, {Key: "s", Val: event.StringValue("text")}, {Key: "big", Val: event.BigIntValue("123456789012345678901")},
		{Key: "o", Val: event.ObjectValue(o)},
	}
	f()
	f(event.Record{Data: "x"})
	f(event.Record{Data: "x", Tag: "_t"}, event.Record{Tag: "_t"}, event.Record{})
	f(event.Record{Meta: all}, event.Record{Meta: all}, event.Record{}, event.Record{Meta: all[3:]})
	f(event.Record{Meta: all[:1], Tag: "a"}, event.Record{Meta: all[:2], Tag: "b"})
}

func TestHeaderOfAnotherRelease(t *testing.T) {
	c := &sourceCache{known: map[string]*event.Source{}}
	b := new(event.Batch)
	known, err := c.readHeader([]byte{headerVersion + 1, 0}, b)
	require.ErrorContains(t, err, "version 2")
	require.False(t, known)
	require.NotNil(t, b.Source)
	require.False(t, b.Time.IsZero())
}

// FuzzHeader reads headers that nobody wrote.
func FuzzHeader(f *testing.F) {
	f.Add(appendHeader(nil, &event.Batch{Source: &event.Source{InputID: "a", Fields: []event.SourceField{{Path: event.MustPath("[a]"), Value: event.IntValue(1)}}},
		Records: []event.Record{{Meta: []event.Field{{Key: "k", Val: event.StringValue("v")}}, Tag: "t"}, {}}}))
	f.Fuzz(func(t *testing.T, header []byte) {
		c := &sourceCache{known: map[string]*event.Source{}}
		b := &event.Batch{Records: make([]event.Record, 2)}
		if _, err := c.readHeader(header, b); err != nil {
			return
		}
		again := &event.Batch{Records: make([]event.Record, 2)}
		_, err := c.readHeader(appendHeader(nil, b), again)
		require.NoError(t, err)
		require.Equal(t, appendHeader(nil, b), appendHeader(nil, again))
	})
}

func TestDeadLettersAreLazy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(syncBuffer)
		dir := filepath.Join(t.TempDir(), "a", "dlq")
		d := NewDeadLetters("main", dir, queue.DefaultDeadLetterOptions(), nil, slog.New(slog.NewTextHandler(log, nil)))
		d.Open()
		require.NoError(t, d.Close())
		require.NoDirExists(t, dir)
		d.Open()
		d.Open() // a second pipeline, while a configuration is replaced
		letter := plugin.DeadLetter{Time: time.Now(), PluginType: "elasticsearch", PluginID: "es", Reason: "why", Document: []byte(`{"a":1}`)}
		require.NoError(t, d.Write(letter))
		require.Equal(t, uint64(1), d.Stats().Written)
		other := NewDeadLetters("main", dir, queue.DefaultDeadLetterOptions(), nil, slog.New(slog.NewTextHandler(log, nil)))
		require.ErrorContains(t, other.Write(letter), "in use by another process")
		require.Equal(t, uint64(1), other.Stats().Dropped)
		require.NoError(t, d.Close())
		require.NoError(t, d.Write(letter), "the second pipeline still uses it")
		require.NoError(t, d.Close())
		time.Sleep(reopenPause)
		require.NoError(t, other.Write(letter), "the lock is free")
		require.NoError(t, other.Close())
		n := 0
		require.NoError(t, queue.EachDeadLetter(dir, vfs.OS{}, func(_ queue.Position, l queue.DeadLetter) bool {
			require.Equal(t, "main", l.Pipeline)
			require.Equal(t, `{"a":1}`, string(l.Event))
			n++
			return true
		}))
		require.Equal(t, 3, n)
	})
}

func TestDeadLettersThatCannotBeKept(t *testing.T) {
	log := new(syncBuffer)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	o := queue.DefaultDeadLetterOptions()
	letter := plugin.DeadLetter{PluginID: "es", Reason: "mapping", Document: []byte(`{"secretless":1}`)}
	d := NewDeadLetters("main", filepath.Join(file, "dlq"), o, nil, slog.New(slog.NewTextHandler(log, nil)))
	d.Open()
	require.Error(t, d.Write(letter))
	require.Error(t, d.Write(letter))
	require.NoError(t, d.Close())
	require.Equal(t, uint64(2), d.Stats().Dropped)
	require.NotEmpty(t, d.Stats().LastError)
	require.Equal(t, 1, strings.Count(log.String(), "reason=mapping"), "the log is throttled")

	o.MaxBytes = 200
	full := NewDeadLetters("main", filepath.Join(t.TempDir(), "dlq"), o, nil, slog.New(slog.NewTextHandler(log, nil)))
	full.Open()
	for range 10 {
		if err := full.Write(letter); err != nil {
			require.True(t, errors.Is(err, errDeadLettersFull))
		}
	}
	s := full.Stats()
	require.Equal(t, uint64(10), s.Written+s.Dropped)
	require.NotZero(t, s.Dropped)
	require.NotZero(t, s.Written)
	require.NoError(t, full.Close())
	require.Equal(t, s.Bytes, full.Stats().Bytes, "the figures stay after the end")
}

// TestReplayedLettersStayOut: an event that comes from a dead letter queue is logged and counted in place of a second letter.
func TestReplayedLettersStayOut(t *testing.T) {
	log := new(syncBuffer)
	dir := filepath.Join(t.TempDir(), "dlq")
	d := NewDeadLetters("main", dir, queue.DefaultDeadLetterOptions(), nil, slog.New(slog.NewTextHandler(log, nil)))
	d.Open()
	letter := plugin.DeadLetter{Time: time.Now(), PluginID: "es", Reason: "mapping", Document: []byte(`{"a":1}`)}
	require.NoError(t, d.Write(letter))
	letter.Replayed = true
	require.ErrorIs(t, d.Write(letter), errReplayed)
	require.Equal(t, uint64(1), d.Stats().Written)
	require.Equal(t, uint64(1), d.Stats().Dropped)
	require.Contains(t, log.String(), "it comes from a dead letter queue")
	require.Contains(t, log.String(), `{\"a\":1}`)
	require.NoError(t, d.Close())
}
