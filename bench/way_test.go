//go:build linux

package bench

import (
	"context"
	"strconv"
	"testing"

	"millrace/bench/configs"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// BenchmarkWay is the whole way in short: lines over TCP from another process, through a pipeline of this one, in bulk
// requests to a sink in a third. cpu-s/M is CPU seconds of this process per million events, the kernel's part included.
// ns/op is the time that an event takes where sender and sink compete for the same cores.
func BenchmarkWay(b *testing.B) {
	sink, elasticsearch := startRole(b, "sink")
	sender, _ := startRole(b, "load")
	for _, name := range []string{"apache", "json", "syslog", "syslog5424", "raw", "firewall"} {
		b.Run(name, func(b *testing.B) { benchWay(b, name, sink, elasticsearch, sender) })
	}
}

func benchWay(b *testing.B, name string, sink *role, elasticsearch string, sender *role) {
	text, err := configs.Text(name)
	if err != nil {
		b.Fatal(err)
	}
	listen, err := freeAddress()
	if err != nil {
		b.Fatal(err)
	}
	p := compile(b, registry(), string(text), 2, lookupOf(listen, elasticsearch))
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	if err := awaitListener(listen); err != nil {
		b.Fatal(err)
	}
	sink.ask(b, "reset")
	b.ReportAllocs()
	before := cpuTime(b)
	b.ResetTimer()
	sender.ask(b, "%s %s %d 4 0", listen, configs.Workload(name), b.N)
	err = await("delivering", func() bool { return p.Account().Outputs[0].Delivered >= int64(b.N) })
	b.StopTimer()
	used := cpuTime(b) - before
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(used.Seconds()/float64(b.N)*1e6, "cpu-s/M")
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	if came := sink.ask(b, "documents"); came != strconv.Itoa(b.N) {
		b.Fatalf("of %d events %s came to the sink", b.N, came)
	}
}

// flushEvents is how many events a worker appends before it flushes: pipeline.batch.size.
const flushEvents = 125

// BenchmarkBulk takes events into bulk requests to a sink in another process. cpu-ns/op is what one event costs this
// process; http-ns/op is that without writing the document, which BenchmarkEncode measures.
func BenchmarkBulk(b *testing.B) {
	_, elasticsearch := startRole(b, "sink")
	events := apacheEvents(b)
	for _, c := range []struct{ name, conf string }{{"plain", `compression_level => 0`}, {"gzip", `compression_level => 1`}} {
		b.Run(c.name, func(b *testing.B) {
			out := build(b, `output { elasticsearch { hosts => ["http://`+elasticsearch+`"] index => "bench" manage_template => false `+c.conf+` } }`).Output
			w := out.NewWriter()
			// The first request waits for the product check and opens the connection.
			first := make(chan struct{})
			appendEvents(b, w, events, 1, func(*event.Batch) { close(first) })
			<-first
			b.ReportAllocs()
			before := cpuTime(b)
			b.ResetTimer()
			appendEvents(b, w, events, b.N, nil)
			ctx, cancel := context.WithTimeout(b.Context(), startLimit)
			defer cancel()
			if err := out.Close(ctx); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			all := cpuTime(b) - before
			before = cpuTime(b)
			var dst []byte
			for i := range b.N {
				dst = events[i%lineCount].AppendJSON(dst[:0])
			}
			encoding := cpuTime(b) - before
			b.ReportMetric(float64(all)/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(all-encoding)/float64(b.N), "http-ns/op")
		})
	}
}

// appendEvents appends n events and flushes as a worker does; done is called for each batch that is delivered.
func appendEvents(b *testing.B, w plugin.Writer, events []*event.Event, n int, done func(*event.Batch)) {
	b.Helper()
	for i := range n {
		if err := w.Append(events[i%lineCount]); err != nil {
			b.Fatal(err)
		}
		if (i+1)%flushEvents == 0 || i+1 == n {
			batch := &event.Batch{Done: done}
			batch.Expect(1)
			if err := w.Flush(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
		}
	}
}
