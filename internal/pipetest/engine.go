package pipetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// engine is one compiled configuration that runs cases, one after the other.
type engine struct {
	stages   []*stage // its pipelines; one, unless a pipelines.yml names more
	encodes  bool     // the collector encodes what comes out
	metadata bool     // the collector keeps metadata
	whole    bool     // each text of a case is a whole line
	single   bool     // records are run one by one
	now      func() time.Time

	listeners map[string]*testInput // of several pipelines: inputs by the address that others send to
	stop      context.CancelFunc
	process   plugin.Shared // what the plugins of all pipelines have in common
	running   *run          // set before a batch is pushed, read while it is processed
}

// run is one case on its way.
type run struct {
	fields  []field
	now     time.Time
	source  *event.Source // what the replaced input adds
	linked  bool          // what runs comes from another pipeline
	sent    []sent        // to other pipelines, not yet taken by them
	group   int           // the number of the record that runs
	results []result
	raw     []byte
	problem error
}

// sent is an event on its way from one pipeline to another.
type sent struct {
	to   *testInput
	data string
}

// plan says what an engine is made of.
type plan struct {
	pipes    []pipe
	codec    string
	outCodec string
	settings map[string]string
	mocks    []Mock // of the suite itself
	plain    bool
	metadata bool
}

// pipe is one pipeline of a plan.
type pipe struct {
	id    string
	ecs   plugin.ECS // "" for that of all tests
	files []*config.File
}

// newEngine compiles a plan. The engine is nil if the diagnostics have errors.
func newEngine(o *Options, pl *plan, lookup config.Lookup) (*engine, config.Diagnostics) {
	e := &engine{
		encodes: pl.outCodec != "", metadata: pl.metadata, whole: !pl.plain, single: pl.plain || len(pl.pipes) > 1, now: time.Now,
		listeners: make(map[string]*testInput), running: new(run),
	}
	var diags config.Diagnostics
	mocked := make(map[string]bool)
	for i := range pl.pipes {
		st, more := newStage(e, o, pl, &pl.pipes[i], mocked, lookup)
		diags = append(diags, more...)
		e.stages = append(e.stages, st)
	}
	for _, m := range pl.mocks { // those that are given for all suites may be for others
		if !mocked[m.ID] {
			diags = append(diags, config.Errorf(config.Place{}, "unknown-mock", "there is no plugin with the id %q to be mocked", m.ID))
		}
	}
	if diags.HasErrors() || slices.Contains(e.stages, nil) {
		return nil, diags
	}
	return e, diags
}

func ends(pl *plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "input { %s { id => %q codec => %s } }\n", testPlugin, eventInput, eventCodec)
	if len(pl.pipes) > 1 {
		fmt.Fprintf(&b, "input { %s { id => %q codec => %s } }\n", testPlugin, linkInput, linkCodec)
	}
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

// start runs the pipelines up to where their inputs wait for cases.
func (e *engine) start(ctx context.Context, first time.Time) error {
	e.running.now = first
	ctx, e.stop = context.WithCancel(ctx)
	for _, st := range e.stages {
		if err := st.start(ctx); err != nil {
			e.stop()
			return err
		}
		for _, in := range st.inputs {
			if in.address != "" {
				e.listeners[in.address] = in
			}
		}
	}
	return nil
}

// flushes reports whether a pipeline has filters that make events when time passes or at its end.
func (e *engine) flushes() bool {
	return slices.ContainsFunc(e.stages, func(st *stage) bool { return st.p.Flushes() })
}

// finish ends the pipelines and returns what their filters gave at the end. A pipeline ends after those that send to it.
func (e *engine) finish() (*run, error) {
	e.running = &run{now: e.running.now}
	var errs []error
	open := slices.Clone(e.stages)
	for len(open) > 0 {
		i := max(0, slices.IndexFunc(open, func(st *stage) bool { // 0: they send in a circle
			return !slices.ContainsFunc(open, func(other *stage) bool { return other != st && other.sendsTo(st) })
		}))
		errs = append(errs, open[i].finish())
		open = slices.Delete(open, i, i+1)
		errs = append(errs, e.deliver(context.Background(), e.running))
	}
	e.stop()
	return e.running, errors.Join(errs...)
}

// inputs returns the inputs of the configuration in its order, those from other pipelines last.
func (e *engine) inputs() []*testInput {
	var own, links []*testInput
	for _, st := range e.stages {
		for _, in := range st.inputs {
			if in.address == "" {
				own = append(own, in)
			} else {
				links = append(links, in)
			}
		}
	}
	return append(own, links...)
}

// input returns the input with an id, or the only one of a name.
func (e *engine) input(name string) (*testInput, error) {
	var found []*testInput
	var ids []string
	for _, in := range e.inputs() {
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

// push sends records of one kind through the pipelines and waits for the last event.
func (e *engine) push(ctx context.Context, r *run, in *testInput, records []record) error {
	st := e.stages[0]
	if in != nil {
		st = in.st
	}
	by := st.events
	if !records[0].event {
		if by = st.lines; by == nil {
			by = in
		}
		if by == nil {
			return errors.New("there is no input for lines: give a codec, or an input to the configuration")
		}
	}
	var all []event.Record
	if records[0].event {
		for _, rec := range records {
			all = append(all, event.Record{Data: rec.text})
		}
	} else {
		all = frame(by.env, records, e.whole)
	}
	size := max(1, len(all))
	if e.single {
		size = 1
	}
	for part := range slices.Chunk(all, size) {
		r.group++
		if err := by.push(ctx, r, in, part); err != nil {
			return err
		}
		if err := e.deliver(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// deliver gives pipelines what others sent to them, until nothing is left on its way.
func (e *engine) deliver(ctx context.Context, r *run) error {
	r.linked = true
	defer func() { r.linked = false }()
	for len(r.sent) > 0 {
		s := r.sent[0]
		r.sent = r.sent[1:]
		if err := s.to.st.links.push(ctx, r, s.to, []event.Record{{Data: s.data}}); err != nil {
			return err
		}
	}
	return nil
}

// frame cuts the texts of a case into records: each is one, unless the codec cuts streams. Then they are lines of one stream, which
// ends behind the last. If whole, each text is a line; else the last may be an empty piece of one.
func frame(env *plugin.Env, records []record, whole bool) []event.Record {
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
	if whole && records[len(records)-1].text == "" {
		stream.WriteByte('\n') // an empty line, which the end alone is not
	}
	f := env.NewFramer()
	out, rest := f.Frame(stream.String(), out)
	return f.Flush(rest, out)
}
