package page

import (
	"fmt"
	"math"
)

// flowChart is the way of all events since the start, as bands whose widths are their numbers: inputs, the pipeline, what became of them.
type flowChart struct {
	Width, Height float64
	Bands         []flowBand
	Nodes         []flowNode
	Empty         bool
}

// flowBand is events on their way from one node to another.
type flowBand struct{ Path, Class, Title string }

// flowNode is a bar with a label beside it.
type flowNode struct {
	X, Y, H float64
	Class   string
	Label   string
	Value   string
	TextX   float64
	TextY   float64
	Anchor  string

	value int64
	used  float64 // of its height by the bands that left
}

const (
	flowWidth = 1000.0
	flowBar   = 8.0
	flowRoom  = 120.0 // height of all events
	flowGap   = 12.0
	flowLine  = 30.0 // room that a label needs
)

// column puts nodes below each other at x and returns the height that they take.
func (c *flowChart) column(nodes []*flowNode, x, scale float64, left bool) float64 {
	y := 0.0
	for _, n := range nodes {
		n.X, n.H = x, math.Max(float64(n.value)*scale, 1)
		room := math.Max(n.H, flowLine)
		n.Y = y + (room-n.H)/2
		n.TextX, n.Anchor = x+flowBar+7, "start"
		if left {
			n.TextX, n.Anchor = x-7, "end"
		}
		n.TextY = n.Y + n.H/2
		y += room + flowGap
	}
	return y - flowGap
}

// middle moves a column down so that it stands in the middle of the height.
func middle(nodes []*flowNode, height, all float64) {
	for _, n := range nodes {
		n.Y += (all - height) / 2
		n.TextY += (all - height) / 2
	}
}

// band draws n events from one node to another.
func (c *flowChart) band(from, to *flowNode, into *float64, n int64, scale float64, class string) {
	if n <= 0 {
		return
	}
	h := math.Max(float64(n)*scale, 1)
	x0, x1 := from.X+flowBar, to.X
	y0, y1 := from.Y+from.used, to.Y+*into
	from.used += float64(n) * scale
	*into += float64(n) * scale
	m := (x0 + x1) / 2
	c.Bands = append(c.Bands, flowBand{
		Path: fmt.Sprintf("M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1fL%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1fZ",
			x0, y0, m, y0, m, y1, x1, y1, x1, y1+h, m, y1+h, m, y0+h, x0, y0+h),
		Class: class, Title: fmt.Sprintf("%s → %s: %s", from.Label, to.Label, plural(n, "event")),
	})
}

// newFlow draws the balance of a pipeline.
func newFlow(v *pipelineView) flowChart {
	c := flowChart{Width: flowWidth}
	total := v.Received + v.Made
	var right int64 = v.Dropped + v.Unrouted + v.Processing
	for _, o := range v.Outs {
		right += o.Taken
	}
	if total == 0 {
		c.Empty = true
		return c
	}
	scale := flowRoom / float64(max(total, right))

	var inputs, ends, results []*flowNode
	var read int64
	for _, p := range v.Snapshot.Inputs {
		read += p.Out
	}
	for _, p := range v.Snapshot.Inputs {
		// Of what was decoded each input gets the share of the records that it read.
		n := int64(float64(p.Out) / float64(max(1, read)) * float64(v.Received))
		inputs = append(inputs, &flowNode{Label: p.Name, Value: plural(p.Out, "record"), Class: "input", value: n})
	}
	if v.Made > 0 {
		inputs = append(inputs, &flowNode{Label: "made by filters", Value: count(v.Made), Class: "filter", value: v.Made})
	}
	center := &flowNode{Label: "events", Value: count(total), Class: "center", value: max(total, right)}
	for _, o := range v.Outs {
		ends = append(ends, &flowNode{Label: o.Name, Value: count(o.Taken), Class: "output", value: o.Taken})
	}
	for _, x := range []struct {
		name, class string
		n           int64
	}{{"dropped by the config", "drop", v.Dropped}, {"sent nowhere", "drop", v.Unrouted}, {"in workers", "wait", v.Processing}} {
		if x.n > 0 {
			ends = append(ends, &flowNode{Label: x.name, Value: count(x.n), Class: x.class, value: x.n})
		}
	}
	for i, o := range v.Outs {
		for _, s := range o.Balance {
			if s.Value > 0 {
				results = append(results, &flowNode{Label: s.Name, Value: count(s.Value), Class: s.Class, value: s.Value, X: float64(i)})
			}
		}
	}
	c.connect(inputs, center, ends, results, scale, len(v.Outs))
	return c
}

// connect lays the columns out and joins them.
func (c *flowChart) connect(inputs []*flowNode, center *flowNode, ends, results []*flowNode, scale float64, outs int) {
	of := make([]int, len(results)) // the output that a result belongs to
	for i, r := range results {
		of[i] = int(r.X)
	}
	columns := [][]*flowNode{inputs, {center}, ends, results}
	heights := make([]float64, len(columns))
	all := 0.0
	for i, x := range []float64{0, 300, 600, flowWidth - flowBar} {
		heights[i] = c.column(columns[i], x, scale, i == 3)
		all = math.Max(all, heights[i])
	}
	for i := range columns {
		middle(columns[i], heights[i], all)
	}
	into := 0.0
	for _, n := range inputs {
		c.band(n, center, &into, n.value, scale, n.Class)
	}
	for _, n := range ends {
		into := 0.0
		c.band(center, n, &into, n.value, scale, n.Class)
	}
	for i, n := range results {
		if of[i] < outs {
			into := 0.0
			c.band(ends[of[i]], n, &into, n.value, scale, n.Class)
		}
	}
	c.Height = all + 4
	for _, column := range columns {
		for _, n := range column {
			c.Nodes = append(c.Nodes, *n)
		}
	}
}
