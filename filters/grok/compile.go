package grok

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"millrace/filters/grok/patterns"
	"millrace/internal/onig"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// program is what the workers share: all patterns, compiled.
type program struct {
	fields       []field
	breakOnMatch bool
	keepEmpty    bool
	failureTags  []string
	timeoutTag   string
	timeout      time.Duration
	eventScope   bool
}

// field is an entry of match.
type field struct {
	name     string
	path     event.Path
	patterns []compiled
	scan     *prescan // nil where it would not pay
}

// compiled is one pattern.
type compiled struct {
	text     string
	re       *onig.Regexp
	captures []capture
	texts    event.TextFields // the same for the quick way
	place    config.Place
	matched  *atomic.Int64 // texts that it matched; nil unless somebody asked for it
}

// capture puts the text of a group into a field.
type capture struct {
	group     int
	cast      patterns.Cast
	overwrite bool
	path      event.Path
	invalid   error // the name of the field is no valid reference: fails for every event, as in Logstash
}

// noTimeout is what timeout_millis 0 stands for.
const noTimeout = 100 * 365 * 24 * time.Hour

func newProgram(o Options, env *plugin.Env) (*program, error) {
	if err := checkTimes(o); err != nil {
		return nil, err
	}
	set, err := newSet(o, env)
	if err != nil {
		return nil, err
	}
	p := &program{
		breakOnMatch: o.BreakOnMatch, keepEmpty: o.KeepEmptyCaptures,
		failureTags: o.TagOnFailure, timeoutTag: o.TagOnTimeout,
		timeout: time.Duration(o.TimeoutMillis) * time.Millisecond, eventScope: o.TimeoutScope == "event",
	}
	if p.timeout == 0 {
		p.timeout = noTimeout
	}
	c := compiler{set: set, options: o, env: env}
	for _, entry := range mergedMatch(o) {
		f := field{name: entry.Key}
		if f.path, err = event.ParsePath(entry.Key); err != nil {
			c.fail(plugin.EntryError("match", entry.Key, err))
			continue
		}
		for _, text := range entry.Value {
			f.patterns = append(f.patterns, c.pattern(entry.Key, text))
		}
		p.fields = append(p.fields, f)
	}
	if c.errs != nil {
		return nil, errors.Join(c.errs...)
	}
	for i := range p.fields {
		p.fields[i].scan = newPrescan(p.fields[i].patterns)
	}
	return p, nil
}

func checkTimes(o Options) error {
	const most = int64(noTimeout / time.Millisecond)
	if o.TimeoutMillis < 0 || o.TimeoutMillis > most {
		return plugin.OptionError("timeout_millis", fmt.Errorf("must be from 0 to %d, got %d", most, o.TimeoutMillis))
	}
	return nil
}

// mergedMatch adds the patterns of the obsolete option pattern to those of match for message.
func mergedMatch(o Options) config.Map[[]pattern] {
	if len(o.Pattern) == 0 {
		return o.Match
	}
	match := slices.Clone(o.Match)
	for i := range match {
		if match[i].Key == "message" {
			match[i].Value = append(slices.Clone(match[i].Value), o.Pattern...)
			return match
		}
	}
	return append(match, config.Pair[string, []pattern]{Key: "message", Value: o.Pattern})
}

// newSet makes the patterns that the filter knows: the library, then patterns_dir, then pattern_definitions.
func newSet(o Options, env *plugin.Env) (*patterns.Set, error) {
	mode := patterns.Legacy
	if env.ECS.Enabled() {
		mode = patterns.ECS
	}
	set := patterns.Library(mode).Extend()
	err := set.AddOption(env, o.PatternsDir, o.PatternsFilesGlob)
	for _, d := range o.PatternDefinitions {
		set.Add(patterns.Definition{Name: d.Key, Text: d.Value, Origin: "pattern_definitions"})
	}
	return set, err
}

type compiler struct {
	set     *patterns.Set
	options Options
	env     *plugin.Env
	errs    []error
}

func (c *compiler) fail(err error) { c.errs = append(c.errs, err) }

func (c *compiler) pattern(field string, p pattern) compiled {
	out := compiled{text: p.text, place: p.value.Place}
	re, _, err := c.set.Compile(p.text, c.options.NamedCapturesOnly)
	if err != nil {
		c.failPattern(field, p, err)
		return out
	}
	out.re = re
	for _, name := range out.re.Names() {
		out.captures = c.addCaptures(out.captures, name)
	}
	for i := range out.captures {
		t := &out.captures[i]
		group := t.group
		if t.cast != patterns.NoCast || t.overwrite || t.invalid != nil {
			group = -1
		}
		out.texts.Add(&t.path, group)
	}
	return out
}

// failPattern reports a mistake with its place inside the pattern.
func (c *compiler) failPattern(field string, p pattern, err error) {
	option := "match"
	if _, ok := c.options.Match.Get(field); !ok {
		option = "pattern"
	}
	var e *patterns.Error
	if !errors.As(err, &e) {
		c.fail(plugin.EntryError(option, field, err))
		return
	}
	reported := plugin.EntryError(option, field, &placedError{e, p.value})
	if e.Hint != "" {
		reported = plugin.Hinted(reported, "did you mean %q?", e.Hint)
	}
	c.fail(reported)
}

// placedError is a mistake in one pattern of a list: the place is that of the pattern, not of the whole option.
type placedError struct {
	mistake *patterns.Error
	value   config.Value
}

// Error tells what is wrong.
func (e *placedError) Error() string { return e.mistake.Error() }

// ErrorOffset returns the byte of the pattern at which the report points.
func (e *placedError) ErrorOffset() int { return e.mistake.Offset }

// ErrorPlace returns the place of the mistake in the configuration.
func (e *placedError) ErrorPlace() config.Place { return e.value.ErrorPlace(e) }

// Unwrap returns the error of the pattern.
func (e *placedError) Unwrap() error { return e.mistake }

// addCaptures adds the groups of one name. A cast concerns the first of them only: so it does in Logstash, and the others
// are dropped then, because a text is not added to a number.
func (c *compiler) addCaptures(captures []capture, name onig.Name) []capture {
	fieldName, cast := patterns.ParseGroup(name.Name)
	path, err := targetPath(&c.options.Target, fieldName)
	if err != nil {
		c.env.Warn("match", "the capture %q fails for every event: %s", name.Name, err)
	}
	overwrite := slices.Contains(c.options.Overwrite, fieldName)
	for _, group := range name.Groups {
		captures = append(captures, capture{group: group, cast: cast, overwrite: overwrite, path: path, invalid: err})
		cast = patterns.NoCast
	}
	return captures
}

// targetPath returns the path of a field below the target, if there is one.
func targetPath(target *event.Path, field string) (event.Path, error) {
	path, err := event.ParsePath(field)
	if err != nil || target.IsZero() {
		return path, err
	}
	below := *target
	if path.IsMetadata() {
		below = below.Join(event.MetadataField)
	}
	for _, key := range path.Keys() {
		below = below.Join(key)
	}
	return below, nil
}
