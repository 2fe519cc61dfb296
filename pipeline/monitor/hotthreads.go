package monitor

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// thread is a goroutine as /_node/hot_threads shows it.
type thread struct {
	id     int
	state  string
	name   string // the function it began with
	traces []string
}

// hotThreadsMax bounds the dump: 8 MiB hold some 10,000 goroutines.
const hotThreadsMax = 8 << 20

// goroutines returns what every goroutine does, the running ones first. It stops the program for the moment of the dump.
func goroutines() []thread {
	buf := make([]byte, 256<<10)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) || len(buf) >= hotThreadsMax {
			return parseGoroutines(string(buf[:n]))
		}
		buf = make([]byte, 4*len(buf))
	}
}

// parseGoroutines reads the text of runtime.Stack. Arguments are left out: they may be addresses of anything.
func parseGoroutines(dump string) []thread {
	var out []thread
	for block := range strings.SplitSeq(dump, "\n\n") {
		head, rest, _ := strings.Cut(block, "\n")
		var t thread
		fields := strings.SplitN(head, " ", 3)
		if len(fields) < 3 || fields[0] != "goroutine" {
			continue
		}
		t.id, _ = strconv.Atoi(fields[1]) // 0 if the form ever changes
		t.state, _, _ = strings.Cut(strings.Trim(fields[2], "[]:"), ",")
		for line := range strings.SplitSeq(rest, "\n") {
			if line == "" || strings.HasPrefix(line, "\t") {
				continue
			}
			if by, ok := strings.CutPrefix(line, "created by "); ok {
				line, _, _ = strings.Cut(by, " in goroutine")
			} else if i := strings.LastIndexByte(line, '('); i > 0 {
				line = line[:i]
			}
			t.traces = append(t.traces, line)
		}
		if n := len(t.traces); n > 1 {
			t.name = t.traces[n-2]
		} else if n == 1 {
			t.name = t.traces[0]
		}
		out = append(out, t)
	}
	slices.SortStableFunc(out, func(a, b thread) int { return rank(a.state) - rank(b.state) })
	return out
}

func rank(state string) int {
	switch state {
	case "running":
		return 0
	case "runnable":
		return 1
	}
	return 2
}

// idle tells a goroutine that waits from one that works, for ignore_idle_threads.
func (t thread) idle() bool { return rank(t.state) == 2 }

// hotThreadsJSON has Logstash's form; Go does not measure the CPU time of a goroutine, so percent_of_cpu_time is 0.
func hotThreadsJSON(threads []thread, now time.Time) object {
	l := make(list, 0, len(threads))
	for _, t := range threads {
		l = append(l, object{
			{"name", t.name}, {"thread_id", t.id}, {"percent_of_cpu_time", rate(0)}, {"state", t.state}, {"traces", t.traces},
		})
	}
	return object{{"hot_threads", object{{"time", now.Format(time.RFC3339)}, {"busiest_threads", len(threads)}, {"threads", l}}}}
}

func hotThreadsText(threads []thread, host string, now time.Time) string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "::: {%s}\n  Hot threads at %s, busiestThreads=%d:\n%s\n", host, now.Format(time.RFC3339), len(threads), strings.Repeat("=", 80))
	for _, t := range threads {
		_, _ = fmt.Fprintf(&b, "thread name: '%s' id: %d state: %s\n", t.name, t.id, t.state)
		for _, line := range t.traces {
			_, _ = fmt.Fprintf(&b, "\t%s\n", line)
		}
		b.WriteString(strings.Repeat("-", 80) + "\n")
	}
	return b.String()
}
