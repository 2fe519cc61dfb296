package syslog

import (
	"strconv"

	"millrace/filters/grok/patterns"
	"millrace/internal/onig"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// The tags of messages that are not of the form expected, and of times that cannot be read.
const (
	failureTag     = "_grokparsefailure_sysloginput"
	dateFailureTag = "_dateparsefailure"
)

// unknownPriority is that of a message which tells none: user-level, notice (RFC 3164, section 4.3.3).
const unknownPriority = 13

// fieldNames are the fields of a mode.
type fieldNames struct{ host, priority, severity, facility, severityLabel, facilityLabel *event.Path }

var (
	legacyNames = &fieldNames{
		host: event.MustPath("host"), priority: event.MustPath("priority"), severity: event.MustPath("severity"), facility: event.MustPath("facility"),
		severityLabel: event.MustPath("severity_label"), facilityLabel: event.MustPath("facility_label"),
	}
	ecsNames = &fieldNames{
		host: event.MustPath("[host][ip]"), priority: event.MustPath("[log][syslog][priority]"), severity: event.MustPath("[log][syslog][severity][code]"),
		facility: event.MustPath("[log][syslog][facility][code]"), severityLabel: event.MustPath("[log][syslog][severity][name]"),
		facilityLabel: event.MustPath("[log][syslog][facility][name]"),
	}
	serviceType   = event.MustPath("[service][type]")
	timestamp     = event.MustPath("timestamp")
	timestamp8601 = event.MustPath("timestamp8601")
)

// capture is a group of the pattern and the field that it fills.
type capture struct {
	groups []int
	path   event.Path
	cast   patterns.Cast
	over   bool // it replaces the field, which held the whole message
}

// groups finds out which fields the pattern fills.
func (in *input) groups() error {
	for _, n := range in.pattern.Names() {
		field, cast := patterns.ParseGroup(n.Name)
		p, err := event.ParsePath(field)
		if err != nil {
			return err
		}
		in.capture = append(in.capture, capture{groups: n.Groups, path: p, cast: cast, over: p.String() == in.field.String() || field == "message"})
	}
	return nil
}

// Codec returns the codec of the records: the events of the config's codec, taken apart.
func (in *input) Codec() *plugin.Codec {
	inner := in.env.Codec()
	return &plugin.Codec{NewFramer: inner.NewFramer, NewDecoder: func() plugin.Decoder {
		return &decoder{in: in, inner: inner.NewDecoder(), m: in.pattern.NewMatcher()}
	}}
}

// decoder is one worker's.
type decoder struct {
	in    *input
	inner plugin.Decoder
	m     *onig.Matcher
}

// Decode implements plugin.Decoder.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	var e *event.Event
	d.inner.Decode(r, func() *event.Event {
		d.relay(e)
		e = next()
		return e
	})
	d.relay(e)
}

// relay does with a message what a relay does (RFC 3164, section 4.3): it reads priority, time and sender, or fills in what is missing.
func (d *decoder) relay(e *event.Event) {
	if e == nil {
		return
	}
	names := d.in.names
	priority := int64(unknownPriority)
	if d.match(e) {
		if v, ok := e.Get(names.priority); ok {
			priority = toInt(v)
		}
		d.time(e)
	} else {
		d.in.unknown.Add(1)
		e.Tag(failureTag)
	}
	severity, facility := priority&7, priority>>3
	set(e, names.priority, event.IntValue(priority))
	set(e, names.severity, event.IntValue(severity))
	set(e, names.facility, event.IntValue(facility))
	if d.in.o.UseLabels {
		label(e, names.facilityLabel, d.in.o.FacilityLabels, facility)
		label(e, names.severityLabel, d.in.o.SeverityLabels, severity)
	}
	if d.in.env.ECS.Enabled() && d.in.o.ServiceType != "" && !e.Has(serviceType) {
		set(e, serviceType, event.StringValue(d.in.o.ServiceType))
	}
}

// set sets a field unless it lies below a text that the event brought.
func set(e *event.Event, p *event.Path, v event.Value) { _ = e.Set(p, v) }

func label(e *event.Event, p *event.Path, labels []string, n int64) {
	if n >= 0 && n < int64(len(labels)) {
		set(e, p, event.StringValue(labels[n]))
	}
}

// toInt reads a number as Ruby's to_i does.
func toInt(v event.Value) int64 {
	if v.Kind() == event.Int {
		return v.Int()
	}
	text := v.Text()
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	i, _ := strconv.ParseInt(text[:n], 10, 64) // too many digits give the greatest number
	return i
}

// match takes the message apart.
func (d *decoder) match(e *event.Event) bool {
	v, ok := e.Get(d.in.field)
	if !ok || v.Kind() != event.String {
		return false
	}
	text := v.Str()
	if !d.m.Match(text) {
		return false
	}
	for i := range d.in.capture {
		c := &d.in.capture[i]
		first := true
		for _, g := range c.groups {
			start, end := d.m.Group(g)
			if start < 0 || start == end {
				continue
			}
			value := event.StringValue(text[start:end])
			switch c.cast {
			case patterns.Int:
				value = event.IntValue(toInt(value))
			case patterns.Float:
				f, _ := strconv.ParseFloat(text[start:end], 64) // what is no number is 0
				value = event.FloatValue(f)
			}
			if c.over && first {
				set(e, &c.path, value)
			} else {
				_ = e.AddField(&c.path, value) // fails only below a text that the event brought
			}
			first = false
		}
	}
	return true
}

// time makes the message's time that of the event.
func (d *decoder) time(e *event.Event) {
	if v, ok := e.Get(timestamp8601); ok {
		set(e, timestamp, v)
	}
	v, ok := e.Get(timestamp)
	if !ok {
		return
	}
	text, now := v.Text(), d.in.env.Now()
	for _, p := range d.in.parsers {
		if t, ok := p.Parse(text, now); ok {
			e.SetTimestamp(t)
			return
		}
	}
	e.Tag(dateFailureTag)
}
