package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/testenv"
)

// rig is a program with a persistent queue between an input that acknowledges, one that does not, and a sink of the test's own.
type rig struct {
	t          *testing.T
	data, conf string
	from       []string // the flags that name the configuration, if not -e conf
	ports      [2]int   // acked, tcp
	sink       *collector
	sent       map[string]bool // guarded by mu
	accepted   map[string]bool // guarded by mu
	mu         sync.Mutex
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, data: filepath.Join(t.TempDir(), "data"), ports: [2]int{testenv.FreePort(t), testenv.FreePort(t)}, sink: newCollector(),
		sent: map[string]bool{}, accepted: map[string]bool{}}
	server := httptest.NewServer(r.sink)
	t.Cleanup(server.Close)
	r.conf = fmt.Sprintf(`input { acked { port => %d } tcp { port => %d host => "127.0.0.1" dns_reverse_lookup_enabled => false } }
output { delivered { url => "%s" } }`, r.ports[0], r.ports[1], server.URL)
	return r
}

func (r *rig) start(more ...string) *child {
	if r.from == nil {
		r.from = []string{"-e", r.conf}
	}
	args := append(slices.Clone(r.from), "--path.data", r.data, "-w", "2", "-S", "queue.type=persisted",
		"-S", "queue.page_capacity=128kb", "-S", "queue.max_bytes=1mb", "-S", "queue.checkpoint.acks=200")
	return startChild(r.t, append(args, more...)...)
}

// load sends numbered lines to a port until the connection ends. Those to the first port are acknowledged, in their order.
func (r *rig) load(port int, name string) (acks *atomic.Int64, done chan int) {
	var c net.Conn
	require.Eventually(r.t, func() (ok bool) { // inputs listen a moment after the pipeline runs
		var err error
		c, err = net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(r.ports[port])))
		return err == nil
	}, patience, time.Millisecond)
	acks, done = new(atomic.Int64), make(chan int, 1)
	var lines []string
	var mu sync.Mutex
	var sending sync.WaitGroup
	sending.Go(func() {
		for i := 0; ; i += 20 {
			var text strings.Builder
			mu.Lock()
			for n := i; n < i+20; n++ {
				lines = append(lines, fmt.Sprintf("%s %d %s", name, n, strings.Repeat("x", n%200)))
				text.WriteString(lines[n] + "\n")
			}
			mu.Unlock()
			r.mu.Lock()
			for _, l := range lines[i:] {
				r.sent[l] = true
			}
			r.mu.Unlock()
			if _, err := c.Write([]byte(text.String())); err != nil {
				return
			}
		}
	})
	go func() {
		total := 0
		for s := bufio.NewScanner(c); s.Scan(); {
			n, err := strconv.Atoi(s.Text())
			if err != nil {
				break
			}
			mu.Lock()
			r.mu.Lock()
			for _, l := range lines[total : total+n] {
				r.accepted[l] = true
			}
			r.mu.Unlock()
			mu.Unlock()
			total += n
			acks.Store(int64(total))
		}
		_ = c.Close()
		sending.Wait() // it notes what it sends
		done <- total
	}()
	return acks, done
}

// verify starts the program for the last time, lets it deliver what is left, and compares.
func (r *rig) verify() {
	r.t.Helper()
	r.sink.setAnswer(func() bool { return true })
	out := r.start("-S", "queue.drain=true").end()
	require.Regexp(r.t, `left_for_the_next_start"?=>?0`, out)
	r.mu.Lock()
	defer r.mu.Unlock()
	highest := map[string]int{} // by connection
	counts := map[string]int{}
	r.sink.mu.Lock()
	defer r.sink.mu.Unlock()
	for l := range r.sink.lines {
		require.True(r.t, r.sent[l], "delivered and never sent: %q", l)
		f := strings.Fields(l)
		n, err := strconv.Atoi(f[1])
		require.NoError(r.t, err)
		highest[f[0]] = max(highest[f[0]], n)
		counts[f[0]]++
	}
	for name, n := range highest {
		require.Equal(r.t, n+1, counts[name], "of connection %s a line in the middle is missing", name)
	}
	require.NotEmpty(r.t, r.accepted)
	for l := range r.accepted {
		require.NotZero(r.t, r.sink.lines[l], "accepted and never delivered: %q", l)
	}
	again := 0
	for _, n := range r.sink.lines {
		again += n - 1
	}
	r.t.Logf("%d lines sent, %d acknowledged, %d delivered, %d of them more than once", len(r.sent), len(r.accepted), len(r.sink.lines), again)
}

// TestKillUnderLoad kills the program with signal 9 at random moments while lines come in and a slow sink takes them, starts it again, and
// looks whether every line whose storage was acknowledged is delivered, and none that was not sent. It runs 5 rounds, or as many as
// MILLRACE_SOAK says.
func TestKillUnderLoad(t *testing.T) {
	rounds, seed := 5, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("MILLRACE_SOAK")); err == nil {
		rounds, seed = n, rand.Uint64()
	}
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	r := newRig(t)
	for round := range rounds {
		var requests atomic.Int64
		limit := int64(random.IntN(200)) // then the sink refuses most of what comes
		r.sink.setAnswer(func() bool { n := requests.Add(1); return n <= limit || n%8 == 0 })
		c := r.start()
		acks, done := r.load(0, fmt.Sprint("a", round))
		_, other := r.load(1, fmt.Sprint("t", round))
		until := int64(1 + random.IntN(4000))
		require.Eventually(t, func() bool { return acks.Load() >= until }, patience, 100*time.Microsecond, "round %d:\n%s", round, c.Output())
		c.Kill()
		<-done
		<-other
	}
	r.verify()
}

// TestTermUnderLoad ends the program while its queue is full and its sink down.
func TestTermUnderLoad(t *testing.T) {
	r := newRig(t)
	r.sink.setAnswer(func() bool { return false })
	c := r.start("--shutdown.timeout", "1s")
	acks, done := r.load(0, "a")
	require.Eventually(t, func() bool { return acks.Load() > 2000 }, patience, time.Millisecond)
	_, other := r.load(1, "t")
	out := c.end()
	<-done
	<-other
	require.Regexp(t, `left_for_the_next_start"?=>?[1-9]`, out)
	r.verify()
}

// TestReloadUnderLoad changes the configuration while the queue is full and the sink down: the next pipeline delivers what is stored.
func TestReloadUnderLoad(t *testing.T) {
	r := newRig(t)
	r.sink.setAnswer(func() bool { return false })
	conf := writeFile(t, t.TempDir(), "pipeline.conf", r.conf)
	r.from = []string{"-f", conf}
	c := r.start("--shutdown.timeout", "500ms")
	acks, done := r.load(0, "a")
	require.Eventually(t, func() bool { return acks.Load() > 1000 }, patience, time.Millisecond)
	writeFile(t, filepath.Dir(conf), filepath.Base(conf), r.conf+"\nfilter { }")
	require.NoError(t, c.Signal(syscall.SIGHUP))
	<-done
	r.sink.setAnswer(func() bool { return true })
	accepted := func() (n int) {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.accepted)
	}
	require.Eventually(t, func() bool { return r.sink.count() >= accepted() }, patience, 5*time.Millisecond, c.Output())
	c.end()
	r.verify()
}

// TestStartOnDamage starts on a queue with a torn tail and a damaged page, and lets the commands look at it.
func TestStartOnDamage(t *testing.T) {
	r := newRig(t)
	r.sink.setAnswer(func() bool { return false })
	c := r.start()
	acks, done := r.load(0, "a")
	require.Eventually(t, func() bool { return acks.Load() > 3000 }, patience, time.Millisecond)
	inUse := millrace(t, "", "queue", "check", "main", "--path.data", r.data)
	require.Equal(t, 1, inUse.code)
	require.Contains(t, inUse.err, "is in use")
	second := millrace(t, "", "--api.enabled=false", "-e", "input { generator { count => 1 } } output { null {} }", "--path.data", r.data)
	require.Equal(t, 1, second.code)
	require.Contains(t, second.out, "another instance using the configured data directory")
	third := millrace(t, "", "--api.enabled=false", "-e", "input { generator { count => 1 } } output { null {} }", "--path.data", t.TempDir(),
		"-S", "queue.type=persisted", "-S", "path.queue="+filepath.Join(r.data, "queue"))
	require.Equal(t, 1, third.code)
	require.Contains(t, third.out, "is in use by another process")
	require.Contains(t, millrace(t, "", "queue", "inspect", "main", "--path.data", r.data).out, "a process has it open")
	c.Kill()
	<-done

	dir := filepath.Join(r.data, "queue", "main")
	ok := millrace(t, "", "queue", "check", "--path.data", r.data)
	require.Equal(t, 0, ok.code, ok.out+ok.err)
	require.Contains(t, ok.out, "no damage")
	damage(t, dir)
	bad := millrace(t, "", "queue", "check", dir)
	require.Equal(t, 1, bad.code)
	require.Contains(t, bad.out, "unfinished entry at the end")
	require.Contains(t, bad.out, "no intact entry")
	var report reportJSON
	require.NoError(t, json.Unmarshal([]byte(millrace(t, "", "queue", "inspect", "main", "--path.data", r.data, "--format", "json").out), &report))
	require.Len(t, report.Problems, 2)
	require.NotZero(t, report.Events)

	copied := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, os.CopyFS(copied, os.DirFS(dir)))
	repaired := millrace(t, "", "queue", "repair", copied)
	require.Equal(t, 0, repaired.code, repaired.err)
	require.Contains(t, repaired.out, "(taken out)")
	require.Equal(t, 0, millrace(t, "", "queue", "check", copied).code)

	r.sink.setAnswer(func() bool { return true })
	out := r.start("-S", "queue.drain=true").end()
	require.Regexp(t, `damaged_bytes"?=>?[1-9]`, out)
	require.Equal(t, int(report.Events), r.sink.count(), "all that is intact is delivered")
	r.sink.mu.Lock()
	defer r.sink.mu.Unlock()
	for l := range r.sink.lines {
		require.True(t, r.sent[l], "delivered and never sent: %q", l)
	}
}

// damage tears the last page and overwrites a part of the first.
func damage(t *testing.T, dir string) {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join(dir, "*.page"))
	require.NoError(t, err)
	require.Greater(t, len(pages), 1)
	last := pages[len(pages)-1]
	info, err := os.Stat(last)
	require.NoError(t, err)
	if info.Size() < 64 { // the process was killed just when it had begun a page, which holds no entry then
		require.NoError(t, os.Remove(last))
		last = pages[len(pages)-2]
		info, err = os.Stat(last)
		require.NoError(t, err)
	}
	require.NoError(t, os.Truncate(last, info.Size()-7))
	f, err := os.OpenFile(pages[0], os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte("damaged by a test"), 3000)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func TestQueueSettings(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		r := millrace(t, "", append([]string{"-t", "-e", "input { stdin {} } output { null {} }"}, args...)...)
		require.Equal(t, 1, r.code, r.out)
		require.Contains(t, r.err, want)
	}
	f(`"queue.max_bytes" (1mb) must not be less than "queue.page_capacity" (64mb)`, "-S", "queue.max_bytes=1mb")
	f(`"queue.checkpoint.acks" must not be negative`, "-S", "queue.checkpoint.acks=-1")
	f(`"dead_letter_queue.retain.age": expected an age`, "-S", "dead_letter_queue.retain.age=old")
	f(`"dead_letter_queue.max_bytes" must not be 0`, "-S", "dead_letter_queue.max_bytes=0")
}

func TestQueueThatIsNone(t *testing.T) {
	dir := t.TempDir()
	f := func(want string, args ...string) {
		t.Helper()
		r := millrace(t, "", append([]string{"queue", "inspect"}, args...)...)
		require.Equal(t, 1, r.code)
		require.Contains(t, r.err, want)
	}
	f("holds no persistent queue", dir)
	f("there is no persistent queue", "--path.data", dir)
	f(`there is no persistent queue "main"`, "main", "--path.data", dir)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestFolderOf(t *testing.T) {
	f := func(id, want string) {
		t.Helper()
		require.Equal(t, want, folderOf(id))
	}
	f("main", "main")
	f("a b.c", "a b.c")
	f("../x", "..%2Fx")
	f("..", "%2E%2E")
}
