//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMain makes the test binary play the roles that the program starts itself for.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "sink" || os.Args[1] == "load" || os.Args[1] == "floor") {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestTheFloorEndToEnd(t *testing.T) {
	o, err := parseOptions([]string{"-shipper", "floor", "-workload", "syslogmix", "-events", "20000", "-conns", "3"})
	require.NoError(t, err)
	dir := t.TempDir()
	ships, err := prepareShippers(o, dir)
	require.NoError(t, err)
	r, err := oneRun(o, ships[0], "syslogmix", dir, o.events, 0)
	require.NoError(t, err)
	require.Zero(t, r.Lost+r.Duplicates+r.Unmarked)
	require.Greater(t, r.EventsPerSecond, 1000.0)
	require.Greater(t, r.LoadCPU, 0.0)
	require.Greater(t, r.SinkCPU, 0.0)
	require.Greater(t, r.PeakRSSBytes, int64(1<<20))
	require.Greater(t, r.P50Micros, 0.0)
	require.LessOrEqual(t, r.P50Micros, r.P99Micros)
	require.InDelta(t, 180, r.DocumentBytes, 40)
}

// TestLossIsSeen lets the sink refuse all requests; the floor retries nothing.
func TestLossIsSeen(t *testing.T) {
	o, err := parseOptions([]string{"-shipper", "floor", "-workload", "raw", "-events", "1000", "-conns", "1", "-sink-errors", "1", "-stall", "200ms"})
	require.NoError(t, err)
	dir := t.TempDir()
	ships, err := prepareShippers(o, dir)
	require.NoError(t, err)
	r, err := oneRun(o, ships[0], "raw", dir, o.events, 0)
	require.NoError(t, err)
	require.EqualValues(t, 1000, r.Lost)
}

func TestOptions(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		_, err := parseOptions(args)
		require.ErrorContains(t, err, want)
	}
	f("unknown pipeline", "-workload", "nothing")
	f("at least 1", "-runs", "0")
	f("-latency chooses the rates", "-latency", "-rate", "5")
	f("unexpected argument", "x")
	o, err := parseOptions([]string{"-workload", "all", "-millrace-args", "-b 500"})
	require.NoError(t, err)
	require.Contains(t, o.pipelines, "reallife")
	require.Equal(t, []string{"-b", "500"}, o.args)
	_, err = prepareShippers(options{shippers: []string{"nothing"}}, t.TempDir())
	require.ErrorContains(t, err, "unknown shipper")
}

func TestReport(t *testing.T) {
	results := []Result{
		{Shipper: "floor", Pipeline: "raw", ShipperCPU: 0.3, EventsPerSecond: 2_000_000, PeakRSSBytes: 5e6, P50Micros: 1500, Lost: 0},
		{Shipper: "floor", Pipeline: "raw", ShipperCPU: 0.1, EventsPerSecond: 1_000_000, PeakRSSBytes: 9e6, P50Micros: 500, Lost: 7},
		{Shipper: "floor", Pipeline: "raw", ShipperCPU: 0.2, EventsPerSecond: 1_500_000, PeakRSSBytes: 7e6, P50Micros: 250_000, Lost: 0},
		{Shipper: "floor", Pipeline: "raw", Percent: 50},
	}
	var table bytes.Buffer
	r := newReport(&table, false)
	for _, res := range results {
		r.add(res)
	}
	require.NoError(t, r.finish())
	lines := strings.Split(strings.TrimSpace(table.String()), "\n")
	require.Len(t, lines, 3)
	require.Equal(t, []string{"raw", "floor", "full", "0.20", "(0.10-0.30)", "1,500,000", "0.3", "0.00", "0.00", "9", "1.5ms", "-", "-", "0", "ms", "0", "7", "0"},
		strings.Fields(lines[1]))
	require.Contains(t, lines[2], "50 %")

	var out bytes.Buffer
	r = newReport(&out, true)
	r.add(results[0])
	require.NoError(t, r.finish())
	var back Result
	require.NoError(t, json.Unmarshal(out.Bytes(), &back))
	require.Equal(t, results[0], back)
}

func TestSpreadAndFormats(t *testing.T) {
	g := []Result{{P50Micros: 4}, {P50Micros: 1}, {P50Micros: 3}, {P50Micros: 2}}
	require.Equal(t, spread{1, 2.5, 4}, spreadOf(g, func(r Result) float64 { return r.P50Micros }))
	require.Equal(t, "999", thousands(999))
	require.Equal(t, "1,234,567", thousands(1234567))
	require.Equal(t, "12µs", duration(12))
	require.Equal(t, "1.23ms", duration(1234))
	require.Equal(t, "1.5s", duration(1.5e6))
	require.Equal(t, time.Minute+20*time.Second, senderTimeout(1000, 100))
}
