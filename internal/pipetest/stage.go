package pipetest

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// stage is one pipeline of an engine.
type stage struct {
	e   *engine
	p   *pipeline.Pipeline
	cov *pipeline.Coverage

	several bool     // pipelines are connected by their inputs and outputs of that name
	sends   []string // the addresses that the pipeline sends to

	ready  chan *testInput
	done   chan struct{} // closed when no case is left
	ended  chan error    // what Run returned
	inputs []*testInput  // those of the configuration, in its order
	events *testInput    // takes events as they are
	links  *testInput    // takes events of other pipelines, nil if there is one pipeline only
	lines  *testInput    // with the codec that the suite asks for, nil if it does not
}

// newStage compiles one pipeline of a plan; the stage is nil if the diagnostics have errors. It notes in mocked which mocks had a use.
func newStage(e *engine, o *Options, pl *plan, from *pipe, mocked map[string]bool, lookup config.Lookup) (*stage, config.Diagnostics) {
	st := &stage{e: e, several: len(pl.pipes) > 1, ready: make(chan *testInput), done: make(chan struct{}), ended: make(chan error, 1)}
	r := &rewriter{mocks: slices.Concat(pl.mocks, o.Mocks), mocked: mocked, plain: pl.plain, several: st.several}
	ends, diags := config.Parse("test", []byte(ends(pl)), config.ParseOptions{})
	files := []*config.File{ends}
	for _, f := range from.files {
		files = append(files, r.file(f))
	}
	if diags = append(diags, r.diags...); diags.HasErrors() {
		return nil, diags
	}
	s := pipeline.DefaultSettings()
	s.ID, s.Workers, s.Hostname, s.Version, s.ECS, s.DataDir = "test", 1, "localhost", o.Version, o.ECS, o.DataDir
	s.ShutdownLimit, s.Clock = time.Second, e.clock
	if from.id != "" {
		s.ID = from.id
	}
	if from.ecs != "" {
		s.ECS = from.ecs
	}
	if mode := pl.settings["pipeline.ecs_compatibility"]; mode != "" {
		s.ECS = plugin.ECS(mode)
	}
	if o.Coverage != nil {
		st.cov = new(pipeline.Coverage)
		s.Coverage = st.cov
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	p, more := pipeline.Compile(files, st.harness(o.Registry, r), s, plugin.Builder{Log: log, Lookup: lookup, Process: &e.process})
	if diags = append(diags, more...); p == nil {
		return nil, diags
	}
	st.p = p
	return st, diags
}

// start runs the pipeline up to where its inputs wait for cases.
func (st *stage) start(ctx context.Context) error {
	go func() { st.ended <- st.p.Run(ctx) }()
	byID := make(map[string]*testInput)
	for range st.p.Inputs() {
		select {
		case in := <-st.ready:
			byID[in.env.ID] = in
		case err := <-st.ended:
			return fmt.Errorf("starting the pipeline: %w", err)
		}
	}
	for _, s := range st.p.Inputs() {
		switch in := byID[s.ID]; s.ID {
		case eventInput:
			st.events = in
		case linkInput:
			st.links = in
		case codecInput:
			st.lines = in
		default:
			st.inputs = append(st.inputs, in)
		}
	}
	return nil
}

// finish ends the pipeline.
func (st *stage) finish() error {
	close(st.done)
	return <-st.ended
}

// sendsTo reports whether the pipeline sends events to another.
func (st *stage) sendsTo(other *stage) bool {
	return slices.ContainsFunc(other.inputs, func(in *testInput) bool { return in.address != "" && slices.Contains(st.sends, in.address) })
}

// push sends records into the input's pipeline and waits for the last event; as says what they seem to come by.
func (in *testInput) push(ctx context.Context, r *run, as *testInput, records []event.Record) error {
	b := &event.Batch{Source: in.env.NewSource(), Records: records}
	r.source = nil
	if as != nil {
		r.source = as.env.NewSource()
	}
	b.Source.Type, b.Source.Tags, b.Source.AddField = "", nil, nil // begin adds them, after the fields of the case
	done := make(chan struct{})
	b.Done = func(*event.Batch) { close(done) }
	if err := in.sink.Push(ctx, b); err != nil {
		return context.Cause(ctx)
	}
	select {
	case <-done:
		return nil
	case err := <-in.st.ended:
		in.st.ended <- err
		return fmt.Errorf("the pipeline ended: %w", err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
