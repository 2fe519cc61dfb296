package page

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"millrace/internal/explain"
	"millrace/internal/linediff"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// maxText bounds what is shown of one config file.
const maxText = 512 << 10

// configView is one pipeline of the config page.
type configView struct {
	Pipeline string
	Settings []Setting
	Loaded   time.Time
	Files    []fileView
	Errors   int
	Warnings int
	Notes    int
	Diff     []diffLine
	Changed  bool // there was a reload
	Refused  *refusedView
}

type refusedView struct {
	At       time.Time
	Error    string
	Messages []message
}

// fileView is a config file without its secrets.
type fileView struct {
	Name  string
	Lines []sourceLine
	Cut   string
}

type sourceLine struct {
	Number   int
	Text     string
	Comment  bool // nothing else
	Messages []message
}

// message is a diagnostic as it is shown.
type message struct {
	Level  string // error, warning or note
	Where  string // file:line, where it does not stand beside the line
	Text   string
	Detail string
	Hint   string
}

// diffLine is a line of a unified diff.
type diffLine struct{ Class, Text string }

func (p *Page) serveConfig(w http.ResponseWriter, r *http.Request) {
	var v struct{ Configs []configView }
	for _, c := range p.configs() {
		v.Configs = append(v.Configs, p.newConfigView(c))
	}
	p.render(w, r, http.StatusOK, "config", &layout{Title: "Config", Tab: "config"}, &v)
}

func (p *Page) newConfigView(c Config) configView {
	m := p.mask()
	v := configView{Pipeline: c.Pipeline, Settings: c.Settings, Loaded: c.Loaded, Changed: c.Previous != nil}
	notes := p.notes.of(c, p.options.Lookup, p.options.Registry)
	for _, f := range c.Files {
		covers := m.covers(f)
		f2 := fileView{Name: visible(f.Name)}
		text, was := cut(m.text(f, covers, 0, len(f.Text)), maxText)
		if was {
			f2.Cut = "The file is longer than " + size(maxText) + "; its rest is not shown."
		}
		byLine := make(map[int][]message)
		for _, d := range c.Diagnostics {
			if d.File == f.Name {
				byLine[d.Pos.Line] = append(byLine[d.Pos.Line], m.diagnostic(d, covers))
			}
		}
		for _, n := range notes {
			if n.file == f.Name {
				byLine[n.line] = append(byLine[n.line], message{Level: "note", Text: visible(hideLoose(n.text))})
			}
		}
		f2.Lines = numbered(f, covers, text, byLine)
		v.Files = append(v.Files, f2)
	}
	v.Errors, v.Warnings, v.Notes = c.Diagnostics.Count(config.Error), c.Diagnostics.Count(config.Warning), len(notes)
	if c.Previous != nil {
		v.Diff = m.diff(c.Previous, c.Files)
	}
	if r := c.Refused; r != nil {
		v.Refused = &refusedView{At: r.At}
		if r.Err != nil {
			v.Refused.Error = visible(hideLoose(r.Err.Error()))
		}
		for _, d := range r.Diagnostics {
			msg := m.diagnostic(d, nil)
			// What it quotes may be a secret that is not masked by its place: the text of the refused files is not kept.
			msg.Text, msg.Detail = m.message(msg.Text, secretName.MatchString(msg.Text)), m.message(msg.Detail, secretName.MatchString(msg.Detail))
			msg.Where = visible(d.File + ":" + count(d.Pos.Line))
			v.Refused.Messages = append(v.Refused.Messages, msg)
		}
	}
	return v
}

// diagnostic prepares what is said about a place.
func (m masker) diagnostic(d config.Diagnostic, covers []cover) message {
	about := slices.ContainsFunc(covers, func(c cover) bool { return d.Pos.Offset < c.end && c.start < max(d.End.Offset, d.Pos.Offset+1) })
	level := d.Severity.String()
	if d.Severity == config.Info {
		level = "note"
	}
	return message{
		Level: level, Text: visible(m.message(d.Summary, about)), Detail: visible(m.message(d.Detail, about)), Hint: visible(m.message(d.Hint, about)),
	}
}

// numbered splits a masked text into lines with the numbers of the file: a secret of several lines is one line here.
func numbered(f *config.File, covers []cover, text string, byLine map[int][]message) []sourceLine {
	lost := make(map[int]int) // lines that a cover took, by the line it begins at
	for _, c := range covers {
		if n := strings.Count(f.Text[c.start:c.end], "\n") - strings.Count(c.text, "\n"); n > 0 {
			lost[f.Position(c.start).Line] += n
		}
	}
	var out []sourceLine
	number := 1
	for line := range strings.Lines(text) {
		l := sourceLine{Number: number, Text: visible(strings.TrimRight(line, "\r\n")), Messages: byLine[number]}
		for n := range lost[number] {
			l.Messages = append(l.Messages, byLine[number+n+1]...)
		}
		number += 1 + lost[number]
		l.Comment = strings.HasPrefix(strings.TrimSpace(l.Text), "#")
		out = append(out, l)
	}
	return out
}

// diff compares two generations of a config, their secrets hidden in both.
func (m masker) diff(old, now []*config.File) []diffLine {
	var names []string
	texts := func(files []*config.File) map[string]string {
		out := make(map[string]string)
		for _, f := range files {
			out[f.Name] = m.text(f, m.covers(f), 0, len(f.Text))
			if !slices.Contains(names, f.Name) {
				names = append(names, f.Name)
			}
		}
		return out
	}
	before, after := texts(old), texts(now)
	var out []diffLine
	for _, name := range names {
		for line := range strings.Lines(linediff.Unified(name, name, before[name], after[name])) {
			line = strings.TrimRight(line, "\r\n")
			class := ""
			switch {
			case strings.HasPrefix(line, "+++"), strings.HasPrefix(line, "---"), strings.HasPrefix(line, "@@"):
				class = "head"
			case strings.HasPrefix(line, "+"):
				class = "new"
			case strings.HasPrefix(line, "-"):
				class = "old"
			}
			out = append(out, diffLine{class, visible(line)})
		}
	}
	return out
}

// note is what explain says of a line.
type note struct {
	file string
	line int
	text string
}

// notes keeps what explain says, which costs the compilation of every pattern, until the files change.
type notes struct {
	mu   sync.Mutex
	kept map[string]keptNotes // by pipeline; guarded by mu
}

type keptNotes struct {
	files []*config.File
	notes []note
}

func (n *notes) of(c Config, lookup config.Lookup, reg *plugin.Registry) []note {
	if reg == nil {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if k, ok := n.kept[c.Pipeline]; ok && slices.Equal(k.files, c.Files) {
		return k.notes
	}
	ecs := plugin.ECS("v8")
	for _, s := range c.Settings {
		if s.Name == "pipeline.ecs_compatibility" {
			ecs = plugin.ECS(s.Value)
		}
	}
	k := keptNotes{files: c.Files, notes: notesOf(explain.Explain(c.Files, explain.Options{Registry: reg, ECS: ecs, Lookup: lookup}))}
	if n.kept == nil {
		n.kept = make(map[string]keptNotes)
	}
	n.kept[c.Pipeline] = k
	return k.notes
}

// notesOf takes from a report what belongs to a line.
func notesOf(r *explain.Report) []note {
	var out []note
	for _, p := range r.Patterns {
		out = append(out, note{p.File, p.Line, p.Level + " pattern: " + strings.Join(p.Reasons, "; ")})
	}
	for _, f := range r.Findings {
		out = append(out, note{f.File, f.Line, f.Text})
	}
	for _, o := range r.Options {
		if o.Kind == "no effect" { // the others are diagnostics
			out = append(out, note{o.File, o.Line, o.Plugin + ": " + o.Option + " has no effect: " + o.Advice})
		}
	}
	for _, f := range r.Files {
		if !f.Exists {
			out = append(out, note{f.File, f.Line, f.Plugin + ": " + f.Option + " names a file that is not there"})
		}
	}
	slices.SortStableFunc(out, func(a, b note) int { return cmp.Compare(a.line, b.line) })
	return out
}
