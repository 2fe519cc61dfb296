package pipeline

import (
	"reflect"
	"slices"

	"millrace/pipeline/plugin"
)

// SubstituteOutputs puts other outputs in the place of the config's, which are then never started: a dry run. It is called before Run.
func (p *Pipeline) SubstituteOutputs(f func(*PluginStats) plugin.Output) {
	for _, o := range p.outputs {
		old := o.output
		p.program.starters = slices.DeleteFunc(p.program.starters, func(s plugin.Starter) bool { return same(s, old) })
		p.program.closers = slices.DeleteFunc(p.program.closers, func(c plugin.Closer) bool { return same(c, old) })
		o.output, o.isolated = f(o.stats), nil
	}
}

// BlockWhenFull makes all outputs block whatever their on_full says, for a run beside a process that has their folders open. It is
// called before Run.
func (p *Pipeline) BlockWhenFull() {
	for _, o := range p.outputs {
		o.isolated = nil
	}
}

// same reports whether two interfaces hold one plugin.
func same(a, b any) bool {
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.TypeOf(a).Comparable() && a == b
}
