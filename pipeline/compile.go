package pipeline

import (
	"fmt"
	"time"

	"millrace/internal/onig"
	"millrace/internal/throttle"
	"millrace/pipeline/cond"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
	"millrace/pipeline/ring"
)

// Compile makes a pipeline of parsed files, whose sections count as one config in their order. It checks everything and opens
// nothing. The pipeline is nil if the diagnostics have errors; all are reported at once.
func Compile(files []*config.File, reg *plugin.Registry, s Settings, b plugin.Builder) (*Pipeline, config.Diagnostics) {
	p := &Pipeline{
		settings: s, log: b.Log, throttled: throttle.New(b.Log, time.Minute),
		queue: ring.New[*event.Batch](s.QueueSlots), gate: gate{limit: s.MaxInflight},
		running: make(chan struct{}), plugins: make(map[string]*plugin.Built),
		program: &program{lastTime: make(map[plugin.Flusher]time.Time), flushEvery: flushTick},
	}
	p.deadLetters, _ = b.DeadLetters.(*DeadLetters)
	b.Pipeline, b.ECS, b.Workers, b.Hostname, b.DataDir, b.Version = s.ID, s.ECS, s.Workers, s.Hostname, s.DataDir, s.Version
	b.Clock, b.Shared = s.Clock, new(plugin.Shared)
	p.borrows = true
	c := compiler{p: p, reg: reg, b: b, ids: make(map[string]config.Place)}
	c.checkOrdered()
	for _, f := range files {
		for _, sec := range f.Sections {
			c.section(f, sec)
		}
	}
	c.diags.Sort()
	if c.diags.HasErrors() {
		return nil, c.diags
	}
	p.points = tapPoints(files, p)
	p.parts = profileParts(p.program)
	p.taps.began = time.Now()
	return p, c.diags
}

type compiler struct {
	p     *Pipeline
	reg   *plugin.Registry
	b     plugin.Builder
	ids   map[string]config.Place
	diags config.Diagnostics
	n     map[string]int // plugins of a kind and name so far, for the ids of those without one
}

// checkOrdered refuses pipeline.ordered without a single worker, as Logstash does.
func (c *compiler) checkOrdered() {
	if c.p.settings.Ordered == "true" && c.p.settings.Workers != 1 {
		c.diags = append(c.diags, config.Errorf(config.Place{}, "ordered-workers",
			"pipeline.ordered needs a single worker, and pipeline.workers is %d", c.p.settings.Workers).
			WithHint("set pipeline.workers to 1, or pipeline.ordered to auto"))
	}
}

func (c *compiler) section(f *config.File, sec *config.Section) {
	switch sec.Kind {
	case config.KindInput:
		c.inputs(f, sec.Body)
	case config.KindFilter:
		c.p.program.filters = append(c.p.program.filters, c.statements(f, sec.Body)...)
	case config.KindOutput:
		c.p.program.outputs = append(c.p.program.outputs, c.statements(f, sec.Body)...)
	}
}

func (c *compiler) inputs(f *config.File, body []config.Statement) {
	for _, st := range body {
		switch st := st.(type) {
		case *config.PluginNode:
			c.input(st)
		case *config.IfNode:
			c.diags = append(c.diags, config.Errorf(config.Place{File: f, Span: st.Span}, "condition-in-input",
				"a condition cannot stand in an input section: there is no event yet"))
		}
	}
}

func (c *compiler) input(node *config.PluginNode) {
	built := c.build(node)
	if built == nil {
		return
	}
	if own, ok := built.Input.(interface{ Codec() *plugin.Codec }); ok {
		built.Codec = own.Codec() // its records have a form of their own, whatever the option codec says
	}
	slot := &inputSlot{input: built.Input, id: built.ID, source: built.Env.NewSource(), stats: c.stats(built), place: placeOf(node)}
	c.p.inputs = append(c.p.inputs, slot)
	if built.Codec != nil && built.Codec.NewDecoder != nil {
		c.p.program.codecs = append(c.p.program.codecs, built.Codec)
		c.p.program.decoded = append(c.p.program.decoded, slot)
		c.p.borrows = c.p.borrows && built.Codec.Borrows
	}
	c.life(built.Input)
}

func (c *compiler) statements(f *config.File, body []config.Statement) []statement {
	var out []statement
	for _, st := range body {
		switch st := st.(type) {
		case *config.PluginNode:
			if s, ok := c.pluginStatement(st); ok {
				out = append(out, s)
			}
		case *config.IfNode:
			out = append(out, c.ifStatement(f, st))
		}
	}
	return out
}

func (c *compiler) pluginStatement(node *config.PluginNode) (statement, bool) {
	built := c.build(node)
	if built == nil {
		return statement{}, false
	}
	if built.Output != nil {
		slot := &outputSlot{output: built.Output, stats: c.stats(built), place: placeOf(node)}
		slot.isolated = newIsolated(c.p, built, slot.stats)
		c.p.borrows = c.p.borrows && built.Borrows
		c.p.outputs = append(c.p.outputs, slot)
		c.life(built.Output)
		return statement{output: slot}, true
	}
	slot := &filterSlot{filter: built.Filter, stats: c.stats(built), place: placeOf(node)}
	if !built.Common.IsZero() {
		slot.common = &built.Common
	}
	c.p.borrows = c.p.borrows && built.Borrows
	c.p.filters = append(c.p.filters, slot.stats)
	if cov := c.p.settings.Coverage; cov != nil {
		cov.filter(slot)
	}
	c.life(built.Filter)
	if fl, ok := built.Filter.(plugin.Flusher); ok {
		c.p.program.hasFlushers = true
		if every := fl.FlushInterval(); every > 0 {
			c.p.program.flushEvery = min(c.p.program.flushEvery, every)
		}
	}
	return statement{filter: slot}, true
}

// life notes what a plugin wants at start and end. Outputs have a Close of their own.
func (c *compiler) life(x any) {
	if s, ok := x.(plugin.Starter); ok {
		c.p.program.starters = append(c.p.program.starters, s)
	}
	if cl, ok := x.(plugin.Closer); ok {
		c.p.program.closers = append(c.p.program.closers, cl)
	}
}

func (c *compiler) ifStatement(f *config.File, node *config.IfNode) statement {
	var s statement
	for i, br := range node.Branches {
		arm := armOf{branchHead: headOf(f, node, i)}
		if br.Cond != nil {
			expanded, diags := config.ExpandCond(f, br.Cond, c.b.Lookup)
			c.diags = append(c.diags, diags...)
			compiled, diags := cond.Compile(f, expanded, compileRegexp)
			c.diags = append(c.diags, diags...)
			arm.cond = compiled
			c.p.program.conditions = append(c.p.program.conditions, compiled)
		}
		if cov := c.p.settings.Coverage; cov != nil {
			arm.cond = cov.branch(arm.branchHead, arm.cond)
		}
		arm.statements = c.statements(f, br.Body)
		s.branches = append(s.branches, arm)
	}
	return s
}

func compileRegexp(pattern string) (func() cond.Matcher, error) {
	re, err := onig.Compile(pattern)
	if err != nil {
		return nil, err
	}
	return func() cond.Matcher { return re.NewMatcher() }, nil
}

// build makes the plugin of node; nil if it has errors, which are noted.
func (c *compiler) build(node *config.PluginNode) *plugin.Built {
	if c.n == nil {
		c.n = make(map[string]int)
	}
	key := node.Kind + "/" + node.Name
	c.n[key]++
	b := c.b
	b.AutoID = fmt.Sprintf("%s_%s_%d", node.Kind, node.Name, c.n[key])
	b.CodecIndex = len(c.p.program.codecs)
	built, diags := c.reg.Build(node, b)
	c.diags = append(c.diags, diags...)
	if built == nil {
		return nil
	}
	place := placeOf(node)
	if first, ok := c.ids[built.ID]; ok {
		pos := first.File.Position(first.Start)
		c.diags = append(c.diags, config.Errorf(place, "duplicate-id", "two plugins have the id %q", built.ID).
			WithHint("the other stands at %s:%d:%d", first.File.Name, pos.Line, pos.Column))
	}
	c.ids[built.ID] = place
	c.p.plugins[built.ID] = built
	return built
}

func (c *compiler) stats(built *plugin.Built) *PluginStats {
	return &PluginStats{ID: built.ID, Name: built.Name, Kind: built.Kind, Plugin: built.Env.Stats}
}

// placeOf is where a plugin is named.
func placeOf(node *config.PluginNode) config.Place {
	return config.Place{File: node.File, Span: node.NameSpan}
}
