package graphite

import (
	"strconv"
	"strings"

	"millrace/internal/netout"
	"millrace/internal/onig"
	"millrace/pipeline/event"
)

// maker makes metrics of events. It is used by one worker.
type maker struct {
	o                *Options
	include, exclude []*onig.Matcher
	format           string // of the event's names
	seconds          int64
}

// append appends the metrics of an event. One without a metric gives nothing.
func (m *maker) append(t *netout.Turn, e *event.Event) (err error) {
	if m.format, err = m.o.MetricsFormat.Text(e); err != nil {
		return err
	}
	m.seconds = m.time(e)
	if m.o.FieldsAreMetrics {
		for _, f := range e.Root().Fields() {
			if f.Key != event.TimestampField && f.Key != event.VersionField && m.wanted(f.Key, true) {
				m.field(t, e, f.Key, f.Val)
			}
		}
		return nil
	}
	for i := range m.o.Metrics {
		name, err := m.o.Metrics[i].Key.Text(e)
		if err != nil {
			return err
		}
		if !m.wanted(name, false) {
			continue
		}
		if v, ok := valueOf(e, name); ok && v.Kind() == event.KindObject {
			m.nested(t, name, v)
			continue
		}
		value, err := m.o.Metrics[i].Value.Text(e)
		if err != nil {
			return err
		}
		m.metric(t, name, event.FloatValue(number(value)))
	}
	return nil
}

// valueOf returns the field that a metric's name refers to, if it does.
func valueOf(e *event.Event, name string) (event.Value, bool) {
	p, err := event.ParsePath(name)
	if err != nil {
		return event.Value{}, false
	}
	return e.Get(&p)
}

// field appends a field as a metric, a hash as one for each of its values. A text may refer to other fields.
func (m *maker) field(t *netout.Turn, e *event.Event, name string, v event.Value) {
	switch v.Kind() {
	case event.KindObject:
		m.nested(t, name, v)
		return
	case event.Int:
		m.metric(t, name, event.FloatValue(float64(v.Int())))
		return
	case event.Float:
		m.metric(t, name, v)
		return
	}
	text := string(v.AppendRubyText(nil))
	if strings.Contains(text, "%{") {
		tmpl := event.ParseTemplate(text)
		if full, err := tmpl.Text(e); err == nil {
			text = full
		}
	}
	m.metric(t, name, event.FloatValue(number(text)))
}

// nested appends the values of a hash as they are. Lists are left out: there is no telling which of their items is the metric.
func (m *maker) nested(t *netout.Turn, name string, v event.Value) {
	for _, f := range v.Object().Fields() {
		inner := name + m.o.Separator + f.Key
		switch f.Val.Kind() {
		case event.KindObject:
			m.nested(t, inner, f.Val)
		case event.KindList:
		default:
			m.metric(t, inner, f.Val)
		}
	}
}

func (m *maker) metric(t *netout.Turn, name string, v event.Value) {
	t.Data = append(t.Data, strings.ReplaceAll(m.format, "*", name)...)
	t.Data = append(t.Data, ' ')
	if v.Kind() == event.Float {
		t.Data = event.AppendRubyFloat(t.Data, v.Float())
	} else {
		t.Data = v.AppendRubyText(t.Data)
	}
	t.Data = append(strconv.AppendInt(append(t.Data, ' '), m.seconds, 10), '\n')
	t.EndRecord()
}

// time returns the time of the event's metrics, in seconds since 1970.
func (m *maker) time(e *event.Event) int64 {
	v, _ := e.Get(&m.o.TimestampField)
	switch v.Kind() {
	case event.Time:
		return v.Time().Unix()
	case event.Int:
		return v.Int()
	case event.Float:
		return int64(v.Float())
	}
	return int64(number(v.Text()))
}

// wanted reports whether a name is included and not excluded. An empty include_metrics includes all fields, but no metrics.
func (m *maker) wanted(name string, emptyIsAll bool) bool {
	if !(emptyIsAll && len(m.include) == 0) && !matchesAny(m.include, name) {
		return false
	}
	return !matchesAny(m.exclude, name)
}

func matchesAny(list []*onig.Matcher, name string) bool {
	for _, m := range list {
		if m.Match(name) {
			return true
		}
	}
	return false
}

// number reads the number that a text begins with, as Ruby's to_f does; 0 if there is none.
func number(text string) float64 {
	text = strings.TrimLeft(text, " \t\n\v\f\r")
	end, digit, dot, exp := 0, false, false, false
scan:
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			digit, end = true, i+1
		case c == '_' && digit && i+1 < len(text) && text[i+1] >= '0' && text[i+1] <= '9':
		case (c == '-' || c == '+') && (i == 0 || text[i-1] == 'e' || text[i-1] == 'E'):
		case c == '.' && digit && !dot && !exp:
			dot = true
		case (c == 'e' || c == 'E') && digit && !exp && end == i:
			exp = true
		default:
			break scan
		}
	}
	f, _ := strconv.ParseFloat(strings.ReplaceAll(text[:end], "_", ""), 64) // out of range: infinite, as in Ruby
	return f
}
