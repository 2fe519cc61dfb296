//go:build linux

// Command e2e measures a shipper from end to end. It starts a counting sink, the shipper and a load generator as separate
// processes, waits until all is delivered, and prints what it cost by the kernel's accounting.
//
//	go run ./bench/e2e -workload apache,json -events 2000000 -runs 5
//	go run ./bench/e2e -shipper millrace,floor,rsyslog,syslog-ng -workload apache
//	go run ./bench/e2e -workload apache -latency
//	go run ./bench/e2e -workload raw -conns 10000 -rate 100000 -events 1000000
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"millrace/bench/configs"
)

func main() {
	args := os.Args[1:]
	run := measure
	if len(args) > 0 {
		// The program is its own sink, sender and floor, so that each is a process of its own.
		switch args[0] {
		case "sink":
			run, args = runSink, args[1:]
		case "load":
			run, args = runLoad, args[1:]
		case "floor":
			run, args = runFloor, args[1:]
		}
	}
	if err := run(args); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
}

// options are the flags of a measurement.
type options struct {
	pipelines, shippers []string
	events              uint64
	conns, workers      int
	runs                int
	rate                float64
	latency             bool
	record              bool
	asJSON              bool
	binary, peersDir    string
	ecs                 string
	args                []string
	sinkLatency         time.Duration
	sinkErrors          float64
	stall               time.Duration
	keep, sample        bool
	pin                 bool
}

func parseOptions(args []string) (options, error) {
	var o options
	fs := flag.NewFlagSet("e2e", flag.ContinueOnError)
	workload := fs.String("workload", "apache", "pipelines to measure, separated by commas: "+strings.Join(configs.Names(), ", ")+"; or all")
	shipper := fs.String("shipper", "millrace", "shippers to measure in turn: millrace, floor, rsyslog, syslog-ng")
	fs.Uint64Var(&o.events, "events", 2_000_000, "events of each run")
	fs.IntVar(&o.conns, "conns", 4, "TCP connections")
	fs.IntVar(&o.workers, "workers", 2, "the shipper's workers (floor: GOMAXPROCS)")
	fs.IntVar(&o.runs, "runs", 3, "runs of each combination; the table has their median and range")
	fs.Float64Var(&o.rate, "rate", 0, "events a second; 0 is as fast as they are taken")
	fs.BoolVar(&o.latency, "latency", false, "measure the capacity first, then the latency at 10, 50 and 90 percent of it, ten seconds each")
	fs.BoolVar(&o.record, "record", true, "check every event's number and time at the sink; without it the sink only counts")
	fs.BoolVar(&o.asJSON, "json", false, "print one JSON object a run instead of the table")
	fs.StringVar(&o.binary, "millrace", "", "millrace binary; empty builds ./cmd/millrace")
	fs.StringVar(&o.peersDir, "peers-dir", "", "where bench/peers/fetch.sh put the other shippers; empty is its default")
	fs.StringVar(&o.ecs, "ecs", "disabled", "pipeline.ecs_compatibility of millrace: disabled, v1 or v8")
	extra := fs.String("millrace-args", "", "more arguments for millrace, separated by spaces")
	fs.DurationVar(&o.sinkLatency, "sink-latency", 0, "hold every bulk answer back")
	fs.Float64Var(&o.sinkErrors, "sink-errors", 0, "share of bulk requests answered 429")
	fs.DurationVar(&o.stall, "stall", 15*time.Second, "give up when nothing arrives for so long; what is missing then is lost")
	fs.BoolVar(&o.pin, "pin", false, "give the shipper the last CPU to itself and the others to sink and sender (taskset): how it behaves where they run on other machines")
	fs.BoolVar(&o.keep, "keep", false, "keep the directory with the configurations and say where it is")
	fs.BoolVar(&o.sample, "sample", false, "print the first documents that arrive")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	o.pipelines, o.shippers, o.args = strings.Split(*workload, ","), strings.Split(*shipper, ","), strings.Fields(*extra)
	if *workload == "all" {
		o.pipelines = configs.Names()
	}
	for _, p := range o.pipelines {
		if _, err := configs.Text(p); err != nil {
			return o, err
		}
	}
	if o.conns < 1 || o.runs < 1 || o.events < 1 || o.workers < 1 {
		return o, fmt.Errorf("-conns, -runs, -events and -workers must be at least 1")
	}
	if o.pin && runtime.NumCPU() < 2 {
		return o, fmt.Errorf("-pin needs two CPUs")
	}
	if o.latency && (o.rate > 0 || !o.record) {
		return o, fmt.Errorf("-latency chooses the rates and needs -record")
	}
	return o, nil
}

func measure(args []string) error {
	o, err := parseOptions(args)
	if err == flag.ErrHelp {
		return nil
	}
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "millrace-e2e-")
	if err != nil {
		return err
	}
	if o.keep {
		fmt.Fprintln(os.Stderr, "configurations are in", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	ships, err := prepareShippers(o, dir)
	if err != nil {
		return err
	}
	report := newReport(os.Stdout, o.asJSON)
	// Shippers take turns within a run, so that a slower hour of the machine touches all of them.
	for _, pipeline := range o.pipelines {
		for run := range o.runs {
			for _, s := range ships {
				if err := measureOnce(o, s, pipeline, dir, run, report); err != nil {
					return fmt.Errorf("%s with %s: %w", s.name(), pipeline, err)
				}
			}
		}
	}
	return report.finish()
}

// measureOnce is one run, or with -latency one to find the capacity and three below it.
func measureOnce(o options, s shipper, pipeline, dir string, run int, report *report) error {
	full, err := oneRun(o, s, pipeline, dir, o.events, o.rate)
	if err != nil {
		return err
	}
	full.Run = run
	report.add(full)
	if !o.latency {
		return nil
	}
	for _, percent := range []float64{10, 50, 90} {
		rate := full.EventsPerSecond * percent / 100
		r, err := oneRun(o, s, pipeline, dir, uint64(rate*latencySeconds), rate)
		if err != nil {
			return err
		}
		r.Run, r.Percent = run, percent
		report.add(r)
	}
	return nil
}

const latencySeconds = 10
