package plugintest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// recordedNow is the @timestamp that stands for "now" in the cases.
var recordedNow = time.Date(2024, 1, 2, 3, 4, 5, 678e6, time.UTC)

// Result is what a run gave.
type Result struct {
	Diagnostics config.Diagnostics
	Events      []string // documents with sorted keys
	Raw         string   // what the output codec wrote
}

// Run compiles and runs c with the plugins of the lists, on one worker unless the case says otherwise, in a bubble of synctest whose
// clock stands where nothing waits.
func (c *Case) Run(t *testing.T, lists ...[]*plugin.Definition) (r Result) {
	dir := t.TempDir()
	for name, body := range c.Files {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(body), 0o644))
	}
	synctest.Test(t, func(t *testing.T) { r = c.run(t, dir, lists) })
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (c *Case) run(t *testing.T, dir string, lists [][]*plugin.Definition) Result {
	var r Result
	reg := plugin.NewRegistry(append(lists, c.harness(&r))...)
	opts := config.ParseOptions{SupportEscapes: c.Settings["config.support_escapes"] == "true"}
	text := strings.ReplaceAll(c.Config, "${CASE_DIR}", dir)
	if !startsWithSection(text) {
		text = "filter {\n" + text + "\n}"
	}
	file, diags := config.Parse("pipeline.conf", []byte(text), opts)
	files := []*config.File{file}
	if !c.HasErr || c.Codec != "" || c.OutCodec != "" {
		ends, d := config.Parse("case", []byte(strings.ReplaceAll(c.ends(), "${CASE_DIR}", dir)), opts)
		files, diags = append(files, ends), append(diags, d...)
	}
	if diags.HasErrors() {
		return Result{Diagnostics: diags}
	}
	p, d := pipeline.Compile(files, reg, c.settings(t), plugin.Builder{
		Log: slog.New(slog.NewTextHandler(logWriter(t), nil)), Lookup: c.lookup,
	})
	r.Diagnostics = append(diags, d...)
	if p == nil || c.HasErr {
		return r
	}
	must(t, p.Run(t.Context()))
	return r
}

func logWriter(t *testing.T) io.Writer {
	if testing.Verbose() {
		return t.Output()
	}
	return io.Discard
}

func startsWithSection(text string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
		if line == "" || line[0] == '#' {
			continue
		}
		for _, kind := range []string{"input", "filter", "output"} {
			if rest, ok := strings.CutPrefix(line, kind); ok && (rest == "" || strings.ContainsAny(rest[:1], " \t{#")) {
				return true
			}
		}
		return false
	}
	return true
}

// ends are the input and output that the case stands between.
func (c *Case) ends() string {
	in, out := "case_event", "case_event"
	switch {
	case c.Codec != "":
		in = c.Codec
	case c.HasRaw:
		in = "line"
	}
	if c.OutCodec != "" {
		out = c.OutCodec
	}
	return fmt.Sprintf("input { case { codec => %s } }\noutput { case { codec => %s } }", in, out)
}

func (c *Case) lookup(name string) (string, bool) {
	v, ok := c.Env[name]
	return v, ok
}

func (c *Case) settings(t *testing.T) pipeline.Settings {
	s := pipeline.DefaultSettings()
	s.Workers, s.Hostname, s.DataDir = 1, "host1", t.TempDir()
	s.Version = "8.19.0"
	if w, err := strconv.Atoi(c.Settings["pipeline.workers"]); err == nil {
		s.Workers = w
	}
	if ecs := c.Settings["pipeline.ecs_compatibility"]; ecs != "" {
		s.ECS = plugin.ECS(ecs)
	}
	return s
}

// harness defines the plugins at both ends of a case.
func (c *Case) harness(r *Result) []*plugin.Definition {
	type none struct{}
	return []*plugin.Definition{
		plugin.DefineInput("case", none{}, func(_ none, env *plugin.Env) (plugin.Input, error) {
			return &caseInput{c: c, env: env}, nil
		}),
		plugin.DefineCodec("case_event", none{}, func(none, *plugin.Env) (*plugin.Codec, error) {
			return &plugin.Codec{
				NewDecoder: func() plugin.Decoder { return eventDecoder{} },
				NewEncoder: func() plugin.Encoder { return eventEncoder{} },
			}, nil
		}, plugin.Borrowing()),
		plugin.DefineOutput("case", none{}, func(_ none, env *plugin.Env) (plugin.Output, error) {
			return &caseOutput{r: r, env: env, raw: c.HasOutRaw}, nil
		}, plugin.Borrowing()),
	}
}

// caseInput gives the case's events or bytes: each record in a batch of its own, whose memory is spoilt as soon as a pipeline of plugins that
// keep no texts says that it can be filled anew. Several workers get one batch, so that one of them works through it in order.
type caseInput struct {
	c   *Case
	env *plugin.Env

	chunks event.Chunks
}

func (in *caseInput) Run(ctx context.Context, out plugin.Sink) error {
	in.chunks.Reuse = spoil
	var records []event.Record
	if in.c.HasRaw {
		f := in.env.NewFramer()
		var rest string
		records, rest = f.Frame(in.c.Raw, nil)
		records = f.Flush(rest, records)
	}
	for _, doc := range in.c.In {
		records = append(records, event.Record{Data: doc})
	}
	source := in.env.NewSource()
	if in.env.Workers > 1 {
		return out.Push(ctx, &event.Batch{Source: source, Time: recordedNow, Records: records})
	}
	for _, r := range records {
		b := &event.Batch{Source: source, Time: recordedNow}
		in.fill(b, r)
		if err := out.Push(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// fill makes r the record of b.
func (in *caseInput) fill(b *event.Batch, r event.Record) {
	if len(r.Data) == 0 || len(r.Meta) > 0 || r.Tag != "" {
		b.Records = append(b.Records, r)
		return
	}
	b.Chunk = in.chunks.Get(len(r.Data))
	copy(b.Chunk.Bytes, r.Data)
	b.Text = unsafe.String(&b.Chunk.Bytes[0], len(r.Data))
	b.Spans = append(b.Spans, event.Span{End: uint32(len(r.Data))})
}

// spoil fills memory that nobody reads any more with what no text has.
func spoil(c *event.Chunk) {
	for i := range c.Bytes {
		c.Bytes[i] = 0xff
	}
}

// eventDecoder takes a document as the event itself.
type eventDecoder struct{}

func (eventDecoder) Decode(r *event.Record, next func() *event.Event) {
	e := next()
	v, _, _, err := e.ParseJSON(r.Data)
	if err != nil || v.Object() == nil {
		panic(fmt.Sprintf("BUG: a case with an input that is no JSON object: %q: %v", r.Data, err))
	}
	e.SetRoot(v.Object())
}

type eventEncoder struct{}

func (eventEncoder) AppendEncode(dst []byte, e *event.Event) ([]byte, error) {
	return append(e.AppendJSON(dst), '\n'), nil
}

// caseOutput collects what comes out.
type caseOutput struct {
	r   *Result
	env *plugin.Env
	raw bool
}

func (o *caseOutput) NewWriter() plugin.Writer    { return &caseWriter{o: o, enc: o.env.NewEncoder()} }
func (o *caseOutput) Close(context.Context) error { return nil }

type caseWriter struct {
	o   *caseOutput
	enc plugin.Encoder
	buf []byte
}

func (w *caseWriter) Append(e *event.Event) error {
	w.o.r.Events = append(w.o.r.Events, event.ObjectValue(e.Root()).Text())
	w.o.env.Stats.Delivered.Add(1)
	if !w.o.raw {
		return nil
	}
	var err error
	w.buf, err = w.enc.AppendEncode(w.buf[:0], e)
	w.o.r.Raw += string(w.buf)
	return err
}

func (w *caseWriter) Flush(_ context.Context, b *event.Batch) error {
	b.Settle()
	return nil
}

// canonical returns a recorded document in the form of Result.Events.
func canonical(t *testing.T, doc string) string {
	t.Helper()
	e := event.New(nil)
	v, _, _, err := e.ParseJSON(doc)
	must(t, err)
	return v.Text()
}
