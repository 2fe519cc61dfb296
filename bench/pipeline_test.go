package bench

import (
	"context"
	"fmt"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"millrace/bench/configs"
	"millrace/codecs"
	"millrace/filters"
	"millrace/internal/onig"
	"millrace/outputs"
	"millrace/pipeline"
	"millrace/pipeline/cond"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// condition compiles the condition of an `if`.
func condition(b *testing.B, text string) *cond.Condition {
	b.Helper()
	f, parsed, diags := config.ParseCondition("bench", text)
	if diags.HasErrors() {
		b.Fatal(diags.String())
	}
	c, diags := cond.Compile(f, parsed, func(pattern string) (func() cond.Matcher, error) {
		re, err := onig.Compile(pattern)
		if err != nil {
			return nil, err
		}
		return func() cond.Matcher { return re.NewMatcher() }, nil
	})
	if diags.HasErrors() {
		b.Fatal(diags.String())
	}
	return c
}

// cpuTime is what this process has used of all cores, in user and system mode.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// turnLines is how many records the input repeat pushes at once: about what one read of a busy connection brings.
const turnLines = 256

// repeat is an input that gives the lines of a workload again and again.
type repeat struct {
	env     *plugin.Env
	records []event.Record
	n       int
}

// Run pushes n records.
func (r *repeat) Run(ctx context.Context, out plugin.Sink) error {
	var turns []*event.Batch
	source := r.env.NewSource()
	for at := 0; at < len(r.records); at += turnLines {
		t := &event.Batch{Source: source, Records: r.records[at:min(at+turnLines, len(r.records))]}
		for i := range t.Records {
			t.Bytes += len(t.Records[i].Data)
		}
		turns = append(turns, t)
	}
	for n, i := 0, 0; n < r.n; i++ {
		t := turns[i%len(turns)]
		records := t.Records[:min(len(t.Records), r.n-n)]
		if err := out.Push(ctx, &event.Batch{Source: source, Records: records, Bytes: t.Bytes}); err != nil {
			return err
		}
		n += len(records)
	}
	return nil
}

// encodeOutput encodes and forgets.
type encodeOutput struct{ env *plugin.Env }

func (o encodeOutput) NewWriter() plugin.Writer    { return &encodeWriter{enc: o.env.NewEncoder()} }
func (o encodeOutput) Close(context.Context) error { return nil }

type encodeWriter struct {
	enc plugin.Encoder
	buf []byte
}

// Append implements plugin.Writer.
func (w *encodeWriter) Append(e *event.Event) (err error) {
	w.buf, err = w.enc.AppendEncode(w.buf, e)
	return err
}

// Flush implements plugin.Writer.
func (w *encodeWriter) Flush(_ context.Context, b *event.Batch) error {
	w.buf = w.buf[:0]
	b.Settle()
	return nil
}

// inMemory is a pipeline from prepared records to encoded documents that nobody takes.
type inMemory struct {
	codec   string // line if empty
	filter  string // text of the filter section
	workers int    // 1 if 0
	records []event.Record
}

// run takes b.N events through the pipeline and returns what one cost all cores, in nanoseconds.
func (m inMemory) run(b *testing.B) float64 {
	b.Helper()
	in := &repeat{records: m.records, n: b.N}
	reg := plugin.NewRegistry(codecs.All(), filters.All(), []*plugin.Definition{
		plugin.DefineInput("repeat", struct{}{}, func(_ struct{}, env *plugin.Env) (plugin.Input, error) {
			in.env = env
			return in, nil
		}),
		plugin.DefineOutput("encode", struct{}{}, func(_ struct{}, env *plugin.Env) (plugin.Output, error) {
			return encodeOutput{env}, nil
		}, plugin.WithCodec("json_lines")),
	}, outputs.All())
	codec := m.codec
	if codec == "" {
		codec = "line"
	}
	text := fmt.Sprintf("input { repeat { codec => %s } } filter { %s } output { encode {} }", codec, m.filter)
	p := compile(b, reg, text, max(1, m.workers), nil)
	b.ReportAllocs()
	before := cpuTime(b)
	b.ResetTimer()
	if err := p.Run(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	if got := p.Stats.In.Load(); got != int64(b.N) {
		b.Fatalf("%d of %d events came through", got, b.N)
	}
	cost := float64(cpuTime(b)-before) / float64(b.N)
	b.ReportMetric(cost, "cpu-ns/op")
	return cost
}

func compile(b *testing.B, reg *plugin.Registry, text string, workers int, lookup func(string) (string, bool)) *pipeline.Pipeline {
	b.Helper()
	f, diags := config.Parse("bench", []byte(text), config.ParseOptions{})
	if diags.HasErrors() {
		b.Fatal(diags.String())
	}
	s := pipeline.DefaultSettings()
	s.Workers, s.ECS = workers, plugin.ECSDisabled
	p, diags := pipeline.Compile([]*config.File{f}, reg, s, plugin.Builder{Log: slog.New(slog.DiscardHandler), Lookup: lookup})
	if p == nil {
		b.Fatal(diags.String())
	}
	return p
}

// BenchmarkPipeline is the way from the queue to the encoded document, for the pipelines that e2e measures.
func BenchmarkPipeline(b *testing.B) {
	for _, name := range configs.Names() {
		codec, filter := partsOf(b, name)
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/workers=%d", name, workers), func(b *testing.B) {
				records, _ := recordsOf(b, configs.Workload(name))
				inMemory{codec: codec, filter: filter, workers: workers, records: records}.run(b)
			})
		}
	}
}

// partsOf takes the codec of the input and the text of the filter section out of a pipeline.
func partsOf(b *testing.B, name string) (codec, filter string) {
	b.Helper()
	text, err := configs.Text(name)
	if err != nil {
		b.Fatal(err)
	}
	f, diags := config.Parse(name, text, config.ParseOptions{})
	if diags.HasErrors() {
		b.Fatal(diags.String())
	}
	codec = "line"
	for _, s := range f.Sections {
		switch s.Kind {
		case "input":
			for _, a := range s.Body[0].(*config.PluginNode).Attributes {
				if w, ok := a.Value.(*config.Bareword); ok && a.Name == "codec" {
					codec = w.Text
				}
			}
		case "filter":
			for _, st := range s.Body {
				r := st.Range()
				filter += string(text[r.Start:r.End]) + "\n"
			}
		}
	}
	return codec, filter
}
