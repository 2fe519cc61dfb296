package page

import (
	"fmt"
	"strings"
	"time"

	"millrace/pipeline/monitor"
)

// trendChart is the picture of the last minutes.
type trendChart struct {
	Width, Height float64
	In, Out       string // paths
	InArea        string
	Wait          []band // seconds in which inputs waited
	Lines         []line
	Ticks         []tick
	Empty         bool
	Peak          string // what the upper line stands for
	Label         string // for those who do not see it
}

// band is a second of back-pressure.
type band struct{ X, W, H, Y float64 }

const (
	trendWidth  = 1000.0
	trendHeight = 102.0
	trendFoot   = 0.0
	trendTop    = 8.0
	trendPeriod = 5 * time.Minute
)

// newTrend draws the rates of the last five minutes, the newest at the right edge.
func newTrend(moments []monitor.Moment) trendChart {
	c := trendChart{Width: trendWidth, Height: trendHeight, Empty: len(moments) < 2}
	plot := trendHeight - trendFoot - trendTop
	for i := 1; i <= 4; i++ {
		c.Ticks = append(c.Ticks, tick{X: trendWidth * float64(i) / 5, Label: fmt.Sprintf("−%d min", 5-i)})
	}
	if c.Empty {
		return c
	}
	last := moments[len(moments)-1].At
	most := 1.0
	for _, m := range moments {
		most = max(most, m.In, m.Out)
	}
	top := niceAbove(most)
	x := func(at time.Time) float64 {
		return round(trendWidth * (1 - last.Sub(at).Seconds()/trendPeriod.Seconds()))
	}
	y := func(v float64) float64 { return round(trendTop + plot - v/top*plot) }
	var in, out strings.Builder
	first := -1.0
	for _, m := range moments {
		px := x(m.At)
		if px < 0 {
			continue
		}
		verb := "L"
		if first < 0 {
			verb, first = "M", px
		}
		fmt.Fprintf(&in, "%s%g %g", verb, px, y(m.In))
		fmt.Fprintf(&out, "%s%g %g", verb, px, y(m.Out))
		if m.Backpressure > 0.02 {
			h := round(min(1, m.Backpressure) * plot)
			c.Wait = append(c.Wait, band{px - 3.3, 3.4, h, round(trendTop + plot - h)})
		}
	}
	base := trendTop + plot
	c.In, c.Out = in.String(), out.String()
	c.InArea = fmt.Sprintf("%sL%g %gL%g %gZ", c.In, trendWidth, base, first, base)
	c.Lines = []line{{y(top / 2), rate(top / 2)}, {y(top), rate(top)}}
	c.Peak = rate(top)
	n := moments[len(moments)-1]
	c.Label = fmt.Sprintf("Events in a second over the last five minutes: now %s in, %s out", rate(n.In), rate(n.Out))
	return c
}
