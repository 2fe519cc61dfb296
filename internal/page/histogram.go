package page

import (
	"fmt"
	"math"
	"time"
)

// step is a width of the histogram's bars, in Elasticsearch's words.
type step struct {
	Name   string
	Length time.Duration
}

// mostBars bounds the bars of a histogram.
const mostBars = 80

// stepFor chooses the width of the bars.
func stepFor(length time.Duration) step {
	const day = 24 * time.Hour
	steps := []step{
		{"1s", time.Second}, {"2s", 2 * time.Second}, {"5s", 5 * time.Second}, {"10s", 10 * time.Second}, {"15s", 15 * time.Second},
		{"30s", 30 * time.Second}, {"1m", time.Minute}, {"2m", 2 * time.Minute}, {"5m", 5 * time.Minute}, {"10m", 10 * time.Minute},
		{"30m", 30 * time.Minute}, {"1h", time.Hour}, {"3h", 3 * time.Hour}, {"6h", 6 * time.Hour}, {"12h", 12 * time.Hour},
		{"1d", day}, {"7d", 7 * day}, {"30d", 30 * day}, {"365d", 365 * day},
	}
	for _, s := range steps {
		if length <= mostBars*s.Length {
			return s
		}
	}
	return steps[len(steps)-1]
}

// histogram is the picture of the hits over time. Its units are those of the SVG.
type histogram struct {
	Width, Height float64
	Bars          []bar
	Ticks         []tick
	Lines         []line
	Step          string
	Peak          string // what the upper line stands for
	Total         int64
	From, To      int64 // milliseconds
}

type bar struct {
	X, Y, W, H float64
	Title      string
	URL        string
	From, To   int64
	Count      int64
}

// tick is a mark of the time axis.
type tick struct {
	X     float64
	Label string
}

// Percent is where it stands in the width of the chart: labels are not stretched with it.
func (t tick) Percent() float64 { return round(t.X / chartWidth * 100) }

// line is a line of the value axis.
type line struct {
	Y     float64
	Label string
}

const (
	chartWidth  = 1000.0
	chartHeight = 92.0
	chartTop    = 10.0
	chartFoot   = 0.0
)

// newHistogram draws the buckets of a search. A bar leads to the search of its time.
func newHistogram(o request, s step, buckets []bucket, loc *time.Location) histogram {
	h := histogram{Width: chartWidth, Height: chartHeight, Step: s.Name, From: o.From.UnixMilli(), To: o.To.UnixMilli()}
	most := int64(1)
	for _, b := range buckets {
		most = max(most, b.Count)
		h.Total += b.Count
	}
	top := niceAbove(float64(most))
	start := float64(o.From.UnixMilli())
	scale := chartWidth / (float64(o.To.UnixMilli()) - start)
	plot := chartHeight - chartTop - chartFoot
	for _, b := range buckets {
		// A bar at an edge covers only what was searched of its time.
		from := max(b.Key, o.From.UnixMilli())
		to := min(b.Key+s.Length.Milliseconds(), o.To.UnixMilli())
		if to <= from || len(h.Bars) > 4*mostBars {
			continue
		}
		x := (float64(from) - start) * scale
		w := max(float64(to-from)*scale-1, 1)
		height := max(float64(b.Count)/top*plot, 1)
		h.Bars = append(h.Bars, bar{
			X: round(x), Y: round(chartTop + plot - height), W: round(w), H: round(height), From: from, To: to, Count: b.Count,
			Title: fmt.Sprintf("%s – %s: %s", stamp(from, loc), stamp(to, loc), plural(b.Count, "hit")),
			URL: o.url(func(n *request) {
				n.Range, n.From, n.To, n.After, n.Refresh = absolute, time.UnixMilli(from), time.UnixMilli(to), "", 0
			}),
		})
	}
	for _, part := range []float64{0.5, 1} {
		h.Lines = append(h.Lines, line{round(chartTop + plot - part*plot), rate(top * part)})
	}
	if top == 1 {
		h.Lines = h.Lines[1:]
	}
	h.Peak = rate(top)
	h.Ticks = ticks(o.From, o.To, loc, scale)
	return h
}

func stamp(ms int64, loc *time.Location) string {
	return time.UnixMilli(ms).In(loc).Format("2006-01-02 15:04:05")
}

func plural(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return count(n) + " " + word + "s"
}

// round keeps a tenth of a unit: more digits are only weight.
func round(f float64) float64 { return float64(int64(f*10+0.5)) / 10 }

// niceAbove returns the least round number that is not below f.
func niceAbove(f float64) float64 {
	for p := 1.0; ; p *= 10 {
		for _, m := range []float64{1, 1.5, 2, 2.5, 3, 4, 5, 6, 8} {
			if m*p >= f && (p > 1 || m == math.Trunc(m)) {
				return m * p
			}
		}
	}
}

// ticks marks about six round times.
func ticks(from, to time.Time, loc *time.Location, scale float64) []tick {
	every := stepFor(to.Sub(from) * (mostBars / 6)).Length
	form := "15:04"
	switch {
	case every < time.Minute:
		form = "15:04:05"
	case every >= 24*time.Hour:
		form = "Jan 2"
	case to.Sub(from) > 24*time.Hour:
		form = "Jan 2 15:04"
	}
	var out []tick
	_, offset := from.In(loc).Zone()
	shift := time.Duration(offset) * time.Second
	for t := from.Add(shift).Truncate(every).Add(every - shift); t.Before(to); t = t.Add(every) {
		x := float64(t.Sub(from).Milliseconds()) * scale
		if x > 25 && x < chartWidth-25 {
			out = append(out, tick{X: round(x), Label: t.In(loc).Format(form)})
		}
	}
	return out
}
