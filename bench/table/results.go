package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// results are the measurements of one run of `go test -bench`.
type results struct {
	names  []string                        // of the benchmarks, without prefix and GOMAXPROCS, in the order of the run
	values map[string]map[string][]float64 // by name and unit as `go test` prints it, one value for each repetition
	units  map[string][]string             // by name, in the order that it first printed them
	cpu    string                          // what `go test` calls the processor
}

// parse reads what `go test -bench` prints. name is for errors.
func parse(r io.Reader, name string) (*results, error) {
	res := &results{values: make(map[string]map[string][]float64), units: make(map[string][]string)}
	reader := benchfmt.NewReader(r, name)
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.Result:
			res.add(rec)
		case *benchfmt.SyntaxError:
			return nil, fmt.Errorf("reading benchmark results: %w", rec)
		}
	}
	if err := reader.Err(); err != nil {
		return nil, fmt.Errorf("reading benchmark results in %q: %w", name, err)
	}
	return res, nil
}

func (res *results) add(rec *benchfmt.Result) {
	name := stage(rec.Name)
	if cpu := rec.GetConfig("cpu"); cpu != "" {
		res.cpu = cpu
	}
	of := res.values[name]
	if of == nil {
		of = make(map[string][]float64)
		res.values[name] = of
		res.names = append(res.names, name)
	}
	for _, v := range rec.Values {
		unit, value := v.Unit, v.Value
		if v.OrigUnit != "" { // the reader turns ns into seconds
			unit, value = v.OrigUnit, v.OrigValue
		}
		if !slices.Contains(res.units[name], unit) {
			res.units[name] = append(res.units[name], unit)
		}
		of[unit] = append(of[unit], value)
	}
}

// stage is the name of a benchmark without GOMAXPROCS, so that runs on machines of different size have the same stages.
// No benchmark's own name ends in a hyphen and a number.
func stage(n benchfmt.Name) string {
	base, parts := n.Parts()
	var b strings.Builder
	b.Write(base)
	for _, p := range parts {
		if p[0] != '-' {
			b.Write(p)
		}
	}
	return b.String()
}
