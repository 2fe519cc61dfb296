package page

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"millrace/filters/grok/debug"
	"millrace/filters/grok/patterns"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// The limits of the grok debugger: what it does costs the time of the machine that ships the logs.
const (
	maxMatches     = 2 // requests at a time
	matchPatience  = 3 * time.Second
	matchTimeout   = 2 * time.Second // for all lines of a request
	maxForm        = 128 << 10
	maxPattern     = 8 << 10
	maxDefinitions = 32 << 10
	maxLines       = 50
	maxLine        = 16 << 10
)

// grokForm is what the debugger is given.
type grokForm struct {
	Pattern     string
	Lines       string
	Definitions string
	ECS         bool
	All         bool // captures of references without a name
	Source      int  // of the running filters whose definitions count, from 1; 0: none
}

// grokSource is a grok filter of the running config.
type grokSource struct {
	Label       string
	ECS         bool
	Patterns    []string
	Definitions []patterns.Definition
	Dirs        []string
	Glob        string
	All         bool
}

// grokView is what the template gets.
type grokView struct {
	grokForm
	Sources []grokSource
	Error   string
	Hint    string // a pattern that may be meant
	Mark    *marked
	Results []grokResult
	Matched int
	Took    time.Duration
	Tried   bool
}

// grokResult is what became of one line.
type grokResult struct {
	Number   int
	Matched  bool
	TimedOut bool
	Before   string // the match
	Match    string
	After    string
	Captures []capture
	Reached  int
	Length   int
	Line     marked  // where it stopped
	Part     string  // what stopped it
	Pattern  *marked // the part of the pattern
	Steps    []grokStep
}

type capture struct{ Field, Text, Type string }

// grokStep is a definition on the way to what stopped a match.
type grokStep struct {
	Name, Origin string
	Text         marked
}

// marked is a text with a marked part.
type marked struct{ Before, Here, After string }

// mark splits s around a part, which may be empty, and shortens what is far from it.
func mark(s string, start, end, around int) marked {
	start, end = min(max(start, 0), len(s)), min(max(start, end), len(s))
	for start > 0 && start < len(s) && !utf8.RuneStart(s[start]) {
		start--
	}
	if end == start && start < len(s) {
		_, n := utf8.DecodeRuneInString(s[start:])
		end = start + n
	}
	before, after := s[:start], s[end:]
	if len(before) > around {
		before = "…" + strings.ToValidUTF8(before[len(before)-around:], "")
	}
	if short, was := cut(after, around); was {
		after = short + "…"
	}
	here, was := cut(s[start:end], 2*around)
	if was {
		here += "…"
	}
	return marked{visible(before), visible(here), visible(after)}
}

func (p *Page) serveGrok(w http.ResponseWriter, r *http.Request) {
	v := grokView{Sources: p.grokSources()}
	v.ECS = true
	code := http.StatusOK
	if r.Method == http.MethodPost {
		code = p.tryGrok(w, r, &v)
	} else if n, err := strconv.Atoi(r.URL.Query().Get("filter")); err == nil && n > 0 && n <= len(v.Sources) {
		s := v.Sources[n-1]
		v.Source, v.ECS, v.All = n, s.ECS, s.All
		if len(s.Patterns) > 0 {
			v.Pattern = s.Patterns[0]
		}
	}
	p.render(w, r, code, "grok", &layout{Title: "Grok debugger", Tab: "grok"}, &v)
}

func (p *Page) tryGrok(w http.ResponseWriter, r *http.Request, v *grokView) int {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		v.Error = fmt.Sprintf("The form is larger than %s, or damaged.", size(maxForm))
		return http.StatusRequestEntityTooLarge
	}
	source, _ := strconv.Atoi(r.PostForm.Get("filter")) // 0 for what is no number
	if source < 0 || source > len(v.Sources) {
		source = 0
	}
	newline := strings.NewReplacer("\r\n", "\n")
	v.grokForm = grokForm{
		Pattern: r.PostForm.Get("pattern"), Lines: newline.Replace(r.PostForm.Get("lines")), Definitions: newline.Replace(r.PostForm.Get("definitions")),
		ECS: r.PostForm.Get("ecs") != "disabled", All: r.PostForm.Get("all") == "on", Source: source,
	}
	if len(v.Pattern) > maxPattern || len(v.Definitions) > maxDefinitions {
		v.Error = fmt.Sprintf("A pattern may have %s, definitions %s.", size(maxPattern), size(maxDefinitions))
		return http.StatusRequestEntityTooLarge
	}
	release, ok := acquire(r.Context(), p.matches, matchPatience)
	if !ok {
		v.Error = "Others are using the debugger; try again in a moment."
		return http.StatusServiceUnavailable
	}
	defer release()
	start := time.Now()
	v.run()
	v.Took = time.Since(start)
	return http.StatusOK
}

// run tries the pattern on the lines.
func (v *grokView) run() {
	set, err := v.set()
	if err != nil {
		v.Error = visible(err.Error())
		return
	}
	pattern, err := debug.Compile(set, v.Pattern, !v.All)
	if err != nil {
		v.Error = visible(err.Error())
		var mistake *patterns.Error
		if errors.As(err, &mistake) {
			m := mark(v.Pattern, mistake.Offset, mistake.End, 200)
			v.Hint, v.Mark = mistake.Hint, &m
		}
		return
	}
	v.Tried = true
	deadline := time.Now().Add(matchTimeout)
	lines := strings.Split(strings.TrimSuffix(v.Lines, "\n"), "\n")
	for i, line := range lines {
		left := time.Until(deadline)
		if i == maxLines || left <= 0 {
			v.Error = fmt.Sprintf("The other %s were not tried: at most %d lines in %s.", plural(int64(len(lines)-i), "line"), maxLines, took(matchTimeout))
			return
		}
		line, _ = cut(strings.TrimSuffix(line, "\r"), maxLine)
		pattern.SetTimeout(left)
		v.Results = append(v.Results, v.result(i+1, line, pattern.Try(line)))
		if v.Results[i].Matched {
			v.Matched++
		}
	}
}

// set is the library with the definitions of the chosen filter and of the form.
func (v *grokView) set() (*patterns.Set, error) {
	mode := patterns.Legacy
	if v.ECS {
		mode = patterns.ECS
	}
	set := patterns.Library(mode).Extend()
	if v.Source > 0 {
		s := v.Sources[v.Source-1]
		for _, dir := range s.Dirs {
			if err := set.AddPath(dir, s.Glob); err != nil {
				return nil, err
			}
		}
		for _, d := range s.Definitions {
			set.Add(d)
		}
	}
	return set, set.AddReader(strings.NewReader(v.Definitions), "the definitions above")
}

func (v *grokView) result(number int, line string, r debug.Result) grokResult {
	out := grokResult{Number: number, Matched: r.Matched, TimedOut: r.TimedOut, Reached: r.Reached, Length: len(line)}
	switch {
	case r.TimedOut:
		short, _ := cut(line, 500)
		out.Line = marked{Before: visible(short)}
	case r.Matched:
		out.Before, out.Match, out.After = visible(short(line[:r.Start], 500)), visible(short(line[r.Start:r.End], 2000)), visible(short(line[r.End:], 500))
		for _, c := range r.Captures {
			kind := ""
			switch c.Cast {
			case patterns.Int:
				kind = "int"
			case patterns.Float:
				kind = "float"
			}
			out.Captures = append(out.Captures, capture{visible(c.Field), visible(short(c.Text, maxShown)), kind})
		}
	default:
		out.Line = mark(line, r.Reached, r.Reached, 300)
		s := r.Stopped
		out.Part = visible(v.part(s))
		if s.Offset < len(v.Pattern) {
			m := mark(v.Pattern, s.Offset, s.End, 200)
			out.Pattern = &m
		}
		for _, step := range s.Steps {
			out.Steps = append(out.Steps, grokStep{visible(step.Name), visible(step.Origin), mark(step.Text, step.Offset, referenceEnd(step.Text, step.Offset), 120)})
		}
	}
	return out
}

// referenceEnd is where the reference ends that begins at an offset; the offset itself if none does.
func referenceEnd(pattern string, offset int) int {
	if offset < len(pattern) && strings.HasPrefix(pattern[offset:], "%{") {
		if n := strings.IndexByte(pattern[offset:], '}'); n > 0 {
			return offset + n + 1
		}
	}
	return offset
}

// part names what stopped a match.
func (v *grokView) part(s debug.Stop) string {
	if s.End > s.Offset && s.End <= len(v.Pattern) {
		name := v.Pattern[s.Offset:s.End]
		if n := len(s.Steps); n > 1 {
			name += ", in its part " + s.Steps[n-1].Name
		}
		return name
	}
	if s.Offset >= len(v.Pattern) {
		return "the end of the pattern"
	}
	return short(v.Pattern[s.Offset:], 20)
}

// grokSources lists the grok filters of the running config.
func (p *Page) grokSources() []grokSource {
	var out []grokSource
	for _, c := range p.configs() {
		ecs := !slices.ContainsFunc(c.Settings, func(s Setting) bool { return s.Name == "pipeline.ecs_compatibility" && s.Value == "disabled" })
		for _, f := range c.Files {
			for _, s := range f.Sections {
				config.Walk(s.Body, func(n *config.PluginNode) {
					if n.Kind == config.KindFilter && n.Name == "grok" {
						out = append(out, p.grokSource(f, n, ecs))
					}
				})
			}
		}
	}
	return out
}

func (p *Page) grokSource(f *config.File, n *config.PluginNode, ecs bool) grokSource {
	attrs, _ := config.Evaluate(n, p.options.Lookup) // its mistakes are told where the config is shown
	s := grokSource{ECS: ecs, Glob: "*"}
	label := place(f, n.Start)
	if v, ok := attrs.Get("id"); ok {
		label = v.Str + ", " + label
	}
	if v, ok := attrs.Get("ecs_compatibility"); ok {
		s.ECS = plugin.ECS(v.Str).Enabled()
	}
	if v, ok := attrs.Get("named_captures_only"); ok {
		s.All = v.Str == "false"
	}
	if v, ok := attrs.Get("patterns_files_glob"); ok {
		s.Glob = v.Str
	}
	dirs, _ := attrs.Get("patterns_dir")
	for _, d := range append(slices.Clip(dirs.Items), dirs) {
		if d.Str != "" {
			s.Dirs = append(s.Dirs, d.Str)
		}
	}
	definitions, _ := attrs.Get("pattern_definitions")
	for _, e := range definitions.Hash {
		s.Definitions = append(s.Definitions, patterns.Definition{Name: e.Key, Text: e.Value.Str, Origin: "pattern_definitions"})
	}
	match, _ := attrs.Get("match")
	for _, e := range match.Hash {
		s.add(e.Value)
	}
	for i := 1; i < len(match.Items); i += 2 {
		s.add(match.Items[i])
	}
	first := "no pattern"
	if len(s.Patterns) > 0 {
		first = short(s.Patterns[0], 60)
	}
	s.Label = visible(label + ": " + first)
	return s
}

func (s *grokSource) add(v config.Value) {
	if v.Str != "" {
		s.Patterns = append(s.Patterns, v.Str)
	}
	for _, item := range v.Items {
		s.Patterns = append(s.Patterns, item.Str)
	}
}

// servePatterns lists the library.
func (p *Page) servePatterns(w http.ResponseWriter, r *http.Request) {
	var v struct {
		ECS      bool
		Patterns []patterns.Definition
	}
	v.ECS = r.URL.Query().Get("ecs") != "disabled"
	mode := patterns.Legacy
	if v.ECS {
		mode = patterns.ECS
	}
	set := patterns.Library(mode)
	for _, name := range set.Names() {
		if d, ok := set.Lookup(name); ok {
			v.Patterns = append(v.Patterns, d)
		}
	}
	p.render(w, r, http.StatusOK, "patterns", &layout{Title: "Grok patterns", Tab: "grok"}, &v)
}
