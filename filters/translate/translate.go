// Package translate looks texts up in a dictionary.
package translate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("translate", Options{
	Exact: true, RefreshInterval: 300 * time.Second, RefreshBehaviour: "merge", YAMLLoadStrategy: "one_shot",
}, New, plugin.Borrowing())

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// Field whose value is looked up, as text; of an array the first item.
	Source event.Path `opt:"source"`

	// Field for what was found: translation by default, or the source itself where ecs_compatibility is on.
	Target event.Path `opt:"target"`

	Field       event.Path `opt:"field,deprecated=use source"`
	Destination event.Path `opt:"destination,deprecated=use target"`

	// Whether a target that exists is replaced. True by default if the target is the source.
	Override *bool `opt:"override"`

	// The dictionary.
	Dictionary config.Map[config.Value] `opt:"dictionary"`

	// File with the dictionary, in place of dictionary: .yml, .yaml, .json, or .csv with two columns. Its keys must be strings.
	DictionaryPath string `opt:"dictionary_path,path"`

	// How many characters a YAML file may have, unless yaml_load_strategy is streaming.
	YAMLDictionaryCodePointLimit *int64 `opt:"yaml_dictionary_code_point_limit"`

	// How a YAML file is read, which costs the same here. With streaming the first mapping in it is the dictionary, true, false, null, decimal
	// integers and floats are the only values that are no strings, aliases are an error, and there is no limit.
	YAMLLoadStrategy string `opt:"yaml_load_strategy,enum=one_shot|streaming"`

	// How often the file is looked at for changes, in seconds; 0 for never.
	RefreshInterval time.Duration `opt:"refresh_interval,unit=s"`

	// Whether a text must be a key as a whole. If not, every key that is found in the text is replaced by its value.
	Exact bool `opt:"exact"`

	// Whether keys are regular expressions, the first that matches counts. It has no effect unless exact is true.
	Regex bool `opt:"regex"`

	// Text for the target if nothing was found. It may refer to other fields.
	Fallback *event.Template `opt:"fallback"`

	// Whether entries that a changed file does not have any more are kept (merge) or not (replace).
	RefreshBehaviour string `opt:"refresh_behaviour,enum=merge|replace"`

	// Array to work through. If it is the source, each of its items is looked up, and the target is an array of what was found, null where
	// nothing was. If not, its items are hashes, and source and target are fields of theirs.
	IterateOn event.Path `opt:"iterate_on"`
}

// yamlLimit is the default of yaml_dictionary_code_point_limit, Logstash's.
const yamlLimit = 128 << 20

type filter struct {
	o        Options
	source   event.Path
	target   event.Path
	inPlace  bool
	override bool
	dict     *dictionary
	stats    *plugin.Stats
	log      *throttle.Logger
	slog     *slog.Logger
}

// New reads the dictionary.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: o, stats: env.Stats, log: throttle.New(env.Log, time.Minute), slog: env.Log}
	errs := []error{f.fields(env), f.paths()}
	if o.Regex && !o.Exact {
		env.Warn("regex", "option \"regex\" has no effect with exact => false")
	}
	if o.Fallback != nil && o.Fallback.Err() != nil {
		env.Warn("fallback", "it will fail for every event: %v", o.Fallback.Err())
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	f.dict = &dictionary{mode: mode{regex: o.Regex && o.Exact, partial: !o.Exact}, merge: o.RefreshBehaviour == "merge", yaml: yamlFiles{streaming: o.YAMLLoadStrategy == "streaming", limit: yamlLimit}}
	if o.YAMLDictionaryCodePointLimit != nil {
		f.dict.yaml.limit = *o.YAMLDictionaryCodePointLimit
	}
	option := "dictionary"
	var err error
	if o.DictionaryPath != "" {
		option = "dictionary_path"
		f.dict.path = o.DictionaryPath
		err = f.dict.load()
	} else {
		err = f.dict.inline(o.Dictionary)
	}
	if err != nil {
		return nil, plugin.OptionError(option, err)
	}
	if n := f.dict.table().typed; n > 0 {
		env.Warn(option, "%d keys, such as %s, are no strings and will not be found; put quotes around them", n, f.dict.table().example)
	}
	return f, nil
}

// fields settles the source and the target.
func (f *filter) fields(env *plugin.Env) error {
	var errs []error
	one := func(name string, now *event.Path, old string, then *event.Path) event.Path {
		if !now.IsZero() && !then.IsZero() {
			errs = append(errs, plugin.OptionError(old, fmt.Errorf("%s is the old name of %s, which is given too: remove it", old, name)))
		}
		if now.IsZero() {
			return *then
		}
		return *now
	}
	f.source = one("source", &f.o.Source, "field", &f.o.Field)
	f.target = one("target", &f.o.Target, "destination", &f.o.Destination)
	if f.source.IsZero() {
		errs = append(errs, errors.New(`option "source" is required`))
		return errors.Join(errs...)
	}
	if f.target.IsZero() {
		if f.target = f.source; !env.ECS.Enabled() {
			f.target = *event.MustPath("translation")
		}
	}
	f.inPlace = same(&f.source, &f.target)
	f.override = f.inPlace
	if f.o.Override != nil {
		f.override = *f.o.Override
		if f.inPlace && !f.override {
			errs = append(errs, plugin.OptionError("override", errors.New("override => false has no effect where the target is the source: remove it")))
		}
	}
	return errors.Join(errs...)
}

func same(a, b *event.Path) bool {
	return a.IsMetadata() == b.IsMetadata() && slices.Equal(a.Keys(), b.Keys())
}

// paths checks what concerns the dictionary's file.
func (f *filter) paths() error {
	var errs []error
	if f.o.DictionaryPath != "" && len(f.o.Dictionary) > 0 {
		errs = append(errs, plugin.OptionError("dictionary", errors.New("dictionary and dictionary_path exclude each other")))
	}
	limit := f.o.YAMLDictionaryCodePointLimit
	switch {
	case limit == nil:
	case *limit <= 0:
		errs = append(errs, plugin.OptionError("yaml_dictionary_code_point_limit", errors.New("must be greater than 0")))
	case f.o.DictionaryPath != "" && format(f.o.DictionaryPath) != "yaml":
		errs = append(errs, plugin.OptionError("yaml_dictionary_code_point_limit", errors.New("it is for YAML files only: remove it")))
	case f.o.YAMLLoadStrategy == "streaming":
		errs = append(errs, plugin.OptionError("yaml_dictionary_code_point_limit", errors.New("it does not go with yaml_load_strategy => streaming: remove it")))
	}
	return errors.Join(errs...)
}

// Start looks at the dictionary's file for changes, until ctx ends.
func (f *filter) Start(ctx context.Context) error {
	if f.dict.path == "" || f.o.RefreshInterval <= 0 {
		return nil
	}
	go func() {
		t := time.NewTicker(f.o.RefreshInterval)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
				f.refresh()
			}
		}
	}()
	return nil
}

func (f *filter) refresh() {
	changed, err := f.dict.reload()
	if err != nil {
		f.slog.Warn("a dictionary could not be read again, the old one stays in use", slog.String("path", f.dict.path), slog.Any("error", err))
	} else if changed {
		f.slog.Info("a dictionary was read again", slog.String("path", f.dict.path), slog.Int("entries", len(f.dict.table().values)))
	}
}

// Filter looks the source up.
func (f *filter) Filter(e *event.Event) bool {
	var matched bool
	var err error
	switch {
	case f.o.IterateOn.IsZero():
		matched, err = f.single(e)
	case same(&f.o.IterateOn, &f.source):
		matched, err = f.items(e)
	default:
		matched, err = f.hashes(e)
	}
	if err != nil {
		f.stats.Failures.Add(1)
		f.log.Error("a translation could not be put into the event", slog.String("source", f.source.String()), slog.Any("error", err))
		return false
	}
	return matched
}

// single translates one value. A translation in place counts as a success even if nothing was found.
func (f *filter) single(e *event.Event) (bool, error) {
	v, ok := e.Get(&f.source)
	if !ok || !f.override && e.Has(&f.target) {
		return false, nil
	}
	if l := v.List(); l != nil {
		v = event.Value{}
		if l.Len() > 0 {
			v = l.At(0)
		}
	}
	found, ok, err := f.lookup(e, v)
	if err != nil || !ok {
		return f.inPlace, err
	}
	return true, e.Set(&f.target, found)
}

// items translates each item of an array.
func (f *filter) items(e *event.Event) (bool, error) {
	v, ok := e.Get(&f.source)
	if !ok || !f.override && e.Has(&f.target) {
		return false, nil
	}
	out := e.NewList()
	var one [1]event.Value
	items := one[:0]
	if l := v.List(); l != nil {
		items = l.Items()
	} else if !v.IsNull() {
		items = append(items, v)
	}
	matched := false
	for _, item := range items {
		found, ok, err := f.lookup(e, item)
		if err != nil {
			return false, err
		}
		matched = matched || ok && !found.IsNull() && (found.Kind() != event.Bool || found.Bool())
		out.Append(found)
	}
	return matched || f.inPlace, e.Set(&f.target, event.ListValue(out))
}

// hashes translates a field of each item of an array.
func (f *filter) hashes(e *event.Event) (bool, error) {
	v, ok := e.Get(&f.o.IterateOn)
	if !ok {
		return false, nil
	}
	matched := f.inPlace
	for _, item := range v.List().Items() {
		o := item.Object()
		if o == nil {
			continue
		}
		inner, ok := below(o, f.source.Keys())
		if !ok || inner.IsNull() {
			continue
		}
		found, ok, err := f.lookup(e, inner) // an array as a whole, as text
		if err != nil {
			return false, err
		}
		if !ok {
			continue
		}
		matched = true
		if err := setBelow(e, o, f.target.Keys(), found); err != nil {
			return false, err
		}
	}
	return matched, nil
}

// below returns the value that names lead to from o.
func below(o *event.Object, names []string) (v event.Value, ok bool) {
	for i, name := range names {
		if v, ok = o.Get(name); !ok || i == len(names)-1 {
			return v, ok
		}
		if o = v.Object(); o == nil {
			return v, false
		}
	}
	return v, ok
}

// setBelow sets what names lead to from o, making the objects on the way.
func setBelow(e *event.Event, o *event.Object, names []string, v event.Value) error {
	for _, name := range names[:len(names)-1] {
		next, _ := o.Get(name)
		switch {
		case next.IsNull():
			inner := e.NewObject()
			o.Set(name, event.ObjectValue(inner))
			o = inner
		case next.Object() == nil:
			return fmt.Errorf("could not set a field below the %s %q", next.Kind(), name)
		default:
			o = next.Object()
		}
	}
	o.Set(names[len(names)-1], v)
	return nil
}

// lookup finds v in the dictionary, or falls back.
func (f *filter) lookup(e *event.Event, v event.Value) (found event.Value, ok bool, err error) {
	text := v.Str()
	if v.Kind() != event.String {
		text = e.Arena.Take(v.AppendRubyText(e.Arena.Free()))
	}
	if found, ok = f.dict.table().find(e, text); ok {
		return e.Own(found), true, nil
	}
	if f.o.Fallback == nil {
		return event.Value{}, false, nil
	}
	s, err := f.o.Fallback.Text(e)
	return event.StringValue(s), err == nil, err
}

var _ plugin.Starter = (*filter)(nil)
