//go:build linux

package bench

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// serveShipper is a pipeline from TCP to nowhere: it prints its address; any line asks for the events that came, the
// nanoseconds of CPU time and the bytes of resident memory.
func serveShipper(in *bufio.Scanner) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	_, port, _ := strings.Cut(address, ":")
	f, diags := config.Parse("bench", fmt.Appendf(nil, `input { tcp { host => "127.0.0.1" port => %s } } output { null {} }`, port), config.ParseOptions{})
	if diags.HasErrors() {
		return fmt.Errorf("reading the pipeline: %s", diags.String())
	}
	s := pipeline.DefaultSettings()
	p, diags := pipeline.Compile([]*config.File{f}, registry(), s, plugin.Builder{Log: slog.New(slog.DiscardHandler)})
	if p == nil {
		return fmt.Errorf("compiling the pipeline: %s", diags.String())
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	if err := awaitListener(address); err != nil {
		cancel()
		return err
	}
	fmt.Println(address)
	for in.Scan() {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			cancel()
			return err
		}
		rss, err := resident()
		if err != nil {
			cancel()
			return err
		}
		fmt.Println(p.Stats.In.Load(), u.Utime.Nano()+u.Stime.Nano(), rss)
	}
	cancel()
	return <-ended
}

// resident is the resident set of this process in bytes.
func resident() (int64, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		return 0, fmt.Errorf("reading /proc/self/statm: %w", err)
	}
	return pages * int64(os.Getpagesize()), nil
}

// shipperState is an answer of serveShipper.
type shipperState struct{ events, cpuNanos, rss int64 }

func stateOf(b *testing.B, r *role) (s shipperState) {
	b.Helper()
	if _, err := fmt.Sscan(r.ask(b, "state"), &s.events, &s.cpuNanos, &s.rss); err != nil {
		b.Fatal(err)
	}
	return s
}

// connections are the sizes of the rows below. The last needs as many descriptors.
var connections = []int{100, 1_000, 10_000}

// needDescriptors skips where a process may not have n connections.
func needDescriptors(b *testing.B, n int) {
	b.Helper()
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		b.Fatal(err)
	}
	if l.Cur < uint64(n)+100 {
		b.Skipf("%d connections need more than the %d descriptors that a process may have here: raise ulimit -n", n, l.Cur)
	}
}

// BenchmarkIdleConnections has connections that sent one line and are silent since. B/conn is what one adds to the
// resident memory of the shipper, a process of its own; cpu-ns/conn is what opening it and its line cost there;
// cpu-ms/s is what all of them cost while they are silent. An operation is half a second of silence.
func BenchmarkIdleConnections(b *testing.B) {
	for _, n := range connections {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			needDescriptors(b, n)
			shipper, address := startRole(b, "shipper")
			before := stateOf(b, shipper)
			open := make([]net.Conn, n)
			for i := range open {
				c, err := net.Dial("tcp", address)
				if err != nil {
					b.Fatal(err)
				}
				defer c.Close()
				if _, err := fmt.Fprintf(c, "line of connection %d\n", i); err != nil {
					b.Fatal(err)
				}
				open[i] = c
			}
			var opened shipperState
			if err := await("reading the lines", func() bool {
				opened = stateOf(b, shipper)
				return opened.events >= int64(n)
			}); err != nil {
				b.Fatal(err)
			}
			silence := 0
			for b.Loop() {
				<-time.After(500 * time.Millisecond)
				silence++
			}
			after := stateOf(b, shipper)
			b.ReportMetric(float64(after.rss-before.rss)/float64(n), "B/conn")
			b.ReportMetric(float64(opened.cpuNanos-before.cpuNanos)/float64(n), "cpu-ns/conn")
			b.ReportMetric(float64(after.cpuNanos-opened.cpuNanos)/1e6/(0.5*float64(silence)), "cpu-ms/s")
		})
	}
}

// BenchmarkSlowConnections sends ten lines a second over each connection. cpu-ns/line is what a line costs the shipper
// when all connections are open and a tenth of the lines has come, cores is how much of one core the lines of a second
// cost, MB its resident memory. An operation is a second.
func BenchmarkSlowConnections(b *testing.B) {
	const linesPerSecond = 10
	for _, n := range connections {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			needDescriptors(b, n)
			shipper, address := startRole(b, "shipper")
			sender, _ := startRole(b, "load")
			var sent, lines, nanos, rss int64
			reached := func(events int64) shipperState {
				var s shipperState
				if err := await("reading the lines", func() bool {
					s = stateOf(b, shipper)
					return s.events >= events
				}); err != nil {
					b.Fatal(err)
				}
				return s
			}
			each := int64(n * linesPerSecond)
			for b.Loop() {
				sender.tell(b, "%s raw %d %d %d", address, each, n, each)
				before := reached(sent + each/10)
				sender.line(b)
				sent += each
				after := reached(sent)
				lines, nanos, rss = lines+after.events-before.events, nanos+after.cpuNanos-before.cpuNanos, max(rss, after.rss)
			}
			perLine := float64(nanos) / float64(lines)
			b.ReportMetric(perLine, "cpu-ns/line")
			b.ReportMetric(perLine*float64(each)/1e9, "cores")
			b.ReportMetric(float64(rss)/1e6, "MB")
		})
	}
}
