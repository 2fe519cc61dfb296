//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"millrace/bench/configs"
	"millrace/bench/internal/account"
	"millrace/bench/internal/load"
	"millrace/bench/internal/sink"
	"millrace/internal/childproc"
)

const (
	startTimeout = 60 * time.Second
	pollEvery    = 20 * time.Millisecond
)

// Result is one run. Durations are in the units that their names say, so that the JSON needs no key.
type Result struct {
	Shipper  string `json:"shipper"`
	Pipeline string `json:"pipeline"`
	Run      int    `json:"run"`
	Workers  int    `json:"workers"`
	Conns    int    `json:"conns"`
	// Percent of the measured capacity, Rate asked for; 0 is full speed.
	Percent float64 `json:"percent"`
	Rate    float64 `json:"rate"`

	Events          uint64  `json:"events"`
	EventsPerSecond float64 `json:"events_per_second"`
	// CPU seconds of each process per million events. The shipper's leaves out its start, which is StartCPUMillis.
	ShipperCPU     float64 `json:"shipper_cpu_s_per_million"`
	SinkCPU        float64 `json:"sink_cpu_s_per_million"`
	LoadCPU        float64 `json:"load_cpu_s_per_million"`
	StartCPUMillis float64 `json:"start_cpu_ms"`
	// StartMillis is from the start of the process to the first connection that it takes.
	StartMillis  float64 `json:"start_ms"`
	PeakRSSBytes int64   `json:"peak_rss_bytes"`
	P50Micros    float64 `json:"p50_us"`
	P99Micros    float64 `json:"p99_us"`
	P999Micros   float64 `json:"p999_us"`
	// Lost, Duplicates and Unmarked are known when the sink records. DocumentBytes includes the action line.
	Lost          uint64  `json:"lost"`
	Duplicates    uint64  `json:"duplicates"`
	Unmarked      uint64  `json:"unmarked"`
	Requests      uint64  `json:"requests"`
	DocumentBytes float64 `json:"document_bytes"`
}

// oneRun starts the three processes, waits until the events are through, and ends them.
func oneRun(o options, s shipper, pipeline, dir string, events uint64, rate float64) (Result, error) {
	sinkProc, sinkAddr, err := startSink(o)
	if err != nil {
		return Result{}, err
	}
	defer sinkProc.Kill()
	ship, err := startShipper(o, s, pipeline, dir, sinkAddr)
	if err != nil {
		return Result{}, err
	}
	defer ship.proc.Kill()
	startCPU, err := account.CPU(ship.proc.PID())
	if err != nil {
		return Result{}, err
	}
	sent, loadCPU, err := runSender(o, configs.Workload(pipeline), ship.address, events, rate, ship.proc)
	if err != nil {
		return Result{}, err
	}
	got, err := awaitDelivery(o, sinkAddr, events, ship.proc)
	if err != nil {
		return Result{}, err
	}
	rss, err := account.PeakRSS(ship.proc.PID())
	if err != nil {
		return Result{}, err
	}
	if err := errors.Join(ship.proc.Stop(), sinkProc.Stop()); err != nil {
		return Result{}, err
	}
	if o.sample {
		fmt.Fprintf(os.Stderr, "%s with %s writes:\n%s\n", s.name(), pipeline, got.Sample)
	}
	millions := float64(events) / 1e6
	r := Result{
		Shipper: s.name(), Pipeline: pipeline, Workers: o.workers, Conns: o.conns, Rate: rate, Events: events,
		ShipperCPU:     (cpuOf(ship.proc.State()) - startCPU).Seconds() / millions,
		SinkCPU:        cpuOf(sinkProc.State()).Seconds() / millions,
		LoadCPU:        loadCPU.Seconds() / millions,
		StartCPUMillis: startCPU.Seconds() * 1e3, StartMillis: ship.took.Seconds() * 1e3, PeakRSSBytes: rss,
		P50Micros: micros(got.P50), P99Micros: micros(got.P99), P999Micros: micros(got.P999),
		Duplicates: got.Duplicates, Unmarked: got.Unmarked, Requests: got.Requests,
	}
	arrived := got.Documents
	if o.record {
		arrived = got.Unique + got.Unmarked
	}
	r.Lost = events - min(arrived, events)
	if got.Documents > 0 {
		r.DocumentBytes = float64(got.Bytes) / float64(got.Documents)
		r.EventsPerSecond = float64(arrived) / (time.Duration(got.LastNanos - sent.StartNanos)).Seconds()
	}
	return r, nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// cpuOf is the user and system time of a process that has ended.
func cpuOf(s *os.ProcessState) time.Duration { return s.UserTime() + s.SystemTime() }

func startSink(o options) (p *childproc.Process, addr string, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	argv := o.pinned(false, self, "sink", "-listen", "127.0.0.1:0", "-record="+strconv.FormatBool(o.record),
		"-latency", o.sinkLatency.String(), "-errors", fmt.Sprint(o.sinkErrors))
	p, err = childproc.Launch("sink", argv, nil, startTimeout, func(line string) bool {
		var ok bool
		addr, ok = strings.CutPrefix(line, listenLine)
		return ok
	})
	return p, addr, err
}

// pinned returns argv as it is, or with -pin so that it runs on the CPUs of the shipper or of the others.
func (o options) pinned(shipper bool, argv ...string) []string {
	if !o.pin {
		return argv
	}
	last := runtime.NumCPU() - 1
	cpus := fmt.Sprintf("0-%d", last-1)
	if shipper {
		cpus = strconv.Itoa(last)
	}
	return append([]string{"taskset", "-c", cpus}, argv...)
}

// running is a shipper that takes connections.
type running struct {
	proc    *childproc.Process
	address string
	took    time.Duration
}

func startShipper(o options, s shipper, pipeline, dir, sinkAddr string) (running, error) {
	port, err := freePort()
	if err != nil {
		return running{}, err
	}
	runDir, err := os.MkdirTemp(dir, s.name()+"-"+pipeline+"-")
	if err != nil {
		return running{}, err
	}
	argv, env, err := s.command(setup{pipeline: pipeline, dir: runDir, port: port, elasticsearch: sinkAddr, workers: o.workers})
	if err != nil {
		return running{}, err
	}
	start := time.Now()
	p, err := childproc.Start(s.name(), o.pinned(true, argv...), env)
	if err != nil {
		return running{}, err
	}
	r := running{proc: p, address: fmt.Sprintf("127.0.0.1:%d", port)}
	for time.Since(start) < startTimeout {
		c, err := net.Dial("tcp", r.address)
		if err == nil {
			r.took = time.Since(start)
			return r, c.Close()
		}
		select {
		case <-p.Done():
			return running{}, fmt.Errorf("it ended before it listened: %v; its last output:\n%s", p.State(), p.Output())
		case <-time.After(time.Millisecond):
		}
	}
	p.Kill()
	return running{}, fmt.Errorf("it did not listen on %s within %v; its last output:\n%s", r.address, startTimeout, p.Output())
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// runSender runs the load process to its end.
func runSender(o options, workload, address string, events uint64, rate float64, ship *childproc.Process) (load.Result, time.Duration, error) {
	var res load.Result
	self, err := os.Executable()
	if err != nil {
		return res, 0, err
	}
	argv := o.pinned(false, self, "load", "-address", address, "-workload", workload, "-events", fmt.Sprint(events),
		"-conns", fmt.Sprint(o.conns), "-rate", fmt.Sprint(rate))
	var text string
	p, err := childproc.Launch("load", argv, nil, senderTimeout(events, rate), func(line string) bool {
		var ok bool
		text, ok = strings.CutPrefix(line, resultLine)
		return ok
	})
	if err != nil {
		return res, 0, fmt.Errorf("%w\nthe shipper's last output:\n%s", err, ship.Output())
	}
	<-p.Done()
	return res, cpuOf(p.State()), json.Unmarshal([]byte(text), &res)
}

// senderTimeout allows a shipper that takes 1,000 events a second, or twice the time that the rate needs.
func senderTimeout(events uint64, rate float64) time.Duration {
	if rate <= 0 {
		rate = 1000
	}
	return time.Minute + time.Duration(2*float64(events)/rate*float64(time.Second))
}

// awaitDelivery polls the sink until all events are there or nothing has come for too long.
func awaitDelivery(o options, sinkAddr string, events uint64, ship *childproc.Process) (sink.Stats, error) {
	var last uint64
	progress := time.Now()
	for {
		st, err := sinkStats(sinkAddr)
		if err != nil {
			return st, err
		}
		arrived := st.Documents
		if o.record {
			arrived = st.Unique + st.Unmarked
		}
		if arrived >= events {
			return st, nil
		}
		if arrived != last {
			last, progress = arrived, time.Now()
		}
		if time.Since(progress) > o.stall {
			fmt.Fprintf(os.Stderr, "e2e: %d of %d events arrived and then nothing for %v; the shipper's last output:\n%s\n", arrived, events, o.stall, ship.Output())
			return st, nil
		}
		select {
		case <-ship.Done():
			return st, fmt.Errorf("it ended after %d of %d events: %v; its last output:\n%s", arrived, events, ship.State(), ship.Output())
		case <-time.After(pollEvery):
		}
	}
}

func sinkStats(addr string) (st sink.Stats, err error) {
	resp, err := http.Get("http://" + addr + "/_sink/stats")
	if err != nil {
		return st, err
	}
	defer resp.Body.Close()
	return st, json.NewDecoder(resp.Body).Decode(&st)
}
