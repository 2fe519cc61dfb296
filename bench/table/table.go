package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"golang.org/x/perf/benchmath"
)

// costUnits are the metrics that tell what a stage costs, the most telling first.
var costUnits = []string{"cpu-s/M", "cpu-ns/line", "B/conn", "net-ns/op", "cpu-ns/op", "ns/op"}

// confidence of the interval that benchmath computes around a median, which the table does not print.
const confidence = 0.95

// row is one line of the table.
type row struct {
	stage, unit string
	cost        float64
	budget      float64 // 0: none
	allocs      float64
	delta       string // against the recorded run: "~" if the difference may be chance, "" if nothing is recorded
	also        string // the benchmark's own metrics
}

// rows compares a run with the budgets and with a recorded run, which may be nil.
func rows(now, recorded *results) []row {
	var all []row
	for _, name := range now.names {
		r := row{stage: name}
		b, hasBudget := budgets[name]
		r.unit = costUnit(now.values[name])
		if hasBudget && now.values[name][b.unit] != nil {
			r.unit, r.budget = b.unit, b.value
		}
		r.cost = median(now.values[name][r.unit])
		r.allocs = median(now.values[name]["allocs/op"])
		r.delta = delta(now.values[name][r.unit], recorded, name, r.unit)
		var also []string
		for _, unit := range now.units[name] {
			if unit != r.unit && !slices.Contains([]string{"ns/op", "B/op", "allocs/op", "MB/s"}, unit) {
				also = append(also, number(median(now.values[name][unit]))+" "+unit)
			}
		}
		r.also = strings.Join(also, ", ")
		all = append(all, r)
	}
	return all
}

func costUnit(values map[string][]float64) string {
	for _, unit := range costUnits {
		if values[unit] != nil {
			return unit
		}
	}
	return "ns/op"
}

func sample(values []float64) *benchmath.Sample {
	t := benchmath.DefaultThresholds
	return benchmath.NewSample(slices.Clone(values), &t)
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return benchmath.AssumeNothing.Summary(sample(values), confidence).Center
}

// delta is the change since the recorded run by benchstat's test, which asks nothing of the distribution.
func delta(values []float64, recorded *results, name, unit string) string {
	if recorded == nil || len(recorded.values[name][unit]) == 0 || len(values) == 0 {
		return ""
	}
	before := recorded.values[name][unit]
	c := benchmath.AssumeNothing.Compare(sample(before), sample(values))
	d := c.FormatDelta(median(before), median(values))
	if d == "~" {
		return d
	}
	return fmt.Sprintf("%s (%s)", d, c)
}

// write prints the table.
func write(w io.Writer, all []row) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "stage\tcost\tunit\tbudget\tratio\tallocs\tsince recorded\talso")
	for _, r := range all {
		budget, ratio := "", ""
		if r.budget > 0 {
			budget, ratio = number(r.budget), fmt.Sprintf("%.2f", r.cost/r.budget)
			if r.cost > r.budget {
				ratio += " over"
			}
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.stage, number(r.cost), r.unit, budget, ratio, number(r.allocs), r.delta, r.also)
	}
	return tw.Flush()
}

// number prints three significant digits, and all of those before the point.
func number(v float64) string {
	switch {
	case v >= 100 || v <= -100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	default:
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
}
