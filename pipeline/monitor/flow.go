package monitor

import (
	"math"
	"strconv"
	"sync"
	"time"
)

// window is one of the periods over which Logstash reports rates. Captures are kept resolution apart, so that a window costs a
// bounded number of them: a pipeline of 100 plugins keeps about 250 captures of 210 numbers, 400 KiB.
type window struct {
	name       string
	length     time.Duration
	resolution time.Duration
	early      bool // reported before length has passed
}

// windows returns Logstash's retention policies.
func windows() []window {
	return []window{
		{"current", 10 * time.Second, time.Second, true},
		{"last_1_minute", time.Minute, 3 * time.Second, false},
		{"last_5_minutes", 5 * time.Minute, 15 * time.Second, false},
		{"last_15_minutes", 15 * time.Minute, 30 * time.Second, false},
		{"last_1_hour", time.Hour, time.Minute, false},
		{"last_24_hours", 24 * time.Hour, 15 * time.Minute, false},
	}
}

// capture is what the counters said at one moment.
type capture struct {
	at     time.Time
	counts []int64
}

// history keeps captures of one pipeline's counters for its flow metrics.
type history struct {
	windows []window

	mu    sync.Mutex
	first capture     // guarded by mu
	kept  [][]capture // by window, oldest first; guarded by mu
}

func newHistory() *history {
	h := &history{windows: windows()}
	h.kept = make([][]capture, len(h.windows))
	return h
}

// add takes a capture into every window whose last one is a resolution old, and forgets what no window needs: all captures but the
// youngest of those that are older than the window.
func (h *history) add(c capture) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.first.at.IsZero() {
		h.first = c
	}
	for i, w := range h.windows {
		kept := h.kept[i]
		// A ticker may be early by a little, so the comparison leaves it a tenth.
		if n := len(kept); n == 0 || c.at.Sub(kept[n-1].at) >= w.resolution-w.resolution/10 {
			kept = append(kept, c)
		}
		old := 0
		for old+1 < len(kept) && c.at.Sub(kept[old+1].at) >= w.length {
			old++
		}
		h.kept[i] = append(kept[:0], kept[old:]...)
	}
}

// baseline is the capture that a window's rates are measured from.
type baseline struct {
	name string
	capture
}

// baselines returns those of the windows that can be reported at now, the whole life last.
func (h *history) baselines(now time.Time) []baseline {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []baseline
	for i, w := range h.windows {
		var found capture
		for _, c := range h.kept[i] {
			if now.Sub(c.at) >= w.length {
				found = c
			}
		}
		if found.at.IsZero() && w.early {
			found = h.first
		}
		if !found.at.IsZero() {
			out = append(out, baseline{w.name, found})
		}
	}
	if !h.first.at.IsZero() {
		out = append(out, baseline{"lifetime", h.first})
	}
	return out
}

// ratio divides what was counted since a baseline; ok is false for nothing in no time.
func ratio(numerator, denominator float64) (r rate, ok bool) {
	if denominator == 0 {
		if numerator == 0 {
			return 0, false
		}
		return rate(math.Inf(1)), true
	}
	return significant(numerator / denominator), true
}

// significant rounds to the four digits that Logstash reports.
func significant(f float64) rate {
	r, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 4, 64), 64)
	if err != nil {
		panic("BUG: a formatted number cannot be parsed: " + err.Error())
	}
	return rate(r)
}

// flow is a pair of captures: what was counted over one window.
type flow struct {
	name    string
	elapsed time.Duration
	from    []int64
	to      []int64
}

// flows returns the windows that can be reported of now.
func (h *history) flows(now capture) []flow {
	var out []flow
	for _, b := range h.baselines(now.at) {
		out = append(out, flow{b.name, now.at.Sub(b.at), b.counts, now.counts})
	}
	return out
}

func (f flow) delta(i int) float64 { return float64(f.to[i] - f.from[i]) }

// rates makes the JSON of one metric of all windows.
func rates(flows []flow, of func(flow) (rate, bool)) object {
	o := object{}
	for _, f := range flows {
		if r, ok := of(f); ok {
			o = append(o, member{f.name, r})
		}
	}
	return o
}

// perSecond is the rate of count i.
func perSecond(i int) func(flow) (rate, bool) {
	return func(f flow) (rate, bool) { return ratio(f.delta(i), f.elapsed.Seconds()) }
}

// share is how much of the elapsed time the nanoseconds of count i are, times factor.
func share(i int, factor float64) func(flow) (rate, bool) {
	return func(f flow) (rate, bool) { return ratio(f.delta(i)*factor, float64(f.elapsed)) }
}

// millisPer is the milliseconds of count nanos for each of count n.
func millisPer(nanos, n int) func(flow) (rate, bool) {
	return func(f flow) (rate, bool) { return ratio(f.delta(nanos)/1e6, f.delta(n)) }
}
