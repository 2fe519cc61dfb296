package pipeline

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
	"millrace/pipeline/queue/vfs"
)

// valve is an output that takes a turn when it is open, and notes the messages in the order in which they came.
type valve struct {
	stats *plugin.Stats
	mu    sync.Mutex
	got   []string
	hands int              // messages of flushes under way
	open  chan struct{}    // closed while the valve is open
	pause func()           // before each turn; nil: none
	took  func([]string)   // what is delivered, before it is settled; nil: nobody asks
	fussy bool             // it panics on poison
	read  map[string]int64 // by message, when its batch was read
}

func newValve(open bool) *valve {
	v := &valve{open: make(chan struct{})}
	if open {
		close(v.open)
	}
	return v
}

func (v *valve) set(open bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if open {
		close(v.open)
	} else {
		v.open = make(chan struct{})
	}
}

func (v *valve) messages() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]string(nil), v.got...)
}

func (v *valve) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.got)
}

// inHands is how many messages the output neither has delivered nor lets go.
func (v *valve) inHands() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.hands
}

func (v *valve) NewWriter() plugin.Writer    { return &valveWriter{v: v} }
func (v *valve) Close(context.Context) error { return nil }

type valveWriter struct {
	v     *valve
	texts []string
}

func (w *valveWriter) Append(e *event.Event) error {
	m, _ := e.Get(event.MustPath("message"))
	if w.v.fussy && m.Text() == "poison" {
		panic("this output cannot take poison")
	}
	w.texts = append(w.texts, strings.Clone(m.Text()))
	if w.v.read != nil {
		w.v.mu.Lock()
		w.v.read[strings.Clone(m.Text())] = e.Read()
		w.v.mu.Unlock()
	}
	return nil
}

func (w *valveWriter) Flush(ctx context.Context, b *event.Batch) error {
	w.v.mu.Lock()
	open := w.v.open
	w.v.hands += len(w.texts)
	w.v.mu.Unlock()
	defer func(n int) {
		w.v.mu.Lock()
		defer w.v.mu.Unlock()
		w.v.hands -= n
	}(len(w.texts))
	if w.v.pause != nil {
		w.v.pause()
	}
	select {
	case <-open:
	case <-ctx.Done():
		return ctx.Err()
	}
	w.v.mu.Lock()
	w.v.got = append(w.v.got, w.texts...)
	w.v.mu.Unlock()
	if w.v.took != nil {
		w.v.took(w.texts)
	}
	w.v.stats.Delivered.Add(int64(len(w.texts)))
	w.texts = nil
	b.Settle()
	return nil
}

// isolation is a pipeline with an output near and an output far, whose options are given; what it reads comes from feed.
type isolation struct {
	*Pipeline
	near, far *valve
	feed      chan []string // batches of lines; closed: the input is exhausted
	settled   chan []string // batches, when all outputs have settled them; nil if nobody asks
	stop      context.CancelFunc
	end       chan error
}

func (i *isolation) Run(ctx context.Context, out plugin.Sink) error {
	source := &event.Source{}
	for {
		var lines []string
		var ok bool
		select {
		case lines, ok = <-i.feed:
			if !ok {
				return nil
			}
		case <-ctx.Done():
			return nil
		}
		b := &event.Batch{Source: source}
		for _, l := range lines {
			b.Records = append(b.Records, event.Record{Data: l})
		}
		b.Done = func(*event.Batch) {
			if i.settled != nil {
				i.settled <- lines
			}
		}
		if err := out.Push(ctx, b); err != nil {
			return err
		}
	}
}

func isolate(t testing.TB, dir, options string, workers int, near, far *valve) *isolation {
	i := &isolation{near: near, far: far, feed: make(chan []string)}
	valveOf := func(v *valve) func(struct{}, *plugin.Env) (plugin.Output, error) {
		return func(_ struct{}, env *plugin.Env) (plugin.Output, error) {
			v.stats = env.Stats
			return v, nil
		}
	}
	reg := plugin.NewRegistry([]*plugin.Definition{
		plugin.DefineCodec("plain", struct{}{}, func(struct{}, *plugin.Env) (*plugin.Codec, error) {
			return &plugin.Codec{NewDecoder: plainCodec.NewDecoder, NewEncoder: func() plugin.Encoder { return nil }}, nil
		}),
		plugin.DefineInput("feed", struct{}{}, func(struct{}, *plugin.Env) (plugin.Input, error) { return i, nil }),
		plugin.DefineOutput("near", struct{}{}, valveOf(near)),
		plugin.DefineOutput("far", struct{}{}, valveOf(far)),
	})
	file, diags := config.Parse("test", []byte(`input { feed { } } output { near { } far { id => "far" `+options+` } }`), config.ParseOptions{})
	require.Empty(t, diags)
	s := DefaultSettings()
	s.Workers, s.DataDir, s.BatchSize, s.ShutdownLimit = workers, dir, 50, 5*time.Second
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	if os.Getenv("MILLRACE_TEST_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	p, diags := Compile([]*config.File{file}, reg, s, plugin.Builder{Log: log})
	require.NotNil(t, p, diags.String())
	i.Pipeline = p
	return i
}

func (i *isolation) start(t testing.TB) *isolation {
	ctx, cancel := context.WithCancel(t.Context())
	i.stop, i.end = cancel, make(chan error, 1)
	go func() { i.end <- i.Pipeline.Run(ctx) }()
	return i
}

// lines sends the numbers from first on, ten a batch.
func (i *isolation) lines(first, n int) {
	for ; n > 0; n -= 10 {
		var batch []string
		for range min(n, 10) {
			batch = append(batch, strconv.Itoa(first))
			first++
		}
		i.feed <- batch
	}
}

func numbersTo(n int) (all []string) {
	for i := range n {
		all = append(all, strconv.Itoa(i))
	}
	return all
}

const soon = time.Minute // or the test hangs

func eventually(t testing.TB, f func() bool, what string) {
	t.Helper()
	require.Eventually(t, f, soon, 2*time.Millisecond, what)
}

// aSeed returns 1, or with MILLRACE_SOAK set a seed that no run had before.
func aSeed() uint64 {
	if os.Getenv("MILLRACE_SOAK") == "" {
		return 1
	}
	return rand.Uint64()
}

// TestSpill: while an output takes nothing its neighbour gets everything, and the source is told that all is safe; afterwards it gets
// everything itself, in order.
func TestSpill(t *testing.T) {
	near, far := newValve(true), newValve(false)
	i := isolate(t, t.TempDir(), `on_full => "spill"`, 1, near, far)
	i.settled = make(chan []string, 1000)
	i.start(t)
	i.lines(0, 5000)
	eventually(t, func() bool { return near.count() == 5000 }, "the neighbour gets everything")
	require.Zero(t, far.count())
	eventually(t, func() bool { return len(i.settled) >= 490 }, "all but what the output has in its hands is settled")
	st := i.Spills()["far"]
	require.True(t, st.Active)
	require.Equal(t, st.Spilled, st.Events, "nothing was delivered")
	far.set(true)
	eventually(t, func() bool { return !i.Spills()["far"].Active }, "the output catches up")
	i.lines(5000, 100)
	close(i.feed)
	require.NoError(t, <-i.end)
	require.Equal(t, numbersTo(5100), far.messages())
	require.Len(t, i.settled, 510)
	o := i.Account().Outputs[1]
	require.Equal(t, OutputAccount{ID: "far", Name: "far", Taken: 5100, Delivered: 5100}, o)
	st = i.Spills()["far"]
	require.Equal(t, st.Spilled, st.Replayed)
	require.Less(t, st.Spilled, int64(5100), "what the output takes at once does not go over the disk")
}

// TestSpillKeepsTimes: what went over the disk has the time of its batch as what did not, so that idempotent => true makes the same ids.
func TestSpillKeepsTimes(t *testing.T) {
	near, far := newValve(true), newValve(false)
	near.read, far.read = map[string]int64{}, map[string]int64{}
	i := isolate(t, t.TempDir(), `on_full => "spill"`, 2, near, far).start(t)
	i.lines(0, 1000)
	eventually(t, func() bool { return near.count() == 1000 }, "the neighbour gets everything")
	far.set(true)
	close(i.feed)
	require.NoError(t, <-i.end)
	require.Positive(t, i.Spills()["far"].Spilled)
	require.Len(t, far.read, 1000)
	require.Equal(t, near.read, far.read)
	for m, read := range far.read {
		require.NotZero(t, read, "event %s", m)
	}
}

// TestPiecesOfAnEntry: an entry is handed over in pieces that divide no batch.
func TestPiecesOfAnEntry(t *testing.T) {
	f := func(sizes []int, reads []int64, want ...int) {
		t.Helper()
		var records []string
		for i, n := range sizes {
			records = append(records, string(binary.LittleEndian.AppendUint64(nil, uint64(reads[i])))+strings.Repeat("x", n))
		}
		require.Equal(t, want, cutRecords(records))
	}
	const much = handOverBytes + 1
	f([]int{10, 10, 10}, []int64{1, 1, 2}, 3)
	f([]int{much, 10, 10}, []int64{1, 1, 2}, 2, 3)
	f([]int{much, much, much}, []int64{1, 1, 1}, 3)
	f([]int{much, much, much}, []int64{1, 2, 3}, 1, 2, 3)
	require.Empty(t, cutRecords(nil))
}

// TestSpillEndsWithItsInput: a pipeline whose inputs are exhausted delivers what is on disk before it ends.
func TestSpillEndsWithItsInput(t *testing.T) {
	near, far := newValve(true), newValve(false)
	i := isolate(t, t.TempDir(), `on_full => "spill"`, 1, near, far).start(t)
	i.lines(0, 1000)
	close(i.feed)
	eventually(t, func() bool { return i.State() == Draining && near.count() == 1000 }, "the input is exhausted")
	select {
	case <-i.end:
		t.Fatal("the pipeline ended although events are on disk")
	case <-time.After(50 * time.Millisecond):
	}
	far.set(true)
	require.NoError(t, <-i.end)
	require.Equal(t, numbersTo(1000), far.messages())
}

// TestSpillSurvivesRestart: a pipeline that is told to stop leaves on disk what its output did not take, and the next one delivers it.
func TestSpillSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	near, far := newValve(true), newValve(false)
	i := isolate(t, dir, `on_full => "spill"`, 1, near, far)
	i.settings.ShutdownLimit = 100 * time.Millisecond
	i.settled = make(chan []string, 1000)
	i.start(t)
	i.lines(0, 2000)
	eventually(t, func() bool { return near.count() == 2000 }, "the neighbour gets everything")
	eventually(t, func() bool { return int(i.Spills()["far"].Spilled)+far.inHands() == 2000 }, "the disk has the rest: a stop does not wait for it for long")
	i.stop()
	require.NoError(t, <-i.end)
	o := i.Account().Outputs[1]
	require.Zero(t, o.Delivered)
	require.Positive(t, o.OnDisk)

	far = newValve(true)
	next := isolate(t, dir, `on_full => "spill"`, 1, newValve(true), far).start(t)
	close(next.feed)
	require.NoError(t, <-next.end)
	delivered := far.messages()
	require.Equal(t, int(o.OnDisk), len(delivered))
	require.Equal(t, OutputAccount{ID: "far", Name: "far", Taken: o.OnDisk, Delivered: o.OnDisk}, next.Account().Outputs[1])
	first, err := strconv.Atoi(delivered[0])
	require.NoError(t, err)
	require.Equal(t, numbersTo(2000)[first:], delivered, "all that came after what the output had in its hands")
	close(i.settled)
	for lines := range i.settled {
		for _, l := range lines {
			require.Contains(t, delivered, l, "what was settled is delivered")
		}
	}
}

// TestSpillIsBounded: when the disk may take no more the pipeline waits, and nothing is lost.
func TestSpillIsBounded(t *testing.T) {
	near, far := newValve(true), newValve(false)
	i := isolate(t, t.TempDir(), `on_full => "spill" spill_max_bytes => "1 MiB"`, 2, near, far).start(t)
	pad := strings.Repeat("x", 1000)
	const n = 400 // ten times a thousand bytes each: four times what may be on disk
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for k := range n {
			var lines []string
			for j := range 10 {
				lines = append(lines, fmt.Sprint(10*k+j, pad))
			}
			i.feed <- lines
		}
	}()
	var last int
	require.Eventually(t, func() bool {
		before := last
		last = near.count()
		return last > 0 && last == before
	}, soon, 300*time.Millisecond, "the neighbour stands still")
	require.Less(t, last, 10*n)
	require.LessOrEqual(t, i.Spills()["far"].Bytes, int64(1<<20))
	far.set(true)
	<-sent
	close(i.feed)
	require.NoError(t, <-i.end)
	require.Equal(t, 10*n, near.count())
	require.Len(t, distinct(far.messages()), 10*n)
	require.Equal(t, 10*n, far.count(), "none twice")
}

func distinct(texts []string) map[string]bool {
	m := make(map[string]bool)
	for _, s := range texts {
		m[s] = true
	}
	return m
}

// TestDropNewest: what the output does not take is dropped and counted.
func TestDropNewest(t *testing.T) {
	near, far := newValve(true), newValve(false)
	i := isolate(t, t.TempDir(), `on_full => "drop_newest"`, 2, near, far).start(t)
	i.lines(0, 2000)
	eventually(t, func() bool { return near.count() == 2000 }, "the neighbour gets everything")
	far.set(true)
	eventually(t, func() bool { return far.count() > 0 }, "the output takes what it has in its hands")
	sent := 2000 // each worker has its turn in the output's hands: one may be back before the other
	eventually(t, func() bool {
		i.lines(sent, 10)
		sent += 10
		return slices.ContainsFunc(far.messages(), func(m string) bool { n, err := strconv.Atoi(m); return err == nil && n >= 2000 })
	}, "what comes later is taken")
	close(i.feed)
	require.NoError(t, <-i.end)
	o := i.Account().Outputs[1]
	require.EqualValues(t, sent, o.Taken)
	require.EqualValues(t, far.count(), o.Delivered)
	require.Positive(t, o.Dropped)
	require.Equal(t, o.Taken, o.Delivered+o.Dropped)
	require.Equal(t, o.Dropped, i.outputs[1].isolated.dropped.Load())
}

// TestSpillConserves has an output that takes turns, or nothing for a while, at random: every event reaches it once.
func TestSpillConserves(t *testing.T) {
	seed := aSeed()
	t.Logf("seed %d", seed)
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 0))
	near, far := newValve(true), newValve(true)
	far.pause = func() {
		mu.Lock()
		d := time.Duration(0)
		if random.IntN(20) == 0 {
			d = time.Duration(random.IntN(60)) * time.Millisecond
		}
		mu.Unlock()
		<-time.After(d)
	}
	dir := t.TempDir()
	i := isolate(t, dir, `on_full => "spill"`, 3, near, far)
	i.settled = make(chan []string, 3000)
	i.start(t)
	i.lines(0, 20000)
	close(i.feed)
	require.NoError(t, <-i.end)
	require.Len(t, distinct(far.messages()), 20000)
	require.Equal(t, 20000, far.count())
	require.Len(t, i.settled, 2000)
	st := i.Spills()["far"]
	require.Positive(t, st.Spilled)
	require.Zero(t, st.Events)
	t.Logf("%d of 20000 events went over the disk", st.Spilled)
}

// TestSpilledEventThatPanics: an output that fails on a spilled event loses that one, counted.
func TestSpilledEventThatPanics(t *testing.T) {
	near, far := newValve(true), newValve(false)
	far.fussy = true
	i := isolate(t, t.TempDir(), `on_full => "spill"`, 1, near, far).start(t)
	i.lines(0, 10)
	eventually(t, func() bool { return near.count() == 10 }, "a turn is in the output's hands")
	i.lines(10, 10)
	i.feed <- []string{"poison", "20"}
	eventually(t, func() bool { return i.Spills()["far"].Spilled == 12 }, "the rest is on disk")
	far.set(true)
	close(i.feed)
	require.NoError(t, <-i.end)
	require.Equal(t, numbersTo(21), far.messages())
	require.EqualValues(t, 1, i.Account().Outputs[1].Dropped)
}

// TestSpillKilled kills a process by signal 9 while it spills, again and again on one folder: all that was settled is delivered.
func TestSpillKilled(t *testing.T) {
	if dir := os.Getenv("MILLRACE_SPILL_CHILD"); dir != "" {
		spillingChild(t, dir)
		return
	}
	rounds, seed := 5, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("MILLRACE_SOAK")); err == nil {
		rounds, seed = n, rand.Uint64()
	} else if testing.Short() {
		t.Skip("starts processes")
	}
	dir := t.TempDir()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	settled, delivered := map[string]bool{}, map[string]bool{}
	for round := range rounds {
		child := exec.Command(os.Args[0], "-test.run=^TestSpillKilled$")
		child.Env = append(os.Environ(), "MILLRACE_SPILL_CHILD="+dir, fmt.Sprint("MILLRACE_SPILL_ROUND=", round))
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		lines, limit := 0, 200+random.IntN(20000)
		sc := bufio.NewScanner(out)
		for sc.Scan() {
			note(sc.Text(), settled, delivered)
			if lines++; lines == limit {
				require.NoError(t, child.Process.Kill()) // what it had written before is still read
			}
		}
		_ = child.Wait() // it was killed
	}
	require.NotEmpty(t, settled)
	onDisk := 0
	far := newValve(true)
	last := isolate(t, dir, `on_full => "spill"`, 1, newValve(true), far).start(t)
	close(last.feed)
	require.NoError(t, <-last.end)
	for _, m := range far.messages() {
		onDisk++
		delivered[m] = true
	}
	t.Logf("%d rounds: %d events settled, %d came from the disk at the end", rounds, len(settled), onDisk)
	for n := range settled {
		require.True(t, delivered[n], "event %s was settled and is lost", n)
	}
}

// note reads a line of a child: "s N" settled, "d N" delivered.
func note(line string, settled, delivered map[string]bool) {
	switch kind, n, ok := strings.Cut(line, " "); {
	case !ok:
	case kind == "s":
		settled[n] = true
	case kind == "d":
		delivered[n] = true
	}
}

// spillingChild runs a pipeline whose output takes nothing for a while, now and then, until it is killed.
func spillingChild(t *testing.T, dir string) {
	var mu sync.Mutex
	say := func(kind string, lines []string) {
		var b strings.Builder
		for _, l := range lines {
			fmt.Fprintf(&b, "%s %s\n", kind, l)
		}
		mu.Lock()
		defer mu.Unlock()
		_, _ = os.Stdout.WriteString(b.String())
	}
	far := newValve(true)
	far.took = func(texts []string) { say("d", texts) }
	far.pause = func() {
		if rand.IntN(10) == 0 {
			<-time.After(50 * time.Millisecond)
		}
	}
	i := isolate(t, dir, `on_full => "spill"`, 2, newValve(true), far)
	i.settled = make(chan []string, 100)
	go func() {
		for lines := range i.settled {
			say("s", lines)
		}
	}()
	i.start(t)
	for n := 0; ; n++ {
		var batch []string
		for k := range 10 {
			batch = append(batch, fmt.Sprintf("%s.%d.%d", os.Getenv("MILLRACE_SPILL_ROUND"), n, k))
		}
		i.feed <- batch
	}
}

// TestSpillFolders: ids make names of folders that are safe and differ.
func TestSpillFolders(t *testing.T) {
	f := func(id, want string) {
		t.Helper()
		require.Equal(t, want, folderName(id))
		require.Equal(t, folderName(id), filepath.Base(filepath.Join("x", folderName(id))))
	}
	f("main", "main")
	f("a/b", "a%2Fb")
	f("..", "%2E%2E")
	f(".", "%2E")
	f("a b%", "a%20b%25")
}

// BenchmarkIsolated is what a turn of 125 events costs that an output takes at once.
func BenchmarkIsolated(b *testing.B) {
	for _, mode := range []string{"block", "spill", "drop_newest"} {
		b.Run(mode, func(b *testing.B) {
			i := isolate(b, b.TempDir(), fmt.Sprintf("on_full => %q", mode), 1, newValve(true), newValve(true))
			i.outputs[1].output = void{}
			if o := i.outputs[1].isolated; o != nil {
				o.output = void{}
			}
			if err := i.startSpills(b.Context()); err != nil {
				b.Fatal(err)
			}
			w := i.outputs[1].newWriter()
			e := event.New(nil)
			e.Root().Set("message", event.StringValue("a line"))
			b.ReportAllocs()
			for b.Loop() {
				t := &event.Batch{}
				t.Expect(1)
				for range 125 {
					if err := w.Append(e); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.Flush(b.Context(), t); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			if err := i.outputs[1].close(b.Context(), b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkSpilling is a pipeline one of whose outputs takes nothing: lines of 150 bytes go to its neighbour and to disk.
func BenchmarkSpilling(b *testing.B) {
	for _, mode := range []string{"drop_newest", "spill"} {
		b.Run(mode, func(b *testing.B) {
			i := isolate(b, b.TempDir(), fmt.Sprintf(`on_full => %q spill_max_bytes => "16 GiB"`, mode), 1, newValve(true), newValve(false))
			i.outputs[0].output = void{}
			i.settings.ShutdownLimit = 10 * time.Millisecond
			i.start(b)
			line := strings.Repeat("0123456789", 15)
			batch := make([]string, 125)
			for k := range batch {
				batch[k] = line
			}
			b.SetBytes(int64(len(line)))
			b.ResetTimer()
			for n := 0; n < b.N; n += len(batch) {
				i.feed <- batch
			}
			eventually(b, func() bool { return i.Stats.Out.Load() >= int64(b.N) }, "all is routed")
			b.StopTimer()
			i.stop()
			require.NoError(b, <-i.end)
		})
	}
}

// TestSpillSurvivesPowerLoss takes the power away at random moments: what was settled by then is delivered, or comes from what had been
// synced.
func TestSpillSurvivesPowerLoss(t *testing.T) {
	seed := aSeed()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	fromDisk := 0
	for range 10 {
		sim, dir := vfs.NewSim(), t.TempDir()
		near, far := newValve(true), newValve(true)
		hold := time.Duration(20+random.IntN(60)) * time.Millisecond
		far.pause = func() { <-time.After(hold) }
		i := isolate(t, dir, `on_full => "spill"`, 2, near, far)
		i.outputs[1].isolated.spill.fs = sim
		i.settings.ShutdownLimit = 50 * time.Millisecond // what is left cannot be written any more
		i.settled = make(chan []string, 10_000)
		i.start(t)
		n := 500 + 10*random.IntN(400)
		go func() {
			i.lines(0, n)
			close(i.feed)
		}()
		var settled []string
		for range 1 + random.IntN(n/10-20) {
			settled = append(settled, <-i.settled...)
		}
		after := sim.Crash(random)
		delivered := distinct(far.messages())
		i.stop()
		for range i.feed { // whatever the input did not take
		}
		require.NoError(t, <-i.end)

		end := newValve(true)
		next := isolate(t, dir, `on_full => "spill"`, 2, newValve(true), end)
		next.outputs[1].isolated.spill.fs = after
		next.start(t)
		close(next.feed)
		require.NoError(t, <-next.end)
		fromDisk += end.count()
		for _, m := range end.messages() {
			delivered[m] = true
		}
		for _, m := range settled {
			require.True(t, delivered[m], "event %s was settled and is lost", m)
		}
	}
	require.Positive(t, fromDisk)
}

// TestSpillOnFullDisk: a disk that takes nothing holds the pipeline up, and loses nothing.
func TestSpillOnFullDisk(t *testing.T) {
	sim := vfs.NewSim()
	near, far := newValve(true), newValve(false)
	i := isolate(t, t.TempDir(), `on_full => "spill"`, 1, near, far)
	i.outputs[1].isolated.spill.fs = sim
	i.settled = make(chan []string, 10_000)
	i.start(t)
	i.lines(0, 1000)
	eventually(t, func() bool { return i.Spills()["far"].Spilled > 500 }, "the disk takes events")
	eventually(t, func() bool {
		s := i.Spills()["far"]
		return near.count() == 1000 && s.Spilled == s.Events && 10*len(i.settled) == int(s.Spilled)
	}, "what is on disk is settled, in batches of ten")
	sim.SetSpace(0)
	i.lines(1000, 1000)
	eventually(t, func() bool { return near.count() == 2000 }, "what waits for the disk fits into memory")
	settled := len(i.settled)
	spilled := int(i.Spills()["far"].Spilled)
	require.LessOrEqual(t, 10*settled, spilled, "nothing is settled that is not on disk")
	require.LessOrEqual(t, spilled, 1000, "the disk took nothing of the rest")
	sim.SetSpace(1 << 40)
	far.set(true)
	close(i.feed)
	require.NoError(t, <-i.end)
	require.Equal(t, numbersTo(2000), far.messages())
	require.Len(t, i.settled, 200)
}
