package pipetest

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"millrace/internal/joda"
	"millrace/internal/pipebus"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

type noOptions struct{}

// linkOptions are those of pipeline inputs and outputs where several pipelines are tested together.
type linkOptions struct {
	Address string   `opt:"address"`
	SendTo  []string `opt:"send_to"`
}

// harness returns the plugins of a test: the codecs and filters of the program, and inputs and outputs of the names that the
// configuration uses which only hand over.
func (st *stage) harness(reg *plugin.Registry, r *rewriter) *plugin.Registry {
	var defs []*plugin.Definition
	for _, d := range reg.All() {
		if d.Kind == plugin.CodecKind || d.Kind == plugin.FilterKind {
			defs = append(defs, d)
		}
	}
	input := func(_ noOptions, env *plugin.Env) (plugin.Input, error) { return &testInput{st: st, env: env}, nil }
	output := func(_ noOptions, env *plugin.Env) (plugin.Output, error) { return testOutput{st.e, env, nil}, nil }
	for _, name := range r.inputs {
		if st.several && name == linkPlugin {
			defs = append(defs, plugin.DefineInput(name, linkOptions{}, func(o linkOptions, env *plugin.Env) (plugin.Input, error) {
				return &testInput{st: st, env: env, address: o.Address}, nil
			}))
			continue
		}
		var opts []plugin.Option
		if d := reg.Lookup(plugin.InputKind, name); d != nil && !r.plain {
			opts = append(opts, plugin.WithCodec(d.DefaultCodec))
			if d.Streams {
				opts = append(opts, plugin.Streaming())
			}
		}
		defs = append(defs, plugin.DefineInput(name, noOptions{}, input, opts...))
	}
	for _, name := range r.outputs {
		if st.several && name == linkPlugin {
			defs = append(defs, plugin.DefineOutput(name, linkOptions{}, func(o linkOptions, env *plugin.Env) (plugin.Output, error) {
				st.sends = append(st.sends, o.SendTo...)
				return testOutput{st.e, env, o.SendTo}, nil
			}))
			continue
		}
		defs = append(defs, plugin.DefineOutput(name, noOptions{}, output))
	}
	defs = append(defs,
		plugin.DefineInput(testPlugin, noOptions{}, input),
		plugin.DefineCodec(eventCodec, noOptions{}, func(noOptions, *plugin.Env) (*plugin.Codec, error) {
			return &plugin.Codec{NewDecoder: func() plugin.Decoder { return eventDecoder{} }}, nil
		}),
		plugin.DefineCodec(linkCodec, noOptions{}, func(noOptions, *plugin.Env) (*plugin.Codec, error) { return pipebus.Codec(), nil }),
		plugin.DefineFilter(testPlugin, noOptions{}, func(noOptions, *plugin.Env) (plugin.Filter, error) { return &begin{e: st.e}, nil }),
		plugin.DefineOutput(testPlugin, noOptions{}, func(_ noOptions, env *plugin.Env) (plugin.Output, error) { return collector{st.e, env}, nil }),
	)
	return plugin.NewRegistry(defs)
}

// testInput hands its way into the pipeline to the engine.
type testInput struct {
	st      *stage
	env     *plugin.Env
	sink    plugin.Sink
	address string // that other pipelines send to
}

// Run waits for the end of the tests.
func (in *testInput) Run(ctx context.Context, out plugin.Sink) error {
	in.sink = out
	select {
	case in.st.ready <- in:
	case <-ctx.Done():
		return nil
	}
	select {
	case <-in.st.done:
	case <-ctx.Done():
	}
	return nil
}

// eventDecoder takes a document as the event itself.
type eventDecoder struct{}

func (eventDecoder) Decode(r *event.Record, next func() *event.Event) {
	e := next()
	v, _, _, err := e.ParseJSON(r.Data)
	if err != nil || v.Object() == nil {
		panic(fmt.Sprintf("BUG: an input that is no JSON object: %q: %v", r.Data, err))
	}
	e.SetRoot(v.Object())
}

// begin is the first filter. It sets the fields of the case, and after them what the replaced input adds, in the order in which they
// come where a test stands before the input.
type begin struct{ e *engine }

func (b *begin) Filter(ev *event.Event) bool {
	r := b.e.running
	for i := range r.fields {
		if r.linked {
			break // it has them from its way in
		}
		if err := r.fields[i].set(ev); err != nil {
			r.problem = fmt.Errorf("field %s: %w", r.fields[i].name, err)
		}
	}
	if r.source != nil {
		if err := r.source.Decorate(ev, &event.Record{}); err != nil {
			r.problem = err
		}
	}
	return false
}

func (f *field) set(e *event.Event) error {
	path, err := event.ParsePath(f.name)
	if err != nil {
		return err
	}
	v, _, _, err := e.ParseJSON(f.json)
	if err != nil {
		return err
	}
	if f.name == event.TimestampField {
		t, ok := joda.ParseTimestamp(v.Str())
		if !ok {
			return fmt.Errorf("%s is no time", f.json)
		}
		v = event.TimeValue(t)
	}
	return e.Set(&path, v)
}

// collector is the first output: it gets every event once.
type collector struct {
	e   *engine
	env *plugin.Env
}

func (c collector) NewWriter() plugin.Writer {
	w := &collectWriter{c: c}
	if c.e.encodes {
		w.enc = c.env.NewEncoder()
	}
	return w
}

func (c collector) Close(context.Context) error { return nil }

type collectWriter struct {
	c   collector
	enc plugin.Encoder
}

func (w *collectWriter) Append(e *event.Event) error {
	w.c.env.Stats.Delivered.Add(1)
	run := w.c.e.running
	r := result{doc: e.AppendJSON(nil), group: run.group}
	if w.c.e.metadata {
		r.meta = event.ObjectValue(e.Metadata()).AppendJSON(nil)
	}
	run.results = append(run.results, r)
	if w.enc == nil {
		return nil
	}
	var err error
	run.raw, err = w.enc.AppendEncode(run.raw, e)
	return err
}

func (w *collectWriter) Flush(_ context.Context, b *event.Batch) error {
	b.Settle()
	return nil
}

// result is one event that came out.
type result struct {
	doc, meta []byte
	outputs   []string // ids of the outputs that it reached
	passedOn  bool     // another pipeline has it
	group     int      // the number of the record that it comes from
}

// testOutput notes what reaches an output of the configuration, and passes on what another pipeline of it listens for.
type testOutput struct {
	e      *engine
	env    *plugin.Env
	sendTo []string
}

func (o testOutput) NewWriter() plugin.Writer    { return o }
func (o testOutput) Close(context.Context) error { return nil }

func (o testOutput) Append(ev *event.Event) error {
	o.env.Stats.Delivered.Add(1)
	run := o.e.running
	last := &run.results[len(run.results)-1]
	known := false
	for _, address := range o.sendTo {
		if to := o.e.listeners[address]; to != nil {
			run.sent = append(run.sent, sent{to, string(pipebus.AppendEvent(nil, ev))})
			known = true
		}
	}
	if known {
		last.passedOn = true
	} else {
		last.outputs = append(last.outputs, o.env.ID)
	}
	return nil
}

func (o testOutput) Flush(_ context.Context, b *event.Batch) error {
	b.Settle()
	return nil
}

// document returns a result as a tree. Metadata of which the name begins with __tmp_ is left out, as logstash-filter-verifier does.
func (r *result) document() (map[string]any, error) {
	v, err := decodeJSON(r.doc)
	if err != nil {
		return nil, fmt.Errorf("reading an event that came out: %w", err)
	}
	doc := v.(map[string]any)
	if r.meta == nil {
		return doc, nil
	}
	if v, err = decodeJSON(r.meta); err != nil {
		return nil, fmt.Errorf("reading the metadata of an event that came out: %w", err)
	}
	meta := v.(map[string]any)
	maps.DeleteFunc(meta, func(name string, _ any) bool { return strings.HasPrefix(name, "__tmp_") })
	if len(meta) > 0 {
		doc[event.MetadataField] = meta
	}
	return doc, nil
}
