package profile

import (
	"slices"

	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// What a replay keeps of inputs and outputs: what makes events of lines, and lines of events.
var (
	keptOfInputs  = []string{"id", "type", "tags", "add_field", "codec", "ecs_compatibility"}
	keptOfOutputs = []string{"id", "codec"}
)

// ownInput is the input of a config that has none.
const ownInput = "millrace_profile"

// reducer reduces inputs and outputs to what a replay needs: nothing is opened, so that a config can be measured where its files,
// certificates and peers are not.
type reducer struct{ inputs, outputs []string } // names of the plugins

// file returns a reduced copy of f.
func (r *reducer) file(f *config.File) *config.File { return config.RewritePlugins(f, r.plugin) }

func (r *reducer) plugin(kind string, p *config.PluginNode) []config.Statement {
	names, kept := &r.inputs, keptOfInputs
	switch kind {
	case config.KindFilter:
		return []config.Statement{p}
	case config.KindOutput:
		names, kept = &r.outputs, keptOfOutputs
	}
	if !slices.Contains(*names, p.Name) {
		*names = append(*names, p.Name)
	}
	n := *p
	n.Attributes = slices.DeleteFunc(slices.Clone(p.Attributes), func(a *config.Attribute) bool { return !slices.Contains(kept, a.Name) })
	return []config.Statement{&n}
}

type noOptions struct{}

// registry returns the codecs and filters of reg, and for the reduced plugins such that hand over to rp and such that only encode.
func (r *reducer) registry(reg *plugin.Registry, rp *replay) *plugin.Registry {
	var defs []*plugin.Definition
	for _, d := range reg.All() {
		if d.Kind == plugin.CodecKind || d.Kind == plugin.FilterKind {
			defs = append(defs, d)
		}
	}
	ends := func(kind plugin.Kind, name string) (opts []plugin.Option) {
		if d := reg.Lookup(kind, name); d != nil {
			opts = append(opts, plugin.WithCodec(d.DefaultCodec))
			if d.Streams {
				opts = append(opts, plugin.Streaming())
			}
		}
		return opts
	}
	for _, name := range r.inputs {
		defs = append(defs, plugin.DefineInput(name, noOptions{}, func(_ noOptions, env *plugin.Env) (plugin.Input, error) {
			return &replayInput{r: rp, env: env}, nil
		}, ends(plugin.InputKind, name)...))
	}
	for _, name := range r.outputs {
		defs = append(defs, plugin.DefineOutput(name, noOptions{}, newEncoding, ends(plugin.OutputKind, name)...))
	}
	return plugin.NewRegistry(defs)
}
