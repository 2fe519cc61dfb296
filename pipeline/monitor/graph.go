package monitor

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"millrace/pipeline"
	"millrace/pipeline/config"
)

// graph is a pipeline's config as Logstash draws it: plugins and conditions as vertices, the way of the events as edges.
type graph struct {
	vertices list
	edges    list
	nodes    map[string]*config.PluginNode // by plugin id

	ids map[string][]*pipeline.PluginStats // of a section, in the order of the config, not yet used
}

// queueID is the vertex between inputs and filters.
const queueID = "__QUEUE__"

// open is an edge that waits for its end.
type open struct {
	from string
	when *bool // of an if
}

// newGraph draws p's config, nil if the files are not known or are not those of the pipeline.
func newGraph(p Pipeline) *graph {
	g := &graph{
		nodes: make(map[string]*config.PluginNode),
		ids:   map[string][]*pipeline.PluginStats{config.KindInput: p.Inputs(), config.KindFilter: p.Filters(), config.KindOutput: p.Outputs()},
	}
	if !g.matches(p.Files) {
		return nil
	}
	var inputs []open
	g.sections(p.Files, config.KindInput, func(body []config.Statement) { inputs = append(inputs, g.parallel(body, nil)...) })
	g.vertices = append(g.vertices, object{{"meta", nil}, {"id", queueID}, {"explicit_id", false}, {"type", "queue"}})
	for _, o := range inputs {
		g.edge(o, queueID)
	}
	ends := []open{{from: queueID}}
	g.sections(p.Files, config.KindFilter, func(body []config.Statement) { ends = g.chain(body, ends) })
	g.sections(p.Files, config.KindOutput, func(body []config.Statement) { g.parallel(body, ends) })
	return g
}

// matches reports whether the files hold as many plugins as the pipeline.
func (g *graph) matches(files []*config.File) bool {
	n := make(map[string]int)
	for _, f := range files {
		for _, s := range f.Sections {
			config.Walk(s.Body, func(p *config.PluginNode) { n[s.Kind]++ })
		}
	}
	for kind, ids := range g.ids {
		if n[kind] != len(ids) {
			return false
		}
	}
	return true
}

func (g *graph) sections(files []*config.File, kind string, visit func([]config.Statement)) {
	for _, f := range files {
		for _, s := range f.Sections {
			if s.Kind == kind {
				visit(s.Body)
			}
		}
	}
}

// chain lets events pass the statements one after the other and returns the edges that leave the last.
func (g *graph) chain(body []config.Statement, ends []open) []open {
	for _, st := range body {
		ends = g.statement(st, ends, g.chain)
	}
	return ends
}

// parallel lets every statement have the events: outputs do not pass them on.
func (g *graph) parallel(body []config.Statement, ends []open) []open {
	var out []open
	for _, st := range body {
		out = append(out, g.statement(st, ends, g.parallel)...)
	}
	return out
}

func (g *graph) statement(st config.Statement, ends []open, body func([]config.Statement, []open) []open) []open {
	switch st := st.(type) {
	case *config.PluginNode:
		id := g.plugin(st)
		for _, o := range ends {
			g.edge(o, id)
		}
		return []open{{from: id}}
	case *config.IfNode:
		return g.branches(st, ends, body)
	}
	return ends
}

// branches draws a chain of if and else if as one if inside the else of the other.
func (g *graph) branches(node *config.IfNode, ends []open, body func([]config.Statement, []open) []open) []open {
	var out []open
	yes, no := true, false
	for _, br := range node.Branches {
		if br.Cond == nil {
			return append(out, body(br.Body, ends)...)
		}
		id, vertex := g.condition(node, br)
		for _, o := range ends {
			g.edge(o, id)
		}
		out = append(out, body(br.Body, []open{{id, &yes}})...)
		g.vertices = append(g.vertices, vertex) // behind what it guards, as Logstash lists it
		ends = []open{{id, &no}}
	}
	return append(out, ends...)
}

func (g *graph) plugin(node *config.PluginNode) string {
	st := g.ids[node.Kind][0]
	g.ids[node.Kind] = g.ids[node.Kind][1:]
	g.nodes[st.ID] = node
	g.vertices = append(g.vertices, object{
		{"config_name", node.Name}, {"plugin_type", node.Kind}, {"meta", meta(node.File, node.Start)},
		{"id", st.ID}, {"explicit_id", attribute(node, "id") != nil}, {"type", "plugin"},
	})
	return st.ID
}

// condition makes the vertex of an if; its text is that of the config, variables not replaced.
func (g *graph) condition(node *config.IfNode, br *config.Branch) (id string, vertex object) {
	span := br.Cond.Range()
	text := strings.TrimSpace(node.File.Text[span.Start:span.End])
	id = digest(node.File.Name, text, node.File.Position(span.Start))
	return id, object{
		{"condition", text}, {"meta", meta(node.File, span.Start)}, {"id", id}, {"explicit_id", false}, {"type", "if"},
	}
}

func (g *graph) edge(o open, to string) {
	if o.when == nil {
		g.edges = append(g.edges, object{{"from", o.from}, {"to", to}, {"id", digest(o.from, to, config.Pos{})}, {"type", "plain"}})
		return
	}
	branch := "false"
	if *o.when {
		branch = "true"
	}
	g.edges = append(g.edges, object{
		{"from", o.from}, {"to", to}, {"id", digest(o.from+"?"+branch, to, config.Pos{})}, {"when", *o.when}, {"type", "boolean"},
	})
}

func meta(f *config.File, offset int) object {
	pos := f.Position(offset)
	protocol := "file"
	if !strings.ContainsAny(f.Name, "/\\.") {
		protocol = "string" // -e
	}
	return object{{"source", object{{"protocol", protocol}, {"id", f.Name}, {"line", pos.Line}, {"column", pos.Column}}}}
}

func digest(a, b string, pos config.Pos) string {
	h := sha256.New()
	h.Write(appendJSON(nil, list{a, b, pos.Line, pos.Column}, false))
	return hex.EncodeToString(h.Sum(nil))
}

// attribute returns the last value of an attribute, nil if it is not given.
func attribute(node *config.PluginNode, name string) config.Expr {
	var v config.Expr
	for _, a := range node.Attributes {
		if a.Name == name {
			v = a.Value
		}
	}
	return v
}

// json is the value of "graph" in /_node/pipelines?graph=true. clusterUUID names the cluster that an output writes to, nil if it
// does not tell.
func (g *graph) json(hash string, clusterUUID func(id string) any) object {
	vertices := make(list, len(g.vertices))
	for i, v := range g.vertices {
		o := v.(object)
		if id, ok := o.get("id").(string); ok {
			if uuid := clusterUUID(id); uuid != nil {
				o = append(slices.Clip(o), member{"cluster_uuid", uuid})
			}
		}
		vertices[i] = o
	}
	return object{
		{"hash", hash}, {"type", "lir"}, {"version", "0.0.0"},
		{"graph", object{{"vertices", vertices}, {"edges", g.edges}}},
	}
}
