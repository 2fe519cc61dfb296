package explain

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// writer prints a report and remembers the first error.
type writer struct {
	w   io.Writer
	err error
}

func (w *writer) printf(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.w, format, args...)
	}
}

// Write prints the report for people.
func (r *Report) Write(out io.Writer) error {
	w := &writer{w: out}
	for _, section := range []struct {
		name string
		list []*Statement
	}{{"input", r.Inputs}, {"filter", r.Filters}, {"output", r.Outputs}} {
		if len(section.list) > 0 {
			w.printf("%s\n", section.name)
			w.statements(section.list, "  ")
		}
	}
	w.old(r.Options)
	w.fields(r)
	w.patterns(r.Patterns)
	if len(r.Findings) > 0 {
		w.printf("\nworth a look\n")
		for _, f := range r.Findings {
			w.printf("  %s:%d: %s\n", f.File, f.Line, f.Text)
		}
	}
	w.surroundings(r)
	return w.err
}

// textWidth is how much of a plugin's options is printed.
const textWidth = 90

func (w *writer) statements(list []*Statement, margin string) {
	for _, s := range list {
		if s.Arms != nil {
			for _, arm := range s.Arms {
				w.printf("%s%s%s\n", margin, arm.Head, needed(arm))
				w.statements(arm.Statements, margin+"  ")
			}
			continue
		}
		head := fmt.Sprintf("%d. %s", s.Step, s.Plugin)
		if s.ID != "" {
			head += " (" + s.ID + ")"
		}
		if s.Unknown {
			head += " UNKNOWN"
		}
		if s.Codec != "" {
			head += " codec " + s.Codec
		}
		w.printf("%s%s  %s:%d\n", margin, head, s.File, s.Line)
		if s.Text != "" {
			w.printf("%s   %s\n", margin, cut(s.Text))
		}
	}
}

func needed(arm *Arm) string {
	if len(arm.Needs) == 0 {
		return ""
	}
	return "  (needs " + strings.Join(arm.Needs, ", ") + ")"
}

func cut(s string) string {
	if utf8.RuneCountInString(s) > textWidth {
		return string([]rune(s)[:textWidth]) + "…"
	}
	return s
}

func (w *writer) old(options []OldOption) {
	if len(options) > 0 {
		w.printf("\noptions of old releases, or without effect\n")
	}
	for _, o := range options {
		w.printf("  %s:%d: %s: %s is %s: %s\n", o.File, o.Line, o.Plugin, o.Option, kindText(o.Kind), o.Advice)
	}
}

func kindText(kind string) string {
	if kind == "no effect" {
		return "without effect"
	}
	return kind
}

func (w *writer) fields(r *Report) {
	if len(r.Fields) > 0 {
		w.printf("\nfields that depend on ecs_compatibility (here %s)\n", r.ECS)
	}
	for _, f := range r.Fields {
		w.printf("  %s:%d: %s", f.File, f.Line, f.Plugin)
		if f.Mode != string(r.ECS) {
			w.printf(" (its own: %s)", f.Mode)
		}
		w.printf("\n")
		if len(f.Legacy)+len(f.ECS) > 0 {
			w.printf("    disabled: %s\n    v1, v8:   %s\n", joined(f.Legacy), joined(f.ECS))
		}
		if f.Note != "" {
			w.printf("    %s\n", f.Note)
		}
	}
}

func (w *writer) patterns(list []Pattern) {
	if len(list) > 0 {
		w.printf("\npatterns\n")
	}
	for _, p := range list {
		w.printf("  %s:%d: %s (score %d): %s\n", p.File, p.Line, p.Level, p.Score, cut(p.Pattern))
		for _, reason := range p.Reasons {
			w.printf("    %s\n", reason)
		}
	}
}

func (w *writer) surroundings(r *Report) {
	if len(r.Variables) > 0 {
		w.printf("\nvariables\n")
	}
	for _, v := range r.Variables {
		state := "NOT SET, and without a default"
		switch {
		case v.Set:
			state = "set"
		case v.Default != nil:
			state = fmt.Sprintf("not set, default %q", *v.Default)
		}
		var lines []string
		for _, p := range v.Places {
			lines = append(lines, fmt.Sprintf("%s:%d", p.File, p.Line))
		}
		w.printf("  %s: %s (%s)\n", v.Name, state, strings.Join(lines, ", "))
	}
	if len(r.Files) > 0 {
		w.printf("\nfiles read\n")
	}
	for _, f := range r.Files {
		state := ""
		if !f.Exists {
			state = ": NOT THERE"
		}
		w.printf("  %s:%d: %s %s %s%s\n", f.File, f.Line, f.Plugin, f.Option, f.Path, state)
	}
}
