package explain

import (
	"fmt"
	"slices"
	"strings"

	"millrace/filters/grok/patterns"
	"millrace/pipeline/config"
)

// Pattern is a regular expression that is slow or dangerous, and why.
type Pattern struct {
	Place
	Plugin  string   `json:"plugin"` // or "if"
	Field   string   `json:"field"`
	Pattern string   `json:"pattern"`
	Score   int      `json:"score"`
	Level   string   `json:"level"` // slow or dangerous
	Reasons []string `json:"reasons"`
}

// Scores of what makes a pattern slow. What can take exponential or high polynomial time is dangerous by itself; two things that
// multiply the work with the length of the text are, too.
const (
	scoreUnanchored = 2
	scoreLeading    = 2
	scoreGreedy     = 2 // each GREEDYDATA beyond the first
	scoreLazy       = 1
	scoreNested     = 6

	literalEnough = 3 // a literal of that length at the start is found faster than a pattern is tried

	levelSlow      = 2
	levelDangerous = 6
)

// manyPatterns is how long a list is that is worth a remark.
const manyPatterns = 10

// patterns looks at the regular expressions of a filter.
func (x *explainer) patterns(n *config.PluginNode, attrs *config.Attributes) {
	switch n.Name {
	case "grok":
		x.grok(n, attrs)
	case "mutate":
		v, _ := attrs.Get("gsub")
		for i := 0; i+2 < len(v.Items); i += 3 {
			x.judge(n.File, v.Items[i+1].Place.Start, "filter mutate", v.Items[i].Str, v.Items[i+1].Str, v.Items[i+1].Str, true)
		}
	}
}

func (x *explainer) conditionPattern(f *config.File, m *config.Match) {
	text := ""
	switch p := m.Pattern.(type) {
	case *config.Regexp:
		text = strings.ReplaceAll(p.Text, `\/`, "/")
	case *config.String:
		text = p.Text
	}
	field := ""
	if ref, ok := m.Left.(*config.FieldRef); ok {
		field = ref.Text
	}
	// A condition asks whether the pattern is somewhere in the text: that it has no anchor is what it is for.
	x.judge(f, m.Start, "if", field, text, text, true)
}

func (x *explainer) grok(n *config.PluginNode, attrs *config.Attributes) {
	sets := [2]*patterns.Set{patterns.Legacy: patterns.Library(patterns.Legacy).Extend(), patterns.ECS: patterns.Library(patterns.ECS).Extend()}
	definitions, _ := attrs.Get("pattern_definitions")
	dirs, _ := attrs.Get("patterns_dir")
	glob := "*"
	if v, ok := attrs.Get("patterns_files_glob"); ok {
		glob = v.Str
	}
	for _, set := range sets {
		for _, dir := range append(dirs.Items, dirs) {
			if dir.Str != "" {
				_ = set.AddPath(dir.Str, glob) // what cannot be read is told by check
			}
		}
		for _, e := range definitions.Hash {
			set.Add(patterns.Definition{Name: e.Key, Text: e.Value.Str, Origin: "pattern_definitions"})
		}
	}
	namedOnly := true
	if v, ok := attrs.Get("named_captures_only"); ok {
		namedOnly = v.Str != "false"
	}
	mode := patterns.Legacy
	if x.mode(attrs).Enabled() {
		mode = patterns.ECS
	}
	var fields [2][]string
	match, _ := attrs.Get("match")
	for _, e := range entries(match) {
		list := e.Value.Items
		if e.Value.Type != config.TypeArray {
			list = []config.Value{e.Value}
		}
		if len(list) > manyPatterns {
			x.r.Findings = append(x.r.Findings, Finding{placeOf(n.File, n.Start),
				fmt.Sprintf("grok tries %d patterns on %s one after the other: put the most frequent first, and anchor all", len(list), e.Key)})
		}
		for _, v := range list {
			for m, set := range sets {
				found, texts := captures(set, v.Str, namedOnly)
				for _, f := range found {
					if !slices.Contains(fields[m], f) {
						fields[m] = append(fields[m], f)
					}
					if patterns.Mode(m) == mode {
						x.texts[f] = texts[f]
					}
				}
			}
			if exp, err := sets[mode].Expand(v.Str, namedOnly); err == nil {
				x.judge(n.File, v.Place.Start, "filter grok", e.Key, v.Str, exp.Regexp, false)
			}
		}
	}
	x.grokFields(n, attrs, fields[patterns.Legacy], fields[patterns.ECS])
}

// entries returns the entries of a hash, or of an array that stands for one.
func entries(v config.Value) []config.Entry {
	if v.Type == config.TypeHash {
		return v.Hash
	}
	var out []config.Entry
	for i := 0; i+1 < len(v.Items); i += 2 {
		out = append(out, config.Entry{Key: v.Items[i].Str, Value: v.Items[i+1]})
	}
	return out
}

// judge scores a regular expression, written as text and standing for regexp, and notes it if it is worth it. search says that it is
// looked for anywhere in a text on purpose.
func (x *explainer) judge(f *config.File, at int, where, field, text, regexp string, search bool) {
	p := Pattern{Place: placeOf(f, at), Plugin: where, Field: field, Pattern: text}
	scan := scanRegexp(regexp)
	add := func(score int, format string, args ...any) {
		p.Score += score
		p.Reasons = append(p.Reasons, fmt.Sprintf(format, args...))
	}
	if !scan.anchored && !search && scan.prefix < literalEnough {
		if scan.leadingAny {
			add(scoreLeading, "begins with %s: a text that does not match is read again from every character", anyName(scan.leadingLazy))
		} else {
			add(scoreUnanchored, "has no ^ at its start: a text that does not match is tried again from every character")
		}
	}
	if scan.dots.all() > 1 {
		add(scan.dots.score(), "has %d of GREEDYDATA, DATA or .* before its end: they share the text in every way before a match fails", scan.dots.all())
	}
	for _, nested := range scan.nested {
		add(scoreNested, "repeats a repetition, %s: the ways to match grow exponentially with the text, and only memoisation and timeout_millis bound the time", nested)
	}
	if p.Score < levelSlow {
		return
	}
	p.Level = "slow"
	if p.Score >= levelDangerous {
		p.Level = "dangerous"
	}
	x.r.Patterns = append(x.r.Patterns, p)
}

func anyName(lazy bool) string {
	if lazy {
		return "DATA (.*?)"
	}
	return "GREEDYDATA (.*)"
}
