// Package logfmt takes lines of the form level=info msg="two words" took=0.25 apart.
package logfmt

import (
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("logfmt", Options{Source: *event.MustPath("message"), TagOnFailure: []string{"_logfmtparsefailure"}}, New, plugin.Borrowing())

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// Field that holds the line.
	Source event.Path `opt:"source"`

	// Field for the pairs, which are its members then. Without it they become fields of the event.
	Target event.Path `opt:"target"`

	// Whether the source is removed when it was parsed.
	RemoveSource bool `opt:"remove_source"`

	// Tags of events whose line could not be parsed.
	TagOnFailure []string `opt:"tag_on_failure"`
}

type filter struct {
	o     Options
	stats *plugin.Stats
	log   *throttle.Logger
}

// New returns the filter.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	return &filter{o: o, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}, nil
}

var (
	errKind  = errors.New("the source is no string")
	errNone  = errors.New("the line has no pair")
	errQuote = errors.New("a quoted value does not end")
	errAfter = errors.New("text behind a quoted value")
)

// Filter parses the source.
func (f *filter) Filter(e *event.Event) bool {
	v, _ := e.Get(&f.o.Source)
	if v.IsNull() {
		return false
	}
	if v.Kind() != event.String {
		return f.fail(e, errKind)
	}
	pairs := e.NewObject()
	if err := parse(e.Arena, v.Str(), pairs); err != nil {
		return f.fail(e, err)
	}
	if f.o.RemoveSource {
		e.Remove(&f.o.Source)
	}
	if err := f.set(e, pairs); err != nil {
		if f.o.RemoveSource {
			_ = e.Set(&f.o.Source, v) // it was there before
		}
		return f.fail(e, err)
	}
	return true
}

// fail tags and counts; it returns false.
func (f *filter) fail(e *event.Event, err error) bool {
	f.stats.Failures.Add(1)
	for _, tag := range f.o.TagOnFailure {
		e.Tag(tag)
	}
	f.log.Warn("a line could not be parsed as logfmt", slog.String("source", f.o.Source.String()), slog.Any("error", err))
	return false
}

func (f *filter) set(e *event.Event, pairs *event.Object) error {
	if !f.o.Target.IsZero() {
		return e.Set(&f.o.Target, event.ObjectValue(pairs))
	}
	for _, p := range pairs.Fields() {
		if p.Key != event.TimestampField && p.Key != event.TagsField && p.Key != event.MetadataField && strings.IndexByte(p.Key, '[') < 0 && strings.IndexByte(p.Key, ']') < 0 {
			e.Root().Set(p.Key, p.Val)
			continue
		}
		path, err := event.ParsePath(p.Key)
		if err != nil {
			return err
		}
		if err := e.Set(&path, p.Val); err != nil {
			return err
		}
	}
	return nil
}

// parse adds the pairs of s to o. A key without a value is true, a number without quotes is one.
func parse(a *event.Arena, s string, o *event.Object) error {
	equals := false
	for i := 0; i < len(s); {
		if s[i] <= ' ' || s[i] == '=' || s[i] == '"' {
			i++
			continue
		}
		start := i
		for i < len(s) && s[i] > ' ' && s[i] != '=' && s[i] != '"' {
			i++
		}
		key := s[start:i]
		if i == len(s) || s[i] != '=' {
			o.Set(key, event.BoolValue(true))
			continue
		}
		equals = true
		v, n, err := value(a, s[i+1:])
		if err != nil {
			return err
		}
		o.Set(key, v)
		i += 1 + n
	}
	if !equals {
		return errNone
	}
	return nil
}

// value reads the value that s begins with, and tells its length.
func value(a *event.Arena, s string) (v event.Value, n int, err error) {
	if s == "" || s[0] != '"' {
		for n < len(s) && s[n] > ' ' {
			n++
		}
		return number(s[:n]), n, nil
	}
	escaped := false
	for n = 1; n < len(s) && s[n] != '"'; n++ {
		if s[n] == '\\' {
			escaped = true
			n++
		}
	}
	if n >= len(s) {
		return v, 0, errQuote
	}
	if n+1 < len(s) && s[n+1] > ' ' {
		return v, 0, errAfter
	}
	text := s[1:n]
	if escaped {
		text = unescape(a, text)
	}
	return event.StringValue(text), n + 1, nil
}

// unescape replaces \n, \r, \t, \" and \\; a backslash before anything else stays.
func unescape(a *event.Arena, s string) string {
	dst := a.Free()
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' && i+1 < len(s) {
			if at := strings.IndexByte(`nrt"\`, s[i+1]); at >= 0 {
				c = "\n\r\t\"\\"[at]
				i++
			}
		}
		dst = append(dst, c)
	}
	return a.Take(dst)
}

// number returns s as the number that it spells, or as text.
func number(s string) event.Value {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || digits[0] < '0' || digits[0] > '9' || len(digits) > 1 && digits[0] == '0' && digits[1] != '.' || strings.Trim(digits, "0123456789.eE+-") != "" {
		return event.StringValue(s)
	}
	if strings.Trim(digits, "0123456789") == "" {
		return event.BigIntValue(s)
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return event.FloatValue(f)
	}
	return event.StringValue(s)
}
