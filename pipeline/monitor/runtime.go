package monitor

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// goRuntime answers what Logstash's API says of its JVM with what Go has, so that tools which read it go on working:
//
//	threads.count                 goroutines
//	mem.heap_used                 bytes of live and not yet swept objects
//	mem.heap_committed            heap memory taken from the system and not given back
//	mem.heap_max, heap_init       GOMEMLIMIT; without one the machine's memory
//	mem.non_heap_used, committed  stacks, code of the runtime, profiling: everything mapped but the heap
//	mem.pools.young               objects made since the last collection; survivor is always empty
//	mem.pools.old                 objects that the last collection left alive
//	gc.collectors.young           collections, and the time for which they stopped the program
//	gc.collectors.old             collections that were forced (debug.FreeOSMemory, runtime.GC)
//	version, vm_name, vm_vendor   Go's
//
// Peaks are those that were seen by samples and answers.
type goRuntime struct {
	began time.Time

	mu             sync.Mutex
	peakGoroutines int64 // guarded by mu, as all that follows
	peakYoung      int64
	peakOld        int64
	peakFiles      int64
	lastCPU        time.Duration
	lastAt         time.Time
	cpuPercent     int64
}

// memory is one reading of the runtime's metrics, in bytes.
type memory struct {
	goroutines          int64
	heapUsed, committed int64
	live                int64
	total               int64 // mapped by the runtime
	cycles, forced      int64
}

func (r *goRuntime) read() memory {
	s := []metrics.Sample{
		{Name: "/sched/goroutines:goroutines"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/gc/cycles/forced:gc-cycles"},
	}
	metrics.Read(s)
	n := func(i int) int64 {
		if s[i].Value.Kind() != metrics.KindUint64 {
			return 0 // a metric that a later Go dropped
		}
		return int64(s[i].Value.Uint64())
	}
	m := memory{goroutines: n(0), heapUsed: n(1), committed: n(1) + n(2) + n(3), live: n(4), total: n(5) - n(6), cycles: n(7), forced: n(8)}
	m.live = min(m.live, m.heapUsed)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.peakGoroutines = max(r.peakGoroutines, m.goroutines)
	r.peakYoung = max(r.peakYoung, m.heapUsed-m.live)
	r.peakOld = max(r.peakOld, m.live)
	return m
}

// maxMemory is what the heap may grow to: GOMEMLIMIT, else the machine's memory.
func maxMemory() int64 {
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		return limit
	}
	return meminfo("MemTotal:")
}

// meminfo reads a line of /proc/meminfo, in bytes; 0 where there is none.
func meminfo(key string) int64 {
	for line := range strings.Lines(readFile("/proc/meminfo")) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == key {
			return atoi(f[1]) * 1024
		}
	}
	return 0
}

func readFile(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "" // another system, or a container that hides it: the number is 0 then
	}
	return string(b)
}

func atoi(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// jvmInfo is "jvm" of /_node.
func (r *goRuntime) jvmInfo() object {
	limit := maxMemory()
	return object{
		{"pid", os.Getpid()}, {"version", strings.TrimPrefix(runtime.Version(), "go")}, {"vm_version", strings.TrimPrefix(runtime.Version(), "go")},
		{"vm_vendor", "The Go Authors"}, {"vm_name", "Go runtime"}, {"start_time_in_millis", r.began.UnixMilli()},
		{"mem", object{
			{"heap_init_in_bytes", limit}, {"heap_max_in_bytes", limit}, {"non_heap_init_in_bytes", int64(0)}, {"non_heap_max_in_bytes", int64(0)},
		}},
		{"gc_collectors", []string{"Go concurrent mark and sweep"}},
	}
}

// jvmStats is "jvm" of /_node/stats.
func (r *goRuntime) jvmStats(now time.Time) object {
	m := r.read()
	limit := maxMemory()
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	r.mu.Lock()
	defer r.mu.Unlock()
	percent := int64(0)
	if limit > 0 {
		percent = m.heapUsed * 100 / limit
	}
	pool := func(committed, peak, most, used int64) object {
		return object{
			{"committed_in_bytes", committed}, {"peak_used_in_bytes", peak}, {"peak_max_in_bytes", most}, {"max_in_bytes", most},
			{"used_in_bytes", used},
		}
	}
	young := m.heapUsed - m.live
	return object{
		{"threads", object{{"count", m.goroutines}, {"peak_count", r.peakGoroutines}}},
		{"mem", object{
			{"heap_used_percent", percent}, {"heap_committed_in_bytes", m.committed}, {"heap_max_in_bytes", limit},
			{"heap_used_in_bytes", m.heapUsed}, {"non_heap_used_in_bytes", max(0, m.total-m.committed)},
			{"non_heap_committed_in_bytes", max(0, m.total-m.committed)},
			{"pools", object{
				{"young", pool(max(0, m.committed-m.live), r.peakYoung, -1, young)},
				{"old", pool(m.live, r.peakOld, limit, m.live)},
				{"survivor", pool(0, 0, -1, 0)},
			}},
		}},
		{"gc", object{{"collectors", object{
			{"young", object{{"collection_count", m.cycles - m.forced}, {"collection_time_in_millis", gc.PauseTotal.Milliseconds()}}},
			{"old", object{{"collection_count", m.forced}, {"collection_time_in_millis", int64(0)}}},
		}}}},
		{"uptime_in_millis", now.Sub(r.began).Milliseconds()},
	}
}

// cpuTime is the user and system time of the process.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// sample keeps the peaks and the share of the CPU since the last sample, of all cores, as a JVM reports it.
func (r *goRuntime) sample(now time.Time) {
	files := openFiles()
	r.read()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.peakFiles = max(r.peakFiles, files)
	used := cpuTime()
	if elapsed := now.Sub(r.lastAt); !r.lastAt.IsZero() && elapsed > 0 {
		r.cpuPercent = min(100, int64(100*float64(used-r.lastCPU)/float64(elapsed)/float64(runtime.NumCPU())))
	}
	r.lastAt, r.lastCPU = now, used
}

func openFiles() int64 {
	d, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0
	}
	defer func() { _ = d.Close() }()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return 0
	}
	return int64(len(names) - 1) // not the folder itself
}

// process is "process" of /_node/stats.
func (r *goRuntime) process() object {
	files := openFiles()
	var limit syscall.Rlimit
	_ = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) // 0 if unknown
	virtual := int64(0)
	if f := strings.Fields(readFile("/proc/self/statm")); len(f) > 0 {
		virtual = atoi(f[0]) * int64(os.Getpagesize())
	}
	load := [3]rate{}
	for i, s := range strings.Fields(readFile("/proc/loadavg")) {
		if i < len(load) {
			f, err := strconv.ParseFloat(s, 64)
			if err == nil {
				load[i] = rate(f)
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.peakFiles = max(r.peakFiles, files)
	return object{
		{"open_file_descriptors", files}, {"peak_open_file_descriptors", r.peakFiles}, {"max_file_descriptors", limit.Cur},
		{"mem", object{{"total_virtual_in_bytes", virtual}}},
		{"cpu", object{
			{"total_in_millis", cpuTime().Milliseconds()}, {"percent", r.cpuPercent},
			{"load_average", object{{"1m", load[0]}, {"5m", load[1]}, {"15m", load[2]}}},
		}},
	}
}

// osInfo is "os" of /_node.
func osInfo() object {
	name := runtime.GOOS
	if name == "linux" {
		name = "Linux"
	}
	return object{
		{"name", name}, {"arch", runtime.GOARCH}, {"version", strings.TrimSpace(readFile("/proc/sys/kernel/osrelease"))},
		{"available_processors", runtime.GOMAXPROCS(0)},
	}
}

// osStats is "os" of /_node/stats: the process's control group, version 2 or 1, in version 1's words.
func osStats() object {
	group := "/"
	for line := range strings.Lines(readFile("/proc/self/cgroup")) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) == 3 && (f[1] == "" || strings.Contains(f[1], "cpuacct")) {
			group = f[2]
			break
		}
	}
	c := readCgroup("/sys/fs/cgroup", group)
	return object{{"cgroup", object{
		{"cpuacct", object{{"control_group", group}, {"usage_nanos", c.usage}}},
		{"cpu", object{
			{"control_group", group},
			{"stat", object{
				{"number_of_elapsed_periods", c.periods}, {"number_of_times_throttled", c.throttled}, {"time_throttled_nanos", c.throttledNanos},
			}},
			{"cfs_period_micros", c.period}, {"cfs_quota_micros", c.quota},
		}},
	}}}
}

// cgroup is what a control group says of the CPU; quota -1 is no limit.
type cgroup struct{ usage, periods, throttled, throttledNanos, period, quota int64 }

// readCgroup reads a control group below root. A container that has a namespace of its own sees its group at root itself.
func readCgroup(root, group string) cgroup {
	c := cgroup{period: 100000, quota: -1}
	dir := filepath.Join(root, group)
	if readFile(filepath.Join(dir, "cpu.stat")) == "" {
		dir = root
	}
	if stat := readFile(filepath.Join(dir, "cpu.stat")); strings.Contains(stat, "usage_usec") {
		v := keyValues(stat)
		c.usage, c.periods, c.throttled, c.throttledNanos = v["usage_usec"]*1000, v["nr_periods"], v["nr_throttled"], v["throttled_usec"]*1000
		if f := strings.Fields(readFile(filepath.Join(dir, "cpu.max"))); len(f) == 2 {
			if f[0] != "max" {
				c.quota = atoi(f[0])
			}
			c.period = atoi(f[1])
		}
		return c
	}
	for _, dir := range []string{filepath.Join(root, "cpu,cpuacct", group), filepath.Join(root, "cpu,cpuacct")} {
		stat := readFile(filepath.Join(dir, "cpu.stat"))
		if stat == "" {
			continue
		}
		v := keyValues(stat)
		c.periods, c.throttled, c.throttledNanos = v["nr_periods"], v["nr_throttled"], v["throttled_time"]
		c.usage = atoi(readFile(filepath.Join(dir, "cpuacct.usage")))
		c.period, c.quota = atoi(readFile(filepath.Join(dir, "cpu.cfs_period_us"))), atoi(readFile(filepath.Join(dir, "cpu.cfs_quota_us")))
		break
	}
	return c
}

func keyValues(text string) map[string]int64 {
	out := make(map[string]int64)
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 2 {
			out[f[0]] = atoi(f[1])
		}
	}
	return out
}
