// Package graphite reads and writes metrics in Graphite's plain text: name, value, Unix time.
package graphite

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"millrace/codecs/internal/rubynum"
	"millrace/internal/lines"
	"millrace/internal/onig"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("graphite", Options{
	IncludeMetrics: []string{".*"}, ExcludeMetrics: []string{`%\{[^}]+\}`}, MetricsFormat: "*",
}, New)

// FailureTag marks a line that is no metric.
const FailureTag = "_graphiteparsefailure"

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Metrics to write: names and values, both with references to fields. What is no number is 0.
	Metrics config.Pairs[event.Template, event.Template] `opt:"metrics"`

	// Whether to write every top-level field as a metric, in place of metrics.
	FieldsAreMetrics bool `opt:"fields_are_metrics"`

	// Regular expressions of the names to write.
	IncludeMetrics []string `opt:"include_metrics"`

	// Regular expressions of the names not to write: unless told otherwise, those with a reference to a field that is missing.
	ExcludeMetrics []string `opt:"exclude_metrics"`

	// Text of a name, with * where the name of the metric goes.
	MetricsFormat string `opt:"metrics_format"`
}

// New returns the codec.
func New(o Options, _ *plugin.Env) (*plugin.Codec, error) {
	include, err1 := compile("include_metrics", o.IncludeMetrics)
	exclude, err2 := compile("exclude_metrics", o.ExcludeMetrics)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return &plugin.Codec{
		NewFramer:  func() plugin.Framer { return lines.New("\n", lines.DefaultLimit, "_linetoolong") },
		NewDecoder: func() plugin.Decoder { return decoder{} },
		NewEncoder: func() plugin.Encoder {
			return &encoder{o: &o, include: matchers(include), exclude: matchers(exclude)}
		},
	}, nil
}

func compile(option string, patterns []string) ([]*onig.Regexp, error) {
	var list []*onig.Regexp
	for _, p := range patterns {
		re, err := onig.Compile(p)
		if err != nil {
			return nil, plugin.OptionError(option, err)
		}
		list = append(list, re)
	}
	return list, nil
}

func matchers(list []*onig.Regexp) []*onig.Matcher {
	var m []*onig.Matcher
	for _, re := range list {
		m = append(m, re.NewMatcher())
	}
	return m
}

type decoder struct{}

// Decode implements plugin.Decoder. A line without a name and a value is tagged; in Logstash it ends the input.
func (decoder) Decode(r *event.Record, next func() *event.Event) {
	e := next()
	name, rest := word(r.Data)
	value, rest := word(rest)
	when, _ := word(rest)
	if value == "" {
		e.Root().Set("message", event.StringValue(strings.ToValidUTF8(r.Data, "\uFFFD")))
		e.Tag(FailureTag)
		return
	}
	if path, err := event.ParsePath(strings.ToValidUTF8(name, "\uFFFD")); err != nil || e.Set(&path, event.FloatValue(rubynum.ToFloat(value))) != nil {
		e.Root().Set("message", event.StringValue(strings.ToValidUTF8(r.Data, "\uFFFD")))
		e.Tag(FailureTag)
	}
	if when != "" {
		e.SetTimestamp(time.Unix(int64(rubynum.ToFloat(when)), 0))
	}
}

// word cuts the first word off s.
func word(s string) (first, rest string) {
	const blanks = " \t\n\v\f\r"
	s = strings.TrimLeft(s, blanks)
	if i := strings.IndexAny(s, blanks); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

type encoder struct {
	o                *Options
	include, exclude []*onig.Matcher
	text             []byte // scratch
}

// AppendEncode implements plugin.Encoder. An event without a metric gives nothing.
func (c *encoder) AppendEncode(dst []byte, e *event.Event) ([]byte, error) {
	seconds := int64(0)
	if t, ok := e.Timestamp(); ok {
		seconds = t.Unix()
	}
	if c.o.FieldsAreMetrics {
		for _, f := range e.Root().Fields() {
			if f.Key != event.TimestampField && f.Key != event.VersionField && c.wanted(f.Key, true) {
				dst = c.append(dst, f.Key, c.fieldValue(f.Val, e), seconds)
			}
		}
		return dst, nil
	}
	for i := range c.o.Metrics {
		name, err := c.o.Metrics[i].Key.Text(e)
		if err != nil {
			return dst, err
		}
		if !c.wanted(name, false) {
			continue
		}
		value, err := c.o.Metrics[i].Value.Text(e)
		if err != nil {
			return dst, err
		}
		dst = c.append(dst, name, rubynum.ToFloat(value), seconds)
	}
	return dst, nil
}

// fieldValue reads the text of a field as a number; a text may refer to other fields.
func (c *encoder) fieldValue(v event.Value, e *event.Event) float64 {
	switch v.Kind() {
	case event.Int:
		return float64(v.Int())
	case event.Float:
		return v.Float()
	case event.String:
		if strings.Contains(v.Str(), "%{") {
			t := event.ParseTemplate(v.Str())
			c.text, _ = t.Append(c.text[:0], e)
			return rubynum.ToFloat(string(c.text))
		}
	}
	c.text = v.AppendRubyText(c.text[:0])
	return rubynum.ToFloat(string(c.text))
}

// wanted reports whether a name is included and not excluded. An empty include_metrics includes all fields, but no metrics.
func (c *encoder) wanted(name string, emptyIsAll bool) bool {
	if !(emptyIsAll && len(c.include) == 0) && !matchesAny(c.include, name) {
		return false
	}
	return !matchesAny(c.exclude, name)
}

func matchesAny(list []*onig.Matcher, name string) bool {
	for _, m := range list {
		if m.Match(name) {
			return true
		}
	}
	return false
}

func (c *encoder) append(dst []byte, name string, value float64, seconds int64) []byte {
	format := c.o.MetricsFormat
	for {
		before, after, ok := strings.Cut(format, "*")
		dst = append(dst, before...)
		if !ok {
			break
		}
		dst = append(dst, name...)
		format = after
	}
	dst = event.AppendRubyFloat(append(dst, ' '), value)
	return append(strconv.AppendInt(append(dst, ' '), seconds, 10), '\n')
}
