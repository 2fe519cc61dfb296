package pipetest

import (
	"slices"

	"millrace/pipeline/config"
)

// Names of the plugins that tests bring.
const (
	testPlugin = "millrace_test"
	eventCodec = "millrace_test_event"
	eventInput = "millrace_test_events"
	linkCodec  = "millrace_test_link"
	linkInput  = "millrace_test_links"
	codecInput = "millrace_test_codec"
)

// linkPlugin is the name of the inputs and outputs that connect pipelines.
const linkPlugin = "pipeline"

// kept are the options of inputs that a test keeps.
var kept = []string{"id", "type", "tags", "add_field", "codec", "ecs_compatibility"}

// rewriter replaces the ends of a configuration.
type rewriter struct {
	mocks   []Mock
	mocked  map[string]bool
	plain   bool     // an input without a codec has codec plain, as in logstash-filter-verifier
	several bool     // the pipeline is one of several, which stay connected
	inputs  []string // names of the inputs' plugins
	outputs []string
	diags   config.Diagnostics
}

// file returns a file with its inputs and outputs reduced to what tests keep of them; the original stays as it is.
func (r *rewriter) file(f *config.File) *config.File { return config.RewritePlugins(f, r.plugin) }

func (r *rewriter) plugin(kind string, p *config.PluginNode) []config.Statement {
	id := idOf(p)
	for _, m := range r.mocks {
		if id == "" || m.ID != id {
			continue
		}
		r.mocked[id] = true
		if m.Config == "" {
			return nil
		}
		body, diags := m.parse(kind)
		r.diags = append(r.diags, diags...)
		if kind == config.KindFilter {
			return body
		}
		mocks := r.mocks
		r.mocks = nil // the plugin that stands in has the same id
		body = config.RewriteStatements(kind, body, r.plugin)
		r.mocks = mocks
		return body
	}
	switch kind {
	case config.KindInput:
		return []config.Statement{r.input(p)}
	case config.KindOutput:
		if !slices.Contains(r.outputs, p.Name) {
			r.outputs = append(r.outputs, p.Name)
		}
		n := *p
		n.Attributes = keep(p, "id")
		if r.several && p.Name == linkPlugin {
			n.Attributes = keep(p, "id", "send_to")
		}
		return []config.Statement{&n}
	}
	return []config.Statement{p}
}

func (r *rewriter) input(p *config.PluginNode) config.Statement {
	if !slices.Contains(r.inputs, p.Name) {
		r.inputs = append(r.inputs, p.Name)
	}
	n := *p
	n.Attributes = keep(p, kept...)
	if r.several && p.Name == linkPlugin {
		n.Attributes = keep(p, append([]string{"address"}, kept...)...)
	}
	hasCodec := slices.ContainsFunc(n.Attributes, func(a *config.Attribute) bool { return a.Name == "codec" })
	if r.plain && !hasCodec {
		n.Attributes = append(n.Attributes, attribute("codec", &config.Bareword{Text: "plain"}))
	}
	return &n
}

func keep(p *config.PluginNode, names ...string) []*config.Attribute {
	var out []*config.Attribute
	for _, a := range p.Attributes {
		if slices.Contains(names, a.Name) {
			out = append(out, a)
		}
	}
	return out
}

func attribute(name string, value config.Expr) *config.Attribute {
	return &config.Attribute{Name: name, Value: value}
}

// idOf returns the id that is written in a plugin.
func idOf(p *config.PluginNode) string {
	for _, a := range p.Attributes {
		if a.Name != "id" {
			continue
		}
		switch v := a.Value.(type) {
		case *config.String:
			return v.Text
		case *config.Bareword:
			return v.Text
		}
	}
	return ""
}
