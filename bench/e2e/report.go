//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// report collects results and prints them: at once as JSON, or as a table when all are there.
type report struct {
	w       io.Writer
	asJSON  bool
	err     error // of writing JSON
	results []Result
}

func newReport(w io.Writer, asJSON bool) *report { return &report{w: w, asJSON: asJSON} }

func (r *report) add(res Result) {
	r.results = append(r.results, res)
	if r.asJSON && r.err == nil {
		r.err = json.NewEncoder(r.w).Encode(res)
	}
}

// key is what runs of one row have in common.
type key struct {
	pipeline, shipper string
	percent           float64
}

func (r *report) rows() (keys []key, groups map[key][]Result) {
	groups = map[key][]Result{}
	for _, res := range r.results {
		k := key{res.Pipeline, res.Shipper, res.Percent}
		if groups[k] == nil {
			keys = append(keys, k)
		}
		groups[k] = append(groups[k], res)
	}
	return keys, groups
}

func (r *report) finish() error {
	if r.asJSON {
		return r.err
	}
	tw := tabwriter.NewWriter(r.w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "pipeline\tshipper\tload\tCPU s/M\t(min-max)\tevents/s\tcores\tsink\tsender\tRSS MB\tp50\tp99\tp99.9\tstart\tbytes/doc\tlost\tdup\t")
	keys, groups := r.rows()
	for _, k := range keys {
		g := groups[k]
		of := func(f func(Result) float64) spread { return spreadOf(g, f) }
		cpu := of(func(r Result) float64 { return r.ShipperCPU })
		at := "full"
		if k.percent > 0 {
			at = fmt.Sprintf("%g %%", k.percent)
		} else if g[0].Rate > 0 {
			at = fmt.Sprintf("%.0f/s", g[0].Rate)
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%.2f\t(%.2f-%.2f)\t%s\t%.1f\t%.2f\t%.2f\t%.0f\t%s\t%s\t%s\t%.0f ms\t%.0f\t%.0f\t%.0f\t\n",
			k.pipeline, k.shipper, at, cpu.median, cpu.min, cpu.max,
			thousands(of(func(r Result) float64 { return r.EventsPerSecond }).median),
			of(func(r Result) float64 { return r.ShipperCPU * r.EventsPerSecond / 1e6 }).median,
			of(func(r Result) float64 { return r.SinkCPU }).median,
			of(func(r Result) float64 { return r.LoadCPU }).median,
			of(func(r Result) float64 { return float64(r.PeakRSSBytes) / 1e6 }).max,
			duration(of(func(r Result) float64 { return r.P50Micros }).median),
			duration(of(func(r Result) float64 { return r.P99Micros }).median),
			duration(of(func(r Result) float64 { return r.P999Micros }).median),
			of(func(r Result) float64 { return r.StartMillis }).median,
			of(func(r Result) float64 { return r.DocumentBytes }).median,
			of(func(r Result) float64 { return float64(r.Lost) }).max,
			of(func(r Result) float64 { return float64(r.Duplicates) }).max)
	}
	return tw.Flush()
}

type spread struct{ min, median, max float64 }

func spreadOf(g []Result, f func(Result) float64) spread {
	v := make([]float64, len(g))
	for i, r := range g {
		v[i] = f(r)
	}
	slices.Sort(v)
	mid := v[len(v)/2]
	if len(v)%2 == 0 {
		mid = (mid + v[len(v)/2-1]) / 2
	}
	return spread{v[0], mid, v[len(v)-1]}
}

// thousands writes a number with separators.
func thousands(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// duration writes microseconds with three digits that count, or "-" where nothing was measured.
func duration(us float64) string {
	if us == 0 {
		return "-"
	}
	d := time.Duration(us * 1e3)
	switch {
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < 100*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}
