// Package bytes reads sizes such as 5.3 GB as numbers of bytes.
package bytes

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/big"
	"strings"
	"time"

	"millrace/filters/internal/ruby"
	"millrace/internal/onig"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("bytes", Options{
	Source: *event.MustPath("message"), ConversionMethod: "binary", DecimalSeparator: ".", TagOnFailure: []string{"_bytesparsefailure"},
}, New, plugin.Borrowing())

// Options configures the filter.
type Options struct {
	// Field that holds the size: a number with an optional unit (k, m, g, t, p, e, in any case, with or without B). Spaces, underscores,
	// commas and dots may separate groups of digits.
	Source event.Path `opt:"source"`

	// Field for the number of bytes; the source if not given.
	Target event.Path `opt:"target"`

	// What a kilobyte is: 1024 bytes (binary) or 1000 (metric).
	ConversionMethod string `opt:"conversion_method,enum=binary|metric,alias=prefix_system"`

	// Character in front of the decimals: a dot or a comma.
	DecimalSeparator string `opt:"decimal_separator"`

	// Tags for events whose field holds no size.
	TagOnFailure []string `opt:"tag_on_failure"`

	DigitGroupSeparator string `opt:"digit_group_separator,obsolete=spaces, underscores, commas and dots may all separate digits"`
}

// size is what the upstream plugin matches: number, unit, B.
var size = onig.MustCompile(`^([0-9 _,.]*)\s*([kKmMgGtTpPeE]?)([bB]?)$`)

type filter struct {
	o       Options
	base    float64
	stats   *plugin.Stats
	log     *throttle.Logger
	matcher *onig.Matcher
	buf     []byte
}

// New checks the separator and chooses the base.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	if o.DecimalSeparator != "." && o.DecimalSeparator != "," {
		return nil, plugin.OptionError("decimal_separator", errors.New(`must be one of ".", ","`))
	}
	f := &filter{o: o, base: 1024, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	if o.ConversionMethod == "metric" {
		f.base = 1000
	}
	if f.o.Target.IsZero() {
		f.o.Target = o.Source
	}
	return f.ForWorker(), nil
}

// ForWorker returns the filter for one worker.
func (f *filter) ForWorker() plugin.Filter {
	w := *f
	w.matcher, w.buf = size.NewMatcher(), nil
	return &w
}

// Filter sets the number of bytes.
func (f *filter) Filter(e *event.Event) bool {
	v, _ := e.Get(&f.o.Source)
	n, err := f.parse(v)
	if err == nil {
		err = e.Set(&f.o.Target, integer(n))
	}
	if err != nil {
		for _, tag := range f.o.TagOnFailure {
			e.Tag(tag)
		}
		f.stats.Failures.Add(1)
		f.log.Warn("a size could not be read", slog.Any("error", err))
		return false
	}
	return true
}

// integer returns a whole number of any size.
func integer(f float64) event.Value {
	if f < 1<<63 {
		return event.IntValue(int64(f))
	}
	i, _ := big.NewFloat(f).Int(nil)
	return event.BigIntValue(i.String())
}

func (f *filter) parse(v event.Value) (float64, error) {
	var text string
	switch v.Kind() {
	case event.String:
		text = ruby.Strip(v.Str())
	case event.Int, event.Float:
		text = v.Text() // Logstash stops at a number
	default:
		return 0, fmt.Errorf("the %s is no size", v.Kind())
	}
	if !f.matcher.Match(text) {
		return 0, fmt.Errorf("%q is no size", v.Text())
	}
	start, end := f.matcher.Group(1)
	number, err := f.number(text[start:end])
	if err != nil {
		return 0, err
	}
	if start, end = f.matcher.Group(2); start < end {
		number *= math.Pow(f.base, float64(1+strings.IndexByte("kmgtpe", text[start]|0x20)))
	}
	if number = math.Round(number); math.IsInf(number, 0) {
		return 0, fmt.Errorf("%q is beyond all sizes", v.Text())
	}
	return number, nil
}

// number reads the digits, leaving out what separates groups of them.
func (f *filter) number(text string) (float64, error) {
	f.buf = f.buf[:0]
	points := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == f.o.DecimalSeparator[0]:
			f.buf = append(f.buf, '.')
			points++
		case c-'0' <= 9:
			f.buf = append(f.buf, c)
		}
	}
	if len(f.buf) == 0 {
		return 0, fmt.Errorf("%q holds no digits", text)
	}
	if points > 1 {
		return 0, fmt.Errorf("%q has %d decimal separators", text, points)
	}
	return ruby.Float(f.buf), nil
}
