package pipetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// engine is one compiled configuration that runs cases, one after the other.
type engine struct {
	p        *pipeline.Pipeline
	cov      *pipeline.Coverage
	encodes  bool // the collector encodes what comes out
	metadata bool // the collector keeps metadata
	now      func() time.Time

	ready   chan *testInput
	done    chan struct{} // closed when no case is left
	ended   chan error    // what Run returned
	stop    context.CancelFunc
	inputs  []*testInput // those of the configuration, in its order
	events  *testInput   // takes events as they are
	lines   *testInput   // with the codec that the suite asks for, nil if it does not
	running *run         // set before a batch is pushed, read while it is processed
}

// run is one case on its way.
type run struct {
	fields  []field
	now     time.Time
	source  *event.Source // what the replaced input adds
	results []result
	raw     []byte
	problem error
}

// plan says what an engine is made of.
type plan struct {
	files    []*config.File
	codec    string
	outCodec string
	settings map[string]string
	mocks    []Mock // of the suite itself
	plain    bool
	metadata bool
}

// newEngine compiles a plan. The engine is nil if the diagnostics have errors.
func newEngine(o *Options, pl *plan, lookup config.Lookup) (*engine, config.Diagnostics) {
	e := &engine{
		encodes: pl.outCodec != "", metadata: pl.metadata, now: time.Now,
		ready: make(chan *testInput), done: make(chan struct{}), ended: make(chan error, 1), running: new(run),
	}
	r := &rewriter{mocks: slices.Concat(pl.mocks, o.Mocks), mocked: make(map[string]bool), plain: pl.plain}
	ends, diags := config.Parse("test", []byte(ends(pl)), config.ParseOptions{})
	files := []*config.File{ends}
	for _, f := range pl.files {
		files = append(files, r.file(f))
	}
	diags = append(append(diags, r.diags...), r.unused(pl.mocks)...)
	if diags.HasErrors() {
		return nil, diags
	}
	s := pipeline.DefaultSettings()
	s.ID, s.Workers, s.Hostname, s.Version, s.ECS, s.DataDir = "test", 1, "localhost", o.Version, o.ECS, o.DataDir
	s.ShutdownLimit, s.Clock = time.Second, e.clock
	if mode := pl.settings["pipeline.ecs_compatibility"]; mode != "" {
		s.ECS = plugin.ECS(mode)
	}
	if o.Coverage != nil {
		e.cov = new(pipeline.Coverage)
		s.Coverage = e.cov
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	p, more := pipeline.Compile(files, e.harness(o.Registry, r), s, plugin.Builder{Log: log, Lookup: lookup})
	e.p = p
	if diags = append(diags, more...); p == nil {
		return nil, diags
	}
	return e, diags
}

func ends(pl *plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "input { %s { id => %q codec => %s } }\n", testPlugin, eventInput, eventCodec)
	if pl.codec != "" {
		fmt.Fprintf(&b, "input { %s { id => %q codec => %s } }\n", testPlugin, codecInput, pl.codec)
	}
	outCodec := "plain"
	if pl.outCodec != "" {
		outCodec = pl.outCodec
	}
	fmt.Fprintf(&b, "filter { %s { id => \"millrace_test_begin\" } }\noutput { %s { id => \"millrace_test_collect\" codec => %s } }\n", testPlugin, testPlugin, outCodec)
	return b.String()
}

// clock is that of the pipeline: the running case's, or the real one.
func (e *engine) clock() time.Time {
	if e.running.now.IsZero() {
		return e.now()
	}
	return e.running.now
}

// start runs the pipeline up to where its inputs wait for cases.
func (e *engine) start(ctx context.Context, first time.Time) error {
	e.running.now = first
	ctx, e.stop = context.WithCancel(ctx)
	go func() { e.ended <- e.p.Run(ctx) }()
	byID := make(map[string]*testInput)
	for range e.p.Inputs() {
		select {
		case in := <-e.ready:
			byID[in.env.ID] = in
		case err := <-e.ended:
			return fmt.Errorf("starting the pipeline: %w", err)
		}
	}
	for _, s := range e.p.Inputs() {
		switch in := byID[s.ID]; s.ID {
		case eventInput:
			e.events = in
		case codecInput:
			e.lines = in
		default:
			e.inputs = append(e.inputs, in)
		}
	}
	return nil
}

// finish ends the pipeline and returns what its filters gave at the end.
func (e *engine) finish() (*run, error) {
	e.running = &run{now: e.running.now}
	close(e.done)
	err := <-e.ended
	e.stop()
	return e.running, err
}

// input returns the input with an id, or the only one of a name.
func (e *engine) input(name string) (*testInput, error) {
	var found []*testInput
	var ids []string
	for _, in := range e.inputs {
		if in.env.ID == name {
			return in, nil
		}
		if in.env.Name == name {
			found = append(found, in)
		}
		ids = append(ids, in.env.ID)
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, fmt.Errorf("the configuration has no input with the id or name %q; it has %s", name, strings.Join(ids, ", "))
	}
	return nil, fmt.Errorf("the configuration has %d inputs %s: name one by its id", len(found), name)
}

// errCaseTime tells that a case did not end.
var errCaseTime = errors.New("the case did not end in time")

// do runs the records of one case as they would come by in; a nil in adds nothing to events.
func (e *engine) do(ctx context.Context, r *run, in *testInput, records []record, limit time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errCaseTime)
	defer cancel()
	e.running = r
	for len(records) > 0 {
		n := 1
		for n < len(records) && records[n].event == records[0].event {
			n++
		}
		if err := e.push(ctx, r, in, records[:n]); err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

// push sends records of one kind through the pipeline and waits for the last event.
func (e *engine) push(ctx context.Context, r *run, in *testInput, records []record) error {
	by := e.events
	if !records[0].event {
		if by = e.lines; by == nil {
			by = in
		}
		if by == nil {
			return errors.New("there is no input for lines: give a codec, or an input to the configuration")
		}
	}
	b := &event.Batch{Source: by.env.NewSource()}
	r.source = nil
	if in != nil {
		r.source = in.env.NewSource()
	}
	b.Source.Type, b.Source.Tags, b.Source.AddField = "", nil, nil // begin adds them, after the fields of the case
	if records[0].event {
		for _, rec := range records {
			b.Records = append(b.Records, event.Record{Data: rec.text})
		}
	} else {
		b.Records = frame(by.env, records)
	}
	done := make(chan struct{})
	b.Done = func(*event.Batch) { close(done) }
	if err := by.sink.Push(ctx, b); err != nil {
		return context.Cause(ctx)
	}
	select {
	case <-done:
		return nil
	case err := <-e.ended:
		e.ended <- err
		return fmt.Errorf("the pipeline ended: %w", err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// frame cuts the texts of a case into records: each is one, unless the codec cuts streams. Then they are lines of one stream, which
// ends behind the last.
func frame(env *plugin.Env, records []record) []event.Record {
	var out []event.Record
	if !env.CutsStreams() {
		for _, rec := range records {
			out = append(out, event.Record{Data: rec.text})
		}
		return out
	}
	var stream strings.Builder
	for i, rec := range records {
		stream.WriteString(rec.text)
		if i < len(records)-1 && !strings.HasSuffix(rec.text, "\n") {
			stream.WriteByte('\n')
		}
	}
	f := env.NewFramer()
	out, rest := f.Frame(stream.String(), out)
	return f.Flush(rest, out)
}
