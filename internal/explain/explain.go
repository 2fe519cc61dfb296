// Package explain tells what a configuration does without running it: the order of its statements, options of old releases, fields that
// depend on ecs_compatibility, patterns that are slow or dangerous, what its conditions ask for, and the variables and files it needs.
package explain

import (
	"slices"
	"strings"

	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// Options are the surroundings of the configuration.
type Options struct {
	Registry *plugin.Registry
	ECS      plugin.ECS
	Lookup   config.Lookup
}

// Report is what there is to say about one pipeline.
type Report struct {
	ECS       plugin.ECS   `json:"ecs_compatibility"`
	Inputs    []*Statement `json:"inputs"`
	Filters   []*Statement `json:"filters"`
	Outputs   []*Statement `json:"outputs"`
	Options   []OldOption  `json:"old_options"`
	Fields    []ECSFields  `json:"ecs_fields"`
	Patterns  []Pattern    `json:"patterns"`
	Findings  []Finding    `json:"findings"`
	Variables []Variable   `json:"variables"`
	Files     []File       `json:"files"`
}

// Place is where something is written.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// Statement is a plugin, or an if with its arms.
type Statement struct {
	Place
	Step    int      `json:"step,omitempty"` // plugins of a section are numbered in the order in which they run
	Plugin  string   `json:"plugin,omitempty"`
	ID      string   `json:"id,omitempty"`
	Text    string   `json:"text,omitempty"` // the options in one line
	Unknown bool     `json:"unknown,omitempty"`
	Codec   string   `json:"codec,omitempty"` // of an input or output
	Arms    []*Arm   `json:"arms,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

// Arm is one arm of an if.
type Arm struct {
	Place
	Head       string       `json:"head"`            // its text up to the brace
	Needs      []string     `json:"needs,omitempty"` // fields that the condition looks at
	Statements []*Statement `json:"statements"`
}

// OldOption is an option that has no effect or another name today.
type OldOption struct {
	Place
	Plugin string `json:"plugin"`
	Option string `json:"option"`
	Kind   string `json:"kind"` // deprecated, obsolete, removed, renamed or no effect
	Advice string `json:"advice"`
}

// Finding is something in the configuration that does not do what it looks like.
type Finding struct {
	Place
	Text string `json:"text"`
}

// explainer is one explanation on its way.
type explainer struct {
	o     Options
	r     *Report
	texts map[string]bool // fields that hold text wherever they were set so far, by reference
}

// Explain returns the report on parsed files, whose sections count as one configuration in their order.
func Explain(files []*config.File, o Options) *Report {
	// Lists are empty and not nil, so that they are lists in JSON, too.
	r := &Report{
		ECS: o.ECS, Inputs: []*Statement{}, Filters: []*Statement{}, Outputs: []*Statement{}, Options: []OldOption{}, Fields: []ECSFields{},
		Patterns: []Pattern{}, Findings: []Finding{}, Variables: []Variable{}, Files: []File{},
	}
	x := &explainer{o: o, r: r, texts: make(map[string]bool)}
	for _, kind := range []string{config.KindInput, config.KindFilter, config.KindOutput} {
		step := 0
		for _, f := range files {
			for _, sec := range f.Sections {
				if sec.Kind != kind {
					continue
				}
				list := x.statements(f, sec.Body, &step)
				switch kind {
				case config.KindInput:
					x.r.Inputs = append(x.r.Inputs, list...)
				case config.KindFilter:
					x.r.Filters = append(x.r.Filters, list...)
				default:
					x.r.Outputs = append(x.r.Outputs, list...)
				}
			}
		}
	}
	for _, f := range files {
		x.variables(f)
	}
	return x.r
}

func placeOf(f *config.File, offset int) Place {
	return Place{f.Name, f.Position(offset).Line}
}

func (x *explainer) statements(f *config.File, body []config.Statement, step *int) []*Statement {
	var out []*Statement
	for _, st := range body {
		switch st := st.(type) {
		case *config.PluginNode:
			*step++
			out = append(out, x.plugin(f, st, *step))
		case *config.IfNode:
			s := &Statement{Place: placeOf(f, st.Start)}
			for _, br := range st.Branches {
				arm := &Arm{Place: placeOf(f, br.Start), Head: oneLine(f, br.Start, br.Open)}
				if br.Cond != nil {
					arm.Needs = needs(br.Cond)
					x.checkCondition(f, br.Cond)
				}
				arm.Statements = x.statements(f, br.Body, step)
				s.Arms = append(s.Arms, arm)
			}
			out = append(out, s)
		}
	}
	return out
}

// oneLine returns the text between two offsets without its comments and line breaks.
func oneLine(f *config.File, from, to int) string {
	var b strings.Builder
	for _, c := range f.Comments {
		if from <= c.Start && c.Start < to {
			b.WriteString(f.Text[from:c.Start])
			from = c.End
		}
	}
	b.WriteString(f.Text[from:max(from, to)])
	return strings.Join(strings.Fields(b.String()), " ")
}

func (x *explainer) plugin(f *config.File, n *config.PluginNode, step int) *Statement {
	s := &Statement{Place: placeOf(f, n.Start), Step: step, Plugin: n.Name}
	attrs, _ := config.Evaluate(n, x.o.Lookup)
	var parts []string
	for _, a := range n.Attributes {
		if a.Name == "id" {
			if v, ok := attrs.Get("id"); ok {
				s.ID = v.Str
			}
			continue
		}
		if isSecret(x.o.Registry, n, a.Name, f.Text[a.Start:a.End]) {
			parts = append(parts, a.Name+" => …")
			continue
		}
		parts = append(parts, oneLine(f, a.Start, a.End))
	}
	s.Text = strings.Join(parts, "  ")
	d := x.o.Registry.Lookup(plugin.Kind(n.Kind), n.Name)
	if s.Unknown = d == nil; s.Unknown {
		return s
	}
	if d.Kind != plugin.FilterKind {
		s.Codec = x.codec(d, attrs)
	}
	x.options(n, d, attrs)
	x.ecsFields(n, d, attrs, s.Codec)
	x.filesOf(n, d, attrs)
	if n.Kind == config.KindFilter {
		x.patterns(n, attrs)
		x.types(n, attrs)
	}
	return s
}

// isSecret reports whether an option holds a password, which is not to be printed. Addresses may: those with an @ are taken to.
func isSecret(reg *plugin.Registry, n *config.PluginNode, option, text string) bool {
	d := reg.Lookup(plugin.Kind(n.Kind), n.Name)
	if d == nil {
		return strings.Contains(option, "password") || strings.Contains(option, "secret") || strings.Contains(option, "key")
	}
	own, _ := d.Describe(nil)
	for _, o := range own {
		if o.Name == option || slices.Contains(o.Aliases, option) {
			return strings.Contains(o.Type, "password") || (o.Type == "uri" || o.Type == "array of uri") && strings.Contains(text, "@")
		}
	}
	return false
}

// codec names the codec of an input or output, in its streaming form where the input reads streams.
func (x *explainer) codec(d *plugin.Definition, attrs *config.Attributes) string {
	name := d.DefaultCodec
	if v, ok := attrs.Get("codec"); ok {
		if name = v.Str; v.Plugin != nil {
			name = v.Plugin.Name
		}
	}
	if name == "" && d.Kind == plugin.OutputKind {
		return "" // many outputs write documents of their own and never ask a codec
	}
	if name == "" {
		name = "plain"
	}
	if d.Streams {
		switch name { // see plugin.Codec.Streaming
		case "plain":
			name = "line"
		case "json":
			name = "json_lines"
		}
	}
	return name
}

// idle are options that are accepted because Logstash has them, and do nothing.
var idle = map[string]string{
	"enable_metric":  "counting is always on",
	"periodic_flush": "a filter that has something to flush is flushed",
}

func (x *explainer) options(n *config.PluginNode, d *plugin.Definition, attrs *config.Attributes) {
	own, common := d.Describe(nil)
	byName := make(map[string]config.OptionInfo)
	newName := make(map[string]string)
	for _, o := range append(common, own...) {
		byName[o.Name] = o
		for _, alias := range o.Aliases {
			newName[alias] = o.Name
		}
	}
	for _, a := range attrs.Options {
		o := byName[a.Name]
		old := OldOption{Place: placeOf(n.File, a.Place.Start), Plugin: n.Kind + " " + n.Name, Option: a.Name}
		switch {
		case o.Removed != "":
			old.Kind, old.Advice = "removed", o.Removed
		case o.Obsolete != "":
			old.Kind, old.Advice = "obsolete", o.Obsolete
		case o.Deprecated != "":
			old.Kind, old.Advice = "deprecated", o.Deprecated
		case newName[a.Name] != "":
			old.Kind, old.Advice = "renamed", "write "+newName[a.Name]
		case idle[a.Name] != "":
			old.Kind, old.Advice = "no effect", idle[a.Name]
		default:
			continue
		}
		x.r.Options = append(x.r.Options, old)
	}
}
