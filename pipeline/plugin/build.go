package plugin

import (
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"millrace/pipeline/config"
	"millrace/pipeline/event"
)

// Builder is what a registry needs to make plugins: the surroundings of one pipeline.
type Builder struct {
	Pipeline    string
	ECS         ECS
	Workers     int
	Hostname    string
	DataDir     string
	Version     string
	Log         *slog.Logger
	Lookup      config.Lookup // values of ${VARIABLES}
	DeadLetters DeadLetters
	Bus         any                                                          // shared by the pipelines that run together
	Shared      *Shared                                                      // of the plugins of the pipeline; nil: each has one of its own
	Process     *Shared                                                      // of the plugins of all pipelines; nil: that of the pipeline
	Clock       func() time.Time                                             // the time that plugins ask for; nil is the real one
	Counter     func(kind Kind, plugin, id, name, help string) *atomic.Int64 // nil: counters that nobody reads

	AutoID     string // the id of a plugin that has none
	CodecIndex int    // Source.Codec of an input that is built
}

// Built is a plugin that a config asked for. One of Input, Filter and Output is set.
type Built struct {
	Kind   Kind
	Name   string // of the definition: elasticsearch for opensearch
	ID     string
	Env    *Env
	Input  Input
	Filter Filter
	Output Output
	Codec  *Codec // of an input or output
	Common Common // of a filter

	Borrows bool // plugin and codec keep no text of events; see Borrowing

	OnFull        string // of an output: what happens while it takes no more
	SpillMaxBytes int64  // of an output: most bytes on disk
}

// Build makes the plugin that node asks for. Built is nil if the diagnostics have errors.
func (r *Registry) Build(node *config.PluginNode, b Builder) (*Built, config.Diagnostics) {
	kind := Kind(node.Kind)
	d, diags := r.find(kind, node.Name, config.Place{File: node.File, Span: node.NameSpan})
	if d == nil {
		return nil, diags
	}
	attrs, diags := config.Evaluate(node, b.Lookup)
	bd := building{r: r, b: b, d: d, attrs: attrs, diags: diags}
	built := bd.build()
	if bd.diags.HasErrors() {
		return nil, bd.diags
	}
	return built, bd.diags
}

// find returns the definition of a plugin, or a diagnostic with the nearest name.
func (r *Registry) find(kind Kind, name string, place config.Place) (*Definition, config.Diagnostics) {
	if d := r.Lookup(kind, name); d != nil {
		return d, nil
	}
	diag := config.Errorf(place, "unknown-plugin", "unknown %s %q", kind, name)
	if hint, ok := substitutes[string(kind)+"/"+name]; ok {
		diag.Hint = hint
	} else if hint := config.DidYouMean(name, r.names(kind)); hint != "" {
		diag.Hint = hint
	} else {
		diag.Hint = "millrace plugins lists what there is"
	}
	for _, other := range []Kind{InputKind, FilterKind, OutputKind, CodecKind} {
		if other != kind && r.Lookup(other, name) != nil && substitutes[string(kind)+"/"+name] == "" {
			diag = diag.WithHint("%s is the name of a plugin of kind %s", name, other)
		}
	}
	return nil, config.Diagnostics{diag}
}

// building is one plugin on its way.
type building struct {
	r     *Registry
	b     Builder
	d     *Definition
	attrs *config.Attributes
	diags config.Diagnostics
	env   *Env
}

func (bd *building) build() *Built {
	options := bd.d.Options()
	into := []any{options}
	var filter filterOptions
	var input inputOptions
	output := defaultOutputOptions()
	var ecs ecsOptions
	if !declares(options, "ecs_compatibility") {
		into = append(into, &ecs)
	}
	switch bd.d.Kind {
	case FilterKind:
		into = append(into, &filter)
	case InputKind:
		into = append(into, &input)
		if !declares(options, "charset") {
			into = append(into, &charsetOption{})
		}
	case OutputKind:
		into = append(into, &output)
		if !declares(options, "tags") {
			into = append(into, &tagsOption{})
		}
	case CodecKind:
		into = append(into, &anyOptions{})
	}
	bd.diags = append(bd.diags, config.Decode(bd.attrs, into...)...)
	bd.environment(ecs.ECS)
	built := &Built{Kind: bd.d.Kind, Name: bd.d.Name, Env: bd.env}
	switch bd.d.Kind {
	case FilterKind:
		built.Common = filter.common()
		bd.checkCommon(&filter)
		bd.setID(built, filter.ID)
	case InputKind:
		bd.setID(built, input.ID)
		bd.inputCodec(&input)
		bd.env.further = func(ref config.PluginRef) *Codec { return bd.buildCodec(ref.With(bd.b.Lookup)) }
	case OutputKind:
		bd.setID(built, output.ID)
		bd.env.codec = bd.codec(output.Codec)
		bd.checkFull(built, &output)
	}
	if bd.diags.HasErrors() {
		bd.probe(options)
		return nil
	}
	bd.construct(options, built)
	return built
}

// checkFull takes the options that say what happens while an output takes no more.
func (bd *building) checkFull(built *Built, o *outputOptions) {
	built.OnFull, built.SpillMaxBytes = o.OnFull, int64(o.SpillMaxBytes)
	given := bd.attrs.Has("spill_max_bytes")
	switch {
	case o.OnFull != SpillOnFull && given:
		bd.warn("spill_max_bytes", `option "spill_max_bytes" has no effect without on_full => "spill"`)
	case o.OnFull == SpillOnFull && o.SpillMaxBytes < leastSpill:
		bd.diags = append(bd.diags, config.Errorf(bd.attrs.PlaceOf("spill_max_bytes"), "invalid-option",
			`%s: option "spill_max_bytes": it has to be 1 MiB at least`, bd.attrs.Label))
	case o.OnFull == SpillOnFull && o.ID == "":
		bd.warn("on_full", `the folder of spilled events bears the id of the output: without the option "id" that changes when an output of the same kind is put before this one`)
	}
}

// declares reports whether the options struct has an option of that name.
func declares(options any, name string) bool {
	for _, o := range config.Describe(options, nil) {
		if o.Name == name {
			return true
		}
	}
	return false
}

func (bd *building) environment(ecs string) {
	shared := bd.b.Shared
	if shared == nil {
		shared = new(Shared)
	}
	process := bd.b.Process
	if process == nil {
		process = shared
	}
	bd.env = &Env{
		Pipeline: bd.b.Pipeline, Name: bd.d.Name, ECS: bd.b.ECS, Workers: bd.b.Workers, Hostname: bd.b.Hostname, DataDir: bd.b.DataDir,
		Version: bd.b.Version, DeadLetters: bd.b.DeadLetters, Bus: bd.b.Bus, Shared: shared, Process: process, Stats: new(Stats), warn: bd.warn, warnAt: bd.warnAt, given: bd.given, clock: bd.b.Clock,
		Log: bd.b.Log.With("pipeline", bd.b.Pipeline, "plugin", string(bd.d.Kind)+"/"+bd.d.Name),
	}
	if ecs != "" {
		bd.env.ECS = ECS(ecs)
	}
}

func (bd *building) setID(built *Built, id string) {
	if id == "" {
		id = bd.b.AutoID
	}
	built.ID, bd.env.ID = id, id
	if count := bd.b.Counter; count != nil {
		kind, name := bd.d.Kind, bd.d.Name
		bd.env.counter = func(counter, help string) *atomic.Int64 { return count(kind, name, id, counter, help) }
	}
}

func (bd *building) warn(option, message string) { bd.warnAt(bd.attrs.PlaceOf(option), message) }

func (bd *building) warnAt(place config.Place, message string) {
	bd.diags = append(bd.diags, config.Warnf(place, "plugin-warning", "%s: %s", bd.attrs.Label, message))
}

// given returns the names of the options given that begin with prefix.
func (bd *building) given(prefix string) (names []string) {
	for i := range bd.attrs.Options {
		if name := bd.attrs.Options[i].Name; strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names
}

// checkCommon warns of references and templates that no event can resolve: Logstash takes them and fails every event.
func (bd *building) checkCommon(o *filterOptions) {
	for i := range o.AddField {
		bd.checkReference("add_field", o.AddField[i].Key.Err())
		for j := range o.AddField[i].Value {
			bd.checkReference("add_field", o.AddField[i].Value[j].Err())
		}
	}
	for i := range o.RemoveField {
		bd.checkReference("remove_field", o.RemoveField[i].Err())
	}
	for i := range o.AddTag {
		bd.checkReference("add_tag", o.AddTag[i].Err())
	}
	for i := range o.RemoveTag {
		bd.checkReference("remove_tag", o.RemoveTag[i].Err())
	}
}

func (bd *building) checkReference(option string, err error) {
	if err != nil {
		bd.warn(option, "option \""+option+"\" will fail for every event: "+err.Error())
	}
}

// inputCodec sets what an input's batches have in common.
func (bd *building) inputCodec(o *inputOptions) {
	bd.env.codec = bd.codec(o.Codec)
	bd.env.source = event.Source{
		Codec: bd.b.CodecIndex, InputID: bd.env.ID, Type: o.Type, Tags: o.Tags, AddField: compileAddFields(o.AddField),
	}
}

// codec makes the codec of an input or output, in its streaming form where the input reads streams.
func (bd *building) codec(o codecOption) *Codec {
	ref := config.PluginRef{Name: bd.d.DefaultCodec, Place: bd.attrs.Place}
	if ref.Name == "" {
		ref.Name = "plain"
	}
	if o.ref != nil {
		ref = *o.ref
	}
	c := bd.buildCodec(ref)
	if c == nil || !bd.d.Streams || c.Streaming == "" {
		return c
	}
	ref.Name = c.Streaming
	return bd.buildCodec(ref)
}

func (bd *building) buildCodec(ref config.PluginRef) *Codec {
	d, diags := bd.r.find(CodecKind, ref.Name, ref.Place)
	if d == nil {
		bd.diags = append(bd.diags, diags...)
		return nil
	}
	attrs, diags := ref.Attributes()
	inner := building{r: bd.r, b: bd.b, d: d, attrs: attrs, diags: diags}
	inner.b.ECS = bd.env.ECS
	inner.b.AutoID = bd.env.ID
	options := d.Options()
	into := []any{options, &anyOptions{}}
	var ecs ecsOptions
	if !declares(options, "ecs_compatibility") {
		into = append(into, &ecs)
	}
	inner.diags = append(inner.diags, config.Decode(attrs, into...)...)
	inner.environment(ecs.ECS)
	var built Built
	if !inner.diags.HasErrors() {
		inner.construct(options, &built)
	}
	bd.diags = append(bd.diags, inner.diags...)
	if inner.diags.HasErrors() {
		return nil
	}
	built.Codec.Name, built.Codec.Bare, built.Codec.Borrows = ref.Name, ref.Node == nil, d.Borrows
	return inner.directed(built.Codec, bd)
}

// directed checks that the codec has the direction that the plugin needs.
func (bd *building) directed(c *Codec, user *building) *Codec {
	switch {
	case user.d.Kind == InputKind && c.NewDecoder == nil:
		user.diags = append(user.diags, config.Errorf(bd.attrs.Place, "codec-direction", "codec %s cannot decode", bd.d.Name))
		return nil
	case user.d.Kind == OutputKind && c.NewEncoder == nil:
		user.diags = append(user.diags, config.Errorf(bd.attrs.Place, "codec-direction", "codec %s cannot encode", bd.d.Name))
		return nil
	}
	return c
}

// construct calls the plugin's constructor and places its errors.
func (bd *building) construct(options any, built *Built) {
	p, err := bd.d.construct(reflectCopy(options), bd.env)
	if err != nil {
		bd.place(err)
		return
	}
	built.Borrows = bd.d.Borrows && (bd.env.codec == nil || bd.env.codec.Borrows)
	switch p := p.(type) {
	case Input:
		built.Input, built.Codec = p, bd.env.codec
	case Filter:
		built.Filter = p
		if bd.d.NoCommon {
			built.Common = Common{}
		}
	case Output:
		built.Output, built.Codec = p, bd.env.codec
	case *Codec:
		built.Codec = p
	}
}

// probe calls the constructor although the options had errors, so that its own are reported at once with them. Options that could not
// be decoded have their defaults, so only errors that the constructor ties to options that were given and are sound count.
func (bd *building) probe(options any) {
	if bd.env.codec == nil && bd.d.Kind != FilterKind {
		return
	}
	bad := make(map[string]bool)
	for _, d := range bd.diags {
		for _, o := range bd.attrs.Options {
			if d.Severity == config.Error && d.Pos.Offset >= o.Place.Start {
				bad[o.Name] = true
			}
		}
		if d.Code == "missing-option" {
			return
		}
	}
	defer func() {
		_ = recover() // a constructor need not cope with options that were refused
	}()
	_, err := bd.d.construct(reflectCopy(options), bd.env)
	for _, e := range unjoin(err) {
		var oe *optionError
		if errors.As(e, &oe) && bd.attrs.Has(oe.option) && !bad[oe.option] {
			bd.place(e)
		}
	}
}

func reflectCopy(options any) any {
	v := reflect.New(reflect.TypeOf(options).Elem())
	v.Elem().Set(reflect.ValueOf(options).Elem())
	return v.Interface()
}

// unjoin returns the errors that errors.Join joined.
func unjoin(err error) []error {
	if err == nil {
		return nil
	}
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range j.Unwrap() {
			out = append(out, unjoin(e)...)
		}
		return out
	}
	return []error{err}
}

// place turns a constructor's errors into diagnostics at the options they name.
func (bd *building) place(err error) {
	for _, e := range unjoin(err) {
		var oe *optionError
		if !errors.As(e, &oe) {
			bd.diags = append(bd.diags, config.Errorf(bd.attrs.Place, "invalid-plugin", "%s: %v", bd.attrs.Label, e))
			continue
		}
		place := bd.attrs.PlaceOf(oe.option)
		if v, ok := bd.attrs.Get(oe.option); ok {
			if oe.key != "" {
				if entry, ok := v.Hash.Get(oe.key); ok {
					v = entry
				}
			}
			place = v.ErrorPlace(oe.err)
		}
		var placed interface{ ErrorPlace() config.Place }
		if errors.As(oe.err, &placed) && placed.ErrorPlace().File != nil {
			place = placed.ErrorPlace() // inside a list or hash: the constructor knows better
		}
		diag := config.Errorf(place, "invalid-option", "%s: option %q: %v", bd.attrs.Label, oe.option, oe.err)
		diag.Hint = oe.hint
		bd.diags = append(bd.diags, diag)
	}
}
