// Package bench measures: every stage of the way by `go test -bench`, the whole way in short by BenchmarkWay and at
// length by the program e2e.
package bench

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"millrace/codecs"
	"millrace/filters"
	"millrace/inputs"
	"millrace/internal/stream"
	"millrace/outputs"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
	"millrace/pipeline/ring"
)

func registry() *plugin.Registry {
	return plugin.NewRegistry(inputs.All(), codecs.All(), filters.All(), outputs.All())
}

// build makes the plugin of a one-plugin section.
func build(b *testing.B, conf string) *plugin.Built {
	b.Helper()
	f, diags := config.Parse("bench", []byte(conf), config.ParseOptions{})
	if diags.HasErrors() {
		b.Fatal(diags.String())
	}
	built, diags := registry().Build(f.Sections[0].Body[0].(*config.PluginNode), plugin.Builder{
		Log: slog.New(slog.DiscardHandler), ECS: plugin.ECSDisabled, Workers: 1, AutoID: "bench",
	})
	if built == nil {
		b.Fatal(diags.String())
	}
	return built
}

// filterOf makes one filter as a worker has it.
func filterOf(b *testing.B, conf string) plugin.Filter {
	b.Helper()
	f := build(b, "filter { "+conf+" }").Filter
	if w, ok := f.(plugin.PerWorker); ok {
		f = w.ForWorker()
	}
	return f
}

// BenchmarkReadAndSplit cuts what a connection brings into records.
func BenchmarkReadAndSplit(b *testing.B) {
	for _, workload := range []string{"apache", "raw"} {
		b.Run(workload, func(b *testing.B) {
			text := strings.Repeat(strings.Join(linesOf(b, workload), "\n")+"\n", 4)
			env := build(b, `input { tcp { port => 0 } }`).Env
			pool := new(stream.Pool)
			b.SetBytes(int64(len(text) / (4 * lineCount)))
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; {
				r := stream.NewReader(strings.NewReader(text), env.NewFramer(), stream.Limits{}).WithPool(pool)
				for {
					batch, err := r.Next()
					if batch != nil {
						n += batch.Len()
						batch.Done(batch)
					}
					if err == io.EOF {
						break
					}
				}
			}
		})
	}
}

// BenchmarkRing is both sides of the queue between inputs and workers, for one batch; ns/event is the share of an event of
// a batch of turnLines.
func BenchmarkRing(b *testing.B) {
	r := ring.New[*event.Batch](256)
	batch := new(event.Batch)
	b.ReportAllocs()
	for b.Loop() {
		r.TryPush(batch)
		r.TryPop()
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/turnLines, "ns/event")
}

// BenchmarkDecode makes an event of a record, with @timestamp.
func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct{ codec, workload string }{{"line", "apache"}, {"json_lines", "json"}} {
		b.Run(c.codec, func(b *testing.B) {
			records, bytes := recordsOf(b, c.workload)
			d := build(b, `input { tcp { port => 0 codec => `+c.codec+` } }`).Codec.NewDecoder()
			e := event.New(nil)
			now := time.Now()
			next := func() *event.Event { e.Reset(); return e }
			b.SetBytes(int64(bytes / lineCount))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				d.Decode(&records[i%lineCount], next)
				e.Create(now)
			}
		})
	}
}

// BenchmarkFilter runs one filter over events that hold what it reads. net-ns/op is CPU time without what making the
// event costs; mutate has three operations.
func BenchmarkFilter(b *testing.B) {
	apache := `grok { match => { "message" => "%{COMBINEDAPACHELOG}" } }`
	for _, c := range []struct{ name, conf, workload string }{
		{"grok-apache", apache, "apache"},
		{"grok-apache-ecs", `grok { ecs_compatibility => v8 match => { "message" => "%{COMBINEDAPACHELOG}" } }`, "apache"},
		{"grok-syslog", `grok { match => { "message" => "<%{NONNEGINT:priority:int}>%{SYSLOGTIMESTAMP:timestamp} %{SYSLOGHOST:logsource} %{DATA:program}(?:\[%{POSINT:pid}\])?: %{GREEDYDATA:text}" } }`, "syslog"},
		{"json", `json { source => "message" }`, "json"},
		{"kv", `kv { }`, "firewall"},
		{"dissect", `dissect { mapping => { "message" => "%{ip} - %{user} [%{ts}] %{rest}" } }`, "apache"},
		{"csv", `csv { separator => " " }`, "apache"},
	} {
		b.Run(c.name, func(b *testing.B) {
			lines := linesOf(b, c.workload)
			benchFilter(b, c.conf, func(e *event.Event, i int) {
				e.Root().Set("message", event.StringValue(lines[i]))
			})
		})
	}
	b.Run("useragent", func(b *testing.B) {
		agents := betweenOf(b, ` "`, `"`)
		benchFilter(b, `useragent { source => "agent" target => "ua" }`, func(e *event.Event, i int) {
			e.Root().Set("agent", event.StringValue(agents[i]))
		})
	})
	b.Run("date", func(b *testing.B) {
		times := betweenOf(b, "[", "]")
		benchFilter(b, `date { match => ["t", "dd/MMM/yyyy:HH:mm:ss Z"] }`, func(e *event.Event, i int) {
			e.Root().Set("t", event.StringValue(times[i]))
		})
	})
	b.Run("mutate", func(b *testing.B) {
		verbs, numbers := []string{"GET", "POST", "HEAD", "PUT"}, []string{"2326", "17", "90000", "-", "304"}
		benchFilter(b, `mutate { rename => { "a" => "b" } lowercase => ["verb"] convert => { "n" => "integer" } }`, func(e *event.Event, i int) {
			o := e.Root()
			o.Set("a", event.StringValue("x"))
			o.Set("verb", event.StringValue(verbs[i%len(verbs)]))
			o.Set("n", event.StringValue(numbers[i%len(numbers)]))
		})
	})
}

// benchFilter measures a filter on events that fill makes, and then the making alone.
func benchFilter(b *testing.B, conf string, fill func(e *event.Event, i int)) {
	b.Helper()
	f := filterOf(b, conf)
	e := event.New(nil)
	now := time.Now()
	prepare := func(i int) {
		e.Reset()
		fill(e, i%lineCount)
		e.Create(now)
	}
	for i := range lineCount { // what a filter makes at its first events is not a cost of each
		prepare(i)
		f.Filter(e)
	}
	b.ReportAllocs()
	start := cpuTime(b)
	for i := 0; b.Loop(); i++ {
		prepare(i)
		f.Filter(e)
	}
	end := cpuTime(b)
	for i := range b.N {
		prepare(i)
	}
	preparing := cpuTime(b) - end
	b.ReportMetric(float64(end-start-preparing)/float64(b.N), "net-ns/op")
}

// BenchmarkCondition evaluates what an `if` of a config asks.
func BenchmarkCondition(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"equal", `[response] == "404"`},
		{"in-list", `[verb] in ["PUT", "PATCH", "DELETE", "OPTIONS"]`},
		{"regexp", `[request] =~ /^\/api\/v[0-9]+\//`},
		{"and-or", `([verb] == "GET" and [response] != "200") or ![auth] or [referrer] == "-"`},
	} {
		b.Run(c.name, func(b *testing.B) {
			events := apacheEvents(b)
			eval := condition(b, c.text)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				eval.Eval(events[i%lineCount])
			}
		})
	}
}

// BenchmarkSprintf fills in texts with references.
func BenchmarkSprintf(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"field", `logs-%{verb}`},
		{"field-and-date", `logs-%{verb}-%{+yyyy.MM.dd}`},
		{"three-fields", `%{clientip} %{request} %{response}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			events := apacheEvents(b)
			t := event.ParseTemplate(c.text)
			var dst []byte
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				var err error
				if dst, err = t.Append(dst[:0], events[i%lineCount]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEncode writes what grok, date and mutate made of apache lines as documents.
func BenchmarkEncode(b *testing.B) {
	events := apacheEvents(b)
	var dst []byte
	bytes := 0
	for _, e := range events {
		dst = e.AppendJSON(dst[:0])
		bytes += len(dst)
	}
	b.SetBytes(int64(bytes / lineCount))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		dst = events[i%lineCount].AppendJSON(dst[:0])
	}
}

// apacheEvents are events of the workload apache after the filters of its pipeline.
func apacheEvents(b *testing.B) []*event.Event {
	b.Helper()
	chain := []plugin.Filter{
		filterOf(b, `grok { match => { "message" => "%{COMBINEDAPACHELOG}" } remove_field => ["message"] }`),
		filterOf(b, `date { match => ["timestamp", "dd/MMM/yyyy:HH:mm:ss Z"] remove_field => ["timestamp"] }`),
		filterOf(b, `mutate { convert => { "bytes" => "integer" } }`),
	}
	var events []*event.Event
	for _, line := range linesOf(b, "apache") {
		e := event.New(nil)
		e.Root().Set("message", event.StringValue(line))
		e.Create(time.Now())
		for _, f := range chain {
			f.Filter(e)
		}
		events = append(events, e)
	}
	if v, ok := events[0].Get(event.MustPath("verb")); !ok || v.Str() == "" {
		b.Fatal("the filters made nothing of an apache line")
	}
	return events
}
