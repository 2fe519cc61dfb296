package page

import (
	"strings"
	"time"

	"millrace/pipeline/config"
	"millrace/pipeline/monitor"
)

// node is a statement of the config as the pipeline page draws it: a plugin or an if.
type node struct {
	Plugin *pluginView
	Arms   []arm
}

// arm is one arm of an if.
type arm struct {
	Head  string
	Line  int
	Nodes []node
}

// pluginView is a plugin with its figures.
type pluginView struct {
	monitor.PluginSnapshot
	Place   string // file:line
	Options string // in one line, without secrets

	Share    float64 // of the workers' time
	Width    float64 // of its bar, of 100
	PerEvent time.Duration
	Bulk     *bulk
	Balance  []slice // of an output
	AddsUp   bool
}

// tree makes the statements of one section, each plugin with the figures that are next in the order of the config.
type tree struct {
	mask    masker
	file    *config.File
	covers  []cover
	figures []monitor.PluginSnapshot
	share   func(monitor.PluginSnapshot) float64
}

// section draws the statements of a kind of all files.
func section(mask masker, files []*config.File, kind string, figures []monitor.PluginSnapshot, share func(monitor.PluginSnapshot) float64) []node {
	t := &tree{mask: mask, figures: figures, share: share}
	var out []node
	for _, f := range files {
		t.file, t.covers = f, mask.covers(f)
		for _, s := range f.Sections {
			if s.Kind == kind {
				out = append(out, t.nodes(s.Body)...)
			}
		}
	}
	// Without the files there is no tree, and the plugins stand in their order.
	for _, p := range t.figures {
		out = append(out, node{Plugin: t.view(p)})
	}
	return out
}

func (t *tree) nodes(body []config.Statement) []node {
	var out []node
	for _, st := range body {
		switch st := st.(type) {
		case *config.PluginNode:
			if len(t.figures) == 0 {
				continue
			}
			v := t.view(t.figures[0])
			t.figures = t.figures[1:]
			v.Place = place(t.file, st.Start)
			v.Options = t.options(st)
			out = append(out, node{Plugin: v})
		case *config.IfNode:
			n := node{}
			for _, b := range st.Branches {
				end := b.Open
				if end < b.Start {
					end = b.End
				}
				n.Arms = append(n.Arms, arm{
					Head: visible(oneLine(t.mask.text(t.file, t.covers, b.Start, end))), Line: t.file.Position(b.Start).Line, Nodes: t.nodes(b.Body),
				})
			}
			out = append(out, n)
		}
	}
	return out
}

func (t *tree) view(p monitor.PluginSnapshot) *pluginView {
	v := &pluginView{PluginSnapshot: p, Share: t.share(p)}
	v.Width = round(min(v.Share, 1) * 100)
	switch {
	case p.RecentIn > 0:
		v.PerEvent = p.RecentNanos / time.Duration(p.RecentIn)
	case p.In > 0:
		v.PerEvent = p.Nanos / time.Duration(p.In)
	}
	return v
}

const maxOptions = 400

// options writes the attributes in one line.
func (t *tree) options(n *config.PluginNode) string {
	var parts []string
	for _, a := range n.Attributes {
		if a.Name != "id" {
			parts = append(parts, oneLine(t.mask.text(t.file, t.covers, a.Start, a.End)))
		}
	}
	return visible(short(strings.Join(parts, "  "), maxOptions))
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func place(f *config.File, offset int) string {
	name := f.Name
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	return name + ":" + count(f.Position(offset).Line)
}
