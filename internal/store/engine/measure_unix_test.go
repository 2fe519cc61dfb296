//go:build unix

package engine

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// memory returns a line of /proc/self/status: VmRSS or VmHWM.
func memory(name string) string {
	p, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(p)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "unknown"
}

// TestMeasure prints the figures of docs/STORE.md for as many documents as MILLRACE_ENGINE_DOCS says, in MILLRACE_ENGINE_DIR if that is set.
// CPU time is what counts: other processes do not disturb it. That of making the documents is measured beforehand and taken off.
func TestMeasure(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("MILLRACE_ENGINE_DOCS"))
	if err != nil {
		t.Skip("MILLRACE_ENGINE_DOCS is not set")
	}
	const bulk = 1000
	debug.SetGCPercent(50)
	debug.SetMemoryLimit(150 << 20)
	dir := t.TempDir()
	if d := os.Getenv("MILLRACE_ENGINE_DIR"); d != "" {
		dir = d
	}
	e, err := Open(Options{Dir: dir, MaxAge: -1, MaxBytes: 16 << 30, maxSegment: 128 << 20})
	require.NoError(t, err)
	require.NoError(t, e.CreateIndex("logs", nil))
	before := cpuTime()
	for a := newApache(); a.n < 100_000; {
		a.bulk(bulk)
	}
	making := float64(cpuTime()-before) / 100_000
	a := newApache()
	begun, before, last := time.Now(), cpuTime(), cpuTime()
	for a.n < n {
		_, err := e.Apply(context.Background(), a.bulk(bulk))
		require.NoError(t, err)
		if a.n%(n/10) == 0 {
			now := cpuTime()
			t.Logf("%d documents: %.1f µs of CPU each, RSS %s", a.n, (float64(now-last)/float64(n/10)-making)/1e3, memory("VmRSS"))
			last = now
		}
	}
	perDoc := float64(cpuTime()-before)/float64(n) - making
	t.Logf("%d documents: %.1f µs of CPU each, which is %.0f/s on one core; %.0fs on the clock with %d threads", n, perDoc/1e3, 1e9/perDoc, time.Since(begun).Seconds(), runtime.GOMAXPROCS(0))
	s := e.Stats()
	t.Logf("disk %d MB, %d segments, %d flushes, %d merges, apply %v on average, peak RSS %s", s.Bytes>>20, s.Segments, s.Flushes, s.Merges, s.ApplyTime/time.Duration(s.Applies), memory("VmHWM"))
	searches := a.searches()
	names := make([]string, 0, len(searches))
	for name := range searches {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		var best, cpu time.Duration
		total := int64(0)
		for i := range 3 {
			begun, before := time.Now(), cpuTime()
			r, err := e.Search(context.Background(), searches[name])
			require.NoError(t, err)
			if d := time.Since(begun); i == 0 || d < best {
				best, cpu = d, cpuTime()-before
			}
			total = r.Total
		}
		t.Logf("%s: %d matches, %v on the clock, %v of CPU", name, total, best.Round(time.Millisecond/10), cpu.Round(time.Millisecond/10))
	}
	t.Logf("RSS %s, peak %s", memory("VmRSS"), memory("VmHWM"))
	require.NoError(t, e.Close())
}
