// Package rangefilter drops, tags or extends events by the ranges that numbers, and the lengths of texts, are in.
package rangefilter

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("range", Options{}, New, plugin.Borrowing())

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// Ranges, four items each: field, least and greatest value, and what to do. A text counts by its length. What to do is "drop",
	// "tag:NAME" or "field:NAME:VALUE"; NAME and VALUE may refer to fields.
	Ranges config.Value `opt:"ranges"`

	// Whether values outside the ranges are meant.
	Negate bool `opt:"negate"`
}

// fieldRanges are the ranges of one field, in the order of the config.
type fieldRanges struct {
	path   event.Path
	ranges []valueRange
}

type valueRange struct {
	min, max float64
	drop     bool
	tag      *event.Template
	field    event.PathTemplate
	value    event.Template
	number   event.Value // of a value that is one
}

type filter struct {
	negate bool
	fields []*fieldRanges
	stats  *plugin.Stats
	log    *throttle.Logger
}

// New reads the ranges.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{negate: o.Negate, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	items := o.Ranges.Items
	if o.Ranges.Type != config.Invalid && o.Ranges.Type != config.TypeArray || len(items)%4 != 0 {
		return nil, plugin.OptionError("ranges", errors.New("expected four items for each range: field, least value, greatest value, what to do"))
	}
	byName := make(map[string]*fieldRanges)
	var errs []error
	for ; len(items) > 0; items = items[4:] {
		r, err := newRange(items[1], items[2], items[3])
		if err != nil {
			errs = append(errs, plugin.OptionError("ranges", err))
			continue
		}
		name := items[0].Text()
		fr := byName[name]
		if fr == nil {
			fr = new(fieldRanges)
			if fr.path, err = event.ParsePath(name); err != nil {
				errs = append(errs, plugin.OptionError("ranges", err))
			}
			byName[name] = fr
			f.fields = append(f.fields, fr)
		}
		fr.ranges = append(fr.ranges, r)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return f, nil
}

func newRange(least, greatest, action config.Value) (r valueRange, err error) {
	if r.min, err = bound(least); err != nil {
		return r, err
	}
	if r.max, err = bound(greatest); err != nil {
		return r, err
	}
	parts := strings.Split(action.Text(), ":")
	switch {
	case parts[0] == "drop" && len(parts) == 1:
		r.drop = true
	case parts[0] == "tag" && len(parts) == 2:
		t := event.ParseTemplate(parts[1])
		r.tag, err = &t, t.Err()
	case parts[0] == "field" && len(parts) == 3:
		r.field, r.value = event.ParsePathTemplate(parts[1]), event.ParseTemplate(parts[2])
		r.number = number(parts[2])
		err = errors.Join(r.field.Err(), r.value.Err())
	default:
		err = fmt.Errorf("%q is none of drop, tag:NAME and field:NAME:VALUE", action.Text())
	}
	return r, err
}

func bound(v config.Value) (float64, error) {
	switch v.Type {
	case config.TypeInt:
		return float64(v.Int), nil
	case config.TypeFloat:
		return v.Float, nil
	}
	return 0, fmt.Errorf("the bound of a range must be a number, got %s", v.Inspect())
}

// number returns the number that s is written as, null if it is none.
func number(s string) event.Value {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && strconv.FormatInt(n, 10) == s {
		return event.IntValue(n)
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && string(event.AppendRubyFloat(nil, f)) == s {
		return event.FloatValue(f)
	}
	return event.Value{}
}

// Filter goes through the ranges.
func (f *filter) Filter(e *event.Event) bool {
	for _, fr := range f.fields {
		for i := range fr.ranges {
			v, ok := e.Get(&fr.path)
			if !ok {
				break
			}
			r := &fr.ranges[i]
			if r.holds(v) == f.negate {
				continue
			}
			if r.drop {
				e.Cancel()
				return false
			}
			if err := r.apply(e); err != nil {
				f.stats.Failures.Add(1)
				e.Tag("_filter_error")
				f.log.Warn("what a range asks for could not be done", slog.Any("error", err))
				return false
			}
		}
	}
	return true
}

func (r *valueRange) holds(v event.Value) bool {
	var n float64
	switch v.Kind() {
	case event.Int:
		n = float64(v.Int())
	case event.Float:
		n = v.Float()
	case event.BigInt:
		n, _ = strconv.ParseFloat(v.Str(), 64)
	case event.String:
		n = float64(utf8.RuneCountInString(v.Str()))
	default:
		return false
	}
	return n >= r.min && n <= r.max
}

func (r *valueRange) apply(e *event.Event) error {
	if r.tag != nil {
		tag, err := r.tag.Text(e)
		if err == nil {
			e.Tag(tag)
		}
		return err
	}
	var scratch event.Path
	p, err := r.field.Resolve(e, &scratch)
	if err != nil {
		return err
	}
	text, err := r.value.Text(e)
	if err != nil {
		return err
	}
	if old, _ := e.Get(p); !old.IsNull() {
		return e.AddField(p, event.StringValue(text))
	}
	if !r.number.IsNull() {
		return e.Set(p, r.number)
	}
	return e.Set(p, event.StringValue(text))
}
