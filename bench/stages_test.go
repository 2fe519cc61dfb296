// Package bench measures: every stage of the way by `go test -bench`, the whole way by the program e2e.
package bench

import (
	"context"
	"fmt"
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
	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
	"millrace/pipeline/ring"
)

// The lines of the workloads.
const (
	apacheLine = `203.0.113.7 - frank [20/Nov/2026:13:55:36 +0000] "GET /api/v1/items/4711?page=3 HTTP/1.1" 200 2326 "https://shop.example.com/list/12" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36"`
	jsonLine   = `{"time":"2026-11-20T13:55:36.123Z","level":"info","logger":"api","msg":"request served","status":200,"took":12.5,"http":{"method":"GET","path":"/api/v1/items","bytes":1234},"user":"u-123","ok":true,"trace":"4bf92f3577b34da6a3ce929d0e0e4736"}`
	syslogLine = `Nov 20 13:55:36 web01 sshd[4711]: Accepted publickey for frank from 203.0.113.7 port 51000 ssh2: ED25519 SHA256:abcdefghijklmnopqrstuvwxyz0123456789`
	kvLine     = `date=2026-11-20 time=13:55:36 devname="FG100" devid="FG100E" logid="0000000013" type="traffic" subtype="forward" level="notice" srcip=10.1.1.1 srcport=51000 dstip=198.51.100.7 dstport=443 action="accept" policyid=12 sentbyte=1234 rcvdbyte=5678`
)

var rawLine = strings.Repeat("a plain log line ", 9)

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

func BenchmarkReadAndSplit(b *testing.B) {
	text := strings.Repeat(rawLine+"\n", 1000)
	env := build(b, `input { tcp { port => 0 } }`).Env
	b.SetBytes(int64(len(rawLine) + 1))
	b.ReportAllocs()
	n := 0
	pool := new(stream.Pool)
	b.ResetTimer()
	for n < b.N {
		r := stream.NewReader(strings.NewReader(text), env.NewFramer(), stream.Limits{}).WithPool(pool)
		for {
			batch, err := r.Next()
			if batch != nil {
				n += len(batch.Records)
				batch.Done(batch)
			}
			if err == io.EOF {
				break
			}
		}
	}
}

func BenchmarkRing(b *testing.B) {
	r := ring.New[*event.Batch](256)
	batch := new(event.Batch)
	b.ReportAllocs()
	for b.Loop() {
		r.TryPush(batch)
		r.TryPop()
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, line := range map[string]string{"line": rawLine, "json_lines": jsonLine} {
		b.Run(name, func(b *testing.B) {
			codec := build(b, `input { tcp { port => 0 codec => `+name+` } }`).Codec
			d := codec.NewDecoder()
			e := event.New(nil)
			now := time.Now()
			next := func() *event.Event { e.Reset(); return e }
			rec := &event.Record{Data: line}
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				d.Decode(rec, next)
				e.Create(now)
			}
		})
	}
}

func BenchmarkFilter(b *testing.B) {
	for _, c := range []struct{ name, conf, line string }{
		{"grok-apache", `grok { match => { "message" => "%{COMBINEDAPACHELOG}" } }`, apacheLine},
		{"grok-apache-ecs", `grok { ecs_compatibility => v8 match => { "message" => "%{COMBINEDAPACHELOG}" } }`, apacheLine},
		{"grok-syslog", `grok { match => { "message" => "%{SYSLOGBASE} %{GREEDYDATA:text}" } }`, syslogLine},
		{"date", `date { match => ["t", "dd/MMM/yyyy:HH:mm:ss Z"] }`, ""},
		{"mutate-3", `mutate { rename => { "a" => "b" } lowercase => ["verb"] convert => { "n" => "integer" } }`, ""},
		{"json", `json { source => "message" }`, jsonLine},
		{"kv", `kv { }`, kvLine},
		{"dissect", `dissect { mapping => { "message" => "%{ip} - %{user} [%{ts}] %{rest}" } }`, apacheLine},
		{"csv", `csv { }`, "2026-11-20,web01,GET,/index.html,200,1234"},
	} {
		b.Run(c.name, func(b *testing.B) {
			f := build(b, "filter { "+c.conf+" }").Filter
			if w, ok := f.(plugin.PerWorker); ok {
				f = w.ForWorker()
			}
			e := event.New(nil)
			now := time.Now()
			b.ReportAllocs()
			for b.Loop() {
				e.Reset()
				o := e.Root()
				o.Set("message", event.StringValue(c.line))
				o.Set("t", event.StringValue("20/Nov/2026:13:55:36 +0000"))
				o.Set("a", event.StringValue("x"))
				o.Set("verb", event.StringValue("GET"))
				o.Set("n", event.StringValue("2326"))
				e.Create(now)
				f.Filter(e)
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	f := build(b, `filter { grok { match => { "message" => "%{COMBINEDAPACHELOG}" } } }`).Filter
	if w, ok := f.(plugin.PerWorker); ok {
		f = w.ForWorker()
	}
	e := event.New(nil)
	e.Root().Set("message", event.StringValue(apacheLine))
	e.Create(time.Now())
	f.Filter(e)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = e.AppendJSON(dst[:0])
	}
	b.SetBytes(int64(len(dst)))
}

// repeat is an input that gives one line many times.
type repeat struct {
	env  *plugin.Env
	line string
	n    int
}

func (r *repeat) Run(ctx context.Context, out plugin.Sink) error {
	records := make([]event.Record, 400)
	for i := range records {
		records[i].Data = r.line
	}
	source := r.env.NewSource()
	for n := 0; n < r.n; n += len(records) {
		if err := out.Push(ctx, &event.Batch{Source: source, Records: records, Bytes: len(records) * len(r.line)}); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkPipeline is the way from the queue to the encoded document, for whole configs.
func BenchmarkPipeline(b *testing.B) {
	const apache = `grok { match => { "message" => "%{COMBINEDAPACHELOG}" } }
		date { match => ["timestamp", "dd/MMM/yyyy:HH:mm:ss Z"] } mutate { remove_field => ["timestamp"] convert => { "bytes" => "integer" } }`
	for _, c := range []struct{ name, codec, filter, line string }{
		{"raw", "line", "", rawLine},
		{"json", "json_lines", "", jsonLine},
		{"apache", "line", apache, apacheLine},
		{"syslog", "line", `grok { match => { "message" => "%{SYSLOGBASE} %{GREEDYDATA:text}" } } date { match => ["timestamp", "MMM dd HH:mm:ss", "MMM  d HH:mm:ss"] }`, syslogLine},
		{"firewall", "line", `kv { target => "fw" } mutate { convert => { "[fw][srcport]" => "integer" "[fw][dstport]" => "integer" } }`, kvLine},
	} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/workers=%d", c.name, workers), func(b *testing.B) {
				in := &repeat{line: c.line, n: b.N}
				reg := plugin.NewRegistry(codecs.All(), filters.All(), []*plugin.Definition{
					plugin.DefineInput("repeat", struct{}{}, func(_ struct{}, env *plugin.Env) (plugin.Input, error) {
						in.env = env
						return in, nil
					}),
					plugin.DefineOutput("encode", struct{}{}, func(_ struct{}, env *plugin.Env) (plugin.Output, error) {
						return encodeOutput{env}, nil
					}, plugin.WithCodec("json_lines")),
				})
				conf := fmt.Sprintf("input { repeat { codec => %s } } filter { %s } output { encode {} }", c.codec, c.filter)
				f, diags := config.Parse("bench", []byte(conf), config.ParseOptions{})
				if diags.HasErrors() {
					b.Fatal(diags.String())
				}
				s := pipeline.DefaultSettings()
				s.Workers, s.ECS = workers, plugin.ECSDisabled
				p, diags := pipeline.Compile([]*config.File{f}, reg, s, plugin.Builder{Log: slog.New(slog.DiscardHandler)})
				if p == nil {
					b.Fatal(diags.String())
				}
				b.ReportAllocs()
				b.ResetTimer()
				if err := p.Run(context.Background()); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

// encodeOutput encodes and forgets.
type encodeOutput struct{ env *plugin.Env }

func (o encodeOutput) NewWriter() plugin.Writer    { return &encodeWriter{enc: o.env.NewEncoder()} }
func (o encodeOutput) Close(context.Context) error { return nil }

type encodeWriter struct {
	enc plugin.Encoder
	buf []byte
}

func (w *encodeWriter) Append(e *event.Event) (err error) {
	w.buf, err = w.enc.AppendEncode(w.buf, e)
	return err
}

func (w *encodeWriter) Flush(_ context.Context, b *event.Batch) error {
	w.buf = w.buf[:0]
	b.Settle()
	return nil
}
