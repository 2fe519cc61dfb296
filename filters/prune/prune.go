// Package prune removes fields by their names and values.
package prune

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"millrace/internal/onig"
	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("prune", Options{BlacklistNames: []string{`%\{[^}]+\}`}}, New, plugin.Borrowing())

// Options configures the filter. It works on top-level fields; the common options are applied to every event.
type Options struct {
	// Expressions and names of values may refer to fields of the event, which costs more.
	Interpolate bool `opt:"interpolate"`

	// Regular expressions, one of which the name of a field must match to stay. Also @timestamp and @version go if none does.
	WhitelistNames []string `opt:"whitelist_names"`

	// Regular expressions; a field goes if its name matches one of them.
	BlacklistNames []string `opt:"blacklist_names"`

	// Regular expressions that the value of a field, or each item of an array, must match to stay.
	WhitelistValues config.Map[config.Value] `opt:"whitelist_values"`

	// Regular expressions; the value of a field, or each item of an array, goes if it matches.
	BlacklistValues config.Map[config.Value] `opt:"blacklist_values"`
}

// failureTag is that of filters without one of their own.
const failureTag = "_filter_error"

type filter struct {
	keep, drop             []pattern // of names
	keepValues, dropValues []valueRule
	static                 bool
	stats                  *plugin.Stats
	log                    *throttle.Logger

	decided map[string]bool // whether a field of that name goes; of this worker, if static
	gone    []string
}

// valueRule is one entry of whitelist_values or blacklist_values.
type valueRule struct {
	field   event.Template
	name    string // what field stands for
	pattern pattern
}

// New compiles the expressions.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{static: !o.Interpolate, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	var errs []error
	names := func(option string, list []string) []pattern {
		patterns := make([]pattern, len(list))
		for i, text := range list {
			var err error
			if patterns[i], err = compile(text, o.Interpolate); err != nil {
				errs = append(errs, plugin.OptionError(option, err))
			}
		}
		return patterns
	}
	values := func(option string, list config.Map[config.Value]) []valueRule {
		rules := make([]valueRule, len(list))
		for i, p := range list {
			var err error
			if rules[i].pattern, err = compile(p.Value.Text(), o.Interpolate); err != nil {
				errs = append(errs, plugin.EntryError(option, p.Key, err))
			}
			rules[i].field, rules[i].name = event.ParseTemplate(p.Key), p.Key
		}
		return rules
	}
	f.keep, f.drop = names("whitelist_names", o.WhitelistNames), names("blacklist_names", o.BlacklistNames)
	f.keepValues, f.dropValues = values("whitelist_values", o.WhitelistValues), values("blacklist_values", o.BlacklistValues)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return f.ForWorker(), nil
}

// ForWorker returns the filter for one worker.
func (f *filter) ForWorker() plugin.Filter {
	w := *f
	w.decided, w.gone = make(map[string]bool), nil
	w.keep, w.drop = forWorker(f.keep), forWorker(f.drop)
	w.keepValues, w.dropValues = rulesForWorker(f.keepValues), rulesForWorker(f.dropValues)
	return &w
}

func rulesForWorker(rules []valueRule) []valueRule {
	w := make([]valueRule, len(rules))
	for i := range rules {
		w[i] = valueRule{rules[i].field, rules[i].name, rules[i].pattern.forWorker()}
	}
	return w
}

// Filter removes what has to go. All decisions are made on the event as it came, so that references keep their meaning.
func (f *filter) Filter(e *event.Event) bool {
	err := f.prune(e)
	if err == nil {
		return true
	}
	e.Tag(failureTag)
	f.stats.Failures.Add(1)
	f.log.Warn("an event could not be pruned", slog.Any("error", err))
	return false
}

func (f *filter) prune(e *event.Event) error {
	if err := f.resolve(e); err != nil {
		return err
	}
	f.gone = f.gone[:0]
	for _, field := range e.Root().Fields() {
		goes, err := f.goes(field.Key)
		if err != nil {
			return err
		}
		if goes {
			f.gone = append(f.gone, field.Key)
		}
	}
	err := f.values(e)
	for _, name := range f.gone {
		e.Root().Delete(name)
	}
	clear(f.gone)
	return err
}

// resolve makes the expressions of this event.
func (f *filter) resolve(e *event.Event) error {
	if f.static {
		return nil
	}
	clear(f.decided)
	for _, list := range [][]pattern{f.keep, f.drop} {
		for i := range list {
			if err := list[i].resolve(e); err != nil {
				return err
			}
		}
	}
	for _, rules := range [][]valueRule{f.keepValues, f.dropValues} {
		for i := range rules {
			if err := rules[i].resolve(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *valueRule) resolve(e *event.Event) (err error) {
	if r.name, err = r.field.Text(e); err != nil {
		return err
	}
	return r.pattern.resolve(e)
}

// maxDecided bounds the names that a worker remembers a decision for.
const maxDecided = 4096

// goes decides by name.
func (f *filter) goes(name string) (bool, error) {
	if goes, ok := f.decided[name]; ok {
		return goes, nil
	}
	goes := len(f.keep) > 0
	for i := range f.keep {
		if ok, err := f.keep[i].match(name); err != nil {
			return false, err
		} else if ok {
			goes = false
			break
		}
	}
	for i := 0; i < len(f.drop) && !goes; i++ {
		ok, err := f.drop[i].match(name)
		if err != nil {
			return false, err
		}
		goes = ok
	}
	if f.static {
		if len(f.decided) >= maxDecided {
			clear(f.decided)
		}
		f.decided[strings.Clone(name)] = goes
	}
	return goes, nil
}

// values decides by value. What is no string cannot be matched: it stays, and the event is tagged.
func (f *filter) values(e *event.Event) (err error) {
	for i := range f.keepValues {
		if e2 := f.value(e, &f.keepValues[i], true); e2 != nil {
			err = e2
		}
	}
	for i := range f.dropValues {
		if e2 := f.value(e, &f.dropValues[i], false); e2 != nil {
			err = e2
		}
	}
	return err
}

func (f *filter) value(e *event.Event, rule *valueRule, keep bool) error {
	name := rule.name
	v, ok := e.Root().Get(name)
	if !ok || v.IsNull() || v.Kind() == event.Bool && !v.Bool() {
		return nil
	}
	l := v.List()
	if l == nil {
		match, err := rule.pattern.matchValue(v, name)
		if err == nil && match != keep {
			f.gone = append(f.gone, name)
		}
		return err
	}
	return f.items(e, rule, name, l, keep)
}

// items takes the items of an array out; an array that loses all goes as a whole.
func (f *filter) items(e *event.Event, rule *valueRule, name string, l *event.List, keep bool) (err error) {
	out := e.NewList()
	for _, item := range l.Items() {
		match, e2 := rule.pattern.matchValue(item, name)
		if e2 != nil {
			err = e2
		}
		if e2 != nil || match == keep {
			out.Append(item)
		}
	}
	switch {
	case out.Len() == l.Len():
	case out.Len() == 0:
		f.gone = append(f.gone, name)
	default:
		e.Root().Set(name, event.ListValue(out))
	}
	return err
}

var errTimeout = errors.New("the regular expression took too long")

func errKind(v event.Value, name string) error {
	return fmt.Errorf("a %s in the field %s cannot be matched", v.Kind(), name)
}

// pattern is a regular expression, which may have to be made for each event.
type pattern struct {
	text    event.Template
	regexp  *onig.Regexp
	matcher *onig.Matcher
	made    string // what regexp was made of, if it refers to fields
}

func compile(text string, interpolate bool) (p pattern, err error) {
	p.text = event.ParseTemplate(text)
	if interpolate && !p.text.Static() {
		return p, nil
	}
	p.regexp, err = onig.Compile(text)
	return p, err
}

func forWorker(patterns []pattern) []pattern {
	w := make([]pattern, len(patterns))
	for i := range patterns {
		w[i] = patterns[i].forWorker()
	}
	return w
}

func (p *pattern) forWorker() pattern {
	w := pattern{text: p.text, regexp: p.regexp}
	if p.regexp != nil {
		w.matcher = p.regexp.NewMatcher()
	}
	return w
}

// resolve makes the expression for e, unless it is that of the event before.
func (p *pattern) resolve(e *event.Event) error {
	if p.text.Static() {
		return nil
	}
	text, err := p.text.Text(e)
	if err != nil || p.matcher != nil && text == p.made {
		return err
	}
	re, err := onig.Compile(text)
	if err != nil {
		return err
	}
	p.regexp, p.matcher, p.made = re, re.NewMatcher(), strings.Clone(text)
	return nil
}

func (p *pattern) match(s string) (bool, error) {
	if p.matcher.Match(s) {
		return true, nil
	}
	if p.matcher.TimedOut() {
		return false, errTimeout
	}
	return false, nil
}

func (p *pattern) matchValue(v event.Value, name string) (bool, error) {
	if v.Kind() != event.String {
		return false, errKind(v, name)
	}
	return p.match(v.Str())
}
