// Package kv takes texts of the form key=value apart.
package kv

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"millrace/internal/onig"
	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("kv", defaults(), New, plugin.Borrowing())

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// Characters to take from both ends of a value, and of each of its lines. They become a character class of a regular expression, so
	// [ ] \ ^ - need a backslash.
	TrimValue *string `opt:"trim_value"`

	// Characters to take from both ends of a key; see trim_value.
	TrimKey *string `opt:"trim_key"`

	// Characters to take out of a value wherever they stand; see trim_value.
	RemoveCharValue *string `opt:"remove_char_value,alias=trim"`

	// Characters to take out of a key wherever they stand; see trim_value.
	RemoveCharKey *string `opt:"remove_char_key,alias=trimkey"`

	// Letter case to write values in.
	TransformValue string `opt:"transform_value,enum=lowercase|uppercase|capitalize"`

	// Letter case to write keys in.
	TransformKey string `opt:"transform_key,enum=lowercase|uppercase|capitalize"`

	// Characters that separate pairs; each of them does. See trim_value for which need a backslash.
	FieldSplit string `opt:"field_split"`

	// Regular expression that separates pairs, in place of field_split.
	FieldSplitPattern *string `opt:"field_split_pattern"`

	// Characters that separate key and value; see field_split.
	ValueSplit string `opt:"value_split"`

	// Regular expression that separates key and value, in place of value_split.
	ValueSplitPattern *string `opt:"value_split_pattern"`

	// Text in front of every key. It may refer to other fields.
	Prefix event.Template `opt:"prefix"`

	// Field that holds the text, or a list of texts.
	Source event.Path `opt:"source"`

	// Field for the pairs, which are its members then. Without it they become fields of the event.
	Target event.Path `opt:"target"`

	// Keys to keep; all if empty. They may refer to other fields, and are compared before the prefix is added.
	IncludeKeys []event.Template `opt:"include_keys"`

	// Keys to leave out.
	ExcludeKeys []event.Template `opt:"exclude_keys"`

	// Pairs for keys that the text does not have.
	DefaultKeys config.Map[config.Value] `opt:"default_keys"`

	// Whether a key that has the same value again gets it again.
	AllowDuplicateValues bool `opt:"allow_duplicate_values"`

	// Whether pairs without a value are kept, with an empty one.
	AllowEmptyValues bool `opt:"allow_empty_values"`

	// Whether values may stand in (), [] and <>, which are taken off.
	IncludeBrackets bool `opt:"include_brackets"`

	// Whether values are searched for pairs in turn. Those become members of the key.
	Recursive bool `opt:"recursive"`

	// Whether blanks may stand around what separates key and value (lenient) or not (strict).
	Whitespace string `opt:"whitespace,enum=strict|lenient"`

	// How long one text may take, in milliseconds; 0 for as long as it wants. Only regular expressions can take long.
	TimeoutMillis int64 `opt:"timeout_millis"`

	// Tag of events whose text took too long.
	TagOnTimeout string `opt:"tag_on_timeout"`

	// Tags of events whose pairs could not be put into the event.
	TagOnFailure []string `opt:"tag_on_failure"`
}

func defaults() Options {
	return Options{
		FieldSplit: " ", ValueSplit: "=", Source: *event.MustPath("message"), AllowDuplicateValues: true, IncludeBrackets: true,
		Whitespace: "lenient", TimeoutMillis: 30000, TagOnTimeout: "_kv_filter_timeout", TagOnFailure: []string{"_kv_filter_error"},
	}
}

// filter is what all workers share.
type filter struct {
	o        *Options
	grammar  *grammar
	key      edit
	value    edit
	include  keySet
	exclude  keySet
	defaults []event.Field
	timeout  time.Duration
	stats    *plugin.Stats
	log      *throttle.Logger
}

// New compiles the expressions.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: &o, stats: env.Stats, log: throttle.New(env.Log, time.Minute), timeout: time.Duration(o.TimeoutMillis) * time.Millisecond}
	if f.timeout <= 0 {
		f.timeout = 1<<63 - 1
	}
	var errs []error
	var err error
	if f.grammar, err = newGrammar(&o); err != nil {
		errs = append(errs, err)
	}
	f.key, err = newEdit("key", o.TrimKey, o.RemoveCharKey, o.TransformKey)
	errs = append(errs, err)
	f.value, err = newEdit("value", o.TrimValue, o.RemoveCharValue, o.TransformValue)
	errs = append(errs, err)
	for name, list := range map[string][]event.Template{"include_keys": o.IncludeKeys, "exclude_keys": o.ExcludeKeys, "prefix": {o.Prefix}} {
		for i := range list {
			if err := list[i].Err(); err != nil {
				env.Warn(name, "every event will fail: %v", err)
			}
		}
	}
	f.include, f.exclude = newKeySet(o.IncludeKeys), newKeySet(o.ExcludeKeys)
	for _, p := range o.DefaultKeys {
		f.defaults = append(f.defaults, event.Field{Key: p.Key, Val: configValue(p.Value)})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return f, nil
}

// configValue makes a value of an option's.
func configValue(v config.Value) event.Value {
	var keep event.Event // owns what it makes, as it is never reset
	switch v.Type {
	case config.TypeInt:
		return event.IntValue(v.Int)
	case config.TypeFloat:
		return event.FloatValue(v.Float)
	case config.TypeArray:
		l := keep.NewList()
		for _, item := range v.Items {
			l.Append(configValue(item))
		}
		return event.ListValue(l)
	case config.TypeHash:
		o := keep.NewObject()
		for _, entry := range v.Hash {
			o.Set(entry.Key, configValue(entry.Value))
		}
		return event.ObjectValue(o)
	}
	return event.StringValue(v.Text())
}

// ForWorker returns the filter for one worker.
func (f *filter) ForWorker() plugin.Filter {
	w := &worker{filter: f, scanner: scanner{grammar: f.grammar, timeout: f.timeout, learns: f.grammar.plain && !f.o.Recursive, skipEmpty: !f.o.AllowEmptyValues}, key: f.key.forWorker(), value: f.value.forWorker()}
	w.asTheyAre = !f.key.edits() && !f.value.edits() && len(f.include.names) == 0 && len(f.exclude.names) == 0 &&
		f.o.Prefix.String() == "" && !f.o.Recursive
	w.direct = w.asTheyAre && f.o.Target.IsZero() && len(f.defaults) == 0 && f.grammar.plain
	w.scanner.m = f.grammar.pair.NewMatcher()
	w.scanner.has = f.grammar.splitter.NewMatcher()
	return w
}

// Filter works on one event with matchers made for it alone. The pipeline calls the filters of ForWorker instead.
func (f *filter) Filter(e *event.Event) bool { return f.ForWorker().Filter(e) }

// worker is the filter of one worker.
type worker struct {
	*filter
	scanner            scanner
	key, value         edit
	asTheyAre          bool           // no option changes or chooses pairs
	direct             bool           // and they go to the top level of the event
	parts              [32]event.Part // of the text at hand
	replaced           []replaced
	includes, excludes []string // for the event at hand
}

var errTimeout = errors.New("timeout")

// Filter parses the source.
func (w *worker) Filter(e *event.Event) bool {
	v, _ := e.Get(&w.o.Source)
	if w.direct && v.Kind() == event.String {
		n, done, err := w.intoRoot(e, v.Str())
		if err != nil {
			w.fail(e, err)
			return false
		}
		if done {
			return n > 0
		}
	}
	pairs := e.NewObject()
	var err error
	switch v.Kind() {
	case event.String:
		err = w.texts(e, pairs, v)
	case event.KindList:
		err = w.texts(e, pairs, v.List().Items()...)
	case event.Null:
	case event.Bool:
		if v.Bool() {
			w.unsupported(v)
		}
	default:
		w.unsupported(v)
	}
	if err == nil {
		if pairs = w.withDefaults(e, pairs); pairs.Len() == 0 {
			return false
		}
		if err = w.set(e, pairs); err == nil {
			return true
		}
	}
	w.fail(e, err)
	return false
}

// withDefaults returns the pairs with those of default_keys that the text did not have. Defaults come first, as in Logstash.
func (w *worker) withDefaults(e *event.Event, pairs *event.Object) *event.Object {
	if len(w.defaults) == 0 {
		return pairs
	}
	all := e.NewObject()
	for _, d := range w.defaults {
		all.Set(d.Key, e.Own(d.Val))
	}
	for _, p := range pairs.Fields() {
		all.Set(p.Key, p.Val)
	}
	return all
}

func (w *worker) unsupported(v event.Value) {
	w.log.Warn("the kv filter cannot parse this type of data", slog.String("type", v.Kind().String()), slog.String("source", w.o.Source.String()))
}

func (w *worker) fail(e *event.Event, err error) {
	w.stats.Failures.Add(1)
	if err == errTimeout {
		e.Tag(w.o.TagOnTimeout)
		w.log.Warn("a text took too long to parse as pairs", slog.String("source", w.o.Source.String()))
		return
	}
	for _, tag := range w.o.TagOnFailure {
		e.Tag(tag)
	}
	w.log.Warn("pairs could not be put into the event", slog.String("source", w.o.Source.String()), slog.Any("error", err))
}

// texts parses the texts among values into pairs.
func (w *worker) texts(e *event.Event, pairs *event.Object, values ...event.Value) error {
	p := parse{w: w, e: e, pairs: pairs}
	for _, v := range values {
		if v.Kind() != event.String {
			continue
		}
		if err := p.text(v.Str()); err != nil {
			return err
		}
	}
	return nil
}

// set puts the pairs into the event. A key is a field reference, unless there is a target.
func (w *worker) set(e *event.Event, pairs *event.Object) error {
	if !w.o.Target.IsZero() {
		return e.Set(&w.o.Target, event.ObjectValue(pairs))
	}
	return e.SetFields(pairs)
}

// keySet are the keys of include_keys or exclude_keys.
type keySet struct {
	templates []event.Template
	static    bool
	names     []string
}

func newKeySet(templates []event.Template) keySet {
	s := keySet{templates: templates, static: true}
	for i := range templates {
		s.static = s.static && templates[i].Static()
		s.names = append(s.names, templates[i].String())
	}
	return s
}

// resolve returns the names for e, in buf if they depend on it.
func (s *keySet) resolve(e *event.Event, buf []string) ([]string, error) {
	if s.static {
		return s.names, nil
	}
	for i := range s.templates {
		name, err := s.templates[i].Text(e)
		if err != nil {
			return nil, err
		}
		buf = append(buf, name)
	}
	return buf, nil
}

// compile compiles an expression that an option holds a part of.
func compile(option, pattern string, opts ...onig.Option) (*onig.Regexp, error) {
	re, err := onig.Compile(pattern, opts...)
	if err != nil {
		var se *onig.SyntaxError
		if errors.As(err, &se) {
			err = fmt.Errorf("%s in the regular expression %s", se.Msg, pattern)
		}
		return nil, plugin.OptionError(option, err)
	}
	return re, nil
}
